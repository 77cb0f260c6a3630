//! What became of the projects in use: their status (PEP 792), versions and files that are no longer
//! listed, projects that are gone. Pages are compared whenever one is fetched, and a job visits those
//! that no client asked for lately.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use portcullis_core::event::Severity;
use portcullis_core::index::SourceName;
use portcullis_core::pypi::filename::DistFilename;
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::pypi::simple::ProjectPage;
use portcullis_core::time::Timestamp;
use portcullis_store::events::NewEvent;
use portcullis_store::pages::{self, ListedPage};
use portcullis_store::pins;
use serde_json::json;

use super::tell;
use crate::app::App;
use crate::error::FlowError;
use crate::flow::source_pages::source_page;
use crate::jobs::schedule::{Job, Reach};
use crate::sources::Source;

/// Visits the projects in use.
pub static JOB: Job = Job {
    name: "visit-projects",
    summary: "asks upstreams what became of the projects in use",
    reach: Reach::Outside,
    every: |app| app.config.monitor.projects,
    run: |app| Box::pin(visit(app)),
};

/// The pause between two projects: a visit must not look like an attack.
const PAUSE: Duration = Duration::from_millis(100);

/// After so many projects in a row about which an upstream could not be asked, its visit ends.
const FAILURES: usize = 5;

/// How many versions or files a sentence names.
const NAMED: usize = 8;

async fn visit(app: Arc<App>) -> Result<String, FlowError> {
    let period = app.config.monitor.projects.unwrap_or_default();
    let half = i64::try_from(period.as_millis() / 2).unwrap_or(i64::MAX);
    let before = app.now().plus_millis(half.saturating_neg());
    let (mut visited, mut failed) = (0_u64, 0_u64);
    for (name, source) in &app.sources {
        if !matches!(**source, Source::Upstream(_)) {
            continue;
        }
        let kept = pages::list(&app.db, name.as_str()).await?;
        let mut in_a_row = 0;
        for page in kept.iter().filter(|page| page.checked_at <= before) {
            match visit_one(&app, source, page).await {
                true => (visited, in_a_row) = (visited + 1, 0),
                false => (failed, in_a_row) = (failed + 1, in_a_row + 1),
            }
            if in_a_row == FAILURES {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
    match (visited, failed) {
        (0, failed) if failed > 0 => Err(FlowError::Job(format!(
            "no upstream answered ({failed} projects tried)"
        ))),
        (visited, failed) => Ok(format!(
            "projects visited: {visited}, without an answer: {failed}"
        )),
    }
}

/// Whether the source answered. The comparison happens where pages are taken in.
async fn visit_one(app: &Arc<App>, source: &Arc<Source>, page: &ListedPage) -> bool {
    match source_page(app, source, &page.project).await {
        Ok(Some(page)) => page.freshness.stale_since.is_none(),
        Ok(None) => true,
        Err(_) => false,
    }
}

/// The page of a project as it was kept, with the moment since which it was like that.
#[derive(Clone, Copy, Debug)]
pub struct Earlier<'p> {
    /// The page.
    pub page: &'p ProjectPage,
    /// When it was fetched.
    pub fetched_at: Timestamp,
}

/// Tells, in the background, of what changed between an earlier page and the one that was fetched now.
pub fn report_changes(
    app: &Arc<App>,
    source: &SourceName,
    earlier: Earlier<'_>,
    now: &ProjectPage,
) {
    let status = status_event(source, earlier, now);
    let gone = Gone::between(earlier.page, now);
    if status.is_none() && gone.files.is_empty() {
        return;
    }
    let (app, source, project) = (Arc::clone(app), source.clone(), now.name.clone());
    let since = earlier.fetched_at;
    tokio::spawn(async move {
        if let Some(event) = status {
            tell(&app, &event).await;
        }
        if !gone.files.is_empty() {
            let held = held(&app, &source, &project).await;
            tell(&app, &gone.event(&source, &project, &held, since)).await;
        }
    });
}

/// Tells, in the background, that a source does not have a project any more of which we hold its page
/// of `since`, or files. Most names that a source does not have are nobody's business.
pub fn report_absence(
    app: &Arc<App>,
    source: &SourceName,
    project: &ProjectName,
    since: Option<Timestamp>,
) {
    let (app, source, project) = (Arc::clone(app), source.clone(), project.clone());
    tokio::spawn(async move {
        let held = held(&app, &source, &project).await;
        if since.is_none() && held.is_empty() {
            return;
        }
        let sentence = match held.len() {
            0 => format!("{source} no longer has {project}, which was asked for here."),
            1 => format!("{source} no longer has {project}, of which we hold 1 file."),
            count => format!("{source} no longer has {project}, of which we hold {count} files."),
        };
        let event = NewEvent::new(
            "project.vanished",
            Severity::Warning,
            format!("{source}/{project}"),
            sentence,
        );
        let since = since.map_or(0, Timestamp::as_millis);
        let event = event
            .detail(json!({ "source": source, "project": project, "held": sorted(&held) }))
            .once_per(format!("{source}/{project} {since}"));
        tell(&app, &event).await;
    });
}

/// The names of the files of a project that were downloaded here.
async fn held(app: &App, source: &SourceName, project: &ProjectName) -> HashSet<String> {
    let pins = pins::pins(&app.db, source.as_str(), project).await;
    let pins = pins.unwrap_or_default().into_iter();
    pins.map(|pin| pin.filename).collect()
}

fn sorted(names: &HashSet<String>) -> Vec<&str> {
    let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
    names.sort_unstable();
    names
}

/// The event of a status that is not what it was. No status means active.
fn status_event(source: &SourceName, earlier: Earlier<'_>, now: &ProjectPage) -> Option<NewEvent> {
    let word = |page: &ProjectPage| {
        let status = page.status.as_ref();
        status.map_or("active".to_owned(), |status| status.status.to_string())
    };
    let (before, after) = (word(earlier.page), word(now));
    if before == after {
        return None;
    }
    let (kind, severity) = match after.as_str() {
        "quarantined" => ("project.quarantined", Severity::Critical),
        "archived" => ("project.archived", Severity::Notice),
        "deprecated" => ("project.deprecated", Severity::Notice),
        "active" => ("project.active", Severity::Info),
        _ => ("project.status-changed", Severity::Notice),
    };
    let project = &now.name;
    let reason = now.status.as_ref().and_then(|status| status.reason.clone());
    let because = reason
        .as_ref()
        .map_or(String::new(), |reason| format!(": {reason}"));
    let sentence = format!("{source} marks {project} as {after} (it was {before}){because}.");
    let event = NewEvent::new(kind, severity, format!("{source}/{project}"), sentence)
        .detail(json!({
            "source": source, "project": project, "before": before, "now": after,
            "reason": reason,
        }))
        .once_per(format!(
            "{source}/{project} {before} {}",
            earlier.fetched_at.as_millis()
        ));
    Some(event)
}

/// What a page listed and does no longer.
#[derive(Debug, PartialEq, Eq)]
struct Gone {
    /// The versions of which no file is left, in the order of the page.
    versions: Vec<String>,
    /// The files, by name, in the order of the page.
    files: Vec<String>,
}

impl Gone {
    fn between(before: &ProjectPage, now: &ProjectPage) -> Self {
        let listed: HashSet<&str> = now.files.iter().map(|file| &*file.filename).collect();
        let version = |filename: &str| {
            let parsed = DistFilename::parse(filename, Some(&now.name)).ok()?;
            Some(parsed.version()?.clone())
        };
        let left: HashSet<_> = listed.iter().filter_map(|name| version(name)).collect();
        let files: Vec<String> = before
            .files
            .iter()
            .map(|file| file.filename.to_string())
            .filter(|name| !listed.contains(name.as_str()))
            .collect();
        let mut versions = Vec::new();
        for gone in files.iter().filter_map(|name| version(name)) {
            let text = gone.to_string();
            if !left.contains(&gone) && !versions.contains(&text) {
                versions.push(text);
            }
        }
        Self { versions, files }
    }

    fn event(
        &self,
        source: &SourceName,
        project: &ProjectName,
        held: &HashSet<String>,
        since: Timestamp,
    ) -> NewEvent {
        let held: Vec<&String> = self
            .files
            .iter()
            .filter(|name| held.contains(*name))
            .collect();
        let severity = match held.is_empty() {
            true => Severity::Notice,
            false => Severity::Warning,
        };
        let (kind, what) = match self.versions.is_empty() {
            true => ("file.vanished", named(&self.files)),
            false => (
                "version.vanished",
                format!("{project} {}", named(&self.versions)),
            ),
        };
        let holding = match held.len() {
            0 => "none of it was downloaded here".to_owned(),
            1 => "1 file of it was downloaded here".to_owned(),
            count => format!("{count} files of it were downloaded here"),
        };
        let detail: BTreeMap<&str, serde_json::Value> = [
            ("source", json!(source)),
            ("project", json!(project)),
            ("versions", json!(self.versions)),
            ("files", json!(self.files)),
            ("held", json!(held)),
        ]
        .into();
        let sentence = format!("{source} no longer lists {what}; {holding}.");
        NewEvent::new(kind, severity, format!("{source}/{project}"), sentence)
            .detail(json!(detail))
            .once_per(format!(
                "{source}/{project} {} {}",
                since.as_millis(),
                self.files.join("/")
            ))
    }
}

fn named(names: &[String]) -> String {
    let shown = names
        .iter()
        .take(NAMED)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use portcullis_core::pypi::simple::{PageFile, ProjectStatus};

    use super::*;

    fn page(files: &[&str], status: Option<&str>) -> ProjectPage {
        let mut page = ProjectPage::empty("foo".parse().expect("a name"));
        page.files = files.iter().map(|name| PageFile::new(name, "")).collect();
        page.status = status.map(|status| ProjectStatus {
            status: status.into(),
            reason: Some("see the notice".into()),
        });
        page
    }

    #[test]
    fn a_version_is_gone_when_its_last_file_is() {
        let all = [
            "foo-1.0.tar.gz",
            "foo-1.0-py3-none-any.whl",
            "foo-2.0.tar.gz",
            "odd.zip",
        ];
        for (left, versions, files) in [
            (&all[..], 0, 0),
            (&all[1..], 0, 1),
            (&all[2..], 1, 2),
            (&all[..3], 0, 1),
            (&[], 2, 4),
        ] {
            let gone = Gone::between(&page(&all, None), &page(left, None));
            assert_eq!(
                (gone.versions.len(), gone.files.len()),
                (versions, files),
                "{left:?}"
            );
        }
    }

    #[test]
    fn a_change_of_status_is_told_with_what_it_means() {
        let source: SourceName = "pypi".parse().expect("a name");
        for (before, now, expected) in [
            (
                None,
                Some("archived"),
                Some(("project.archived", Severity::Notice)),
            ),
            (Some("active"), None, None),
            (
                None,
                Some("quarantined"),
                Some(("project.quarantined", Severity::Critical)),
            ),
            (
                Some("quarantined"),
                None,
                Some(("project.active", Severity::Info)),
            ),
            (Some("archived"), Some("archived"), None),
            (
                None,
                Some("odd"),
                Some(("project.status-changed", Severity::Notice)),
            ),
        ] {
            let (before, now) = (page(&[], before), page(&[], now));
            let earlier = Earlier {
                page: &before,
                fetched_at: Timestamp::from_millis(1),
            };
            let event = status_event(&source, earlier, &now);
            let found = event.as_ref().map(|event| (&*event.kind, event.severity));
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn a_sentence_names_a_few_and_counts_the_rest() {
        let names: Vec<String> = (0..10).map(|number| number.to_string()).collect();
        assert_eq!(named(&names), "0, 1, 2, 3, 4, 5, 6, 7 and 2 more");
        assert_eq!(named(&names[..1]), "0");
    }
}

//! A project's page: gathered, judged, presented, rendered, and kept as bytes for as long as nothing
//! that it rests on has changed.

use std::borrow::Cow;
use std::sync::Arc;

use portcullis_core::index::Index;
use portcullis_core::policy::Decision;
use portcullis_core::presentation;
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::pypi::negotiate::Format;
use portcullis_core::pypi::simple::ProjectPage;
use portcullis_core::pypi::simple_json::{Namespaces, ProjectNamespace};
use portcullis_core::pypi::{simple_html, simple_json};

use super::evidence;
use super::gather::{Gathered, gather};
use super::releases;
use crate::app::App;
use crate::error::FlowError;
use crate::rendered::{PageKey, Rendered, Validity};
use crate::source_page::{Freshness, our_addresses};
use crate::statistics::Verdict;

/// The page of a project in one form, ready to be sent.
///
/// # Errors
/// [`FlowError`]: absent, or a source that cannot be asked.
pub async fn page(
    app: &Arc<App>,
    index: &Index,
    project: &ProjectName,
    format: Format,
) -> Result<Arc<Rendered>, FlowError> {
    if let Some(page) = at_hand(app, index, project.clone(), format) {
        return Ok(page);
    }
    let key = PageKey {
        index: index.name.clone(),
        project: project.clone(),
        format,
    };
    let changes = app.hosted_changes();
    let gathered = Arc::new(gather(app, index, project).await?);
    releases::learn_newest(app, &gathered);
    let (app_of_task, project) = (Arc::clone(app), project.clone());
    let made = tokio::task::spawn_blocking(move || {
        let judged = judged_page(&app_of_task, &gathered)?;
        let valid = validity(&gathered, &judged.decisions);
        let bytes = render(&app_of_task, &project, judged.page, format);
        let refused = Verdict::of_refused_page(&judged.decisions);
        let rendered = Rendered::new(bytes, valid).refusing(refused);
        Ok::<_, FlowError>((Arc::new(rendered), judged.decisions))
    });
    let (rendered, decisions) = made.await.map_err(|_| FlowError::Stopping)??;
    evidence::record_shown(app, &decisions);
    rendered.compress_in_advance();
    app.remember_rendered(key, &rendered, changes);
    Ok(rendered)
}

/// The page where it is in memory and still true.
pub fn at_hand(
    app: &App,
    index: &Index,
    project: ProjectName,
    format: Format,
) -> Option<Arc<Rendered>> {
    let key = PageKey {
        index: index.name.clone(),
        project,
        format,
    };
    let page = app.rendered.get(&key)?;
    page.valid.holds(app.epoch(), app.now()).then_some(page)
}

fn validity(gathered: &Gathered, decisions: &[Arc<Decision>]) -> Validity {
    let freshness = gathered.page.as_ref().map(|page| page.freshness.clone());
    Validity {
        epoch: gathered.epoch,
        changes_at: decisions
            .iter()
            .filter_map(|decision| decision.changes_at())
            .min(),
        freshness: freshness.unwrap_or_else(Freshness::forever),
    }
}

/// A project's page as installers are to see it, with the decisions behind it.
pub struct JudgedPage<'g> {
    /// The page. File URLs are relative to `/simple/{project}/`.
    pub page: Cow<'g, ProjectPage>,
    /// The decisions about its files, or the one about its name.
    pub decisions: Vec<Arc<Decision>>,
}

/// Judges what was gathered and presents it.
///
/// # Errors
/// [`FlowError::Absent`] when no source has the project and nothing speaks against its name.
pub fn judged_page<'g>(app: &App, gathered: &'g Gathered) -> Result<JudgedPage<'g>, FlowError> {
    let name = gathered.judge_name(app);
    let listed = gathered
        .page
        .as_ref()
        .filter(|page| !page.page.files.is_empty());
    if listed.is_none() && !name.lets_through() {
        let mut page = presentation::tombstone(&name);
        our_addresses(&mut page);
        return Ok(JudgedPage {
            page: Cow::Owned(page),
            decisions: vec![name],
        });
    }
    let Some(source_page) = &gathered.page else {
        return Err(FlowError::Absent(format!(
            "no source of index {} has {}",
            gathered.facts.index, gathered.facts.project
        )));
    };
    let decisions = gathered.judge_files(app);
    let page = presentation::present(&source_page.page, &decisions);
    Ok(JudgedPage { page, decisions })
}

fn render(app: &App, project: &ProjectName, page: Cow<'_, ProjectPage>, format: Format) -> Vec<u8> {
    match format {
        Format::Json => {
            let names = app.names.load();
            let all = names.owned.namespaces();
            let of_project: Vec<ProjectNamespace> = all
                .iter()
                .filter(|namespace| is_within(project, namespace))
                .map(|namespace| ProjectNamespace {
                    name: namespace.clone(),
                    owned: true,
                })
                .collect();
            let namespaces = match all.is_empty() {
                true => Namespaces::Unsupported,
                false => Namespaces::Of(&of_project),
            };
            simple_json::render(&page, namespaces)
        }
        Format::Html | Format::LegacyHtml => {
            // HTML is frozen at version 1.4, which has no place for these (PEP 833). They would make a
            // large page a fifth larger.
            let mut page = page.into_owned();
            for file in &mut page.files {
                file.size = None;
                file.upload_time = None;
            }
            simple_html::render(&page).into_bytes()
        }
    }
}

fn is_within(project: &ProjectName, namespace: &ProjectName) -> bool {
    let rest = project.as_str().strip_prefix(namespace.as_str());
    rest.is_some_and(|rest| rest.starts_with('-'))
}

//! Names that appear outside and are ours, or look like ours. What is new outside is read from a list;
//! whether owned names are there is asked only where that was switched on, since it tells the names.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use portcullis_core::event::Severity;
use portcullis_core::index::Trust;
use portcullis_core::pypi::name::{NamePattern, ProjectName};
use portcullis_core::pypi::simple::ProjectPage;
use portcullis_core::pypi::version::Version;
use portcullis_core::similarity::{LIKELY, Similarity, TargetKind, WellKnown};
use portcullis_store::events::NewEvent;
use portcullis_upstream::simple_index::PageAnswer;
use rand::seq::SliceRandom as _;
use serde_json::json;

use super::lists::{self, Listed};
use super::tell;
use crate::app::App;
use crate::config::OwnedNames;
use crate::error::FlowError;
use crate::flow::source_pages::known_page;
use crate::jobs::schedule::{Job, Reach};
use crate::sources::{Source, Upstream};

/// Compares new names of the outside with ours.
pub static NEW_NAMES: Job = Job {
    name: "new-names",
    summary: "compares new names of the outside with owned ones",
    reach: Reach::Outside,
    every: |app| {
        let monitor = &app.config.monitor;
        monitor.new_names.as_ref().map(|_| monitor.new_names_every)
    },
    run: |app| Box::pin(look_at_new_names(app)),
};

/// Looks whether owned names are outside.
pub static OWNED_NAMES: Job = Job {
    name: "owned-names",
    summary: "looks whether owned names appeared outside",
    reach: Reach::Outside,
    every: |app| (app.config.monitor.owned_names != OwnedNames::Off).then_some(DAY),
    run: |app| Box::pin(look_for_owned_names(app)),
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The longest pause between two questions about owned names, so that they do not come in a burst.
const PAUSE: Duration = Duration::from_millis(500);

/// How many events one run tells at most. More are no news but a misunderstanding, such as a prefix that
/// half of the outside is under.
const MOST: usize = 200;

/// From this major version on, a version was made to win over every honest one.
const ABSURD: u64 = 90;

async fn look_at_new_names(app: Arc<App>) -> Result<String, FlowError> {
    let Some(place) = &app.config.monitor.new_names else {
        return Ok("switched off".to_owned());
    };
    let Some(listed) = lists::read(&app, place).await? else {
        return Ok("nothing new".to_owned());
    };
    let count = listed.len();
    let found = compare(&app, listed, Depth::Similar).await?;
    let told = tell_of(&app, found).await;
    Ok(format!("names read: {count}, of concern: {told}"))
}

async fn look_for_owned_names(app: Arc<App>) -> Result<String, FlowError> {
    match &app.config.monitor.owned_names {
        OwnedNames::Off => Ok("switched off".to_owned()),
        OwnedNames::Ask => ask(&app).await,
        OwnedNames::List(place) => {
            let Some(listed) = lists::read(&app, place).await? else {
                return Ok("the list has not changed".to_owned());
            };
            let count = listed.len();
            let found = compare(&app, listed, Depth::Equal).await?;
            let told = tell_of(&app, found).await;
            Ok(format!("names read: {count}, ours: {told}"))
        }
    }
}

/// How far names are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Depth {
    /// With owned names and prefixes only.
    Equal,
    /// With what resembles them, too.
    Similar,
}

/// A name of the outside that concerns us.
#[derive(Clone, Debug, PartialEq)]
struct Concern {
    listed: Listed,
    /// The owned name or pattern.
    ours: String,
    /// How much it resembles that, and how; `None` when it is owned.
    resemblance: Option<(f32, Vec<String>)>,
}

async fn compare(
    app: &Arc<App>,
    listed: Vec<Listed>,
    depth: Depth,
) -> Result<Vec<Concern>, FlowError> {
    let names = app.names.load_full();
    let compared = tokio::task::spawn_blocking(move || {
        let patterns: Vec<NamePattern> = names.owned.patterns().cloned().collect();
        let similarity =
            (depth == Depth::Similar).then(|| Similarity::new(WellKnown::embedded(), patterns));
        let concern = |listed: Listed| {
            if let Some(ownership) = names.owned.ownership(&listed.name) {
                let ours = ownership.pattern.to_string();
                return Some(Concern {
                    listed,
                    ours,
                    resemblance: None,
                });
            }
            let found = similarity.as_ref()?.look(&listed.name)?;
            let is_meant = found.kind == TargetKind::Owned && found.score >= LIKELY;
            is_meant.then(|| Concern {
                listed,
                ours: found.target.to_string(),
                resemblance: Some((
                    found.score,
                    found
                        .signals
                        .iter()
                        .map(|signal| format!("{signal:?}"))
                        .collect(),
                )),
            })
        };
        listed.into_iter().filter_map(concern).collect()
    });
    compared.await.map_err(|_| FlowError::Stopping)
}

async fn tell_of(app: &Arc<App>, found: Vec<Concern>) -> usize {
    let count = found.len();
    for concern in found.into_iter().take(MOST) {
        let highest = highest_here(app, &concern.listed.name).await;
        tell(app, &concern.event(highest.as_ref())).await;
    }
    count
}

impl Concern {
    fn event(&self, highest_here: Option<&Version>) -> NewEvent {
        let name = &self.listed.name;
        let version = self.listed.version.as_ref();
        let wins = version.is_some_and(|version| wins(version, highest_here));
        let shown = version.map_or(String::new(), |version| format!(" {version}"));
        let (kind, severity, sentence) = match (&self.resemblance, wins) {
            (None, wins) => (
                "name.owned-appeared",
                if wins {
                    Severity::Critical
                } else {
                    Severity::Warning
                },
                format!(
                    "{name}{shown} appeared outside; the name is ours ({}).",
                    self.ours
                ),
            ),
            (Some(_), wins) => (
                "name.similar-appeared",
                if wins {
                    Severity::Warning
                } else {
                    Severity::Notice
                },
                format!(
                    "{name}{shown} appeared outside; it looks like our {}.",
                    self.ours
                ),
            ),
        };
        let (score, signals) = self.resemblance.clone().unwrap_or((1.0, Vec::new()));
        NewEvent::new(kind, severity, name.to_string(), sentence)
            .detail(json!({
                "name": name, "version": version.map(ToString::to_string), "ours": self.ours,
                "score": score, "signals": signals,
            }))
            .once_per(format!("{name} {severity}"))
    }
}

/// Whether installers would prefer the version to ours: dependency confusion is done with such.
fn wins(version: &Version, highest_here: Option<&Version>) -> bool {
    let major = version.to_string();
    let major = major
        .split_once('!')
        .map_or(major.as_str(), |(_, rest)| rest);
    let digits = major
        .split(|c: char| !c.is_ascii_digit())
        .next()
        .unwrap_or_default();
    let is_absurd = digits
        .parse::<u64>()
        .map_or(digits.len() > 18, |major| major >= ABSURD);
    is_absurd || highest_here.is_some_and(|ours| version > ours)
}

/// The highest version that our own sources have.
async fn highest_here(app: &Arc<App>, name: &ProjectName) -> Option<Version> {
    let mut highest = None;
    for source in app.sources.values() {
        let is_ours = match &**source {
            Source::Hosted(_) => true,
            Source::Folder(folder) => folder.origin.trust == Trust::Inside,
            Source::Upstream(upstream) => upstream.origin.trust == Trust::Inside,
        };
        if is_ours && let Ok(Some(page)) = known_page(app, source, name).await {
            highest = highest.max(highest_of(&page.page));
        }
    }
    highest
}

fn highest_of(page: &ProjectPage) -> Option<Version> {
    use portcullis_core::pypi::filename::DistFilename;
    let version = |filename: &str| {
        let parsed = DistFilename::parse(filename, Some(&page.name)).ok()?;
        parsed.version().cloned()
    };
    page.files
        .iter()
        .filter_map(|file| version(&file.filename))
        .max()
}

/// Asks every outside upstream for every owned name. This is the one place where an owned name leaves
/// the house, and it is reached only with `owned-names = "ask"`.
async fn ask(app: &Arc<App>) -> Result<String, FlowError> {
    let mut names = owned_names(app);
    names.shuffle(&mut rand::rng());
    let outside: Vec<&Arc<Upstream>> = app
        .sources
        .values()
        .filter_map(|source| match &**source {
            Source::Upstream(upstream) if upstream.origin.trust == Trust::Outside => Some(upstream),
            _ => None,
        })
        .collect();
    let (mut asked, mut failed, mut there) = (0_u64, 0_u64, 0_u64);
    for name in &names {
        for upstream in &outside {
            asked += 1;
            match upstream.source.fetch_page(name, None).await {
                Ok(PageAnswer::Page(fetched)) => {
                    there += 1;
                    let listed = Listed {
                        name: name.clone(),
                        version: highest_of(&fetched.page),
                    };
                    let concern = Concern {
                        listed,
                        ours: name.to_string(),
                        resemblance: None,
                    };
                    tell_of(app, vec![concern]).await;
                }
                Ok(PageAnswer::Absent | PageAnswer::NotModified) => {}
                Err(_) => failed += 1,
            }
            tokio::time::sleep(PAUSE.mul_f64(rand::random::<f64>())).await;
        }
    }
    match failed > 0 && failed == asked {
        true => Err(FlowError::Job(format!(
            "no upstream answered ({asked} questions)"
        ))),
        false => Ok(format!(
            "questions asked: {asked}, without an answer: {failed}, names found: {there}"
        )),
    }
}

/// The owned names, each once. What is under a prefix is not known, unless it was published here.
fn owned_names(app: &App) -> Vec<ProjectName> {
    let names = app.names.load();
    let exact = names.owned.patterns().filter_map(|pattern| match pattern {
        NamePattern::Exact(name) => Some(name.clone()),
        NamePattern::Prefix(_) => None,
    });
    let exact: BTreeSet<ProjectName> = exact.collect();
    exact.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        text.parse().expect(text)
    }

    #[test]
    fn a_version_that_would_win_is_told_apart() {
        for (outside, ours, expected) in [
            ("99.0", None, true),
            ("90", None, true),
            ("89.9", None, false),
            ("1!91.0", None, true),
            ("9999999999999.0", None, true),
            ("1.2", Some("1.1"), true),
            ("1.1", Some("1.1"), false),
            ("1.0", Some("1.1"), false),
            ("2!0.1", Some("1.1"), true),
        ] {
            let ours = ours.map(version);
            assert_eq!(
                wins(&version(outside), ours.as_ref()),
                expected,
                "{outside} {ours:?}"
            );
        }
    }

    #[test]
    fn what_is_ours_matters_more_than_what_looks_like_it() {
        let event = |version: Option<&str>, resemblance| {
            let concern = Concern {
                listed: Listed {
                    name: "acme-billing".parse().expect("a name"),
                    version: version.map(self::version),
                },
                ours: "acme-billing".to_owned(),
                resemblance,
            };
            let event = concern.event(None);
            (event.kind.to_string(), event.severity)
        };
        let similar = || Some((0.9, vec!["Confusable".to_owned()]));
        let owned = "name.owned-appeared".to_owned();
        let like = "name.similar-appeared".to_owned();
        assert_eq!(event(None, None), (owned.clone(), Severity::Warning));
        assert_eq!(event(Some("99"), None), (owned, Severity::Critical));
        assert_eq!(event(None, similar()), (like.clone(), Severity::Notice));
        assert_eq!(event(Some("99"), similar()), (like, Severity::Warning));
    }
}

//! Why: where a name is routed, what every file of it is decided to be, and what can be done. The same
//! decisions as those of pages and downloads, with everything they rest on.

use std::sync::Arc;

use portcullis_core::explain;
use portcullis_core::fact::FileFacts;
use portcullis_core::index::Index;
use portcullis_core::inspection::{self, Inspected};
use portcullis_core::policy::rules::is_law;
use portcullis_core::policy::{Decision, Effect};
use portcullis_core::presentation::{self, Shown};
use portcullis_core::pypi::requirement::Requirement;
use portcullis_core::pypi::simple::Yanked;
use portcullis_core::pypi::version::Version;
use serde_json::{Value, json};

mod text;
mod manifest;

use super::gather::{Gathered, gather};
use crate::app::App;
use crate::error::FlowError;

/// Everything that is decided about a requirement.
pub struct Why {
    requirement: Requirement,
    gathered: Gathered,
    name: Arc<Decision>,
    files: Vec<Candidate>,
    receives: Option<Version>,
    is_default_index: bool,
}

/// One file that the requirement could mean.
struct Candidate {
    decision: Arc<Decision>,
    shown: Shown,
    version: Option<Version>,
    is_yanked: bool,
    /// What the inspection saw in it, if anybody has looked into it.
    inspected: Option<Arc<Inspected>>,
}

/// Judges everything that `requirement` could mean in `index`.
///
/// # Errors
/// [`FlowError`] when a source that has to be asked cannot be.
pub async fn why(
    app: &Arc<App>,
    index: &Index,
    requirement: &Requirement,
) -> Result<Why, FlowError> {
    let gathered = gather(app, index, &requirement.name).await?;
    let name = gathered.judge_name(app);
    let decisions = gathered.judge_files(app);
    let shown = presentation::shown(&decisions);
    let inspected = |facts: &FileFacts| {
        let content = gathered.content_of(facts)?;
        content.inspection.known().cloned()
    };
    let facts = gathered.page.iter().flat_map(|page| &page.facts);
    let mut files: Vec<Candidate> = facts
        .zip(decisions.into_iter().zip(shown))
        .map(|(facts, (decision, shown))| Candidate {
            decision,
            shown,
            version: facts.version.known().cloned(),
            is_yanked: facts.yanked != Yanked::No,
            inspected: inspected(facts),
        })
        .filter(|file| {
            file.version
                .as_ref()
                .is_none_or(|version| requirement.matches(version))
        })
        .collect();
    files.sort_by(|a, b| b.version.cmp(&a.version));
    let receives = received(&files, requirement);
    Ok(Why {
        requirement: requirement.clone(),
        gathered,
        name,
        files,
        receives,
        is_default_index: index.name == app.config.default_index,
    })
}

/// The version that installers choose of the files that pass: the newest final one that is not yanked;
/// where there is none, or pre-releases are asked for, a pre-release; a yanked one only when it is
/// asked for by itself (PEP 440, PEP 592). What the installing machine can use is not known here.
fn received(files: &[Candidate], requirement: &Requirement) -> Option<Version> {
    let newest = |is_wanted: &dyn Fn(&Candidate, &Version) -> bool| {
        let passing = files.iter().filter(|file| file.decision.lets_through());
        passing
            .filter_map(|file| file.version.as_ref().map(|version| (file, version)))
            .filter(|(file, version)| is_wanted(file, version))
            .map(|(_, version)| version.clone())
            .max()
    };
    let mut specifiers = requirement.specifiers.iter();
    let wants_prereleases = specifiers.any(|specifier| specifier.any_prerelease());
    let is_final = |version: &Version| wants_prereleases || !version.any_prerelease();
    newest(&|file, version| !file.is_yanked && is_final(version))
        .or_else(|| newest(&|file, _| !file.is_yanked))
        .or_else(|| newest(&|_, _| requirement.exact_version().is_some()))
}

impl Why {
    /// Whether an installer asking now receives something.
    pub fn passes(&self) -> bool {
        self.receives.is_some()
    }

    /// What a reviewer could let through, as a requirement: the newest release that is refused and that
    /// installers would rather have, or the project as a whole where only its name is refused. `None`
    /// where nothing is refused, or nothing but what no reviewer can lift.
    pub fn reviewable(&self) -> Option<String> {
        let project = &self.gathered.facts.project;
        let wanted = |file: &&Candidate| file.version.is_some() && file.version > self.receives;
        let refused = match self.files.is_empty() {
            true => Some((project.to_string(), &self.name)),
            false => {
                let mut files = self.files.iter().filter(wanted);
                let newest = files.find(|file| !file.decision.lets_through());
                newest.and_then(|file| {
                    let version = file.version.as_ref()?;
                    Some((format!("{project}=={version}"), &file.decision))
                })
            }
        };
        let (requirement, decision) = refused?;
        let findings = decision.findings().iter();
        let mut refusing = findings.filter(|finding| finding.takes_effect() > Effect::Warn);
        let is_open = refusing.any(|finding| !is_law(&finding.rule));
        is_open.then_some(requirement)
    }

    /// As JSON, for programs.
    pub fn to_json(&self) -> Value {
        let facts = &self.gathered.facts;
        let route = &self.gathered.route;
        let sources = |sources: &[portcullis_core::index::IndexSource]| -> Vec<Value> {
            sources
                .iter()
                .map(|s| json!({ "source": s.name, "kind": s.kind }))
                .collect()
        };
        let file = |file: &Candidate| {
            let mut value = explain::decision(&file.decision);
            value["yanked"] = json!(file.is_yanked);
            value["inspection"] = match &file.inspected {
                Some(inspected) => inspection::report(inspected),
                None => Value::Null,
            };
            value["shown"] = json!(match file.shown {
                Shown::AsIs => "as-is",
                Shown::Hidden => "hidden",
                Shown::Yanked => "yanked",
                Shown::Refused => "refused",
            });
            value
        };
        json!({
            "index": facts.index,
            "project": facts.project,
            "requirement": self.requirement.to_string(),
            "route": {
                "source": facts.origin.as_ref().map(|origin| &origin.source),
                "asked": sources(&route.ask),
                "not-asked": sources(&route.spared),
                "owned": facts.ownership,
            },
            "stale-since": self.gathered.page.as_ref().and_then(|page| page.freshness.stale_since),
            "name": explain::decision(&self.name),
            "files": self.files.iter().map(file).collect::<Vec<_>>(),
            "receives": self.receives.as_ref().map(ToString::to_string),
        })
    }
}

/// How much `why` tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Runs of versions about which there is nothing to say are told together.
    Brief,
    /// Every version.
    Full,
}

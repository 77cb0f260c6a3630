//! [`Judge`]: what is made of what was seen: the engine's own table, or a policy's rules over the contents of
//! files. Of a policy nothing else is asked: whose a file is, how old it is and the like is not known here.

use std::path::Path;
use std::sync::Arc;

use portcullis_core::fact::{Fact, Facts, FileFacts, ProjectFacts, ReleaseFacts, ReleaseShape};
use portcullis_core::inspection::{ContentFacts, Inspected, Knowledge, Observation, effect_of};
use portcullis_core::policy::{Effect, Finding, Policy, judge};
use portcullis_core::pypi::filename::{DistFilename, DistKind};
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::pypi::simple::Yanked;
use portcullis_core::time::Timestamp;

use crate::context::now;
use crate::exit::failure;

/// The rules of a policy that are about what an inspection sees.
const RULES: [&str; 2] = ["malicious-code", "broken-archive"];

/// As whose the files of a folder are judged, which no distribution's name tells.
const NOBODY: &str = "unnamed";

/// Who says what an observation weighs.
#[derive(Debug, Default)]
pub(super) enum Judge {
    /// The table of the engine.
    #[default]
    Table,
    /// The rules of a policy, at a moment.
    Policy(Box<Policy>, Timestamp),
}

impl Judge {
    /// The rules of the policy in `file`.
    pub(super) fn of_policy(file: &Path) -> anyhow::Result<Self> {
        let policy = crate::policy::read(file)?;
        let is_asked = policy.rules().iter().any(|rule| RULES.contains(&&*rule.id));
        if !is_asked {
            return Err(failure(
                format!("{} has no rule about what is in files", file.display()),
                "add [rules.malicious-code] and [rules.broken-archive] to it",
            ));
        }
        Ok(Self::Policy(Box::new(policy), now()))
    }

    /// What one observation comes to.
    pub(super) fn of_one(
        &self,
        file: Option<&DistFilename>,
        inspected: &Inspected,
        seen: &Observation,
    ) -> Effect {
        match self {
            Self::Table => effect_of(seen),
            Self::Policy(..) => self.effect(file, &with(inspected, vec![seen.clone()])),
        }
    }

    /// What was found, leaving aside what was not looked at.
    pub(super) fn found(&self, file: Option<&DistFilename>, inspected: &Inspected) -> Effect {
        match self {
            Self::Table => inspected.found(),
            Self::Policy(..) => {
                let mut found = inspected.observations.clone();
                found.retain(|seen| !seen.is_about_completeness());
                self.effect(file, &with(inspected, found))
            }
        }
    }

    /// All of it together.
    pub(super) fn effect(&self, file: Option<&DistFilename>, inspected: &Inspected) -> Effect {
        let (policy, now) = match self {
            Self::Table => return inspected.effect(),
            Self::Policy(policy, now) => (policy, *now),
        };
        let (project, file) = facts(file, inspected);
        let release = file.version.known().cloned().map(ReleaseFacts::of);
        let content = ContentFacts {
            inspection: Knowledge::of(Arc::new(inspected.clone())),
            ..ContentFacts::default()
        };
        let facts = Facts {
            project: &project,
            release: release.as_ref(),
            file: Some(&file),
            content: Some(&content),
        };
        let decision = judge(facts, policy, now);
        let findings = decision.findings().iter();
        let findings = findings.filter(|finding| RULES.contains(&&*finding.rule));
        findings
            .map(Finding::takes_effect)
            .max()
            .unwrap_or(Effect::Allow)
    }
}

/// The same as if only `observations` had been made, and nothing left out.
fn with(inspected: &Inspected, observations: Vec<Observation>) -> Inspected {
    Inspected {
        observations,
        excerpts: Vec::new(),
        capabilities: Vec::new(),
        complete: true,
        ..*inspected
    }
}

/// What the name of a file tells, as it is judged.
fn facts(name: Option<&DistFilename>, inspected: &Inspected) -> (ProjectFacts, FileFacts) {
    let project = name.and_then(DistFilename::project).cloned();
    let project = project.unwrap_or_else(|| ProjectName::new(NOBODY).expect("it is a name"));
    let unknown = "nobody was asked";
    let file = FileFacts {
        filename: name.map_or(NOBODY, DistFilename::as_str).into(),
        kind: name.map_or(DistKind::Other, |name| name.kind().clone()),
        version: Fact::known_or(
            name.and_then(DistFilename::version).cloned(),
            "its name tells none",
        ),
        sha256: Fact::Known(inspected.sha256),
        first_sha256: None,
        upload_time: Fact::Unknown(unknown.into()),
        first_seen: Fact::Unknown(unknown.into()),
        size: Fact::Unknown(unknown.into()),
        yanked: Yanked::No,
        release: ReleaseShape::default(),
    };
    let index = "scan".parse().expect("a label");
    (ProjectFacts::named(index, project), file)
}

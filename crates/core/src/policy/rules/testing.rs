//! Building the facts of one case, for the tests of the rules and of judging.

use std::sync::Arc;

use crate::advisory::AdvisoryIndex;
use crate::digest::Sha256;
use crate::fact::{
    Fact, Facts, FileFacts, Origin, Prohibition, ProjectFacts, ReleaseFacts, ReleaseShape,
};
use crate::index::{OwnedBy, Ownership, SourceKind, Trust};
use crate::inspection::{ContentFacts, Inspected, Knowledge};
use crate::policy::rule::Rule;
use crate::policy::{Decision, Effect, Policy, judge};
use crate::pypi::filename::DistFilename;
use crate::pypi::name::ProjectName;
use crate::pypi::simple::Yanked;
use crate::time::Timestamp;

/// The moment at which all cases are judged.
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_795_000_000_000);

/// The facts of one case: version 1.0 of a project, as a wheel.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    project: ProjectFacts,
    release: Option<ReleaseFacts>,
    file: Option<FileFacts>,
    content: Option<ContentFacts>,
}

impl Case {
    pub(crate) fn upstream(name: &str) -> Self {
        Self::from(name, Some((SourceKind::Upstream, Trust::Outside)))
    }

    pub(crate) fn hosted(name: &str) -> Self {
        Self::from(name, Some((SourceKind::Hosted, Trust::Inside)))
    }

    /// No source that may be asked has the project: only its name is judged.
    pub(crate) fn nowhere(name: &str) -> Self {
        Self {
            release: None,
            file: None,
            ..Self::from(name, None)
        }
    }

    fn from(name: &str, origin: Option<(SourceKind, Trust)>) -> Self {
        let project = ProjectName::new(name).expect(name);
        let filename = format!("{}-1.0-py3-none-any.whl", project.as_file_name_part());
        let parsed = DistFilename::parse(&filename, None).expect("a wheel's name");
        let origin = origin.map(|(kind, trust)| Origin {
            source: "source".parse().expect("a label"),
            kind,
            trust,
        });
        let file = FileFacts {
            filename: filename.into(),
            kind: parsed.kind().clone(),
            version: Fact::known_or(parsed.version().cloned(), "unreadable"),
            sha256: Fact::Unknown("not given".into()),
            first_sha256: None,
            upload_time: Fact::Unknown("the index gives none".into()),
            first_seen: Fact::Unknown("its source is not watched".into()),
            size: Fact::Unknown("the index gives none".into()),
            yanked: Yanked::No,
            release: ReleaseShape {
                wheels: 1,
                sdists: 1,
            },
        };
        let index = "main".parse().expect("a label");
        let project = ProjectFacts {
            origin,
            maintenance: std::sync::Arc::new(crate::maintenance::Maintenance::of_page(&[], None)),
            resemblance: Fact::Known(None),
            ..ProjectFacts::named(index, project)
        };
        let release = file.version.known().cloned().map(|version| ReleaseFacts {
            advisories: Fact::Known(Vec::new()),
            ..ReleaseFacts::of(version)
        });
        Self {
            project,
            release,
            file: Some(file),
            content: None,
        }
    }

    /// The same case, of which only the name is judged.
    pub(crate) fn only_its_name(mut self) -> Self {
        self.release = None;
        self.file = None;
        self
    }

    fn file_mut(&mut self) -> &mut FileFacts {
        self.file.as_mut().expect("the case has a file")
    }

    /// The facts of the project, to be changed.
    pub(crate) fn with_project(mut self, change: impl FnOnce(&mut ProjectFacts)) -> Self {
        change(&mut self.project);
        self
    }

    /// The facts of the release, to be changed.
    pub(crate) fn with_release(mut self, change: impl FnOnce(&mut ReleaseFacts)) -> Self {
        change(self.release.as_mut().expect("the case has a release"));
        self
    }

    /// The facts of the file, to be changed.
    pub(crate) fn with_file(mut self, change: impl FnOnce(&mut FileFacts)) -> Self {
        change(self.file_mut());
        self
    }

    /// The vulnerabilities that `index` knows of the release.
    pub(crate) fn advisories(self, index: &AdvisoryIndex) -> Self {
        let project = self.project.clone();
        self.with_release(|release| index.tell(&project, release))
    }

    /// No advisories were ever loaded.
    pub(crate) fn without_advisories(self) -> Self {
        self.with_release(|release| {
            release.advisories = Fact::Unknown("no advisories have been loaded yet".into());
        })
    }

    pub(crate) fn owned(mut self, pattern: &str) -> Self {
        let pattern = pattern.parse().expect(pattern);
        self.project.ownership = Some(Ownership {
            pattern,
            origin: OwnedBy::Config,
            since: None,
        });
        self
    }

    pub(crate) fn prohibited(mut self, pattern: &str) -> Self {
        self.project.prohibition = Some(Prohibition {
            pattern: pattern.into(),
            reason: "abandoned".into(),
        });
        self
    }

    pub(crate) fn sha256(mut self, digest: Sha256) -> Self {
        self.file_mut().sha256 = Fact::Known(digest);
        self
    }

    pub(crate) fn first_sha256(mut self, digest: Sha256) -> Self {
        self.file_mut().first_sha256 = Some(digest);
        self
    }

    pub(crate) fn uploaded(mut self, at: Timestamp) -> Self {
        self.file_mut().upload_time = Fact::Known(at);
        self
    }

    pub(crate) fn yanked(mut self, yanked: Yanked) -> Self {
        self.file_mut().yanked = yanked;
        self
    }

    pub(crate) fn release(mut self, wheels: u32, sdists: u32) -> Self {
        self.file_mut().release = ReleaseShape { wheels, sdists };
        self
    }

    /// What is known of the file's bytes.
    pub(crate) fn content(mut self, content: ContentFacts) -> Self {
        self.content = Some(content);
        self
    }

    /// What the inspection saw in the file's bytes.
    pub(crate) fn inspected(self, inspected: Inspected) -> Self {
        self.content(ContentFacts {
            inspection: Knowledge::of(Arc::new(inspected)),
            ..ContentFacts::default()
        })
    }

    pub(crate) fn facts(&self) -> Facts<'_> {
        Facts {
            project: &self.project,
            release: self.release.as_ref(),
            file: self.file.as_ref(),
            content: self.content.as_ref(),
        }
    }
}

/// Judges a case under a policy that says only `settings` of `rule`, and in which every other rule
/// keeps its defaults.
pub(crate) fn decide(rule: &dyn Rule, settings: &str, case: &Case) -> Decision {
    let text = match settings {
        "" => String::new(),
        settings => format!("[rules.{}]\n{settings}\n", rule.id()),
    };
    let policy = Policy::parse("policy.toml", &text).unwrap_or_else(|error| panic!("{error}"));
    judge(case.facts(), &policy, NOW)
}

/// The strictest effect that `rule` alone has on a case.
pub(crate) fn effect_of(rule: &dyn Rule, settings: &str, case: &Case) -> Effect {
    let decision = decide(rule, settings, case);
    let of_rule = decision
        .findings()
        .iter()
        .filter(|finding| finding.rule == rule.id());
    of_rule
        .map(|finding| finding.takes_effect())
        .max()
        .unwrap_or(Effect::Allow)
}

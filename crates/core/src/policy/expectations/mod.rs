//! What is expected of a policy, kept in a file beside it: made-up facts, and what is to be decided of
//! them. Reading such a file and running it are pure; nothing is looked up. What an expectation does not
//! describe is unknown, except where absence is what it says: no owner, no quarantine, no advisory, nothing
//! seen by the inspection.

use std::str::FromStr;
use std::sync::Arc;

use super::{Decision, Effect, Policy, judge};
use crate::fact::{Facts, FileFacts, ProjectFacts, ReleaseFacts};
use crate::inspection::ContentFacts;
use crate::pypi::name::ProjectName;
use crate::pypi::version::Version;
use crate::settings::{Document, Mistakes, Table, read_document};
use crate::time::Timestamp;
use people::Waived;

mod project;
mod people;
mod page;
mod file;
mod content;
mod compared;
mod release;
mod metadata;
mod advisories;
mod moment;
#[cfg(test)]
mod tests;

/// Why something is not known of an expectation's facts.
const NOT_SAID: &str = "the expectation does not say";

/// One expectation.
#[derive(Debug)]
pub struct Expectation {
    /// What is expected, in words.
    pub that: String,
    /// Where it is written, 1-based.
    pub line: u32,
    /// The effect that the decision must have.
    pub effect: Effect,
    /// The rule that must decide, where the expectation names one.
    pub rule: Option<String>,
    project: ProjectFacts,
    release: Option<ReleaseFacts>,
    file: Option<FileFacts>,
    content: Option<ContentFacts>,
    waived: Vec<Waived>,
    now: Timestamp,
}

/// How an expectation fared.
#[derive(Debug)]
pub struct Outcome<'e> {
    /// The expectation.
    pub expectation: &'e Expectation,
    /// What the policy really decides.
    pub decision: Decision,
}

impl Outcome<'_> {
    /// Whether the policy does what is expected of it.
    pub fn is_met(&self) -> bool {
        let rule = self.decision.decisive().map(|finding| &*finding.rule);
        self.decision.effect() == self.expectation.effect
            && (self.expectation.rule.is_none() || self.expectation.rule.as_deref() == rule)
    }
}

/// Reads a file of expectations. Times such as `2 days ago` are counted from `now`, unless an
/// expectation gives a moment of its own.
///
/// # Errors
/// [`Mistakes`], all of them at once.
pub fn parse(file: &str, text: &str, now: Timestamp) -> Result<Vec<Expectation>, Mistakes> {
    read_document(Document { file, text }, |root| {
        let tables = root.tables("expect").into_iter();
        tables.filter_map(|table| expectation(table, now)).collect()
    })
}

/// Judges every expectation's facts under `policy`.
pub fn run<'e>(expectations: &'e [Expectation], policy: &Policy) -> Vec<Outcome<'e>> {
    let one = |expectation: &'e Expectation| Outcome {
        expectation,
        decision: expectation.decision(policy),
    };
    expectations.iter().map(one).collect()
}

impl Expectation {
    /// What `policy` decides. A waiver is given for what was found, so that judging with waivers takes
    /// a look without them.
    fn decision(&self, policy: &Policy) -> Decision {
        let found = judge(self.facts(&self.project), policy, self.now);
        if self.waived.is_empty() {
            return found;
        }
        let waivers = self.waived.iter().map(|waived| waived.given_for(&found));
        let project = ProjectFacts {
            waivers: waivers.map(Arc::new).collect(),
            ..self.project.clone()
        };
        judge(self.facts(&project), policy, self.now)
    }

    fn facts<'a>(&'a self, project: &'a ProjectFacts) -> Facts<'a> {
        Facts {
            project,
            release: self.release.as_ref(),
            file: self.file.as_ref(),
            content: self.content.as_ref(),
        }
    }
}

/// What the facts of one expectation are about.
struct About {
    /// The project; something else where the expectation names none, which is a mistake of its own.
    project: ProjectName,
    /// Whether the expectation names it.
    is_named: bool,
    version: Option<Version>,
    now: Timestamp,
    unknown: Vec<Unknowable>,
}

/// A fact that is known where nothing is said of it, unless it is said to be unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unknowable {
    Advisories,
    Similarity,
    Status,
}

impl FromStr for Unknowable {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "advisories" => Ok(Self::Advisories),
            "similarity" => Ok(Self::Similarity),
            "status" => Ok(Self::Status),
            other => Err(format!(
                "{other:?} is not one of advisories, similarity, status"
            )),
        }
    }
}

impl About {
    fn read(table: &mut Table<'_>, now: Timestamp) -> Self {
        let moment = table.moment("now").map(|moment| moment.value);
        let project = table.parsed::<ProjectName>("project");
        let version = table.parsed::<Version>("version");
        let unknown = table.list::<Unknowable>("unknown").unwrap_or_default();
        Self {
            is_named: project.is_some(),
            project: project.map_or_else(nobody, |project| project.value),
            version: version.map(|version| version.value),
            now: moment.unwrap_or(now),
            unknown: unknown.into_iter().map(|fact| fact.value).collect(),
        }
    }

    fn is_unknown(&self, fact: Unknowable) -> bool {
        self.unknown.contains(&fact)
    }
}

fn nobody() -> ProjectName {
    ProjectName::new("unnamed").expect("a project's name")
}

fn expectation(mut table: Table<'_>, now: Timestamp) -> Option<Expectation> {
    let line = table.line();
    let that = table.text("that").map(|that| that.value);
    let effect = table.parsed::<Effect>("effect");
    let rule = table.text("rule").map(|rule| rule.value);
    let mut about = About::read(&mut table, now);
    see_to_what_is_needed(&table);
    let filename = file::name(&mut table, &about);
    let named = filename.as_ref().and_then(|name| name.version().cloned());
    about.version = named.or(about.version);
    let project = project::read(&mut table, &about);
    let file = file::read(&mut table, &about, filename.as_ref());
    let release = release::read(&mut table, &about, &project, file.as_ref());
    let content = content::read(&mut table, file.as_ref());
    let waived = people::waived(&mut table);
    if project.origin.is_none() && file.is_some() {
        let help = "leave out `version` and `file`, or name another source";
        table.mistake_here("no source has the project, so it has no files", Some(help));
    }
    table.finish();
    let effect = effect?.value;
    Some(Expectation {
        that: that.unwrap_or_else(|| title(&project, file.as_ref(), effect)),
        line,
        effect,
        rule,
        project,
        release,
        file,
        content,
        waived,
        now: about.now,
    })
}

fn see_to_what_is_needed(table: &Table<'_>) {
    let keys = table.keys();
    for needed in ["project", "effect"] {
        if !keys.iter().any(|key| key == needed) {
            table.mistake_here(
                format!("this expectation has no `{needed}`"),
                Some("an expectation names a project and the effect that is expected"),
            );
        }
    }
}

/// `flask 3.1.3 is held`.
fn title(project: &ProjectFacts, file: Option<&FileFacts>, effect: Effect) -> String {
    let name = &project.project;
    let effect = match effect {
        Effect::Allow => "allowed",
        Effect::Warn => "warned about",
        Effect::Hold => "held",
        Effect::Deny => "denied",
    };
    match file.and_then(|file| file.version.known()) {
        Some(version) => format!("{name} {version} is {effect}"),
        None => format!("{name} is {effect}"),
    }
}

/// A count.
fn number(table: &mut Table<'_>, key: &str) -> Option<u32> {
    let number = table.integer(key, 0..100_000)?;
    u32::try_from(number.value).ok()
}

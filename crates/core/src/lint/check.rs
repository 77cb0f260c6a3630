//! [`check`]: every rule over a project. Which findings are ignored is told from the files themselves and from
//! the project's settings.

use std::collections::HashMap;

use super::contents::Span;
use super::ignore::{Ignore, ignores};
use super::project::{Project, ProjectFile};
use super::rule::{Edit, Finding, Rule};
use super::rules::{RULES, UnusedIgnore};
use super::settings::{Exception, Level, Settings};

/// What a check came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// What was found, by file and place.
    pub findings: Vec<Finding>,
    /// What was found and is ignored, in the order in which it was found.
    pub ignored: Vec<Ignored>,
}

/// A finding that is known and accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignored {
    /// The finding, with the places that are ignored.
    pub finding: Finding,
    /// Why.
    pub reason: String,
    /// Whether a comment says so, or the settings.
    pub by: IgnoredBy,
}

/// What quiets a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IgnoredBy {
    /// A comment beside it.
    Comment,
    /// An exception in the settings.
    Settings,
}

/// What is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// The rules that are applied, by their ids; all of them where there are none.
    pub rules: Vec<String>,
    /// How much of the project there is to see.
    pub extent: Extent,
}

/// How much of a project there is to see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Extent {
    /// All of it, so that an exception without a finding is not needed.
    #[default]
    Whole,
    /// Some of its files.
    Part,
}

/// Applies every rule as it is.
#[must_use]
pub fn check(project: &Project) -> Report {
    check_as(project, &Settings::default(), &Asked::default())
}

/// Applies the rules that are asked for, as the settings have them.
#[must_use]
pub fn check_as(project: &Project, settings: &Settings, asked: &Asked) -> Report {
    let applied: Vec<&dyn Rule> = RULES
        .iter()
        .copied()
        .filter(|rule| is_applied(*rule, settings, asked))
        .collect();
    let mut found = Vec::new();
    for rule in &applied {
        rule.check(project, &mut found);
    }
    let mut quiet = Quiet::new(project, settings);
    let mut report = Report::default();
    for finding in found {
        quiet.sort(finding, &mut report);
    }
    if applied.iter().any(|rule| rule.id() == UnusedIgnore.id()) {
        let mut unused = quiet.unused_comments(&applied);
        if asked.extent == Extent::Whole {
            unused.extend(quiet.unused_exceptions(&applied));
        }
        unused
            .into_iter()
            .for_each(|finding| quiet.sort(finding, &mut report));
    }
    let leveled = |finding: &mut Finding| {
        if let Some(Level::As(severity)) = settings.level(finding.rule) {
            finding.severity = severity;
        }
    };
    report.findings.iter_mut().for_each(leveled);
    report
        .findings
        .sort_by(|a, b| (&a.path, a.at.start, a.rule).cmp(&(&b.path, b.at.start, b.rule)));
    report
}

fn is_applied(rule: &dyn Rule, settings: &Settings, asked: &Asked) -> bool {
    let is_asked_for = asked.rules.is_empty() || asked.rules.iter().any(|id| id == rule.id());
    is_asked_for && settings.level(rule.id()) != Some(Level::Off)
}

/// What quiets findings, and what of it was needed.
struct Quiet<'p> {
    project: &'p Project,
    comments: Vec<Comment<'p>>,
    /// The comments of each file, by their position.
    by_path: HashMap<&'p str, Vec<usize>>,
    exceptions: Vec<(&'p Exception, Use)>,
    settings: &'p Settings,
}

struct Comment<'p> {
    file: &'p ProjectFile,
    ignore: Ignore,
    /// For each of its rules.
    used: Vec<Use>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    Needed,
    Unneeded,
}

impl<'p> Quiet<'p> {
    fn new(project: &'p Project, settings: &'p Settings) -> Self {
        let mut comments = Vec::new();
        let mut by_path: HashMap<&str, Vec<usize>> = HashMap::new();
        for file in &project.files {
            for ignore in ignores(file).into_iter().filter(Ignore::is_in_force) {
                by_path.entry(&file.path).or_default().push(comments.len());
                let used = vec![Use::Unneeded; ignore.rules.len()];
                comments.push(Comment { file, ignore, used });
            }
        }
        let exceptions = settings.exceptions.iter();
        Self {
            project,
            comments,
            by_path,
            exceptions: exceptions.map(|one| (one, Use::Unneeded)).collect(),
            settings,
        }
    }

    /// Puts a finding where it belongs; of one with several places, each place by itself.
    fn sort(&mut self, finding: Finding, report: &mut Report) {
        if let Some(reason) = self.exception(&finding) {
            let by = IgnoredBy::Settings;
            report.ignored.push(Ignored {
                finding,
                reason,
                by,
            });
            return;
        }
        if is_about_ignores(finding.rule) {
            report.findings.push(finding);
            return;
        }
        let mut quieted: Vec<(Span, usize)> = Vec::new();
        let mut left: Vec<Span> = Vec::new();
        for place in std::iter::once(&finding.at).chain(&finding.also) {
            match self.comment(&finding, place) {
                Some(comment) => quieted.push((place.clone(), comment)),
                None => left.push(place.clone()),
            }
        }
        if let Some((_, comment)) = quieted.first() {
            let reason = self.comments[*comment].ignore.reason.clone();
            let places = quieted.iter().map(|(place, _)| place.clone());
            report.ignored.push(Ignored {
                finding: at_places(&finding, places.collect()),
                reason,
                by: IgnoredBy::Comment,
            });
        }
        if !left.is_empty() {
            let lines = quieted.iter().map(|(_, comment)| &self.comments[*comment]);
            let fixable = without_edits(&finding, lines);
            report.findings.push(at_places(&fixable, left));
        }
    }

    /// The reason of the exception that is about a finding.
    fn exception(&mut self, finding: &Finding) -> Option<String> {
        let mut exceptions = self.exceptions.iter_mut();
        let (exception, used) =
            exceptions.find(|(one, _)| one.covers(finding.rule, &finding.path))?;
        *used = Use::Needed;
        Some(exception.reason.clone())
    }

    /// The comment that is about a place of a finding.
    fn comment(&mut self, finding: &Finding, place: &Span) -> Option<usize> {
        for position in self.by_path.get(finding.path.as_str())? {
            let comment = &mut self.comments[*position];
            let named = |(id, _): &(String, Span)| id == finding.rule;
            let named = comment.ignore.rules.iter().position(named);
            if let Some(named) = named.filter(|_| comment.ignore.is_about(place)) {
                comment.used[named] = Use::Needed;
                return Some(*position);
            }
        }
        None
    }

    fn unused_comments(&self, applied: &[&dyn Rule]) -> Vec<Finding> {
        let unused = self.comments.iter().flat_map(|comment| {
            let Comment { file, ignore, used } = comment;
            let all = used.iter().all(|used| *used == Use::Unneeded);
            let pairs = ignore.rules.iter().zip(used);
            let unused = pairs
                .filter(|((id, _), used)| **used == Use::Unneeded && self.has_spoken(id, applied));
            unused.map(move |((id, at), _)| {
                let finding = unused_finding(file.path.clone(), at.clone(), id);
                let finding = finding.help("take it out, or put it where the finding is");
                let edit = Edit {
                    at: ignore.removal(&file.text),
                    with: String::new(),
                };
                match all && ignore.rules.len() == 1 {
                    true => finding.fix("take the comment out", vec![edit]),
                    false => finding,
                }
            })
        });
        unused.collect()
    }

    fn unused_exceptions(&self, applied: &[&dyn Rule]) -> Vec<Finding> {
        let exceptions = self.exceptions.iter();
        let unused = exceptions
            .filter(|(one, used)| *used == Use::Unneeded && self.has_spoken(one.rule, applied));
        let finding = |(one, _): &(&Exception, Use)| {
            let file = self.settings.file.clone();
            unused_finding(file, one.at.clone(), one.rule).help("take it out of the settings")
        };
        unused.map(finding).collect()
    }

    /// Whether the rule `id` would have found something here where there is anything.
    fn has_spoken(&self, id: &str, applied: &[&dyn Rule]) -> bool {
        let can_tell = |rule: &&&dyn Rule| {
            rule.id() == id && !(rule.reads_an_index() && self.project.known.is_empty())
        };
        !is_about_ignores(id) && applied.iter().any(|rule| can_tell(&rule))
    }
}

/// What is wrong with an ignore is not for an ignore to quiet.
fn is_about_ignores(rule: &str) -> bool {
    matches!(
        rule,
        "unused-ignore" | "ignore-without-reason" | "unknown-rule"
    )
}

fn unused_finding(path: String, at: Span, id: &str) -> Finding {
    Finding {
        rule: UnusedIgnore.id(),
        severity: UnusedIgnore.severity(),
        path,
        at,
        also: Vec::new(),
        message: format!("nothing is quieted: there is no finding of {id} here"),
        why: "it would quiet what comes here next without anybody having looked".to_owned(),
        help: String::new(),
        fix: None,
        unmended: None,
    }
}

/// The finding with these places instead of its own.
fn at_places(finding: &Finding, mut places: Vec<Span>) -> Finding {
    let at = places.remove(0);
    Finding {
        at,
        also: places,
        ..finding.clone()
    }
}

/// The finding without the edits of lines that are ignored. Edits that belong together go all at once.
fn without_edits<'c>(
    finding: &Finding,
    comments: impl Iterator<Item = &'c Comment<'c>>,
) -> Finding {
    let mut finding = finding.clone();
    for comment in comments {
        let Some(fix) = &mut finding.fix else { break };
        let before = fix.edits.len();
        fix.edits.retain(|edit| !comment.ignore.is_about(&edit.at));
        if fix.together.is_some() && fix.edits.len() < before {
            finding.fix = None;
            finding.unmended =
                Some("a part of it is ignored, and no part is right without the others".to_owned());
        }
    }
    finding.fix = finding.fix.filter(|fix| !fix.edits.is_empty());
    finding
}

#[cfg(test)]
mod tests;

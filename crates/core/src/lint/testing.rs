//! For the tests of readers and rules: a project made of texts, and what is found in it.

use std::collections::BTreeSet;

use super::candidates::{Candidate, Question};
use super::check::check;
use super::contents::Contents;
use super::file::FileKind;
use super::project::{Project, ProjectFile};
use super::rules::rule;
use super::settling::questions;
use crate::digest::Sha256;
use crate::fact::Fact;
use crate::pypi::version::{Version, VersionSpecifiers, admits};

/// A project with these files, of which none is Python.
pub(crate) fn project(files: &[(&str, &str)]) -> Project {
    let read = |(path, text): &(&str, &str)| {
        let kind = FileKind::of_python(path, text).unwrap_or_else(|| panic!("{path} matters not"));
        ProjectFile::read(path, kind, (*text).to_owned(), &[])
    };
    let mut files: Vec<ProjectFile> = files.iter().map(read).collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Project {
        files,
        ..Project::default()
    }
}

/// What the rule `id` finds, one line each: `path:line: message [what is marked]`.
pub(crate) fn found_by(id: &str, project: &Project) -> Vec<String> {
    assert!(rule(id).is_some(), "no rule {id}");
    let report = check(project);
    let of_rule = report.findings.iter().filter(|finding| finding.rule == id);
    of_rule
        .map(|finding| {
            let file = project.file(&finding.path).expect("a file of the project");
            let line = 1 + file.text[..finding.at.start].matches('\n').count();
            let marked = &file.text[finding.at.clone()];
            format!("{}:{line}: {} [{marked}]", finding.path, finding.message)
        })
        .collect()
}

/// Holds what was read of `text` to places inside of it.
pub(crate) fn places_hold(text: &str, contents: &Contents) {
    for at in contents.spans() {
        assert!(
            text.get(at.clone()).is_some(),
            "{at:?} is no place in {text:?}"
        );
    }
}

/// The text of `path` when everything that the rule `id` finds there is mended.
pub(crate) fn fixed_by(id: &str, project: &Project, path: &str) -> String {
    let mut text = project
        .file(path)
        .expect("a file of the project")
        .text
        .clone();
    let report = check(project);
    let of_rule = report
        .findings
        .into_iter()
        .filter(|finding| finding.rule == id && finding.path == path);
    let fixes = of_rule.filter_map(|finding| finding.fix);
    let mut edits: Vec<_> = fixes.flat_map(|fix| fix.edits).collect();
    edits.sort_by_key(|edit| std::cmp::Reverse(edit.at.start));
    for edit in edits {
        text.replace_range(edit.at, &edit.with);
    }
    text
}

/// What the rule `id` marks, in the order in which it is told.
pub(crate) fn marked_by(id: &str, project: &Project) -> Vec<String> {
    let found = found_by(id, project);
    let marked = found.iter().map(|line| {
        let (_, marked) = line.split_once(" [").expect("something is marked");
        marked.strip_suffix(']').expect("all of it").to_owned()
    });
    marked.collect()
}

/// A release of an index: project, version, what it needs, and the Pythons that it is for.
pub(crate) type Release<'r> = (&'r str, &'r str, &'r [&'r str], &'r str);

/// The project when an index with these releases was asked all that there is to ask. Each release has a wheel and an
/// sdist.
pub(crate) fn asked(mut project: Project, index: &[Release<'_>]) -> Project {
    project.candidates = Some(project.candidates.unwrap_or_default());
    loop {
        let questions = questions(&project, |_| true);
        if questions.is_empty() {
            return project;
        }
        let known = project.candidates.get_or_insert_default();
        known.extend(questions.into_iter().map(|question| {
            let answer = newest(&question, index);
            (question, answer)
        }));
    }
}

/// The digest of a file of a release, as [`asked`] has it.
pub(crate) fn digest(project: &str, version: &str, ending: &str) -> Sha256 {
    Sha256::of(format!("{project}-{version}{ending}").as_bytes())
}

fn newest(question: &Question, index: &[Release<'_>]) -> Fact<Candidate> {
    let wanted: VersionSpecifiers = question.versions();
    let of_project = index
        .iter()
        .filter(|(name, ..)| *name == question.project.as_str());
    let fitting = of_project.filter_map(|(name, version, requires, pythons)| {
        let parsed: Version = version.parse().expect("a version");
        let ends = [".tar.gz", ".whl"];
        admits(&wanted, &parsed).then(|| Candidate {
            digests: Fact::Known(BTreeSet::from(ends.map(|end| digest(name, version, end)))),
            version: parsed,
            requires: Fact::Known(requires.iter().map(|one| (*one).to_owned()).collect()),
            requires_python: pythons.parse().expect("specifiers"),
        })
    });
    let newest = fitting.max_by(|a, b| a.version.cmp(&b.version));
    newest.map_or(
        Fact::Unknown("the index has no such version".into()),
        Fact::Known,
    )
}

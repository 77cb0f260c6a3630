//! [`Answer`]: what a check came to, with places as people and programs count them. The forms of the answer are
//! in files of their own.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use portcullis_core::inspection::Severity;
use portcullis_core::lint::{Finding, Ignored, Report};

use super::discovery::{Part, Unchecked};
use super::gathering::Gathered;
use super::root::Root;

/// What a check came to.
#[derive(Debug)]
pub(super) struct Answer<'a> {
    /// What was found, the worst first within each file.
    pub(super) findings: Vec<Shown<'a>>,
    /// What was found and is accepted.
    pub(super) ignored: Vec<(Shown<'a>, &'a Ignored)>,
    /// The files that were checked as a whole, as they are shown.
    pub(super) checked: Vec<String>,
    /// What was not.
    pub(super) unchecked: Vec<Unchecked>,
    /// The mildest severity that counts.
    pub(super) fail_on: Severity,
    /// How long it took.
    pub(super) elapsed: Duration,
}

/// A finding with its place.
#[derive(Clone, Debug)]
pub(super) struct Shown<'a> {
    pub(super) finding: &'a Finding,
    /// The file as it is shown.
    pub(super) path: String,
    /// The text of the file.
    pub(super) text: &'a str,
    /// Its bytes that are never shown.
    pub(super) secrets: Vec<Range<usize>>,
    pub(super) place: Place,
    /// The places of [`Finding::also`].
    pub(super) also: Vec<Place>,
}

/// Where something is: lines and columns from 1, columns in characters. The end is behind the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) end_line: usize,
    pub(super) end_column: usize,
}

/// What paths are shown relative to.
#[derive(Clone, Debug)]
pub(super) struct Base {
    root: PathBuf,
    relative_to: PathBuf,
}

impl Base {
    /// As people see them from the folder `current`.
    pub(super) fn current(root: &Root, current: &Path) -> Self {
        Self {
            root: root.folder.clone(),
            relative_to: current.to_owned(),
        }
    }

    /// As code review sees them: from the root of the repository, where there is one.
    pub(super) fn repository(root: &Root, current: &Path) -> Self {
        let relative_to = root.repository.as_deref().unwrap_or(current);
        Self::current(root, relative_to)
    }

    /// A path below the project, shown.
    pub(super) fn shown(&self, path: &str) -> String {
        let is_no_path = path == super::machine::ENVIRONMENT;
        if is_no_path || Path::new(path).is_absolute() {
            return path.to_owned();
        }
        let whole = self.root.join(path);
        let mut ups = String::new();
        for above in self.relative_to.ancestors() {
            if let Ok(below) = whole.strip_prefix(above) {
                let below = below.to_string_lossy();
                return ups + &below.replace(std::path::MAIN_SEPARATOR, "/");
            }
            ups.push_str("../");
        }
        path.to_owned()
    }
}

/// Makes the answer of a report.
pub(super) fn answer<'a>(
    report: &'a Report,
    (gathered, root): (&'a Gathered, &'a Root),
    base: &Base,
    fail_on: Severity,
) -> Answer<'a> {
    let texts = Texts::of(report, gathered, root);
    let mut lines = HashMap::new();
    let findings = report.findings.iter();
    let mut findings: Vec<Shown<'a>> = findings
        .map(|finding| shown(finding, &texts, base, &mut lines))
        .collect();
    findings.sort_by(|a, b| {
        let key = |one: &Shown<'a>| (one.path.clone(), std::cmp::Reverse(one.finding.severity));
        key(a).cmp(&key(b))
    });
    let ignored = report.ignored.iter();
    let ignored = ignored.map(|one| (shown(&one.finding, &texts, base, &mut lines), one));
    let ignored = ignored.collect();
    Answer {
        findings,
        ignored,
        checked: checked(gathered, base),
        unchecked: unchecked(gathered, base, &mut lines),
        fail_on,
        elapsed: Duration::ZERO,
    }
}

fn checked(gathered: &Gathered, base: &Base) -> Vec<String> {
    let is_asked = |path: &str| {
        let source = gathered.sources.get(path);
        source.is_some_and(|source| source.found.part == Part::Asked)
    };
    let files = gathered.project.files.iter();
    let whole = files.filter(|file| file.contents.unread.is_empty() && is_asked(&file.path));
    whole.map(|file| base.shown(&file.path)).collect()
}

/// What could not be read, of whole files and of parts of them.
fn unchecked<'a>(
    gathered: &'a Gathered,
    base: &Base,
    lines: &mut HashMap<&'a str, Lines<'a>>,
) -> Vec<Unchecked> {
    let mut all = gathered.unchecked.clone();
    let is_asked = |path: &str| {
        let source = gathered.sources.get(path);
        source.is_some_and(|source| source.found.part == Part::Asked)
    };
    for file in gathered
        .project
        .files
        .iter()
        .filter(|file| is_asked(&file.path))
    {
        for unread in &file.contents.unread {
            let lines = lines
                .entry(&file.path)
                .or_insert_with(|| Lines::of(&file.text));
            all.push(Unchecked {
                path: file.path.clone(),
                line: unread.at.as_ref().map(|at| lines.place(at).line),
                why: unread.why.clone(),
            });
        }
    }
    for one in &mut all {
        one.path = base.shown(&one.path);
    }
    all.sort();
    all.dedup();
    all
}

/// The texts of all files that findings can be about, with what is not to be shown of them.
struct Texts<'a>(HashMap<&'a str, (&'a str, Vec<Range<usize>>)>);

impl<'a> Texts<'a> {
    /// Secrets are only looked for in files of which a line may be shown: a lock has thousands of URLs.
    fn of(report: &Report, gathered: &'a Gathered, root: &'a Root) -> Self {
        let ignored = report.ignored.iter().map(|one| &one.finding);
        let told = report.findings.iter().chain(ignored);
        let told: HashSet<&str> = told.map(|finding| finding.path.as_str()).collect();
        let files = gathered.project.files.iter();
        let files = files.map(|file| {
            let path = file.path.as_str();
            let secrets = match told.contains(path) {
                true => file.secrets(),
                false => Vec::new(),
            };
            (path, (file.text.as_str(), secrets))
        });
        let mut texts: HashMap<_, _> = files.collect();
        texts
            .entry(root.settings.file.as_str())
            .or_insert_with(|| (root.settings_text.as_str(), Vec::new()));
        Self(texts)
    }
}

fn shown<'a>(
    finding: &'a Finding,
    texts: &Texts<'a>,
    base: &Base,
    lines: &mut HashMap<&'a str, Lines<'a>>,
) -> Shown<'a> {
    let known = texts.0.get(finding.path.as_str());
    let (text, secrets) = known.cloned().unwrap_or_default();
    let lines = lines
        .entry(&finding.path)
        .or_insert_with(|| Lines::of(text));
    Shown {
        finding,
        path: base.shown(&finding.path),
        text,
        secrets,
        place: lines.place(&finding.at),
        also: finding.also.iter().map(|at| lines.place(at)).collect(),
    }
}

/// Where the lines of a text begin.
#[derive(Debug)]
pub(super) struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        let behind = text.match_indices('\n').map(|(at, _)| at + 1);
        let starts = std::iter::once(0).chain(behind).collect();
        Self { text, starts }
    }

    /// The place of bytes. What does not fit the text is where it ends.
    pub(super) fn place(&self, at: &Range<usize>) -> Place {
        let (line, column) = self.position(at.start);
        let (end_line, end_column) = self.position(at.end.max(at.start));
        Place {
            line,
            column,
            end_line,
            end_column,
        }
    }

    fn position(&self, at: usize) -> (usize, usize) {
        let mut at = at.min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        let line = self.starts.partition_point(|start| *start <= at);
        let start = self.starts[line - 1];
        (line, self.text[start..at].chars().count() + 1)
    }
}

impl Answer<'_> {
    /// Whether a finding counts.
    pub(super) fn counts(&self, finding: &Finding) -> bool {
        finding.severity >= self.fail_on
    }

    /// How many there are of a severity.
    pub(super) fn count_of(&self, severity: Severity) -> usize {
        let findings = self.findings.iter();
        findings
            .filter(|one| one.finding.severity == severity)
            .count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_in_lines_and_characters() {
        let text = "a\nä ö\r\n\nx";
        let lines = Lines::of(text);
        for (at, expected) in [
            (0..1, (1, 1, 1, 2)),
            (5..7, (2, 3, 2, 4)),
            (2..9, (2, 1, 3, 1)),
            (10..11, (4, 1, 4, 2)),
            (99..120, (4, 2, 4, 2)),
            (3..3, (2, 1, 2, 1)),
        ] {
            let place = lines.place(&at);
            let found = (place.line, place.column, place.end_line, place.end_column);
            assert_eq!(found, expected, "{at:?}");
        }
    }

    #[test]
    fn paths_are_shown_from_where_one_stands() {
        for (relative_to, path, expected) in [
            ("/p", "a/b.txt", "a/b.txt"),
            ("/p/a", "a/b.txt", "b.txt"),
            ("/p/c", "a/b.txt", "../a/b.txt"),
            ("/q/r", "a/b.txt", "../../p/a/b.txt"),
            ("/q", "/etc/pip.conf", "/etc/pip.conf"),
            ("/q", "(environment)", "(environment)"),
        ] {
            let base = Base {
                root: "/p".into(),
                relative_to: relative_to.into(),
            };
            assert_eq!(base.shown(path), expected, "{relative_to} {path}");
        }
    }
}

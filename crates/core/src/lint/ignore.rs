//! Comments that quiet findings: `# portcullis: ignore[RULE] reason`, at the end of a line or on a line of its
//! own before it. Which findings they quiet is `check`'s.

use super::contents::Span;
use super::file::FileKind;
use super::project::ProjectFile;

/// What stands behind the sign of the comment.
const MARK: &str = "portcullis:";

/// A comment that quiets findings, whether or not it is well-formed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignore {
    /// The rules that it names, each with its place.
    pub rules: Vec<(String, Span)>,
    /// Why; empty where it does not say.
    pub reason: String,
    /// The place of the comment, its sign included.
    pub at: Span,
    /// The lines that it is about, those that go on behind a backslash included.
    pub covers: Span,
}

impl Ignore {
    /// Whether something at `place` is meant.
    #[must_use]
    pub fn is_about(&self, place: &Span) -> bool {
        place.start < self.covers.end && place.end.max(place.start + 1) > self.covers.start
    }

    /// Whether it quiets anything: it has to say why.
    #[must_use]
    pub fn is_in_force(&self) -> bool {
        !self.reason.is_empty()
    }

    /// The bytes that go where the comment is taken out: all of its line where nothing else stands there.
    #[must_use]
    pub fn removal(&self, text: &str) -> Span {
        let line = line_at(text, self.at.start);
        let before = &text[line.start..self.at.start];
        match before.trim().is_empty() {
            true => line,
            false => line.start + before.trim_end().len()..self.at.end,
        }
    }
}

/// The ignores of a file, in its order. JSON knows no comments, but the code in a notebook does.
#[must_use]
pub fn ignores(file: &ProjectFile) -> Vec<Ignore> {
    let text = file.text.as_str();
    let marks = text.match_indices(MARK);
    marks
        .filter_map(|(mark, _)| ignore(text, file.kind, mark))
        .collect()
}

fn ignore(text: &str, kind: FileKind, mark: usize) -> Option<Ignore> {
    let line = line_at(text, mark);
    let sign = sign_before(&text[line.start..mark], kind)?;
    let start = line.start + sign;
    let end = comment_end(&text[..line.end], mark, kind);
    let behind = mark + MARK.len();
    let verb = text[behind..end].trim_start();
    let named_at = end - verb.strip_prefix("ignore")?.len();
    let (rules, reason_at) = match named(text, named_at..end) {
        Some(named) => named,
        None if text[named_at..end].starts_with(char::is_alphanumeric) => return None,
        None => (Vec::new(), named_at),
    };
    let is_own_line = is_blank(&text[line.start..start], kind);
    Some(Ignore {
        rules,
        reason: text[reason_at..end].trim().to_owned(),
        at: start..end,
        covers: match is_own_line {
            true => line_after(text, line.end, kind),
            false if has_whole_lines_only(kind) => return None,
            false => logical_line(text, line),
        },
    })
}

/// The rules between brackets at the start of `at`, and where the brackets end.
fn named(text: &str, at: Span) -> Option<(Vec<(String, Span)>, usize)> {
    let inner = text[at.clone()].strip_prefix('[')?;
    let (list, _) = inner.split_once(']')?;
    let mut from = at.start + 1;
    let mut rules = Vec::new();
    for part in list.split(',') {
        let id = part.trim();
        let start = from + part.len() - part.trim_start().len();
        if !id.is_empty() {
            rules.push((id.to_owned(), start..start + id.len()));
        }
        from += part.len() + 1;
    }
    Some((rules, at.start + 1 + list.len() + 1))
}

/// What begins a comment in such a file.
const fn signs(kind: FileKind) -> &'static [&'static str] {
    match kind {
        FileKind::PipfileLock => &[],
        FileKind::SetupCfg | FileKind::Tox | FileKind::PipConfig | FileKind::Pypirc => &["#", ";"],
        // The shell scripts in its strings have comments of their own.
        FileKind::Jenkinsfile => &["//", "#"],
        _ => &["#"],
    }
}

/// Whether what looks like a comment behind a value is a part of it, as for Python's `configparser`.
const fn has_whole_lines_only(kind: FileKind) -> bool {
    matches!(kind, FileKind::PipConfig | FileKind::Pypirc)
}

/// Where the sign begins that makes a comment of what follows `before`: it stands at the start of the line or
/// behind white space, and nothing but white space follows it.
fn sign_before(before: &str, kind: FileKind) -> Option<usize> {
    let trimmed = before.trim_end();
    let begins = |sign: &&str| {
        let front = trimmed.strip_suffix(*sign)?;
        let is_begin = front.is_empty() || front.ends_with(char::is_whitespace);
        (is_begin || is_blank(front, kind)).then_some(front.len())
    };
    signs(kind).iter().find_map(begins)
}

/// Whether nothing stands before a comment on its line. In a notebook, a line of code is a string of JSON.
fn is_blank(before: &str, kind: FileKind) -> bool {
    let before = before.trim();
    before.is_empty() || (kind == FileKind::Notebook && before == "\"")
}

/// The end of the comment in which `mark` stands; in a notebook that of the string.
fn comment_end(text: &str, mark: usize, kind: FileKind) -> usize {
    let comment = text[mark..].trim_end();
    let comment = match kind {
        FileKind::Notebook => comment
            .trim_end_matches(',')
            .trim_end_matches('"')
            .trim_end_matches("\\n"),
        _ => comment,
    };
    mark + comment.trim_end().len()
}

/// The line in which `at` is, with its end.
fn line_at(text: &str, at: usize) -> Span {
    let start = text[..at].rfind('\n').map_or(0, |end| end + 1);
    start..end_of_line(text, at)
}

fn end_of_line(text: &str, from: usize) -> usize {
    text[from..]
        .find('\n')
        .map_or(text.len(), |end| from + end + 1)
}

/// The line behind a comment, with those it goes on in. Further comments between are passed over, so that several
/// can stand before one line.
fn line_after(text: &str, mut from: usize, kind: FileKind) -> Span {
    loop {
        let line = from..end_of_line(text, from);
        let shown = text[line.clone()].trim_start();
        let shown = match kind {
            FileKind::Notebook => shown.strip_prefix('"').unwrap_or(shown),
            _ => shown,
        };
        let is_comment = signs(kind).iter().any(|sign| shown.starts_with(sign));
        match is_comment && line.end < text.len() {
            true => from = line.end,
            false => return logical_line(text, line),
        }
    }
}

/// A line with those before and behind it to which backslashes join it.
fn logical_line(text: &str, mut line: Span) -> Span {
    let goes_on = |line: &str| line.trim_end_matches(['\n', '\r']).ends_with('\\');
    while line.start > 0 {
        let before = line_at(text, line.start - 1);
        match goes_on(&text[before.clone()]) {
            true => line.start = before.start,
            false => break,
        }
    }
    while line.end < text.len() && goes_on(&text[line.clone()]) {
        line.end = end_of_line(text, line.end);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str, text: &str) -> Vec<Ignore> {
        let kind = FileKind::of(path).expect("it matters");
        ignores(&ProjectFile {
            path: path.to_owned(),
            kind,
            text: text.to_owned(),
            contents: super::super::Contents::default(),
        })
    }

    #[test]
    fn comments_are_about_their_line_or_the_next() {
        for (path, text, covered) in [
            (
                "requirements.txt",
                "a  # portcullis: ignore[x] why\nb\n",
                "a  # portcullis: ignore[x] why\n",
            ),
            (
                "requirements.txt",
                "# portcullis: ignore[x] why\na\nb\n",
                "a\n",
            ),
            (
                "requirements.txt",
                "#portcullis:ignore[x] why\n# more\na \\\n  b\nc\n",
                "a \\\n  b\n",
            ),
            (
                "requirements.txt",
                "a \\\n  b # portcullis: ignore[x] why\nc\n",
                "a \\\n  b # portcullis: ignore[x] why\n",
            ),
            ("requirements.txt", "# portcullis: ignore[x] why", ""),
            (
                "pip.conf",
                "; portcullis: ignore[x] why\na = b\n",
                "a = b\n",
            ),
            (
                "Jenkinsfile",
                "sh 'pip' // portcullis: ignore[x] why",
                "sh 'pip' // portcullis: ignore[x] why",
            ),
            (
                "a.ipynb",
                "[\"# portcullis: ignore[x] why\\n\",\n\"%pip\"]",
                "",
            ),
            (
                "a.ipynb",
                "[\n \"# portcullis: ignore[x] why\\n\",\n\"%pip\"]",
                "\"%pip\"]",
            ),
            (
                "a.ipynb",
                "[\n \"%pip # portcullis: ignore[x] why\"\n]",
                " \"%pip # portcullis: ignore[x] why\"\n",
            ),
        ] {
            let found = of(path, text);
            if covered.is_empty() {
                assert!(
                    found.iter().all(|one| text[one.covers.clone()].is_empty()),
                    "{text}"
                );
                continue;
            }
            let [found] = &found[..] else {
                panic!("{text}: {found:?}")
            };
            assert_eq!(&text[found.covers.clone()], covered);
            assert_eq!(
                (found.rules[0].0.as_str(), found.reason.as_str()),
                ("x", "why"),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_comment_ignores_nothing() {
        for (path, text) in [
            ("requirements.txt", "a#portcullis: ignore[x] why\n"),
            ("requirements.txt", "# see portcullis: ignore[x] why\n"),
            ("requirements.txt", "# portcullis: ignored\n"),
            ("requirements.txt", "; portcullis: ignore[x] why\n"),
            ("Pipfile.lock", "# portcullis: ignore[x] why\n"),
            ("pip.conf", "a = b # portcullis: ignore[x] why\n"),
        ] {
            assert_eq!(of(path, text), [], "{text}");
        }
    }

    #[test]
    fn rules_and_reasons_are_told_apart() {
        for (comment, rules, reason) in [
            ("ignore[a, b] why not", &["a", "b"][..], "why not"),
            ("ignore[a]", &["a"], ""),
            ("ignore[a]   ", &["a"], ""),
            ("ignore[] x", &[], "x"),
            ("ignore", &[], ""),
            ("ignore[a", &[], "[a"),
            ("ignore because", &[], "because"),
        ] {
            let text = format!("# portcullis: {comment}\nflask\n");
            let [found] = &of("requirements.txt", &text)[..] else {
                panic!("{comment}")
            };
            let named: Vec<&str> = found.rules.iter().map(|(id, _)| id.as_str()).collect();
            assert_eq!(
                (&named[..], found.reason.as_str()),
                (rules, reason),
                "{comment}"
            );
            for (id, at) in &found.rules {
                assert_eq!(&text[at.clone()], id);
            }
        }
    }

    #[test]
    fn a_comment_goes_with_its_line_where_it_is_alone() {
        for (text, left) in [
            ("a  # portcullis: ignore[x] why\nb\n", "a\nb\n"),
            ("  # portcullis: ignore[x] why\nb\n", "b\n"),
        ] {
            let [found] = &of("requirements.txt", text)[..] else {
                panic!("{text}")
            };
            let mut rest = text.to_owned();
            rest.replace_range(found.removal(text), "");
            assert_eq!(rest, left);
        }
    }
}

//! [`PopularNames`], the well-known projects in the order of their popularity: the embedded list, a
//! list in one of the forms that are found in the wild, and what this gateway's own clients install.

use std::collections::HashSet;

use serde::Deserialize;

use crate::pypi::name::{InvalidName, ProjectName};

/// The list that comes with Portcullis; `NOTICE` says where it is from.
const EMBEDDED: &str = include_str!("popular.txt");

/// How many names of a list are used.
pub const MAX_POPULAR_NAMES: usize = 15_000;

/// The largest list that is read, in bytes.
const MAX_LIST_BYTES: usize = 16 << 20;

/// A list in which more than one line in this many is no project name is something else.
const TOLERATED: usize = 20;

/// The shortest list that may replace the embedded one.
const FEWEST: usize = 100;

/// How many different identities must have installed a project for it to count as known here.
pub const FEWEST_CLIENTS: u32 = 5;

/// On how many different days a project must have been installed to count as known here.
pub const FEWEST_DAYS: u32 = 30;

/// How many names known through use are taken.
const MAX_USED_HERE: usize = 5_000;

/// Well-known projects, the most popular first. No name twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PopularNames {
    names: Vec<ProjectName>,
}

/// Why a list cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PopularNamesError {
    /// It is larger than any such list.
    #[error("the list has {0} bytes, at most {MAX_LIST_BYTES} are read")]
    TooLarge(usize),
    /// It is not text.
    #[error("the list is not UTF-8")]
    NotText(#[source] std::str::Utf8Error),
    /// It looks like JSON and is not, or has another shape.
    #[error("not a list of names in JSON: {0}")]
    Json(#[source] serde_json::Error),
    /// Too many of its lines are no names.
    #[error("{bad} of {all} lines name no project, the first of them: {first}")]
    NotNames {
        /// How many lines.
        bad: usize,
        /// Of how many.
        all: usize,
        /// The first of them.
        first: InvalidName,
    },
    /// A list this short would make almost every typosquat unknown.
    #[error("the list has {0} names, at least {FEWEST} are needed")]
    TooShort(usize),
}

/// How a project is used by this gateway's own clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalUse {
    /// The project.
    pub project: ProjectName,
    /// How many different identities have installed it (tokens where there are any, else networks,
    /// never single addresses).
    pub clients: u32,
    /// On how many different days it was installed.
    pub days: u32,
}

impl PopularNames {
    /// The list that comes with Portcullis.
    pub fn embedded() -> Self {
        let lines = EMBEDDED.lines().filter(|line| !line.starts_with('#'));
        let names = lines.map(|line| ProjectName::new(line).expect("a test reads every line"));
        Self {
            names: names.collect(),
        }
    }

    /// Whether `name` is on the list that comes with Portcullis. Reads the list as text, which takes a
    /// few microseconds: for callers that ask once and need no [`WellKnown`](super::WellKnown).
    pub fn is_embedded(name: &ProjectName) -> bool {
        EMBEDDED.match_indices(name.as_str()).any(|(at, found)| {
            let ends = EMBEDDED.as_bytes().get(at + found.len());
            EMBEDDED[..at].ends_with('\n') && matches!(ends, None | Some(b'\n' | b'\r'))
        })
    }

    /// Reads a list: one name a line; CSV with a column `project` (or `name`, or `package`), ordered
    /// by popularity; or JSON, an array of names or an object whose `rows` (objects with `project`)
    /// or `packages` (names) are. The first [`MAX_POPULAR_NAMES`] names count. Lines that are no
    /// project name are skipped as long as they are few.
    ///
    /// # Errors
    /// [`PopularNamesError`]; nothing is taken of a list that is refused.
    pub fn parse(bytes: &[u8]) -> Result<Self, PopularNamesError> {
        if bytes.len() > MAX_LIST_BYTES {
            return Err(PopularNamesError::TooLarge(bytes.len()));
        }
        let text = std::str::from_utf8(bytes).map_err(PopularNamesError::NotText)?;
        let text = text.trim_start_matches('\u{feff}').trim_start();
        let names = match text.starts_with(['{', '[']) {
            true => Self::from_spellings(&from_json(text)?)?,
            false => Self::from_spellings(&from_lines(text))?,
        };
        match names.len() {
            too_few @ 0..FEWEST => Err(PopularNamesError::TooShort(too_few)),
            _ => Ok(names),
        }
    }

    fn from_spellings<T: AsRef<str>>(spellings: &[T]) -> Result<Self, PopularNamesError> {
        let mut seen = HashSet::new();
        let mut names = Vec::new();
        let mut bad = 0;
        let mut first_bad = None;
        for spelling in spellings {
            match ProjectName::new(spelling.as_ref()) {
                Ok(name) if names.len() < MAX_POPULAR_NAMES => {
                    if seen.insert(name.clone()) {
                        names.push(name);
                    }
                }
                Ok(_) => break,
                Err(error) => {
                    bad += 1;
                    first_bad.get_or_insert(error);
                }
            }
        }
        match first_bad {
            Some(first) if bad * TOLERATED > spellings.len() => Err(PopularNamesError::NotNames {
                bad,
                all: spellings.len(),
                first,
            }),
            _ => Ok(Self { names }),
        }
    }

    /// The same, with the projects behind them that this gateway's clients use.
    ///
    /// Being known silences a rule, so it must not be for sale: a squat that somebody installs by
    /// mistake a few times, from a few machines, or every minute of one day, stays unknown. A project
    /// counts when at least five identities have installed it on at least thirty different days. It
    /// stands behind every popular name, so that its own likeness to one of them is still told
    /// wherever popularity decides, and owned names are never touched by it.
    #[must_use]
    pub fn blended(mut self, used_here: &[LocalUse]) -> Self {
        let mut used: Vec<&LocalUse> = used_here
            .iter()
            .filter(|used| used.clients >= FEWEST_CLIENTS && used.days >= FEWEST_DAYS)
            .collect();
        used.sort_by_key(|used| (std::cmp::Reverse(used.clients), used.project.clone()));
        let known: HashSet<ProjectName> = self.names.iter().cloned().collect();
        let new = used
            .into_iter()
            .filter(|used| !known.contains(&used.project));
        self.names
            .extend(new.take(MAX_USED_HERE).map(|used| used.project.clone()));
        self
    }

    /// The names, the most popular first.
    pub fn iter(&self) -> impl Iterator<Item = &ProjectName> {
        self.names.iter()
    }

    /// How many names there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

impl FromIterator<ProjectName> for PopularNames {
    /// The names in this order; repetitions are dropped.
    fn from_iter<T: IntoIterator<Item = ProjectName>>(names: T) -> Self {
        let mut seen = HashSet::new();
        let new = names.into_iter().filter(|name| seen.insert(name.clone()));
        Self {
            names: new.collect(),
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Document {
    Names(Vec<String>),
    Rows { rows: Vec<Row> },
    Packages { packages: Vec<String> },
}

#[derive(Deserialize)]
struct Row {
    #[serde(alias = "name", alias = "package")]
    project: String,
}

fn from_json(text: &str) -> Result<Vec<String>, PopularNamesError> {
    let document = serde_json::from_str(text).map_err(PopularNamesError::Json)?;
    Ok(match document {
        Document::Names(names) | Document::Packages { packages: names } => names,
        Document::Rows { rows } => rows.into_iter().map(|row| row.project).collect(),
    })
}

fn from_lines(text: &str) -> Vec<&str> {
    let mut lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .peekable();
    let unquoted = |cell: &'_ str| -> bool { ["project", "name", "package"].contains(&cell) };
    let head = lines.peek().copied().unwrap_or_default();
    let column = head.split(',').position(|cell| unquoted(cell_text(cell)));
    match column.filter(|_| head.contains(',')) {
        Some(column) => lines
            .skip(1)
            .map(|line| line.split(',').nth(column).map_or("", cell_text))
            .collect(),
        None => lines.collect(),
    }
}

/// A cell of a CSV line without its quotes. Names have neither quotes nor commas in them.
fn cell_text(cell: &str) -> &str {
    cell.trim().trim_matches('"')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn list(lines: impl Fn(usize) -> String) -> String {
        (1..=FEWEST).map(lines).collect::<Vec<_>>().join("\n")
    }

    fn first(text: &str) -> String {
        let names = PopularNames::parse(text.as_bytes()).unwrap();
        assert_eq!(names.len(), FEWEST, "{text}");
        names.iter().next().unwrap().to_string()
    }

    #[test]
    fn every_form_of_list_is_read() {
        let plain = list(|number| format!("Acme_{number}"));
        let csv = list(|number| format!("{number},Acme.{number},{}", 900 - number));
        let quoted = list(|number| format!("\"acme-{number}\",7"));
        let rows = list(|number| format!("{{\"download_count\":7,\"project\":\"acme-{number}\"}}"));
        let rows = rows.replace('\n', ",");
        let names = list(|number| format!("\"acme-{number}\"")).replace('\n', ",");
        for text in [
            plain.clone(),
            format!("\u{feff}# a comment\r\n\r\n{}", plain.replace('\n', "\r\n")),
            format!("rank,project,downloads\n{csv}"),
            format!("\"project\",\"count\"\n{quoted}"),
            format!("{{\"last_update\":\"today\",\"rows\":[{rows}]}}"),
            format!("{{\"downloaded_timestamp\":1,\"packages\":[{names}]}}"),
            format!("[{names}]"),
        ] {
            assert_eq!(first(&text), "acme-1");
        }
    }

    #[test]
    fn what_is_no_list_is_refused_whole() {
        let html = list(|_| "<p>not found</p>".to_owned());
        let half = list(|number| match number % 2 {
            0 => format!("acme-{number}"),
            _ => "?".to_owned(),
        });
        for text in [
            "",
            "one\ntwo",
            "{",
            "[1,2]",
            "{\"rows\":[{}]}",
            &html,
            &half,
            "[[[[",
            "{\"rows\":{}}",
        ] {
            assert!(PopularNames::parse(text.as_bytes()).is_err(), "{text}");
        }
        assert!(matches!(
            PopularNames::parse(&[0xff; 200]),
            Err(PopularNamesError::NotText(_))
        ));
        assert!(matches!(
            PopularNames::parse(&vec![b' '; MAX_LIST_BYTES + 1]),
            Err(PopularNamesError::TooLarge(_))
        ));
    }

    #[test]
    fn a_few_bad_lines_are_skipped_and_repetitions_dropped() {
        let text = format!("{}\n-bad-\nACME_1", list(|number| format!("acme-{number}")));
        assert_eq!(first(&text), "acme-1");
    }

    #[test]
    fn only_the_first_names_of_a_long_list_count() {
        let lines: Vec<String> = (0..20_000).map(|number| format!("n{number}")).collect();
        let names = PopularNames::parse(lines.join("\n").as_bytes()).unwrap();
        assert_eq!(names.len(), MAX_POPULAR_NAMES);
    }

    #[test]
    fn the_embedded_list_is_whole() {
        let names = PopularNames::embedded();
        assert_eq!(names.len(), MAX_POPULAR_NAMES);
        assert_eq!(PopularNames::parse(EMBEDDED.as_bytes()).unwrap(), names);
        let spelled = EMBEDDED.lines().filter(|line| !line.starts_with('#'));
        assert!(spelled.eq(names.iter().map(ProjectName::as_str)));
    }

    #[test]
    fn a_few_installs_make_nothing_known() {
        let uses = [
            ("used-daily", 40, 200),
            ("one-machine", 1, 300),
            ("one-afternoon", 900, 1),
            ("boto3", 40, 200),
        ];
        let uses = uses.map(|(name, clients, days)| LocalUse {
            project: ProjectName::new(name).unwrap(),
            clients,
            days,
        });
        let names = PopularNames::embedded();
        let blended = names.clone().blended(&uses);
        let added: Vec<_> = blended
            .iter()
            .skip(names.len())
            .map(ToString::to_string)
            .collect();
        assert_eq!(added, ["used-daily"]);
    }

    proptest! {
        #[test]
        fn no_list_makes_it_stumble(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = PopularNames::parse(&bytes);
        }

        #[test]
        fn no_text_makes_it_stumble(text in "[\\[\\]{}\",:a-z0-9\n-]{0,200}") {
            let _ = PopularNames::parse(text.as_bytes());
        }
    }
}

//! [`Settings`]: what a project says of its own checks, in `[tool.portcullis.check]` of `pyproject.toml` or
//! in `portcullis-check.toml`. Which of the two is read, and where it is looked for, is the caller's business.

use std::collections::BTreeMap;
use std::str::FromStr;

use url::Url;

use super::contents::Span;
use super::globs::Globs;
use super::rules::{RULES, rule};
use crate::inspection::Severity;
use crate::pypi::name::NamePattern;
use crate::settings::{Document, Mistakes, Table, read_document, read_table, resembles};

/// The table of `pyproject.toml`.
const TABLE: [&str; 3] = ["tool", "portcullis", "check"];

/// What a project says of its own checks. The default is what holds where it says nothing.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The file that says it, as it is shown; empty where there is none.
    pub file: String,
    /// `index`: the URLs of the indexes that may be used.
    pub indexes: Vec<String>,
    /// `owned`: the names that are the organisation's own.
    pub owned: Vec<NamePattern>,
    /// `exclude`: files and folders that are not looked at.
    pub exclude: Globs,
    /// `ignore`: what is known and accepted.
    pub exceptions: Vec<Exception>,
    /// `rules`: how bad their findings are, where it is not for the rules to say.
    pub rules: BTreeMap<&'static str, Level>,
    /// `fail-on`: the mildest finding that makes a check fail.
    pub fail_on: Option<Severity>,
}

/// What is made of the findings of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Its findings are not told.
    Off,
    /// Its findings are as bad as this.
    As(Severity),
}

/// Findings that are known and accepted.
#[derive(Clone, Debug)]
pub struct Exception {
    /// Of which rule.
    pub rule: &'static str,
    /// In which files; `None` in all of them.
    pub path: Option<Globs>,
    /// Why they are accepted.
    pub reason: String,
    /// The place of the entry in the file of the settings.
    pub at: Span,
}

impl Exception {
    /// Whether it is about the findings of `rule` in the file at `path`.
    #[must_use]
    pub fn covers(&self, rule: &str, path: &str) -> bool {
        let is_there = || self.path.as_ref().is_none_or(|globs| globs.matches(path));
        self.rule == rule && is_there()
    }
}

impl Settings {
    /// Those in `[tool.portcullis.check]` of a `pyproject.toml`; `None` where it does not have that table.
    ///
    /// # Errors
    /// [`Mistakes`], all of them with their places.
    pub fn in_pyproject(document: Document<'_>) -> Result<Option<Self>, Mistakes> {
        read_table(document, &TABLE, |table| read(document.file, table))
    }

    /// Those in a file of their own.
    ///
    /// # Errors
    /// [`Mistakes`], all of them with their places.
    pub fn in_own_file(document: Document<'_>) -> Result<Self, Mistakes> {
        read_document(document, |table| read(document.file, table))
    }

    /// What is made of the findings of `rule`; `None` leaves it to the rule.
    #[must_use]
    pub fn level(&self, rule: &str) -> Option<Level> {
        self.rules.get(rule).copied()
    }
}

fn read(file: &str, table: &mut Table<'_>) -> Settings {
    let indexes = table.list::<IndexUrl>("index").unwrap_or_default();
    let owned = table.list::<NamePattern>("owned").unwrap_or_default();
    Settings {
        file: file.to_owned(),
        indexes: indexes.into_iter().map(|url| url.value.0).collect(),
        owned: owned.into_iter().map(|pattern| pattern.value).collect(),
        exclude: globs("exclude", table).unwrap_or_default(),
        exceptions: exceptions(table),
        rules: levels(table),
        fail_on: severity(table),
    }
}

fn severity(table: &mut Table<'_>) -> Option<Severity> {
    table.parsed("fail-on").map(|severity| severity.value)
}

/// The patterns under `key`. Each is read by itself, so that a bad one is shown at its place.
fn globs(key: &str, table: &mut Table<'_>) -> Option<Globs> {
    let patterns = table.list::<Pattern>(key)?;
    let patterns: Vec<String> = patterns.into_iter().map(|one| one.value.0).collect();
    Globs::new(&patterns).ok()
}

fn exceptions(table: &mut Table<'_>) -> Vec<Exception> {
    let read = |mut entry: Table<'_>| {
        let id = entry.parsed::<RuleId>("rule");
        let path = globs("path", &mut entry);
        let reason = entry.text("reason").filter(|reason| {
            let is_given = !reason.value.trim().is_empty();
            if !is_given {
                entry.mistake(
                    reason,
                    "the reason is empty",
                    Some("say why it is accepted"),
                );
            }
            is_given
        });
        for (key, is_there) in [("rule", id.is_some()), ("reason", reason.is_some())] {
            if !is_there && !entry.keys().iter().any(|known| known == key) {
                entry.mistake_here(format!("an exception needs a {key}"), None);
            }
        }
        let at = entry.span();
        entry.finish();
        Some(Exception {
            rule: id?.value.0,
            path,
            reason: reason?.value.trim().to_owned(),
            at,
        })
    };
    table
        .tables("ignore")
        .into_iter()
        .filter_map(read)
        .collect()
}

fn levels(table: &mut Table<'_>) -> BTreeMap<&'static str, Level> {
    let Some(mut rules) = table.table("rules") else {
        return BTreeMap::new();
    };
    let mut levels = BTreeMap::new();
    for key in rules.keys() {
        let Some(known) = rule(&key) else {
            no_rule(&key, &mut rules);
            continue;
        };
        if let Some(level) = rules.parsed::<Level>(&key) {
            levels.insert(known.id(), level.value);
        }
    }
    rules.finish();
    levels
}

fn no_rule(key: &str, rules: &mut Table<'_>) {
    let help = match nearest(key) {
        Some(known) => format!("did you mean `{known}`?"),
        None => "`portcullis check --list` lists the rules".to_owned(),
    };
    if let Some(at) = rules.text(key) {
        rules.mistake(&at, format!("there is no rule {key:?}"), Some(&help));
    }
}

/// The rule whose name is nearly `id`.
#[must_use]
pub fn nearest(id: &str) -> Option<&'static str> {
    let ids = RULES.iter().map(|rule| rule.id());
    ids.into_iter().find(|known| resembles(known, id))
}

impl FromStr for Level {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "off" => Ok(Self::Off),
            text => text.parse().map(Self::As).map_err(|_| {
                format!(
                    "{text:?} is neither \"off\" nor a severity (info, low, medium, high, critical)"
                )
            }),
        }
    }
}

/// The id of a rule that there is.
struct RuleId(&'static str);

impl FromStr for RuleId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match (rule(text), nearest(text)) {
            (Some(rule), _) => Ok(Self(rule.id())),
            (None, Some(near)) => Err(format!("there is no rule {text:?}; did you mean {near:?}?")),
            (None, None) => Err(format!(
                "there is no rule {text:?}; `portcullis check --list` lists them"
            )),
        }
    }
}

/// The root of an index.
struct IndexUrl(String);

impl FromStr for IndexUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = Url::parse(text).map_err(|error| error.to_string())?;
        match url.scheme() {
            "http" | "https" if url.has_host() => Ok(Self(text.to_owned())),
            _ => Err("an index has an http or https address".to_owned()),
        }
    }
}

/// One pattern of paths.
struct Pattern(String);

impl FromStr for Pattern {
    type Err = super::globs::InvalidGlob;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Globs::new(&[text])?;
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Settings, Mistakes> {
        let file = "portcullis-check.toml";
        Settings::in_own_file(Document { file, text })
    }

    #[test]
    fn everything_that_can_be_said_is_read() {
        let text = "[project]\nname = \"x\"\n[tool.portcullis.check]\nindex = \"https://a.example/simple/\"\n\
                    owned = [\"acme-*\"]\nexclude = [\"vendor\"]\nfail-on = \"high\"\n\
                    ignore = [{ rule = \"trusted-host\", path = \"ci/*.txt\", reason = \"a lab\" }]\n\
                    [tool.portcullis.check.rules]\nunused-ignore = \"off\"\ntrusted-host = \"low\"\n";
        let file = "pyproject.toml";
        let settings = Settings::in_pyproject(Document { file, text });
        let settings = settings.expect("sound").expect("there");
        assert_eq!(settings.indexes, ["https://a.example/simple/"]);
        assert_eq!(settings.owned.len(), 1);
        assert!(settings.exclude.matches("vendor/requirements.txt"));
        assert_eq!(settings.fail_on, Some(Severity::High));
        assert_eq!(settings.level("unused-ignore"), Some(Level::Off));
        assert_eq!(
            settings.level("trusted-host"),
            Some(Level::As(Severity::Low))
        );
        let exception = &settings.exceptions[0];
        assert!(exception.covers("trusted-host", "ci/a.txt"));
        assert!(!exception.covers("trusted-host", "a.txt"));
        assert!(!exception.covers("unused-ignore", "ci/a.txt"));
        assert!(text[exception.at.clone()].starts_with("{ rule"));
    }

    #[test]
    fn other_tables_are_the_business_of_others() {
        let text = "[tool.other]\nx = 1\n";
        let file = "pyproject.toml";
        assert!(matches!(
            Settings::in_pyproject(Document { file, text }),
            Ok(None)
        ));
    }

    #[test]
    fn every_mistake_is_shown_at_its_place() {
        for (text, expected) in [
            ("indx = \"x\"", "unknown key `indx`"),
            ("index = \"ftp://a.example\"", "http or https"),
            ("exclude = [\"a[\"]", "exclude: "),
            ("fail-on = \"bad\"", "fail-on: "),
            (
                "[rules]\nuntrusted = \"off\"",
                "there is no rule \"untrusted\"",
            ),
            (
                "[rules]\ntrusted-hosts = \"off\"",
                "did you mean `trusted-host`?",
            ),
            ("[rules]\ntrusted-host = \"on\"", "neither \"off\""),
            ("[[ignore]]\nrule = \"trusted-host\"", "needs a reason"),
            ("[[ignore]]\nreason = \"x\"", "needs a rule"),
            (
                "[[ignore]]\nrule = \"trusted-host\"\nreason = \" \"",
                "the reason is empty",
            ),
            (
                "[[ignore]]\nrule = \"none\"\nreason = \"x\"",
                "there is no rule \"none\"",
            ),
        ] {
            let mistakes = of(text).expect_err(text);
            assert_eq!(mistakes.count(), 1, "{mistakes}");
            assert!(mistakes.to_string().contains(expected), "{mistakes}");
        }
    }
}

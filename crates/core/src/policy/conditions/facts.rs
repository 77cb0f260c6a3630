//! What a variable of a condition is: a type, a meaning, and how its value is read out of the facts, within
//! bounds. Which ones there are is in `variables`.

use std::borrow::Cow;
use std::sync::Arc;

use cel::Value;

use super::types::Type;
use crate::fact::{Fact, Facts, FileFacts, ReleaseFacts};
use crate::inspection::{Inspected, Knowledge};
use crate::policy::rule::Need;
use crate::time::Timestamp;

/// The longest list that a condition reads. A longer one is not known.
pub const MAX_ITEMS: usize = 256;

/// The longest text that a condition reads, in bytes. A longer one is not known.
pub const MAX_TEXT: usize = 4096;

/// A fact as conditions see it.
#[derive(Debug)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub of: Type,
    /// What it is about. A condition that reads something of a file does not judge names.
    pub about: Subject,
    /// What it means, for the reference.
    pub doc: &'static str,
    /// What has to be gathered for it.
    pub need: Option<Need>,
    /// Whether its value says what exactly was found, so that a waiver holds for that value alone.
    pub is_identity: bool,
    /// Whether a text that is written out can be among its items, where it is a list of names that are known
    /// beforehand.
    pub(super) admits: Option<Admits>,
    /// How it is read.
    read: Reading,
}

/// Whether a text can be among the items of a list, and why not.
pub(super) type Admits = fn(&str) -> Result<(), String>;

/// What a variable is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// The project, whichever file is looked at.
    Project,
    /// The release or the file.
    File,
}

/// How a variable is read out of the facts.
#[derive(Debug)]
pub(super) enum Reading {
    /// A property of the project.
    OfProject(fn(Facts<'_>) -> Fact<Value>),
    /// A property of the release.
    OfRelease(fn(&ReleaseFacts) -> Fact<Value>),
    /// A property of the file.
    OfFile(fn(&FileFacts) -> Fact<Value>),
    /// What the inspection saw in the file.
    OfInspection(fn(&Fact<Arc<Inspected>>) -> Fact<Value>),
    /// The whole days since a moment.
    Days(fn(Facts<'_>) -> Fact<Timestamp>),
}

use Reading::{Days, OfFile, OfInspection, OfProject, OfRelease};

impl Variable {
    /// A variable that needs nothing to be gathered for it but what it is read out of. Subjects follow from how it is read; what is
    /// told in days is about the file.
    pub(super) const fn new(
        name: &'static str,
        of: Type,
        doc: &'static str,
        read: Reading,
    ) -> Self {
        Self {
            name,
            of,
            about: match read {
                OfProject(_) => Subject::Project,
                OfRelease(_) | OfFile(_) | OfInspection(_) | Days(_) => Subject::File,
            },
            doc,
            need: match read {
                OfInspection(_) => Some(Need::Inspection),
                _ => None,
            },
            is_identity: false,
            admits: None,
            read,
        }
    }

    /// The same, with what has to be gathered for it.
    pub(super) const fn needing(mut self, need: Need) -> Self {
        self.need = Some(need);
        self
    }

    /// The same, as one whose value says what exactly was found.
    pub(super) const fn identifying(mut self) -> Self {
        self.is_identity = true;
        self
    }

    /// The same, as a list of names that `admits` knows.
    pub(super) const fn naming(mut self, admits: Admits) -> Self {
        self.admits = Some(admits);
        self
    }

    /// The same, as one about the project.
    pub(super) const fn about_the_project(mut self) -> Self {
        self.about = Subject::Project;
        self
    }

    /// Its value.
    pub fn value(&self, facts: Facts<'_>, now: Timestamp) -> Fact<Value> {
        let value = match self.read {
            OfProject(read) => read(facts),
            OfRelease(read) => match facts.release {
                Some(release) => read(release),
                None => unknown("its file name gives no version"),
            },
            OfFile(read) => match facts.file {
                Some(file) => read(file),
                None => unknown("only the name is judged"),
            },
            OfInspection(read) => match facts.inspection() {
                Knowledge::Learned(inspection) => read(inspection),
                Knowledge::Ahead => unknown("nobody has looked into it yet"),
            },
            Days(read) => read(facts).map(|since| Value::Int(days_between(since, now))),
        };
        within_bounds(value)
    }

    /// When its value changes by itself, where it does.
    pub fn changes_at(&self, facts: Facts<'_>, now: Timestamp) -> Option<Timestamp> {
        let Days(read) = self.read else { return None };
        let since = *read(facts).known()?;
        let next = match since > now {
            true => 1,
            false => days_between(since, now) + 1,
        };
        Some(since.plus_millis(next.saturating_mul(Timestamp::DAY)))
    }
}

/// The whole days from `since` to `now`; none while `since` is in the future.
fn days_between(since: Timestamp, now: Timestamp) -> i64 {
    now.since(since).max(0) / Timestamp::DAY
}

fn within_bounds(value: Fact<Value>) -> Fact<Value> {
    match value {
        Fact::Known(Value::List(items)) if items.len() > MAX_ITEMS => {
            unknown("it has more items than a condition looks at")
        }
        Fact::Known(Value::String(text)) if text.len() > MAX_TEXT => {
            unknown("it is longer than a condition looks at")
        }
        other => other,
    }
}

pub(super) fn unknown(why: &'static str) -> Fact<Value> {
    Fact::Unknown(Cow::Borrowed(why))
}

pub(super) fn text(text: impl ToString) -> Value {
    Value::String(Arc::new(text.to_string()))
}

//! [`Licence`]: what a release says of its licence, from every place that says something, with what it
//! cannot mean told apart from what it may mean. What a policy thinks of it is `lists`' business, and
//! licence texts are recognised elsewhere: here they arrive as SPDX ids.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::fact::Fact;
use crate::pypi::metadata::CoreMetadata;

mod expression;
mod versions;
mod classifiers;
mod free_text;
pub mod lists;

pub use expression::{Choice, InvalidExpression, LicenceExpression, Term};

/// The longest statement that is kept, in bytes: some projects put whole licences into `License`.
const MAX_STATEMENT: usize = 300;

/// The most classifiers and files of a release that are looked at.
const MAX_STATEMENTS: usize = 64;

/// Where a statement about a licence stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SourceKind {
    /// `License-Expression` (PEP 639).
    Expression,
    /// The text of licence files.
    File,
    /// The `License ::` classifiers.
    Classifier,
    /// `License`, in the words of its author.
    FreeText,
}

impl fmt::Display for SourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Expression => "License-Expression",
            Self::File => "licence files",
            Self::Classifier => "classifiers",
            Self::FreeText => "License",
        })
    }
}

/// One statement about the licence of a release, as an observation that can be kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// Where it stands.
    pub kind: SourceKind,
    /// What it says, in the words that stand there, shortened.
    pub text: Box<str>,
    /// The SPDX ids of what was recognised in licence files; empty for the other kinds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<Box<str>>,
}

/// What a statement may mean. One reading is an answer, several are an honest doubt.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Meaning {
    /// One of these expressions; never empty.
    Readings(Vec<LicenceExpression>),
    /// Nothing that has an SPDX id, and why.
    Unclear(String),
}

/// A statement together with what it may mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The statement.
    pub statement: Statement,
    /// The expressions that it may mean; empty where it has no SPDX id.
    pub readings: Vec<LicenceExpression>,
}

/// Two sources that cannot both be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// What one of them says.
    pub one: Box<str>,
    /// What the other says.
    pub other: Box<str>,
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, but {}", self.one, self.other)
    }
}

/// The licence of a release, as far as the release tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Licence {
    /// Everything that says something, the weightiest first.
    pub sources: Vec<Source>,
    /// What it may be: one expression, or several where the weightiest source is in doubt.
    pub readings: Vec<LicenceExpression>,
    /// Sources that contradict each other.
    pub conflicts: Vec<Conflict>,
    /// Why there is no single expression, where there is none.
    doubt: String,
}

impl Licence {
    /// What the core metadata of a release says: expression, classifiers and free text.
    pub fn from_metadata(metadata: &CoreMetadata) -> Self {
        Self::from_statements(Self::statements(metadata))
    }

    /// The statements in core metadata, to be kept.
    pub fn statements(metadata: &CoreMetadata) -> Vec<Statement> {
        let mut statements = Vec::new();
        if let Some(expression) = &metadata.license_expression {
            statements.push(statement(SourceKind::Expression, expression));
        }
        let licences = metadata
            .classifiers
            .iter()
            .filter(|classifier| classifiers::is_about_licence(classifier));
        let classifiers = licences.take(MAX_STATEMENTS);
        statements.extend(classifiers.map(|text| statement(SourceKind::Classifier, text)));
        if let Some(text) = metadata.license.as_deref().map(str::trim)
            && !text.is_empty()
        {
            statements.push(statement(SourceKind::FreeText, text));
        }
        statements
    }

    /// What these statements come to. Reading is pure, so that kept statements gain from later tables.
    pub fn from_statements(statements: Vec<Statement>) -> Self {
        let mut sources: Vec<Source> = Vec::new();
        let mut doubts = Vec::new();
        for group in grouped(statements) {
            let (statement, meaning) = group;
            let readings = match meaning {
                Meaning::Readings(readings) => readings,
                Meaning::Unclear(why) => {
                    doubts.push(why);
                    Vec::new()
                }
            };
            sources.push(Source {
                statement,
                readings,
            });
        }
        sources.sort_by_key(weight);
        let readings = settled(&sources);
        let conflicts = conflicts(&sources);
        let doubt = match readings.len() {
            0 if doubts.is_empty() => "the release says nothing of its licence".to_owned(),
            0 => doubts.join("; "),
            1 => String::new(),
            _ => doubt_between(&sources, &readings),
        };
        Self {
            sources,
            readings,
            conflicts,
            doubt,
        }
    }

    /// The one expression that the licence is, or why there is none.
    pub fn expression(&self) -> Fact<&LicenceExpression> {
        match &self.readings[..] {
            [only] => Fact::Known(only),
            _ => Fact::Unknown(self.doubt.clone().into()),
        }
    }

    /// `MIT`, or the doubt in words.
    pub fn title(&self) -> String {
        match &self.readings[..] {
            [only] => only.to_string(),
            _ => format!("unknown ({})", self.doubt),
        }
    }
}

fn statement(kind: SourceKind, text: &str) -> Statement {
    let mut end = text.len().min(MAX_STATEMENT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    Statement {
        kind,
        text: text[..end].into(),
        ids: Vec::new(),
    }
}

/// Statements of one kind together, as the release means them: all classifiers are one statement, and so
/// are all licence files.
fn grouped(statements: Vec<Statement>) -> Vec<(Statement, Meaning)> {
    let mut groups = Vec::new();
    let mut classifiers = Vec::new();
    let mut files = Vec::new();
    for statement in statements {
        match statement.kind {
            SourceKind::Expression => {
                let meaning = read_expression(&statement.text);
                groups.push((statement, meaning));
            }
            SourceKind::FreeText => {
                let meaning = free_text::read(&statement.text);
                groups.push((statement, meaning));
            }
            SourceKind::Classifier => classifiers.push(statement.text),
            SourceKind::File => files.push(statement),
        }
    }
    if !classifiers.is_empty() {
        let meaning = classifiers::read(&classifiers);
        let texts: Vec<&str> = classifiers.iter().map(|text| short(text)).collect();
        groups.push((
            statement(SourceKind::Classifier, &texts.join("; ")),
            meaning,
        ));
    }
    if !files.is_empty() {
        groups.push(read_files(&files));
    }
    groups
}

/// `OSI Approved :: MIT License` → `MIT License`.
fn short(classifier: &str) -> &str {
    classifier.rsplit("::").next().unwrap_or(classifier).trim()
}

fn read_expression(text: &str) -> Meaning {
    match LicenceExpression::parse(text) {
        Ok(expression) => Meaning::Readings(vec![expression]),
        Err(error) => Meaning::Unclear(format!("License-Expression: {error}")),
    }
}

/// Every licence whose text lies in the distribution applies to some of it.
fn read_files(files: &[Statement]) -> (Statement, Meaning) {
    let ids: BTreeSet<&str> = files
        .iter()
        .flat_map(|file| &file.ids)
        .map(|id| &**id)
        .collect();
    let texts: Vec<&str> = files.iter().map(|file| &*file.text).collect();
    let mut joined = statement(SourceKind::File, &texts.join(", "));
    joined.ids = ids.iter().map(|id| (*id).into()).collect();
    let meaning = match classifiers::all_of(ids.into_iter().map(choices_of_text)) {
        Some(readings) => Meaning::Readings(readings),
        None => Meaning::Unclear("the text of its licence files was not recognised".to_owned()),
    };
    (joined, meaning)
}

/// The text of a GNU licence is the same whether later versions may be chosen or not.
fn choices_of_text(id: &str) -> Vec<String> {
    let only = format!("{id}-only");
    match spdx::license_id(&only) {
        Some(_) => vec![only, format!("{id}-or-later")],
        None => vec![id.to_owned()],
    }
}

/// Earlier is weightier. Several texts beside each other may be those of bundled parts, so that they weigh
/// less than what the author says in words.
fn weight(source: &Source) -> u8 {
    match (source.statement.kind, source.statement.ids.len()) {
        (SourceKind::Expression, _) => 0,
        (SourceKind::File, 0 | 1) => 1,
        (SourceKind::Classifier, _) => 2,
        (SourceKind::FreeText, _) => 3,
        (SourceKind::File, _) => 4,
    }
}

/// The readings of the weightiest source that has some, narrowed by what the others say where they agree.
fn settled(sources: &[Source]) -> Vec<LicenceExpression> {
    let mut having = sources.iter().filter(|source| !source.readings.is_empty());
    let Some(first) = having.next() else {
        return Vec::new();
    };
    let mut readings = first.readings.clone();
    for source in having {
        if readings.len() > 1 {
            let also = |reading: &LicenceExpression| source.readings.contains(reading);
            let narrowed: Vec<_> = readings.iter().filter(|r| also(r)).cloned().collect();
            if !narrowed.is_empty() {
                readings = narrowed;
            }
        }
    }
    readings
}

fn doubt_between(sources: &[Source], readings: &[LicenceExpression]) -> String {
    let first = sources.iter().find(|source| !source.readings.is_empty());
    let said = first.map_or("", |source| &*source.statement.text);
    let kind = first.map_or(SourceKind::FreeText, |source| source.statement.kind);
    let readings: Vec<String> = readings.iter().map(ToString::to_string).collect();
    format!("{kind}: {said:?} may mean {}", readings.join(", or "))
}

/// Two sources contradict each other when no kind of licence is in both.
fn conflicts(sources: &[Source]) -> Vec<Conflict> {
    let families = |source: &Source| -> BTreeSet<String> {
        let readings = source.readings.iter();
        readings.flat_map(LicenceExpression::families).collect()
    };
    let mut conflicts = Vec::new();
    for (at, one) in sources.iter().enumerate() {
        for other in &sources[at + 1..] {
            let (a, b) = (families(one), families(other));
            if !a.is_empty() && !b.is_empty() && a.is_disjoint(&b) {
                conflicts.push(Conflict {
                    one: one.said().into(),
                    other: other.said().into(),
                });
            }
        }
    }
    conflicts
}

impl Source {
    /// `classifiers say MIT`.
    fn said(&self) -> String {
        let verb = match self.statement.kind {
            SourceKind::Classifier | SourceKind::File => "say",
            SourceKind::Expression | SourceKind::FreeText => "says",
        };
        let readings: Vec<String> = self.readings.iter().map(ToString::to_string).collect();
        format!("{} {verb} {}", self.statement.kind, readings.join(" or "))
    }
}

#[cfg(test)]
mod tests;

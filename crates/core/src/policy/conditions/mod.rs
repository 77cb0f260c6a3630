//! Conditions: rules that a policy defines itself, in CEL (the Common Expression Language), over the same
//! facts as the built-in rules. What may be said is in `facts` and `functions`; how a policy file writes it
//! down is read here.

use std::borrow::Cow;
use std::sync::Arc;

use super::rule::Check;
use super::rules::RULES;
use super::{ConfiguredRule, Effect, Mode, PolicyLine};
use crate::settings::{Located, Table};

mod types;
mod facts;
mod vulnerabilities;
mod variables;
mod functions;
mod parse;
mod check;
mod evaluate;
#[cfg(test)]
mod tests;

pub use check::MAX_STEPS;
pub use facts::{MAX_ITEMS, MAX_TEXT, Subject, Variable};
pub use functions::{FUNCTIONS, FunctionManual};
pub use parse::{MAX_DEPTH, MAX_LENGTH};
pub use types::{Field, Item, Scalar, Type};
pub use variables::VARIABLES;

use evaluate::Evaluated;

/// The most conditions that one policy may have.
pub const MAX_CONDITIONS: usize = 200;

/// The longest id of a condition.
const MAX_ID: usize = 64;

/// A condition as a policy writes it.
#[derive(Clone, Debug)]
pub struct Condition {
    /// Its id, as exceptions and refusals name it.
    pub id: Arc<str>,
    /// The expression.
    pub when: Arc<str>,
    /// Off, observed or enforced.
    pub mode: Mode,
    /// What it does where the expression is true.
    pub effect: Effect,
    /// What it does where a fact that decides is unknown.
    pub on_unknown: Effect,
    /// What is said to the person who is hit; the expression where it is absent.
    pub message: Option<Arc<str>>,
    /// What that person can do.
    pub remedy: Option<Arc<str>>,
    /// The variables that it reads.
    pub reads: Vec<&'static str>,
    /// Where it is written.
    pub line: PolicyLine,
}

impl Condition {
    /// One line: what it is for.
    pub fn summary(&self) -> String {
        match &self.message {
            Some(message) => message.to_string(),
            None => format!("a condition: {}", one_line(&self.when)),
        }
    }
}

/// An expression as one line of reasonable length.
fn one_line(text: &str) -> String {
    const MOST: usize = 120;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MOST) {
        None => line,
        Some((at, _)) => format!("{}…", &line[..at]),
    }
}

/// Reads the conditions of a policy, and reports every mistake in them. Those that are off are read like the
/// others; the rules are those that are not.
pub(super) fn read(root: &mut Table<'_>, file: &Arc<str>) -> (Vec<Condition>, Vec<ConfiguredRule>) {
    let Some(mut section) = root.table("conditions") else {
        return (Vec::new(), Vec::new());
    };
    let ids = section.keys();
    if ids.len() > MAX_CONDITIONS {
        let message = format!("a policy has at most {MAX_CONDITIONS} conditions");
        section.mistake_here(message, None);
    }
    let (mut conditions, mut rules) = (Vec::new(), Vec::new());
    for id in ids.iter().take(MAX_CONDITIONS) {
        let Some(table) = section.table(id) else {
            continue;
        };
        if let Some((condition, check)) = one(table, id, file) {
            rules.extend(configured(&condition, check));
            conditions.push(condition);
        }
    }
    for id in ids.iter().skip(MAX_CONDITIONS) {
        section.table(id);
    }
    section.finish();
    (conditions, rules)
}

fn configured(condition: &Condition, check: Evaluated) -> Option<ConfiguredRule> {
    let check: Box<dyn Check> = Box::new(check);
    (condition.mode != Mode::Off).then(|| ConfiguredRule {
        id: Cow::Owned(condition.id.to_string()),
        summary: Cow::Owned(condition.summary()),
        mode: condition.mode,
        effect: condition.effect,
        on_unknown: condition.on_unknown,
        line: condition.line.clone(),
        is_law: false,
        is_filter: false,
        check,
    })
}

fn one(mut table: Table<'_>, id: &str, file: &Arc<str>) -> Option<(Condition, Evaluated)> {
    let line = PolicyLine {
        file: Arc::clone(file),
        line: Some(table.line()),
    };
    let has_sound_id = check_id(&table, id);
    let when = table.text("when");
    let mode = table.parsed::<Mode>("mode");
    let effect = table.parsed::<Effect>("effect");
    let on_unknown = table.parsed::<Effect>("on-unknown");
    let (message, remedy) = (words(&mut table, "message"), words(&mut table, "remedy"));
    if when.is_none() && !table.keys().contains(&"when".to_owned()) {
        let help = "for example when = 'project.startsWith(\"evil-\")'";
        table.mistake_here("this condition has no `when`", Some(help));
    }
    let parsed = when.and_then(|when| Some((expression(&table, &when)?, when.value)));
    table.finish();
    let (parsed, when) = parsed.filter(|_| has_sound_id)?;
    let condition = Condition {
        id: id.into(),
        when: when.into(),
        mode: mode.map_or(Mode::Enforce, |mode| mode.value),
        effect: effect.map_or(Effect::Deny, |effect| effect.value),
        on_unknown: on_unknown.map_or(Effect::Hold, |effect| effect.value),
        message,
        remedy,
        reads: parsed
            .checked
            .variables
            .iter()
            .map(|variable| variable.name)
            .collect(),
        line,
    };
    let check = Evaluated::new(&condition, parsed);
    Some((condition, check))
}

fn words(table: &mut Table<'_>, key: &str) -> Option<Arc<str>> {
    let text = table.text(key)?;
    if text.value.trim().is_empty() || text.value.chars().any(char::is_control) {
        table.mistake(&text, format!("`{key}` must be one line of text"), None);
    }
    Some(text.value.trim().into())
}

fn check_id(table: &Table<'_>, id: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let is_word = id.starts_with(|c: char| c.is_ascii_lowercase()) && id.chars().all(fits);
    if !is_word || id.ends_with('-') || id.len() > MAX_ID {
        let help = "use small letters, digits and hyphens, such as no-agpl";
        table.mistake_here(
            format!("{id:?} cannot be the id of a condition"),
            Some(help),
        );
        return false;
    }
    if RULES.iter().any(|rule| rule.id() == id) {
        let message = format!("{id} is the name of a built-in rule");
        table.mistake_here(message, Some("give the condition another name"));
        return false;
    }
    true
}

fn expression(table: &Table<'_>, when: &Located<String>) -> Option<parse::Parsed> {
    match parse::parse(&when.value) {
        Ok(parsed) => Some(parsed),
        Err(mistakes) => {
            for mistake in mistakes {
                let help = mistake.help.as_deref();
                table.mistake_within(when, mistake.at, mistake.message, help);
            }
            None
        }
    }
}

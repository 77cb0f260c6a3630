//! A condition as a check: the facts that it reads are bound, the expression is evaluated, and whatever is
//! not a clear answer is [`Outcome::Unknown`], never a pass.

use std::sync::Arc;

use cel::objects::Key;
use cel::{Context, ExecutionError, IdedExpr, Value};

use super::facts::{Subject, Variable};
use super::functions::environment;
use super::parse::Parsed;
use super::{Condition, one_line};
use crate::fact::{Fact, Facts};
use crate::policy::rule::{Check, Found, Need, Outcome};
use crate::time::Timestamp;

/// How many items of a list are shown as evidence.
const SHOWN_ITEMS: usize = 8;

/// A condition, ready to be evaluated.
#[derive(Debug)]
pub(super) struct Evaluated {
    tree: IdedExpr,
    variables: Vec<&'static Variable>,
    needs: Vec<Need>,
    message: Arc<str>,
    remedy: Arc<str>,
}

impl Evaluated {
    /// The condition with its tree.
    pub(super) fn new(condition: &Condition, parsed: Parsed) -> Self {
        let variables = parsed.checked.variables;
        let message = condition.message.clone();
        let remedy = condition.remedy.clone();
        Self {
            tree: parsed.tree,
            needs: variables
                .iter()
                .filter_map(|variable| variable.need)
                .collect(),
            variables,
            message: message.unwrap_or_else(|| {
                format!("it meets the condition {}", one_line(&condition.when)).into()
            }),
            remedy: remedy.unwrap_or_else(|| "use another version or project".into()),
        }
    }

    /// Whether it has something to say of what is judged: what it reads of a file is not there while only
    /// a name is.
    fn is_about(&self, facts: Facts<'_>) -> bool {
        let mut variables = self.variables.iter();
        facts.file.is_some() || variables.all(|variable| variable.about == Subject::Project)
    }

    fn read(&self, facts: Facts<'_>, now: Timestamp) -> Vec<(&'static Variable, Fact<Value>)> {
        let read = |variable: &&'static Variable| (*variable, variable.value(facts, now));
        self.variables.iter().map(read).collect()
    }

    fn awaits_inspection(&self, facts: Facts<'_>) -> bool {
        self.needs.contains(&Need::Inspection) && facts.inspection().is_ahead()
    }

    /// The value of the expression. A variable of which the value is unknown is left unbound: CEL lets an
    /// error pass where the other side of `&&` or `||` decides, and so an unknown.
    fn evaluate(&self, read: &[(&Variable, Fact<Value>)]) -> Result<bool, ExecutionError> {
        let mut context = Context::with_env(environment());
        for (variable, value) in read {
            if let Fact::Known(value) = value {
                context.add_variable_from_value(variable.name, value.clone());
            }
        }
        match Value::resolve(&self.tree, &context)? {
            Value::Bool(holds) => Ok(holds),
            _ => Err(ExecutionError::function_error("condition", "it is no bool")),
        }
    }

    fn found(&self, message: String, read: &[(&'static Variable, Fact<Value>)]) -> Found {
        let found = Found::new(message, &*self.remedy);
        read.iter()
            .fold(found, |found, (variable, value)| match value {
                Fact::Known(value) => found.because(variable.name, shown(value)),
                Fact::Unknown(why) => found.because(variable.name, format!("unknown: {why}")),
            })
    }
}

impl Check for Evaluated {
    fn check(&self, facts: Facts<'_>, now: Timestamp) -> Outcome {
        if !self.is_about(facts) {
            return Outcome::Pass;
        }
        let read = self.read(facts, now);
        match self.evaluate(&read) {
            Ok(false) => Outcome::Pass,
            Ok(true) => {
                let found = self.found(self.message.to_string(), &read);
                let lasting = read.iter().filter(|(variable, _)| variable.is_identity);
                let things = lasting.flat_map(|(variable, value)| things(variable, value));
                Outcome::Found(things.fold(found, Found::about))
            }
            // What no source has is absent, whatever a condition cannot know of it.
            Err(_) if facts.project.origin.is_none() && facts.file.is_none() => Outcome::Pass,
            // It is looked into before anybody receives it, and judged again then.
            Err(_) if self.awaits_inspection(facts) => Outcome::Pass,
            Err(error) => Outcome::Unknown(self.found(why_unknown(&error, &read), &read)),
        }
    }

    fn changes_at(&self, facts: Facts<'_>, now: Timestamp) -> Option<Timestamp> {
        let variables = self.variables.iter();
        variables
            .filter_map(|variable| variable.changes_at(facts, now))
            .min()
    }

    fn needs(&self) -> &[Need] {
        &self.needs
    }
}

/// Why an evaluation gave no answer: the unknown fact that it came upon, or what went wrong.
fn why_unknown(error: &ExecutionError, read: &[(&Variable, Fact<Value>)]) -> String {
    if let ExecutionError::UndeclaredReference(name) = error {
        for (variable, value) in read {
            if let (true, Fact::Unknown(why)) = (variable.name == **name, value) {
                return format!("its {} is not known ({why})", variable.name);
            }
        }
    }
    match error {
        ExecutionError::NoSuchKey(field) => format!("its {field} is not known"),
        ExecutionError::IndexOutOfBounds(_) => "a list that is asked for an item is shorter".into(),
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => {
            "the condition divides by zero".into()
        }
        ExecutionError::Overflow(..) => "a number in the condition grows too large".into(),
        ExecutionError::FunctionError { function, message } => format!("{function}: {message}"),
        _ => "the condition has no answer for it".into(),
    }
}

/// What a finding is about, item by item.
fn things(variable: &Variable, value: &Fact<Value>) -> Vec<String> {
    match value {
        Fact::Known(Value::List(items)) => items.iter().map(shown).collect(),
        Fact::Known(value) => vec![format!("{} {}", variable.name, shown(value))],
        Fact::Unknown(_) => Vec::new(),
    }
}

/// A value for people.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        Value::List(items) if items.is_empty() => "none".to_owned(),
        Value::List(items) => {
            let more = items.len().saturating_sub(SHOWN_ITEMS);
            let shown: Vec<String> = items.iter().take(SHOWN_ITEMS).map(shown).collect();
            match more {
                0 => shown.join(", "),
                more => format!("{} and {more} more", shown.join(", ")),
            }
        }
        Value::Map(fields) => {
            let id = fields.map.get(&Key::from("id"));
            id.map_or_else(|| "a record".to_owned(), shown)
        }
        _ => "something else".to_owned(),
    }
}

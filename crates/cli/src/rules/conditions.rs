//! The conditions that a policy defines, as `portcullis rules` shows them.

use portcullis_core::policy::conditions::{Condition, VARIABLES};
use portcullis_core::policy::{Mode, Policy};
use serde_json::{Value, json};

use crate::output::{Format, paragraph, print, print_json, table};

/// The condition of this id, off or not.
pub fn named<'p>(policy: &'p Policy, id: &str) -> Option<&'p Condition> {
    let mut conditions = policy.conditions().iter();
    conditions.find(|condition| &*condition.id == id)
}

/// A condition as a row of the listing.
pub fn row(condition: &Condition) -> [String; 5] {
    let (effect, unknown) = match condition.mode {
        Mode::Off => ("·".to_owned(), "·".to_owned()),
        Mode::Observe | Mode::Enforce => (
            condition.effect.to_string(),
            condition.on_unknown.to_string(),
        ),
    };
    [
        condition.id.to_string(),
        condition.mode.to_string(),
        effect,
        unknown,
        condition.summary(),
    ]
}

/// Shows one.
pub fn show(condition: &Condition, format: Format) -> anyhow::Result<()> {
    match format {
        Format::Json => print_json(&as_json(condition)),
        Format::Text => print(&text(condition)),
    }
}

fn text(condition: &Condition) -> String {
    let mut text = format!("{}, a condition of {}\n", condition.id, condition.line);
    if let Some(message) = &condition.message {
        text.push_str(&paragraph(2, message));
    }
    text.push_str("\n  when\n");
    for line in condition.when.lines() {
        text.push_str(&format!("    {line}\n"));
    }
    text.push('\n');
    let rows = [
        ("mode", condition.mode.to_string()),
        ("effect", condition.effect.to_string()),
        ("on-unknown", condition.on_unknown.to_string()),
    ];
    let rows = rows.map(|(key, value)| [key.to_owned(), value]);
    text.push_str(&table(["key", "in force"], rows));
    if !condition.reads.is_empty() {
        text.push_str("\nIt reads:\n\n");
        let read = VARIABLES
            .iter()
            .filter(|variable| condition.reads.contains(&variable.name));
        let rows = read.map(|variable| {
            [
                variable.name.to_owned(),
                variable.of.to_string(),
                variable.doc.to_owned(),
            ]
        });
        text.push_str(&table(["variable", "type", "meaning"], rows));
    }
    if let Some(remedy) = &condition.remedy {
        text.push_str(&paragraph(
            0,
            &format!("\nWhoever is refused reads: {remedy}"),
        ));
    }
    text
}

/// A condition for programs.
pub fn as_json(condition: &Condition) -> Value {
    json!({
        "condition": &*condition.id,
        "when": &*condition.when,
        "mode": condition.mode,
        "effect": condition.effect,
        "on-unknown": condition.on_unknown,
        "message": condition.message.as_deref(),
        "remedy": condition.remedy.as_deref(),
        "reads": condition.reads,
        "policy-line": condition.line.to_string(),
    })
}

//! The manuals of the rules of the inspection, which need neither a configuration nor a policy.

use portcullis_inspect::inspection::{Manual, manual};
use serde_json::json;

use crate::output::{Format, paragraph, print, print_json};

/// The manual of the rule `id` of the inspection, whatever its letters' case.
pub(super) fn named(id: &str) -> Option<Manual> {
    manual(&id.to_ascii_uppercase())
}

/// Shows it.
pub(super) fn show(manual: &Manual, format: Format) -> anyhow::Result<()> {
    match format {
        Format::Json => print_json(&json!({
            "rule": manual.id,
            "summary": manual.title,
            "severity": manual.severity.to_string(),
            "manual": manual.text,
        })),
        Format::Text => print(&text(manual)),
    }
}

fn text(manual: &Manual) -> String {
    let title = format!("{} (at worst {})", manual.title, manual.severity);
    let mut text = format!("{}\n{}\n", manual.id, paragraph(2, &title));
    for part in manual.text.split("\n\n") {
        text.push_str(&paragraph(2, part));
        text.push('\n');
    }
    text.push_str("It is a rule of the inspection:  portcullis scan PATH\n");
    text
}

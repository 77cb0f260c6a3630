//! The manuals of the rules of `portcullis check`, which need neither a configuration nor a policy.

use portcullis_core::lint::Rule;
use portcullis_core::lint::rules::rule;
use serde_json::json;

use crate::output::{Format, paragraph, print, print_json};

/// The rule `id` of `portcullis check`.
pub(super) fn named(id: &str) -> Option<&'static dyn Rule> {
    rule(&id.to_ascii_lowercase())
}

/// Shows its manual.
pub(super) fn show(rule: &dyn Rule, format: Format) -> anyhow::Result<()> {
    let (path, example) = rule.example();
    match format {
        Format::Json => print_json(&json!({
            "rule": rule.id(),
            "summary": rule.summary(),
            "severity": rule.severity().to_string(),
            "manual": rule.manual(),
            "example": { "path": path, "text": example },
        })),
        Format::Text => print(&text(rule)),
    }
}

fn text(rule: &dyn Rule) -> String {
    let title = format!("{} (at worst {})", rule.summary(), rule.severity());
    let mut text = format!("{}\n{}\n", rule.id(), paragraph(2, &title));
    for part in rule.manual().split("\n\n") {
        text.push_str(&paragraph(2, part));
        text.push('\n');
    }
    let (path, example) = rule.example();
    text.push_str(&format!("It objects to this {path}:\n\n"));
    for line in example.lines() {
        text.push_str(format!("  {line}").trim_end());
        text.push('\n');
    }
    text.push_str("\nIt is a rule of the check of projects:  portcullis check\n");
    text
}

#[cfg(test)]
mod tests {
    use portcullis_core::lint::RULES;

    use super::*;

    #[test]
    fn every_name_of_a_rule_means_one_rule() {
        let policies = portcullis_core::policy::rules::RULES.iter();
        let policies: Vec<&str> = policies.map(|rule| rule.id()).collect();
        for rule in RULES {
            let id = rule.id();
            assert!(!policies.contains(&id), "{id} is a rule of policies, too");
            let same = RULES.iter().filter(|other| other.id() == id);
            assert_eq!(same.count(), 1, "{id}");
        }
    }

    #[test]
    fn the_manual_of_a_rule() {
        insta::assert_snapshot!(text(named("Trusted-Host").unwrap()));
    }
}

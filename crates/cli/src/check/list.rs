//! The rules of a check as `portcullis check --list` shows them.

use portcullis_core::inspection::Severity;
use portcullis_core::lint::settings::{Level, Settings};
use portcullis_core::lint::{RULES, Rule};
use serde_json::{Value, json};

use super::CheckFormat;
use crate::exit::failure;
use crate::output::{print, print_json, table};

/// Lists all rules with what the settings make of them.
pub(super) fn list(settings: &Settings, format: CheckFormat) -> anyhow::Result<()> {
    match format {
        CheckFormat::Json => {
            let rules = RULES.iter().map(|rule| object(*rule, settings));
            print_json(&json!({ "rules": rules.collect::<Vec<_>>() }))
        }
        CheckFormat::Text => {
            let rows = RULES.iter().map(|rule| row(*rule, settings));
            print(&table(["rule", "severity", "what it finds"], rows))?;
            print("\nThe manual of one:  portcullis rules RULE")
        }
        CheckFormat::Sarif | CheckFormat::Github | CheckFormat::Junit => Err(failure(
            "rules are listed as text or json",
            "give --format json, or none",
        )),
    }
}

fn row(rule: &dyn Rule, settings: &Settings) -> [String; 3] {
    let severity = severity(rule, settings).map(|severity| severity.to_string());
    [
        rule.id().to_owned(),
        severity.unwrap_or_else(|| "off".to_owned()),
        rule.summary().to_owned(),
    ]
}

fn object(rule: &dyn Rule, settings: &Settings) -> Value {
    json!({
        "id": rule.id(),
        "summary": rule.summary(),
        "severity": severity(rule, settings).map(|severity| severity.to_string()),
        "default-severity": rule.severity().to_string(),
    })
}

/// How bad the findings of a rule are; `None` where it is off.
fn severity(rule: &dyn Rule, settings: &Settings) -> Option<Severity> {
    match settings.level(rule.id()) {
        Some(Level::Off) => None,
        Some(Level::As(severity)) => Some(severity),
        None => Some(rule.severity()),
    }
}

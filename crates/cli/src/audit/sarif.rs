//! An audit as one SARIF document: a rule for each vulnerability, a result for each release and place.

use std::collections::BTreeMap;

use portcullis_core::advisory::audit::{Unchecked, Vulnerable};
use portcullis_core::inventory::FoundAt;
use serde_json::{Value, json};

use super::Told;
use crate::sarif::{self, Run, uri};

pub(super) fn document(told: &Told) -> String {
    let audit = &told.audit;
    let ignored = || audit.ignored.iter().map(|(one, _)| one);
    let mut rules: BTreeMap<&str, Value> = BTreeMap::new();
    for one in audit.found.iter().chain(ignored()) {
        rules
            .entry(&one.affecting.group.id)
            .or_insert_with(|| rule(one));
    }
    let found = audit.found.iter().flat_map(|one| results(one, None));
    let ignored = audit.ignored.iter();
    let ignored = ignored.flat_map(|(one, reason)| results(one, Some(reason)));
    sarif::document(Run {
        results: found.chain(ignored).collect(),
        rules: rules.into_values().collect(),
        notifications: audit.unchecked.iter().map(notification).collect(),
    })
}

fn rule(one: &Vulnerable) -> Value {
    let group = &one.affecting.group;
    let title = match group.summary.is_empty() {
        true => group.id.to_string(),
        false => group.summary.to_string(),
    };
    let names: Vec<String> = group.names().map(ToString::to_string).collect();
    json!({
        "id": group.id,
        "shortDescription": { "text": title },
        "fullDescription": { "text": title },
        "help": { "text": format!("{}. Known as {}.", one.remedy(), names.join(", ")) },
        "properties": {
            "tags": ["security", "vulnerability"],
            "security-severity": score(one),
        },
    })
}

/// Where dashboards want a number. What nobody has rated may be anything, and is shown in the middle.
fn score(one: &Vulnerable) -> String {
    match &one.affecting.group.severity {
        _ if one.is_malicious() => "10.0".to_owned(),
        Some(severity) => severity.score.to_string(),
        None => "5.0".to_owned(),
    }
}

fn level(one: &Vulnerable) -> &'static str {
    let severity = one.affecting.group.severity.as_ref();
    let value = severity.map_or(5.0, |severity| severity.score.value());
    match value {
        _ if one.is_malicious() || one.is_exploited() => "error",
        value if value >= 7.0 => "error",
        value if value >= 4.0 => "warning",
        _ => "note",
    }
}

fn results(one: &Vulnerable, ignored: Option<&String>) -> Vec<Value> {
    let group = &one.affecting.group;
    let what = match one.is_malicious() {
        true => "is malware",
        false => "has a known vulnerability",
    };
    let text = format!(
        "{} {} {what}: {group}. {}.",
        one.project,
        one.version,
        one.remedy()
    );
    let result = |found: &FoundAt| {
        let mut result = json!({
            "ruleId": group.id,
            "level": level(one),
            "message": { "text": text },
            "locations": [location(found)],
            "partialFingerprints": {
                "release/v1": format!("{}:{}:{}", group.id, one.project, one.version),
            },
        });
        if let Some(reason) = ignored {
            result["suppressions"] = json!([{ "kind": "external", "justification": reason }]);
        }
        result
    };
    one.found.iter().map(result).collect()
}

fn location(found: &FoundAt) -> Value {
    let mut physical = json!({ "artifactLocation": { "uri": uri(&found.path) } });
    if let Some(line) = found.line {
        physical["region"] = json!({ "startLine": line });
    }
    json!({ "physicalLocation": physical })
}

fn notification(one: &Unchecked) -> Value {
    let text = format!("not checked: {}: {}", one.what, one.why);
    let mut notification = json!({ "level": "error", "message": { "text": text } });
    let locations: Vec<Value> = one.found.iter().map(location).collect();
    if !locations.is_empty() {
        notification["locations"] = json!(locations);
    }
    notification
}

//! A check as one SARIF document, with what is ignored as suppressed results and fixes that editors can apply.

use portcullis_core::inspection::Severity;
use portcullis_core::lint::check::IgnoredBy;
use portcullis_core::lint::{Fix, Ignored, RULES, Rule};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::answer::{Answer, Lines, Place, Shown};
use crate::sarif::{self, Run, uri};

/// The document.
pub(super) fn document(answer: &Answer<'_>) -> String {
    let found = answer.findings.iter().map(|shown| result(shown, None));
    let ignored = answer.ignored.iter();
    let ignored = ignored.map(|(shown, ignored)| result(shown, Some(ignored)));
    let unchecked = answer.unchecked.iter().map(|one| {
        let mut notification = sarif::notification(&one.path, &one.why);
        if let Some(line) = one.line {
            notification["locations"][0]["physicalLocation"]["region"] =
                json!({ "startLine": line });
        }
        notification
    });
    sarif::document(Run {
        rules: RULES.iter().map(|rule| descriptor(*rule)).collect(),
        results: found.chain(ignored).collect(),
        notifications: unchecked.collect(),
    })
}

fn descriptor(rule: &dyn Rule) -> Value {
    json!({
        "id": rule.id(),
        "shortDescription": { "text": rule.summary() },
        "fullDescription": { "text": rule.summary() },
        "help": { "text": rule.manual(), "markdown": rule.manual() },
        "defaultConfiguration": { "level": level(rule.severity()) },
        "properties": {
            "tags": ["security"],
            "security-severity": sarif::score(rule.severity()),
        },
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

fn result(shown: &Shown<'_>, ignored: Option<&Ignored>) -> Value {
    let finding = shown.finding;
    let text = [&finding.message, &finding.why, &finding.help];
    let text = text.into_iter().filter(|text| !text.is_empty());
    let text: Vec<&str> = text.map(String::as_str).collect();
    let mut result = json!({
        "ruleId": finding.rule,
        "level": level(finding.severity),
        "message": { "text": text.join("\n") },
        "locations": [{ "physicalLocation": physical(shown, shown.place) }],
        "partialFingerprints": { "line/v1": fingerprint(shown) },
        "properties": { "severity": finding.severity.to_string() },
    });
    if let Some(index) = RULES.iter().position(|rule| rule.id() == finding.rule) {
        result["ruleIndex"] = json!(index);
    }
    if !shown.also.is_empty() {
        let also = shown.also.iter().enumerate().map(|(position, place)| {
            json!({ "id": position + 1, "physicalLocation": physical(shown, *place) })
        });
        result["relatedLocations"] = also.collect();
    }
    // What is right only with changes of other files cannot be offered for one.
    let alone = |fix: &&Fix| fix.together.as_ref().is_none_or(Vec::is_empty);
    if let Some(known) = finding.fix.as_ref().filter(alone) {
        result["fixes"] = json!([fix(shown, known)]);
    }
    if let Some(ignored) = ignored {
        let kind = match ignored.by {
            IgnoredBy::Comment => "inSource",
            IgnoredBy::Settings => "external",
        };
        result["suppressions"] = json!([{ "kind": kind, "justification": ignored.reason }]);
    }
    result
}

fn physical(shown: &Shown<'_>, place: Place) -> Value {
    json!({
        "artifactLocation": { "uri": uri(&shown.path) },
        "region": region(place),
    })
}

fn region(place: Place) -> Value {
    json!({
        "startLine": place.line,
        "startColumn": place.column,
        "endLine": place.end_line,
        "endColumn": place.end_column,
    })
}

fn fix(shown: &Shown<'_>, fix: &Fix) -> Value {
    let lines = Lines::of(shown.text);
    let replacements = fix.edits.iter().map(|edit| {
        json!({
            "deletedRegion": region(lines.place(&edit.at)),
            "insertedContent": { "text": edit.with },
        })
    });
    json!({
        "description": { "text": fix.what },
        "artifactChanges": [{
            "artifactLocation": { "uri": uri(&shown.path) },
            "replacements": replacements.collect::<Vec<_>>(),
        }],
    })
}

/// The same for the same finding, wherever it moves in its file. What is marked may be a password, of which not even
/// a digest is told.
fn fingerprint(shown: &Shown<'_>) -> String {
    let parts = [shown.finding.rule, &shown.path, &shown.finding.message];
    let digest = Sha256::digest(parts.join("\0"));
    let hexadecimal = digest.iter().take(16).map(|byte| format!("{byte:02x}"));
    hexadecimal.collect()
}

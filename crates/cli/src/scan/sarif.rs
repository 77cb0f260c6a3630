//! A scan as one SARIF document (Static Analysis Results Interchange Format 2.1.0, OASIS), with chains
//! as code flows. Members of an archive are named as if the archive were a folder.

use std::path::Path;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use portcullis_core::inspection::{Inspected, Observation, Severity, Step};
use portcullis_core::policy::Effect;
use portcullis_inspect::inspection::{Manual, manuals};
use serde_json::{Map, Value, json};

use super::Scanned;
use super::verdict::Judge;

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// What stands for itself in the path of a URI (RFC 3986, `pchar` and `/`, without `:`).
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/')
    .remove(b'+')
    .remove(b'@')
    .remove(b'=');

/// The document.
pub(super) fn document(scanned: &[Scanned], judge: &Judge) -> String {
    let rules = manuals();
    let mut results = Vec::new();
    for one in scanned {
        if let Ok(inspection) = &one.outcome {
            let found = inspection.observations.iter().map(|seen| {
                let verdict = judge.of_one(one.filename.as_ref(), inspection, seen);
                result(one, inspection, (seen, verdict), &rules)
            });
            results.extend(found);
        }
    }
    let notifications: Vec<Value> = scanned.iter().filter_map(notification).collect();
    let document = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "portcullis",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules.iter().map(rule).collect::<Vec<_>>(),
            } },
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": notifications.is_empty(),
                "toolExecutionNotifications": notifications,
            }],
            "results": results,
        }],
    });
    format!("{document:#}\n")
}

fn rule(manual: &Manual) -> Value {
    json!({
        "id": manual.id,
        "shortDescription": { "text": manual.title },
        "fullDescription": { "text": manual.why() },
        "help": { "text": manual.text, "markdown": manual.text },
        "properties": {
            "tags": ["security"],
            "security-severity": score(manual.severity),
        },
    })
}

/// Where dashboards want a number between 0 and 10, the middle of the band of that name.
fn score(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "2.0",
        Severity::Info => "0.0",
    }
}

/// What could not be inspected, or not wholly.
fn notification(scanned: &Scanned) -> Option<Value> {
    let text = match &scanned.outcome {
        Ok(inspection) if inspection.complete => return None,
        Ok(_) => "not all of it could be inspected".to_owned(),
        Err(error) => format!("{error:#}"),
    };
    Some(json!({
        "level": "error",
        "message": { "text": text },
        "locations": [{ "physicalLocation": { "artifactLocation": { "uri": uri(&scanned.path) } } }],
    }))
}

fn result(
    scanned: &Scanned,
    inspection: &Inspected,
    (seen, verdict): (&Observation, Effect),
    rules: &[Manual],
) -> Value {
    let mut result = json!({
        "ruleId": seen.rule,
        "level": level(verdict),
        "message": { "text": seen.message },
        "locations": [location(scanned, (&seen.file, seen.line, seen.column))],
        "partialFingerprints": { "code/v1": seen.code_hash },
        "properties": {
            "verdict": verdict.to_string(),
            "severity": seen.severity.to_string(),
            "confidence": seen.confidence.per_cent(),
            "context": seen.context.to_string(),
            "layer": seen.layer,
            "sha256": inspection.sha256,
        },
    });
    if let Some(index) = rules.iter().position(|rule| rule.id == seen.rule) {
        result["ruleIndex"] = json!(index);
    }
    if seen.chain.len() > 1 {
        let steps: Vec<Value> = seen
            .chain
            .iter()
            .map(|step| flow_step(scanned, step))
            .collect();
        result["codeFlows"] = json!([{ "threadFlows": [{ "locations": steps }] }]);
    }
    result
}

fn level(verdict: Effect) -> &'static str {
    match verdict {
        Effect::Deny | Effect::Hold => "error",
        Effect::Warn => "warning",
        Effect::Allow => "note",
    }
}

fn flow_step(scanned: &Scanned, step: &Step) -> Value {
    let place = &step.place;
    let mut location = location(scanned, (&place.file, place.line, place.column));
    location["message"] = json!({ "text": step.text });
    json!({ "location": location })
}

fn location(scanned: &Scanned, (file, line, column): (&str, u32, u32)) -> Value {
    let mut physical = json!({ "artifactLocation": { "uri": uri(&member(&scanned.path, file)) } });
    if line > 0 {
        let mut region = Map::new();
        region.insert("startLine".to_owned(), json!(line));
        if column > 0 {
            region.insert("startColumn".to_owned(), json!(column));
        }
        physical["region"] = Value::Object(region);
    }
    json!({ "physicalLocation": physical })
}

/// The path of `file` inside the input: a lone source is the input itself.
fn member(path: &str, file: &str) -> String {
    let is_itself = Path::new(path).file_name().is_some_and(|name| name == file);
    match is_itself {
        true => path.to_owned(),
        false => format!("{}/{file}", path.trim_end_matches('/')),
    }
}

fn uri(path: &str) -> String {
    let path = path.strip_prefix("./").unwrap_or(path).replace('\\', "/");
    let encoded = utf8_percent_encode(&path, PATH);
    match path.starts_with('/') {
        true => format!("file://{encoded}"),
        false => encoded.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_uri() {
        for (path, expected) in [
            ("./src/a.py", "src/a.py"),
            ("/tmp/a b#.py", "file:///tmp/a%20b%23.py"),
            ("c:evil?\u{202e}", "c%3Aevil%3F%E2%80%AE"),
        ] {
            assert_eq!(uri(path), expected);
        }
        assert_eq!(member("dist/a.whl", "b/c.py"), "dist/a.whl/b/c.py");
        assert_eq!(member("src/a.py", "a.py"), "src/a.py");
    }
}

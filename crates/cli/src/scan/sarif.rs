//! A scan as one SARIF document (Static Analysis Results Interchange Format 2.1.0, OASIS), with chains
//! as code flows. Members of an archive are named as if the archive were a folder.

use std::path::Path;

use portcullis_core::inspection::{Inspected, Observation, Step};
use portcullis_core::policy::Effect;
use portcullis_inspect::inspection::{Manual, manuals};
use serde_json::{Map, Value, json};

use super::Scanned;
use super::verdict::Judge;
use crate::sarif::{self, Run, uri};

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
    sarif::document(Run {
        rules: rules.iter().map(rule).collect(),
        results,
        notifications,
    })
}

fn rule(manual: &Manual) -> Value {
    json!({
        "id": manual.id,
        "shortDescription": { "text": manual.title },
        "fullDescription": { "text": manual.why() },
        "help": { "text": manual.text, "markdown": manual.text },
        "properties": {
            "tags": ["security"],
            "security-severity": sarif::score(manual.severity),
        },
    })
}

/// What could not be inspected, or not wholly.
fn notification(scanned: &Scanned) -> Option<Value> {
    let text = match &scanned.outcome {
        Ok(inspection) if inspection.complete => return None,
        Ok(_) => "not all of it could be inspected".to_owned(),
        Err(error) => format!("{error:#}"),
    };
    Some(sarif::notification(&scanned.path, &text))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_named_as_in_a_folder() {
        assert_eq!(member("dist/a.whl", "b/c.py"), "dist/a.whl/b/c.py");
        assert_eq!(member("src/a.py", "a.py"), "src/a.py");
    }
}

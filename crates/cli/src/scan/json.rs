//! A scan for programs: one JSON object on a line for each input.

use portcullis_core::inspection::{Inspected, report};
use portcullis_core::policy::Effect;
use serde_json::{Value, json};

use super::Scanned;

/// All of it, a line for each input.
pub(super) fn lines(scanned: &[Scanned]) -> String {
    scanned
        .iter()
        .map(|one| format!("{}\n", object(one)))
        .collect()
}

fn object(scanned: &Scanned) -> Value {
    match &scanned.outcome {
        Ok(inspection) => inspected(scanned, inspection),
        Err(error) => json!({
            "path": scanned.path,
            "sha256": null,
            "verdict": Effect::Hold,
            "complete": false,
            "error": format!("{error:#}"),
            "findings": [],
            "capabilities": {},
            "stats": { "seconds": seconds(scanned) },
        }),
    }
}

fn inspected(scanned: &Scanned, inspection: &Inspected) -> Value {
    let mut object = json!({ "path": scanned.path });
    if let (Value::Object(object), Value::Object(report)) = (&mut object, report(inspection)) {
        object.extend(report);
    }
    object["stats"]["seconds"] = json!(seconds(scanned));
    object
}

/// To the tenth of a millisecond.
fn seconds(scanned: &Scanned) -> f64 {
    (scanned.seconds * 10_000.0).round() / 10_000.0
}

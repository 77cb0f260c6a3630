//! A scan for programs: one JSON object on a line for each input.

use portcullis_core::inspection::{Inspected, report};
use portcullis_core::policy::Effect;
use serde_json::{Value, json};

use super::Scanned;
use super::verdict::Judge;

/// All of it, a line for each input.
pub(super) fn lines(scanned: &[Scanned], judge: &Judge) -> String {
    scanned
        .iter()
        .map(|one| format!("{}\n", object(one, judge)))
        .collect()
}

fn object(scanned: &Scanned, judge: &Judge) -> Value {
    let mut object = json!({ "path": scanned.path });
    if let Some(from) = &scanned.from {
        object["from"] = json!(from);
    }
    let more = match &scanned.outcome {
        Ok(inspection) => inspected(scanned, inspection, judge),
        Err(error) => json!({
            "sha256": null,
            "verdict": Effect::Hold,
            "complete": false,
            "error": format!("{error:#}"),
            "findings": [],
            "capabilities": {},
            "stats": { "seconds": seconds(scanned) },
        }),
    };
    if let (Value::Object(object), Value::Object(more)) = (&mut object, more) {
        object.extend(more);
    }
    object
}

fn inspected(scanned: &Scanned, inspection: &Inspected, judge: &Judge) -> Value {
    let file = scanned.filename.as_ref();
    let mut report = report(inspection);
    report["verdict"] = json!(judge.effect(file, inspection));
    for (position, seen) in inspection.observations.iter().enumerate() {
        let verdict = judge.of_one(file, inspection, seen);
        report["findings"][position]["verdict"] = json!(verdict);
    }
    report["stats"]["seconds"] = json!(seconds(scanned));
    report
}

/// To the tenth of a millisecond.
fn seconds(scanned: &Scanned) -> f64 {
    (scanned.seconds * 10_000.0).round() / 10_000.0
}

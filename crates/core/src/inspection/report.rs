//! [`report`]: an inspection for programs, in the shape that `portcullis scan` prints and the API answers.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Capability, Inspected, Observation, Step, effect_of};

/// All of `inspected` as a JSON object: digest, verdict, findings, capabilities by kind, and how much there
/// was.
#[must_use]
pub fn report(inspected: &Inspected) -> Value {
    let findings: Vec<Value> = inspected.observations.iter().map(finding).collect();
    let statistics = inspected.statistics;
    json!({
        "sha256": inspected.sha256,
        "verdict": inspected.effect(),
        "complete": inspected.complete,
        "revision": inspected.revision,
        "findings": findings,
        "capabilities": capabilities(&inspected.capabilities),
        "stats": {
            "files": statistics.files,
            "modules": statistics.modules,
            "layers": statistics.layers,
            "bytes": statistics.bytes,
            "python-bytes": statistics.python_bytes,
        },
    })
}

fn finding(seen: &Observation) -> Value {
    let chain: Vec<Value> = seen.chain.iter().map(step).collect();
    json!({
        "id": seen.rule,
        "verdict": effect_of(seen),
        "severity": seen.severity.to_string(),
        "confidence": seen.confidence.per_cent(),
        "file": seen.file,
        "line": seen.line,
        "column": seen.column,
        "layer": seen.layer,
        "context": seen.context.to_string(),
        "message": seen.message,
        "chain": chain,
        "fingerprint": seen.code_hash,
    })
}

fn step(step: &Step) -> Value {
    let place = &step.place;
    json!({
        "file": place.file,
        "line": place.line,
        "column": place.column,
        "layer": place.layer,
        "text": step.text,
    })
}

/// By kind, each with its places.
fn capabilities(all: &[Capability]) -> Value {
    let mut by_kind: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for one in all {
        by_kind.entry(one.kind.as_str()).or_default().push(json!({
            "context": one.context.to_string(),
            "file": one.file,
            "line": one.line,
            "example": one.example,
            "count": one.count,
        }));
    }
    json!(by_kind)
}

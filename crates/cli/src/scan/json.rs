//! A scan for programs: one JSON object on a line for each input.

use std::collections::BTreeMap;

use portcullis_inspect::inspection::{Inspection, Verdict, of_observation};
use portcullis_inspect::observation::Observation;
use portcullis_inspect::python::{Capability, CapabilityKind, Step};
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
            "verdict": Verdict::Hold.as_str(),
            "complete": false,
            "error": format!("{error:#}"),
            "findings": [],
            "capabilities": {},
            "stats": { "seconds": seconds(scanned) },
        }),
    }
}

fn inspected(scanned: &Scanned, inspection: &Inspection) -> Value {
    let findings: Vec<Value> = inspection.observations.iter().map(finding).collect();
    let statistics = inspection.statistics;
    json!({
        "path": scanned.path,
        "sha256": inspection.sha256,
        "verdict": inspection.verdict.as_str(),
        "complete": inspection.complete,
        "findings": findings,
        "capabilities": capabilities(&inspection.capabilities),
        "stats": {
            "files": statistics.files,
            "modules": statistics.modules,
            "layers": statistics.layers,
            "bytes": statistics.bytes,
            "python-bytes": statistics.python_bytes,
            "seconds": seconds(scanned),
        },
    })
}

/// To the tenth of a millisecond.
fn seconds(scanned: &Scanned) -> f64 {
    (scanned.seconds * 10_000.0).round() / 10_000.0
}

fn finding(seen: &Observation) -> Value {
    let chain: Vec<Value> = seen.chain.iter().map(step).collect();
    json!({
        "id": seen.rule,
        "verdict": of_observation(seen).as_str(),
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
        by_kind.entry(kind(one.kind)).or_default().push(json!({
            "context": one.context.to_string(),
            "file": one.file,
            "line": one.line,
            "example": one.example,
            "count": one.count,
        }));
    }
    json!(by_kind)
}

fn kind(kind: CapabilityKind) -> &'static str {
    match kind {
        CapabilityKind::Network => "network",
        CapabilityKind::Process => "process",
        CapabilityKind::FileWrite => "file-write",
        CapabilityKind::FileDelete => "file-delete",
        CapabilityKind::Environment => "environment",
        CapabilityKind::Native => "native",
        CapabilityKind::DynamicCode => "dynamic-code",
        CapabilityKind::InstallHook => "install-hook",
        CapabilityKind::Spying => "spying",
    }
}

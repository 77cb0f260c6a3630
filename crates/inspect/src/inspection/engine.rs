//! Whether the engine has seen everything. What it has to say besides is told by the rules `ENG-` and
//! `OBF-007`.

use portcullis_core::inspection::{Confidence, Context, Observation, Severity, fingerprint};

use crate::python::{Analysis, EngineFinding, EngineFindingKind};

/// The rule under which it is told that a file was not looked at to the end.
const NOT_LOOKED_AT: &str = "ENG-002";

/// That the organisation's own rules did not see all of the archive `filename`, because of `why`.
pub(super) fn left_out(filename: &str, why: &str) -> Observation {
    Observation {
        rule: NOT_LOOKED_AT.into(),
        severity: Severity::Medium,
        confidence: Confidence::CERTAIN,
        file: filename.into(),
        line: 0,
        column: 0,
        layer: 0,
        context: Context::Install,
        message: format!("the YARA rules were not applied to all of it: {why}"),
        chain: Vec::new(),
        code_hash: fingerprint(NOT_LOOKED_AT, "own rules"),
    }
}

/// Whether everything was looked at.
pub(super) fn is_complete(analysis: &Analysis) -> bool {
    let left_out = |finding: &EngineFinding| finding.kind == EngineFindingKind::Incomplete;
    !analysis.findings.iter().any(left_out)
}

//! Whether the engine has seen everything. What it has to say besides is told by the rules `ENG-` and
//! `OBF-007`.

use crate::python::{Analysis, EngineFinding, EngineFindingKind};

/// Whether everything was looked at.
pub(super) fn is_complete(analysis: &Analysis) -> bool {
    let left_out = |finding: &EngineFinding| finding.kind == EngineFindingKind::Incomplete;
    !analysis.findings.iter().any(left_out)
}

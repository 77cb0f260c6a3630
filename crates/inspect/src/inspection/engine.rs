//! What the engine itself has to say, as observations, and whether it has seen everything. A rule of the
//! same id, where there is one, speaks instead.

use crate::observation::{Confidence, Observation, Severity, fingerprint};
use crate::python::{Analysis, EngineFinding, EngineFindingKind};
use crate::rules::RULES;

/// What the engine has to say that no rule says.
pub(super) fn observations(analysis: &Analysis) -> Vec<Observation> {
    let findings = analysis.findings.iter();
    let spoken_for = |id: &str| RULES.iter().any(|rule| rule.id() == id);
    findings
        .filter(|finding| !spoken_for(id(finding.kind)))
        .map(observe)
        .collect()
}

/// Whether everything was looked at.
pub(super) fn is_complete(analysis: &Analysis) -> bool {
    let left_out = |finding: &EngineFinding| finding.kind == EngineFindingKind::Incomplete;
    !analysis.findings.iter().any(left_out)
}

/// Whether the rule `id` says that something was not looked at, rather than that something was found.
pub(super) fn is_about_completeness(id: &str) -> bool {
    matches!(id, "ENG-002" | "ARC-012")
}

fn id(kind: EngineFindingKind) -> &'static str {
    match kind {
        EngineFindingKind::ParserBomb => "ENG-001",
        EngineFindingKind::Incomplete => "ENG-002",
        EngineFindingKind::Unparsable => "OBF-007",
    }
}

/// How bad and how sure. A bomb is held rather than denied: generated tables look like it.
fn weight(kind: EngineFindingKind) -> (Severity, Confidence) {
    match kind {
        EngineFindingKind::ParserBomb => (Severity::High, Confidence::of(60)),
        EngineFindingKind::Incomplete => (Severity::Medium, Confidence::CERTAIN),
        EngineFindingKind::Unparsable => (Severity::Low, Confidence::CERTAIN),
    }
}

fn observe(finding: &EngineFinding) -> Observation {
    let rule = id(finding.kind);
    let (severity, confidence) = weight(finding.kind);
    Observation {
        rule,
        severity,
        confidence,
        file: finding.file.clone(),
        line: finding.line,
        column: 0,
        layer: finding.layer,
        context: finding.context,
        message: finding.message.clone(),
        chain: Vec::new(),
        code_hash: fingerprint(rule, &finding.file),
    }
}

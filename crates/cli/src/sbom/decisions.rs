//! What a gateway decides about the components of a bill of materials.

use portcullis_core::inventory::{Inventory, Provenance};
use portcullis_core::sbom::{Decisions, GatewayDecision};
use url::Url;

use crate::context::wait_for;
use crate::exit::failure;
use crate::gateway::{Judged, QuestionPin, find};

/// How a finding stands that a waiver keeps from taking effect.
const WAIVED: &str = "waived";

/// Asks about every release of an index.
pub(super) fn ask(gateway: &Url, inventory: &Inventory) -> anyhow::Result<Decisions> {
    let components = inventory.components.iter();
    let of_index = components.filter(|one| matches!(one.origin, Provenance::Index(_)));
    let asked = of_index.filter_map(|one| Some((one, one.version.clone()?)));
    let asked: Vec<_> = asked.collect();
    let pins = asked.iter().map(|(component, version)| {
        let files = component.files.iter();
        let hashes = files.clone().filter_map(|file| file.sha256);
        QuestionPin {
            project: component.project.to_string(),
            version: Some(version.to_string()),
            hashes: hashes.map(|digest| digest.to_hex()).collect(),
            filenames: files.filter_map(|file| file.filename.clone()).collect(),
            ..QuestionPin::default()
        }
    });
    let pins: Vec<QuestionPin> = pins.collect();
    let judged = wait_for(async {
        let found = find(Some(gateway)).await?.ok_or_else(|| {
            let remedy = "see whether --gateway is right and the gateway runs";
            failure("no gateway answers", remedy)
        })?;
        found.judge(&pins).await
    })?;
    let asked = asked.into_iter().zip(judged);
    let keyed = asked.map(|((component, version), judged)| {
        ((component.project.clone(), version), decision(&judged))
    });
    Ok(keyed.collect())
}

fn decision(judged: &Judged) -> GatewayDecision {
    let findings = judged.findings.iter();
    let waived = findings.clone().find(|one| one.standing == WAIVED);
    GatewayDecision {
        decision: judged.decision.clone(),
        rules: findings.map(|one| one.rule.clone()).collect(),
        waiver: waived.map(|one| one.policy_line.clone()),
        licence: None,
    }
}

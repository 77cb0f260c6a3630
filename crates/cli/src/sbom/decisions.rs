//! What a gateway decides about the components of a bill of materials.

use portcullis_core::inventory::{Inventory, Provenance};
use portcullis_core::licence::Licence;
use portcullis_core::sbom::{Decisions, GatewayDecision};
use url::Url;

use crate::context::wait_for_answer;
use crate::exit::failure;
use crate::gateway::{Beside, Exception, Finding, Judged, QuestionPin, find};

/// How a finding stands that takes effect.
const ENFORCED: &str = "enforced";

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
    let judged = wait_for_answer(async {
        let found = find(Some(gateway)).await?.ok_or_else(|| {
            let remedy = "see whether --gateway is right and the gateway runs";
            failure("no gateway answers", remedy)
        })?;
        found.judge_in(None, &pins, Beside::Licences).await
    })?;
    let asked = asked.into_iter().zip(judged);
    let keyed = asked.map(|((component, version), judged)| {
        ((component.project.clone(), version), decision(&judged))
    });
    Ok(keyed.collect())
}

fn decision(judged: &Judged) -> GatewayDecision {
    let findings = judged.findings.iter();
    let enforced = findings.clone().filter(|one| one.standing == ENFORCED);
    let waivers = findings.filter_map(|one| Some(waiver(one, one.exception.as_ref()?)));
    let licence = judged.licence.as_ref();
    GatewayDecision {
        decision: judged.decision.clone(),
        sentence: judged.sentence.clone().or_else(|| judged.unknown.clone()),
        rules: enforced.map(|one| one.rule.clone()).collect(),
        waivers: waivers.collect(),
        licence: licence.map(|told| Licence::from_statements(told.statements.clone())),
    }
}

/// `too-young: we wrote it (anna, until 2027-01-01)`.
fn waiver(finding: &Finding, lifted: &Exception) -> String {
    let until = lifted.expires.as_ref().map(|day| format!("until {day}"));
    let review = lifted.review.map(|number| format!("review {number}"));
    let by = std::iter::once(lifted.owner.clone());
    let by: Vec<String> = by.chain(until).chain(review).collect();
    format!("{}: {} ({})", finding.rule, lifted.reason, by.join(", "))
}

//! An audit as one JSON document, whose keys stay as they are documented in docs/audit.md.

use portcullis_core::advisory::audit::{Unchecked, Vulnerable};
use portcullis_core::fact::Fact;
use portcullis_core::inventory::FoundAt;
use serde_json::{Value, json};

use super::Told;

pub(super) fn document(told: &Told) -> String {
    let audit = &told.audit;
    let found = audit.found.iter().map(|one| {
        let mut value = vulnerable(one);
        value["counts"] = json!(told.threshold.counts(one));
        value
    });
    let ignored = audit.ignored.iter().map(|(one, reason)| {
        let mut value = vulnerable(one);
        value["reason"] = json!(reason);
        value
    });
    let accepted = audit.accepted.iter().map(|(one, reason)| {
        let mut value = unchecked(one);
        value["reason"] = json!(reason);
        value
    });
    let sources = told
        .heads
        .iter()
        .map(|head| json!({ "source": head.source, "as-of": head.as_of, "records": head.records }));
    let document = json!({
        "findings": found.collect::<Vec<_>>(),
        "unchecked": audit.unchecked.iter().map(unchecked).collect::<Vec<_>>(),
        "ignored": ignored.collect::<Vec<_>>(),
        "accepted": accepted.collect::<Vec<_>>(),
        "unused-ignores": audit.unused.iter().map(|one| &one.id).collect::<Vec<_>>(),
        "checked": audit.checked,
        "inputs": told.of,
        "advisories": sources.collect::<Vec<_>>(),
        "exit": told.exit().code(),
    });
    format!("{document:#}\n")
}

fn vulnerable(one: &Vulnerable) -> Value {
    let affecting = &one.affecting;
    let group = &affecting.group;
    let severity = group.severity.as_ref();
    let epss = match &group.epss {
        Fact::Known(Some(epss)) => Some(epss.probability),
        _ => None,
    };
    let exploited = match &group.exploited {
        Fact::Known(entry) => Some(entry.is_some()),
        Fact::Unknown(_) => None,
    };
    json!({
        "project": one.project,
        "version": one.version.to_string(),
        "id": group.id,
        "aliases": group.aliases,
        "summary": group.summary,
        "severity": severity.map(|severity| severity.score.rating()),
        "score": severity.map(|severity| severity.score),
        "malicious": affecting.malicious,
        "exploited": exploited,
        "epss": epss,
        "fixed-in": affecting.lowest_fix.as_ref().map(ToString::to_string),
        "unaffected": affecting.lowest_unaffected.as_ref().map(ToString::to_string),
        "remedy": one.remedy(),
        "places": places(&one.found),
    })
}

fn unchecked(one: &Unchecked) -> Value {
    json!({
        "what": one.what,
        "project": one.project,
        "why": one.why,
        "places": places(&one.found),
    })
}

fn places(found: &[FoundAt]) -> Vec<Value> {
    let place = |one: &FoundAt| json!({ "path": one.path, "line": one.line });
    found.iter().map(place).collect()
}

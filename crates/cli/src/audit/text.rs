//! An audit for people, in 80 columns: malware first and apart, then a table of vulnerabilities, what to do about
//! each release, what could not be checked, and what it all rests on.

use std::collections::BTreeMap;

use portcullis_core::advisory::TableHead;
use portcullis_core::advisory::audit::{Unchecked, Vulnerable, days};
use portcullis_core::inventory::FoundAt;

use super::Told;
use crate::exit::Exit;
use crate::output::{count, paragraph, table, visible};

/// Places that are named of one finding.
const PLACES: usize = 3;
/// Things of one list that are named before the rest is counted.
const NAMED: usize = 20;

pub(super) fn report(told: &Told) -> String {
    let (malware, others): (Vec<_>, Vec<_>) =
        told.audit.found.iter().partition(|one| one.is_malicious());
    let mut text = String::new();
    for one in &malware {
        text += &loud(one);
    }
    if !others.is_empty() {
        text += &vulnerabilities(&others);
        text += &what_to_do(&others);
    }
    text += &unchecked(&told.audit.unchecked);
    text += &decided(told);
    text += &summary(told, malware.len());
    text
}

fn loud(one: &Vulnerable) -> String {
    let group = &one.affecting.group;
    let mut text = format!("MALWARE  {} {}\n", one.project, one.version);
    let why = one.affecting.malicious.as_deref().unwrap_or_default();
    text += &paragraph(2, &format!("{group}: {why}"));
    if !group.summary.is_empty() {
        text += &paragraph(2, &group.summary);
    }
    text += &paragraph(2, &format!("found in {}", places(&one.found)));
    text += &paragraph(2, &format!("what to do: {}", one.remedy()));
    text.push('\n');
    text
}

fn places(found: &[FoundAt]) -> String {
    let mut shown: Vec<String> = found.iter().take(PLACES).map(ToString::to_string).collect();
    if found.len() > PLACES {
        shown.push(format!("{} more", found.len() - PLACES));
    }
    shown.join(", ")
}

fn vulnerabilities(found: &[&Vulnerable]) -> String {
    let rows = found.iter().map(|one| {
        let affecting = &one.affecting;
        let fixed = affecting.lowest_fix.as_ref().map(ToString::to_string);
        [
            one.project.to_string(),
            one.version.to_string(),
            affecting.group.to_string(),
            severity(one),
            fixed.unwrap_or_else(|| "no fix yet".to_owned()),
        ]
    });
    let text = table(
        ["project", "version", "advisory", "severity", "fixed in"],
        rows,
    );
    format!("{text}\n")
}

/// `9.8 critical, exploited, EPSS 94.2 %`.
fn severity(one: &Vulnerable) -> String {
    let mut parts = vec![one.severity()];
    if one.is_exploited() {
        parts.push("exploited".to_owned());
    }
    if let Some(epss) = one.epss() {
        parts.push(format!("EPSS {epss}"));
    }
    parts.join(", ")
}

/// What to do about each release: the furthest of the ways out of its vulnerabilities.
fn what_to_do(found: &[&Vulnerable]) -> String {
    let mut releases: BTreeMap<(String, String), Vec<&Vulnerable>> = BTreeMap::new();
    for one in found {
        let release = (one.project.to_string(), one.version.to_string());
        releases.entry(release).or_default().push(one);
    }
    let mut text = "What to do:\n".to_owned();
    for ((project, version), all) in releases {
        let furthest = all.iter().max_by_key(|one| one.way_out());
        let Some(furthest) = furthest else { continue };
        let found = places(&furthest.found);
        let line = format!("{project} {version}: {} ({found})", furthest.remedy());
        text += &paragraph(2, &line);
    }
    text.push('\n');
    text
}

fn unchecked(all: &[Unchecked]) -> String {
    if all.is_empty() {
        return String::new();
    }
    let mut text = "Not checked:\n".to_owned();
    for one in all.iter().take(NAMED) {
        let place = match one.found.is_empty() {
            true => String::new(),
            false => format!(" ({})", places(&one.found)),
        };
        text += &paragraph(2, &format!("{}{place}: {}", one.what, one.why));
    }
    if all.len() > NAMED {
        text += &format!("  and {} more: --format json\n", all.len() - NAMED);
    }
    text.push('\n');
    text
}

/// What was decided before: ignores, those that met nothing, and what is below the threshold.
fn decided(told: &Told) -> String {
    let mut lines = Vec::new();
    for (one, reason) in &told.audit.ignored {
        let id = &one.affecting.group.id;
        lines.push(format!(
            "ignored: {id} of {} {}: {reason}",
            one.project, one.version
        ));
    }
    for (one, reason) in &told.audit.accepted {
        lines.push(format!("accepted as not checked: {}: {reason}", one.what));
    }
    for ignore in &told.audit.unused {
        let what = "this ignore meets nothing or has ended, and can go";
        lines.push(format!("{}: {what}", ignore.id));
    }
    if lines.is_empty() {
        return String::new();
    }
    let lines: String = lines.iter().map(|line| paragraph(2, line)).collect();
    format!("Decided before:\n{lines}\n")
}

fn summary(told: &Told, malware: usize) -> String {
    let audit = &told.audit;
    let found = audit.found.len() - malware;
    let mut parts = Vec::new();
    if malware > 0 {
        parts.push(count(malware as u64, "malicious release"));
    }
    parts.push(match found {
        1 => "1 known vulnerability".to_owned(),
        0 => "no known vulnerability".to_owned(),
        number => format!("{number} known vulnerabilities"),
    });
    let mild = audit
        .found
        .iter()
        .filter(|one| !told.threshold.counts(one))
        .count();
    if mild > 0 {
        parts.push(format!("{mild} of them milder than --fail-on"));
    }
    if !audit.unchecked.is_empty() {
        parts.push(format!("{} not checked", audit.unchecked.len()));
    }
    let checked = count(audit.checked as u64, "release");
    let mut text = paragraph(
        0,
        &format!("{} in {checked} of {}", parts.join(", "), inputs(told)),
    );
    for head in &told.heads {
        text += &paragraph(0, &basis(head, told));
    }
    if told.exit() == Exit::Undecided {
        text += "Nobody knows whether the rest is clean.\n";
    }
    text
}

fn inputs(told: &Told) -> String {
    match &told.of[..] {
        [] => "nothing".to_owned(),
        [only] => visible(only),
        several => count(several.len() as u64, "file"),
    }
}

fn basis(head: &TableHead, told: &Told) -> String {
    let age = match head.as_of {
        Some(as_of) => format!("{} old", days(told.now.since(as_of))),
        None => "of unknown age".to_owned(),
    };
    format!("advisories: {}, {age}", head.source)
}

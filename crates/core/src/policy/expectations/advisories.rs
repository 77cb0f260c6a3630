//! What an expectation says of advisories: real records in the form of OSV, and the real index of them,
//! so that ranges, groups and fixes come to what they come to elsewhere.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};

use super::moment::moment;
use super::{About, NOT_SAID};
use crate::advisory::{
    AdvisoryIndex, AdvisorySet, Affecting, CveId, EpssScores, ExploitedCatalogue, Exploits, Group,
    Reading, Record, Score, Severity, SeverityBasis, read_record,
};
use crate::fact::{Fact, ProjectFacts, ReleaseFacts};
use crate::pypi::version::Version;
use crate::settings::{Located, Table};

/// One advisory as it is described.
pub(super) struct Written {
    record: Record,
    exploited: Option<bool>,
    epss: Option<f64>,
}

/// How bad an advisory is said to be.
enum Badness {
    Scored(Score),
    InWords(Located<String>),
}

/// `advisories = [{ id = …, … }]`.
pub(super) fn read(table: &mut Table<'_>, about: &About) -> Vec<Written> {
    let tables = table.tables("advisories").into_iter();
    tables.filter_map(|table| one(table, about)).collect()
}

fn one(mut table: Table<'_>, about: &About) -> Option<Written> {
    let id = table.text("id");
    let badness = badness(&mut table);
    let json = as_osv(&mut table, about, id.as_ref(), badness.as_ref());
    let exploited = table.boolean("kev");
    let epss = table.number("epss", 0.0..=1.0);
    if id.is_none() {
        table.mistake_here("this advisory has no `id`", None);
    }
    let record = id.and_then(|id| record(&table, &id, &json, badness));
    if let Some(record) = record
        .as_ref()
        .filter(|record| cves(record).next().is_none())
    {
        let help = format!(
            "add an id such as CVE-2026-1000 to the aliases of {}",
            record.id
        );
        let message = "this is known by CVE id, and the advisory has none";
        if let Some(exploited) = &exploited {
            table.mistake(exploited, message, Some(&help));
        }
        if let Some(epss) = &epss {
            table.mistake(epss, message, Some(&help));
        }
    }
    table.finish();
    Some(Written {
        record: record?,
        exploited: exploited.map(|exploited| exploited.value),
        epss: epss.map(|epss| epss.value),
    })
}

fn badness(table: &mut Table<'_>) -> Option<Badness> {
    match table.holds_text("cvss") {
        true => table.text("cvss").map(Badness::InWords),
        false => {
            let score = table.number("cvss", 0.0..=10.0)?;
            Score::new(score.value).map(Badness::Scored)
        }
    }
}

/// The advisory in the schema of OSV (1.x).
fn as_osv(
    table: &mut Table<'_>,
    about: &About,
    id: Option<&Located<String>>,
    badness: Option<&Badness>,
) -> Value {
    let aliases = table.list::<String>("aliases").unwrap_or_default();
    let aliases: Vec<String> = aliases.into_iter().map(|alias| alias.value).collect();
    let summary = table.text("summary").map(|summary| summary.value);
    let published = moment(table, "published", about.now);
    let malicious = table.boolean("malicious").is_some_and(|yes| yes.value);
    let introduced = table.parsed::<Version>("introduced");
    let fixed = table.parsed::<Version>("fixed");
    let introduced = introduced.map_or("0".to_owned(), |version| version.value.to_string());
    let mut events = vec![json!({ "introduced": introduced })];
    events.extend(fixed.map(|version| json!({ "fixed": version.value.to_string() })));
    let mut record = json!({
        "id": id.map(|id| &id.value),
        "aliases": aliases,
        "summary": summary,
        "published": published.map(|published| published.to_string()),
        "affected": [{
            "package": { "ecosystem": "PyPI", "name": about.project.as_str() },
            "ranges": [{ "type": "ECOSYSTEM", "events": events }],
        }],
    });
    if let Some(Badness::InWords(said)) = badness {
        record["severity"] = json!([{ "type": "CVSS", "score": said.value }]);
        record["database_specific"]["severity"] = json!(said.value);
    }
    if malicious {
        record["database_specific"]["malicious-packages-origins"] = json!([{}]);
    }
    record
}

/// The record, read as one of a feed is.
fn record(
    table: &Table<'_>,
    id: &Located<String>,
    json: &Value,
    badness: Option<Badness>,
) -> Option<Record> {
    let (mut record, left_out) = match read_record(json.to_string().as_bytes()) {
        Ok(Reading::Record { record, left_out }) => (*record, left_out),
        Ok(Reading::OtherEcosystem) => return None,
        Err(error) => {
            table.mistake(id, error.to_string(), None);
            return None;
        }
    };
    if left_out > 0 {
        table.mistake_here("an alias is not an id", Some("ids look like CVE-2026-1000"));
    }
    let source = Arc::clone(&record.id);
    let affected = record.affected.first_mut()?;
    match badness {
        Some(Badness::Scored(score)) => {
            affected.severity = Some(Severity {
                score,
                basis: SeverityBasis::Cvss3,
                source,
            });
        }
        Some(Badness::InWords(said)) if affected.severity.is_none() => {
            let help = "a vector such as CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H, a score from \
                        0 to 10, or one of low, medium, high, critical";
            table.mistake(&said, "this is not a CVSS vector", Some(help));
        }
        _ => {}
    }
    Some(record)
}

fn cves(record: &Record) -> impl Iterator<Item = CveId> {
    let names = std::iter::once(&record.id).chain(&record.aliases);
    names.filter_map(|name| name.parse().ok())
}

/// Puts into `release` what the advisories come to.
pub(super) fn tell(written: &[Written], project: &ProjectFacts, release: &mut ReleaseFacts) {
    let set: AdvisorySet = written.iter().map(|one| one.record.clone()).collect();
    let (scores, catalogue) = (scores(written), catalogue(written));
    let exploits = Exploits {
        exploited: Some(&catalogue),
        epss: Some(&scores),
    };
    AdvisoryIndex::new(&set, exploits).tell(project, release);
    let ids = |is_said: fn(&Written) -> bool| -> BTreeSet<&str> {
        let said = written.iter().filter(|one| is_said(one));
        said.map(|one| &*one.record.id).collect()
    };
    let exploited = ids(|one| one.exploited.is_some());
    let scored = ids(|one| one.epss.is_some());
    let Fact::Known(affecting) = &mut release.advisories else {
        return;
    };
    for Affecting { group, .. } in affecting {
        let group = Arc::make_mut(group);
        if !is_said_of(group, &exploited) {
            group.exploited = Fact::Unknown(NOT_SAID.into());
        }
        if !is_said_of(group, &scored) {
            group.epss = Fact::Unknown(NOT_SAID.into());
        }
    }
}

fn is_said_of(group: &Group, ids: &BTreeSet<&str>) -> bool {
    group.names().any(|name| ids.contains(&**name))
}

fn scores(written: &[Written]) -> EpssScores {
    let mut csv = String::new();
    for one in written {
        for (cve, score) in cves(&one.record).zip(std::iter::repeat(one.epss)) {
            if let Some(score) = score {
                csv.push_str(&format!("{cve},{score},\n"));
            }
        }
    }
    // Without a single line it is no table, and nothing has a score.
    EpssScores::read(csv.as_bytes()).unwrap_or_default()
}

fn catalogue(written: &[Written]) -> ExploitedCatalogue {
    let exploited = written.iter().filter(|one| one.exploited == Some(true));
    let entries = exploited.flat_map(|one| cves(&one.record));
    let entries: Vec<Value> = entries
        .map(|cve| json!({ "cveID": cve.to_string() }))
        .collect();
    let json = json!({ "vulnerabilities": entries }).to_string();
    // An empty catalogue is not read from a feed, and lists nothing here.
    ExploitedCatalogue::read(json.as_bytes()).unwrap_or_default()
}

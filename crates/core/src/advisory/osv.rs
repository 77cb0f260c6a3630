//! Reading one record of the OSV schema (1.x, JSON). What cannot be read costs itself: an event, a
//! version, a package. Only a record without an id, beyond a bound, or that is no JSON is
//! unreadable.
//!
//! `GIT` and `SEMVER` ranges are not read: they say nothing about versions as PEP 440 orders them.

use std::sync::Arc;

use super::lenient::{Object, Text};
use super::osv_schema::{
    RawAffected, RawDatabase, RawEvent, RawPackage, RawRange, RawRecord, RawSeverity,
};
use super::range::{Event, Interval, intervals};
use super::record::{Affected, Record};
use super::severity::Severity;
use crate::pypi::name::ProjectName;
use crate::pypi::version::Version;
use crate::time::Timestamp;

/// The largest record that is read, in bytes.
pub const MAX_RECORD_BYTES: usize = 4 << 20;

const MAX_ID_LENGTH: usize = 128;
const MAX_VERSION_LENGTH: usize = 256;
const MAX_SUMMARY_CHARS: usize = 200;

/// "Embedded malicious code", by which reviewed databases mark malware.
const EMBEDDED_MALICIOUS_CODE: &str = "CWE-506";

/// The prefix of the ids of the database of malicious packages.
const MALICIOUS_PREFIX: &str = "MAL-";

/// What a record came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// It is about projects of PyPI.
    Record {
        /// The record.
        record: Box<Record>,
        /// How many of its elements could not be read and were left out.
        left_out: usize,
    },
    /// It is about nothing of PyPI.
    OtherEcosystem,
}

/// Why a record cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// It is larger than [`MAX_RECORD_BYTES`].
    #[error("larger than {MAX_RECORD_BYTES} bytes")]
    TooLarge,
    /// It is not JSON, nests too deeply, or one of its arrays is longer than any honest one.
    #[error("not a readable JSON object: {0}")]
    Json(#[from] serde_json::Error),
    /// It has no id, or one that is not short plain text.
    #[error("no readable id")]
    NoId,
}

/// Reads one OSV record.
///
/// # Errors
/// [`Unreadable`] when nothing can be made of it.
pub fn read_record(json: &[u8]) -> Result<Reading, Unreadable> {
    if json.len() > MAX_RECORD_BYTES {
        return Err(Unreadable::TooLarge);
    }
    let raw: Object<RawRecord<'_>> = serde_json::from_slice(json)?;
    let raw = raw.0.ok_or(Unreadable::NoId)?;
    let id = raw.id.get().and_then(readable_id).ok_or(Unreadable::NoId)?;
    let mut left_out = 0;
    let aliases = aliases(&raw, &mut left_out);
    let malicious = malice(&id, &aliases, raw.database_specific.0.as_ref());
    let severity = severity(&raw, &id);
    let source = Source {
        id: &id,
        severity,
        is_malicious: malicious.is_some(),
    };
    let affected = affected(&raw, &source, &mut left_out);
    if affected.is_empty() {
        return Ok(Reading::OtherEcosystem);
    }
    let record = Record {
        summary: summary(&raw),
        published: moment(&raw.published),
        modified: moment(&raw.modified),
        withdrawn: moment(&raw.withdrawn),
        id,
        aliases,
        malicious,
        affected,
    };
    Ok(Reading::Record {
        record: Box::new(record),
        left_out,
    })
}

fn readable_id(text: &str) -> Option<Arc<str>> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:+".contains(&byte);
    (text.len() <= MAX_ID_LENGTH && text.bytes().all(plain)).then(|| text.into())
}

fn moment(text: &Text<'_>) -> Option<Timestamp> {
    text.get()?.parse().ok()
}

fn aliases(raw: &RawRecord<'_>, left_out: &mut usize) -> Vec<Arc<str>> {
    let mut aliases = Vec::with_capacity(raw.aliases.0.len());
    for alias in &raw.aliases.0 {
        match alias.get().and_then(readable_id) {
            Some(alias) => aliases.push(alias),
            None => *left_out += 1,
        }
    }
    aliases.sort_unstable();
    aliases.dedup();
    aliases
}

fn malice(
    id: &Arc<str>,
    aliases: &[Arc<str>],
    database: Option<&RawDatabase<'_>>,
) -> Option<Arc<str>> {
    let mut ids = std::iter::once(id).chain(aliases);
    if let Some(id) = ids.find(|id| id.starts_with(MALICIOUS_PREFIX)) {
        return Some(format!("reported as malicious in {id}").into());
    }
    let database = database?;
    let is_malware = |cwe: &Text<'_>| cwe.get() == Some(EMBEDDED_MALICIOUS_CODE);
    if !database.malicious_origins.0.is_empty() {
        return Some("reported by a database of malicious packages".into());
    }
    let marked = database.cwe_ids.0.iter().any(is_malware);
    marked.then(|| format!("{id} marks it as {EMBEDDED_MALICIOUS_CODE}, malicious code").into())
}

fn severity(raw: &RawRecord<'_>, id: &Arc<str>) -> Option<Severity> {
    worst(&raw.severity.0, id).or_else(|| {
        let database = raw.database_specific.0.as_ref()?;
        Severity::of_word(database.severity.get()?, id)
    })
}

fn worst(severities: &[Object<RawSeverity<'_>>], id: &Arc<str>) -> Option<Severity> {
    let vectors = severities
        .iter()
        .filter_map(|one| one.0.as_ref()?.score.get());
    let stated = vectors.filter_map(|vector| Severity::of_vector(vector, id));
    stated.reduce(Severity::worse)
}

/// The summary, or the first line of the details: one line of at most [`MAX_SUMMARY_CHARS`]
/// characters that does nothing to a terminal.
fn summary(raw: &RawRecord<'_>) -> Arc<str> {
    let text = raw.summary.get().or_else(|| raw.details.get());
    let line = text.unwrap_or_default().trim().lines().next();
    let line = line.unwrap_or_default().trim_start_matches(['#', ' ']);
    let visible = line
        .chars()
        .filter(|c| !c.is_control() && !is_direction(*c));
    let mut short: String = visible.take(MAX_SUMMARY_CHARS + 1).collect();
    if short.chars().count() > MAX_SUMMARY_CHARS {
        short = short.chars().take(MAX_SUMMARY_CHARS - 3).collect();
        short.truncate(short.trim_end().len());
        short.push_str("...");
    }
    short.into()
}

/// Characters that turn the direction of writing around and so disguise text.
fn is_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// What every part of a record has from the record as a whole.
struct Source<'r> {
    id: &'r Arc<str>,
    severity: Option<Severity>,
    is_malicious: bool,
}

fn affected(raw: &RawRecord<'_>, source: &Source<'_>, left_out: &mut usize) -> Vec<Affected> {
    let mut all: Vec<Affected> = Vec::new();
    for part in &raw.affected.0 {
        let Some(part) = &part.0 else {
            *left_out += 1;
            continue;
        };
        let Some(package) = part.package.0.as_ref().filter(|package| is_pypi(package)) else {
            continue;
        };
        let Some(project) = package
            .name
            .get()
            .and_then(|name| ProjectName::new(name).ok())
        else {
            *left_out += 1;
            continue;
        };
        let one = affected_part(part, project, source, left_out);
        match all.iter_mut().find(|known| known.project == one.project) {
            Some(known) => known.absorb(one),
            None => all.push(one),
        }
    }
    for one in &mut all {
        one.settle();
    }
    all
}

/// `PyPI`, or `PyPI:` with a suffix.
fn is_pypi(package: &RawPackage<'_>) -> bool {
    let ecosystem = package.ecosystem.get().unwrap_or_default();
    let name = ecosystem.split(':').next().unwrap_or_default();
    name.eq_ignore_ascii_case("PyPI")
}

fn affected_part(
    part: &RawAffected<'_>,
    project: ProjectName,
    source: &Source<'_>,
    left_out: &mut usize,
) -> Affected {
    let mut affected = Affected::nothing_of(project);
    affected.severity = worst(&part.severity.0, source.id).or_else(|| source.severity.clone());
    for text in &part.versions.0 {
        match (
            text.get().filter(|text| is_short(text)),
            text.get().and_then(version),
        ) {
            (_, Some(version)) => affected.versions.push(version),
            (Some(text), None) => affected.unreadable.push(text.into()),
            (None, None) => *left_out += 1,
        }
    }
    for range in &part.ranges.0 {
        let Some(range) = &range.0 else {
            *left_out += 1;
            continue;
        };
        if range.kind.get() == Some("ECOSYSTEM") {
            read_range(range, &mut affected, left_out);
        }
    }
    // Malware that nobody limits to versions is malware in all of them.
    if source.is_malicious && part.versions.0.is_empty() && part.ranges.0.is_empty() {
        affected.intervals.push(Interval::EVERYTHING);
    }
    affected
}

fn is_short(text: &str) -> bool {
    text.len() <= MAX_VERSION_LENGTH
}

fn version(text: &str) -> Option<Version> {
    is_short(text).then(|| text.parse().ok()).flatten()
}

fn read_range(range: &RawRange<'_>, affected: &mut Affected, left_out: &mut usize) {
    let (mut events, mut limits) = (Vec::new(), Vec::new());
    for event in &range.events.0 {
        let before = events.len() + limits.len();
        if let Some(event) = &event.0 {
            read_event(event, &mut events, &mut limits);
        }
        // An empty event, or one whose version cannot be read.
        if before == events.len() + limits.len() {
            *left_out += 1;
        }
    }
    let fixes = events.iter().filter_map(|event| match event {
        Event::Fixed(version) => Some(version.clone()),
        _ => None,
    });
    affected.fixed.extend(fixes);
    // `*` is a limit without end, so that no other one counts.
    let limits: Option<Vec<Version>> = limits.into_iter().collect();
    affected
        .intervals
        .extend(intervals(events, &limits.unwrap_or_default()));
}

/// Reads every key of an event, though an honest one has only one of them.
fn read_event(event: &RawEvent<'_>, events: &mut Vec<Event>, limits: &mut Vec<Option<Version>>) {
    match event.introduced.get().map(str::trim) {
        Some("0") => events.push(Event::Introduced(None)),
        Some(text) => events.extend(version(text).map(|from| Event::Introduced(Some(from)))),
        None => {}
    }
    events.extend(event.fixed.get().and_then(version).map(Event::Fixed));
    let last = event.last_affected.get().and_then(version);
    events.extend(last.map(Event::LastAffected));
    match event.limit.get() {
        Some("*") => limits.push(None),
        Some(text) => limits.extend(version(text).map(Some)),
        None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::osv_schema::MAX_EVENTS;
    use super::*;
    use proptest::prelude::*;

    fn read(json: &str) -> Result<Reading, Unreadable> {
        read_record(json.as_bytes())
    }

    fn record(json: &str) -> (Record, usize) {
        match read(json) {
            Ok(Reading::Record { record, left_out }) => (*record, left_out),
            other => panic!("{json}: {other:?}"),
        }
    }

    #[test]
    fn a_record_is_read_whatever_else_it_holds() {
        let (record, left_out) = record(
            r###"{"schema_version":"9.9","id":"PYSEC-2026-1","aliases":["CVE-2026-1",7,"a b"],
            "details":"\n## A \u001b[31mhole\u202e\nin it","published":"2026-01-01T00:00:00Z",
            "modified":"soon","surprise":{"a":[1]},
            "affected":[
              {"package":{"ecosystem":"PyPI","name":"Acme_X","purl":1},"severity":"high",
               "ranges":[
                 {"type":"ECOSYSTEM","events":[{"introduced":"0"},{},{"fixed":"not one"},
                   {"fixed":"1.2"},null,{"introduced":7}],"database_specific":3},
                 {"type":"GIT","repo":"x","events":[{"introduced":"0"}]},
                 "range"],
               "versions":["1.0","1.5","legacy one",3,"2004c"]},
              {"package":{"ecosystem":"npm","name":"acme-x"},"versions":["9"]},
              {"package":{"ecosystem":"PyPI","name":"not a name"},"versions":["9"]},
              {"package":{"ecosystem":"PyPI:else","name":"acme.x"},"versions":["3.0"]},
              4]}"###,
        );
        assert_eq!(left_out, 2 + 4 + 1 + 1 + 1 + 1);
        let shown = serde_json::to_string_pretty(&record).expect("a JSON value");
        insta::assert_snapshot!(shown);
    }

    #[test]
    fn what_nothing_can_be_made_of_says_why() {
        for (json, expected) in [
            ("", "not a readable JSON object"),
            ("[]", "no readable id"),
            ("{}", "no readable id"),
            (r#"{"id":""}"#, "no readable id"),
            (r#"{"id":"a b"}"#, "no readable id"),
            (r#"{"id":["x"]}"#, "no readable id"),
            (r#"{"id":"X-1","id":"X-2"}"#, "duplicate field"),
            (r#"{"id":"X-1""#, "not a readable JSON object"),
        ] {
            let error = read(json).expect_err(json).to_string();
            assert!(error.contains(expected), "{json}: {error}");
        }
        let large = " ".repeat(MAX_RECORD_BYTES + 1);
        assert!(matches!(read(&large), Err(Unreadable::TooLarge)));
        let deep = format!(r#"{{"id":"X-1","affected":{}"#, "[".repeat(100_000));
        assert!(read(&deep).is_err());
        let events = r#"{"fixed":"1"},"#.repeat(MAX_EVENTS + 1);
        let many =
            format!(r#"{{"id":"X-1","affected":[{{"ranges":[{{"events":[{events}{{}}]}}]}}]}}"#);
        let error = read(&many).expect_err("too many").to_string();
        assert!(error.contains("more than 8192 elements"), "{error}");
    }

    #[test]
    fn what_is_about_other_ecosystems_is_no_mistake() {
        for json in [
            r#"{"id":"X-1"}"#,
            r#"{"id":"X-1","affected":[{"package":{"ecosystem":"npm","name":"a"}}]}"#,
            r#"{"id":"X-1","affected":[{"package":{"ecosystem":"PyPIx","name":"a"}}]}"#,
        ] {
            assert_eq!(read(json).expect(json), Reading::OtherEcosystem, "{json}");
        }
    }

    #[test]
    fn malice_is_known_by_id_alias_origin_and_weakness() {
        let of = |head: &str| {
            let json = format!(
                r#"{{{head},"affected":[{{"package":{{"ecosystem":"PyPI","name":"a"}}}}]}}"#
            );
            let (record, _) = record(&json);
            let everything = record.affected[0].includes_spelled("1.0");
            (record.malicious.map(|why| why.to_string()), everything)
        };
        for (head, expected) in [
            (
                r#""id":"MAL-2026-1""#,
                Some("reported as malicious in MAL-2026-1"),
            ),
            (
                r#""id":"GHSA-x","aliases":["MAL-2026-1"]"#,
                Some("reported as malicious in MAL-2026-1"),
            ),
            (
                r#""id":"X","database_specific":{"malicious-packages-origins":[{"source":"y"}]}"#,
                Some("reported by a database of malicious packages"),
            ),
            (
                r#""id":"X","database_specific":{"cwe_ids":["CWE-79","CWE-506"]}"#,
                Some("X marks it as CWE-506, malicious code"),
            ),
            (
                r#""id":"X","database_specific":{"malicious-packages-origins":[]}"#,
                None,
            ),
            (r#""id":"PYSEC-1","aliases":["CVE-1"]"#, None),
        ] {
            let (why, everything) = of(head);
            assert_eq!(why.as_deref(), expected, "{head}");
            assert_eq!(everything, expected.is_some(), "{head}");
        }
    }

    #[test]
    fn the_worst_stated_severity_counts_and_a_packages_own_goes_first() {
        let of = |severity: &str, own: &str| {
            let json = format!(
                r#"{{"id":"X",{severity},"affected":[{{"package":{{"ecosystem":"PyPI",
                "name":"a"}},"severity":[{own}]}}]}}"#
            );
            let (record, _) = record(&json);
            let severity = record.affected[0].severity.clone();
            severity.map(|severity| format!("{} {}", severity.score, severity.basis))
        };
        let high = r#"{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}"#;
        let low = r#"{"type":"CVSS_V2","score":"AV:L/AC:H/Au:N/C:N/I:N/A:P"}"#;
        let both = format!(r#""severity":[{low},{high},{{"type":"Ubuntu","score":"low"}}]"#);
        let word = r#""database_specific":{"severity":"MODERATE"}"#;
        assert_eq!(of(&both, "").as_deref(), Some("9.8 CVSS 3"));
        assert_eq!(of(&both, low).as_deref(), Some("1.2 CVSS 2"));
        assert_eq!(of(word, "").as_deref(), Some("4.0 rated in words"));
        assert_eq!(of(r#""severity":"high""#, ""), None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_reading_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = read_record(&bytes);
        }

        #[test]
        fn no_events_make_reading_or_asking_panic(
            events in proptest::collection::vec(
                ("(introduced|fixed|last_affected|limit|more)", "(0|[*]|[0-9.a-z+!-]{0,9})"), 0..9),
            asked in "[0-9][0-9.a-z+!]{0,9}",
        ) {
            let events: Vec<String> =
                events.iter().map(|(key, version)| format!("{{{key:?}:{version:?}}}")).collect();
            let json = format!(
                r#"{{"id":"X","affected":[{{"package":{{"ecosystem":"PyPI","name":"a"}},
                "ranges":[{{"type":"ECOSYSTEM","events":[{}]}}],"versions":[{asked:?}]}}]}}"#,
                events.join(",")
            );
            let (record, _) = record(&json);
            prop_assert!(record.affected[0].includes_spelled(&asked));
        }
    }
}

//! An audit: what is known to be wrong with the components of an inventory, and what could not be checked.
//! Nothing that could not be checked is ever counted as clean.

use std::collections::BTreeSet;

use super::epss::Probability;
use super::group::Affecting;

use super::severity::{Rating, Score, SeverityBasis};
use super::table::{TableAnswer, TableHead};
use crate::fact::Fact;
use crate::inventory::{Component, FoundAt, Inventory, Provenance};
use crate::pypi::lockfile::Elsewhere;
use crate::pypi::name::ProjectName;
use crate::pypi::version::Version;
use crate::time::Timestamp;

/// What an audit came to.
#[derive(Clone, Debug, Default)]
pub struct Audit {
    /// How many releases were compared with the advisories.
    pub checked: usize,
    /// What was found, malware first, then the worst.
    pub found: Vec<Vulnerable>,
    /// What was found and somebody has decided to live with, with the reason.
    pub ignored: Vec<(Vulnerable, String)>,
    /// What could not be checked.
    pub unchecked: Vec<Unchecked>,
    /// What could not be checked and somebody has decided to live with, with the reason.
    pub accepted: Vec<(Unchecked, String)>,
    /// Projects that were left out because they are what the inventory is of.
    pub itself: BTreeSet<ProjectName>,
    /// Ignores that met nothing.
    pub unused: Vec<Ignore>,
}

/// A vulnerability that a component has.
#[derive(Clone, Debug)]
pub struct Vulnerable {
    /// The project.
    pub project: ProjectName,
    /// The version that has it.
    pub version: Version,
    /// Where that was found.
    pub found: Vec<FoundAt>,
    /// The vulnerability.
    pub affecting: Affecting,
}

/// Something that could not be checked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Unchecked {
    /// What, as people know it: `flask`, `requirements.txt`, `the advisories`.
    pub what: String,
    /// The project, where it is about one.
    pub project: Option<ProjectName>,
    /// Where that was found.
    pub found: Vec<FoundAt>,
    /// Why: a clause.
    pub why: String,
}

/// Something that somebody has decided to live with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ignore {
    /// The id or an alias of an advisory, or the name of a project that cannot be checked.
    pub id: String,
    /// The one project that is meant, where it is one.
    pub project: Option<ProjectName>,
    /// Why.
    pub reason: String,
    /// When the decision ends.
    pub until: Option<Timestamp>,
}

/// From which severity on a vulnerability counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Threshold(pub Option<Score>);

impl Threshold {
    /// Whether it counts. Malware always does, and what nobody has rated does, too.
    #[must_use]
    pub fn counts(self, one: &Vulnerable) -> bool {
        let Some(least) = self.0 else {
            return true;
        };
        let severity = one.affecting.group.severity.as_ref();
        one.is_malicious() || severity.is_none_or(|severity| severity.score >= least)
    }
}

/// How bad it is, for sorting: malware, exploited, the rating, and of one rating the likelier exploit before the
/// higher score.
type Weight = (
    bool,
    bool,
    Option<Rating>,
    Option<Probability>,
    Option<Score>,
);

impl Vulnerable {
    /// Whether it is malice and not a mistake.
    #[must_use]
    pub fn is_malicious(&self) -> bool {
        self.affecting.malicious.is_some()
    }

    /// Whether it is known to be exploited.
    #[must_use]
    pub fn is_exploited(&self) -> bool {
        matches!(self.affecting.group.exploited, Fact::Known(Some(_)))
    }

    fn weight(&self) -> Weight {
        let severity = self.affecting.group.severity.as_ref();
        let score = severity.map(|severity| severity.score);
        let rating = score.map(Score::rating);
        let is_exploited = self.is_exploited();
        (
            self.is_malicious(),
            is_exploited,
            rating,
            self.epss(),
            score,
        )
    }

    /// How probable an exploit within thirty days is, where somebody has scored that.
    #[must_use]
    pub fn epss(&self) -> Option<Probability> {
        let epss = self.affecting.group.epss.known()?.as_ref()?;
        Some(epss.probability)
    }

    /// The severity in words: `9.8 critical`, or `unknown`.
    #[must_use]
    pub fn severity(&self) -> String {
        match &self.affecting.group.severity {
            _ if self.is_malicious() => "malware".to_owned(),
            Some(severity) if severity.basis == SeverityBasis::Word => {
                severity.score.rating().to_string()
            }
            Some(severity) => format!("{} {}", severity.score, severity.score.rating()),
            None => "unknown".to_owned(),
        }
    }

    /// The version to go to: without any known vulnerability where there is one, else with this one mended.
    /// No version of malware is to be gone to unasked.
    #[must_use]
    pub fn way_out(&self) -> Option<&Version> {
        let affecting = &self.affecting;
        let fix = affecting.lowest_fix.as_ref()?;
        match &affecting.lowest_unaffected {
            Some(unaffected) if unaffected >= fix => Some(unaffected),
            _ => Some(fix),
        }
        .filter(|_| !self.is_malicious())
    }

    /// What to do, in one sentence without a full stop.
    #[must_use]
    pub fn remedy(&self) -> String {
        let project = &self.project;
        if self.is_malicious() {
            return format!(
                "remove {project} {}, and treat every machine that had it, and every secret that was \
                 there, as compromised",
                self.version
            );
        }
        match self.way_out() {
            Some(version) => format!("use {project} {version}"),
            None => "there is no fix yet: see whether it concerns your use, or use another project"
                .to_owned(),
        }
    }
}

impl Ignore {
    fn is_in_force(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }

    fn is_of(&self, project: &ProjectName) -> bool {
        self.project.as_ref().is_none_or(|own| own == project)
    }

    /// Malware is not ignored by an alias that it shares with a mistake: its own id has to be named.
    fn meets(&self, one: &Vulnerable) -> bool {
        let group = &one.affecting.group;
        let mut names = group.names();
        let is_named = match one.is_malicious() {
            true => group.id.eq_ignore_ascii_case(&self.id),
            false => names.any(|name| name.eq_ignore_ascii_case(&self.id)),
        };
        is_named && self.is_of(&one.project)
    }

    fn accepts(&self, one: &Unchecked) -> bool {
        let named = ProjectName::new(&self.id).ok();
        named.is_some() && named == one.project
    }
}

/// Compares what was found with what is known.
#[must_use]
pub fn audit(
    inventory: &Inventory,
    answer: &TableAnswer,
    ignores: &[Ignore],
    now: Timestamp,
) -> Audit {
    let mut audit = Audit::default();
    let mut found = Vec::new();
    let mut unchecked: Vec<Unchecked> = inventory.unknown.iter().map(unclear).collect();
    for component in &inventory.components {
        if component.is_itself() {
            audit.itself.insert(component.project.clone());
            continue;
        }
        let vulnerable = vulnerable(component, answer);
        audit.checked += usize::from(component.version.is_some());
        unchecked.extend(doubts(component, answer, &vulnerable));
        found.extend(vulnerable);
    }
    found.sort_by(|a, b| {
        b.weight()
            .cmp(&a.weight())
            .then_with(|| name(a).cmp(&name(b)))
    });
    let mut used = vec![false; ignores.len()];
    let mut reason = |meets: &dyn Fn(&Ignore) -> bool| {
        let at = ignores
            .iter()
            .position(|ignore| ignore.is_in_force(now) && meets(ignore))?;
        used[at] = true;
        Some(ignores[at].reason.clone())
    };
    for one in found {
        match reason(&|ignore| ignore.meets(&one)) {
            Some(reason) => audit.ignored.push((one, reason)),
            None => audit.found.push(one),
        }
    }
    for one in unchecked {
        match reason(&|ignore| ignore.accepts(&one)) {
            Some(reason) => audit.accepted.push((one, reason)),
            None => audit.unchecked.push(one),
        }
    }
    let unused = ignores.iter().zip(used).filter(|(_, used)| !used);
    audit.unused = unused.map(|(ignore, _)| ignore.clone()).collect();
    audit
}

fn name(one: &Vulnerable) -> (&ProjectName, &str) {
    (&one.project, &one.affecting.group.id)
}

fn unclear(one: &crate::inventory::Unclear) -> Unchecked {
    Unchecked {
        what: one.what.clone(),
        project: one.project.clone(),
        found: vec![one.found.clone()],
        why: one.why.clone(),
    }
}

fn vulnerable(component: &Component, answer: &TableAnswer) -> Vec<Vulnerable> {
    let Some(version) = &component.version else {
        return Vec::new();
    };
    let affecting = answer.index.affecting(&component.project, version);
    let one = |affecting| Vulnerable {
        project: component.project.clone(),
        version: version.clone(),
        found: component.found.clone(),
        affecting,
    };
    affecting.into_iter().map(one).collect()
}

/// Why a component is not clean although nothing was found, or although something else was.
fn doubts(component: &Component, answer: &TableAnswer, found: &[Vulnerable]) -> Vec<Unchecked> {
    let project = &component.project;
    let mut why = Vec::new();
    if component.version.is_none() {
        why.push(match &component.open {
            Some(open) => format!(
                "it is wanted as {open:?} and not pinned, so that nobody knows which version will come"
            ),
            None => "nothing says which version it is".to_owned(),
        });
    }
    why.extend(foreign(&component.origin));
    if let Some(error) = answer.damaged.get(project) {
        why.push(format!(
            "what is kept of its advisories is damaged: {error}"
        ));
    }
    let is_found = |id: &str| {
        let mut names = found.iter().flat_map(|one| one.affecting.group.names());
        names.any(|name| **name == *id)
    };
    let partly = answer.partly_read.get(project).into_iter().flatten();
    for id in partly.filter(|id| !is_found(id)) {
        why.push(format!(
            "parts of the advisory {id} about it cannot be read, and may mean this version"
        ));
    }
    let what = match &component.version {
        Some(version) => format!("{project} {version}"),
        None => project.to_string(),
    };
    let one = |why| Unchecked {
        what: what.clone(),
        project: Some(project.clone()),
        found: component.found.clone(),
        why,
    };
    why.into_iter().map(one).collect()
}

/// Advisories speak of releases of the public index. What comes from elsewhere may be something else under
/// the same name and version.
fn foreign(origin: &Provenance) -> Option<String> {
    let Provenance::Elsewhere(from) = origin else {
        return None;
    };
    let from = match from {
        Elsewhere::Itself => return None,
        Elsewhere::Url(_) => "a direct address",
        Elsewhere::Vcs { .. } => "version control",
        Elsewhere::Path(_) => "a path",
    };
    Some(format!(
        "it comes from {from}, and advisories speak of releases of an index"
    ))
}

/// What keeps advisories as a whole from being believed: unreadable records, and their age at `now`. Of a source
/// that is older than `most` milliseconds, or of which nobody knows how old it is, the silence says nothing.
#[must_use]
pub fn doubts_of(head: &TableHead, most: i64, now: Timestamp) -> Vec<Unchecked> {
    let mut doubts = Vec::new();
    if head.unreadable > 0 {
        let first = head.complaints.first().map_or("", String::as_str);
        let them = match head.unreadable {
            1 => "1 record cannot be read".to_owned(),
            number => format!("{number} records cannot be read"),
        };
        doubts.push(format!(
            "{them}, and nobody knows what stands there: {first}"
        ));
    }
    if head.records == 0 {
        doubts.push("there is not one among them".to_owned());
    }
    match head.as_of {
        None => doubts.push("nothing says how old they are".to_owned()),
        Some(as_of) if now.since(as_of) > most => doubts.push(format!(
            "they are {} old, and older than {} counts as unknown",
            days(now.since(as_of)),
            days(most)
        )),
        Some(_) => {}
    }
    let one = |why| Unchecked {
        what: format!("the advisories from {}", head.source),
        project: None,
        found: Vec::new(),
        why,
    };
    doubts.into_iter().map(one).collect()
}

/// A length of time for people: `3 days`, `5 hours`.
#[must_use]
pub fn days(millis: i64) -> String {
    const HOUR: i64 = Timestamp::DAY / 24;
    let (number, what) = match millis.max(0) {
        short if short < HOUR => return "less than an hour".to_owned(),
        hours if hours < 2 * Timestamp::DAY => (hours / HOUR, "hour"),
        days => (days / Timestamp::DAY, "day"),
    };
    match number {
        1 => format!("1 {what}"),
        number => format!("{number} {what}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::AdvisoryBook;
    use super::super::testing::{RecordCase, index_with, name, record, version};
    use super::super::{EpssScores, ExploitedCatalogue, Exploits};
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn at(line: u32) -> FoundAt {
        FoundAt {
            path: "requirements.txt".to_owned(),
            line: Some(line),
        }
    }

    fn inventory(components: Vec<Component>) -> Inventory {
        let mut inventory = Inventory::default();
        components.into_iter().for_each(|one| inventory.add(one));
        inventory
    }

    fn pin(project: &str, release: &str) -> Component {
        Component::new(name(project), Some(version(release)), at(1))
    }

    fn ignore(id: &str) -> Ignore {
        Ignore {
            id: id.to_owned(),
            project: None,
            reason: "we do not use that part".to_owned(),
            until: None,
        }
    }

    fn audited(records: &[RecordCase], components: Vec<Component>, ignores: &[Ignore]) -> Audit {
        let mut book = AdvisoryBook::default();
        for one in records {
            book.take("x.json", one.json().as_bytes());
        }
        let inventory = inventory(components);
        let projects: Vec<_> = inventory
            .components
            .iter()
            .map(|one| &one.project)
            .collect();
        let from_book = book.answer(projects.iter().copied());
        let bytes = book.to_table(book.head("a test", None), Exploits::default());
        let table = super::super::AdvisoryTable::read(&bytes).expect("just written");
        let from_table = table.answer(projects.iter().copied());
        let by_book = audit(&inventory, &from_book, ignores, NOW);
        let by_table = audit(&inventory, &from_table, ignores, NOW);
        assert_eq!(ids(&by_book), ids(&by_table));
        by_table
    }

    fn ids(audit: &Audit) -> Vec<String> {
        let found = audit.found.iter();
        found
            .map(|one| format!("{} {} {}", one.affecting.group.id, one.project, one.version))
            .collect()
    }

    #[test]
    fn malware_is_first_then_the_worst() {
        let records = [
            record("PYSEC-1", "foo", "0 <2.0"),
            record("PYSEC-2", "foo", "0 <1.5")
                .severity("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"),
            record("MAL-3", "zoo", "").versions(&["1.0"]),
        ];
        let audit = audited(&records, vec![pin("foo", "1.0"), pin("zoo", "1.0")], &[]);
        assert_eq!(
            ids(&audit),
            ["MAL-3 zoo 1.0", "PYSEC-2 foo 1.0", "PYSEC-1 foo 1.0"]
        );
        assert_eq!((audit.checked, audit.unchecked.len()), (2, 0));
        let remedies = audit.found.iter().map(Vulnerable::remedy);
        insta::assert_snapshot!(remedies.collect::<Vec<_>>().join("\n"), @r"
        remove zoo 1.0, and treat every machine that had it, and every secret that was there, as compromised
        use foo 2.0
        use foo 2.0
        ");
        let high = Threshold(Score::new(7.0));
        let counted: Vec<bool> = audit.found.iter().map(|one| high.counts(one)).collect();
        // What nobody has rated may be anything.
        assert_eq!(counted, [true, true, true]);
    }

    #[test]
    fn what_is_exploited_or_likely_to_be_comes_before_what_is_only_bad() {
        let (ten, nine_eight) = (
            "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H",
            "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
        );
        let records = [
            record("PYSEC-1", "foo", "0 <2.0")
                .severity(ten)
                .aliases(&["CVE-2026-0001"]),
            record("PYSEC-2", "foo", "0 <2.0")
                .severity(nine_eight)
                .aliases(&["CVE-2026-0002"]),
            record("PYSEC-3", "foo", "0 <2.0").aliases(&["CVE-2026-0003"]),
            record("PYSEC-4", "foo", "0 <2.0").aliases(&["CVE-2026-0004"]),
        ];
        let scores = "CVE-2026-0001,0.1,0\nCVE-2026-0002,0.9,0\nCVE-2026-0004,0.5,0\n";
        let scores = EpssScores::read(scores.as_bytes()).expect("scores");
        let catalogue = br#"{"vulnerabilities":[{"cveID":"CVE-2026-0003"}]}"#;
        let catalogue = ExploitedCatalogue::read(catalogue).expect("a catalogue");
        let exploits = Exploits {
            exploited: Some(&catalogue),
            epss: Some(&scores),
        };
        let answer = TableAnswer {
            index: index_with(&records, exploits),
            ..TableAnswer::default()
        };
        let audit = audit(&inventory(vec![pin("foo", "1.0")]), &answer, &[], NOW);
        let order = ["PYSEC-3", "PYSEC-2", "PYSEC-1", "PYSEC-4"];
        assert_eq!(ids(&audit), order.map(|id| format!("{id} foo 1.0")));
    }

    #[test]
    fn what_could_not_be_checked_is_never_clean() {
        let open = Component {
            version: None,
            open: Some(">=3".to_owned()),
            ..pin("open", "1")
        };
        let vcs = Component {
            origin: Provenance::Elsewhere(Elsewhere::Vcs {
                kind: "git".to_owned(),
                url: "https://git.example/vcs".to_owned(),
                commit: None,
            }),
            ..pin("vcs", "1.0")
        };
        let own = Component {
            origin: Provenance::Elsewhere(Elsewhere::Itself),
            ..pin("own", "1.0")
        };
        let records = [record("PYSEC-1", "vcs", "0 <2.0")];
        let audit = audited(&records, vec![open, vcs, own], &[]);
        // It is said that the name has a hole, and that it may be something else.
        assert_eq!(ids(&audit), ["PYSEC-1 vcs 1.0"]);
        let unchecked = audit.unchecked.iter();
        let unchecked = unchecked.map(|one| format!("{}: {}", one.what, one.why));
        insta::assert_snapshot!(unchecked.collect::<Vec<_>>().join("\n"), @r#"
        open: it is wanted as ">=3" and not pinned, so that nobody knows which version will come
        vcs 1.0: it comes from version control, and advisories speak of releases of an index
        "#);
        assert_eq!(audit.itself.len(), 1);
    }

    #[test]
    fn an_ignore_meets_what_it_names_until_it_ends() {
        let records = || {
            [
                record("PYSEC-1", "foo", "0 <2.0").aliases(&["CVE-2026-0001"]),
                record("MAL-2", "bar", "0").aliases(&["GHSA-2"]),
            ]
        };
        let pins = || vec![pin("foo", "1.0"), pin("bar", "1.0")];
        let past = Ignore {
            until: Some(NOW.plus_millis(-1)),
            ..ignore("PYSEC-1")
        };
        let of_other = Ignore {
            project: Some(name("bar")),
            ..ignore("PYSEC-1")
        };
        for (ignore, expected, unused) in [
            (ignore("pysec-1"), &["MAL-2 bar 1.0"][..], 0),
            (ignore("CVE-2026-0001"), &["MAL-2 bar 1.0"], 0),
            (ignore("MAL-2"), &["PYSEC-1 foo 1.0"], 0),
            (ignore("GHSA-2"), &["MAL-2 bar 1.0", "PYSEC-1 foo 1.0"], 1),
            (past, &["MAL-2 bar 1.0", "PYSEC-1 foo 1.0"], 1),
            (of_other, &["MAL-2 bar 1.0", "PYSEC-1 foo 1.0"], 1),
        ] {
            let audit = audited(&records(), pins(), std::slice::from_ref(&ignore));
            assert_eq!(ids(&audit), expected, "{ignore:?}");
            assert_eq!(audit.unused.len(), unused, "{ignore:?}");
            assert_eq!(audit.ignored.len() + audit.found.len(), 2);
        }
        let open = Component {
            version: None,
            ..pin("Acme_Lib", "1")
        };
        let audit = audited(&[], vec![open], &[ignore("acme-lib")]);
        assert_eq!((audit.unchecked.len(), audit.accepted.len()), (0, 1));
    }

    #[test]
    fn old_and_broken_advisories_are_doubted() {
        let sound = TableHead {
            source: "a test".to_owned(),
            as_of: Some(NOW.plus_millis(-3 * Timestamp::DAY)),
            records: 1,
            ..TableHead::default()
        };
        let broken = TableHead {
            unreadable: 2,
            complaints: vec!["x.json: not JSON".to_owned()],
            ..sound.clone()
        };
        let ageless = TableHead {
            as_of: None,
            ..sound.clone()
        };
        let empty = TableHead {
            records: 0,
            ..sound.clone()
        };
        let week = 7 * Timestamp::DAY;
        let mut said = String::new();
        for (head, most) in [
            (&sound, week),
            (&sound, Timestamp::DAY),
            (&broken, week),
            (&ageless, week),
            (&empty, week),
        ] {
            let doubts = doubts_of(head, most, NOW);
            let why: Vec<_> = doubts.iter().map(|one| one.why.as_str()).collect();
            said += &format!("{}\n", why.join("; "));
        }
        insta::assert_snapshot!(said, @r"

        they are 3 days old, and older than 24 hours counts as unknown
        2 records cannot be read, and nobody knows what stands there: x.json: not JSON
        nothing says how old they are
        there is not one among them
        ");
    }
}

//! What `why` says to people: aligned, 80 columns wide, without colour, and with the remedy at the end,
//! where the eye rests.

use std::fmt::Write as _;

use portcullis_core::index::IndexSource;
use portcullis_core::policy::{Decision, Effect, Finding, RuleId, Standing};
use portcullis_core::time::Timestamp;

use super::{Detail, Why, manifest};

/// How wide the text is at most, in characters.
const WIDTH: usize = 80;

/// How many unremarkable releases are told one by one before the rest is told together.
const ONE_BY_ONE: usize = 3;

/// How many remedies stand at the end.
const REMEDIES: usize = 3;

/// One release: its strictest decision and how many files it has.
struct Release<'w> {
    title: String,
    decision: &'w Decision,
    files: usize,
    /// Whether installers would rather have it than what they receive.
    is_wanted: bool,
}

/// One entry of the table: a release, or a run of releases that are alike.
struct Entry<'w> {
    title: String,
    effect: String,
    decision: &'w Decision,
    summary: String,
    /// Whether it stands for many, so that the particulars of one would mislead.
    is_run: bool,
}

impl Why {
    /// As text. Releases that are alike are told together unless `detail` is full.
    pub fn to_text(&self, detail: Detail) -> String {
        let releases = self.releases();
        let mut text = self.route_text();
        let entries = match releases.is_empty() {
            true => self.entries_of_the_name(),
            false => told_together(&releases, detail),
        };
        table(&mut text, &entries);
        match &self.receives {
            Some(version) => {
                let _ = writeln!(text, "\nAn installer asking now receives {version}.");
            }
            None => text.push_str("\nAn installer asking now receives nothing.\n"),
        }
        self.manifest(&mut text);
        self.remedies(&mut text, &releases);
        text
    }

    /// What the release is able to do that an installer receives, or that is asked about.
    fn manifest(&self, text: &mut String) {
        let version = self.requirement.exact_version();
        let Some(version) = version.or(self.receives.as_ref()) else {
            return;
        };
        let files = self.files.iter();
        let files = files.filter(|file| file.version.as_ref() == Some(version));
        let inspected = files.filter_map(|file| file.inspected.as_deref());
        let capabilities = inspected.flat_map(|inspected| &inspected.capabilities);
        let title = format!("{} {version}", self.gathered.facts.project);
        manifest::manifest(text, &title, capabilities);
    }

    fn route_text(&self) -> String {
        let facts = &self.gathered.facts;
        let route = &self.gathered.route;
        let (project, index) = (&facts.project, &facts.index);
        let mut text = match &facts.origin {
            Some(origin) => format!(
                "{project}  → source {} ({}) of index {index}\n",
                origin.source, origin.kind
            ),
            None => format!("{project}  → no source of index {index} has it\n"),
        };
        let asked = names(&route.ask);
        let asked = match asked.is_empty() {
            true => "asked: nobody".to_owned(),
            false => format!("asked in this order: {asked}"),
        };
        let line = match &facts.ownership {
            None => format!("not an internal name; {asked}"),
            Some(owned) => {
                let spared = match route.spared.is_empty() {
                    true => String::new(),
                    false => format!("; never asked: {}", names(&route.spared)),
                };
                format!(
                    "an internal name ({}, {}); {asked}{spared}",
                    owned.pattern, owned.origin
                )
            }
        };
        wrapped(&mut text, 2, &line);
        let page = self.gathered.page.as_ref();
        if let Some(since) = page.and_then(|page| page.freshness.stale_since) {
            let since = since.to_minute();
            let line = format!("the source cannot be reached now; this is as of {since}");
            wrapped(&mut text, 2, &line);
        }
        text.push('\n');
        text
    }

    /// What there is to say where no file is meant: what the name alone is decided to be.
    fn entries_of_the_name(&self) -> Vec<Entry<'_>> {
        let (effect, summary) = match (&self.gathered.page, self.name.decisive()) {
            (_, Some(_)) => (self.name.effect().to_string(), String::new()),
            (Some(_), None) => {
                let summary = format!("no file of it is meant by {}", self.requirement);
                ("absent".to_owned(), summary)
            }
            (None, None) => ("absent".to_owned(), "there is no such project".to_owned()),
        };
        vec![Entry {
            title: "(any)".to_owned(),
            effect,
            decision: &self.name,
            summary,
            is_run: false,
        }]
    }

    fn releases(&self) -> Vec<Release<'_>> {
        let mut releases: Vec<Release<'_>> = Vec::new();
        for file in &self.files {
            let title = match &file.version {
                Some(version) => version.to_string(),
                None => file.decision.subject().title(),
            };
            match releases.last_mut() {
                Some(last) if last.title == title => {
                    last.files += 1;
                    if file.decision.effect() > last.decision.effect() {
                        last.decision = &file.decision;
                    }
                }
                _ => releases.push(Release {
                    title,
                    decision: &file.decision,
                    files: 1,
                    is_wanted: file.version.is_some() && file.version > self.receives,
                }),
            }
        }
        releases
    }

    /// What can be done about what is refused and newer than what is received, the newest first.
    fn remedies(&self, text: &mut String, releases: &[Release<'_>]) {
        let wanted = releases.iter().filter(|release| release.is_wanted);
        let mut refused: Vec<(&str, &Finding)> = wanted
            .filter(|release| !release.decision.lets_through())
            .filter_map(|release| Some((release.title.as_str(), release.decision.decisive()?)))
            .collect();
        if releases.is_empty()
            && let Some(finding) = self.name.decisive()
        {
            refused.push((self.gathered.facts.project.as_str(), finding));
        }
        let mut told: Vec<&str> = Vec::new();
        refused.retain(|(_, finding)| {
            let is_new = !told.contains(&&*finding.rule);
            told.push(&finding.rule);
            is_new
        });
        for (title, finding) in refused.into_iter().take(REMEDIES) {
            wrapped(
                text,
                0,
                &format!("What to do about {title}: {}.", finding.remedy),
            );
        }
        if let Some(requirement) = self.reviewable() {
            let index = match self.is_default_index {
                true => String::new(),
                false => format!(" --index {}", self.gathered.facts.index),
            };
            let _ = writeln!(
                text,
                "Or ask for a review:\n  portcullis review request '{requirement}'{index} --reason '…'"
            );
        }
    }
}

fn names(sources: &[IndexSource]) -> String {
    let names: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
    names.join(", ")
}

/// The table's entries: each release by itself, or runs of releases that are alike together.
fn told_together<'w>(releases: &[Release<'w>], detail: Detail) -> Vec<Entry<'w>> {
    let mut entries = Vec::new();
    let mut unremarkable = 0;
    for run in releases.chunk_by(|one, other| are_alike(one.decision, other.decision)) {
        let alone = match (detail, run[0].decision.findings()) {
            (Detail::Full, _) => run.len(),
            (Detail::Brief, []) => ONE_BY_ONE.saturating_sub(unremarkable),
            (Detail::Brief, _) => 1,
        };
        if run[0].decision.findings().is_empty() {
            unremarkable += run.len();
        }
        let (alone, together) = run.split_at(alone.min(run.len()));
        entries.extend(alone.iter().map(single));
        match together {
            [] => {}
            [only] => entries.push(single(only)),
            [first, .., last] => entries.push(Entry {
                title: format!("to {}", last.title),
                effect: first.decision.effect().to_string(),
                decision: first.decision,
                summary: format!(
                    "{} older releases, {}",
                    together.len(),
                    count(together.iter().map(|release| release.files).sum())
                ),
                is_run: true,
            }),
        }
    }
    entries
}

fn single<'w>(release: &Release<'w>) -> Entry<'w> {
    Entry {
        title: release.title.clone(),
        effect: release.decision.effect().to_string(),
        decision: release.decision,
        summary: count(release.files),
        is_run: false,
    }
}

fn count(files: usize) -> String {
    match files {
        1 => "1 file".to_owned(),
        files => format!("{files} files"),
    }
}

/// Whether the same rules say the same about both, so that one can stand for the other.
fn are_alike(one: &Decision, other: &Decision) -> bool {
    let findings = |decision: &Decision| -> Vec<(RuleId, Effect)> {
        let findings = decision.findings().iter();
        findings
            .map(|finding| (finding.rule.clone(), finding.takes_effect()))
            .collect()
    };
    findings(one) == findings(other)
}

fn table(text: &mut String, entries: &[Entry<'_>]) {
    let width = |cells: &mut dyn Iterator<Item = usize>, least: usize, most: usize| {
        cells.max().unwrap_or(0).clamp(least, most) + 2
    };
    let titles = width(
        &mut entries.iter().map(|entry| entry.title.chars().count()),
        5,
        20,
    );
    let rules = width(
        &mut entries
            .iter()
            .flat_map(|entry| entry.decision.findings())
            .map(|finding| finding.rule.len()),
        1,
        20,
    );
    for entry in entries {
        entry_text(text, entry, [titles, 8, rules]);
    }
}

fn entry_text(text: &mut String, entry: &Entry<'_>, widths: [usize; 3]) {
    let mut head = [entry.title.as_str(), entry.effect.as_str()];
    let findings = entry.decision.findings();
    if findings.is_empty() {
        line_of(text, [head[0], head[1], "·"], widths, &entry.summary);
        return;
    }
    for finding in findings {
        let message = match finding.standing {
            _ if entry.is_run => entry.summary.clone(),
            Standing::Observed => format!(
                "{}; only observed, would {}",
                finding.message, finding.effect
            ),
            Standing::Enforced | Standing::Excepted(_) | Standing::Waived(_) => {
                finding.message.clone()
            }
        };
        line_of(text, [head[0], head[1], &finding.rule], widths, &message);
        head = ["", ""];
        let indent = 2 + widths.iter().sum::<usize>();
        if entry.is_run {
            continue;
        }
        for detail in details(finding) {
            wrapped(text, indent, &detail);
        }
    }
}

fn details(finding: &Finding) -> Vec<String> {
    let evidence = finding.evidence.iter();
    let mut lines: Vec<String> = evidence
        .map(|(label, value)| format!("{label}: {value}"))
        .collect();
    let until = |expires: Option<Timestamp>| {
        let until = expires.map(|expires| format!(" until {}", expires.to_minute()));
        until.unwrap_or_default()
    };
    match &finding.standing {
        Standing::Enforced | Standing::Observed => {}
        Standing::Excepted(exception) => lines.push(format!(
            "excepted at {}{} by {}: {}",
            exception.line,
            until(exception.expires),
            exception.owner,
            exception.reason
        )),
        Standing::Waived(waiver) => lines.push(format!(
            "waived by {} in review {}{}: {}",
            waiver.owner,
            waiver.review,
            until(waiver.expires),
            waiver.reason
        )),
    }
    lines.push(format!("rule at {}", finding.line));
    if let Some(until) = finding.until
        && finding.takes_effect() > Effect::Allow
    {
        lines.push(format!("allowed by itself from {}", until.to_minute()));
    }
    lines
}

/// Writes the three cells of an entry and then the first paragraph beside them.
fn line_of(text: &mut String, cells: [&str; 3], widths: [usize; 3], paragraph: &str) {
    let mut head = String::from("  ");
    for (cell, width) in cells.into_iter().zip(widths) {
        let _ = write!(head, "{cell:<width$}");
        if cell.chars().count() >= width {
            head.push_str("  ");
        }
    }
    let indent = 2 + widths.iter().sum::<usize>();
    let mut body = String::new();
    wrapped(&mut body, indent, paragraph);
    // A title that is too long for its column has the line to itself.
    match head.chars().count() > indent {
        true => {
            text.push_str(head.trim_end());
            text.push('\n');
        }
        false => {
            body.replace_range(..indent.min(body.len()), &head);
        }
    }
    text.push_str(&body);
}

/// Writes a paragraph at column `indent`, as wide as [`WIDTH`] allows.
fn wrapped(text: &mut String, indent: usize, paragraph: &str) {
    let mut line = String::new();
    let mut length = 0;
    for word in paragraph.split_whitespace() {
        let word: String = word.chars().map(visible).collect();
        let word_length = word.chars().count();
        if length > 0 && indent + length + 1 + word_length > WIDTH {
            let _ = writeln!(text, "{:indent$}{line}", "");
            line.clear();
            length = 0;
        }
        if length > 0 {
            line.push(' ');
            length += 1;
        }
        line.push_str(&word);
        length += word_length;
    }
    let _ = writeln!(text, "{:indent$}{line}", "");
}

/// What a terminal may be shown: names and reasons come from outside, and must not steer it.
pub(super) fn visible(character: char) -> char {
    match character {
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        control if control.is_control() => '\u{fffd}',
        other => other,
    }
}

//! Why: where a name is routed, what every file of it is decided to be, and what can be done. The same
//! decisions as those of pages and downloads, with everything they rest on.

use std::fmt::Write as _;
use std::sync::Arc;

use portcullis_core::explain;
use portcullis_core::index::Index;
use portcullis_core::policy::{Decision, Effect, Standing};
use portcullis_core::presentation::{self, Shown};
use portcullis_core::pypi::requirement::Requirement;
use portcullis_core::pypi::version::Version;
use serde_json::{Value, json};

use super::gather::{Gathered, gather};
use crate::app::App;
use crate::error::FlowError;

/// Everything that is decided about a requirement.
pub struct Why {
    gathered: Gathered,
    name: Arc<Decision>,
    files: Vec<Candidate>,
    receives: Option<Version>,
}

/// One file that the requirement could mean.
struct Candidate {
    decision: Arc<Decision>,
    shown: Shown,
    version: Option<Version>,
}

/// Judges everything that `requirement` could mean in `index`.
///
/// # Errors
/// [`FlowError`] when a source that has to be asked cannot be.
pub async fn why(
    app: &Arc<App>,
    index: &Index,
    requirement: &Requirement,
) -> Result<Why, FlowError> {
    let gathered = gather(app, index, &requirement.name).await?;
    let name = gathered.judge_name(app);
    let decisions = gathered.judge_files(app);
    let shown = presentation::shown(&decisions);
    let facts = gathered.page.iter().flat_map(|page| &page.facts);
    let mut files: Vec<Candidate> = facts
        .zip(decisions.into_iter().zip(shown))
        .map(|(facts, (decision, shown))| Candidate {
            decision,
            shown,
            version: facts.version.known().cloned(),
        })
        .filter(|file| {
            file.version
                .as_ref()
                .is_none_or(|version| requirement.matches(version))
        })
        .collect();
    files.sort_by(|a, b| b.version.cmp(&a.version));
    let receives = files
        .iter()
        .filter(|file| file.decision.lets_through())
        .filter_map(|file| file.version.clone())
        .filter(|version| !version.any_prerelease())
        .max();
    Ok(Why {
        gathered,
        name,
        files,
        receives,
    })
}

impl Why {
    /// Whether an installer asking now receives something.
    pub fn passes(&self) -> bool {
        self.files.iter().any(|file| file.decision.lets_through())
    }

    /// As JSON, for programs.
    pub fn to_json(&self) -> Value {
        let facts = &self.gathered.facts;
        let route = &self.gathered.route;
        let sources = |sources: &[portcullis_core::index::IndexSource]| -> Vec<Value> {
            sources
                .iter()
                .map(|s| json!({ "source": s.name, "kind": s.kind }))
                .collect()
        };
        let file = |file: &Candidate| {
            let mut value = explain::decision(&file.decision);
            value["shown"] = json!(match file.shown {
                Shown::AsIs => "as-is",
                Shown::Hidden => "hidden",
                Shown::Yanked => "yanked",
                Shown::Refused => "refused",
            });
            value
        };
        json!({
            "index": facts.index,
            "project": facts.project,
            "route": {
                "source": facts.origin.as_ref().map(|origin| &origin.source),
                "asked": sources(&route.ask),
                "not-asked": sources(&route.spared),
                "owned": facts.ownership,
            },
            "stale-since": self.gathered.page.as_ref().and_then(|page| page.freshness.stale_since),
            "name": explain::decision(&self.name),
            "files": self.files.iter().map(file).collect::<Vec<_>>(),
            "receives": self.receives.as_ref().map(ToString::to_string),
        })
    }

    /// As text, 80 columns wide. Versions that are alike are told together unless `detail` is full.
    pub fn to_text(&self, detail: Detail) -> String {
        let mut text = self.route_text();
        let releases = self.releases();
        if releases.is_empty() {
            text.push_str(&self.nothing_text());
            return text;
        }
        for (version, decision, files) in told_together(releases, detail) {
            release_text(&mut text, &version, decision, files);
        }
        match &self.receives {
            Some(version) => {
                let _ = writeln!(text, "\nAn installer asking now receives {version}.");
            }
            None => text.push_str("\nAn installer asking now receives nothing.\n"),
        }
        text
    }

    fn route_text(&self) -> String {
        let facts = &self.gathered.facts;
        let mut text = match &facts.origin {
            Some(origin) => format!(
                "{}  -> source {} ({}) of index {}\n",
                facts.project, origin.source, origin.kind, facts.index
            ),
            None => format!("{}  -> no source of index {}\n", facts.project, facts.index),
        };
        let names = |sources: &[portcullis_core::index::IndexSource]| -> String {
            sources
                .iter()
                .map(|s| s.name.as_str())
                .collect::<Vec<_>>()
                .join(", ")
        };
        let asked = names(&self.gathered.route.ask);
        let _ = match &facts.ownership {
            Some(owned) => writeln!(
                text,
                "  an internal name ({}: {}); asked: {asked}; never asked: {}",
                owned.origin,
                owned.pattern,
                names(&self.gathered.route.spared),
            ),
            None => writeln!(text, "  not an internal name; asked in this order: {asked}"),
        };
        if let Some(since) = self
            .gathered
            .page
            .as_ref()
            .and_then(|page| page.freshness.stale_since)
        {
            let _ = writeln!(
                text,
                "  the source cannot be reached; this is what it said at {}",
                since.to_minute()
            );
        }
        text.push('\n');
        text
    }

    fn nothing_text(&self) -> String {
        let mut text = String::new();
        match self.name.decisive() {
            Some(_) => release_text(&mut text, "(any)", &self.name, 0),
            None => text.push_str("  no file matches\n"),
        }
        text
    }

    /// One line per version: its strictest decision and how many files it has.
    fn releases(&self) -> Vec<(String, &Decision, usize)> {
        let mut releases: Vec<(String, &Decision, usize)> = Vec::new();
        for file in &self.files {
            let title = match &file.version {
                Some(version) => version.to_string(),
                None => file.decision.subject().title(),
            };
            match releases.last_mut() {
                Some((last, decision, files)) if *last == title => {
                    *files += 1;
                    if file.decision.effect() > decision.effect() {
                        *decision = &file.decision;
                    }
                }
                _ => releases.push((title, &file.decision, 1)),
            }
        }
        releases
    }
}

/// How much `why` tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Runs of versions about which there is nothing to say are told together.
    Brief,
    /// Every version.
    Full,
}

/// How many unremarkable versions are told one by one before the rest is told together.
const ONE_BY_ONE: usize = 3;

fn told_together(
    releases: Vec<(String, &Decision, usize)>,
    detail: Detail,
) -> Vec<(String, &Decision, usize)> {
    if detail == Detail::Full {
        return releases;
    }
    let mut told: Vec<(String, &Decision, usize)> = Vec::new();
    let mut plain = 0;
    let mut together: Option<(usize, String)> = None;
    for (version, decision, files) in releases {
        if !decision.findings().is_empty() {
            told.push((version, decision, files));
            continue;
        }
        plain += 1;
        if plain <= ONE_BY_ONE {
            told.push((version, decision, files));
            continue;
        }
        let count = together.as_ref().map_or(1, |(count, _)| count + 1);
        together = Some((count, version.clone()));
        let title = format!("{count} older, to {version}");
        match told.last_mut().filter(|_| count > 1) {
            Some(last) if last.0.contains(" older, to ") => {
                *last = (title, decision, last.2 + files);
            }
            _ => told.push((title, decision, files)),
        }
    }
    told
}

fn release_text(text: &mut String, version: &str, decision: &Decision, files: usize) {
    let effect = decision.effect().to_string();
    let files = match files {
        0 => String::new(),
        1 => "1 file".to_owned(),
        files => format!("{files} files"),
    };
    if decision.findings().is_empty() {
        let _ = writeln!(text, "  {version:<10} {effect:<6} {files}");
        return;
    }
    for (at, finding) in decision.findings().iter().enumerate() {
        let (head, effect) = match at {
            0 => (version, effect.as_str()),
            _ => ("", ""),
        };
        let standing = match &finding.standing {
            Standing::Enforced => String::new(),
            Standing::Observed => format!("  (only observed; would {})", finding.effect),
            Standing::Excepted(exception) => {
                format!("  (excepted at {}: {})", exception.line, exception.reason)
            }
        };
        let _ = writeln!(text, "  {head:<10} {effect:<6} {}{standing}", finding.rule);
        let mut lines = vec![finding.message.clone()];
        lines.extend(
            finding
                .evidence
                .iter()
                .map(|(label, value)| format!("{label}: {value}")),
        );
        lines.push(format!("rule at {}", finding.line));
        if let Some(until) = finding.until {
            lines.push(format!("allowed by itself from {}", until.to_minute()));
        }
        if finding.takes_effect() > Effect::Allow {
            lines.push(format!("what to do: {}", finding.remedy));
        }
        for line in lines {
            wrapped(text, &line);
        }
    }
}

/// Writes a paragraph at column 20, at most 80 columns wide.
fn wrapped(text: &mut String, paragraph: &str) {
    const INDENT: usize = 20;
    let mut line = String::new();
    for word in paragraph.split_whitespace() {
        if !line.is_empty() && INDENT + line.len() + 1 + word.len() > 80 {
            let _ = writeln!(text, "{:INDENT$}{line}", "");
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    let _ = writeln!(text, "{:INDENT$}{line}", "");
}

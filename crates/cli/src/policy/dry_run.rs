//! `portcullis policy dry-run`: which installs of the last days another policy would have decided
//! otherwise.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use portcullis_core::time::Timestamp;
use portcullis_server::config::Period;
use portcullis_server::flow::dry_run::{self, Change};
use portcullis_store::replay::Span;
use serde_json::json;

use crate::context::{Place, now, wait_for};
use crate::exit::Exit;
use crate::moment;
use crate::output::{Format, count, paragraph, print, print_json, table};

/// Say which installs a policy would have decided otherwise
///
/// Everything that was received or refused in the span is judged under the policy in force and under
/// the one in FILE, with the clock as it was then and everything else as it is known today. Nothing is
/// fetched and nothing is changed. Exit code 1 when something would be refused that passes now.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  portcullis policy dry-run new-policy.toml --last 30d")]
pub struct DryRun {
    #[command(flatten)]
    place: Place,
    /// The policy that is tried
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The length of the span up to now
    #[arg(
        long,
        value_name = "TIME",
        default_value = "30d",
        conflicts_with = "from"
    )]
    last: Period,
    /// The beginning of the span: a date or RFC 3339 time
    #[arg(long, value_name = "TIME", value_parser = moment::beginning)]
    from: Option<Timestamp>,
    /// The end of the span: a date (the whole day) or RFC 3339 time
    #[arg(long, value_name = "TIME", value_parser = moment::end)]
    to: Option<Timestamp>,
    /// The index [default: the default index]
    #[arg(long, value_name = "NAME")]
    index: Option<String>,
    /// The form of the answer
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl DryRun {
    /// Answers.
    pub fn run(self) -> anyhow::Result<Exit> {
        wait_for(self.answer())
    }

    async fn answer(self) -> anyhow::Result<Exit> {
        let policy = super::read(&self.file)?;
        let app = self.place.gateway().await?;
        let index = app.index(self.index.as_deref())?;
        let span = self.span();
        let run = dry_run::dry_run(&app, index, &policy, span).await?;
        match self.format {
            Format::Json => print_json(&json!({
                "policy": self.file.display().to_string(),
                "index": index.name,
                "from": span.from,
                "to": span.to,
                "dry-run": run,
            }))?,
            Format::Text => {
                let mut text = String::new();
                let _ = writeln!(
                    text,
                    "{} for index {}, {} to {}:\n{} and {} judged again.",
                    self.file.display(),
                    index.name,
                    span.from.to_minute(),
                    span.to.to_minute(),
                    count(run.downloads, "download"),
                    count(run.refusals, "refusal"),
                );
                if run.unknown > 0 {
                    text.push_str(&paragraph(
                        0,
                        &format!(
                            "Of {} nothing can be said: no page that is kept lists the file.",
                            count(run.unknown, "download")
                        ),
                    ));
                }
                tell(&mut text, &run.changes);
                print(&text)?;
            }
        }
        Ok(match run.changes.iter().any(Change::is_refusal) {
            true => Exit::Findings,
            false => Exit::Clean,
        })
    }

    fn span(&self) -> Span {
        let to = self.to.unwrap_or_else(now);
        let Period(last) = self.last;
        let from = self.from.unwrap_or_else(|| to.plus_millis(-millis(last)));
        Span { from, to }
    }
}

fn millis(length: Duration) -> i64 {
    i64::try_from(length.as_millis()).unwrap_or(i64::MAX)
}

/// Releases that fare alike.
struct Told {
    title: String,
    rule: String,
    message: String,
    teams: BTreeMap<String, u64>,
}

fn tell(text: &mut String, changes: &[Change]) {
    let (refused, passing): (Vec<&Change>, Vec<&Change>) =
        changes.iter().partition(|change| change.is_refusal());
    if changes.is_empty() {
        text.push_str("\nNothing would change.\n");
        return;
    }
    if !refused.is_empty() {
        text.push_str("\nWould be refused:\n\n");
        let told = by_release(&refused);
        let rows = told.iter().map(|told| {
            [
                told.title.clone(),
                told.rule.clone(),
                told.teams.values().sum::<u64>().to_string(),
                teams(&told.teams),
                told.message.clone(),
            ]
        });
        text.push_str(&table(
            ["release", "rule", "downloads", "by", "because"],
            rows,
        ));
        text.push_str("\nBy team:\n\n");
        let mut by_team: BTreeMap<&str, u64> = BTreeMap::new();
        for (team, times) in refused.iter().flat_map(|change| &change.teams) {
            *by_team.entry(team).or_default() += times;
        }
        let rows = by_team
            .iter()
            .map(|(team, times)| [(*team).to_owned(), times.to_string()]);
        text.push_str(&table(["team", "downloads"], rows));
    }
    if !passing.is_empty() {
        text.push_str("\nWould pass:\n\n");
        let told = by_release(&passing);
        let rows = told
            .iter()
            .map(|told| [told.title.clone(), told.rule.clone(), told.message.clone()]);
        text.push_str(&table(["release", "refused today by", "because"], rows));
    }
    text.push_str("\nNothing was changed. A policy takes effect when it stands in its file.\n");
}

fn teams(teams: &BTreeMap<String, u64>) -> String {
    let mut sorted: Vec<(&String, &u64)> = teams.iter().collect();
    sorted.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
    let shown: Vec<String> = sorted
        .iter()
        .take(3)
        .map(|(team, times)| format!("{team} ({times})"))
        .collect();
    match sorted.len().saturating_sub(3) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// The files of a release that fare alike are told together, those that hit most people first.
fn by_release(changes: &[&Change]) -> Vec<Told> {
    let mut releases: BTreeMap<(String, &str), Told> = BTreeMap::new();
    for change in changes {
        let title = match &change.version {
            Some(version) => format!("{} {version}", change.project),
            None => change
                .filename
                .clone()
                .unwrap_or_else(|| change.project.to_string()),
        };
        let told = releases
            .entry((title.clone(), &change.rule))
            .or_insert_with(|| Told {
                title,
                rule: change.rule.clone(),
                message: change.message.clone(),
                teams: BTreeMap::new(),
            });
        for (team, times) in &change.teams {
            *told.teams.entry(team.clone()).or_default() += times;
        }
    }
    let mut told: Vec<Told> = releases.into_values().collect();
    told.sort_by_key(|told| std::cmp::Reverse(told.teams.values().sum::<u64>()));
    told
}

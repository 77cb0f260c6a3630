//! `portcullis why --lock`: what of a lock would be refused, why, and what would pass in its place.

use std::path::Path;

use portcullis_core::pypi::lockfile::{LockedFiles, Skipped};
use serde_json::json;
use url::Url;

use crate::context::Place;
use crate::exit::Exit;
use crate::gateway::{Judge, Judged, QuestionPin, or_undecided, pin_of, read_lock};
use crate::output::{Format, count, paragraph, print, print_json, table};

/// How many remedies are told below the table.
const REMEDIES: usize = 3;

/// Answers for the lock at `path`.
pub(super) async fn answer(
    path: &Path,
    place: &Place,
    (gateway, index): (Option<&Url>, Option<&str>),
    (format, all): (Format, All),
) -> anyhow::Result<Exit> {
    let (_, files) = read_lock(path)?;
    let asked = async {
        let judge = Judge::open(gateway, place).await?;
        let pins: Vec<QuestionPin> = files.entries.iter().map(pin_of).collect();
        let judged = judge.judge(index, &pins).await;
        judge.close().await;
        judged
    };
    let judged = match asked.await {
        Ok(judged) => judged,
        Err(error) => return or_undecided(error),
    };
    match format {
        Format::Json => print_json(&json!({
            "lock": path.display().to_string(),
            "format": files.format,
            "releases": judged,
            "skipped": skipped(&files).collect::<Vec<_>>(),
        }))?,
        Format::Text => print(&text(path, &files, &judged, all))?,
    }
    Ok(exit(&judged))
}

/// Which releases are told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum All {
    /// Every one.
    Yes,
    /// Those about which there is something to say.
    No,
}

fn exit(judged: &[Judged]) -> Exit {
    let is_found = |one: &Judged| one.is_refused() || one.decision == "absent";
    if judged.iter().any(is_found) {
        Exit::Findings
    } else if judged.iter().any(|one| one.decision == "unknown") {
        Exit::Undecided
    } else {
        Exit::Clean
    }
}

/// What of the lock is nobody's to judge.
fn skipped(files: &LockedFiles) -> impl Iterator<Item = &Skipped> {
    let skipped = files.skipped.iter();
    skipped.filter(|skipped| !skipped.is_the_project_itself())
}

fn text(path: &Path, files: &LockedFiles, judged: &[Judged], all: All) -> String {
    let is_shown = |one: &&Judged| all == All::Yes || one.decision != "allow";
    let rows: Vec<[String; 4]> = judged.iter().filter(is_shown).map(row).collect();
    let mut text = String::new();
    if !rows.is_empty() {
        text += &table(["release", "decision", "why", "nearest"], rows);
        text.push('\n');
    }
    let number = |is: &dyn Fn(&&Judged) -> bool| judged.iter().filter(is).count() as u64;
    let refused = number(&|one| one.is_refused() || one.decision == "absent");
    let unknown = number(&|one| one.decision == "unknown");
    let mut said = match (refused, judged.len()) {
        (0, 0) => format!("{} names no release.", path.display()),
        (0, _) => format!("Nothing of {} would be refused.", path.display()),
        (refused, all) => format!(
            "{} of {all} in {} would not be installed.",
            count(refused, "release"),
            path.display()
        ),
    };
    if unknown > 0 {
        said += &format!(" {} could not be judged.", count(unknown, "release"));
    }
    text += &paragraph(0, &said);
    let skipped = skipped(files).count() as u64;
    if skipped > 0 {
        let said = format!(
            "{} of it from no index, not judged.",
            count(skipped, "package")
        );
        text += &paragraph(0, &said);
    }
    text + &remedies(judged)
}

fn row(judged: &Judged) -> [String; 4] {
    let decision = match judged.decision.as_str() {
        "hold" => "held",
        "deny" => "denied",
        "warn" => "warned",
        "allow" => "passes",
        other => other,
    };
    let why = match judged.decision.as_str() {
        "absent" if judged.has_project == Some(false) => "no source has the project".to_owned(),
        "absent" => "no source has this version".to_owned(),
        "unknown" => judged.unknown.clone().unwrap_or_default(),
        _ => match judged.findings.first() {
            Some(finding) => format!("{} ({})", finding.message, finding.rule),
            None => String::new(),
        },
    };
    let nearest = judged.nearest.clone().unwrap_or_default();
    [judged.title(), decision.to_owned(), why, nearest]
}

/// What can be done about the first that are refused, and where it is explained.
fn remedies(judged: &[Judged]) -> String {
    let mut text = String::new();
    let refused = judged.iter().filter(|one| one.is_refused());
    for one in refused.take(REMEDIES) {
        let Some(finding) = one.decisive() else {
            continue;
        };
        let line = &finding.policy_line;
        let said = format!(
            "{}: {} Rule at {line}.",
            one.title(),
            sentence(&finding.remedy)
        );
        text.push('\n');
        text += &paragraph(0, &said);
        if let Some(why) = &one.why {
            text += &format!("  {why}\n");
        }
    }
    text
}

fn sentence(clause: &str) -> String {
    let clause = clause.trim_end_matches('.');
    format!("{clause}.")
}

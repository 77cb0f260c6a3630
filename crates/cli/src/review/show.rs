//! `portcullis review show`: one case with everything that a reviewer looks at, and how to decide it.

use std::fmt::Write as _;

use clap::Args;
use portcullis_server::flow::reviews::told::{Case, Comparison, Finding, Review, State};

use super::desk::Desk;
use super::list::state_word;
use crate::exit::Exit;
use crate::output::{Format, paragraph, print, print_json};

/// Show one case: what was found, who waits, and what differs from the version before
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  portcullis review show 12")]
pub(super) struct Show {
    /// The number of the review
    #[arg(value_name = "ID")]
    id: i64,
    /// The form of the answer
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Show {
    pub(super) async fn run(self, desk: &Desk) -> anyhow::Result<Exit> {
        let case = desk.show(self.id).await?;
        match self.format {
            Format::Json => print_json(&case)?,
            Format::Text => print(&text(&case))?,
        }
        Ok(Exit::Clean)
    }
}

/// The case as text, with what to do at the end.
fn text(case: &Case) -> String {
    let review = &case.review;
    let mut text = head(case);
    section(&mut text, "Found", findings(review));
    let waiting = case.waiting.iter().map(|waiter| {
        let wanted = waiter.wanted_by.as_ref();
        let wanted = wanted.map_or_else(String::new, |path| format!(" (wanted by {path})"));
        let at = waiter.at.to_minute();
        paragraph(
            2,
            &format!("{}, {at}: {}{wanted}", waiter.who, waiter.reason),
        )
    });
    section(&mut text, "Asked for by", waiting.collect());
    let votes = case.votes.iter().map(|vote| {
        let until = vote
            .until
            .map_or_else(String::new, |until| format!(" until {}", until.to_minute()));
        let void = match vote.counts {
            true => "",
            false => " (before other things were found: does not count)",
        };
        let versions = &vote.versions;
        paragraph(
            2,
            &format!("{}{until} {versions}: {}{void}", vote.who, vote.reason),
        )
    });
    let approvals = format!("Approved by, of {} that are needed", case.votes_needed);
    section(&mut text, &approvals, votes.collect());
    let dependents = case.dependents.iter().map(|one| {
        paragraph(
            2,
            &format!("{} {} ({})", one.project, one.version, one.requirement),
        )
    });
    section(&mut text, "Known to depend on it", dependents.collect());
    if let Some(compared) = &case.comparison {
        let title = format!("{} compared with {}", compared.version, compared.before);
        section(&mut text, &title, comparison(compared));
    }
    let unknown = case.not_known.iter().map(|remark| paragraph(2, remark));
    section(&mut text, "Not known", unknown.collect());
    text.push_str(&next(review));
    text
}

fn section(text: &mut String, title: &str, lines: Vec<String>) {
    if !lines.is_empty() {
        let _ = write!(text, "\n{title}\n{}", lines.concat());
    }
}

fn head(case: &Case) -> String {
    let review = &case.review;
    let (id, state) = (review.id, state_word(review));
    let mut text = paragraph(
        0,
        &format!(
            "Review {id}: {} in index {}, {state}",
            review.requirement, review.index
        ),
    );
    let source = match &case.source {
        Some(source) => format!("from source {source}; "),
        None if case.asked.is_empty() => String::new(),
        None => "no source that was asked has it; ".to_owned(),
    };
    let here = match review.downloads_here {
        0 => "never downloaded here".to_owned(),
        1000.. => "downloaded here more than 1000 times".to_owned(),
        1 => "downloaded here once".to_owned(),
        times => format!("downloaded here {times} times"),
    };
    let rank = match review.rank {
        Some(rank) => format!("number {rank} of the popular projects"),
        None => "not among the popular projects".to_owned(),
    };
    text.push_str(&paragraph(2, &format!("{source}{here}; {rank}")));
    if let Some(by) = &review.decided_by {
        let at = review
            .decided_at
            .map_or_else(String::new, |at| at.to_minute());
        let until = review
            .expires_at
            .filter(|_| review.state != State::Withdrawn);
        let until = until.map_or_else(String::new, |until| {
            format!(", until {}", until.to_minute())
        });
        let versions = match review.versions.as_deref() {
            _ if review.state == State::Withdrawn => String::new(),
            None => String::new(),
            Some("") => ", all versions".to_owned(),
            Some(versions) => format!(", versions {versions}"),
        };
        let reason = review.reason.as_deref().unwrap_or("no reason given");
        let line = format!("{state} by {by} at {at}{versions}{until}: {reason}");
        text.push_str(&paragraph(2, &line));
    }
    if let Some(since) = review.outdated_since {
        let since = since.to_minute();
        let line = format!("since {since} other things are found than what was approved");
        text.push_str(&paragraph(2, &line));
    }
    text
}

fn findings(review: &Review) -> Vec<String> {
    if review.findings.is_empty() {
        return vec![paragraph(2, "nothing")];
    }
    review.findings.iter().map(finding).collect()
}

fn finding(finding: &Finding) -> String {
    let standing = match finding.standing.as_str() {
        "enforced" => String::new(),
        standing => format!(" ({standing})"),
    };
    let (rule, effect) = (&finding.rule, finding.effect);
    let mut text = paragraph(
        2,
        &format!("{rule}, {effect}{standing}: {}", finding.message),
    );
    for evidence in &finding.evidence {
        text.push_str(&paragraph(
            6,
            &format!("{}: {}", evidence.label, evidence.value),
        ));
    }
    let until = finding.until.map_or_else(String::new, |until| {
        format!("; ends by itself at {}", until.to_minute())
    });
    text.push_str(&paragraph(
        6,
        &format!("rule at {}{until}", finding.policy_line),
    ));
    if finding.law {
        text.push_str(&paragraph(
            6,
            "it states a promise: no reviewer can lift it",
        ));
    }
    text
}

fn comparison(compared: &Comparison) -> Vec<String> {
    let mut lines = Vec::new();
    let mut listed = |sign: &str, what: &str, items: &[String]| {
        lines.extend(
            items
                .iter()
                .map(|item| paragraph(2, &format!("{sign} {what} {item}"))),
        );
    };
    listed("+", "file", &compared.files_added);
    listed("-", "file", &compared.files_removed);
    listed("+", "dependency", &compared.dependencies_added);
    listed("-", "dependency", &compared.dependencies_removed);
    lines.extend(compared.changes.iter().map(|change| {
        let said = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
        let (before, now) = (said(&change.before), said(&change.now));
        paragraph(2, &format!("{}: {before} → {now}", change.what))
    }));
    if lines.is_empty() {
        lines.push(paragraph(2, "no difference in files and metadata"));
    }
    lines
}

/// What can be done now.
fn next(review: &Review) -> String {
    let id = review.id;
    match review.state {
        State::Requested => format!(
            "\nTo decide:\n  portcullis review approve {id} --reason '…' [--until DATE]\n  \
             portcullis review deny {id} --reason '…'\n"
        ),
        State::Approved | State::Denied => {
            format!("\nTo take it back:  portcullis review withdraw {id} --reason '…'\n")
        }
        State::Expired | State::Withdrawn | State::Resolved => format!(
            "\nTo ask again:\n  portcullis review request '{}' --reason '…'\n",
            review.requirement
        ),
    }
}

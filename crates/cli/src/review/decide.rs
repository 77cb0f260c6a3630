//! `portcullis review approve`, `deny` and `withdraw`.

use clap::Args;
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::pypi::version::VersionSpecifiers;
use portcullis_server::flow::reviews::decide::Verdict;
use portcullis_server::http::api::reviews::{OneOutcome, ReviewDecision, Together};

use super::desk::{Desk, said};
use crate::context::now;
use crate::exit::{Exit, failure};
use crate::moment::{Ending, ending};
use crate::output::{Format, paragraph, print, print_json};

/// What both verdicts take.
#[derive(Debug, Args)]
struct Terms {
    /// The numbers of the reviews
    #[arg(value_name = "ID", required_unless_present = "all_of")]
    ids: Vec<i64>,
    /// Every open review of this project
    #[arg(long, value_name = "PROJECT", conflicts_with = "ids")]
    all_of: Option<ProjectName>,
    /// Why; it is shown to those whom it concerns
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Until when: 30d, a date, or an RFC 3339 time [default: for good]
    #[arg(long, value_name = "WHEN", value_parser = ending)]
    until: Option<Ending>,
    /// To which versions, such as '>=3,<4' [default: those that were asked for]
    #[arg(long, value_name = "SPECIFIERS")]
    versions: Option<VersionSpecifiers>,
    /// The `seen` of the review that was looked at: refuse when something else is found by now
    #[arg(long, value_name = "TEXT")]
    seen: Option<String>,
    /// The form of the answer
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Let through what was asked for
///
/// What was found is lifted, for these versions and this time; what is found later is not. Exits with
/// 1 when some could not be decided.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  portcullis review approve 12 --reason 'we read it' --until 30d\n  \
                  portcullis review approve --all-of flask --reason 'known' --versions '>=3,<4'"
)]
pub(super) struct Approve {
    #[command(flatten)]
    terms: Terms,
}

/// Stop what was asked for, whatever the rules say
///
/// Exits with 1 when some could not be decided.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  portcullis review deny 12 --reason 'nobody maintains it'")]
pub(super) struct Deny {
    #[command(flatten)]
    terms: Terms,
}

/// Take back a request that waits, or a decision that holds
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  portcullis review withdraw 12 --reason 'a release with a fix is out'"
)]
pub(super) struct Withdraw {
    /// The number of the review
    #[arg(value_name = "ID")]
    id: i64,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

impl Approve {
    pub(super) async fn run(self, desk: &Desk) -> anyhow::Result<Exit> {
        decide(desk, Verdict::Approve, self.terms).await
    }
}

impl Deny {
    pub(super) async fn run(self, desk: &Desk) -> anyhow::Result<Exit> {
        decide(desk, Verdict::Deny, self.terms).await
    }
}

impl Withdraw {
    pub(super) async fn run(self, desk: &Desk) -> anyhow::Result<Exit> {
        must_be_given(&self.reason)?;
        let review = desk.withdraw(self.id, self.reason).await?;
        let line = format!(
            "Review {} of {} is withdrawn: what was the case before it is the case again.",
            review.id, review.requirement
        );
        print(&paragraph(0, &line))?;
        Ok(Exit::Clean)
    }
}

fn must_be_given(reason: &str) -> anyhow::Result<()> {
    match reason.trim() {
        "" => Err(failure(
            "a decision needs a reason",
            "say with --reason what those whom it concerns should know",
        )),
        _ => Ok(()),
    }
}

async fn decide(desk: &Desk, verdict: Verdict, terms: Terms) -> anyhow::Result<Exit> {
    must_be_given(&terms.reason)?;
    let until = terms.until.map(|ending| ending.moment(now()));
    let together = Together {
        ids: terms.all_of.is_none().then_some(terms.ids),
        project: terms.all_of.map(|project| project.to_string()),
        verdict: said(verdict),
        decision: ReviewDecision {
            reason: terms.reason,
            versions: terms.versions.map(|versions| versions.to_string()),
            until,
            seen: terms.seen,
        },
    };
    let outcomes = desk.decide(together).await?;
    match terms.format {
        Format::Json => print_json(&outcomes)?,
        Format::Text => print(&outcomes.decided.iter().map(told).collect::<String>())?,
    }
    let failed = outcomes.decided.iter().filter(|one| one.problem.is_some());
    Ok(Exit::for_findings(failed.count()))
}

fn told(one: &OneOutcome) -> String {
    let Some(outcome) = &one.decided else {
        let problem = one.problem.as_deref().unwrap_or("it could not be decided");
        return paragraph(0, &format!("Not decided: {problem}."));
    };
    let review = &outcome.review;
    let subject = match review.versions.as_deref() {
        Some(versions) => format!("{}{versions}", review.project),
        None => review.requirement.clone(),
    };
    let until = review
        .expires_at
        .map_or_else(String::new, |until| format!(" until {}", until.to_minute()));
    let line = match (outcome.missing, review.lifts.as_slice()) {
        (1.., _) => format!(
            "Review {}: one more reviewer who did not ask must approve {subject}.",
            one.id
        ),
        (0, []) => format!("Review {}: {subject} is {}{until}.", one.id, word(review)),
        (0, lifts) => format!(
            "Review {}: {subject} is {}{until}; lifted: {}.",
            one.id,
            word(review),
            lifts.join(", ")
        ),
    };
    paragraph(0, &line)
}

fn word(review: &portcullis_server::flow::reviews::told::Review) -> String {
    super::list::state_word(review)
}

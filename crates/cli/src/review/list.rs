//! `portcullis review list`: what waits, the riskiest first, and what was decided.

use clap::{Args, ValueEnum};
use portcullis_core::pypi::name::ProjectName;
use portcullis_server::flow::reviews::told::{Review, State};

use super::desk::{Desk, Listing};
use crate::exit::Exit;
use crate::output::{Format, print, print_json, table};

/// List what waits for a reviewer, in the order in which it is best looked at
///
/// The riskiest comes first, among equals the least popular. Other states come the latest first.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  portcullis review list --state approved --format json")]
pub(super) struct List {
    /// Only reviews in this state
    #[arg(long, value_enum, default_value_t)]
    state: Wanted,
    /// Only reviews of this project
    #[arg(long, value_name = "NAME")]
    project: Option<ProjectName>,
    /// Only reviews of this index
    #[arg(long, value_name = "NAME")]
    index: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(..=500))]
    limit: u32,
    /// The form of the answer
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Wanted {
    /// What waits
    #[default]
    Requested,
    /// What is let through
    Approved,
    /// What is stopped
    Denied,
    /// What was decided for a time that is over
    Expired,
    /// What was taken back
    Withdrawn,
    /// What closed by itself
    Resolved,
    /// Everything
    All,
}

impl From<Wanted> for Option<State> {
    fn from(wanted: Wanted) -> Self {
        Some(match wanted {
            Wanted::Requested => State::Requested,
            Wanted::Approved => State::Approved,
            Wanted::Denied => State::Denied,
            Wanted::Expired => State::Expired,
            Wanted::Withdrawn => State::Withdrawn,
            Wanted::Resolved => State::Resolved,
            Wanted::All => return None,
        })
    }
}

impl List {
    pub(super) async fn run(self, desk: &Desk) -> anyhow::Result<Exit> {
        let listing = Listing {
            state: self.state.into(),
            project: self.project,
            index: self.index,
            limit: self.limit,
        };
        let listed = desk.list(&listing).await?;
        match self.format {
            Format::Json => print_json(&listed)?,
            Format::Text => print(&text(&listed.reviews, self.state))?,
        }
        Ok(Exit::Clean)
    }
}

fn text(reviews: &[Review], wanted: Wanted) -> String {
    let Some(first) = reviews.first() else {
        return match wanted {
            Wanted::Requested => "Nothing waits for a reviewer.".to_owned(),
            _ => "There are none.".to_owned(),
        };
    };
    match wanted {
        Wanted::Requested => {
            let rows = reviews.iter().map(|review| {
                let here = match review.downloads_here {
                    1000.. => "1000+".to_owned(),
                    downloads => downloads.to_string(),
                };
                [
                    review.id.to_string(),
                    review.requirement.clone(),
                    refusing(review),
                    here,
                    review.waiting.to_string(),
                    review.requested_at.to_minute(),
                ]
            });
            let head = ["id", "asked for", "refused by", "used", "wait", "since"];
            let table = table(head, rows);
            format!(
                "{table}\nLook at the first:  portcullis review show {}\n",
                first.id
            )
        }
        _ => {
            let rows = reviews.iter().map(|review| {
                [
                    review.id.to_string(),
                    state_word(review),
                    subject(review),
                    review.decided_by.clone().unwrap_or_default(),
                    review
                        .expires_at
                        .map_or_else(String::new, |until| until.to_minute()),
                ]
            });
            table(["id", "state", "about", "by", "until"], rows)
        }
    }
}

/// What the decision is about; what was asked for while there is none.
fn subject(review: &Review) -> String {
    match &review.versions {
        Some(versions) => format!("{}{versions}", review.project),
        None => review.requirement.clone(),
    }
}

/// The rules that refuse the subject of a review, joined by commas.
pub(super) fn refusing(review: &Review) -> String {
    use portcullis_core::policy::Effect;
    let findings = review.findings.iter();
    let refusing =
        findings.filter(|finding| finding.effect >= Effect::Hold && finding.standing == "enforced");
    let rules: Vec<&str> = refusing.map(|finding| finding.rule.as_str()).collect();
    rules.join(", ")
}

/// Where a review stands, in a word or two.
pub(super) fn state_word(review: &Review) -> String {
    match (review.state, review.outdated_since) {
        (State::Requested, _) => "requested".to_owned(),
        (State::Approved, None) => "approved".to_owned(),
        (State::Approved, Some(_)) => "outdated".to_owned(),
        (State::Denied, _) => "denied".to_owned(),
        (State::Expired, _) => "expired".to_owned(),
        (State::Withdrawn, _) => "withdrawn".to_owned(),
        (State::Resolved, _) => "resolved".to_owned(),
    }
}

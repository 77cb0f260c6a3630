//! `portcullis review request`: asking for what is refused.

use clap::Args;
use portcullis_core::pypi::requirement::Requirement;
use portcullis_server::flow::reviews::told::State;
use portcullis_server::http::api::reviews::ReviewRequest;

use super::desk::Desk;
use super::list;
use crate::exit::Exit;
use crate::output::{Format, count, print, print_json};

/// Ask a reviewer to let something through, or to stop it
///
/// There is one record however many people ask.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  portcullis review request 'flask==3.1.3' --reason 'fixes a crash of ours'"
)]
pub(super) struct Request {
    /// A release, or a range of them, such as 'flask>=3,<4'
    #[arg(value_name = "REQUIREMENT")]
    requirement: Requirement,
    /// Why you need it
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// What of yours wants it, such as 'web > flask-login > flask'
    #[arg(long, value_name = "PATH")]
    wanted_by: Option<String>,
    /// The index that is asked [default: the default index]
    #[arg(long, value_name = "NAME")]
    index: Option<String>,
    /// The form of the answer
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Request {
    pub(super) async fn run(self, desk: &Desk) -> anyhow::Result<Exit> {
        let asked = ReviewRequest {
            index: self.index,
            requirement: self.requirement.to_string(),
            reason: self.reason,
            wanted_by: self.wanted_by,
            name: None,
        };
        let review = desk.request(asked).await?;
        if self.format == Format::Json {
            print_json(&review)?;
            return Ok(Exit::Clean);
        }
        let waiting = u64::try_from(review.waiting).unwrap_or_default();
        let mut text = format!(
            "Review {} of {} waits for a decision, asked for by {}.\n",
            review.id,
            review.requirement,
            people(waiting)
        );
        match list::refusing(&review).as_str() {
            "" => text.push_str("Nothing refuses it today.\n"),
            rules => text.push_str(&format!("Refused by: {rules}\n")),
        }
        if review.state == State::Requested {
            text.push_str(&format!(
                "\nFollow it:  portcullis review show {}\n",
                review.id
            ));
        }
        print(&text)?;
        Ok(Exit::Clean)
    }
}

fn people(waiting: u64) -> String {
    match waiting {
        1 => "you alone".to_owned(),
        waiting => format!("you and {}", count(waiting.saturating_sub(1), "other")),
    }
}

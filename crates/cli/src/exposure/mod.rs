//! `portcullis exposure`: who received it. Text counts by file and identity; JSON and CSV hand out every
//! download while it is read, so that millions of them need no memory.

use clap::{Args, ValueEnum};
use portcullis_core::advisory::AdvisoryIndex;
use portcullis_core::time::Timestamp;
use portcullis_server::feeds;
use portcullis_server::flow::exposure::{self, Meant, Subject, meant};
use portcullis_server::knowledge::Knowledge;
use portcullis_store::Db;
use portcullis_store::blobs::Blobs;
use portcullis_store::downloads::{Download, DownloadKind};
use portcullis_store::exposure::{Span, each_download};
use std::sync::Arc;

mod rows;
mod text;

use crate::context::{Absence, Opened, Place, now, wait_for};
use crate::exit::{Exit, failure};
use crate::moment;

/// Say who received a release, a file, or what an advisory is about
///
/// Counts what was received as a whole; requests for metadata alone are counted apart. Names the
/// registered locks that name it and have not fetched it (see `portcullis lock`). A job is what a
/// client calls itself, in the user part of its credentials; nobody has proved it.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  portcullis exposure 'litellm>=1.82.7,<=1.82.8' --from 2026-03-24"
)]
pub struct Exposure {
    #[command(flatten)]
    place: Place,
    /// A requirement such as 'flask>=3,<4', sha256:HEX for one content, or the id of an advisory; may
    /// be left out when --from and --to are given
    #[arg(value_name = "REQUIREMENT|sha256:HEX|ADVISORY")]
    subject: Option<Subject>,
    /// From this date or RFC 3339 time on
    #[arg(long, value_name = "TIME", value_parser = moment::beginning)]
    from: Option<Timestamp>,
    /// Up to this date (the whole day) or RFC 3339 time
    #[arg(long, value_name = "TIME", value_parser = moment::end)]
    to: Option<Timestamp>,
    /// Show at most so many rows as text; csv and json have all of them
    #[arg(long, value_name = "N", default_value_t = 200)]
    limit: usize,
    /// In json and csv, one row for each file and identity, and not for each download
    #[arg(long)]
    receipts: bool,
    /// The form of the answer
    #[arg(long, value_enum, default_value_t)]
    format: Form,
}

/// The form of the answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For people
    #[default]
    Text,
    /// One JSON document, for programs
    Json,
    /// Comma-separated values with a head (RFC 4180)
    Csv,
}

/// What was asked, and what it stands for.
struct Question {
    subject: Subject,
    meant: Vec<Meant>,
    span: Span,
}

impl Exposure {
    /// Answers.
    pub fn run(self) -> anyhow::Result<Exit> {
        wait_for(self.answer())
    }

    async fn answer(self) -> anyhow::Result<Exit> {
        let subject = match &self.subject {
            Some(subject) => subject.clone(),
            None if self.from.is_some() && self.to.is_some() => Subject::Everything,
            None => {
                return Err(failure(
                    "nothing is asked about",
                    "name a requirement, sha256:HEX or an advisory, or give both --from and --to",
                ));
            }
        };
        let opened = self.place.database(Absence::Refused).await?;
        let advisories = match subject {
            Subject::Advisory(_) => advisories(&opened).await?,
            _ => None,
        };
        let question = Question {
            meant: meant(&opened.db, &subject, advisories.as_deref()).await?,
            subject,
            // The end is fixed, so that every pass sees the same rows while others are downloading.
            span: Span {
                from: self.from.unwrap_or(Timestamp::from_millis(0)),
                to: self.to.unwrap_or_else(|| now().plus_millis(1)),
            },
        };
        self.show(&opened.db, &question).await?;
        opened.db.close().await;
        Ok(Exit::Clean)
    }

    async fn show(&self, db: &Db, question: &Question) -> anyhow::Result<()> {
        let kept = match (self.format, self.receipts) {
            (Form::Text, _) => self.limit,
            (_, true) => usize::MAX,
            (_, false) => 0,
        };
        let found = exposure::exposure(db, &question.meant, question.span, kept).await?;
        match (self.format, self.receipts) {
            (Form::Text, _) => text::show(question, &found),
            (Form::Json, true) => rows::receipts_json(question, &found),
            (Form::Json, false) => rows::json(db, question, &found).await,
            (Form::Csv, true) => rows::receipts_csv(&found),
            (Form::Csv, false) => rows::csv(db, question).await,
        }
    }
}

/// The advisories that the server loaded last; `None` when there are none.
async fn advisories(opened: &Opened) -> anyhow::Result<Option<Arc<AdvisoryIndex>>> {
    let config = &opened.config;
    let blobs = Blobs::connect(&config.blobs, &config.data, std::env::vars_os())?;
    let knowledge = Knowledge::default();
    feeds::load(&knowledge, &opened.db, &blobs).await?;
    Ok(knowledge.advisories())
}

/// Calls `act` with every file that was received of what is meant, in the order of time for each part.
async fn each(
    db: &Db,
    question: &Question,
    mut act: impl FnMut(&Download) -> std::io::Result<()>,
) -> anyhow::Result<()> {
    let mut outcome = Ok(());
    for meant in &question.meant {
        each_download(db, meant.exposed(), question.span, |row| {
            if row.download.kind == DownloadKind::File {
                outcome = act(&row.download);
            }
            outcome.is_ok()
        })
        .await?;
        if outcome.is_err() {
            break;
        }
    }
    Ok(outcome?)
}

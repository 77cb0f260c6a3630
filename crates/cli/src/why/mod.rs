//! `portcullis why`: the decisions that pages and downloads rest on, with everything they rest on
//! themselves.

mod lock;

use std::path::PathBuf;

use clap::Args;
use portcullis_core::pypi::lockfile;
use portcullis_core::pypi::requirement::Requirement;
use portcullis_server::error::FlowError;
use portcullis_server::flow::why::{self, Detail};
use url::Url;

use crate::context::{Place, wait_for};
use crate::exit::{Exit, failure};
use crate::output::{Format, print, print_json, remark};

/// Explain what an installer receives for a requirement, and why
///
/// Exits with 1 when it would receive nothing, and with 3 when a source that has to be asked cannot
/// be. Of a lock file it tells what would be refused, and which version next to it would pass; a gateway
/// elsewhere can be asked about that: --gateway, PORTCULLIS_URL, or the index of pip and uv where a
/// gateway answers there.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  portcullis why 'flask>=3'\n  portcullis why --lock uv.lock")]
pub struct Why {
    #[command(flatten)]
    place: Place,
    /// A requirement, such as flask or 'flask>=3,<4', or the path of a lock file
    #[arg(value_name = "REQUIREMENT", required_unless_present = "lock")]
    requirement: Option<String>,
    /// A lock file, pinned requirements or a bill of materials
    #[arg(long, value_name = "FILE", conflicts_with = "requirement")]
    lock: Option<PathBuf>,
    /// The gateway that is asked about a lock [default: PORTCULLIS_URL, or the one here]
    #[arg(long, value_name = "URL")]
    gateway: Option<Url>,
    /// The index that is asked [default: the default index]
    #[arg(long, value_name = "NAME")]
    index: Option<String>,
    /// Every version, also where there is nothing to say
    #[arg(long)]
    all: bool,
    /// The form of the answer
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Why {
    /// Answers.
    pub fn run(self) -> anyhow::Result<Exit> {
        wait_for(self.answer())
    }

    async fn answer(self) -> anyhow::Result<Exit> {
        let words = self.requirement.as_deref().unwrap_or_default();
        let lock = self.lock.clone().or_else(|| lock_at(words));
        if let Some(path) = lock {
            let all = match self.all {
                true => lock::All::Yes,
                false => lock::All::No,
            };
            let whom = (self.gateway.as_ref(), self.index.as_deref());
            return lock::answer(&path, &self.place, whom, (self.format, all)).await;
        }
        let requirement = words.parse::<Requirement>();
        let requirement = requirement.map_err(|error| {
            failure(
                error.to_string(),
                "give a requirement, or a lock file with --lock FILE",
            )
        })?;
        self.of_requirement(&requirement).await
    }

    async fn of_requirement(self, requirement: &Requirement) -> anyhow::Result<Exit> {
        let app = self.place.gateway().await?;
        let index = app.index(self.index.as_deref()).map_err(|error| {
            let known: Vec<&str> = app.indexes.keys().map(|name| name.as_str()).collect();
            failure(
                error.to_string(),
                format!("use one of: {}", known.join(", ")),
            )
        })?;
        let exit = match why::why(&app, index, requirement).await {
            Ok(why) => {
                match self.format {
                    Format::Json => print_json(&why.to_json())?,
                    Format::Text if self.all => print(&why.to_text(Detail::Full))?,
                    Format::Text => print(&why.to_text(Detail::Brief))?,
                }
                match why.passes() {
                    true => Exit::Clean,
                    false => Exit::Findings,
                }
            }
            Err(error @ (FlowError::Unreachable { .. } | FlowError::SourceFailed { .. })) => {
                remark(&format!(
                    "portcullis: {error}\n  what to do: try again when it answers; no other source \
                     is asked in its place"
                ));
                Exit::Undecided
            }
            Err(error) => return Err(error.into()),
        };
        app.db.close().await;
        Ok(exit)
    }
}

/// The lock file that is meant by a word that is no requirement: one that is there, by a name that tools give.
fn lock_at(word: &str) -> Option<PathBuf> {
    let path = PathBuf::from(word);
    // Only the name counts here: nothing is read to find out what is meant.
    (lockfile::detect(word, &[]).is_some() && path.is_file()).then_some(path)
}

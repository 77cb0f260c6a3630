//! `portcullis why`: the decisions that pages and downloads rest on, with everything they rest on
//! themselves.

use clap::Args;
use portcullis_core::pypi::requirement::Requirement;
use portcullis_server::error::FlowError;
use portcullis_server::flow::why::{self, Detail};

use crate::context::{Place, wait_for};
use crate::exit::{Exit, failure};
use crate::output::{Format, print, print_json, remark};

/// Explain what an installer receives for a requirement, and why
///
/// Exits with 1 when it would receive nothing, and with 3 when a source that has to be asked cannot
/// be.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  portcullis why 'flask>=3'")]
pub struct Why {
    #[command(flatten)]
    place: Place,
    /// A requirement, such as flask or 'flask>=3,<4'
    #[arg(value_name = "REQUIREMENT")]
    requirement: Requirement,
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
        let app = self.place.gateway().await?;
        let index = app.index(self.index.as_deref()).map_err(|error| {
            let known: Vec<&str> = app.indexes.keys().map(|name| name.as_str()).collect();
            failure(
                error.to_string(),
                format!("use one of: {}", known.join(", ")),
            )
        })?;
        let exit = match why::why(&app, index, &self.requirement).await {
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

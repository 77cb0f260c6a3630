//! `portcullis purge`: throwing away what was fetched from outside. What was published here is
//! `portcullis delete`'s.

use clap::Args;
use portcullis_core::pypi::requirement::Requirement;
use portcullis_server::flow::purge;
use portcullis_store::purges::Memory;
use serde_json::json;

use crate::context::{Place, wait_for, who};
use crate::exit::Exit;
use crate::output::{Format, bytes, count, print, print_json, table};

/// Throw away cached files, so that they are fetched and judged anew
///
/// The digests that files were first seen with stay known, so that a source cannot replace them,
/// unless --forget is given.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  portcullis purge 'litellm>=1.82.7,<=1.82.8'")]
pub struct Purge {
    #[command(flatten)]
    place: Place,
    /// A requirement, such as flask or 'flask>=3,<4'
    #[arg(value_name = "REQUIREMENT")]
    requirement: Requirement,
    /// Forget the digests too: what the source serves next counts as seen first
    #[arg(long)]
    forget: bool,
    /// The form of the answer
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Purge {
    /// Purges.
    pub fn run(self) -> anyhow::Result<Exit> {
        wait_for(self.purge())
    }

    async fn purge(self) -> anyhow::Result<Exit> {
        let app = self.place.gateway().await?;
        let memory = match self.forget {
            true => Memory::Forget,
            false => Memory::Keep,
        };
        let purged = purge::purge(&app, &self.requirement, memory, &who()).await?;
        app.db.close().await;
        match self.format {
            Format::Json => print_json(&json!({
                "requirement": self.requirement.to_string(),
                "files": purged.files,
                "bytes": purged.bytes,
                "forgotten": self.forget,
            }))?,
            Format::Text if purged.files.is_empty() => print(&format!(
                "Nothing of {} has been fetched from outside.",
                self.requirement
            ))?,
            Format::Text => {
                let rows = purged.files.iter();
                let rows = rows.map(|file| [file.filename.clone(), file.source.clone()]);
                print(&table(["file", "source"], rows))?;
                print(&format!(
                    "\nPurged {}, {} freed. {}",
                    count(purged.files.len() as u64, "file"),
                    bytes(purged.bytes),
                    match self.forget {
                        true => "Their digests are forgotten.",
                        false => "Their digests stay known.",
                    }
                ))?;
            }
        }
        Ok(Exit::Clean)
    }
}

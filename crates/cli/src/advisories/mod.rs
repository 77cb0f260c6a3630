//! `portcullis advisories`: what is publicly known to be wrong with releases, where that comes from, and
//! how old it is.

mod list;
mod load;
mod show;
mod status;

use clap::{Args, Subcommand};
use portcullis_core::pypi::name::ProjectName;
use portcullis_server::config::FeedKind;

use crate::context::{Place, wait_for};
use crate::exit::{Exit, failure};
use crate::output::{Format, print};

pub use load::{Load, absolute, load_feed};
pub use status::{check, greeting_line};

/// Load, list and show advisories, and how old they are
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  portcullis advisories update")]
pub struct Advisories {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Load every configured feed now, or one from somewhere else
    ///
    /// Exits with 3 when one of them could not be loaded; what was loaded before stays in force.
    #[command(after_help = "Example:\n  portcullis advisories update\n  \
        portcullis advisories update --from https://feeds.example/PyPI/")]
    Update {
        /// A URL or path to load from this once, instead of what is configured
        #[arg(long, value_name = "URL|PATH")]
        from: Option<String>,
        /// Only the feed with this name; with --from, the one to load [default: advisories]
        #[arg(long, value_name = "NAME")]
        feed: Option<String>,
        /// What --from is: osv, kev or epss [default: as configured, else seen from the name]
        #[arg(long, value_name = "KIND", requires = "from")]
        kind: Option<FeedKind>,
        /// Load everything again, and believe a feed that lost more than half of its records
        #[arg(long)]
        force: bool,
    },
    /// Add advisories from files: OSV records, zips and folders of them, KEV or EPSS
    #[command(after_help = "Example:\n  portcullis advisories import pypi-all.zip")]
    Import {
        /// The files or folders
        #[arg(required = true, value_name = "FILE")]
        files: Vec<std::path::PathBuf>,
        /// What they are: osv, kev or epss [default: seen from their first bytes]
        #[arg(long, value_name = "KIND")]
        kind: Option<FeedKind>,
    },
    /// List known vulnerabilities, those that changed last first
    #[command(after_help = "Example:\n  portcullis advisories list --project django")]
    List {
        /// Only those of this project
        #[arg(long, value_name = "NAME")]
        project: Option<ProjectName>,
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: usize,
        /// The form of the answer
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Show an advisory, by its own id or another name of it; as JSON, as its feed has it
    #[command(after_help = "Example:\n  portcullis advisories show CVE-2024-56326")]
    Show {
        /// The id, such as PYSEC-2024-1, or an alias, such as a CVE id
        #[arg(value_name = "ID")]
        id: String,
        /// The form of the answer
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Show each feed: how old it is, what could not be read, what went wrong
    ///
    /// Exits with 1 when a feed is not as it should be, or none was loaded.
    #[command(after_help = "Example:\n  portcullis advisories status")]
    Status {
        /// The form of the answer
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Forget a feed and all that it said
    #[command(after_help = "Example:\n  portcullis advisories forget imported")]
    Forget {
        /// The feed, as `portcullis advisories status` names it
        #[arg(value_name = "NAME")]
        feed: String,
    },
}

impl Advisories {
    /// Does what was asked for.
    pub fn run(self) -> anyhow::Result<Exit> {
        wait_for(async {
            let app = self.place.gateway().await?;
            let exit = match self.verb {
                Verb::Update {
                    from,
                    feed,
                    kind,
                    force,
                } => {
                    let asked = load::Asked {
                        from,
                        feed,
                        kind,
                        load: Load::from_flag(force),
                    };
                    load::update(&app, asked).await
                }
                Verb::Import { files, kind } => load::import(&app, &files, kind).await,
                Verb::List {
                    project,
                    limit,
                    format,
                } => list::list(&app, project.as_ref(), limit, format),
                Verb::Show { id, format } => show::show(&app, &id, format),
                Verb::Status { format } => status::status(&app, format),
                Verb::Forget { feed } => forget(&app, &feed).await,
            };
            app.db.close().await;
            exit
        })
    }
}

async fn forget(app: &portcullis_server::App, feed: &str) -> anyhow::Result<Exit> {
    let who = crate::context::who();
    if !portcullis_server::flow::feeds::forget(app, feed, &who).await? {
        return Err(failure(
            format!("there is no feed {feed}"),
            "`portcullis advisories status` lists them",
        ));
    }
    print(&match app.config.feeds.contains_key(feed) {
        true => format!(
            "{feed} is forgotten; the server loads it again, since the configuration names it."
        ),
        false => format!("{feed} is forgotten."),
    })?;
    Ok(Exit::Clean)
}

/// The advisories, or an error that says how to get some.
fn known(
    app: &portcullis_server::App,
) -> anyhow::Result<std::sync::Arc<portcullis_server::feeds::Advisories>> {
    use portcullis_core::fact::Fact;
    match app.knowledge.feeds.load().advisories() {
        Fact::Known(known) => Ok(known),
        Fact::Unknown(why) => Err(failure(why, REMEDY)),
    }
}

/// What to do where there are no advisories.
const REMEDY: &str = "name a feed in [feeds.advisories] of portcullis.toml, or load one with \
    `portcullis advisories update --from URL|PATH`; docs/advisories.md says where there are some";

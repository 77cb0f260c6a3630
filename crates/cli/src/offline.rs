//! `portcullis offline`: the switch by which no request leaves, for every replica.

use clap::{Args, Subcommand};
use portcullis_server::Config;
use portcullis_server::offline::{OFF, ON, SWITCH};
use portcullis_store::switches::{self, Switch};
use serde_json::json;

use crate::context::{Absence, Place, now, wait_for, who};
use crate::exit::Exit;
use crate::output::{Format, print, print_json};

/// Let no request leave, or let them leave again, on every replica
///
/// Offline, pages show what is in the vault, however old they are, and what is not is refused as out
/// of reach. Feeds, signals and mirrors rest. Receivers of notifications are told as ever.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  portcullis offline on --reason 'the line is down until Monday'"
)]
pub struct Offline {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Let no request leave from now on
    #[command(after_help = "Example:\n  portcullis offline on")]
    On {
        /// Why
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Let requests leave again
    #[command(after_help = "Example:\n  portcullis offline off")]
    Off {
        /// Why
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Show whether requests may leave
    ///
    /// Exits with 1 when they may not.
    #[command(after_help = "Example:\n  portcullis offline status --format json")]
    Status {
        /// The form of the answer
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
}

impl Offline {
    /// Does what was asked for.
    pub fn run(self) -> anyhow::Result<Exit> {
        wait_for(self.act())
    }

    async fn act(self) -> anyhow::Result<Exit> {
        let opened = self.place.database(Absence::Refused).await?;
        let exit = match self.verb {
            Verb::On { reason } => {
                throw(&opened.db, ON, reason).await?;
                print("Offline: no request leaves any more, on any replica, within a second.")?;
                Exit::Clean
            }
            Verb::Off { reason } => {
                throw(&opened.db, OFF, reason).await?;
                print(match opened.config.starts_offline {
                    true => {
                        "The switch is off, and the configuration still says offline = true: take \
                         that out and start the gateway again."
                    }
                    false => "Online: sources are asked again, within a second.",
                })?;
                Exit::Clean
            }
            Verb::Status { format } => {
                let switch = switches::find(&opened.db, SWITCH).await?;
                status(&opened.config, switch, format)?
            }
        };
        opened.db.close().await;
        Ok(exit)
    }
}

async fn throw(db: &portcullis_store::Db, state: &str, reason: String) -> anyhow::Result<()> {
    let switch = Switch {
        name: SWITCH.to_owned(),
        state: state.to_owned(),
        reason,
        who: who(),
        at: now(),
    };
    Ok(switches::throw(db, &switch).await?)
}

fn status(config: &Config, switch: Option<Switch>, format: Format) -> anyhow::Result<Exit> {
    let configured = config.starts_offline;
    let thrown = switch.filter(|switch| switch.state == ON);
    let is_offline = configured || thrown.is_some();
    match format {
        Format::Json => print_json(&json!({
            "offline": is_offline,
            "by-configuration": configured,
            "switched": thrown.as_ref().map(|switch| json!({
                "who": switch.who, "at": switch.at, "reason": switch.reason,
            })),
        }))?,
        Format::Text => print(&match (&thrown, configured) {
            (_, true) => "Offline, because the configuration says so.".to_owned(),
            (Some(switch), false) => format!(
                "Offline since {}, by {}{}.",
                switch.at.to_minute(),
                switch.who,
                match switch.reason.as_str() {
                    "" => String::new(),
                    reason => format!(": {reason}"),
                }
            ),
            (None, false) => "Online.".to_owned(),
        })?,
    }
    Ok(Exit::for_findings(usize::from(is_offline)))
}

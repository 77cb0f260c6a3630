//! `portcullis config`: what is configured, where each value came from, and what is wrong with it; and the
//! configuration of the installers that are to ask the gateway.

use clap::{Args, Subcommand};
use portcullis_server::config::ValueOrigin;
use portcullis_server::discovery;
use serde_json::{Value, json};

mod check;
mod exceptions;
mod tools;

use crate::context::{Place, wait_for};
use crate::exit::Exit;
use crate::output::{Format, print, print_json, table};

/// Check the configuration, and point installers at the gateway
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  portcullis config check")]
pub struct Configuration {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Find every mistake in portcullis.toml and the policies, or see what a tool asks
    ///
    /// Exceptions that are expired, that are for rules which are off, or that no recorded decision
    /// has ever used are told too.
    ///
    /// With TOOL, whether it asks the gateway and nothing else: what its files and variables say,
    /// and which of them count. Exits with 1 when anything is found.
    #[command(
        after_help = "Example:\n  portcullis config check --policy drafts/policy.toml\n  \
                            portcullis config check pip --gateway http://gateway.example"
    )]
    Check(check::Check),
    /// Point a tool at the gateway
    ///
    /// Shows the difference and asks first. Comments and other settings stay; what leads past the
    /// gateway is taken out. Tokens are never written.
    #[command(
        after_help = "Example:\n  portcullis config write pip --gateway http://gateway.example"
    )]
    Write(tools::Write),
    /// Undo what `config write` wrote
    #[command(after_help = "Example:\n  portcullis config restore pip")]
    Restore(tools::Restore),
    /// Show every value
    #[command(after_help = "Example:\n  portcullis config show --origin")]
    Show {
        /// Where each value came from: default, file and line, environment, flag
        #[arg(long)]
        origin: bool,
        /// The form of the answer
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
}

impl Configuration {
    /// Does what was asked for.
    pub fn run(self) -> anyhow::Result<Exit> {
        match self.verb {
            Verb::Check(check) => wait_for(check.run(self.place)),
            Verb::Write(write) => write.run(),
            Verb::Restore(restore) => restore.run(),
            Verb::Show { origin, format } => wait_for(show(self.place, origin, format)),
        }
    }
}

async fn show(place: Place, origin: bool, format: Format) -> anyhow::Result<Exit> {
    let mut config = place.configuration()?;
    // What cannot be found is not there to be shown.
    let _ = discovery::settle_for_command(&mut config).await;
    let shown = config.shown.iter();
    match (format, origin) {
        (Format::Json, _) => {
            let values: Vec<Value> = shown
                .map(|shown| {
                    json!({
                        "key": shown.key,
                        "value": shown.value,
                        "origin": kind_of(&shown.origin),
                        "place": shown.origin.to_string(),
                    })
                })
                .collect();
            print_json(&json!({ "values": values }))?;
        }
        (Format::Text, true) => {
            let rows = shown.map(|shown| {
                [
                    shown.key.clone(),
                    shown.value.clone(),
                    shown.origin.to_string(),
                ]
            });
            print(&table(["key", "value", "from"], rows))?;
        }
        (Format::Text, false) => {
            let rows = shown.map(|shown| [shown.key.clone(), shown.value.clone()]);
            print(&table(["key", "value"], rows))?;
        }
    }
    Ok(Exit::Clean)
}

fn kind_of(origin: &ValueOrigin) -> &'static str {
    match origin {
        ValueOrigin::Default => "default",
        ValueOrigin::File { .. } => "file",
        ValueOrigin::Environment(_) => "environment",
        ValueOrigin::Flag(_) => "flag",
        ValueOrigin::Discovered(_) => "discovered",
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use portcullis_server::Config;
    use portcullis_server::config::Overrides;
    use portcullis_server::policies::Policies;

    #[test]
    fn the_example_configuration_can_be_used() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
        let overrides = Overrides {
            config: Some(folder.join("portcullis.toml")),
            ..Overrides::default()
        };
        let config = Config::load(&overrides).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(config.default_index.as_str(), "main");
        assert!(config.indexes.len() > 1 && config.sources.len() > 3);
        Policies::load(&config).unwrap_or_else(|error| panic!("{error}"));
    }
}

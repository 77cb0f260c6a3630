//! `portcullis review`: asking for what is refused, and deciding. It works on the database beside the
//! server, or over the API of a gateway elsewhere, and shows the same either way.

use clap::{Args, Subcommand};

use crate::context::{Place, wait_for};
use crate::exit::Exit;

mod desk;
mod request;
mod list;
mod show;
mod decide;

use desk::Desk;

/// Ask for what is refused; list, show and decide what was asked for
///
/// Works beside the server; with --gateway over the API of a gateway, with the token in
/// PORTCULLIS_TOKEN or the netrc file.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  portcullis review request 'flask==3.1.3' --reason 'fixes #7'")]
pub struct Reviews {
    #[command(flatten)]
    place: Place,
    /// The address of a gateway; without it the gateway is in the data directory
    #[arg(
        long,
        value_name = "URL",
        env = "PORTCULLIS_GATEWAY",
        hide_env_values = true,
        global = true
    )]
    gateway: Option<url::Url>,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Request(request::Request),
    List(list::List),
    Show(show::Show),
    Approve(decide::Approve),
    Deny(decide::Deny),
    Withdraw(decide::Withdraw),
}

impl Reviews {
    /// Does what was asked for.
    pub fn run(self) -> anyhow::Result<Exit> {
        wait_for(async {
            let desk = Desk::open(&self.place, self.gateway).await?;
            let exit = match self.verb {
                Verb::Request(command) => command.run(&desk).await,
                Verb::List(command) => command.run(&desk).await,
                Verb::Show(command) => command.run(&desk).await,
                Verb::Approve(command) => command.run(&desk).await,
                Verb::Deny(command) => command.run(&desk).await,
                Verb::Withdraw(command) => command.run(&desk).await,
            };
            desk.close().await;
            desk::or_undecided(exit)
        })
    }
}

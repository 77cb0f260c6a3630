//! The command `portcullis`: one file for each noun. It parses arguments and shows answers; what is
//! true is asked of `portcullis_server` and `portcullis_store`.

#![allow(
    unreachable_pub,
    reason = "a binary has no outside; pub means: for the other files"
)]

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod context;
mod serve;

/// One safe front door for Python packages.
#[derive(Debug, Parser)]
#[command(name = "portcullis", version, propagate_version = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gateway.
    Serve(serve::Serve),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match arguments.command {
        Command::Serve(serve) => serve.run(),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("portcullis: {error:#}");
            ExitCode::from(2)
        }
    }
}

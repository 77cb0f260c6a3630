//! The command `portcullis`: one file for each noun. It parses arguments and shows answers; what is
//! true is asked of `portcullis_server` and `portcullis_store`.

#![allow(
    unreachable_pub,
    reason = "a binary has no outside; pub means: for the other files"
)]

use std::process::ExitCode;

use clap::Parser as _;

mod arguments;
mod context;
mod exit;
mod output;
mod moment;
mod sarif;
mod serve;
mod init;
mod config;
mod token;
mod names;
mod why;
mod exposure;
mod gateway;
mod review;
mod quarantine;
mod approve;
mod lock;
mod inventory;
mod audit;
mod sbom;
mod purge;
mod withdraw;
mod ledger;
mod advisories;
mod alerts;
mod signals;
mod jobs;
mod events;
mod stats;
mod backup;
mod gc;
mod mirror;
mod offline;
mod rules;
mod scan;
mod check;
mod inspect_worker;
mod policy;
mod doctor;
mod documents;

use arguments::Arguments;
use exit::{Exit, reader_has_gone};

fn main() -> ExitCode {
    let exit = Arguments::parse().run().unwrap_or_else(|error| {
        if reader_has_gone(&error) {
            return Exit::Clean;
        }
        eprintln!("portcullis: {error:#}");
        Exit::Error
    });
    exit.into()
}

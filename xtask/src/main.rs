//! The repository's own commands. Few dependencies, because everybody compiles this first; what each
//! command needs beyond them it installs itself, and says so.
#![expect(
    clippy::print_stdout,
    reason = "commands for people print what they do"
)]

mod arguments;
mod bench;
mod benign;
mod dist;
mod test;
mod try_wheel;

mod environments;
mod places;
mod servers;
mod system;

mod deny;
mod fuzz;
mod run;
mod soak;
mod steps;
mod test_counts;
mod tidy;

use std::process::ExitCode;

use crate::arguments::{Command, USAGE};
use crate::places::Places;

fn main() -> ExitCode {
    let done = match Command::parse(std::env::args().skip(1)) {
        Ok(command) => execute(command),
        Err(error) => {
            eprintln!("error: {error:#}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn execute(command: Command) -> anyhow::Result<()> {
    let places = Places::find()?;
    match command {
        Command::Help => {
            println!("{USAGE}");
            Ok(())
        }
        Command::Test(selection) => test::test(&places, &selection),
        Command::Setup => test::set_up(&places),
        Command::With(program) => test::with(&places, &program),
        Command::Benign(arguments) => benign::hand_over(&places, &arguments),
        Command::Bench(arguments) => bench::bench(&places, &arguments),
        Command::Dist(profile) => dist::dist(&places, profile),
        Command::Tidy => tidy::tidy(&places),
        Command::Fuzz(fuzzing) => fuzz::fuzz(&places, &fuzzing),
        Command::Soak(soaking) => soak::soak(&places, &soaking),
    }
}

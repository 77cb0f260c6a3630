//! The benign set of the inspection. The program that knows it is a package of its own, so that nobody
//! compiles its HTTP client who only wants to run the tests.

use crate::places::Places;
use crate::run::{cargo, run};

/// Runs the program of `bench/benign`. Measuring is done with what is released.
pub(crate) fn hand_over(places: &Places, arguments: &[String]) -> anyhow::Result<()> {
    let mut command = cargo();
    command
        .args([
            "run",
            "--quiet",
            "--package",
            "portcullis-benign",
            "--manifest-path",
        ])
        .arg(places.root.join("Cargo.toml"));
    if arguments
        .first()
        .is_some_and(|command| command == "measure")
    {
        command.arg("--release");
    }
    run(command.arg("--").args(arguments))
}

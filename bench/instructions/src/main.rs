//! Prints the names of the cases, or does one of them once: what callgrind looks at.
#![expect(clippy::print_stdout, reason = "a program for people prints names")]

use anyhow::Context as _;
use portcullis_instructions::{CASES, counted_part, find};

fn main() -> anyhow::Result<()> {
    let Some(name) = std::env::args().nth(1) else {
        CASES.iter().for_each(|case| println!("{case}"));
        return Ok(());
    };
    let case = find(&name).with_context(|| format!("there is no case {name}"))?;
    let mut part = (case.prepare)();
    // What is set up on first use is not counted.
    part();
    counted_part(&mut part);
    Ok(())
}

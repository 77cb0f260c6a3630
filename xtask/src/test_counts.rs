//! Runs `cargo test`, passes its output through, and sums its many results up to one line.

use std::fmt;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};

/// What all test programs reported together.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    passed: u64,
    failed: u64,
    skipped: u64,
}

impl Counts {
    /// Runs the tests and adds up what they report, even when some fail.
    pub(crate) fn run(&mut self, tests: &mut Command) -> anyhow::Result<()> {
        let mut child = tests
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot run cargo test")?;
        let stdout = child.stdout.take().context("the output was piped")?;
        let mut terminal = std::io::stdout().lock();
        for line in BufReader::new(stdout).split(b'\n') {
            let mut line = line.context("cannot read what cargo test prints")?;
            self.add_line(&String::from_utf8_lossy(&line));
            line.push(b'\n');
            terminal.write_all(&line)?;
            terminal.flush()?;
        }
        drop(terminal);
        let status = child.wait().context("cannot wait for cargo test")?;
        if !status.success() {
            bail!("cargo test failed: {status}");
        }
        if self.passed == 0 {
            bail!("no test was run");
        }
        Ok(())
    }

    /// `test result: ok. 11 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out; finished in …`
    fn add_line(&mut self, line: &str) {
        let Some((_, numbers)) = line
            .strip_prefix("test result: ")
            .and_then(|rest| rest.split_once(". "))
        else {
            return;
        };
        for part in numbers.split("; ") {
            let Some((number, what)) = part.trim().split_once(' ') else {
                continue;
            };
            let number = number.parse().unwrap_or(0);
            match what {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.skipped += number,
                _ => {}
            }
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} passed, {} failed, {} skipped",
            self.passed, self.failed, self.skipped
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_results_are_summed_up() {
        let mut counts = Counts::default();
        for line in [
            "running 3 tests",
            "test result: ok. 11 passed; 0 failed; 2 ignored; 0 measured; 5 filtered out; finished in 0.01s",
            "test result: FAILED. 9 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s",
            "says: test result: ok. 7 passed",
        ] {
            counts.add_line(line);
        }
        assert_eq!(counts.to_string(), "20 passed, 3 failed, 2 skipped");
    }
}

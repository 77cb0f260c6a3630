//! wrk, the load generator of hot work: what it is told and what it says.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, bail};

use crate::process::Tree;

/// What is asked for, over and over.
pub(crate) struct Load<'a> {
    /// The server's port.
    pub(crate) port: u16,
    /// The path; with a script, what comes before those that it adds.
    pub(crate) path: &'a str,
    /// Header fields.
    pub(crate) fields: &'a [(&'a str, &'a str)],
    /// How many connections at once.
    pub(crate) connections: u32,
    /// For how long, in seconds.
    pub(crate) seconds: u32,
    /// A script that picks paths.
    pub(crate) script: Option<&'a Path>,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Outcome {
    /// Answers a second.
    pub(crate) rate: f64,
    /// Bytes a second.
    pub(crate) bytes: f64,
    /// CPU time of the server for each answer, in milliseconds.
    pub(crate) cpu: f64,
    /// What the server had written to a disk meanwhile, in bytes.
    pub(crate) written: u64,
}

impl Load<'_> {
    /// Puts the load on a server.
    ///
    /// # Errors
    /// When wrk cannot be run, or an answer was not what was asked for.
    pub(crate) fn run(&self, server: Tree) -> anyhow::Result<Outcome> {
        let mut wrk = Command::new("wrk");
        wrk.arg("-t1")
            .arg(format!("-c{}", self.connections))
            .arg(format!("-d{}s", self.seconds))
            .args(["--timeout", "30s"]);
        for (name, value) in self.fields {
            wrk.arg("-H").arg(format!("{name}: {value}"));
        }
        if let Some(script) = self.script {
            wrk.arg("-s").arg(script);
        }
        wrk.arg(format!("http://127.0.0.1:{}{}", self.port, self.path));
        let (cpu, written) = (server.cpu(), server.written());
        let said = wrk.output().context("cannot run wrk")?;
        let (cpu, written) = (server.cpu() - cpu, server.written() - written);
        let text = String::from_utf8_lossy(&said.stdout);
        let said = Said::read(&text).with_context(|| {
            format!(
                "cannot read {text:?} {}",
                String::from_utf8_lossy(&said.stderr)
            )
        })?;
        if said.failed > 0 {
            bail!(
                "{} answers of {} failed:\n{text}",
                said.failed,
                said.requests
            );
        }
        Ok(Outcome {
            rate: said.rate,
            bytes: said.bytes,
            cpu: cpu * 1_000.0 / said.requests.max(1) as f64,
            written,
        })
    }
}

#[derive(Debug, PartialEq)]
struct Said {
    requests: u64,
    rate: f64,
    bytes: f64,
    failed: u64,
}

impl Said {
    fn read(text: &str) -> Option<Self> {
        let lines = || text.lines().map(str::trim);
        let after = |label: &str| lines().find_map(|line| line.strip_prefix(label).map(str::trim));
        let requests = lines().find_map(|line| line.split_once(" requests in ")?.0.parse().ok())?;
        let refused = after("Non-2xx or 3xx responses:").and_then(|count| count.parse().ok());
        let errors = after("Socket errors:").map_or(0, |counts| {
            let counts = counts
                .split([' ', ','])
                .filter_map(|word| word.parse::<u64>().ok());
            counts.sum()
        });
        Some(Self {
            requests,
            rate: after("Requests/sec:")?.parse().ok()?,
            bytes: amount(after("Transfer/sec:")?)?,
            failed: refused.unwrap_or(0_u64) + errors,
        })
    }
}

/// `1.25MB` in bytes.
fn amount(text: &str) -> Option<f64> {
    let (number, factor) = [
        ("GB", 1_u64 << 30),
        ("MB", 1 << 20),
        ("KB", 1 << 10),
        ("B", 1),
    ]
    .into_iter()
    .find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, factor)))?;
    Some(number.parse::<f64>().ok()? * factor as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_wrk_says_is_understood() {
        let text = "Running 2s test @ http://127.0.0.1:1/\n  1 threads and 16 connections\n  \
                    5000 requests in 2.00s, 4.50MB read\n  Socket errors: connect 0, read 1, write 0, \
                    timeout 2\n  Non-2xx or 3xx responses: 4\nRequests/sec:   2500.50\n\
                    Transfer/sec:      2.25MB\n";
        let expected = Said {
            requests: 5_000,
            rate: 2_500.5,
            bytes: 2.25 * 1_048_576.0,
            failed: 7,
        };
        assert_eq!(Said::read(text), Some(expected));
        assert_eq!(Said::read("unable to connect"), None);
    }
}

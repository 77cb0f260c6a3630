//! `portcullis policy test`: whether a policy still does what is expected of it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use portcullis_core::policy::Policy;
use portcullis_core::policy::expectations::{self, Outcome};
use serde_json::{Value, json};

use crate::context::{Place, now};
use crate::exit::{Exit, failure};
use crate::output::{Format, count, print, print_json};

/// Run what is expected of a policy
///
/// Expectations are made-up facts with the effect that they must have. They stand in a file beside the
/// policy: policy.tests.toml beside policy.toml. No gateway is needed. Exit code 1 when one is not met.
#[derive(Debug, Args)]
#[command(after_help = "An expectation:
  [[expect]]
  that = \"new releases wait\"
  project = \"flask\"
  version = \"3.1.3\"
  uploaded = \"2 days ago\"
  effect = \"hold\"
  rule = \"too-young\"

Example:
  portcullis policy test policy.toml")]
pub struct Test {
    #[command(flatten)]
    place: Place,
    /// The policy [default: that of the default index]
    #[arg(value_name = "FILE")]
    policy: Option<PathBuf>,
    /// The expectations [default: POLICY.tests.toml beside the policy]
    #[arg(long, value_name = "FILE")]
    tests: Option<PathBuf>,
    /// The form of the answer
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Test {
    /// Runs them.
    pub fn run(self) -> anyhow::Result<Exit> {
        let file = match &self.policy {
            Some(file) => Some(file.clone()),
            None => {
                let config = self.place.configuration()?;
                config.indexes[&config.default_index].policy.clone()
            }
        };
        let policy = match &file {
            Some(file) => super::read(file)?,
            None => Policy::built_in(),
        };
        let tests = self
            .tests
            .clone()
            .map_or_else(|| beside(file.as_deref()), Ok)?;
        let text = std::fs::read_to_string(&tests)
            .with_context(|| format!("cannot read the expectations {}", tests.display()))?;
        let expectations = expectations::parse(&tests.display().to_string(), &text, now())?;
        let outcomes = expectations::run(&expectations, &policy);
        let unmet = outcomes.iter().filter(|outcome| !outcome.is_met()).count();
        match self.format {
            Format::Json => print_json(&json!({
                "policy": policy.file(),
                "tests": tests.display().to_string(),
                "met": outcomes.len() - unmet,
                "unmet": unmet,
                "expectations": outcomes.iter().map(as_json).collect::<Vec<_>>(),
            }))?,
            Format::Text => print(&as_text(&tests, &outcomes))?,
        }
        Ok(Exit::for_findings(unmet))
    }
}

/// `policy.tests.toml` beside `policy.toml`.
fn beside(policy: Option<&Path>) -> anyhow::Result<PathBuf> {
    let policy = policy.ok_or_else(|| {
        failure(
            "no policy is written, so that no expectations stand beside one",
            "name them with --tests FILE, or write a policy with `portcullis init`",
        )
    })?;
    Ok(policy.with_extension("tests.toml"))
}

fn as_text(tests: &Path, outcomes: &[Outcome<'_>]) -> String {
    let mut text = String::new();
    for outcome in outcomes.iter().filter(|outcome| !outcome.is_met()) {
        let expectation = outcome.expectation;
        let rule = expectation.rule.as_ref();
        let wanted = rule.map_or(String::new(), |rule| format!(" by {rule}"));
        let _ = writeln!(
            text,
            "not met  {}\n         {}:{}\n         expected: {}{wanted}\n         decided:  {}\n",
            expectation.that,
            tests.display(),
            expectation.line,
            expectation.effect,
            outcome.decision.sentence(),
        );
    }
    let met = outcomes.iter().filter(|outcome| outcome.is_met()).count();
    let _ = writeln!(
        text,
        "{} of {} met",
        met,
        count(outcomes.len() as u64, "expectation")
    );
    text
}

fn as_json(outcome: &Outcome<'_>) -> Value {
    let expectation = outcome.expectation;
    json!({
        "that": expectation.that,
        "line": expectation.line,
        "met": outcome.is_met(),
        "expected": { "effect": expectation.effect, "rule": expectation.rule },
        "decided": portcullis_core::explain::decision(&outcome.decision),
    })
}

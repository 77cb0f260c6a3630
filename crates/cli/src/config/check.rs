//! `portcullis config check`: both files with all their mistakes at once, and the exceptions that
//! nobody needs. With the name of a tool, what that tool asks.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use portcullis_core::policy::Policy;
use portcullis_core::settings::Mistakes;
use portcullis_server::Config;
use portcullis_server::config::{ConfigError, FILE_NAME};
use portcullis_store::Db;
use serde_json::{Value, json};

use super::exceptions::{self, Use};
use super::tools::{self, Gateway, Tool};
use crate::context::{Place, database_file, now};
use crate::exit::Exit;
use crate::output::{Format, count, paragraph, print, print_json};

/// What `config check` takes.
#[derive(Debug, Args)]
pub(super) struct Check {
    /// See whether these ask the gateway, instead
    #[arg(value_enum, value_name = "TOOL", conflicts_with = "policy")]
    tools: Vec<Tool>,
    #[command(flatten)]
    gateway: Gateway,
    /// Check this policy file too, which need not be configured
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// The form of the answer
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Something to put right.
#[derive(Debug)]
pub(super) struct Problem {
    /// What kind of problem, for programs.
    pub(super) kind: &'static str,
    /// The file and, where one line is meant, the line.
    pub(super) place: String,
    /// What it is, in one sentence or as mistakes with carets.
    pub(super) message: String,
    /// How many mistakes there are in it.
    pub(super) mistakes: usize,
    /// What to do about it.
    pub(super) remedy: Option<&'static str>,
}

/// Everything that was looked at and found.
#[derive(Debug, Default)]
struct Report {
    files: Vec<String>,
    problems: Vec<Problem>,
    remarks: Vec<String>,
}

impl Check {
    /// Checks.
    pub(super) async fn run(self, place: Place) -> anyhow::Result<Exit> {
        if !self.tools.is_empty() {
            return tools::check(&self.tools, &self.gateway, self.format);
        }
        let mut report = Report::default();
        let file = place.configuration_file();
        report
            .files
            .extend(file.iter().map(|file| file.display().to_string()));
        let config = match place.configuration() {
            Ok(config) => Some(config),
            Err(error) => {
                report.problems.push(mistakes_of(error, file.as_deref())?);
                None
            }
        };
        let policies = self.policies(config.as_ref(), file.as_deref(), &mut report)?;
        report.judge_exceptions(config.as_ref(), &policies).await;
        let found: usize = report.problems.iter().map(|problem| problem.mistakes).sum();
        match self.format {
            Format::Json => print_json(&report.json(found))?,
            Format::Text => print(&report.text(found))?,
        }
        Ok(Exit::for_findings(found))
    }

    /// The policies that have no mistakes, each with the indexes that use it.
    fn policies(
        &self,
        config: Option<&Config>,
        file: Option<&Path>,
        report: &mut Report,
    ) -> anyhow::Result<Vec<(Vec<String>, Policy)>> {
        let mut files: BTreeMap<PathBuf, Vec<String>> = BTreeMap::new();
        if let Some(policy) = &self.policy {
            files.entry(policy.clone()).or_default();
        }
        match config {
            Some(config) => {
                for (index, settings) in &config.indexes {
                    let Some(policy) = &settings.policy else {
                        continue;
                    };
                    files
                        .entry(policy.clone())
                        .or_default()
                        .push(index.to_string());
                }
            }
            // The configuration does not say; the usual place is better than nothing.
            None => {
                let folder = file.and_then(Path::parent).unwrap_or(Path::new(""));
                let usual = folder.join("policy.toml");
                if usual.is_file() {
                    files.entry(usual).or_default();
                }
            }
        }
        let mut policies = Vec::new();
        for (path, indexes) in files {
            let name = path.display().to_string();
            report.files.push(name.clone());
            match std::fs::read_to_string(&path) {
                Err(error) => report.problems.push(Problem {
                    kind: "unreadable",
                    message: format!("cannot read the policy: {error}"),
                    place: name,
                    mistakes: 1,
                    remedy: Some("correct `policy` in portcullis.toml, or put the file there"),
                }),
                Ok(text) => match Policy::parse(&name, &text) {
                    Ok(policy) => policies.push((indexes, policy)),
                    Err(mistakes) => report.problems.push(as_problem(&mistakes, name)),
                },
            }
        }
        Ok(policies)
    }
}

fn as_problem(mistakes: &Mistakes, place: String) -> Problem {
    Problem {
        kind: "mistakes",
        place,
        message: mistakes.to_string(),
        mistakes: mistakes.count(),
        remedy: None,
    }
}

/// The mistakes of the configuration; other errors are passed on.
fn mistakes_of(error: anyhow::Error, file: Option<&Path>) -> anyhow::Result<Problem> {
    let place = file.map_or_else(|| FILE_NAME.to_owned(), |file| file.display().to_string());
    match error.downcast::<ConfigError>()? {
        ConfigError::Mistakes(mistakes) => Ok(as_problem(&mistakes, place)),
        other => Err(other.into()),
    }
}

impl Report {
    async fn judge_exceptions(
        &mut self,
        config: Option<&Config>,
        policies: &[(Vec<String>, Policy)],
    ) {
        if policies
            .iter()
            .all(|(_, policy)| policy.exceptions().is_empty())
        {
            return;
        }
        let uses = match self.uses(config).await {
            Ok(uses) => uses,
            Err(why) => {
                self.remarks.push(format!(
                    "Whether an exception is used was not looked at: {why}."
                ));
                None
            }
        };
        for (indexes, policy) in policies {
            let found = exceptions::problems(policy, indexes, uses.as_deref(), now());
            self.problems.extend(found);
        }
    }

    /// Which exceptions the recorded decisions used; `None` where nothing was decided yet.
    async fn uses(&self, config: Option<&Config>) -> Result<Option<Vec<Use>>, String> {
        let config = config.ok_or("the configuration has mistakes")?;
        if database_file(config).is_some_and(|file| !file.exists()) {
            return Err("there is no gateway yet".to_owned());
        }
        let db = Db::open(&config.database)
            .await
            .map_err(|error| error.to_string())?;
        let uses = exceptions::uses(&db)
            .await
            .map_err(|error| error.to_string());
        db.close().await;
        uses
    }

    fn text(&self, found: usize) -> String {
        let mut text = String::new();
        for problem in &self.problems {
            match problem.kind {
                "mistakes" => text.push_str(&problem.message),
                _ => text.push_str(&format!("{}: {}", problem.place, problem.message)),
            }
            text.push('\n');
            if let Some(remedy) = problem.remedy {
                text.push_str(&paragraph(2, &format!("what to do: {remedy}")));
            }
            text.push('\n');
        }
        for remark in &self.remarks {
            text.push_str(&paragraph(0, remark));
        }
        let files = match &self.files[..] {
            [] => "the built-in defaults".to_owned(),
            files => files.join(", "),
        };
        let found = match found {
            0 => "No mistakes".to_owned(),
            found => count(found as u64, "finding"),
        };
        text.push_str(&format!("{found} in {files}.\n"));
        text
    }

    fn json(&self, found: usize) -> Value {
        let problem = |problem: &Problem| {
            json!({
                "kind": problem.kind,
                "place": problem.place,
                "message": problem.message,
                "mistakes": problem.mistakes,
                "remedy": problem.remedy,
            })
        };
        json!({
            "files": self.files,
            "found": found,
            "findings": self.problems.iter().map(problem).collect::<Vec<_>>(),
            "remarks": self.remarks,
        })
    }
}

//! `portcullis audit`: what is publicly known to be wrong with what is installed, locked or wanted. What could
//! not be checked is said, and is never taken for clean.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use portcullis_core::advisory::audit::{Audit, Ignore, Threshold, audit};
use portcullis_core::advisory::{Score, TableHead};
use portcullis_core::time::Timestamp;
use portcullis_server::config::Period;
use url::Url;

use crate::context::now;
use crate::exit::{Exit, failure};
use crate::inventory::{Detail, Inputs};
use crate::output::print;

mod cache;
mod fix;
mod gateway;
mod json;
mod known;
mod sarif;
mod settings;
mod text;

use settings::Settings;

/// How old advisories may be before their silence says nothing, where nobody says otherwise.
const MAX_AGE: i64 = 7 * Timestamp::DAY;

const EXAMPLES: &str = "\
Exit codes: 0 nothing is known against anything, 1 findings, 2 usage or error,
3 not everything could be checked

Advisories come from --advisories, else from the gateway in --gateway or
$PORTCULLIS_URL, else from what --update fetched last.

Examples:
  portcullis audit --update https://feeds.example/PyPI/all.zip
  portcullis audit
  portcullis audit requirements.txt uv.lock --gateway http://gateway.example
  portcullis audit .venv --fail-on high --ignore PYSEC-1 --reason 'not used'
  portcullis audit requirements.txt --fix --advisories pypi.zip";

/// Compare what is installed or locked with known vulnerabilities
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct AuditCommand {
    #[command(flatten)]
    inputs: Inputs,
    /// Advisories in the OSV schema: a zip, a folder or a record; a KEV catalogue and EPSS scores beside them
    #[arg(long, value_name = "PATH")]
    advisories: Vec<PathBuf>,
    /// The gateway that is asked
    #[arg(
        long,
        env = "PORTCULLIS_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    gateway: Option<Url>,
    /// Keep these advisories for later audits: a URL or a path, as in --advisories
    #[arg(long, value_name = "FROM")]
    update: Vec<String>,
    /// How old advisories may be [default: 7d]
    #[arg(long, value_name = "PERIOD")]
    max_age: Option<Period>,
    /// The mildest severity that counts as a finding; what nobody has rated always does
    #[arg(long, value_enum, value_name = "SEVERITY")]
    fail_on: Option<FailOn>,
    /// An advisory, or a project that cannot be checked, to live with
    #[arg(long, value_name = "ID", requires = "reason")]
    ignore: Vec<String>,
    /// Why --ignore is right
    #[arg(long, value_name = "TEXT", requires = "ignore")]
    reason: Option<String>,
    /// Edit pins in requirements files and pyproject.toml, and show the difference
    #[arg(long)]
    fix: bool,
    /// The index that has the hashes of the versions to go to
    #[arg(long, value_name = "URL", requires = "fix")]
    index_url: Option<Url>,
    /// The form of the answer
    #[arg(long, value_enum, default_value_t)]
    format: AuditFormat,
}

/// The form of what an audit says.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum AuditFormat {
    /// For people
    #[default]
    Text,
    /// For programs: one JSON document
    Json,
    /// For code review and dashboards: one SARIF 2.1.0 document
    Sarif,
}

/// The mildest severity that counts.
#[derive(Clone, Copy, Debug, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
enum FailOn {
    /// All of them
    Low,
    /// CVSS 4.0 and more
    Medium,
    /// CVSS 7.0 and more
    High,
    /// CVSS 9.0 and more
    Critical,
}

impl FailOn {
    fn threshold(self) -> Threshold {
        Threshold(match self {
            Self::Low => None,
            Self::Medium => Score::new(4.0),
            Self::High => Score::new(7.0),
            Self::Critical => Score::new(9.0),
        })
    }
}

/// An audit, with what it rests on.
struct Told {
    audit: Audit,
    threshold: Threshold,
    /// The advisories, each source.
    heads: Vec<TableHead>,
    now: Timestamp,
    /// The inputs, for people.
    of: Vec<String>,
}

impl Told {
    fn exit(&self) -> Exit {
        let counts = |one| self.threshold.counts(one);
        match self.audit.found.iter().any(counts) {
            true => Exit::Findings,
            false if self.audit.unchecked.is_empty() => Exit::Clean,
            false => Exit::Undecided,
        }
    }
}

impl AuditCommand {
    /// Audits.
    pub fn run(self) -> anyhow::Result<Exit> {
        if !self.update.is_empty() {
            cache::update(&self.update, now())?;
            if self.inputs.inputs.is_empty() && self.inputs.python.is_none() {
                return Ok(Exit::Clean);
            }
        }
        let settings = Settings::here()?;
        let taken = self.inputs.read(Detail::Releases)?;
        let projects = taken.inventory.components.iter();
        let projects = projects.filter(|one| !one.is_itself());
        let projects: Vec<_> = projects
            .map(|one| (&one.project, one.version.as_ref()))
            .collect();
        let max_age = self.max_age(&settings);
        let source = known::Source::of(&self.advisories, self.gateway.as_ref())?;
        let known = source.ask(&projects, max_age, now())?;
        let mut audit = audit(
            &taken.inventory,
            &known.answer,
            &self.ignores(&settings)?,
            now(),
        );
        audit.unchecked.extend(known.doubts);
        let fail_on = self.fail_on.or(settings.fail_on);
        let told = Told {
            audit,
            threshold: fail_on.map_or(Threshold::default(), FailOn::threshold),
            heads: known.heads,
            now: now(),
            of: taken
                .environments
                .iter()
                .chain(taken.files.iter().map(|file| &file.path))
                .chain(taken.locks.iter().map(|(path, _)| path))
                .cloned()
                .collect(),
        };
        print(&match self.format {
            AuditFormat::Text => text::report(&told),
            AuditFormat::Json => json::document(&told)?,
            AuditFormat::Sarif => sarif::document(&told),
        })?;
        if self.fix {
            fix::run(&told.audit.found, &taken, self.index_url.as_ref())?;
        }
        Ok(told.exit())
    }

    fn max_age(&self, settings: &Settings) -> i64 {
        let period = self.max_age.or(settings.max_age);
        period.map_or(MAX_AGE, |Period(length)| {
            i64::try_from(length.as_millis()).unwrap_or(i64::MAX)
        })
    }

    fn ignores(&self, settings: &Settings) -> anyhow::Result<Vec<Ignore>> {
        let reason = self.reason.clone().unwrap_or_default();
        if !self.ignore.is_empty() && reason.trim().is_empty() {
            return Err(failure(
                "--ignore needs a reason",
                "say with --reason why it is right to live with it",
            ));
        }
        let given = self.ignore.iter().map(|id| Ignore {
            id: id.clone(),
            project: None,
            reason: reason.clone(),
            until: None,
        });
        Ok(given.chain(settings.ignores()?).collect())
    }
}

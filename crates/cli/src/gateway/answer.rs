//! What `POST /api/v1/judge` answers, as far as commands read it. Keys that are not known here are passed over,
//! so that a newer gateway can say more.

use portcullis_core::licence::Statement;
use portcullis_core::pypi::name::ProjectName;
use serde::{Deserialize, Serialize};

/// The whole answer.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Answer {
    /// The releases, in the order of the question.
    pub pins: Vec<Judged>,
    /// Since when no advisory is known to have been missed.
    #[serde(default)]
    pub advisories_as_of: Option<String>,
}

/// What is said of a release.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Judged {
    /// The project.
    pub project: ProjectName,
    /// The version that was judged.
    pub version: Option<String>,
    /// `allow`, `warn`, `hold`, `deny`, `absent` or `unknown`.
    pub decision: String,
    /// The decision in one sentence.
    pub sentence: Option<String>,
    /// Why nothing is known, where that is so.
    pub unknown: Option<String>,
    /// What was found, the decisive finding first.
    #[serde(default)]
    pub findings: Vec<Finding>,
    /// The page that explains it.
    pub why: Option<String>,
    /// Whether any source has the project.
    pub has_project: Option<bool>,
    /// Why it was yanked, where it was.
    pub yanked: Option<String>,
    /// The status of the project.
    pub status: Option<Status>,
    /// Its files.
    #[serde(default)]
    pub files: Vec<JudgedFile>,
    /// What is on record of files that were named and are not listed.
    #[serde(default)]
    pub unlisted: Vec<Unlisted>,
    /// To what the digests belong that were given.
    #[serde(default)]
    pub hashes: Vec<GivenHash>,
    /// The nearest version that would pass.
    pub nearest: Option<String>,
    /// Its vulnerabilities; `None` where they are not known.
    pub advisories: Option<Vec<Advisory>>,
    /// Why they are not known.
    pub advisories_unknown: Option<String>,
    /// What its metadata says of its licence, where that was asked and is on record.
    #[serde(default)]
    pub licence: Option<ToldLicence>,
}

/// What metadata says of a licence.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ToldLicence {
    /// The SPDX expression, where there is one without a doubt.
    pub expression: Option<String>,
    /// What it rests on.
    #[serde(default)]
    pub statements: Vec<Statement>,
}

/// What a rule found.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Finding {
    /// The rule.
    pub rule: String,
    /// What the policy makes of it.
    pub effect: String,
    /// Whether it takes effect: `enforced`.
    pub standing: String,
    /// What was found.
    pub message: String,
    /// The line of the policy.
    pub policy_line: String,
    /// What to do.
    pub remedy: String,
    /// What keeps it from taking effect.
    #[serde(default)]
    pub exception: Option<Exception>,
}

/// What lifts a finding: an exception in the policy, or a reviewer's waiver.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Exception {
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// When it ends.
    pub expires: Option<String>,
    /// The review that granted it.
    #[serde(default)]
    pub review: Option<i64>,
}

/// The status of a project (PEP 792).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Status {
    /// The marker.
    pub status: String,
    /// Why.
    pub reason: Option<String>,
}

/// A file of a release.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct JudgedFile {
    /// Its name.
    pub filename: String,
    /// Its digest by its page.
    pub sha256: Option<String>,
    /// What the policy makes of it.
    pub effect: String,
    /// The digest that the gateway first verified.
    pub recorded: Option<String>,
}

/// A file that was named and is not listed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Unlisted {
    /// Its name.
    pub filename: String,
    /// The digest that the gateway first verified.
    pub recorded: Option<String>,
}

/// To what a digest belongs.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct GivenHash {
    /// The digest.
    pub sha256: String,
    /// `release`, `other-file`, `nothing` or `unknown`.
    pub belongs_to: String,
    /// The file, where it is known.
    pub filename: Option<String>,
}

/// A vulnerability.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Advisory {
    /// Its preferred id.
    pub id: String,
    /// Its other ids.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// One line about it.
    #[serde(default)]
    pub summary: String,
    /// Its rating: `low` to `critical`.
    pub severity: Option<String>,
    /// The base score.
    pub score: Option<f64>,
    /// Why it is malice, where it is.
    pub malicious: Option<String>,
    /// Whether it is known to be exploited; `None` where no catalogue was loaded.
    #[serde(default)]
    pub exploited: Option<bool>,
    /// Its EPSS score, 0 to 1, where it has one.
    #[serde(default)]
    pub epss: Option<f64>,
    /// The lowest later version with a fix.
    pub fixed_in: Option<String>,
    /// The lowest later version that no vulnerability affects.
    pub unaffected: Option<String>,
}

impl Judged {
    /// Whether the policy keeps it away.
    pub fn is_refused(&self) -> bool {
        matches!(self.decision.as_str(), "hold" | "deny")
    }

    /// The finding that decided.
    pub fn decisive(&self) -> Option<&Finding> {
        self.findings.first().filter(|_| self.is_refused())
    }

    /// `flask 3.1.3`.
    pub fn title(&self) -> String {
        match &self.version {
            Some(version) => format!("{} {version}", self.project),
            None => self.project.to_string(),
        }
    }
}

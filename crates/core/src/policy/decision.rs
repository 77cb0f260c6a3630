//! [`Decision`]: what judging came to, the findings behind it, and what it is about. Only
//! [`judge`](super::judge) makes one; its words for people are in [`crate::explain`].

use std::sync::Arc;

use super::rule::Lift;
use super::{Effect, Exception, PolicyLine, RuleId};
use crate::digest::Sha256;
use crate::fact::Facts;
use crate::index::IndexName;
use crate::pypi::name::ProjectName;
use crate::pypi::version::Version;
use crate::time::Timestamp;
use crate::waiver::{Waivable, Waiver};

/// What a rule has found, together with what the policy makes of it.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The rule's id.
    pub rule: RuleId,
    /// What the policy makes of it.
    pub effect: Effect,
    /// Whether it takes effect, and if not, why not.
    pub standing: Standing,
    /// What was found: one clause in lower case that continues "Portcullis denies flask 3.1.3: …".
    pub message: String,
    /// What it rests on, in pairs of a label and a value.
    pub evidence: Vec<(&'static str, String)>,
    /// What the person who is hit can do now.
    pub remedy: String,
    /// Where the policy says so.
    pub line: PolicyLine,
    /// When the finding ends by itself.
    pub until: Option<Timestamp>,
    /// What exactly was found, such as advisory ids.
    pub about: Vec<String>,
    /// Whether the rule only chooses among files.
    pub(super) is_filter: bool,
}

/// Whether a finding takes effect.
#[derive(Clone, Debug)]
pub enum Standing {
    /// It takes effect.
    Enforced,
    /// The rule is only observed.
    Observed,
    /// An exception in the policy lifts it.
    Excepted(Exception),
    /// A reviewer's waiver lifts it.
    Waived(Arc<Waiver>),
}

impl From<Lift> for Standing {
    fn from(lift: Lift) -> Self {
        match lift {
            Lift::Excepted(exception) => Self::Excepted(exception),
            Lift::Waived(waiver) => Self::Waived(waiver),
        }
    }
}

/// The outcome of judging one file, or one name, under one policy at one moment.
#[derive(Clone, Debug)]
pub struct Decision {
    pub(super) subject: Subject,
    pub(super) effect: Effect,
    pub(super) findings: Vec<Finding>,
    pub(super) policy: Sha256,
    pub(super) changes_at: Option<Timestamp>,
    pub(super) is_ahead: bool,
}

/// What a decision is about.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The index that was asked.
    pub index: IndexName,
    /// The project.
    pub project: ProjectName,
    /// The file; `None` when only the name was judged.
    pub filename: Option<Arc<str>>,
    /// The version that the file name gives.
    pub version: Option<Version>,
    /// The digest of the file that was judged, as far as it was known.
    pub sha256: Option<Sha256>,
}

impl Finding {
    /// The effect that the finding really has: `allow` when it is only observed or excepted.
    pub fn takes_effect(&self) -> Effect {
        match self.standing {
            Standing::Enforced => self.effect,
            Standing::Observed | Standing::Excepted(_) | Standing::Waived(_) => Effect::Allow,
        }
    }

    /// Whether an exception or a waiver lifts it.
    pub(super) fn is_lifted(&self) -> bool {
        matches!(self.standing, Standing::Excepted(_) | Standing::Waived(_))
    }

    pub(super) fn waivable<'a>(&'a self, facts: Facts<'a>) -> Waivable<'a> {
        Waivable {
            index: &facts.project.index,
            project: &facts.project.project,
            version: facts.file.and_then(|file| file.version.known()),
            rule: &self.rule,
            about: &self.about,
        }
    }
}

impl Subject {
    pub(super) fn of(facts: Facts<'_>) -> Self {
        Self {
            index: facts.project.index.clone(),
            project: facts.project.project.clone(),
            filename: facts.file.map(|file| Arc::clone(&file.filename)),
            version: facts.file.and_then(|file| file.version.known()).cloned(),
            sha256: facts.file.and_then(|file| file.sha256.known().copied()),
        }
    }

    /// `flask 3.1.3`, or the file name where it has no version, or the project's name.
    pub fn title(&self) -> String {
        match (&self.version, &self.filename) {
            (Some(version), _) => format!("{} {version}", self.project),
            (None, Some(filename)) => filename.to_string(),
            (None, None) => self.project.to_string(),
        }
    }
}

impl Decision {
    /// Whether it was made before anybody looked into the file's bytes, under a policy that wants to know
    /// what is in them. It says what is known by now, and lets no bytes through.
    pub fn is_ahead(&self) -> bool {
        self.is_ahead
    }

    /// What it does.
    pub fn effect(&self) -> Effect {
        self.effect
    }

    /// Whether its subject passes: when it allows, or only warns.
    pub fn lets_through(&self) -> bool {
        self.effect <= Effect::Warn
    }

    /// Whether its subject is stopped by rules only that choose among files: it is left out then, and not
    /// shown as refused.
    pub fn is_filtered(&self) -> bool {
        let mut stopping = self.findings.iter().filter(|finding| {
            let effect = finding.takes_effect();
            effect > Effect::Warn && effect == self.effect
        });
        !self.lets_through() && stopping.all(|finding| finding.is_filter)
    }

    /// What it is about.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// The digest of the file that was judged, as far as it was known.
    pub fn sha256(&self) -> Option<Sha256> {
        self.subject.sha256
    }

    /// Everything that was found, the decisive finding first.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The finding that decided; `None` when nothing takes effect.
    pub fn decisive(&self) -> Option<&Finding> {
        self.findings
            .first()
            .filter(|finding| finding.takes_effect() > Effect::Allow)
    }

    /// Digest of the policy under which it was made.
    pub fn policy(&self) -> Sha256 {
        self.policy
    }

    /// The earliest moment at which the decision may change by itself.
    pub fn changes_at(&self) -> Option<Timestamp> {
        self.changes_at
    }

    /// A short name for the decision: the same facts under the same policy give the same id, on
    /// every replica and after every restart. Ten characters of Crockford's base 32.
    pub fn id(&self) -> String {
        const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
        let subject = &self.subject;
        let text = format!(
            "{}\n{}\n{}\n{}\n{}\n{}\n{}",
            subject.index,
            subject.project,
            subject.filename.as_deref().unwrap_or(""),
            subject
                .sha256
                .map(|digest| digest.to_hex())
                .unwrap_or_default(),
            self.effect,
            self.decisive().map_or("", |finding| &finding.rule),
            self.policy,
        );
        let about = self.decisive().map(|finding| finding.about.join("\n"));
        let text = match about.as_deref() {
            None | Some("") => text,
            Some(about) => format!("{text}\n{about}"),
        };
        let digest = Sha256::of(text.as_bytes());
        digest.as_bytes()[..10]
            .iter()
            .map(|b| char::from(ALPHABET[usize::from(b % 32)]))
            .collect()
    }

    /// `Portcullis denies urlib3 1.21: one letter from urllib3 (similar-name)`. The sentence that
    /// goes where a client has room for one line.
    pub fn sentence(&self) -> String {
        let verb = self.effect.verb();
        let subject = self.subject.title();
        match self.decisive() {
            Some(finding) => {
                format!(
                    "Portcullis {verb} {subject}: {} ({})",
                    finding.message, finding.rule
                )
            }
            None => format!("Portcullis {verb} {subject}"),
        }
    }
}

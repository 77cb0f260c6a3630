//! Telling of what an inspection found: an event for each content that should not be used, with who has
//! received it already. That nobody receives it any more is the policy's business, and needs nobody to act.

use portcullis_core::event::Severity;
use portcullis_core::index::SourceName;
use portcullis_core::inspection::{Inspected, Observation, effect_of};
use portcullis_core::policy::Effect;
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::time::Timestamp;
use portcullis_store::StoreError;
use portcullis_store::events::{self, NewEvent};
use portcullis_store::exposure::Span;
use serde_json::json;
use tracing::warn;

use crate::app::App;
use crate::flow::exposure::{Meant, exposure};
use crate::flow::quarantine::{Recipient, recipients};

/// The kind of the events.
pub const KIND: &str = "inspection.found";

/// How far back downloads are looked at.
const LOOKED_BACK: i64 = 400 * Timestamp::DAY;

/// The most receipts that are looked at.
const MAX_RECEIPTS: usize = 20_000;

/// The most recipients that one event names.
const MAX_RECIPIENTS: usize = 200;

/// The most findings that one event names.
const MAX_FINDINGS: usize = 20;

/// What was found in one file.
#[derive(Clone, Copy, Debug)]
pub struct Finding<'a> {
    /// Where the file is from.
    pub source: Option<&'a SourceName>,
    /// Its project.
    pub project: &'a ProjectName,
    /// Its name.
    pub filename: &'a str,
    /// What the inspection saw in it.
    pub inspected: &'a Inspected,
}

/// Tells of a file that should not be used, once for each content and severity. What cannot be told is
/// logged: nobody waits for it.
pub async fn tell(app: &App, finding: &Finding<'_>) {
    if finding.inspected.found() < Effect::Hold {
        return;
    }
    match event(app, finding).await {
        Ok(event) => {
            if let Err(error) = events::emit(&app.db, &event, app.now()).await {
                warn!(
                    "could not tell of what was found in {}: {error}",
                    finding.filename
                );
            }
        }
        Err(error) => warn!(
            "could not look up who received {}: {error}",
            finding.filename
        ),
    }
}

async fn event(app: &App, finding: &Finding<'_>) -> Result<NewEvent, StoreError> {
    let inspected = finding.inspected;
    let now = app.now();
    let span = Span {
        from: now.plus_millis(-LOOKED_BACK),
        to: now.plus_millis(1),
    };
    let meant = [Meant::Content(inspected.sha256)];
    let received = exposure(&app.db, &meant, span, MAX_RECEIPTS).await?;
    let times: u64 = received.receipts.iter().map(|one| one.receipt.times).sum();
    let who = recipients(&received.receipts);
    let effect = inspected.found();
    let severity = match effect {
        Effect::Deny => Severity::Critical,
        Effect::Hold | Effect::Warn | Effect::Allow => Severity::Warning,
    };
    let found: Vec<&Observation> = worth_telling(inspected).collect();
    let findings = found.iter().take(MAX_FINDINGS).map(|seen| {
        json!({
            "id": seen.rule, "severity": seen.severity, "confidence": seen.confidence,
            "file": seen.file, "line": seen.line, "context": seen.context,
            "message": seen.message, "verdict": effect_of(seen),
        })
    });
    let named = who.iter().take(MAX_RECIPIENTS);
    let detail = json!({
        "project": finding.project,
        "filename": finding.filename,
        "sha256": inspected.sha256,
        "source": finding.source,
        "verdict": effect,
        "findings": findings.collect::<Vec<_>>(),
        "findings-in-all": found.len(),
        "downloads": times,
        "recipients": named.map(Recipient::to_json).collect::<Vec<_>>(),
        "recipients-in-all": who.len(),
    });
    let sentence = sentence(finding, &found, times, who.len());
    let subject = format!("{} {}", finding.project, finding.filename);
    Ok(NewEvent::new(KIND, severity, subject, sentence)
        .detail(detail)
        .once_per(format!("{} {effect}", inspected.sha256)))
}

fn worth_telling(inspected: &Inspected) -> impl Iterator<Item = &Observation> {
    let seen = inspected.observations.iter();
    seen.filter(|seen| effect_of(seen) > Effect::Allow)
}

/// `demo-1.1-py3-none-any.whl: secrets from the environment are sent to collect.invalid (NET-001,
/// demo/__init__.py line 3), and 2 more findings. It was received 3 times by 2 identities.`
fn sentence(finding: &Finding<'_>, found: &[&Observation], times: u64, who: usize) -> String {
    let what = match found.first() {
        None => "something was found".to_owned(),
        Some(first) if first.line == 0 => {
            format!("{} ({}, {})", first.message, first.rule, first.file)
        }
        Some(first) => format!(
            "{} ({}, {} line {})",
            first.message, first.rule, first.file, first.line
        ),
    };
    let more = match found.len() {
        0 | 1 => String::new(),
        2 => ", and one more finding".to_owned(),
        all => format!(", and {} more findings", all - 1),
    };
    let received = match (times, who) {
        (0, _) => "Nobody has received it".to_owned(),
        (1, _) => "It was received once".to_owned(),
        (times, 1) => format!("It was received {times} times by one identity"),
        (times, who) => format!("It was received {times} times by {who} identities"),
    };
    format!("{}: {what}{more}. {received}.", finding.filename)
}

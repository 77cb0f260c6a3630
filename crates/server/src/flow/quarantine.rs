//! Quarantines, begun and released, and the telling of those who received what is in one. That nobody
//! receives it any more is the rule `quarantined`.

use std::collections::BTreeMap;

use portcullis_core::digest::Sha256;
use portcullis_core::event::Severity;
use portcullis_core::pypi::requirement::Requirement;
use portcullis_core::time::Timestamp;
use portcullis_store::exposure::Span;
use portcullis_store::quarantines::{self, NewQuarantine, Recorded};
use portcullis_store::{Db, StoreError, events};
use serde_json::{Value, json};

use super::exposure::{Exposure, Identity, Meant, Received, Which, exposure, releases};
use crate::app::App;
use crate::error::FlowError;

/// Whether those who received it are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tell {
    /// They are: one event lists them all.
    Recipients,
    /// They are not.
    Nobody,
}

/// What is to be put in quarantine.
#[derive(Clone, Debug)]
pub struct Order {
    /// The releases.
    pub requirement: Requirement,
    /// Only the files with this content.
    pub sha256: Option<Sha256>,
    /// Why, for those who are refused.
    pub reason: String,
    /// Who orders it.
    pub who: String,
    /// Whether recipients are told.
    pub tell: Tell,
}

/// A quarantine that is in force.
#[derive(Clone, Debug)]
pub struct Begun {
    /// It.
    pub quarantine: Recorded,
    /// Whether it was in force before.
    pub standing: Standing,
    /// What those who received it were told.
    pub told: Option<Told>,
}

/// Whether a quarantine was in force before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It begins now.
    New,
    /// It was, and keeps its reason.
    Before,
}

/// What was told of a quarantine, and to whom it is addressed.
#[derive(Clone, Debug)]
pub struct Told {
    /// The message, for people.
    pub message: String,
    /// Everybody who received it, the earliest first.
    pub recipients: Vec<Recipient>,
    /// The same for programs.
    pub detail: Value,
}

/// Somebody who received what is in quarantine.
#[derive(Clone, Debug)]
pub struct Recipient {
    /// Who.
    pub who: Identity,
    /// From which addresses, sorted.
    pub addresses: Vec<String>,
    /// Which files, sorted.
    pub files: Vec<String>,
    /// When first.
    pub first: Timestamp,
    /// When last.
    pub last: Timestamp,
    /// How often.
    pub times: u64,
}

/// The most recipients that one event names.
const MAX_RECIPIENTS: usize = 1000;

/// The most receipts out of which they are found.
const MAX_RECEIPTS: usize = 50_000;

/// Begins a quarantine. Every replica acts within a second, and out of transfers that are under way the
/// last block is not given.
///
/// # Errors
/// [`FlowError::Invalid`] without a reason; [`FlowError::Store`] when the database fails.
pub async fn begin(db: &Db, order: &Order, now: Timestamp) -> Result<Begun, FlowError> {
    let reason = order.reason.trim();
    if reason.is_empty() {
        let what = "a quarantine needs a reason: it is what those who are refused read";
        return Err(FlowError::Invalid(what.to_owned()));
    }
    let new = NewQuarantine {
        project: order.requirement.name.clone(),
        specifiers: order.requirement.specifiers.clone(),
        sha256: order.sha256,
        reason: reason.to_owned(),
        who: order.who.clone(),
    };
    let (quarantine, standing) = match quarantines::begin(db, &new, now).await? {
        quarantines::Begun::Now(quarantine) => (quarantine, Standing::New),
        quarantines::Begun::Already(quarantine) => (quarantine, Standing::Before),
    };
    let told = match order.tell {
        Tell::Recipients => Some(tell(db, &quarantine, now).await?),
        Tell::Nobody => None,
    };
    Ok(Begun {
        quarantine,
        standing,
        told,
    })
}

/// Makes what is in quarantine known to this process at once.
///
/// # Errors
/// [`FlowError::Store`] when the database fails.
pub async fn act_at_once(app: &App) -> Result<(), FlowError> {
    app.knowledge.load_quarantines(&app.db).await?;
    app.next_epoch();
    Ok(())
}

/// Who received what is in a quarantine, whenever that was.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn received(
    db: &Db,
    quarantine: &Recorded,
    now: Timestamp,
) -> Result<Exposure, StoreError> {
    let meant = match (quarantine.sha256, quarantine.specifiers.is_empty()) {
        (Some(sha256), _) => Meant::Content(sha256),
        (None, true) => releases(db, &quarantine.project, Which::All).await?,
        (None, false) => {
            let which = Which::Admitted(quarantine.specifiers.clone());
            releases(db, &quarantine.project, which).await?
        }
    };
    let span = Span {
        from: Timestamp::from_millis(0),
        to: now.plus_millis(1),
    };
    exposure(db, &[meant], span, MAX_RECEIPTS).await
}

async fn tell(db: &Db, quarantine: &Recorded, now: Timestamp) -> Result<Told, FlowError> {
    let exposure = received(db, quarantine, now).await?;
    let recipients = recipients(&exposure.receipts);
    let title = quarantine.quarantine().to_string();
    let message = message(&title, quarantine, &exposure, recipients.len());
    let named = &recipients[..recipients.len().min(MAX_RECIPIENTS)];
    let detail = json!({
        "quarantine": quarantine.id,
        "requirement": title,
        "reason": quarantine.reason,
        "by": quarantine.who,
        "downloads": exposure.summary.downloads,
        "recipients": named.iter().map(Recipient::to_json).collect::<Vec<_>>(),
        "recipients-in-all": exposure.summary.identities,
        "locked-and-not-fetched": exposure.waiting.iter().map(|waiting| waiting.lock.to_string())
            .collect::<Vec<_>>(),
    });
    let event = events::NewEvent::new("quarantine.started", Severity::Critical, title, &message)
        .detail(detail.clone())
        .once_per(format!("quarantine {} told at {now}", quarantine.id));
    events::emit(db, &event, now).await?;
    Ok(Told {
        message,
        recipients,
        detail,
    })
}

fn message(title: &str, quarantine: &Recorded, exposure: &Exposure, recipients: usize) -> String {
    let reason = quarantine.reason.trim_end_matches('.');
    let mut message = format!("{title} is in quarantine: {reason}.");
    let downloads = exposure.summary.downloads;
    message.push_str(&match (downloads, recipients) {
        (0, _) => " Nobody has received it here.".to_owned(),
        (1, _) => " It was received once.".to_owned(),
        (times, 1) => format!(" It was received {times} times by one identity."),
        (times, who) => format!(" It was received {times} times by {who} identities."),
    });
    if downloads > 0 {
        message.push_str(
            " Whoever received it: take the installed version out, and treat what the machine could \
             reach as the reason says.",
        );
    }
    let waiting: Vec<String> = exposure
        .waiting
        .iter()
        .map(|waiting| waiting.lock.to_string())
        .collect();
    if !waiting.is_empty() {
        let waiting = waiting.join(", ");
        message.push_str(&format!(" Locked and not fetched here: {waiting}."));
    }
    message
}

/// Everybody whose receipts these are, the earliest first.
pub fn recipients(receipts: &[Received]) -> Vec<Recipient> {
    let mut by_identity: BTreeMap<Identity, Recipient> = BTreeMap::new();
    for received in receipts {
        let receipt = &received.receipt;
        let who = Identity::of(receipt);
        let recipient = by_identity.entry(who.clone()).or_insert_with(|| Recipient {
            who,
            addresses: Vec::new(),
            files: Vec::new(),
            first: receipt.first_at,
            last: receipt.last_at,
            times: 0,
        });
        recipient.first = recipient.first.min(receipt.first_at);
        recipient.last = recipient.last.max(receipt.last_at);
        recipient.times += receipt.times;
        recipient.addresses.extend(receipt.client_addr.clone());
        recipient.files.push(receipt.filename.clone());
    }
    let mut recipients: Vec<Recipient> = by_identity.into_values().collect();
    for recipient in &mut recipients {
        for list in [&mut recipient.addresses, &mut recipient.files] {
            list.sort();
            list.dedup();
        }
    }
    recipients.sort_by_key(|recipient| recipient.first);
    recipients
}

impl Recipient {
    /// The same for programs.
    pub fn to_json(&self) -> Value {
        let (token, job) = match &self.who {
            Identity::Job { token, job } => (token.as_deref(), Some(job.as_str())),
            Identity::Token(token) => (Some(token.as_str()), None),
            Identity::Address(_) | Identity::Unknown => (None, None),
        };
        json!({
            "who": self.who.to_string(),
            "token": token,
            "job": job,
            "addresses": self.addresses,
            "files": self.files,
            "first-at": self.first,
            "last-at": self.last,
            "times": self.times,
        })
    }
}

/// Which quarantine is meant when one is to be released.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// The one with this number.
    Number(i64),
    /// Those that were made with this requirement.
    Requirement(Requirement),
}

impl std::str::FromStr for Named {
    type Err = portcullis_core::pypi::requirement::InvalidRequirement;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse() {
            Ok(number) => Ok(Self::Number(number)),
            Err(_) => text.parse().map(Self::Requirement),
        }
    }
}

/// Releases quarantines: everything is as it would have been without them. Returns those that were in
/// force; none when none was meant.
///
/// # Errors
/// [`FlowError::Invalid`] without a reason; [`FlowError::Store`] when the database fails.
pub async fn release(
    db: &Db,
    named: &Named,
    [who, reason]: [&str; 2],
    now: Timestamp,
) -> Result<Vec<Recorded>, FlowError> {
    if reason.trim().is_empty() {
        let what = "say why the quarantine ends: the ledger keeps it";
        return Err(FlowError::Invalid(what.to_owned()));
    }
    let is_meant = |recorded: &Recorded| match named {
        Named::Number(id) => recorded.id == *id,
        Named::Requirement(requirement) => {
            recorded.project == requirement.name && recorded.specifiers == requirement.specifiers
        }
    };
    let mut released = Vec::new();
    for recorded in quarantines::in_force(db).await? {
        if is_meant(&recorded) {
            let one = quarantines::release(db, recorded.id, [who, reason.trim()], now).await?;
            released.extend(one);
        }
    }
    Ok(released)
}

/// A quarantine as programs get it.
pub fn to_json(recorded: &Recorded) -> Value {
    json!({
        "id": recorded.id,
        "requirement": format!("{}{}", recorded.project, recorded.specifiers),
        "project": recorded.project,
        "sha256": recorded.sha256,
        "reason": recorded.reason,
        "by": recorded.who,
        "since": recorded.at,
        "released-at": recorded.released_at,
        "released-by": recorded.released_by,
        "release-reason": recorded.release_reason,
    })
}

//! Running one inspection: in a process of its own or in a thread, as configured. Either way it comes to one
//! of three ends.

use std::fs::File;

use portcullis_inspect::inspection::Inspection;
use portcullis_inspect::own_rules::{InvalidRules, OwnRules};
use tokio::sync::OwnedSemaphorePermit;

use super::process::Workers;
use super::protocol::Request;
use super::thread;
use crate::config::{InspectionSettings, Isolation};

/// How inspections are run.
pub(super) enum Runner {
    /// Each in a process.
    Process(Workers),
    /// Each in a thread, with rules of the organisation's own, or why they cannot be applied.
    Thread(Result<OwnRules, InvalidRules>),
}

/// What running an inspection came to.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It came to its end.
    Seen(Box<Inspection>),
    /// The file has brought it down, or took more than may be spent: one clause for people.
    Crashed(String),
    /// It could not be run, for a reason that says nothing about the file: one clause for people.
    Failed(String),
}

impl Runner {
    pub(super) fn new(settings: &InspectionSettings) -> Self {
        match settings.isolation {
            Isolation::Process => {
                let own_rules = settings.own_rules.clone();
                Self::Process(Workers::new(settings.worker.clone(), own_rules))
            }
            Isolation::Thread => Self::Thread(OwnRules::compile(&settings.own_rules)),
        }
    }

    /// Those that start processes, where inspections are run in such.
    pub(super) fn workers(&self) -> Option<&Workers> {
        match self {
            Self::Process(workers) => Some(workers),
            Self::Thread(_) => None,
        }
    }

    /// Inspects `file`. The turn is given back when nothing runs any more.
    pub(super) async fn run(
        &self,
        file: File,
        request: &Request,
        turn: OwnedSemaphorePermit,
    ) -> Outcome {
        match self {
            Self::Process(workers) => {
                let outcome = workers.run(file, request).await;
                drop(turn);
                outcome
            }
            Self::Thread(Ok(own_rules)) => thread::run(file, request, own_rules, turn).await,
            Self::Thread(Err(error)) => Outcome::Failed(error.to_string()),
        }
    }
}

/// What inspections run in, told in one clause.
///
/// # Errors
/// One clause for people: no worker can be started, it is another version, or it is not held back as it
/// should be.
pub async fn probe(settings: &InspectionSettings) -> Result<String, String> {
    match Runner::new(settings) {
        Runner::Thread(_) => Ok("in threads of the gateway, held back by nothing".to_owned()),
        Runner::Process(workers) => {
            let confinement = workers.confinement().await?;
            let said = format!("in processes held back by: {confinement}");
            match confinement.holes.is_empty() {
                true => Ok(said),
                false => Err(said),
            }
        }
    }
}

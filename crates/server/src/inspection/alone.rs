//! [`Alone`]: inspections without a gateway, for commands: in the same workers, with nothing kept and nobody
//! else to be considerate of.

use std::fs::File;
use std::sync::Arc;

use portcullis_core::inspection::Inspected;
use portcullis_core::pypi::filename::DistFilename;
use portcullis_inspect::inspection::REVISION;
use tokio::sync::Semaphore;

use super::protocol::Request;
use super::runner::{Outcome, Runner};
use crate::config::InspectionSettings;

/// Runs inspections as `settings` say, each for itself.
pub struct Alone {
    settings: InspectionSettings,
    runner: Runner,
    turns: Arc<Semaphore>,
}

/// Why there is nothing to tell of a file: one clause for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotInspected {
    /// The file has brought the inspection down, or took more than may be spent.
    #[error("the inspection crashed: {0}")]
    Crashed(String),
    /// It could not be run, which says nothing about the file.
    #[error("it could not be inspected: {0}")]
    Failed(String),
}

impl Alone {
    /// Nothing is started yet.
    #[must_use]
    pub fn new(settings: &InspectionSettings) -> Self {
        Self {
            settings: settings.clone(),
            runner: Runner::new(settings),
            turns: Arc::new(Semaphore::new(settings.workers.max(1))),
        }
    }

    /// Inspects the wheel or sdist in `file`, whose name is `filename`.
    ///
    /// # Errors
    /// [`NotInspected`].
    pub async fn inspect(
        &self,
        file: File,
        filename: &DistFilename,
    ) -> Result<Inspected, NotInspected> {
        let request = Request::new(filename.as_str(), filename.project(), &self.settings);
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let turn = turn.expect("the semaphore is never closed");
        match self.runner.run(file, &request, turn).await {
            Outcome::Seen(inspection) if inspection.inspected.revision == REVISION => {
                Ok(inspection.inspected)
            }
            Outcome::Seen(_) => Err(NotInspected::Failed(
                "the worker is of another version".to_owned(),
            )),
            Outcome::Crashed(why) => Err(NotInspected::Crashed(why)),
            Outcome::Failed(why) => Err(NotInspected::Failed(why)),
        }
    }
}

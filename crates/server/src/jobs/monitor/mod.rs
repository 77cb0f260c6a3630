//! Watching the outside beside what clients ask for: what became of the projects in use, and which names
//! appear that are ours or look like ours. What is seen becomes an event; nothing is decided here.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use portcullis_store::Db;
use portcullis_store::events::{self, NewEvent};
use portcullis_upstream::client::Validators;
use tracing::error;

use crate::app::App;

pub mod projects;
pub mod names;
mod lists;

/// What is remembered of the lists that are read from time to time.
#[derive(Debug, Default)]
pub struct Memory(Mutex<HashMap<String, Validators>>);

impl Memory {
    fn validators(&self, of: &str) -> Option<Validators> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(of).cloned()
    }

    fn remember(&self, of: &str, validators: Validators) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(of.to_owned(), validators);
    }
}

/// Tells of something. That it could not be told is logged, and changes nothing else.
async fn tell(app: &App, event: &NewEvent) {
    if let Err(error) = try_to_tell(&app.db, event, app).await {
        error!(
            kind = &*event.kind,
            subject = event.subject,
            "could not tell: {error}"
        );
    }
}

async fn try_to_tell(
    db: &Db,
    event: &NewEvent,
    app: &App,
) -> Result<(), portcullis_store::StoreError> {
    if let events::Emitted::New(_) = events::emit(db, event, app.now()).await? {
        tracing::warn!(
            kind = &*event.kind,
            subject = event.subject,
            "{}",
            event.sentence
        );
    }
    Ok(())
}

//! The same file on other replicas: one of them fetches it, and the others wait until it is in the vault they
//! share. A replica that dies gives its turn to whoever waits when its claim runs out; one that fails gives it
//! back at once.

use std::sync::Arc;
use std::time::Duration;

use portcullis_core::digest::Sha256;
use portcullis_store::claims;
use tokio::task::AbortHandle;
use tracing::{debug, warn};

use super::fetch::{self, State, Wanted};
use crate::app::App;
use crate::error::FlowError;

/// How long a claim lasts that is not renewed: as long as everybody waits for a replica that died.
const LEASE: Duration = Duration::from_secs(6);

/// How often a claim is renewed.
const RENEWAL: Duration = Duration::from_secs(2);

/// How often it is looked whether another replica has the file.
const POLL: Duration = Duration::from_millis(100);

/// Whose turn it is to fetch a file.
pub(super) enum Turn {
    /// This replica's, for as long as the claim lives.
    Ours(Claim),
    /// Nobody's any more: another one has fetched it.
    Done(State),
}

/// The right to fetch a file, which is renewed until it is dropped and given back then. Where there are no
/// other replicas it is nothing.
pub(super) struct Claim {
    _held: Option<Held>,
}

struct Held {
    app: Arc<App>,
    subject: Sha256,
    renewal: AbortHandle,
}

/// Waits for the turn to fetch `wanted`, or until it is here.
///
/// # Errors
/// [`FlowError`] when the database or the vault cannot be asked.
pub(super) async fn turn(app: &Arc<App>, wanted: &Wanted) -> Result<Turn, FlowError> {
    if !app.db.is_shared() {
        return Ok(Turn::Ours(Claim { _held: None }));
    }
    let subject = subject(wanted);
    let mut waits = false;
    while claims::is_claimed(&app.db, &subject, app.now()).await? || !claim(app, &subject).await? {
        if !waits {
            debug!("another replica fetches {}", wanted.file.filename);
            waits = true;
        }
        tokio::time::sleep(POLL).await;
        if let Some(here) = fetch::in_vault(app, wanted).await? {
            return Ok(Turn::Done(here));
        }
    }
    let held = Held {
        renewal: tokio::spawn(renew(Arc::clone(app), subject)).abort_handle(),
        app: Arc::clone(app),
        subject,
    };
    let claim = Claim { _held: Some(held) };
    // The one who had the turn before may have finished since it was last looked.
    match fetch::in_vault(app, wanted).await? {
        Some(here) => Ok(Turn::Done(here)),
        None => Ok(Turn::Ours(claim)),
    }
}

/// The words that say what is claimed.
fn subject(wanted: &Wanted) -> Sha256 {
    let (source, project) = (wanted.source.as_str(), wanted.project.as_str());
    let words = ["transfer", source, project, &wanted.file.filename];
    Sha256::of(words.join("\0").as_bytes())
}

async fn claim(app: &App, subject: &Sha256) -> Result<bool, FlowError> {
    let now = app.now();
    let until = now.plus_millis(i64::try_from(LEASE.as_millis()).unwrap_or(i64::MAX));
    Ok(claims::claim(&app.db, (subject, &app.holder), until, now).await?)
}

async fn renew(app: Arc<App>, subject: Sha256) {
    loop {
        tokio::time::sleep(RENEWAL).await;
        match claim(&app, &subject).await {
            Ok(true) => {}
            // Fetching it twice costs a transfer and nothing else: pins are the arbiter of what is kept.
            Ok(false) => warn!("another replica has taken a transfer over"),
            Err(error) => warn!("a claim to a transfer was not renewed: {error}"),
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.renewal.abort();
        let (app, subject) = (Arc::clone(&self.app), self.subject);
        tokio::spawn(async move {
            if let Err(error) = claims::release(&app.db, (&subject, &app.holder)).await {
                debug!("a claim to a transfer lasts until it runs out: {error}");
            }
        });
    }
}

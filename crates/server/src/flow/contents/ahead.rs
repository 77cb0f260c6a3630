//! Looking ahead: whoever asks for the metadata of a wheel is likely to install it next, so it is fetched and
//! inspected while its metadata is being read. Nothing waits for it, and little is lost where it was in vain.

use std::sync::Arc;
use std::time::Duration;

use portcullis_core::digest::Sha256;
use portcullis_core::pypi::filename::DistKind;
use tracing::debug;

use super::learn;
use crate::app::App;
use crate::config::Ahead;
use crate::error::FlowError;
use crate::flow::download::{self, Candidate};
use crate::flow::fetch::{self, State, Wanted};

/// How long a file that was looked at ahead is left alone.
pub(super) const LEFT_ALONE: Duration = Duration::from_secs(10 * 60);

/// How many files are looked at ahead at once.
pub(super) const AT_ONCE: usize = 4;

/// Fetches and inspects a wheel in the background, where that is configured, the file is small enough, and
/// nothing of it is known yet. At most a few are under way at once; what comes beyond is not looked at
/// ahead.
pub fn look_ahead(app: &Arc<App>, candidate: &Candidate) {
    let settings = &app.config.inspection;
    let Some(sha256) = candidate.file.sha256() else {
        return;
    };
    let is_small = match settings.ahead {
        Ahead::Off => false,
        Ahead::UpTo(most) => candidate.file.size.is_some_and(|size| size <= most),
    };
    let is_wheel = matches!(candidate.facts.kind, DistKind::Wheel(_));
    let gathered = &candidate.gathered;
    let is_wanted = is_small
        && is_wheel
        && app.policy(&gathered.facts.index).looks_inside()
        && gathered.content(&sha256).is_none();
    if !is_wanted || app.contents.ahead.contains_key(&sha256) {
        return;
    }
    let Ok(turn) = Arc::clone(&app.contents.turns).try_acquire_owned() else {
        return;
    };
    app.contents.ahead.insert(sha256, ());
    let ahead = Candidate {
        gathered: Arc::clone(gathered),
        file: candidate.file.clone(),
        facts: candidate.facts.clone(),
        decision: Arc::clone(&candidate.decision),
    };
    let app = Arc::clone(app);
    tokio::spawn(async move {
        let filename = &ahead.file.filename;
        match obtain(&app, &ahead).await {
            Ok(sha256) => drop(learn(&app, &ahead.gathered, &ahead.facts, sha256).await),
            Err(error) => debug!(%filename, "{filename} was not looked at ahead: {error}"),
        }
        drop(turn);
    });
}

/// Brings a file into the vault, and says which bytes it has.
pub(super) async fn obtain(app: &Arc<App>, candidate: &Candidate) -> Result<Sha256, FlowError> {
    if let Some(sha256) = download::in_vault(app, candidate).await? {
        return Ok(sha256);
    }
    let wanted = Wanted::of(candidate);
    match fetch::join(app, wanted).ended().await {
        State::Verified { sha256, .. } => Ok(sha256),
        State::Changed { first, now } => Err(FlowError::Replaced { first, now }),
        State::Failed(error) => Err(error),
        State::Asked | State::Arriving { .. } => Err(FlowError::Stopping),
    }
}

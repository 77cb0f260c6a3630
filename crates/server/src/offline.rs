//! Working offline: no request leaves for sources, feeds and signals, and what is here is served as far as it
//! goes. A file that is not here is out of reach and not absent, whatever the page of its source said.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use portcullis_core::index::SourceName;
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::pypi::simple::ProjectPage;
use portcullis_store::pins;
use portcullis_store::switches;
use portcullis_upstream::{Trouble, UpstreamError};
use tracing::info;

use crate::app::App;
use crate::error::FlowError;

/// The name of the switch.
pub const SWITCH: &str = "offline";

/// What the switch is set to when the gateway is offline.
pub const ON: &str = "on";

/// What it is set to when it is not.
pub const OFF: &str = "off";

/// How many blobs are asked for at once.
const AT_ONCE: usize = 16;

impl App {
    /// Whether no request leaves.
    pub fn is_offline(&self) -> bool {
        self.config.line.is_cut()
    }
}

/// Follows the switch as it was thrown last. What the configuration wants to be offline stays so.
///
/// # Errors
/// [`FlowError`] when the database fails; everything stays as it is then.
pub async fn follow_switch(app: &App) -> Result<(), FlowError> {
    let switch = switches::find(&app.db, SWITCH).await?;
    let is_thrown = switch.is_some_and(|switch| switch.state == ON);
    let wanted = app.config.starts_offline || is_thrown;
    if wanted == app.is_offline() {
        note(app);
        return Ok(());
    }
    match wanted {
        true => {
            app.config.line.cut();
            info!("offline: no request leaves any more, what is here is served");
        }
        false => {
            app.config.line.restore();
            info!("online again: sources are asked");
        }
    }
    note(app);
    app.forget_all();
    Ok(())
}

/// Shows in the figures whether the gateway is offline.
pub fn note(app: &App) {
    metrics::gauge!("portcullis_offline").set(f64::from(u8::from(app.is_offline())));
}

/// The error of whoever would have to ask `source`.
pub fn out_of_reach(source: &SourceName) -> FlowError {
    FlowError::Unreachable {
        source_name: source.clone(),
        error: UpstreamError::Unreachable {
            place: source.to_string(),
            trouble: Trouble::Offline,
            retry_after: None,
        },
    }
}

/// The page with only those files that are in the vault.
///
/// # Errors
/// [`FlowError`] when database or vault cannot be asked.
pub async fn keep_servable(
    app: &Arc<App>,
    source: &SourceName,
    mut page: ProjectPage,
) -> Result<ProjectPage, FlowError> {
    let here = servable(app, source, &page.name).await?;
    page.files.retain(|file| here.contains(&*file.filename));
    // The names of the files that are left tell which versions there are.
    page.versions.clear();
    Ok(page)
}

/// The names of the files of a project that are in the vault.
async fn servable(
    app: &Arc<App>,
    source: &SourceName,
    project: &ProjectName,
) -> Result<BTreeSet<String>, FlowError> {
    let pins = pins::pins(&app.db, source.as_str(), project).await?;
    let looks = pins.into_iter().map(|pin| async move {
        let is_here = app.blobs.exists(&pin.sha256).await?;
        Ok::<_, FlowError>(is_here.then_some(pin.filename))
    });
    let here: Vec<Option<String>> = stream::iter(looks)
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    Ok(here.into_iter().flatten().collect())
}

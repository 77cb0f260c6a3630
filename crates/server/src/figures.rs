//! Figures that are read when somebody asks for them: room on disks, and how jobs and the cache stand. The
//! others are counted where things happen. `integrations/grafana` shows them.

use std::path::Path;

use portcullis_store::jobs;
use tracing::debug;

use crate::app::App;
use crate::{disk, offline};

/// Brings them up to date.
pub async fn refresh(app: &App) {
    offline::note(app);
    if let Some(max) = app.config.cache.max_size {
        metrics::gauge!("portcullis_cache_max_bytes").set(max as f64);
    }
    room("data", &app.config.data);
    if let Ok(Some(folder)) = app.blobs.root() {
        room("blobs", &folder);
    }
    // What the database cannot be asked for now is left as it was; /readyz says what is wrong.
    match jobs::all(&app.db).await {
        Ok(states) => states.iter().for_each(|state| job(app, state)),
        Err(error) => debug!("no figures of jobs: {error}"),
    }
}

fn room(disk: &'static str, path: &Path) {
    let Ok(space) = disk::space(path) else { return };
    metrics::gauge!("portcullis_disk_free_bytes", "disk" => disk).set(space.free as f64);
    metrics::gauge!("portcullis_disk_bytes", "disk" => disk).set(space.total as f64);
}

fn job(app: &App, state: &jobs::JobState) {
    let name = || state.name.clone();
    metrics::gauge!("portcullis_job_failures", "job" => name()).set(state.failures as f64);
    if let Some(at) = state.last_ok_at {
        let age = app.now().since(at) as f64 / 1000.0;
        metrics::gauge!("portcullis_job_success_age_seconds", "job" => name()).set(age);
    }
}

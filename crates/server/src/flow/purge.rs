//! Purging: what was fetched from outside is thrown away, so that it is fetched and judged anew. What was
//! published here is never purged, and what files were first seen with stays known unless it is
//! forgotten on purpose.

use std::str::FromStr as _;
use std::sync::Arc;

use portcullis_core::index::SourceKind;
use portcullis_core::pypi::filename::DistFilename;
use portcullis_core::pypi::requirement::Requirement;
use portcullis_store::purges::{self, Memory, Purge};

use crate::app::App;
use crate::error::FlowError;

/// What was purged.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Purged {
    /// The files, with their sources.
    pub files: Vec<PurgedFile>,
    /// How many bytes were freed.
    pub bytes: u64,
}

/// A file that was purged.
#[derive(Clone, Debug, serde::Serialize)]
pub struct PurgedFile {
    /// The source that it came from.
    pub source: String,
    /// Its name.
    pub filename: String,
}

/// Purges every cached file that `requirement` means, in every outside source.
///
/// # Errors
/// [`FlowError`] when database or blobs fail; what was purged before stays purged.
pub async fn purge(
    app: &Arc<App>,
    requirement: &Requirement,
    memory: Memory,
    who: &str,
) -> Result<Purged, FlowError> {
    let mut purged = Purged::default();
    for source in outside_sources(app) {
        let known = portcullis_store::pins::pins(&app.db, &source, &requirement.name).await?;
        let is_meant = |filename: &str| {
            let parsed = DistFilename::parse(filename, Some(&requirement.name)).ok();
            let version = parsed.as_ref().and_then(DistFilename::version);
            version.map_or(requirement.specifiers.is_empty(), |version| {
                requirement.matches(version)
            })
        };
        let meant: Vec<String> = known
            .into_iter()
            .filter(|pin| is_meant(&pin.filename))
            .map(|pin| pin.filename)
            .collect();
        if meant.is_empty() && memory == Memory::Keep {
            continue;
        }
        let purge = Purge {
            source: &source,
            project: &requirement.name,
            filenames: &meant,
            memory,
            who,
        };
        let freed = purges::purge(&app.db, &app.blobs, &purge, app.now()).await;
        purged.bytes += freed?;
        let file = |filename| PurgedFile {
            source: source.clone(),
            filename,
        };
        purged.files.extend(meant.into_iter().map(file));
    }
    app.forget_all();
    Ok(purged)
}

fn outside_sources(app: &App) -> Vec<String> {
    let mut names: Vec<String> = app
        .indexes
        .values()
        .flat_map(|index| index.sources())
        .filter(|source| source.kind != SourceKind::Hosted)
        .map(|source| source.name.to_string())
        .collect();
    names.sort();
    names.dedup();
    names
}

/// Reads the version specifiers of a requirement as a purge means them.
///
/// # Errors
/// [`FlowError::Invalid`] when it is no requirement.
pub fn requirement(text: &str) -> Result<Requirement, FlowError> {
    Requirement::from_str(text).map_err(|error| FlowError::Invalid(error.to_string()))
}

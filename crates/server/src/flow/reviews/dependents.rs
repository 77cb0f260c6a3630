//! What is known here to depend on a project: what was published here, and the wheels from outside whose
//! metadata somebody asked for lately. It is a hint and never complete: nobody outside is asked.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use portcullis_core::pypi::filename::DistFilename;
use portcullis_core::pypi::metadata::{CoreMetadata, MAX_METADATA_SIZE};
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::pypi::requirement::Requirement;
use portcullis_core::pypi::version::Version;
use portcullis_store::reviews;
use serde::Deserialize;

use super::told::Dependent;
use crate::app::App;
use crate::error::FlowError;

/// How many files published here are looked at, and how many wheels from outside.
const PUBLISHED: u32 = 100;
const FROM_OUTSIDE: u32 = 300;

/// How many metadata files are read at once, and for how long altogether.
const AT_ONCE: usize = 16;
const PATIENCE: Duration = Duration::from_secs(2);

/// How many dependents are told.
const MOST: usize = 20;

/// The newest known version of each project that depends on `project`, with a remark where none is known.
///
/// # Errors
/// [`FlowError`] when the database fails.
pub(super) async fn dependents(
    app: &Arc<App>,
    project: &ProjectName,
    not_known: &mut Vec<String>,
) -> Result<Vec<Dependent>, FlowError> {
    let mut found: BTreeMap<String, (Version, String)> = BTreeMap::new();
    let published = reviews::published_here_with(&app.db, project, PUBLISHED).await?;
    for (name, version, metadata) in published {
        let requires = serde_json::from_str::<Requires>(&metadata).unwrap_or_default();
        let requires = requires.requires_dist.unwrap_or_default();
        let one = naming(project, requires.iter().map(String::as_str));
        add(&mut found, name, version.parse().ok(), one);
    }
    let seen = reviews::seen_metadata(&app.db, FROM_OUTSIDE).await?;
    let read = stream::iter(seen)
        .map(|file| read(Arc::clone(app), file))
        .buffer_unordered(AT_ONCE);
    let mut read = std::pin::pin!(read);
    let reading = async {
        while let Some(metadata) = read.next().await {
            let Some(metadata) = metadata else { continue };
            let requires = metadata.requires_dist.iter().map(|requires| &**requires);
            let one = naming(project, requires);
            let name = metadata.name.to_string();
            add(&mut found, name, Some(metadata.version.clone()), one);
        }
    };
    let is_whole = tokio::time::timeout(PATIENCE, reading).await.is_ok();
    if !is_whole {
        not_known.push("what depends on it: not all metadata could be read in time".to_owned());
    } else if found.is_empty() {
        not_known.push("what depends on it: no metadata that is kept here names it".to_owned());
    }
    let told = found.into_iter().take(MOST);
    let told = told.map(|(project, (version, requirement))| Dependent {
        project,
        version: version.to_string(),
        requirement,
    });
    Ok(told.collect())
}

/// The part of the metadata that is kept of files published here.
#[derive(Default, Deserialize)]
struct Requires {
    requires_dist: Option<Vec<String>>,
}

async fn read(app: Arc<App>, file: reviews::Dependent) -> Option<CoreMetadata> {
    DistFilename::parse(&file.filename, Some(&file.project)).ok()?;
    let cap = u64::try_from(MAX_METADATA_SIZE).unwrap_or(u64::MAX);
    let bytes = app.blobs.get_bytes(&file.sha256, cap).await.ok()?;
    CoreMetadata::parse(&bytes).ok()
}

/// The first of `requirements` that names `project`.
fn naming<'r>(
    project: &ProjectName,
    mut requirements: impl Iterator<Item = &'r str>,
) -> Option<String> {
    let names = |text: &&str| {
        text.parse::<Requirement>()
            .is_ok_and(|one| one.name == *project)
    };
    requirements.find(names).map(str::to_owned)
}

fn add(
    found: &mut BTreeMap<String, (Version, String)>,
    project: String,
    version: Option<Version>,
    requirement: Option<String>,
) {
    let (Some(version), Some(requirement)) = (version, requirement) else {
        return;
    };
    let is_newer = found
        .get(&project)
        .is_none_or(|(known, _)| *known < version);
    if is_newer {
        found.insert(project, (version, requirement));
    }
}

//! [`Licences`]: what releases say of their licence: by what is on record of what passed, or, where they are
//! published here, by the metadata that lies beside their wheels. Nobody outside is asked.

use std::collections::HashMap;

use portcullis_core::index::SourceKind;
use portcullis_core::licence::Licence;
use portcullis_core::pypi::metadata::CoreMetadata;
use portcullis_core::pypi::version::Version;

use super::Pin;
use crate::app::App;
use crate::error::FlowError;
use crate::flow::gather::Gathered;

/// The largest metadata that is read, in bytes.
const LARGEST: u64 = 1 << 20;

/// By version.
pub(super) type Licences = HashMap<Version, Licence>;

/// The licences of the releases that `pins` name. What cannot be read says nothing.
///
/// # Errors
/// [`FlowError::Store`] when the database fails.
pub(super) async fn licences(
    app: &App,
    gathered: &mut Gathered,
    pins: impl Iterator<Item = &Pin>,
) -> Result<Licences, FlowError> {
    gathered.learn_releases(app).await?;
    let versions = pins.filter_map(|pin| pin.version.clone());
    let mut licences = Licences::new();
    for version in versions {
        let licence = match gathered.metadata(&version) {
            Some(metadata) => Some(metadata.licence.clone()),
            None => published(app, gathered, &version).await,
        };
        licences.extend(licence.map(|licence| (version, licence)));
    }
    Ok(licences)
}

/// What the metadata beside a wheel of the release says, where it is published here.
async fn published(app: &App, gathered: &Gathered, version: &Version) -> Option<Licence> {
    let origin = gathered.facts.origin.as_ref()?;
    if origin.kind != SourceKind::Hosted {
        return None;
    }
    let page = gathered.page.as_ref()?;
    let files = page.page.files.iter().zip(&page.facts);
    let mut of_release = files.filter(|(_, facts)| facts.version.known() == Some(version));
    let sha256 = of_release.find_map(|(file, _)| file.core_metadata.sha256())?;
    let bytes = app.blobs.get_bytes(&sha256, LARGEST).await.ok()?;
    let metadata = CoreMetadata::parse(&bytes).ok()?;
    Some(Licence::from_metadata(&metadata))
}

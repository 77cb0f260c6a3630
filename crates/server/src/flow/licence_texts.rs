//! The texts of licence files, read out of wheels that are here, in the background: what they say may not
//! be what the metadata says. What is learned is noted as metadata is.

use std::sync::Arc;

use portcullis_core::digest::Sha256;
use portcullis_core::fact::FileFacts;
use portcullis_core::index::Trust;
use portcullis_core::licence::{SourceKind, Statement};
use portcullis_core::policy::rule::Need;
use portcullis_core::pypi::filename::{DistFilename, DistKind};
use portcullis_inspect::archive::{self, LicenceFile, Limits};
use portcullis_inspect::licence_text;
use portcullis_store::releases::Basis;
use tracing::debug;

use super::download::Candidate;
use super::gather::Gathered;
use super::metadata;
use super::releases::{Passed, candidate_of, note, passed};
use crate::app::App;
use crate::error::FlowError;

/// Reads, in the background, the texts of the licence files of a wheel that is here, where the policy looks
/// at licences: what they say may not be what the metadata says.
pub fn inspect_texts(app: &Arc<App>, gathered: &Arc<Gathered>, facts: &FileFacts, sha256: Sha256) {
    let policy = app.policy(&gathered.facts.index);
    let origin = gathered.facts.origin.as_ref();
    let is_outside = origin.is_some_and(|origin| origin.trust == Trust::Outside);
    let is_wheel = matches!(facts.kind, DistKind::Wheel(_));
    if !policy.needs(Need::Metadata) || !is_outside || !is_wheel {
        return;
    }
    let Some(candidate) = candidate_of(app, gathered, &facts.filename) else {
        return;
    };
    let Some(passed) = passed(&candidate, sha256, Basis::Inspected) else {
        return;
    };
    let key = (
        passed.source.clone(),
        passed.project.clone(),
        passed.version.clone(),
    );
    if app.releases.inspected.contains_key(&key) {
        return;
    }
    app.releases.inspected.insert(key, ());
    let (app, readers) = (Arc::clone(app), Arc::clone(&app.releases.readers));
    tokio::spawn(async move {
        let Ok(_turn) = readers.acquire().await else {
            return;
        };
        if let Err(error) = note_texts(&app, &candidate, passed).await {
            let filename = &candidate.file.filename;
            debug!(%filename, "the licence files of {filename} were not read: {error}");
        }
    });
}

async fn note_texts(
    app: &Arc<App>,
    candidate: &Candidate,
    mut passed: Passed,
) -> Result<(), FlowError> {
    let blob = app.blobs.open_for_inspection(&passed.sha256).await?;
    let (path, _scratch) = metadata::local_path(app, blob).await?;
    let named = DistFilename::parse(&candidate.file.filename, Some(&passed.project));
    let Ok(named) = named else { return Ok(()) };
    let read = tokio::task::spawn_blocking(move || {
        let file = std::fs::File::open(path).ok()?;
        let texts = archive::read_licence_files(file, &named, &Limits::default()).ok()?;
        Some(texts.iter().filter_map(statement_of).collect::<Vec<_>>())
    });
    passed.texts = read
        .await
        .map_err(|_| FlowError::Stopping)?
        .unwrap_or_default();
    if passed.texts.is_empty() {
        return Ok(());
    }
    let (sha256, bytes) = metadata::obtain_for_judging(app, candidate).await?;
    passed.sha256 = sha256;
    note(app, &passed, bytes).await
}

/// A text that is not recognised says nothing: it may be a notice, or a licence with additions.
fn statement_of(file: &LicenceFile) -> Option<Statement> {
    let id = licence_text::recognise(&file.text)?;
    Some(Statement {
        kind: SourceKind::File,
        text: file.name.chars().take(100).collect::<String>().into(),
        ids: vec![id.into()],
    })
}

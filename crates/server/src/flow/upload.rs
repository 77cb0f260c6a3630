//! Publishing a file: authenticate, receive, agree, own, judge, commit, announce. The bytes are hashed
//! while they stream to disk; blob first, then the row that makes the file exist.

use std::sync::Arc;

use blake2::Blake2b;
use blake2::digest::consts::U32;
use bytes::Bytes;
use md5::Digest as _;
use multer::{Field, Multipart};
use portcullis_core::access::Action;
use portcullis_core::digest::Sha256;
use portcullis_core::fact::{
    Fact, Facts, FileFacts, Origin, ProjectFacts, ReleaseFacts, ReleaseShape,
};
use portcullis_core::index::{Index, SourceKind, SourceName, Trust};
use portcullis_core::policy::judge;
use portcullis_core::pypi::filename::DistFilename;
use portcullis_core::pypi::metadata::CoreMetadata;
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::pypi::simple::Yanked;
use portcullis_core::pypi::upload::{
    Agreed, ComputedDigests, Filetype, FormCollector, FormError, UploadForm, agree, field_limit,
};
use portcullis_inspect::archive::{self, ArchiveError, Limits};
use portcullis_store::blobs::Finished;
use portcullis_store::hosted::{self, NewFile, Published, publish};
use tracing::info;

use super::contents::{self, Upload};
use super::evidence;
use crate::app::App;
use crate::error::FlowError;
use crate::identity::Caller;

/// The field that holds the file.
const CONTENT: &str = "content";

/// A form that was received whole, with its file in scratch space.
struct Received {
    form: UploadForm,
    filename: DistFilename,
    finished: Finished,
    digests: ComputedDigests,
}

/// What an upload came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uploaded {
    /// The file exists from now on.
    New,
    /// It existed before, with the same bytes.
    Identical,
}

/// Publishes the file of a multipart form to the hosted source of `index`.
///
/// # Errors
/// [`FlowError`] with one line for the uploader that says what is wrong and what to do.
pub async fn upload(
    app: &Arc<App>,
    index: &Index,
    caller: &Caller,
    form: Multipart<'_>,
) -> Result<Uploaded, FlowError> {
    let source = hosted_source(index)?;
    if caller.token.is_none() {
        return Err(FlowError::Unauthenticated(
            "publishing needs a token with the scope upload",
        ));
    }
    let received = receive(app, caller, form).await?;
    let inside = read_metadata(&received).await?;
    let agreed = agree(
        &received.form,
        &received.filename,
        &received.digests,
        &inside.parsed,
    )
    .map_err(|error| FlowError::Invalid(error.to_string()))?;
    fits_its_release(app, &source, &agreed).await?;
    judge_publication(app, index, &source, (&agreed, &received)).await?;
    commit(app, (&source, caller), received, agreed, inside).await
}

/// The metadata inside a file.
struct Inside {
    bytes: Bytes,
    parsed: CoreMetadata,
}

fn hosted_source(index: &Index) -> Result<SourceName, FlowError> {
    let hosted = index
        .sources()
        .iter()
        .find(|source| source.kind == SourceKind::Hosted);
    hosted.map(|source| source.name.clone()).ok_or_else(|| {
        FlowError::Invalid(format!(
            "index {} has no hosted source to publish to",
            index.name
        ))
    })
}

async fn receive(
    app: &App,
    caller: &Caller,
    mut form: Multipart<'_>,
) -> Result<Received, FlowError> {
    let mut collector = FormCollector::default();
    let mut file = None;
    while let Some(field) = form.next_field().await.map_err(broken_form)? {
        let name = field.name().unwrap_or_default().to_owned();
        if name == CONTENT {
            if file.is_some() {
                return Err(FlowError::Invalid(
                    "the form has two files; upload one a form".into(),
                ));
            }
            let filename = field.file_name().unwrap_or_default().to_owned();
            let (finished, digests) = receive_file(app, field).await?;
            file = Some((filename, finished, digests));
            continue;
        }
        let value = receive_value(&name, field).await?;
        if name == "name"
            && let Ok(project) = ProjectName::new(value.trim())
        {
            // Before its file is received, where the client says first whose it is.
            may_publish(app, caller, &project)?;
        }
        collector.push(&name, &value).map_err(wrong_form)?;
    }
    let form = collector.finish().map_err(wrong_form)?;
    may_publish(app, caller, &form.name)?;
    let Some((filename, finished, digests)) = file else {
        return Err(FlowError::Invalid(
            "the form has no file; add the field 'content'".into(),
        ));
    };
    let filename = DistFilename::parse(&filename, Some(&form.name))
        .map_err(|error| FlowError::Invalid(error.to_string()))?;
    Ok(Received {
        form,
        filename,
        finished,
        digests,
    })
}

fn broken_form(error: multer::Error) -> FlowError {
    FlowError::Invalid(format!("the form cannot be read: {error}"))
}

fn wrong_form(error: FormError) -> FlowError {
    match error {
        FormError::UnsupportedAction(_) => FlowError::Gone(error.to_string()),
        _ => FlowError::Invalid(error.to_string()),
    }
}

async fn receive_value(name: &str, mut field: Field<'_>) -> Result<String, FlowError> {
    let limit = field_limit(name);
    let mut value = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(broken_form)? {
        if value.len() + chunk.len() > limit {
            let error = FormError::TooLong {
                field: name.to_owned(),
                limit,
            };
            return Err(FlowError::Invalid(error.to_string()));
        }
        value.extend_from_slice(&chunk);
    }
    String::from_utf8(value)
        .map_err(|_| FlowError::Invalid(format!("the form's '{name}' is not UTF-8 text")))
}

async fn receive_file(
    app: &App,
    mut field: Field<'_>,
) -> Result<(Finished, ComputedDigests), FlowError> {
    let mut spool = app.blobs.spool().await?;
    let (mut md5, mut blake2) = (md5::Md5::new(), Blake2b::<U32>::new());
    let mut size = 0_u64;
    while let Some(chunk) = field.chunk().await.map_err(broken_form)? {
        size += chunk.len() as u64;
        if size > app.config.limits.upload {
            return Err(FlowError::TooLarge(app.config.limits.upload));
        }
        md5.update(&chunk);
        blake2.update(&chunk);
        spool.write(chunk).await?;
    }
    let finished = spool.finish().await?;
    let digests = ComputedDigests {
        md5: md5.finalize().into(),
        sha256: finished.sha256(),
        blake2_256: blake2.finalize().into(),
    };
    Ok((finished, digests))
}

/// A token that does not reach a name within one of our namespaces meets a conflict (PEP 752), any
/// other name is merely forbidden.
fn may_publish(app: &App, caller: &Caller, project: &ProjectName) -> Result<(), FlowError> {
    let Err(error) = caller.may(Action::Upload(project)) else {
        return Ok(());
    };
    let names = app.names.load();
    let ownership = names.owned.ownership(project);
    match (error, ownership.and_then(|owned| owned.pattern.namespace())) {
        (FlowError::Forbidden(why), Some(namespace)) => Err(FlowError::ForeignName(format!(
            "{project} lies in the reserved namespace {namespace}, which is not yours: {why}"
        ))),
        (error, _) => Err(error),
    }
}

async fn read_metadata(received: &Received) -> Result<Inside, FlowError> {
    let path = received.finished.path().to_path_buf();
    let (filename, filetype) = (received.filename.clone(), received.form.filetype);
    let read =
        tokio::task::spawn_blocking(move || {
            let file = std::fs::File::open(path)?;
            match filetype {
                Filetype::Wheel => archive::read_wheel(file, &filename, &Limits::default())
                    .map(|wheel| wheel.metadata),
                Filetype::Sdist => archive::read_sdist(file, &filename, &Limits::default())
                    .map(|sdist| sdist.pkg_info),
            }
        });
    let read: Result<Vec<u8>, ArchiveError> = read.await.map_err(|_| FlowError::Stopping)?;
    let bytes = read.map_err(|error| FlowError::Invalid(error.to_string()))?;
    let parsed = CoreMetadata::parse(&bytes)
        .map_err(|error| FlowError::Invalid(format!("the metadata inside the file: {error}")))?;
    let bytes = bytes.into();
    Ok(Inside { bytes, parsed })
}

/// A release has one source distribution, and one file of each meaning: another spelling of the name of
/// a wheel that is here, or was, would be a way around its immutability.
async fn fits_its_release(
    app: &App,
    source: &SourceName,
    agreed: &Agreed,
) -> Result<(), FlowError> {
    let files = hosted::files(&app.db, source.as_str(), agreed.project()).await?;
    let others = files
        .iter()
        .filter(|file| file.filename != agreed.filename().as_str());
    for other in others {
        let Ok(name) = DistFilename::parse(&other.filename, Some(agreed.project())) else {
            continue;
        };
        if name.version() != Some(agreed.version()) || name.kind() != agreed.filename().kind() {
            continue;
        }
        // Of wheels, equal kinds have equal tags and build numbers.
        if agreed.filetype() == Filetype::Wheel {
            return Err(FlowError::Invalid(format!(
                "this is the wheel '{}' by another name; publish a new version",
                other.filename
            )));
        }
        if other.deleted_at.is_none() {
            return Err(FlowError::Invalid(format!(
                "release {} has a source distribution already: {}; publish a new version",
                agreed.version(),
                other.filename
            )));
        }
    }
    Ok(())
}

async fn judge_publication(
    app: &Arc<App>,
    index: &Index,
    source: &SourceName,
    (agreed, received): (&Agreed, &Received),
) -> Result<(), FlowError> {
    let names = app.names.load_full();
    let mut project = ProjectFacts {
        origin: Some(Origin {
            source: source.clone(),
            kind: SourceKind::Hosted,
            trust: Trust::Inside,
        }),
        ownership: names.owned.ownership(agreed.project()),
        prohibition: names.prohibition(agreed.project()),
        ..ProjectFacts::named(index.name.clone(), agreed.project().clone())
    };
    app.knowledge.of_project(&mut project);
    let mut release = ReleaseFacts::of(agreed.version().clone());
    app.knowledge.of_release(&project, &mut release);
    let file = FileFacts {
        filename: agreed.filename().as_str().into(),
        kind: agreed.filename().kind().clone(),
        version: Fact::Known(agreed.version().clone()),
        sha256: Fact::Known(agreed.sha256()),
        first_sha256: None,
        upload_time: Fact::Known(app.now()),
        first_seen: Fact::Known(app.now()),
        size: Fact::Known(received.finished.size()),
        yanked: Yanked::No,
        release: ReleaseShape::default(),
    };
    let upload = Upload {
        filename: &received.filename,
        sha256: agreed.sha256(),
        size: received.finished.size(),
        path: received.finished.path().to_path_buf(),
    };
    let content = contents::learn_of_upload(app, index, upload).await?;
    let facts = Facts {
        project: &project,
        release: Some(&release),
        file: Some(&file),
        content: content.as_ref(),
    };
    let decision = Arc::new(judge(facts, &app.policy(&index.name), app.now()));
    match decision.lets_through() {
        true => Ok(()),
        false => Err(evidence::refuse(app, &decision).await),
    }
}

async fn commit(
    app: &Arc<App>,
    (source, caller): (&SourceName, &Caller),
    received: Received,
    agreed: Agreed,
    Inside { bytes, parsed }: Inside,
) -> Result<Uploaded, FlowError> {
    let Received {
        form,
        finished,
        digests,
        ..
    } = received;
    let now = app.now();
    let new = NewFile {
        source: source.to_string(),
        project: agreed.project().clone(),
        display_name: parsed.name_text.to_string(),
        version: agreed.version().clone(),
        filename: agreed.filename().as_str().to_owned(),
        filetype: match form.filetype {
            Filetype::Wheel => "bdist_wheel",
            Filetype::Sdist => "sdist",
        }
        .to_owned(),
        sha256: finished.sha256(),
        md5: digests.md5,
        blake2_256: digests.blake2_256,
        size: finished.size(),
        upload_time: now,
        requires_python: parsed.requires_python.as_deref().map(str::to_owned),
        metadata_sha256: Some(Sha256::of(&bytes)),
        metadata_json: serde_json::to_string(&parsed).expect("metadata is text"),
        uploader: caller.token_name().unwrap_or_default(),
    };
    // Bytes that are going to be refused are not put into the vault first.
    if let Some(taken) = taken(app, &new).await? {
        return announce(app, &new, taken).await;
    }
    app.blobs.commit(finished).await?;
    app.blobs.put_bytes(bytes).await?;
    let published = publish(&app.db, &new, now).await?;
    still_here(app, &new).await?;
    announce(app, &new, published).await
}

/// Nothing is acknowledged whose bytes a deletion of the same content took away before its row was there.
/// Uploading the file again puts them back.
async fn still_here(app: &App, new: &NewFile) -> Result<(), FlowError> {
    let metadata = new.metadata_sha256.map(|sha256| (sha256, None));
    let file = (new.sha256, Some(new.size));
    for (sha256, size) in std::iter::once(file).chain(metadata) {
        let kept = app.blobs.size(&sha256).await?;
        if kept.is_none() || size.is_some_and(|size| kept != Some(size)) {
            let lost = "the same content was deleted meanwhile; upload the file again";
            return Err(std::io::Error::other(lost).into());
        }
    }
    Ok(())
}

/// Why the name of a file cannot be had, where that is known before it is tried.
async fn taken(app: &App, new: &NewFile) -> Result<Option<Published>, FlowError> {
    let files = hosted::files(&app.db, &new.source, &new.project).await?;
    let existing = files.into_iter().find(|file| file.filename == new.filename);
    Ok(existing.and_then(|existing| match existing.deleted_at {
        Some(_) => Some(Published::NameUsed),
        None if existing.sha256 != new.sha256 => Some(Published::Conflict {
            existing: Box::new(existing),
        }),
        None => None,
    }))
}

async fn announce(
    app: &Arc<App>,
    new: &NewFile,
    published: Published,
) -> Result<Uploaded, FlowError> {
    let filename = &new.filename;
    match published {
        Published::New => {
            app.reload_names_if_new(&new.project).await?;
            app.forget_hosted(&new.project);
            metrics::counter!("portcullis_uploads_total").increment(1);
            info!(project = %new.project, token = new.uploader, size = new.size, "published {filename}");
            Ok(Uploaded::New)
        }
        Published::Identical => Ok(Uploaded::Identical),
        // twine's --skip-existing looks for how this sentence begins.
        Published::Conflict { existing } => {
            let subject = format!("{}/{}/{filename}", new.source, new.project);
            let detail = serde_json::json!({
                "first": existing.sha256, "now": new.sha256, "who": new.uploader, "seen": "upload",
            });
            evidence::raise(app, "changed-hash", subject, detail);
            Err(FlowError::Invalid(format!(
                "File already exists ('{filename}', with sha256 {}). Files never change: publish a \
                 new version",
                existing.sha256
            )))
        }
        Published::NameUsed => Err(FlowError::Invalid(format!(
            "This filename has already been used ('{filename}'), and its file was deleted. File \
             names are never used again: publish a new version"
        ))),
    }
}

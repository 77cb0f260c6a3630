//! A project's page from one source: published here, out of a folder, or from an upstream, which is
//! asked once at a time, with validators, and whose last good page stands in while it is down.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use portcullis_core::fact::Origin;
use portcullis_core::index::{SourceKind, SourceName, Trust};
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::pypi::simple::{CoreMetadata, PageFile, ProjectPage, UploadTime, Yanked};
use portcullis_core::time::Timestamp;
use portcullis_store::hosted::{self, HostedFile};
use portcullis_store::pages::{self, KeptPage};
use portcullis_store::pins;
use portcullis_upstream::UpstreamError;
use portcullis_upstream::client::Validators;
use portcullis_upstream::simple_index::{Enrichment, FetchedPage, PageAnswer};
use tracing::warn;

use crate::app::{App, PageResult};
use crate::error::FlowError;
use crate::flow::evidence;
use crate::flow::kept_pages::{self, decode, memory_of};
use crate::jobs::monitor::projects::{self, Earlier};
use crate::offline;
use crate::source_page::{FirstSeen, Freshness, Memory, SourcePage};
use crate::sources::{FolderPlace, Source, Upstream};

/// How long it is believed that an upstream does not have a project.
const ABSENT_FOR: Duration = Duration::from_secs(30);

/// How long a page is used whose sizes and upload times could not be had.
const WITHOUT_DETAILS: Duration = Duration::from_secs(60);

/// How long a stale page is used before the upstream is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(10);

/// How long a page is used while the gateway is offline before it is looked what is in the vault.
const OFFLINE_FOR: Duration = Duration::from_secs(60);

/// How long a page out of a folder is shown before the folder is looked at again: nobody tells us when
/// a file is put into it.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(5);

/// What is known of a project in a source.
#[derive(Clone, Debug)]
pub enum Known {
    /// Its page.
    Page(Arc<SourcePage>),
    /// It does not have the project, as of a moment ago.
    Absent {
        /// Until when that is believed.
        until: Timestamp,
    },
}

impl Known {
    /// About how much memory it takes, in bytes.
    pub fn weight(&self) -> u32 {
        match self {
            Self::Page(page) => page.weight(),
            Self::Absent { .. } => 200,
        }
    }
}

/// The page of `project` in `source`; `None` when the source does not have the project.
///
/// # Errors
/// [`FlowError`] when the source cannot be asked and no page of it may stand in.
pub async fn source_page(
    app: &Arc<App>,
    source: &Arc<Source>,
    project: &ProjectName,
) -> PageResult {
    match &**source {
        Source::Hosted(name) => hosted_project(app, name, project).await,
        Source::Folder(folder) => folder_page(app, folder, project).await,
        Source::Upstream(upstream) if app.is_offline() => {
            offline_page(app, upstream, project).await
        }
        Source::Upstream(upstream) => upstream_page(app, upstream, project).await,
    }
}

/// What is known of `project` in `source` without asking anybody outside, however old it is.
///
/// # Errors
/// [`FlowError`] when the database or a folder fails.
pub async fn known_page(app: &Arc<App>, source: &Arc<Source>, project: &ProjectName) -> PageResult {
    let Source::Upstream(upstream) = &**source else {
        return source_page(app, source, project).await;
    };
    let source = upstream.origin.source.as_str();
    match pages::load(&app.db, source, project).await? {
        Some(kept) => {
            let freshness = Freshness::stale(app.now(), kept.checked_at);
            revive(app, upstream, project, &kept, freshness).await
        }
        None => Ok(None),
    }
}

/// What is published here of a project. It is asked of the database once, and again when something of the
/// project was published, yanked or deleted, here or by another process.
async fn hosted_project(app: &App, name: &SourceName, project: &ProjectName) -> PageResult {
    let key = (name.clone(), project.clone());
    let known = app.known_pages.get(&key);
    match known.filter(|_| app.hears_of_changes()) {
        Some(Known::Page(page)) => return Ok(Some(page)),
        Some(Known::Absent { .. }) => return Ok(None),
        None => {}
    }
    let changes = app.hosted_changes();
    let failed = |error| FlowError::SourceFailed {
        source_name: name.clone(),
        error: Arc::new(error),
    };
    let mut files = hosted::files(&app.db, name.as_str(), project)
        .await
        .map_err(failed)?;
    files.retain(|file| file.deleted_at.is_none());
    let page = (!files.is_empty()).then(|| {
        let origin = Origin {
            source: name.clone(),
            kind: SourceKind::Hosted,
            trust: Trust::Inside,
        };
        let page = hosted_page(project, &files);
        Arc::new(SourcePage::new(
            origin,
            page,
            &Memory::default(),
            Freshness::forever(),
        ))
    });
    let known = match &page {
        Some(page) => Known::Page(Arc::clone(page)),
        None => Known::Absent {
            until: Timestamp::from_millis(i64::MAX),
        },
    };
    // What was read before a change must not be remembered after it.
    app.remember_hosted(key, known, changes);
    Ok(page)
}

fn hosted_page(project: &ProjectName, files: &[HostedFile]) -> ProjectPage {
    let mut page = ProjectPage::empty(project.clone());
    page.files = files.iter().map(hosted_file).collect();
    page
}

fn hosted_file(file: &HostedFile) -> PageFile {
    let sha256 = |digest: portcullis_core::digest::Sha256| {
        [("sha256".into(), digest.to_hex().into())]
            .into_iter()
            .collect()
    };
    let mut listed = PageFile::new(&file.filename, "");
    listed.hashes = sha256(file.sha256);
    listed.size = Some(file.size);
    let text = file.upload_time.to_string().into();
    listed.upload_time = Some(UploadTime {
        at: file.upload_time,
        text,
    });
    listed.requires_python = file.requires_python.as_deref().map(Into::into);
    listed.core_metadata = match file.metadata_sha256 {
        Some(digest) if file.filename.ends_with(".whl") => CoreMetadata::Hashed(sha256(digest)),
        _ => CoreMetadata::Absent,
    };
    listed.yanked = match (file.yanked, file.yanked_reason.as_deref()) {
        (false, _) => Yanked::No,
        (true, None | Some("")) => Yanked::Yes,
        (true, Some(reason)) => Yanked::Because(reason.into()),
    };
    listed
}

async fn folder_page(app: &Arc<App>, folder: &FolderPlace, project: &ProjectName) -> PageResult {
    let page = folder
        .source
        .page(project)
        .await
        .map_err(|error| folder.failed(error))?;
    let Some(page) = page else { return Ok(None) };
    let first_seen = first_seen_by_pins(app, &folder.origin, &page).await?;
    let fresh = Freshness::until(after(app.now(), LOOK_AGAIN_AFTER));
    let memory = Memory::of_pins(first_seen);
    let page = SourcePage::new(folder.origin.clone(), page, &memory, fresh);
    Ok(Some(Arc::new(page)))
}

async fn first_seen_by_pins(
    app: &App,
    origin: &Origin,
    page: &ProjectPage,
) -> Result<FirstSeen, FlowError> {
    let pins = pins::pins(&app.db, origin.source.as_str(), &page.name).await?;
    Ok(pins
        .into_iter()
        .map(|pin| (pin.filename, pin.sha256))
        .collect())
}

async fn upstream_page(
    app: &Arc<App>,
    upstream: &Arc<Upstream>,
    project: &ProjectName,
) -> PageResult {
    let key = (upstream.origin.source.clone(), project.clone());
    let now = app.now();
    match app.known_pages.get(&key) {
        Some(Known::Page(page)) if page.freshness.is_fresh(now) => return Ok(Some(page)),
        Some(Known::Absent { until }) if now < until => return Ok(None),
        _ => {}
    }
    let flight = || refresh(Arc::clone(app), Arc::clone(upstream), project.clone());
    app.page_flights
        .run(key, flight)
        .await
        .map_err(|_| FlowError::Stopping)?
}

/// What the last good page has of what is in the vault, however old it is. Where there is neither, nobody knows
/// whether the upstream has the project.
async fn offline_page(
    app: &Arc<App>,
    upstream: &Arc<Upstream>,
    project: &ProjectName,
) -> PageResult {
    let source = &upstream.origin.source;
    let key = (source.clone(), project.clone());
    let now = app.now();
    if let Some(Known::Page(page)) = app.known_pages.get(&key)
        && page.freshness.stale_since.is_some()
        && page.freshness.is_fresh(now)
    {
        return Ok(Some(page));
    }
    let out_of_reach = || offline::out_of_reach(source);
    let kept = pages::load(&app.db, source.as_str(), project).await?;
    let kept = kept.ok_or_else(out_of_reach)?;
    let page = decode(project, &kept).ok_or_else(out_of_reach)?;
    let page = offline::keep_servable(app, source, page).await?;
    if page.files.is_empty() {
        return Err(out_of_reach());
    }
    let mut memory = Memory::of_pins(first_seen_by_pins(app, &upstream.origin, &page).await?);
    memory.carry_over(None, &memory_of(&kept));
    let freshness = Freshness::stale(after(now, OFFLINE_FOR), kept.checked_at);
    let page = SourcePage::new(upstream.origin.clone(), page, &memory, freshness);
    page.note_kept();
    let page = Arc::new(page);
    metrics::counter!("portcullis_offline_pages_total").increment(1);
    app.known_pages.insert(key, Known::Page(Arc::clone(&page)));
    Ok(Some(page))
}

/// Asks the upstream whether its page is still what we know, and remembers the answer. Without a database, what
/// is in memory stands in.
async fn refresh(app: Arc<App>, upstream: Arc<Upstream>, project: ProjectName) -> PageResult {
    let key = (upstream.origin.source.clone(), project.clone());
    let known = match app.known_pages.get(&key) {
        Some(Known::Page(page)) => Some(page),
        _ => None,
    };
    match ask_again(&app, &upstream, &project, known.clone()).await {
        Err(error) if error.is_outage_of_ours() => {
            let page = from_memory(&app, &upstream, known, error)?;
            app.known_pages.insert(key, Known::Page(Arc::clone(&page)));
            Ok(Some(page))
        }
        other => other,
    }
}

/// The page in memory while the database does not answer: as stale as with an upstream that is away, and within
/// the same bound.
fn from_memory(
    app: &App,
    upstream: &Upstream,
    known: Option<Arc<SourcePage>>,
    error: FlowError,
) -> Result<Arc<SourcePage>, FlowError> {
    let Some(page) = known else {
        return Err(error);
    };
    let now = app.now();
    let since = page.freshness.unconfirmed_since(upstream.fresh_for);
    if now >= after(since, upstream.stale_for) {
        return Err(error);
    }
    let (source, project) = (&upstream.origin.source, &page.page.name);
    warn!(%source, %project, "serving the page of {project} that is in memory, of {since}: {error}");
    metrics::counter!("portcullis_stale_pages_total", "source" => source.to_string()).increment(1);
    let freshness = Freshness::stale(after(now, RETRY_AFTER), since);
    Ok(Arc::new(page.with_freshness(freshness)))
}

async fn ask_again(
    app: &Arc<App>,
    upstream: &Arc<Upstream>,
    project: &ProjectName,
    known: Option<Arc<SourcePage>>,
) -> PageResult {
    let source = &upstream.origin.source;
    let key = (source.clone(), project.clone());
    // Asked before the database is: what is written down in between is not in what is loaded.
    let unkept = known.clone().filter(|known| !known.is_kept());
    let kept = pages::load(&app.db, source.as_str(), project).await?;
    let validators = kept.as_ref().map(|kept| Validators {
        etag: kept.etag.clone(),
        last_modified: kept.last_modified.clone(),
    });
    let answer = upstream
        .source
        .fetch_page(project, validators.as_ref())
        .await;
    let now = app.now();
    let fresh = Freshness::until(after(now, upstream.fresh_for));
    let page = match (answer, kept) {
        (Ok(PageAnswer::Absent), kept) => {
            let since = kept.map(|kept| kept.fetched_at);
            projects::report_absence(app, source, project, since);
            app.known_pages.insert(
                key,
                Known::Absent {
                    until: after(now, ABSENT_FOR),
                },
            );
            return Ok(None);
        }
        (Ok(PageAnswer::NotModified), Some(kept)) => {
            confirm(app, upstream, project, now);
            match known {
                Some(page) if page.freshness.stale_since.is_none() => {
                    page.freshness.extend(after(now, upstream.fresh_for));
                    page
                }
                _ => match revive(app, upstream, project, &kept, fresh.clone()).await? {
                    Some(page) => page,
                    None => fetch_anew(app, upstream, project, kept, fresh).await?,
                },
            }
        }
        (Ok(PageAnswer::NotModified), None) => return Err(unconditional(upstream)),
        (Ok(PageAnswer::Page(fetched)), kept) => {
            let before = Before { unkept, kept };
            take_in(app, upstream, *fetched, before, fresh).await?
        }
        (Err(error), kept) => stand_in(app, upstream, project, (known, kept), error).await?,
    };
    app.known_pages.insert(key, Known::Page(Arc::clone(&page)));
    Ok(Some(page))
}

fn after(moment: Timestamp, period: Duration) -> Timestamp {
    moment.plus_millis(i64::try_from(period.as_millis()).unwrap_or(i64::MAX))
}

fn unconditional(upstream: &Upstream) -> FlowError {
    FlowError::Unreachable {
        source_name: upstream.origin.source.clone(),
        error: UpstreamError::Invalid {
            place: upstream.origin.source.to_string(),
            problem: "no page to a request without a condition".to_owned(),
        },
    }
}

/// Fetches a page without a condition, because the one that is kept cannot be read any more.
async fn fetch_anew(
    app: &Arc<App>,
    upstream: &Arc<Upstream>,
    project: &ProjectName,
    kept: KeptPage,
    fresh: Freshness,
) -> Result<Arc<SourcePage>, FlowError> {
    let source = &upstream.origin.source;
    warn!(%source, %project, "the page of {project} that was kept cannot be read");
    match upstream.source.fetch_page(project, None).await {
        Ok(PageAnswer::Page(fetched)) => {
            let (unkept, kept) = (None, Some(kept));
            take_in(app, upstream, *fetched, Before { unkept, kept }, fresh).await
        }
        Ok(PageAnswer::NotModified | PageAnswer::Absent) => Err(unconditional(upstream)),
        Err(error) => Err(FlowError::Unreachable {
            source_name: source.clone(),
            error,
        }),
    }
}

fn confirm(app: &Arc<App>, upstream: &Upstream, project: &ProjectName, now: Timestamp) {
    let (app, source, project) = (
        Arc::clone(app),
        upstream.origin.source.clone(),
        project.clone(),
    );
    tokio::spawn(async move {
        if let Err(error) = pages::touch(&app.db, source.as_str(), &project, now).await {
            warn!(%source, %project, "could not note that the page of {project} is current: {error}");
        }
    });
}

/// What was known of a project before its page was fetched again.
struct Before {
    /// The page in memory, where it was on its way into the database.
    unkept: Option<Arc<SourcePage>>,
    /// The page in the database.
    kept: Option<KeptPage>,
}

/// A new page: what its files were first seen with is carried over, changes are reported, and the page
/// is kept for when the upstream is down.
async fn take_in(
    app: &Arc<App>,
    upstream: &Arc<Upstream>,
    fetched: FetchedPage,
    Before { unkept, kept }: Before,
    fresh: Freshness,
) -> Result<Arc<SourcePage>, FlowError> {
    let FetchedPage {
        mut page,
        mut validators,
        enrichment,
        ..
    } = fetched;
    let mut memory = Memory::of_pins(first_seen_by_pins(app, &upstream.origin, &page).await?);
    let before = kept.as_ref().and_then(|kept| decode(&page.name, kept));
    if let Some(kept) = &kept {
        memory.carry_over(before.as_ref(), &memory_of(kept));
    }
    if enrichment == Enrichment::Unavailable {
        remember_details(&mut page, before.as_ref());
        // Ask for all of it next time: the details may be there again.
        validators = Validators::default();
        fresh.shorten(after(app.now(), WITHOUT_DETAILS));
    }
    // A page that was fetched a moment ago may be on its way into the database.
    if let Some(known) = unkept {
        memory.carry_over(Some(&known.page), &known.memory());
    }
    memory.see(&page, app.now());
    let made = Arc::new(SourcePage::new(
        upstream.origin.clone(),
        page,
        &memory,
        fresh,
    ));
    evidence::report_changed_hashes(app, &made);
    if let (Some(page), Some(kept)) = (&before, &kept) {
        let fetched_at = kept.fetched_at;
        let earlier = Earlier { page, fetched_at };
        projects::report_changes(app, &made.origin.source, earlier, &made.page);
    }
    kept_pages::keep_in_background(app, &made, validators, memory, kept);
    Ok(made)
}

/// Fills in sizes and upload times that an earlier page had, for files that are still the same. An
/// upload time does not change because nobody could be asked for it.
fn remember_details(page: &mut ProjectPage, before: Option<&ProjectPage>) {
    let before: HashMap<&str, &PageFile> = before
        .iter()
        .flat_map(|page| &page.files)
        .map(|file| (&*file.filename, file))
        .collect();
    for file in &mut page.files {
        let Some(known) = before.get(&*file.filename) else {
            continue;
        };
        if file.sha256().is_none() || file.sha256() != known.sha256() {
            continue;
        }
        file.size = file.size.or(known.size);
        if file.upload_time.is_none() {
            file.upload_time.clone_from(&known.upload_time);
        }
    }
}

/// A kept page that is confirmed or stands in; `None` when it cannot be read.
async fn revive(
    app: &App,
    upstream: &Upstream,
    project: &ProjectName,
    kept: &KeptPage,
    freshness: Freshness,
) -> PageResult {
    let Some(page) = decode(project, kept) else {
        return Ok(None);
    };
    let mut memory = Memory::of_pins(first_seen_by_pins(app, &upstream.origin, &page).await?);
    memory.carry_over(None, &memory_of(kept));
    let page = SourcePage::new(upstream.origin.clone(), page, &memory, freshness);
    page.note_kept();
    Ok(Some(Arc::new(page)))
}

/// The last good page while the upstream cannot answer, within the configured bound.
async fn stand_in(
    app: &App,
    upstream: &Upstream,
    project: &ProjectName,
    (known, kept): (Option<Arc<SourcePage>>, Option<KeptPage>),
    error: UpstreamError,
) -> Result<Arc<SourcePage>, FlowError> {
    let source = &upstream.origin.source;
    let now = app.now();
    let unreachable = |error| FlowError::Unreachable {
        source_name: source.clone(),
        error,
    };
    let Some(kept) = kept else {
        warn!(%source, %project, "no page of {project}: {error}");
        return Err(unreachable(error));
    };
    if now >= after(kept.checked_at, upstream.stale_for) {
        warn!(%source, %project, "the page of {project} is too old to stand in: {error}");
        return Err(unreachable(error));
    }
    warn!(%source, %project, "serving the page of {project} of {}: {error}", kept.checked_at);
    metrics::counter!("portcullis_stale_pages_total", "source" => source.to_string()).increment(1);
    let freshness = Freshness::stale(after(now, RETRY_AFTER), kept.checked_at);
    if let Some(page) = known {
        return Ok(Arc::new(page.with_freshness(freshness)));
    }
    let revived = revive(app, upstream, project, &kept, freshness).await?;
    revived.ok_or_else(|| unreachable(error))
}

//! The last good page of every project of an outside source, as it is kept in the database, with what is
//! remembered of its files from earlier pages. Asking sources is `source_pages`.

use std::sync::Arc;

use portcullis_core::pypi::name::ProjectName;
use portcullis_core::pypi::simple::ProjectPage;
use portcullis_core::pypi::simple_json::{self, Namespaces};
use portcullis_store::StoreError;
use portcullis_store::pages::{self, KeptPage, NewPage, Saved};
use portcullis_upstream::client::Validators;
use tracing::{debug, warn};

use crate::app::App;
use crate::source_page::{FirstSeen, Memory, SourcePage};

/// What was remembered of a project's files when its page was kept.
pub(super) fn memory_of(kept: &KeptPage) -> Memory {
    read_memory(&kept.claims).since(kept.fetched_at)
}

/// Pages that were kept by earlier releases remember digests alone.
fn read_memory(claims: &[u8]) -> Memory {
    serde_json::from_slice(claims).unwrap_or_else(|_| {
        let digests: FirstSeen = serde_json::from_slice(claims).unwrap_or_default();
        Memory::of_pins(digests)
    })
}

fn written(memory: &Memory) -> Vec<u8> {
    serde_json::to_vec(memory).expect("names, digests and times are JSON")
}

/// The page itself; `None` when it cannot be read any more.
pub(super) fn decode(project: &ProjectName, kept: &KeptPage) -> Option<ProjectPage> {
    let body = zstd::stream::decode_all(&kept.body[..]).ok()?;
    simple_json::parse(&body, project).ok()
}

/// Keeps a page, in place of `kept`, without making anybody wait for it.
pub(super) fn keep_in_background(
    app: &Arc<App>,
    made: &Arc<SourcePage>,
    validators: Validators,
    memory: Memory,
    kept: Option<KeptPage>,
) {
    let (app, source) = (Arc::clone(app), made.origin.source.clone());
    let (made, project) = (Arc::clone(made), made.page.name.clone());
    tokio::spawn(async move {
        let now = app.now();
        let rendered = Arc::clone(&made);
        let compressed = tokio::task::spawn_blocking(move || {
            let page = rendered.as_its_source_has_it();
            let body = simple_json::render(&page, Namespaces::Unsupported);
            zstd::bulk::compress(&body, 1)
        })
        .await;
        let Ok(Ok(body)) = compressed else { return };
        let page = NewPage {
            body,
            content_kind: "json+zstd".to_owned(),
            etag: validators.etag,
            last_modified: validators.last_modified,
            fetched_at: now,
            checked_at: now,
            claims: written(&memory),
        };
        let replaces = kept.map(|kept| kept.generation);
        match save(&app, source.as_str(), &project, page, replaces).await {
            Ok(Saved::As(_)) => made.note_kept(),
            Ok(Saved::Raced) => {
                debug!(%source, %project, "the page of {project} was kept by other replicas");
            }
            Err(error) => {
                warn!(%source, %project, "could not keep the page of {project}: {error}");
            }
        }
    });
}

/// Saves a page. Where another one was saved meanwhile, by another replica most likely, what is
/// remembered of its files is taken over and it is tried again.
async fn save(
    app: &App,
    source: &str,
    project: &ProjectName,
    mut page: NewPage,
    mut replaces: Option<i64>,
) -> Result<Saved, StoreError> {
    for _ in 0..5 {
        if let Saved::As(generation) =
            pages::save(&app.db, source, project, &page, replaces).await?
        {
            return Ok(Saved::As(generation));
        }
        let Some(other) = pages::load(&app.db, source, project).await? else {
            replaces = None;
            continue;
        };
        let mut memory = read_memory(&page.claims);
        memory.carry_over(decode(project, &other).as_ref(), &memory_of(&other));
        page.claims = written(&memory);
        replaces = Some(other.generation);
    }
    Ok(Saved::Raced)
}

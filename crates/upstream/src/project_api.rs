//! The project API beside a simple index (`/pypi/<project>/json`), asked for what HTML pages lack.
//! It is a courtesy: whatever goes wrong here, the page stands as it is.

use std::sync::PoisonError;
use std::time::Duration;

use portcullis_core::pypi::name::ProjectName;
use portcullis_core::pypi::project_json::{self, ProjectJson};
use portcullis_core::pypi::simple::ProjectPage;
use tokio::time::Instant;
use url::Url;

use crate::client::Fetched;
use crate::simple_index::Enrichment;
use crate::source::UpstreamSource;

/// How long a source that has no project API is not asked for it again.
const FORGET_ABSENCE: Duration = Duration::from_secs(60 * 60);

/// How long a project API that failed is not asked again.
const FORGET_FAILURE: Duration = Duration::from_secs(60);

/// How long a page waits for it.
const PATIENCE: Duration = Duration::from_secs(15);

/// What was learned about a source's project API.
#[derive(Debug, Default)]
pub(crate) struct ProjectApiMemory {
    /// Pages of this source lack details, so that the project API is asked along with them.
    is_needed: bool,
    silent_until: Option<Instant>,
}

/// What the project API said: nothing when it has nothing, failed, or was not asked.
pub(crate) type Details = Option<ProjectJson>;

impl UpstreamSource {
    /// The request to make along with the page's, where earlier pages of this source needed it.
    pub(crate) fn ask_early(&self, project: &ProjectName) -> Option<impl Future<Output = Details>> {
        let is_needed = self.memory(|memory| memory.is_needed);
        let project = project.clone();
        is_needed.then_some(async move { self.ask_project_api(&project).await })
    }

    /// Asks the project API, unless it is known to be silent.
    pub(crate) async fn ask_project_api(&self, project: &ProjectName) -> Details {
        let url = project_url(&self.root, project)?;
        let now = Instant::now();
        if self.memory(|memory| memory.silent_until.is_some_and(|until| now < until)) {
            return None;
        }
        let limit = self.limits.page_bytes;
        let patience = PATIENCE.min(self.timeouts.page / 2);
        let fetch = self.client.fetch(&url, "application/json", None, limit);
        let pause = match tokio::time::timeout(patience, fetch).await {
            Ok(Ok(Fetched::Document(document))) => return parse(document.bytes).await,
            Ok(Ok(Fetched::Absent | Fetched::NotModified)) => FORGET_ABSENCE,
            Ok(Err(error)) => {
                tracing::debug!(project = %project, source = self.name(), "no details: {error}");
                FORGET_FAILURE
            }
            Err(_) => FORGET_FAILURE,
        };
        self.remember_silence(now + pause);
        None
    }

    /// Fills the gaps of `page`, and remembers that pages of this source have some.
    pub(crate) fn enrich(&self, page: &mut ProjectPage, details: Details) -> Enrichment {
        self.memory(|memory| memory.is_needed = true);
        match details {
            Some(details) => {
                let found = project_json::enrich(page, &details);
                Enrichment::Done {
                    contradictions: found.contradictions,
                }
            }
            None => Enrichment::Unavailable,
        }
    }

    fn remember_silence(&self, until: Instant) {
        self.memory(|memory| memory.silent_until = Some(until));
    }

    fn memory<T>(&self, look: impl FnOnce(&mut ProjectApiMemory) -> T) -> T {
        look(
            &mut self
                .project_api
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }
}

async fn parse(bytes: bytes::Bytes) -> Details {
    let parse = move || project_json::parse(&bytes).ok();
    tokio::task::spawn_blocking(parse).await.ok().flatten()
}

/// `…/simple/` → `…/pypi/<project>/json`; other roots have no project API that we know of.
fn project_url(root: &Url, project: &ProjectName) -> Option<Url> {
    let before = root.path().strip_suffix("/simple/")?;
    let mut url = root.clone();
    url.set_path(&format!("{before}/pypi/{project}/json"));
    Some(url)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_project_api_is_beside_the_simple_one() {
        let project = ProjectName::new("foo").unwrap();
        for (root, expected) in [
            (
                "https://a.example/simple/",
                Some("https://a.example/pypi/foo/json"),
            ),
            (
                "https://a.example/api/r/simple/",
                Some("https://a.example/api/r/pypi/foo/json"),
            ),
            ("https://a.example/", None),
            ("https://a.example/root/pypi/+simple/", None),
        ] {
            let found = project_url(&root.parse().unwrap(), &project);
            assert_eq!(found.as_ref().map(Url::as_str), expected, "{root}");
        }
    }
}

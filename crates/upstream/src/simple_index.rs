//! Asking a remote index for a project's page: JSON (PEP 691) or HTML (PEP 503) read into the one
//! model, with absolute addresses, and with sizes and upload times from the project API where the
//! page has none. Nothing is cached here.

use std::sync::Arc;

use futures_util::future::{self, Either};
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::pypi::simple::{PageError, PageFile, ProjectList, ProjectPage};
use portcullis_core::pypi::{simple_html, simple_json};
use url::{Position, Url};

use crate::client::{Document, Fetched, Validators};
use crate::error::{Trouble, UpstreamError, chain};
use crate::project_api::Details;
use crate::source::{UpstreamSource, Ward};

/// What is accepted, best first (PEP 691): HTML is what old indexes have.
const ACCEPT_PAGE: &str = "application/vnd.pypi.simple.v1+json, \
                           application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01";

/// A source's answer for a project.
#[derive(Clone, Debug)]
pub enum PageAnswer {
    /// The page is still the one that the validators describe.
    NotModified,
    /// The source does not have the project (404, 410).
    Absent,
    /// The page.
    Page(Box<FetchedPage>),
}

/// A project's page as a source has it.
#[derive(Clone, Debug)]
pub struct FetchedPage {
    /// The page; the addresses of its files are absolute and http or https.
    pub page: ProjectPage,
    /// What to recognise it by.
    pub validators: Validators,
    /// Which form it had.
    pub form: PageForm,
    /// Whether sizes and upload times had to be looked for elsewhere.
    pub enrichment: Enrichment,
    /// How many files were left out because of their address: `javascript:`, `data:`, `file:`, or
    /// nothing that can be resolved.
    pub dropped: usize,
}

/// The two forms of the simple API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageForm {
    /// PEP 691.
    Json,
    /// PEP 503.
    Html,
}

/// Where a page's sizes and upload times come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Enrichment {
    /// The page has them.
    NotNeeded,
    /// The source's project API filled the gaps that it knows of.
    Done {
        /// Files for which the page and the project API give different hashes; nothing was filled
        /// in for them.
        contradictions: Vec<Arc<str>>,
    },
    /// They are missing: the source has no project API, or it did not answer.
    Unavailable,
}

/// A source's answer for the list of its projects.
#[derive(Clone, Debug)]
pub enum ListAnswer {
    /// The list is still the one that the validators describe.
    NotModified,
    /// The source has no list (404, 410).
    Absent,
    /// The projects, and what to recognise the list by.
    List(Box<ProjectList>, Validators),
}

impl UpstreamSource {
    /// Asks for the page of `project`, unless it is still what `validators` describe.
    ///
    /// # Errors
    /// [`UpstreamError`]: an outage, a refusal, a page that is none, an address that is not asked.
    pub async fn fetch_page(
        &self,
        project: &ProjectName,
        validators: Option<&Validators>,
    ) -> Result<PageAnswer, UpstreamError> {
        let url = self.page_url(project)?;
        let fetch = self
            .client
            .fetch(&url, ACCEPT_PAGE, validators, self.limits.page_bytes);
        let page = self.through_breaker(Ward::Pages, &url, self.in_time(&url, fetch));
        // A page that is asked for again is likely not modified; then nothing else is needed.
        let early = if validators.is_none() {
            self.ask_early(project)
        } else {
            None
        };
        let (fetched, details) = match early {
            Some(details) => page_and_details(page, details).await?,
            None => (page.await?, None),
        };
        let document = match fetched {
            Fetched::NotModified => return Ok(PageAnswer::NotModified),
            Fetched::Absent => return Ok(PageAnswer::Absent),
            Fetched::Document(document) => document,
        };
        let mut read = read_page(document, project).await?;
        if lacks_details(&read.page) {
            let details = match details {
                Some(details) => details,
                None => self.ask_project_api(project).await,
            };
            read.enrichment = self.enrich(&mut read.page, details);
        }
        Ok(PageAnswer::Page(Box::new(read)))
    }

    /// Asks for the list of all projects, unless it is still what `validators` describe.
    ///
    /// # Errors
    /// As [`UpstreamSource::fetch_page`].
    pub async fn fetch_list(
        &self,
        validators: Option<&Validators>,
    ) -> Result<ListAnswer, UpstreamError> {
        let url = self.root.clone();
        let limit = self.limits.page_bytes;
        let fetch = self.client.fetch(&url, ACCEPT_PAGE, validators, limit);
        let fetched = self
            .through_breaker(Ward::Pages, &url, self.in_time(&url, fetch))
            .await?;
        match fetched {
            Fetched::NotModified => Ok(ListAnswer::NotModified),
            Fetched::Absent => Ok(ListAnswer::Absent),
            Fetched::Document(document) => {
                let validators = document.validators.clone();
                let parse = |form, bytes: &[u8]| match form {
                    PageForm::Json => simple_json::parse_list(bytes),
                    PageForm::Html => simple_html::parse_list(&String::from_utf8_lossy(bytes)),
                };
                let (_, list) = read_document(document, parse).await?;
                Ok(ListAnswer::List(Box::new(list), validators))
            }
        }
    }

    fn page_url(&self, project: &ProjectName) -> Result<Url, UpstreamError> {
        let joined = self.root.join(&format!("{project}/"));
        joined.map_err(|_| UpstreamError::invalid(&self.root, "it is no base for other URLs"))
    }

    async fn in_time<T>(
        &self,
        url: &Url,
        work: impl Future<Output = Result<T, UpstreamError>>,
    ) -> Result<T, UpstreamError> {
        let allowed = self.timeouts.page;
        tokio::time::timeout(allowed, work)
            .await
            .unwrap_or_else(|_| {
                let text = format!("no whole page within {} s", allowed.as_secs_f32());
                Err(UpstreamError::unreachable(url, Trouble::Timeout(text)))
            })
    }
}

/// Waits for a page and its details together, but not for details of what is no page.
async fn page_and_details(
    page: impl Future<Output = Result<Fetched, UpstreamError>>,
    details: impl Future<Output = Details>,
) -> Result<(Fetched, Option<Details>), UpstreamError> {
    match future::select(Box::pin(page), Box::pin(details)).await {
        Either::Right((details, page)) => Ok((page.await?, Some(details))),
        Either::Left((fetched, details)) => match fetched? {
            Fetched::Document(document) => Ok((Fetched::Document(document), Some(details.await))),
            other => Ok((other, None)),
        },
    }
}

async fn read_page(
    document: Document,
    project: &ProjectName,
) -> Result<FetchedPage, UpstreamError> {
    let (base, validators) = (document.url.clone(), document.validators.clone());
    let expected = project.clone();
    let parse = move |form, bytes: &[u8]| {
        let mut page = match form {
            PageForm::Json => simple_json::parse(bytes, &expected)?,
            PageForm::Html => simple_html::parse(&String::from_utf8_lossy(bytes), &expected)?,
        };
        let listed = page.files.len();
        let mut addresses = Addresses::relative_to(base);
        page.files.retain_mut(|file| addresses.resolve(file));
        let dropped = listed - page.files.len();
        Ok((page, dropped))
    };
    let (form, (page, dropped)) = read_document(document, parse).await?;
    let enrichment = Enrichment::NotNeeded;
    Ok(FetchedPage {
        page,
        validators,
        form,
        enrichment,
        dropped,
    })
}

/// Parses a document of either form, away from the threads that serve requests.
async fn read_document<T: Send + 'static>(
    document: Document,
    parse: impl FnOnce(PageForm, &[u8]) -> Result<T, PageError> + Send + 'static,
) -> Result<(PageForm, T), UpstreamError> {
    let Document {
        url,
        media_type,
        bytes,
        ..
    } = document;
    let form = page_form(&media_type).ok_or_else(|| {
        let shown: String = media_type.chars().take(80).collect();
        UpstreamError::invalid(&url, format!("content type {shown:?} is no index page"))
    })?;
    let parsed = tokio::task::spawn_blocking(move || parse(form, &bytes)).await;
    let parsed = parsed.map_err(|_| UpstreamError::invalid(&url, "the page cannot be read"))?;
    let parsed = parsed.map_err(|error| UpstreamError::invalid(&url, chain(&error)))?;
    Ok((form, parsed))
}

/// PEP 691's media types; `latest` must not be answered, and is.
fn page_form(media_type: &str) -> Option<PageForm> {
    match media_type {
        "application/vnd.pypi.simple.v1+json" | "application/vnd.pypi.simple.latest+json" => {
            Some(PageForm::Json)
        }
        "application/vnd.pypi.simple.v1+html"
        | "application/vnd.pypi.simple.latest+html"
        | "text/html" => Some(PageForm::Html),
        _ => None,
    }
}

/// The addresses of a page's files, made absolute one after the other.
struct Addresses {
    base: Url,
    /// How the last address began, up to the slash before its path, and how it begins when it is made
    /// absolute: the same, so that nothing has to be done for one that begins so.
    usual: String,
}

impl Addresses {
    fn relative_to(base: Url) -> Self {
        let usual = String::new();
        Self { base, usual }
    }

    /// Makes a file's address absolute, without userinfo and fragment; false when it is not one that files
    /// are fetched from.
    fn resolve(&mut self, file: &mut PageFile) -> bool {
        if self.is_as_it_should_be(&file.url) {
            return true;
        }
        let Ok(url) = self.base.join(&file.url) else {
            return false;
        };
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return false;
        }
        let mut url = crate::redact::without_userinfo(url);
        url.set_fragment(None);
        let origin = &url[..Position::BeforePath];
        if file
            .url
            .strip_prefix(origin)
            .is_some_and(|path| path.starts_with('/'))
        {
            origin.clone_into(&mut self.usual);
        }
        file.url = String::from(url).into();
        true
    }

    /// Whether an address begins as the last one and goes on with segments in which there is nothing that
    /// could be written otherwise.
    fn is_as_it_should_be(&self, address: &str) -> bool {
        let Some(path) = address.strip_prefix(&*self.usual) else {
            return false;
        };
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+".contains(&byte);
        let mut segments = path.split('/');
        !self.usual.is_empty()
            && path.len() > 1
            && segments.next() == Some("")
            && segments.all(|segment| {
                !segment.is_empty()
                    && !segment.bytes().all(|byte| byte == b'.')
                    && segment.bytes().all(is_plain)
            })
    }
}

fn lacks_details(page: &ProjectPage) -> bool {
    page.files
        .iter()
        .any(|file| file.size.is_none() || file.upload_time.is_none())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn base() -> Url {
        Url::parse("https://index.example/simple/demo/").expect("a URL")
    }

    fn resolved(addresses: &mut Addresses, address: &str) -> Option<String> {
        let mut file = PageFile::new("demo-1.0.tar.gz", address);
        addresses.resolve(&mut file).then(|| file.url.to_string())
    }

    proptest! {
        #[test]
        fn an_address_is_the_same_whatever_came_before_it(
            first in "(https://files\\.example/a/b)|(HTTP://files\\.example:80/a)|(x/y)",
            then in "(https?://files\\.example)?(:80|:443|:8)?[/.a-z0-9%@#?\\\\ _+~-]{0,20}",
        ) {
            let mut used = Addresses::relative_to(base());
            resolved(&mut used, &first);
            let fresh = resolved(&mut Addresses::relative_to(base()), &then);
            prop_assert_eq!(resolved(&mut used, &then), fresh);
        }
    }

    #[test]
    fn addresses_of_one_host_are_taken_as_they_are() {
        let mut addresses = Addresses::relative_to(base());
        let first = "https://files.example/a/demo-1.0.tar.gz";
        assert_eq!(resolved(&mut addresses, first).as_deref(), Some(first));
        assert_eq!(addresses.usual, "https://files.example");
        assert!(addresses.is_as_it_should_be("https://files.example/b/demo-2.0+local.tar.gz"));
        for other in [
            "https://files.example",
            "https://files.example/",
            "https://files.example/b/../c",
            "https://files.example/./c",
            "https://files.example//c",
            "https://files.example/b/",
            "https://files.example.invalid/b",
            "https://files.example/b#sha256=a",
            "https://files.example/b%2Fc",
        ] {
            assert!(!addresses.is_as_it_should_be(other), "{other}");
        }
    }
}

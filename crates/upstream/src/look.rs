//! Looking at an index without wanting anything of it: whether it answers, how soon, in which version of the
//! simple API, and what time it is there.

use std::time::{Duration, Instant, SystemTime};

use portcullis_core::pypi::name::ProjectName;
use reqwest::header::{ACCEPT, CONTENT_TYPE, DATE, HeaderMap, HeaderValue};

use crate::body::read_whole;
use crate::client::{Coding, is_absence, status_error, text};
use crate::error::UpstreamError;
use crate::source::UpstreamSource;

/// What was seen of an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// How long it took until its answer began.
    pub first_byte: Duration,
    /// The media type of its answer, without parameters.
    pub media_type: String,
    /// The version of the simple API (PEP 629), where its JSON tells.
    pub api_version: Option<String>,
    /// What time it is there, to the second, as its `Date` header says.
    pub date: Option<SystemTime>,
}

const FORMS: &str = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.5, \
                     text/html;q=0.2";

/// A page is read so far.
const LIMIT: u64 = 64 << 20;

impl UpstreamSource {
    /// Asks for the page of a project, past the breaker, and says what was seen. That the index does not have
    /// it is an answer.
    ///
    /// # Errors
    /// [`UpstreamError`] when it does not answer, or refuses to.
    pub async fn look(&self, project: &ProjectName) -> Result<Seen, UpstreamError> {
        let root = self.root();
        let url = root
            .join(&format!("{project}/"))
            .map_err(|_| UpstreamError::invalid(root, "its address takes no project"))?;
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static(FORMS));
        let begun = Instant::now();
        let (url, response) = self
            .client()
            .send(&url, &headers, Coding::Transparent)
            .await?;
        let first_byte = begun.elapsed();
        let status = response.status();
        if !status.is_success() && !is_absence(status) {
            return Err(status_error(&url, status, response.headers()));
        }
        let date = text(response.headers(), DATE);
        let date = date.and_then(|date| httpdate::parse_http_date(&date).ok());
        let media_type = text(response.headers(), CONTENT_TYPE).unwrap_or_default();
        let media_type = media_type
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_owned();
        let bytes = read_whole(&url, response, LIMIT).await?;
        Ok(Seen {
            first_byte,
            media_type,
            api_version: api_version(&bytes),
            date,
        })
    }
}

fn api_version(bytes: &[u8]) -> Option<String> {
    let page: serde_json::Value = serde_json::from_slice(bytes).ok()?;
    page["meta"]["api-version"].as_str().map(str::to_owned)
}

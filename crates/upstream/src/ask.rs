//! Sending a file to a service that says something about it, past the same guard as every other request.
//! Redirects are not followed.

use bytes::Bytes;
use reqwest::Body;
use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH, HeaderMap, HeaderValue};
use tokio::fs::File;
use url::Url;

use crate::body::read_whole;
use crate::client::{Coding, HttpClient};
use crate::error::UpstreamError;

/// What a service answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// The body, whole.
    pub bytes: Bytes,
}

/// A file on its way to a service.
#[derive(Debug)]
pub struct Shown {
    /// The file, at its beginning.
    pub file: File,
    /// How many bytes it has.
    pub length: u64,
    /// What is said of it.
    pub headers: HeaderMap,
}

impl HttpClient {
    /// Sends a file to `url` with a POST as it is read, and reads the answer, of at most `limit` bytes.
    /// Every status is an answer. It is not repeated, and it takes as long as it takes: the caller knows how
    /// long that may be.
    ///
    /// # Errors
    /// [`UpstreamError::Unreachable`] when there is no answer, [`UpstreamError::Invalid`] when it is too
    /// long, [`UpstreamError::Forbidden`] when the guard keeps the address closed.
    pub async fn show(&self, url: &Url, shown: Shown, limit: u64) -> Result<Reply, UpstreamError> {
        let url = crate::redact::without_userinfo(url.clone());
        let client = self.client_for(&url, Coding::Identity).await?;
        let mut request = client.post(url.clone()).headers(shown.headers);
        if let Some(authorization) = self.authorization_for(&url) {
            request = request.header(AUTHORIZATION, authorization);
        }
        let request = request
            .header(CONTENT_LENGTH, HeaderValue::from(shown.length))
            .body(Body::from(shown.file));
        let response = Box::pin(request.send())
            .await
            .map_err(|error| UpstreamError::from_transport(&url, error))?;
        let status = response.status().as_u16();
        let bytes = read_whole(&url, response, limit).await?;
        Ok(Reply { status, bytes })
    }
}

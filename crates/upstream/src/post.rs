//! Sending a document to somebody who wants to be told, past the same guard as every other request.
//! Redirects are not followed, and what the receiver answers beside its status is not read.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use url::Url;

use crate::client::{Coding, HttpClient, retry_after_at, text};
use crate::error::UpstreamError;

/// What a receiver answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The status code.
    pub status: u16,
    /// How long it asks us to wait.
    pub retry_after: Option<Duration>,
}

impl HttpClient {
    /// Sends `body` to `url` with a POST. Every status is an answer. It is not repeated: the caller
    /// knows when that is wanted.
    ///
    /// # Errors
    /// [`UpstreamError::Unreachable`] when there is no answer, [`UpstreamError::Forbidden`] when the
    /// guard keeps the address closed.
    pub async fn post(
        &self,
        url: &Url,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Answered, UpstreamError> {
        let client = self.client_for(url, Coding::Identity).await?;
        let request = client.post(url.clone()).headers(headers).body(body);
        let response = Box::pin(request.send())
            .await
            .map_err(|error| UpstreamError::from_transport(url, error))?;
        let wait = text(response.headers(), RETRY_AFTER);
        Ok(Answered {
            status: response.status().as_u16(),
            retry_after: wait.and_then(|value| retry_after_at(&value, SystemTime::now())),
        })
    }
}

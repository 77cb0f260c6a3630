//! Asking a service: the file is posted to it as it is read, and it answers what it finds. Its host is the
//! only one that is asked; redirects are not followed.

use std::path::Path;

use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use portcullis_upstream::ask::Shown;
use portcullis_upstream::client::HttpClient;
use portcullis_upstream::environment::Environment;
use portcullis_upstream::source::UpstreamConfig;
use url::Url;

use super::Asked;
use super::answer::{Answered, LONGEST};

/// The headers that tell the file's name and its digest.
const FILENAME: HeaderName = HeaderName::from_static("portcullis-filename");
const SHA256: HeaderName = HeaderName::from_static("portcullis-sha256");

/// A service.
pub(super) struct Service {
    url: Url,
    /// Or why it cannot be asked.
    client: Result<HttpClient, String>,
}

impl Service {
    /// The service at `url`, which may hold credentials.
    pub(super) fn new(url: &Url) -> Self {
        let config = UpstreamConfig::new("scanner", url.clone());
        let client = HttpClient::new(&config, &Environment::of_this_process());
        Self {
            url: url.clone(),
            client: client.map_err(|error| error.to_string()),
        }
    }

    /// Posts the file at `path`, of `length` bytes.
    pub(super) async fn ask(&self, path: &Path, length: u64, asked: Asked<'_>) -> Answered {
        match self.reply(path, length, asked).await {
            Ok(answered) => answered,
            Err(why) => Answered::failed(why),
        }
    }

    async fn reply(&self, path: &Path, length: u64, asked: Asked<'_>) -> Result<Answered, String> {
        let client = self.client.as_ref().map_err(Clone::clone)?;
        let file = tokio::fs::File::open(path).await;
        let file = file.map_err(|error| format!("the file cannot be read: {error}"))?;
        let shown = Shown {
            file,
            length,
            headers: headers(asked),
        };
        let reply = client.show(&self.url, shown, LONGEST as u64).await;
        let reply = reply.map_err(|error| error.to_string())?;
        match reply.status {
            200..=299 => Ok(Answered::read(&reply.bytes)),
            status => Err(format!("it answered HTTP {status}")),
        }
    }
}

fn headers(asked: Asked<'_>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let binary = HeaderValue::from_static("application/octet-stream");
    headers.insert(CONTENT_TYPE, binary);
    let digest = asked.sha256.to_hex();
    let name = percent_encoding::utf8_percent_encode(asked.filename, NAME).to_string();
    for (header, value) in [(FILENAME, name), (SHA256, digest)] {
        headers.extend(
            HeaderValue::try_from(value)
                .ok()
                .map(|value| (header, value)),
        );
    }
    headers
}

/// What stands for itself in the header with the name: what file names of distributions are made of.
const NAME: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'+')
    .remove(b'!');

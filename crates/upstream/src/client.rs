//! [`HttpClient`], the one HTTP client of the house: timeouts, own roots, configured proxy,
//! redirects followed by hand so that every hop is judged, and credentials for the source's origin
//! only.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use backon::{ExponentialBuilder, Retryable as _};
use bytes::Bytes;
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue,
    IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, LOCATION, RETRY_AFTER,
};
use reqwest::{Client, Response, StatusCode, redirect};
use url::Url;

use crate::body::read_whole;
use crate::credentials::Credentials;
use crate::environment::Environment;
use crate::error::{Trouble, UpstreamError};
use crate::guard::{FilteringResolver, Guard, Road};
use crate::line::Line;
use crate::proxy::Proxies;
use crate::source::{SetupError, UpstreamConfig};
use crate::tls::{install_crypto_provider, read_certificates};

/// How many redirects are followed.
pub const MAX_REDIRECTS: usize = 5;

const USER_AGENT: &str = concat!("portcullis/", env!("CARGO_PKG_VERSION"));

/// What a server said to recognise a document by when it is asked for again (RFC 9110, 8.8).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Validators {
    /// The `ETag`, verbatim.
    pub etag: Option<String>,
    /// The `Last-Modified`, verbatim.
    pub last_modified: Option<String>,
}

impl Validators {
    /// Whether there is nothing to recognise it by.
    pub fn is_empty(&self) -> bool {
        self.etag.is_none() && self.last_modified.is_none()
    }
}

/// The answer to a request for a document.
#[derive(Clone, Debug)]
pub enum Fetched {
    /// It is still what the validators describe.
    NotModified,
    /// There is no such document (404, 410).
    Absent,
    /// The document.
    Document(Document),
}

/// A document that was read whole.
#[derive(Clone, Debug)]
pub struct Document {
    /// Where it was in the end, after redirects.
    pub url: Url,
    /// Its media type in lower case, without parameters; empty when the server named none.
    pub media_type: String,
    /// What to recognise it by.
    pub validators: Validators,
    /// Its bytes, decompressed.
    pub bytes: Bytes,
}

/// How the bytes of an answer may be encoded on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    /// gzip is offered and undone.
    Transparent,
    /// None is offered and none is undone: files are hashed as they are.
    Identity,
}

/// The client of one source. Cheap to clone; clones share connections.
#[derive(Clone, Debug)]
pub struct HttpClient {
    documents: Pair,
    files: Pair,
    guard: Arc<Guard>,
    authorization: Option<HeaderValue>,
    goes_through_proxy: bool,
    line: Line,
}

/// A client for hosts that the configuration names, and one whose resolver filters.
#[derive(Clone, Debug)]
struct Pair {
    trusted: Client,
    guarded: Client,
}

impl HttpClient {
    /// The client for the source that `config` describes, with its credentials. Feeds and other
    /// documents have sources of their own, so that their hosts are named and guarded alike.
    ///
    /// # Errors
    /// [`SetupError`] when the URL is not http or https, or when the credentials, the proxy or a
    /// certificate file that the configuration names cannot be used.
    pub fn new(config: &UpstreamConfig, environment: &Environment) -> Result<Self, SetupError> {
        Self::guarded_by(config, environment, |root, proxy_hosts| {
            Guard::new(root, config.allow_hosts.clone(), proxy_hosts)
        })
    }

    /// A client that asks nothing inside the organisation, not even the host of `config`, and shows
    /// it no credentials.
    ///
    /// # Errors
    /// [`SetupError`] as for [`HttpClient::new`].
    pub fn distrusting(
        config: &UpstreamConfig,
        environment: &Environment,
    ) -> Result<Self, SetupError> {
        Self::guarded_by(config, environment, Guard::distrusting)
    }

    fn guarded_by(
        config: &UpstreamConfig,
        environment: &Environment,
        guard: impl FnOnce(&Url, Vec<String>) -> Guard,
    ) -> Result<Self, SetupError> {
        // Userinfo may have been put into the URL after `UpstreamConfig::new`.
        let mut root = config.url.clone();
        let in_url = Credentials::take_from(&mut root);
        if !matches!(root.scheme(), "http" | "https") || root.host_str().is_none() {
            return Err(SetupError::Url(crate::redact::redacted(&root)));
        }
        let configured = config.credentials.read(&root, environment)?;
        let authorization = configured
            .or(in_url)
            .map(|credentials| credentials.header())
            .transpose()?;
        install_crypto_provider();
        let proxies = config.proxy.read(environment)?;
        let guard = Arc::new(guard(&root, proxies.hosts.clone()));
        let pair = |coding| -> Result<Pair, SetupError> {
            Ok(Pair {
                trusted: build(config, &proxies, coding, None)?,
                guarded: build(config, &proxies, coding, Some(Arc::clone(&guard)))?,
            })
        };
        Ok(Self {
            documents: pair(Coding::Transparent)?,
            files: pair(Coding::Identity)?,
            guard,
            authorization,
            goes_through_proxy: !proxies.proxies.is_empty(),
            line: config.line.clone(),
        })
    }

    /// Fetches a document of at most `limit` bytes, unless it is still what `validators` describe.
    /// Connection failures and failures of a gateway are retried twice, quickly.
    ///
    /// # Errors
    /// [`UpstreamError`]; a document that does not exist is not one.
    pub async fn fetch(
        &self,
        url: &Url,
        accept: &'static str,
        validators: Option<&Validators>,
        limit: u64,
    ) -> Result<Fetched, UpstreamError> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
        let validators = validators.filter(|validators| !validators.is_empty());
        if let Some(validators) = validators {
            insert(&mut headers, IF_NONE_MATCH, validators.etag.as_deref());
            insert(
                &mut headers,
                IF_MODIFIED_SINCE,
                validators.last_modified.as_deref(),
            );
        }
        // Boxed because the client's own futures are large and would be copied into every caller's.
        let attempt = || Box::pin(self.fetch_once(url, &headers, limit));
        let answer = attempt
            .retry(retries())
            .when(UpstreamError::is_transient)
            .await?;
        if matches!(answer, Fetched::NotModified) && validators.is_none() {
            return Err(UpstreamError::invalid(
                url,
                "HTTP 304 although nothing was known",
            ));
        }
        Ok(answer)
    }

    async fn fetch_once(
        &self,
        url: &Url,
        headers: &HeaderMap,
        limit: u64,
    ) -> Result<Fetched, UpstreamError> {
        let (url, response) = self.send(url, headers, Coding::Transparent).await?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_MODIFIED => return Ok(Fetched::NotModified),
            status if is_absence(status) => return Ok(Fetched::Absent),
            status => return Err(status_error(&url, status, response.headers())),
        }
        let media_type = media_type(response.headers());
        let validators = Validators {
            etag: text(response.headers(), ETAG),
            last_modified: text(response.headers(), LAST_MODIFIED),
        };
        let bytes = read_whole(&url, response, limit).await?;
        Ok(Fetched::Document(Document {
            url,
            media_type,
            validators,
            bytes,
        }))
    }

    /// Sends a GET, following redirects. The answer may have any other status.
    pub(crate) async fn send(
        &self,
        url: &Url,
        headers: &HeaderMap,
        coding: Coding,
    ) -> Result<(Url, Response), UpstreamError> {
        let mut url = crate::redact::without_userinfo(url.clone());
        for _ in 0..=MAX_REDIRECTS {
            let response = self.send_once(&url, headers, coding).await?;
            if !is_redirect(response.status()) {
                return Ok((url, response));
            }
            url = next_hop(&url, text(response.headers(), LOCATION).as_deref())?;
        }
        Err(UpstreamError::invalid(
            &url,
            format!("more than {MAX_REDIRECTS} redirects"),
        ))
    }

    async fn send_once(
        &self,
        url: &Url,
        headers: &HeaderMap,
        coding: Coding,
    ) -> Result<Response, UpstreamError> {
        let client = self.client_for(url, coding).await?;
        let mut request = client.get(url.clone()).headers(headers.clone());
        if let Some(authorization) = self.authorization_for(url) {
            request = request.header(AUTHORIZATION, authorization);
        }
        request
            .send()
            .await
            .map_err(|error| UpstreamError::from_transport(url, error))
    }

    /// Whether no request may leave.
    pub(crate) fn is_cut(&self) -> bool {
        self.line.is_cut()
    }

    /// The credentials, where `url` is on the source's own origin.
    pub(crate) fn authorization_for(&self, url: &Url) -> Option<HeaderValue> {
        let is_own = self.guard.is_own_origin(url);
        self.authorization.clone().filter(|_| is_own)
    }

    /// The client that may ask `url`.
    pub(crate) async fn client_for(
        &self,
        url: &Url,
        coding: Coding,
    ) -> Result<&Client, UpstreamError> {
        if self.line.is_cut() {
            return Err(UpstreamError::unreachable(url, Trouble::Offline));
        }
        let pair = match coding {
            Coding::Transparent => &self.documents,
            Coding::Identity => &self.files,
        };
        match self.guard.judge(url)? {
            Road::Trusted => Ok(&pair.trusted),
            Road::Guarded => {
                if self.goes_through_proxy {
                    self.guard.check_before_proxy(url).await?;
                }
                Ok(&pair.guarded)
            }
        }
    }
}

fn build(
    config: &UpstreamConfig,
    proxies: &Proxies,
    coding: Coding,
    guard: Option<Arc<Guard>>,
) -> Result<Client, SetupError> {
    let mut builder = Client::builder()
        .user_agent(USER_AGENT)
        .redirect(redirect::Policy::none())
        .referer(false)
        .no_proxy()
        .gzip(coding == Coding::Transparent)
        .connect_timeout(config.timeouts.connect)
        .read_timeout(config.timeouts.idle)
        .tls_certs_merge(read_certificates(&config.ca_files)?);
    for proxy in &proxies.proxies {
        builder = builder.proxy(proxy.clone());
    }
    if let Some(guard) = guard {
        builder = builder.dns_resolver(Arc::new(FilteringResolver { guard }));
    }
    builder
        .build()
        .map_err(|error| SetupError::Client(crate::error::chain(&error.without_url())))
}

/// Two retries within about a second.
pub(crate) fn retries() -> ExponentialBuilder {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(100))
        .with_max_times(2)
        .with_jitter()
}

/// Where a redirect leads.
///
/// # Errors
/// [`UpstreamError::Invalid`] without a readable `Location`, and [`UpstreamError::Forbidden`] from
/// https to anything else: what was asked for in private must not be answered in the open.
fn next_hop(from: &Url, location: Option<&str>) -> Result<Url, UpstreamError> {
    let location =
        location.ok_or_else(|| UpstreamError::invalid(from, "a redirect without Location"))?;
    let target = from
        .join(location)
        .map_err(|_| UpstreamError::invalid(from, "a redirect to something that is no URL"))?;
    if from.scheme() == "https" && target.scheme() != "https" {
        return Err(UpstreamError::forbidden(
            &target,
            "a redirect away from https",
        ));
    }
    Ok(crate::redact::without_userinfo(target))
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

pub(crate) fn is_absence(status: StatusCode) -> bool {
    matches!(status, StatusCode::NOT_FOUND | StatusCode::GONE)
}

pub(crate) fn status_error(url: &Url, status: StatusCode, headers: &HeaderMap) -> UpstreamError {
    let retry_after = text(headers, RETRY_AFTER);
    let wait = retry_after.and_then(|value| retry_after_at(&value, SystemTime::now()));
    UpstreamError::from_status(url, status, wait)
}

/// `Retry-After` in either of its forms (RFC 9110, 10.2.3).
pub(crate) fn retry_after_at(value: &str, now: SystemTime) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = httpdate::parse_http_date(value.trim()).ok()?;
    Some(at.duration_since(now).unwrap_or_default())
}

pub(crate) fn text(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// Sets a header to a value that came from a server; one that is no header value is left out.
pub(crate) fn insert(headers: &mut HeaderMap, name: HeaderName, value: Option<&str>) {
    if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
        headers.insert(name, value);
    }
}

fn media_type(headers: &HeaderMap) -> String {
    let value = text(headers, CONTENT_TYPE).unwrap_or_default();
    value
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn redirects_keep_https_and_lose_userinfo() {
        let from: Url = "https://pkgs.example/simple/foo/".parse().unwrap();
        for (location, target) in [
            ("../bar/", "https://pkgs.example/simple/bar/"),
            ("//cdn.example/x", "https://cdn.example/x"),
            ("https://ann:pw@cdn.example/x", "https://cdn.example/x"),
        ] {
            assert_eq!(next_hop(&from, Some(location)).unwrap().as_str(), target);
        }
        for location in ["http://pkgs.example/", "file:///etc/passwd", "javascript:x"] {
            let hop = next_hop(&from, Some(location));
            assert!(
                matches!(hop, Err(UpstreamError::Forbidden { .. })),
                "{location}"
            );
        }
        for location in [None, Some("https://[")] {
            assert!(matches!(
                next_hop(&from, location),
                Err(UpstreamError::Invalid { .. })
            ));
        }
    }

    #[test]
    fn retry_after_is_read_in_both_forms() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(10);
        for (value, seconds) in [
            ("120", Some(120)),
            ("Thu, 01 Jan 1970 00:00:30 GMT", Some(20)),
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
        ] {
            assert_eq!(
                retry_after_at(value, now),
                seconds.map(Duration::from_secs),
                "{value}"
            );
        }
    }
}

//! Asking a remote index for files: as a stream, whole or from an offset; the metadata beside a
//! file (PEP 658); and a part of a file, for the metadata inside a remote wheel. Hashing and
//! keeping the bytes is the caller's business, and so is resuming after an error.

use backon::Retryable as _;
use bytes::Bytes;
use reqwest::header::{
    ACCEPT_ENCODING, CONTENT_RANGE, ETAG, HeaderMap, HeaderValue, IF_RANGE, RANGE,
};
use reqwest::{Response, StatusCode};
use url::Url;

use crate::body::{ByteStream, read_whole, stream_within};
use crate::client::{Coding, insert, is_absence, retries, status_error, text};
use crate::error::UpstreamError;
use crate::source::{UpstreamSource, Ward};

/// Which bytes of a file (RFC 9110, 14.1.2). Positions count from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByteRange {
    /// From this position to the end.
    From(u64),
    /// From `first` to `last`, both included.
    Between {
        /// The first position.
        first: u64,
        /// The last position.
        last: u64,
    },
    /// The last so many bytes.
    Last(u64),
}

impl ByteRange {
    fn header(self) -> String {
        match self {
            Self::From(first) => format!("bytes={first}-"),
            Self::Between { first, last } => format!("bytes={first}-{last}"),
            Self::Last(length) => format!("bytes=-{length}"),
        }
    }

    /// Whether a part that starts at `start` of `total` bytes is what was asked for.
    fn agrees(self, start: u64, total: Option<u64>) -> bool {
        match self {
            Self::From(first) | Self::Between { first, .. } => start == first,
            Self::Last(length) => total.is_none_or(|total| start == total.saturating_sub(length)),
        }
    }
}

/// A request for a file.
#[derive(Clone, Debug)]
pub struct FileRequest<'a> {
    /// Its address, from the page.
    pub url: &'a Url,
    /// Which bytes; none for the whole file.
    pub range: Option<ByteRange>,
    /// The `ETag` that the file must still have for the range to count (RFC 9110, 13.1.5). A weak
    /// one cannot vouch for a range; with it the whole file is asked for.
    pub if_range: Option<&'a str>,
    /// The whole file's size in bytes, where it is known.
    pub expected_size: Option<u64>,
}

impl<'a> FileRequest<'a> {
    /// The whole file at `url`.
    pub fn whole(url: &'a Url) -> Self {
        Self {
            url,
            range: None,
            if_range: None,
            expected_size: None,
        }
    }
}

/// Which part of a file a source sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All of it, whatever was asked for.
    Whole,
    /// The part that was asked for.
    Partial {
        /// The position of its first byte.
        start: u64,
        /// The whole file's size, where the source says it.
        total: Option<u64>,
    },
}

/// A file as it arrives.
pub struct FileStream {
    /// Which part of it.
    pub extent: Extent,
    /// How many bytes follow, where the source says it.
    pub content_length: Option<u64>,
    /// The file's `ETag`, verbatim.
    pub etag: Option<String>,
    /// The bytes, encoded in no way. An error ends the stream; what came before it is good for
    /// resuming, never for concatenating without a hash over the whole.
    pub bytes: ByteStream,
}

impl std::fmt::Debug for FileStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileStream")
            .field("extent", &self.extent)
            .field("content_length", &self.content_length)
            .field("etag", &self.etag)
            .finish_non_exhaustive()
    }
}

/// A part of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartAnswer {
    /// The part.
    Part {
        /// The position of its first byte.
        start: u64,
        /// The whole file's size, where the source says it.
        total: Option<u64>,
        /// The bytes.
        bytes: Bytes,
    },
    /// The source sends whole files only, or does not understand this kind of range.
    RangesUnsupported,
}

impl UpstreamSource {
    /// Opens a file. `None` when the source does not have it (404, 410).
    ///
    /// # Errors
    /// [`UpstreamError`]; and later, within the stream: an outage when it breaks off, stalls or
    /// drips, and [`UpstreamError::Invalid`] when it is longer than announced.
    pub async fn open_file(
        &self,
        request: &FileRequest<'_>,
    ) -> Result<Option<FileStream>, UpstreamError> {
        let range = match request.if_range {
            Some(etag) if etag.starts_with("W/") => None,
            _ => request.range,
        };
        let if_range = request.if_range.filter(|_| range.is_some());
        let (url, response) = self.get(request.url, range, if_range).await?;
        if is_absence(response.status()) {
            return Ok(None);
        }
        let extent = extent(&url, &response, range)?;
        let longest = longest(extent, request.expected_size, self.limits.file_bytes);
        let content_length = response.content_length();
        if content_length.is_some_and(|length| length > longest) {
            return Err(UpstreamError::invalid(
                &url,
                format!("longer than {longest} bytes"),
            ));
        }
        let etag = text(response.headers(), ETAG);
        let bytes = stream_within(url, response, longest, &self.limits);
        Ok(Some(FileStream {
            extent,
            content_length,
            etag,
            bytes,
        }))
    }

    /// Fetches the metadata beside the file at `file_url` (PEP 658), at most `limit` bytes. `None`
    /// when the source does not have it.
    ///
    /// # Errors
    /// [`UpstreamError`].
    pub async fn fetch_metadata(
        &self,
        file_url: &Url,
        limit: u64,
    ) -> Result<Option<Bytes>, UpstreamError> {
        let mut url = file_url.clone();
        url.set_path(&format!("{}.metadata", file_url.path()));
        let (url, response) = self.get(&url, None, None).await?;
        match response.status() {
            StatusCode::OK => read_whole(&url, response, limit).await.map(Some),
            status if is_absence(status) => Ok(None),
            status => Err(status_error(&url, status, response.headers())),
        }
    }

    /// Reads a part of at most `limit` bytes. `None` when the source does not have the file.
    ///
    /// # Errors
    /// [`UpstreamError`]; that ranges are not supported is not one.
    pub async fn read_range(
        &self,
        url: &Url,
        range: ByteRange,
        limit: u64,
    ) -> Result<Option<PartAnswer>, UpstreamError> {
        let (url, response) = self.get(url, Some(range), None).await?;
        match response.status() {
            status if is_absence(status) => return Ok(None),
            StatusCode::OK
            | StatusCode::BAD_REQUEST
            | StatusCode::RANGE_NOT_SATISFIABLE
            | StatusCode::NOT_IMPLEMENTED => return Ok(Some(PartAnswer::RangesUnsupported)),
            _ => {}
        }
        let Extent::Partial { start, total } = extent(&url, &response, Some(range))? else {
            return Ok(Some(PartAnswer::RangesUnsupported));
        };
        let bytes = read_whole(&url, response, limit).await?;
        Ok(Some(PartAnswer::Part {
            start,
            total,
            bytes,
        }))
    }

    async fn get(
        &self,
        url: &Url,
        range: Option<ByteRange>,
        if_range: Option<&str>,
    ) -> Result<(Url, Response), UpstreamError> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        insert(&mut headers, RANGE, range.map(ByteRange::header).as_deref());
        insert(&mut headers, IF_RANGE, if_range);
        let attempt = || async {
            let (url, response) = self.client.send(url, &headers, Coding::Identity).await?;
            let status = response.status();
            let passes = status.is_success() || is_absence(status) || status.is_client_error();
            let is_wait = matches!(status.as_u16(), 401 | 403 | 407 | 408 | 425 | 429 | 451);
            if passes && !is_wait {
                return Ok((url, response));
            }
            Err(status_error(&url, status, response.headers()))
        };
        let attempts = attempt.retry(retries()).when(UpstreamError::is_transient);
        self.through_breaker(Ward::Files, url, attempts).await
    }
}

fn extent(
    url: &Url,
    response: &Response,
    range: Option<ByteRange>,
) -> Result<Extent, UpstreamError> {
    match (response.status(), range) {
        (StatusCode::OK, _) => Ok(Extent::Whole),
        (StatusCode::PARTIAL_CONTENT, Some(range)) => {
            let header = text(response.headers(), CONTENT_RANGE).unwrap_or_default();
            match content_range(&header) {
                Some((start, total)) if range.agrees(start, total) => {
                    Ok(Extent::Partial { start, total })
                }
                _ => Err(UpstreamError::invalid(
                    url,
                    format!("another range: {header:?}"),
                )),
            }
        }
        (status, _) => Err(status_error(url, status, response.headers())),
    }
}

/// How many bytes may follow.
fn longest(extent: Extent, expected_size: Option<u64>, limit: u64) -> u64 {
    match extent {
        Extent::Whole => expected_size.unwrap_or(limit),
        Extent::Partial { start, total } => expected_size
            .or(total)
            .unwrap_or(limit)
            .min(limit.max(start))
            .saturating_sub(start),
    }
}

/// `bytes 2-4/10` or `bytes 2-4/*`: where the part starts, and the size of the whole.
fn content_range(header: &str) -> Option<(u64, Option<u64>)> {
    let (part, total) = header.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = part.split_once('-')?;
    let (first, last) = (
        first.trim().parse::<u64>().ok()?,
        last.trim().parse::<u64>().ok()?,
    );
    let total = match total.trim() {
        "*" => None,
        total => Some(total.parse::<u64>().ok()?),
    };
    (first <= last && total.is_none_or(|total| last < total)).then_some((first, total))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn content_ranges_are_read_and_nonsense_is_not() {
        for (header, expected) in [
            ("bytes 2-4/10", Some((2, Some(10)))),
            ("bytes 0-0/*", Some((0, None))),
            ("bytes 4-2/10", None),
            ("bytes 2-10/10", None),
            ("bytes */10", None),
            ("items 2-4/10", None),
            ("", None),
        ] {
            assert_eq!(content_range(header), expected, "{header:?}");
        }
    }

    #[test]
    fn a_part_must_be_the_one_that_was_asked_for() {
        let between = ByteRange::Between { first: 2, last: 4 };
        for (range, start, total, agrees) in [
            (ByteRange::From(5), 5, Some(10), true),
            (ByteRange::From(5), 0, Some(10), false),
            (between, 2, None, true),
            (between, 3, None, false),
            (ByteRange::Last(4), 6, Some(10), true),
            (ByteRange::Last(40), 0, Some(10), true),
            (ByteRange::Last(4), 0, Some(10), false),
        ] {
            assert_eq!(
                range.agrees(start, total),
                agrees,
                "{range:?} {start} {total:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn a_content_range_lies_within_the_whole(first: u64, last: u64, total: u64) {
            if let Some((start, total)) = content_range(&format!("bytes {first}-{last}/{total}")) {
                prop_assert!(start == first && first <= last && total.is_some_and(|t| last < t));
            }
        }

        #[test]
        fn no_content_range_makes_it_panic(text in any::<String>()) {
            let _ = content_range(&text);
            let _ = content_range(&format!("bytes {text}"));
        }
    }
}

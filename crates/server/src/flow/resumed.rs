//! A transfer that goes on where its connection broke, so that a client which reads along sees nothing of it.
//! Whether what came in pieces is the file is told by its digest at the end; one that no page announces is never
//! put together from two connections.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use futures_util::{StreamExt as _, TryStreamExt as _};
use portcullis_upstream::files::{ByteRange, Extent, FileRequest, FileStream};
use portcullis_upstream::{ByteStream, UpstreamError};
use tracing::info;
use url::Url;

use crate::sources::Upstream;

/// How often in a row it may break off without a byte in between.
const IN_A_ROW: u32 = 4;

/// How often it may break off in all.
const IN_ALL: u32 = 20;

/// How long it is waited before the first connection after one that broke; twice as long each time.
const PAUSE: Duration = Duration::from_millis(200);

/// A file of an upstream that is asked for again where it breaks off.
pub(super) struct Resumable {
    /// The source.
    pub(super) upstream: Arc<Upstream>,
    /// Where the file is.
    pub(super) url: Url,
    /// How many bytes it has.
    pub(super) total: u64,
}

struct Resuming {
    file: Resumable,
    etag: Option<String>,
    stream: ByteStream,
    position: u64,
    in_a_row: u32,
    in_all: u32,
}

impl Resumable {
    /// What `opened` brings, and what comes after it where that ends early.
    pub(super) fn resumed(self, opened: FileStream) -> ByteStream {
        let resuming = Resuming {
            file: self,
            etag: opened.etag,
            stream: opened.bytes,
            position: 0,
            in_a_row: 0,
            in_all: 0,
        };
        stream::try_unfold(resuming, Resuming::next).boxed()
    }

    /// The file from `position` on; `None` when it is gone. A source that sends all of it again is listened to
    /// from there.
    async fn from(
        &self,
        position: u64,
        etag: Option<&str>,
    ) -> Result<Option<ByteStream>, UpstreamError> {
        let request = FileRequest {
            url: &self.url,
            range: Some(ByteRange::From(position)),
            if_range: etag.filter(|etag| !etag.starts_with("W/")),
            expected_size: Some(self.total),
        };
        let opened = self.upstream.source.open_file(&request).await?;
        Ok(opened.map(|opened| match opened.extent {
            Extent::Partial { .. } => opened.bytes,
            Extent::Whole => without_first(opened.bytes, position),
        }))
    }
}

/// All but the first `skipped` bytes.
fn without_first(bytes: ByteStream, skipped: u64) -> ByteStream {
    bytes
        .try_filter_map({
            let mut left = skipped;
            move |mut chunk| {
                let known = left.min(chunk.len() as u64);
                left -= known;
                let rest = chunk.split_off(known as usize);
                std::future::ready(Ok((!rest.is_empty()).then_some(rest)))
            }
        })
        .boxed()
}

impl Resuming {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, UpstreamError> {
        loop {
            let broken = match self.stream.next().await {
                Some(Ok(chunk)) => {
                    self.position += chunk.len() as u64;
                    self.in_a_row = 0;
                    return Ok(Some((chunk, self)));
                }
                None => return Ok(None),
                Some(Err(error)) if error.is_outage() => error,
                Some(Err(error)) => return Err(error),
            };
            self.go_on_after(broken).await?;
        }
    }

    /// # Errors
    /// `broken`, when it has broken off too often.
    async fn go_on_after(&mut self, broken: UpstreamError) -> Result<(), UpstreamError> {
        let mut broken = broken;
        loop {
            if self.in_a_row >= IN_A_ROW || self.in_all >= IN_ALL {
                return Err(broken);
            }
            tokio::time::sleep(PAUSE * 2u32.pow(self.in_a_row)).await;
            (self.in_a_row, self.in_all) = (self.in_a_row + 1, self.in_all + 1);
            let position = self.position;
            info!("a transfer broke off after {position} bytes and is taken up there: {broken}");
            metrics::counter!("portcullis_transfers_resumed_total").increment(1);
            match self.file.from(position, self.etag.as_deref()).await {
                Ok(Some(stream)) => {
                    self.stream = stream;
                    return Ok(());
                }
                Ok(None) => return Err(broken),
                Err(error) if error.is_outage() => broken = error,
                Err(error) => return Err(error),
            }
        }
    }
}

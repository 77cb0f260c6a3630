//! Reading the body of an answer within bounds: whole up to a limit, or as a stream that is neither
//! longer than announced nor slower than agreed.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, BoxStream, StreamExt as _};
use reqwest::Response;
use tokio::time::Instant;
use url::Url;

use crate::error::{Trouble, UpstreamError};
use crate::source::Limits;

/// The bytes of a body, in pieces. It ends after its first error.
pub type ByteStream = BoxStream<'static, Result<Bytes, UpstreamError>>;

/// Reads a body of at most `limit` bytes.
pub(crate) async fn read_whole(
    url: &Url,
    mut response: Response,
    limit: u64,
) -> Result<Bytes, UpstreamError> {
    let too_long = || UpstreamError::invalid(url, format!("longer than {limit} bytes"));
    let announced = response.content_length().unwrap_or(0);
    if announced > limit {
        return Err(too_long());
    }
    // The announcement is a hint: memory is taken as bytes arrive.
    let mut body = BytesMut::new();
    while let Some(piece) = response
        .chunk()
        .await
        .map_err(|error| UpstreamError::from_transport(url, error))?
    {
        if body.len() as u64 + piece.len() as u64 > limit {
            return Err(too_long());
        }
        body.extend_from_slice(&piece);
    }
    Ok(body.freeze())
}

/// What holds for the rest of a body.
struct Reading {
    url: Url,
    pieces: BoxStream<'static, reqwest::Result<Bytes>>,
    remaining: u64,
    pace: Pace,
    state: State,
}

#[derive(PartialEq, Eq)]
enum State {
    Open,
    Done,
}

/// The body as a stream of at most `longest` bytes.
pub(crate) fn stream_within(
    url: Url,
    response: Response,
    longest: u64,
    limits: &Limits,
) -> ByteStream {
    let pieces = response.bytes_stream().boxed();
    let pace = Pace::new(limits.minimum_rate, limits.rate_window);
    let reading = Reading {
        url,
        pieces,
        remaining: longest,
        pace,
        state: State::Open,
    };
    stream::unfold(reading, |mut reading| async move {
        let piece = reading.next().await?;
        if piece.is_err() {
            reading.state = State::Done;
        }
        Some((piece, reading))
    })
    .boxed()
}

impl Reading {
    async fn next(&mut self) -> Option<Result<Bytes, UpstreamError>> {
        if self.state == State::Done {
            return None;
        }
        let asked = Instant::now();
        let piece = self.pieces.next().await?;
        let waited = asked.elapsed();
        Some(self.judge(piece, waited))
    }

    fn judge(
        &mut self,
        piece: reqwest::Result<Bytes>,
        waited: Duration,
    ) -> Result<Bytes, UpstreamError> {
        let piece = piece.map_err(|error| UpstreamError::from_transport(&self.url, error))?;
        let length = piece.len() as u64;
        self.remaining = self.remaining.checked_sub(length).ok_or_else(|| {
            UpstreamError::invalid(&self.url, "the file is longer than announced")
        })?;
        self.pace.passed(length, waited).map_err(|too_slow| {
            UpstreamError::unreachable(&self.url, Trouble::TooSlow(too_slow))
        })?;
        Ok(piece)
    }
}

/// The rate of a body, over the time that was spent waiting for it: a reader that takes its time is
/// no fault of the source.
struct Pace {
    minimum: u64,
    window: Duration,
    waited: Duration,
    bytes: u64,
}

impl Pace {
    fn new(minimum: u64, window: Duration) -> Self {
        Self {
            minimum,
            window,
            waited: Duration::ZERO,
            bytes: 0,
        }
    }

    /// Notes a piece; fails with the minimum when a window passed with fewer bytes.
    fn passed(&mut self, bytes: u64, waited: Duration) -> Result<(), u64> {
        self.waited += waited;
        self.bytes = self.bytes.saturating_add(bytes);
        if self.waited < self.window {
            return Ok(());
        }
        let enough = self.waited.as_secs_f64() * self.minimum as f64;
        if (self.bytes as f64) < enough {
            return Err(self.minimum);
        }
        *self = Self::new(self.minimum, self.window);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drip_is_too_slow_and_a_patient_reader_is_not() {
        let mut pace = Pace::new(1024, Duration::from_secs(30));
        let drip = (0..60).find(|_| pace.passed(100, Duration::from_secs(1)).is_err());
        assert_eq!(drip, Some(29));
        let mut pace = Pace::new(1024, Duration::from_secs(30));
        assert!((0..1000).all(|_| pace.passed(2048, Duration::from_secs(1)).is_ok()));
        assert!((0..1000).all(|_| pace.passed(1, Duration::ZERO).is_ok()));
    }
}

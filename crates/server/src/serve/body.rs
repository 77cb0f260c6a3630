//! Bodies that note for their [`Connection`] whether the client sends, and takes, what it should.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;

use super::connections::{Connection, Connections};
use super::pace::Pace;

/// The most bytes that are given to HTTP/2 at once. It buffers whatever it is given, and only between one
/// piece and the next it shows whether the client takes any.
const PIECE: usize = 64 * 1024;

/// A request under way, until it is dropped.
pub(super) struct UnderWay {
    all: Arc<Connections>,
    connection: Arc<Connection>,
}

impl UnderWay {
    pub(super) fn new(
        all: &Arc<Connections>,
        connection: &Arc<Connection>,
        version: http::Version,
    ) -> Self {
        connection.begin(version);
        Self {
            all: Arc::clone(all),
            connection: Arc::clone(connection),
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.connection.end(self.all.now());
    }
}

/// The body of an answer.
pub(super) struct Answered {
    body: Body,
    /// What is left of the last frame.
    rest: Bytes,
    /// How much memory the last frame takes, where no other request has the same.
    held: u64,
    /// Of an answer in HTTP/2. In HTTP/1.1 the connection itself shows it.
    pace: Option<Arc<Pace>>,
    under_way: UnderWay,
}

impl Answered {
    pub(super) fn new(body: Body, version: http::Version, under_way: UnderWay) -> Self {
        let is_watched = version == http::Version::HTTP_2 && !body.is_end_stream();
        let patience = under_way.all.patience();
        let pace = is_watched.then(|| under_way.connection.watch_body(patience));
        Self {
            body,
            rest: Bytes::new(),
            held: 0,
            pace,
            under_way,
        }
    }

    fn hold(&mut self, bytes: u64) {
        let held = &self.under_way.connection.held;
        held.fetch_add(bytes, Ordering::Relaxed);
        held.fetch_sub(self.held, Ordering::Relaxed);
        self.held = bytes;
    }

    /// The next piece of the last frame.
    fn piece(&mut self) -> Frame<Bytes> {
        let piece = self.rest.split_to(self.rest.len().min(PIECE));
        if let Some(pace) = &self.pace {
            pace.wait(self.under_way.all.now());
        }
        Frame::data(piece)
    }
}

impl HttpBody for Answered {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if let Some(pace) = &self.pace {
            // It is asked for more, so that what it was given before is on its way.
            let (now, patience) = (self.under_way.all.now(), self.under_way.all.patience());
            pace.moved(now, PIECE as u64, patience);
        }
        if !self.rest.is_empty() {
            return Poll::Ready(Some(Ok(self.piece())));
        }
        let is_shared = self.body.size_hint().exact().is_some();
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        let data = match frame {
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => data,
                Err(other) => return Poll::Ready(Some(Ok(other))),
            },
            other => return Poll::Ready(other),
        };
        if !is_shared {
            self.hold(data.len() as u64);
        }
        if self.pace.is_none() {
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        self.rest = data;
        Poll::Ready(Some(Ok(self.piece())))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (hint, rest) = (self.body.size_hint(), self.rest.len() as u64);
        let mut all = SizeHint::new();
        if let Some(upper) = hint.upper() {
            all.set_upper(upper + rest);
        }
        all.set_lower(hint.lower() + rest);
        all
    }
}

impl Drop for Answered {
    fn drop(&mut self) {
        self.hold(0);
        if let Some(pace) = &self.pace {
            self.under_way.connection.forget_body(pace);
        }
    }
}

/// The body of a request.
pub(super) struct Asked {
    body: Incoming,
    all: Arc<Connections>,
    connection: Arc<Connection>,
    pace: Arc<Pace>,
}

impl Asked {
    /// The body as the routes take it.
    pub(super) fn body(body: Incoming, under_way: &UnderWay) -> Body {
        if body.is_end_stream() {
            return Body::empty();
        }
        let (all, connection) = (&under_way.all, &under_way.connection);
        Body::new(Self {
            body,
            all: Arc::clone(all),
            connection: Arc::clone(connection),
            pace: connection.watch_body(all.patience()),
        })
    }
}

impl HttpBody for Asked {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) else {
            self.pace.wait(self.all.now());
            return Poll::Pending;
        };
        let data = frame.as_ref().and_then(|frame| frame.as_ref().ok());
        let bytes = data
            .and_then(Frame::data_ref)
            .map_or(0, |data| data.len() as u64);
        self.pace.moved(self.all.now(), bytes, self.all.patience());
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.connection.forget_body(&self.pace);
    }
}

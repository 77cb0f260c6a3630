//! Connections by hand: bytes as no client would send them, and HTTP/2 frame by frame.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use h2::client::SendRequest;
use http::{Request, Response};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A connection without any protocol.
pub(crate) struct Raw(pub(crate) TcpStream);

impl Raw {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        Self(TcpStream::connect(address).await.unwrap())
    }

    /// Sends what the other end may have stopped reading.
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.0.write_all(bytes.as_ref()).await.is_ok()
    }

    /// Everything until the other end closes, and how long that took. At most 30 seconds.
    pub(crate) async fn rest(&mut self) -> (String, Duration) {
        let start = Instant::now();
        let mut received = Vec::new();
        let reading = async { while let Ok(1..) = self.0.read_buf(&mut received).await {} };
        let ended = tokio::time::timeout(Duration::from_secs(30), reading).await;
        let text = String::from_utf8_lossy(&received).into_owned();
        assert!(ended.is_ok(), "it is still open after: {text}");
        (text, start.elapsed())
    }

    /// What has arrived so far, waiting for something at most that long.
    pub(crate) async fn some(&mut self, patience: Duration) -> String {
        let mut received = Vec::with_capacity(16 * 1024);
        let _ = tokio::time::timeout(patience, self.0.read_buf(&mut received)).await;
        String::from_utf8_lossy(&received).into_owned()
    }
}

/// A connection that speaks HTTP/2.
pub(crate) struct Http2 {
    pub(crate) send: SendRequest<Bytes>,
    pub(crate) ended: tokio::task::JoinHandle<Result<(), h2::Error>>,
}

/// An answer over HTTP/2, as far as it came.
pub(crate) struct Answer2 {
    pub(crate) head: Response<()>,
    pub(crate) body: Vec<u8>,
    /// How the stream ended, if not as it should.
    pub(crate) error: Option<h2::Error>,
}

impl Http2 {
    /// Without TLS, by prior knowledge (RFC 9113, 3.3).
    pub(crate) async fn plain(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        Self::over(stream).await
    }

    pub(crate) async fn over<S>(stream: S) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (send, connection) = h2::client::handshake(stream).await.unwrap();
        let ended = tokio::spawn(connection);
        Self { send, ended }
    }

    /// GET of an absolute address.
    pub(crate) async fn get(&mut self, url: &str) -> Answer2 {
        let request = Request::get(url).body(()).unwrap();
        let mut ready = self.send.clone().ready().await.unwrap();
        let (answer, _) = ready.send_request(request, true).unwrap();
        let (head, mut stream) = answer.await.unwrap().into_parts();
        let mut answer = Answer2 {
            head: Response::from_parts(head, ()),
            body: Vec::new(),
            error: None,
        };
        while let Some(chunk) = stream.data().await {
            match chunk {
                Ok(chunk) => {
                    stream.flow_control().release_capacity(chunk.len()).unwrap();
                    answer.body.extend_from_slice(&chunk);
                }
                Err(error) => {
                    answer.error = Some(error);
                    break;
                }
            }
        }
        answer
    }
}

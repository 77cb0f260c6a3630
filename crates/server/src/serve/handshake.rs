//! Handshakes of TLS: each within a bound of time, not too many at once, and a word for those who speak plain
//! HTTP to us.

use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

use crate::tls::Tls;

/// How long a handshake may take, the wait for a turn included.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// The most handshakes that are calculated or answered at once.
const AT_ONCE: usize = 1024;

/// The first byte of a handshake: the content type `handshake` (RFC 8446, 5.1).
const CLIENT_HELLO: u8 = 0x16;

const PLAIN: &[u8] = b"HTTP/1.1 400 This gateway speaks HTTPS: use https:// in the address\r\n\
Content-Type: text/plain; charset=utf-8\r\nContent-Length: 60\r\nConnection: close\r\n\r\n\
This gateway speaks HTTPS: use https:// in its address here\n";

/// Turns to make a handshake.
pub(super) struct Handshakes {
    turns: Semaphore,
}

/// Why there was no handshake.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error("it took too long")]
    TooSlow,
    #[error("the client speaks plain HTTP")]
    Plain,
    #[error("{0}")]
    Failed(#[from] std::io::Error),
}

impl Default for Handshakes {
    fn default() -> Self {
        Self {
            turns: Semaphore::new(AT_ONCE),
        }
    }
}

impl Handshakes {
    /// Makes the handshake.
    pub(super) async fn secure(
        &self,
        tls: &Tls,
        stream: TcpStream,
    ) -> Result<Box<TlsStream<TcpStream>>, Trouble> {
        let made = tokio::time::timeout(HANDSHAKE, self.make(tls, stream)).await;
        let made = made.unwrap_or(Err(Trouble::TooSlow));
        let result = match &made {
            Ok(_) => "made",
            Err(Trouble::TooSlow) => "too-slow",
            Err(Trouble::Plain) => "plain-http",
            Err(Trouble::Failed(_)) => "failed",
        };
        metrics::counter!("portcullis_tls_handshakes_total", "result" => result).increment(1);
        made
    }

    async fn make(
        &self,
        tls: &Tls,
        mut stream: TcpStream,
    ) -> Result<Box<TlsStream<TcpStream>>, Trouble> {
        let mut first = [0];
        // Whoever says nothing takes no turn.
        if stream.peek(&mut first).await? == 1 && first[0].is_ascii_uppercase() {
            stream.write_all(PLAIN).await?;
            return Err(Trouble::Plain);
        }
        if first[0] != CLIENT_HELLO {
            return Err(std::io::Error::other("it does not begin with a handshake").into());
        }
        let begun = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), stream).await?;
        let _turn = self.turns.acquire().await;
        let stream = begun.into_stream(tls.config()).await?;
        Ok(Box::new(stream))
    }
}

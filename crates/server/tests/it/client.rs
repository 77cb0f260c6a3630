//! A tiny HTTP/1.1 client that shows what others hide: reason phrases, and whether an answer was
//! complete. One connection per request.

use std::future::IntoFuture;
use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

pub(crate) const JSON: &str = "application/vnd.pypi.simple.v1+json";
pub(crate) const HTML: &str = "application/vnd.pypi.simple.v1+html";

/// No answer in a test takes longer, whatever an upstream does.
const PATIENCE: Duration = Duration::from_secs(30);

/// A request that is about to be made; awaiting it gives the whole answer.
#[derive(Clone)]
pub(crate) struct Ask {
    address: SocketAddr,
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Ask {
    pub(crate) fn new(address: SocketAddr, method: &str, target: &str) -> Self {
        Self {
            address,
            method: method.to_owned(),
            target: target.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn accept(self, media_types: &str) -> Self {
        self.header("Accept", media_types)
    }

    pub(crate) fn basic(self, user: &str, password: &str) -> Self {
        let pair = STANDARD.encode(format!("{user}:{password}"));
        self.header("Authorization", &format!("Basic {pair}"))
    }

    pub(crate) fn body(mut self, body: Vec<u8>) -> Self {
        self.body = body;
        self
    }

    /// Sends the request and reads the head of the answer.
    pub(crate) async fn open(self) -> Opened {
        let opened = self.try_open().await;
        opened.expect("closed without an answer")
    }

    /// The answer; `None` where the connection was closed without one.
    pub(crate) async fn if_answered(self) -> Option<Answer> {
        Some(self.try_open().await?.rest().await)
    }

    async fn try_open(self) -> Option<Opened> {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let mut head = format!(
            "{} {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n",
            self.method, self.target, self.address
        );
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        if ["POST", "PUT"].contains(&self.method.as_str()) {
            head += &format!("Content-Length: {}\r\n", self.body.len());
        }
        head += "\r\n";
        stream.write_all(head.as_bytes()).await.unwrap();
        // The gateway may answer, and stop reading, before it has the whole body.
        let _ = stream.write_all(&self.body).await;
        let mut received = Vec::new();
        loop {
            if let Some(answer) = Answer::parse(&received) {
                let is_head = self.method == "HEAD";
                return Some(Opened {
                    answer,
                    stream,
                    is_head,
                });
            }
            let read = stream.read_buf(&mut received).await.unwrap();
            if read == 0 {
                assert!(received.is_empty(), "half an answer: {received:?}");
                return None;
            }
        }
    }
}

impl IntoFuture for Ask {
    type Output = Answer;
    type IntoFuture = BoxFuture<'static, Answer>;

    fn into_future(self) -> Self::IntoFuture {
        let what = format!("{} {}", self.method, self.target);
        let whole = async move { self.open().await.rest().await };
        async move {
            let answer = tokio::time::timeout(PATIENCE, whole).await;
            answer.unwrap_or_else(|_| panic!("no answer to {what} in time"))
        }
        .boxed()
    }
}

/// An answer of which the head is here.
pub(crate) struct Opened {
    pub(crate) answer: Answer,
    stream: TcpStream,
    is_head: bool,
}

impl Opened {
    /// Waits for more of the body; how much of it is here then.
    pub(crate) async fn more(&mut self) -> usize {
        let read = self.stream.read_buf(&mut self.answer.body).await;
        assert!(read.unwrap() > 0, "the body ended");
        self.answer.body.len()
    }

    /// Reads until the connection is closed or breaks.
    pub(crate) async fn rest(mut self) -> Answer {
        while let Ok(1..) = self.stream.read_buf(&mut self.answer.body).await {}
        let announced = self.answer.header("content-length");
        let announced = announced.map(|length| length.parse::<usize>().unwrap());
        let has_body = !self.is_head && self.answer.status != 304;
        self.answer.is_complete =
            !has_body || announced.is_none_or(|length| length == self.answer.body.len());
        self.answer
    }
}

/// An answer as it came over the wire.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) reason: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Whether the body has the announced length.
    pub(crate) is_complete: bool,
}

impl Answer {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut parsed = httparse::Response::new(&mut headers);
        let httparse::Status::Complete(length) = parsed.parse(bytes).unwrap() else {
            return None;
        };
        let headers = parsed.headers.iter().map(|header| {
            let value = String::from_utf8_lossy(header.value).into_owned();
            (header.name.to_ascii_lowercase(), value)
        });
        Some(Self {
            status: parsed.code.unwrap(),
            reason: parsed.reason.unwrap_or_default().to_owned(),
            headers: headers.collect(),
            body: bytes[length..].to_vec(),
            is_complete: false,
        })
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", self.shown()))
    }

    /// The file names on a JSON page.
    pub(crate) fn filenames(&self) -> Vec<String> {
        let page = self.json();
        let files = page["files"].as_array().unwrap().iter();
        files
            .map(|file| file["filename"].as_str().unwrap().to_owned())
            .collect()
    }

    /// The id of the decision that a refusal names.
    pub(crate) fn decision(&self) -> String {
        self.json()["decision"].as_str().unwrap().to_owned()
    }

    /// The whole answer for a snapshot, without what differs from run to run.
    pub(crate) fn shown(&self) -> String {
        let mut shown = format!("HTTP/1.1 {} {}\n", self.status, self.reason);
        let varying = ["date", "x-request-id", "connection"];
        for (name, value) in &self.headers {
            if !varying.contains(&name.as_str()) {
                shown += &format!("{name}: {value}\n");
            }
        }
        shown.push('\n');
        match serde_json::from_slice::<serde_json::Value>(&self.body) {
            Ok(json) => shown += &serde_json::to_string_pretty(&json).unwrap(),
            Err(_) => shown += &self.text(),
        }
        shown
    }
}

/// Compares a whole answer with its snapshot. Ports, and ids of decisions (which change with every new
/// rule), are left out.
macro_rules! assert_answer {
    ($answer:expr) => {{
        let shown = $answer.shown();
        insta::with_settings!({filters => vec![
            (r"127\.0\.0\.1:\d+", "gateway"),
            (r"\[[0-9a-z]{10}\]", "[decision]"),
            (r#""decision": "[0-9a-z]{10}""#, r#""decision": "[decision]""#),
            (r"blocked\.by\.policy\.[0-9a-z]{10}", "blocked.by.policy.[decision]"),
            (r"content-length: \d+", "content-length: [length]"),
            (r#"etag: "[0-9a-f]{32}"#, r#"etag: "[etag]"#),
        ]}, { insta::assert_snapshot!(shown) });
    }};
}

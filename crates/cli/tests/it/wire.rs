//! HTTP/1.1 by hand: what no client can be made to send, and answers with their status line, which
//! client libraries hide.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portcullis_fixtures::{ListedFile, Wheel};
use sha2::Digest as _;

const PATIENCE: Duration = Duration::from_secs(60);

/// An answer as it arrived.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The rest of the status line.
    pub(crate) reason: String,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    fn announced(&self) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then_some(value)
        })
    }

    /// Whether the head says how long the body is.
    pub(crate) fn announces_length(&self) -> bool {
        self.announced().is_some()
    }

    /// Whether the body is as long as the head announces.
    pub(crate) fn is_whole(&self) -> bool {
        self.announced()
            .is_none_or(|length| length.trim() == self.body.len().to_string())
    }

    /// Status line, media type and body, as a screen.
    pub(crate) fn screen(&self) -> String {
        let named = |line: &&str| line.to_ascii_lowercase().starts_with("content-type:");
        let content_type = self.head.lines().find(named).unwrap_or_default();
        let (status, reason, body) = (self.status, &self.reason, self.text());
        format!("{status} {reason}\n{content_type}\n\n{body}")
    }
}

pub(crate) fn get(base: &str, path: &str) -> Answer {
    try_get(base, path).unwrap()
}

/// The same where the server may be gone, or may go while it answers.
pub(crate) fn try_get(base: &str, path: &str) -> io::Result<Answer> {
    exchange(base, &format!("GET {path} HTTP/1.1"), &[], &[])
}

/// The same with one more line in the head.
pub(crate) fn get_with(base: &str, path: &str, header: &str) -> Answer {
    let headers = [header.to_owned()];
    exchange(base, &format!("GET {path} HTTP/1.1"), &headers, &[]).unwrap()
}

/// POST of JSON, by whoever has this token, where the server may be gone.
pub(crate) fn try_post(base: &str, path: &str, token: &str, body: &str) -> io::Result<Answer> {
    let headers = [
        format!("Authorization: Bearer {token}"),
        "Content-Type: application/json".to_owned(),
    ];
    exchange(
        base,
        &format!("POST {path} HTTP/1.1"),
        &headers,
        body.as_bytes(),
    )
}

/// An upload as twine would send it, each part of which can be made to lie.
pub(crate) struct Form {
    fields: Vec<(String, String)>,
    filename: String,
    content: Vec<u8>,
}

impl Form {
    pub(crate) fn of(wheel: &Wheel) -> Self {
        let listed = ListedFile::from(wheel);
        let sha256 = hex::encode(sha2::Sha256::digest(listed.bytes()));
        let fields = [
            (":action", "file_upload"),
            ("protocol_version", "1"),
            ("filetype", "bdist_wheel"),
            ("pyversion", "py3"),
            ("metadata_version", "2.1"),
            ("name", wheel.name()),
            ("version", wheel.version()),
            ("sha256_digest", &sha256),
        ];
        Self {
            fields: fields
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            filename: listed.filename().to_owned(),
            content: listed.bytes().to_vec(),
        }
    }

    /// Says this in a field, true or not.
    pub(crate) fn field(mut self, name: &str, value: &str) -> Self {
        self.fields.retain(|(known, _)| known != name);
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn send(&self, base: &str, token: &str) -> Answer {
        self.try_send(base, token).unwrap()
    }

    /// The same where the server may be gone, or may go while it answers.
    pub(crate) fn try_send(&self, base: &str, token: &str) -> io::Result<Answer> {
        const BOUNDARY: &str = "a-boundary-that-no-wheel-contains";
        let mut body = Vec::new();
        for (name, value) in &self.fields {
            let part = format!(
                "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            );
            body.extend_from_slice(part.as_bytes());
        }
        let part = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"content\"; filename=\"{}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n",
            self.filename
        );
        body.extend_from_slice(part.as_bytes());
        body.extend_from_slice(&self.content);
        body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
        let credentials = STANDARD.encode(format!("__token__:{token}"));
        let headers = [
            format!("Authorization: Basic {credentials}"),
            format!("Content-Type: multipart/form-data; boundary={BOUNDARY}"),
        ];
        exchange(base, "POST /legacy/ HTTP/1.1", &headers, &body)
    }
}

/// Sends a request, and reads until the server closes the connection.
fn exchange(base: &str, line: &str, headers: &[String], body: &[u8]) -> io::Result<Answer> {
    let address = base.strip_prefix("http://").expect("a plain URL");
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut head = format!("{line}\r\nHost: {address}\r\nConnection: close\r\n");
    for header in headers {
        head.push_str(&format!("{header}\r\n"));
    }
    head.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    parse(&bytes).ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))
}

fn parse(bytes: &[u8]) -> Option<Answer> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let line = head.lines().next().unwrap_or_default();
    let mut words = line.splitn(3, ' ').skip(1);
    Some(Answer {
        status: words.next()?.parse().ok()?,
        reason: words.next().unwrap_or_default().to_owned(),
        body: bytes[end + 4..].to_vec(),
        head,
    })
}

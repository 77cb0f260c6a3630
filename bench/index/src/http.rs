//! A client and the reading side of a server for HTTP/1.1 on this machine, over blocking sockets: what
//! it costs is next to nothing beside what it measures.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

/// No answer takes longer than this.
const PATIENCE: Duration = Duration::from_secs(120);

/// A kept connection.
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
}

/// The head of a message: its first line and its fields, with lower-case names.
pub(crate) struct Head {
    /// The first line.
    pub(crate) line: String,
    /// The fields.
    fields: Vec<(String, String)>,
}

impl Head {
    /// Reads a head. `None` at the end of the connection.
    pub(crate) fn read(stream: &mut BufReader<TcpStream>) -> anyhow::Result<Option<Self>> {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let mut fields = Vec::new();
        loop {
            let mut field = String::new();
            if stream.read_line(&mut field)? == 0 {
                bail!("the connection ended within a head");
            }
            let Some((name, value)) = field.trim_end().split_once(':') else {
                break;
            };
            fields.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let line = line.trim_end().to_owned();
        Ok(Some(Self { line, fields }))
    }

    /// The value of a field.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let found = self.fields.iter().find(|(found, _)| found == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// An answer, when its body was read.
pub(crate) struct Answer {
    /// The status.
    pub(crate) status: u16,
    /// The head.
    pub(crate) head: Head,
    /// When the first byte of the body was there, after the request was begun.
    pub(crate) first_byte: Duration,
    /// When all of it was there.
    pub(crate) total: Duration,
    /// How long the body is, in bytes.
    pub(crate) length: u64,
}

impl Connection {
    /// Connects to a server on this machine.
    pub(crate) fn open(port: u16) -> anyhow::Result<Self> {
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let stream = TcpStream::connect_timeout(&address, Duration::from_secs(10))
            .context("cannot connect")?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let stream = BufReader::with_capacity(64 << 10, stream);
        Ok(Self { stream })
    }

    /// Asks for a path, and hands the body on piece by piece.
    pub(crate) fn get(
        &mut self,
        path: &str,
        fields: &[(&str, &str)],
        sink: impl FnMut(&[u8]),
    ) -> anyhow::Result<Answer> {
        self.send(("GET", path), fields, &[], sink)
    }

    /// Sends a request with a body, and hands the answer's body on piece by piece.
    pub(crate) fn send(
        &mut self,
        (method, path): (&str, &str),
        fields: &[(&str, &str)],
        body: &[u8],
        sink: impl FnMut(&[u8]),
    ) -> anyhow::Result<Answer> {
        let began = Instant::now();
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n");
        for (name, value) in fields {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        let stream = self.stream.get_mut();
        stream.write_all(head.as_bytes())?;
        stream.write_all(body)?;
        let head = Head::read(&mut self.stream)?.context("no answer")?;
        let status = head
            .line
            .split(' ')
            .nth(1)
            .and_then(|code| code.parse().ok());
        let status = status.with_context(|| format!("no status in {:?}", head.line))?;
        let mut reading = Reading {
            began,
            first_byte: None,
            length: 0,
            sink,
        };
        self.read_body(&head, status, &mut reading)?;
        let total = began.elapsed();
        Ok(Answer {
            status,
            head,
            first_byte: reading.first_byte.unwrap_or(total),
            total,
            length: reading.length,
        })
    }

    fn read_body<S: FnMut(&[u8])>(
        &mut self,
        head: &Head,
        status: u16,
        reading: &mut Reading<S>,
    ) -> anyhow::Result<()> {
        if status == 304 || status == 204 {
            return Ok(());
        }
        if head.field("transfer-encoding") == Some("chunked") {
            loop {
                let mut line = String::new();
                self.stream.read_line(&mut line)?;
                let length =
                    u64::from_str_radix(line.trim(), 16).context("no length of a chunk")?;
                self.read_exactly(length, reading)?;
                let mut end = String::new();
                self.stream.read_line(&mut end)?;
                if length == 0 {
                    return Ok(());
                }
            }
        }
        let length = head
            .field("content-length")
            .and_then(|text| text.parse().ok());
        self.read_exactly(length.context("an answer without a length")?, reading)
    }

    fn read_exactly<S: FnMut(&[u8])>(
        &mut self,
        length: u64,
        reading: &mut Reading<S>,
    ) -> anyhow::Result<()> {
        let mut left = usize::try_from(length)?;
        while left > 0 {
            let found = self.stream.fill_buf()?;
            let used = found.len().min(left);
            if used == 0 {
                bail!("the answer broke off with {left} bytes to come");
            }
            reading.take(&found[..used]);
            self.stream.consume(used);
            left -= used;
        }
        Ok(())
    }
}

struct Reading<S> {
    began: Instant,
    first_byte: Option<Duration>,
    length: u64,
    sink: S,
}

impl<S: FnMut(&[u8])> Reading<S> {
    fn take(&mut self, bytes: &[u8]) {
        if self.first_byte.is_none() {
            self.first_byte = Some(self.began.elapsed());
        }
        self.length += bytes.len() as u64;
        (self.sink)(bytes);
    }
}

/// Reads and forgets a request's body of so many bytes.
pub(crate) fn skip_body(stream: &mut BufReader<TcpStream>, length: u64) -> anyhow::Result<()> {
    std::io::copy(&mut stream.take(length), &mut std::io::sink())?;
    Ok(())
}

//! The outside world: an index of the corpus that answers after a delay and sends files at a rate, and
//! counts what it was asked for. One thread a connection, in this process; the servers that are measured
//! are other processes.

use std::collections::BTreeMap;
use std::io::{BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::corpus::{Corpus, File, Page};
use crate::http::{Head, skip_body};

/// How it answers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Distance {
    /// Before each answer.
    pub(crate) delay: Duration,
    /// How fast files are sent on one connection, in bytes a second.
    pub(crate) rate: u64,
}

impl Distance {
    /// PyPI, as it is seen over a good line.
    pub(crate) const USUAL: Self = Self {
        delay: Duration::from_millis(50),
        rate: 50_000_000,
    };
}

/// A running upstream. It ends with this process.
pub(crate) struct Upstream {
    /// Where it listens.
    pub(crate) port: u16,
    content: Arc<Content>,
}

struct Content {
    distance: Distance,
    json: BTreeMap<String, Page>,
    html: BTreeMap<String, Page>,
    files: BTreeMap<String, File>,
    asked: Mutex<BTreeMap<String, u64>>,
}

const JSON: &str = "application/vnd.pypi.simple.v1+json";

impl Upstream {
    /// Starts it. Pages name their files by absolute addresses, as those of PyPI do.
    pub(crate) fn start(corpus: &Corpus, distance: Distance) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let port = listener.local_addr()?.port();
        let base = format!("http://127.0.0.1:{port}/files");
        let mut content = Content {
            distance,
            json: BTreeMap::new(),
            html: BTreeMap::new(),
            files: BTreeMap::new(),
            asked: Mutex::default(),
        };
        for project in corpus.projects.values() {
            let path = format!("/simple/{}/", project.name);
            content.json.insert(path.clone(), project.json(&base));
            content.html.insert(path, project.html(&base));
            for file in project.files.iter().filter(|file| file.body.is_some()) {
                let path = format!("/files/{}/{}", project.name, file.filename);
                content.files.insert(path, file.clone());
            }
        }
        let content = Arc::new(content);
        let shared = Arc::clone(&content);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let content = Arc::clone(&shared);
                // A client that goes away is no concern of ours.
                thread::spawn(move || content.serve(stream).ok());
            }
        });
        Ok(Self { port, content })
    }

    /// Its index.
    pub(crate) fn simple(&self) -> String {
        format!("http://127.0.0.1:{}/simple/", self.port)
    }

    /// How often a path was asked for since it was last forgotten.
    pub(crate) fn asked(&self, path: &str) -> u64 {
        self.content.counts().get(path).copied().unwrap_or(0)
    }

    /// Forgets what was asked for.
    pub(crate) fn forget(&self) {
        self.content.counts().clear();
    }
}

impl Content {
    fn counts(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, u64>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, stream: TcpStream) -> anyhow::Result<()> {
        stream.set_nodelay(true)?;
        let mut stream = BufReader::new(stream);
        while let Some(head) = Head::read(&mut stream)? {
            let length = head
                .field("content-length")
                .and_then(|text| text.parse().ok());
            skip_body(&mut stream, length.unwrap_or(0))?;
            self.answer(&head, stream.get_mut())?;
        }
        Ok(())
    }

    fn answer(&self, head: &Head, stream: &mut TcpStream) -> anyhow::Result<()> {
        let mut words = head.line.split(' ');
        let (method, path) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        if method == "GET" {
            *self.counts().entry(path.to_owned()).or_default() += 1;
        }
        thread::sleep(self.distance.delay);
        let accepts = |name, what| head.field(name).is_some_and(|value| value.contains(what));
        if let Some(file) = self.files.get(path) {
            let body = file.body.as_ref().map_or(&[][..], |body| body.as_slice());
            let fields = format!(
                "200 OK\r\nContent-Type: application/octet-stream\r\nETag: \"{}\"\r\n\
                 Content-Length: {}\r\n",
                file.sha256,
                body.len()
            );
            write!(stream, "HTTP/1.1 {fields}\r\n")?;
            return match method {
                "GET" => self.send_slowly(stream, body),
                _ => Ok(()),
            };
        }
        let (pages, content_type) = match accepts("accept", JSON) {
            true => (&self.json, JSON),
            false => (&self.html, "text/html"),
        };
        let Some(page) = pages.get(path) else {
            write!(
                stream,
                "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
            )?;
            return Ok(());
        };
        let (body, coding) = match accepts("accept-encoding", "gzip") {
            true => (&page.gzip, "Content-Encoding: gzip\r\n"),
            false => (&page.plain, ""),
        };
        let fields = format!(
            "200 OK\r\nContent-Type: {content_type}\r\nCache-Control: max-age=600, public\r\n\
             Vary: Accept, Accept-Encoding\r\n{coding}Content-Length: {}\r\n",
            body.len()
        );
        write!(stream, "HTTP/1.1 {fields}\r\n")?;
        stream.write_all(body)?;
        Ok(())
    }

    fn send_slowly(&self, stream: &mut TcpStream, body: &[u8]) -> anyhow::Result<()> {
        let began = Instant::now();
        let mut sent = 0_u64;
        for piece in body.chunks(64 << 10) {
            stream.write_all(piece)?;
            sent += piece.len() as u64;
            let due = Duration::from_secs_f64(sent as f64 / self.distance.rate as f64);
            thread::sleep(due.saturating_sub(began.elapsed()));
        }
        Ok(())
    }
}

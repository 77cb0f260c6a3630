//! Publishing wheels over the upload form, several at a time on kept connections (W7).

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::corpus::{Corpus, File, plain_wheel};
use crate::figures::{What, median};
use crate::http::Connection;
use crate::servers::{Kind, Publishing};
use crate::work::{Bench, get};

const BOUNDARY: &str = "----------------portcullis-bench";

/// A wheel that is to be published.
pub(crate) struct Upload {
    project: String,
    version: String,
    file: File,
}

impl Upload {
    /// A small wheel; a tenth of the usual ten releases of a project.
    pub(crate) fn small(project: &str, version: &str, payload: usize) -> Self {
        Self {
            project: project.to_owned(),
            version: version.to_owned(),
            file: File::of(&plain_wheel(project, version, payload)),
        }
    }

    fn form(&self) -> Vec<u8> {
        let mut form = Vec::new();
        for (name, value) in [
            (":action", "file_upload"),
            ("protocol_version", "1"),
            ("metadata_version", "2.1"),
            ("name", &self.project),
            ("version", &self.version),
            ("filetype", "bdist_wheel"),
            ("pyversion", "py3"),
            ("requires_python", ">=3.8"),
            ("sha256_digest", &self.file.sha256),
        ] {
            let part = format!(
                "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            );
            form.extend_from_slice(part.as_bytes());
        }
        let part = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"content\"; filename=\"{}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n",
            self.file.filename
        );
        form.extend_from_slice(part.as_bytes());
        form.extend_from_slice(self.file.body.as_ref().map_or(&[], |body| body.as_slice()));
        form.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
        form
    }
}

/// What publishing came to.
pub(crate) struct Published {
    /// Files a second.
    pub(crate) rate: f64,
    /// The median of what one upload took, in milliseconds.
    pub(crate) median_ms: f64,
}

/// Publishes everything, so many at a time.
///
/// # Errors
/// When an upload is refused.
pub(crate) fn publish(
    to: &Publishing,
    count: usize,
    at_once: usize,
    upload: impl Fn(usize) -> Upload + Sync,
) -> anyhow::Result<Published> {
    let next = AtomicUsize::new(0);
    let one = || -> anyhow::Result<Vec<Duration>> {
        let mut connection = Connection::open(to.port)?;
        let secret = STANDARD.encode(format!("{}:{}", to.user, to.password));
        let authorization = format!("Basic {secret}");
        let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
        let fields = [
            ("Authorization", authorization.as_str()),
            ("Content-Type", content_type.as_str()),
        ];
        let mut taken = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return Ok(taken);
            }
            let form = upload(number).form();
            let mut said = Vec::new();
            let sink = |piece: &[u8]| said.extend_from_slice(piece);
            let answer = connection.send(("POST", to.path), &fields, &form, sink)?;
            if !(200..300).contains(&answer.status) {
                let said = String::from_utf8_lossy(&said);
                bail!("an upload was refused with {}: {said}", answer.status);
            }
            taken.push(answer.total);
        }
    };
    let began = Instant::now();
    let taken = thread::scope(|scope| {
        let threads: Vec<_> = (0..at_once).map(|_| scope.spawn(one)).collect();
        let mut taken = Vec::new();
        for thread in threads {
            let of_one = thread.join().ok().context("a client panicked")?;
            taken.extend(of_one?);
        }
        Ok::<_, anyhow::Error>(taken)
    })?;
    let total = began.elapsed().as_secs_f64();
    let milliseconds = taken.iter().map(|one| one.as_secs_f64() * 1e3).collect();
    Ok(Published {
        rate: count as f64 / total,
        median_ms: median(milliseconds).context("nothing was published")?,
    })
}

/// Measures publishing.
///
/// # Errors
/// When an upload is refused, or not listed afterwards.
pub(crate) fn measure(bench: &mut Bench) -> anyhow::Result<()> {
    let stage = bench.stage("publish", &Corpus::default())?;
    let count = bench.extent.uploads;
    for round in 0..bench.extent.rounds {
        for kind in bench.proxies() {
            if kind == Kind::NginxCache {
                continue;
            }
            for at_once in [1, 4] {
                let server = bench.start(kind, &stage, "publish")?;
                let to = server.publishing(&bench.programs)?;
                let cpu = server.tree().cpu();
                let published = publish(&to, count, at_once, |number| {
                    let project = format!("published-{}", number / 10);
                    Upload::small(&project, &format!("1.{}", number % 10), 8_000)
                })?;
                let cpu = server.tree().cpu() - cpu;
                let (_, page) = get(server.port, &server.hosted_page("published-0"), &[])?;
                super::check_page(kind, &page, count.min(10))?;
                for (quantity, value) in [
                    ("uploads/s", published.rate),
                    ("median ms", published.median_ms),
                    ("CPU ms", cpu * 1e3 / count as f64),
                ] {
                    let part = format!("{at_once} at once");
                    let what = What {
                        work: "W7",
                        part,
                        quantity,
                    };
                    bench.note(what, kind, round, value);
                }
            }
        }
    }
    Ok(())
}

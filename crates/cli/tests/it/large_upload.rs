//! An upload of half a gigabyte, and with `PORTCULLIS_TEST_LARGE=1` one of 5 GiB, takes no more memory than
//! any other. The file has holes, so that it takes no disk here.

use std::fs::File;
use std::io::{self, BufReader, Read as _, Seek, SeekFrom, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use portcullis_fixtures::FixtureIndex;
use sha2::{Digest as _, Sha256};
use zip::write::SimpleFileOptions;

use crate::gateway;
use crate::memory::{forget_peak, peak, resident};
use crate::wire;

const NAME: &str = "acme_large-1.0-py3-none-any.whl";
const INFO: &str = "acme_large-1.0.dist-info";

/// A file in which zeros are holes.
struct Sparse(File);

impl Write for Sparse {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > 4096 && bytes.iter().all(|byte| *byte == 0) {
            self.0.seek_relative(i64::try_from(bytes.len()).unwrap())?;
            return Ok(bytes.len());
        }
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Seek for Sparse {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

/// A wheel with one member of so many zeros, which are stored and not compressed.
fn large_wheel(size: u64) -> File {
    let mut wheel = zip::ZipWriter::new(Sparse(tempfile::tempfile().unwrap()));
    let stored = SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Stored)
        .large_file(true);
    let zeros = vec![0; 1 << 20];
    let mut hash = Sha256::new();
    wheel.start_file("acme_large/data.bin", stored).unwrap();
    for _ in 0..size >> 20 {
        wheel.write_all(&zeros).unwrap();
        hash.update(&zeros);
    }
    let metadata = "Metadata-Version: 2.1\nName: acme-large\nVersion: 1.0\n";
    let about = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n";
    let line = |name: &str, hash: &str, size: u64| format!("{name},sha256={hash},{size}\n");
    let own = |name: &str, text: &str| {
        let hash = encoded(Sha256::digest(text));
        line(&format!("{INFO}/{name}"), &hash, text.len() as u64)
    };
    let record = line("acme_large/data.bin", &encoded(hash.finalize()), size)
        + &own("METADATA", metadata)
        + &own("WHEEL", about)
        + &format!("{INFO}/RECORD,,\n");
    for (name, text) in [
        ("METADATA", metadata),
        ("WHEEL", about),
        ("RECORD", &record),
    ] {
        wheel.start_file(format!("{INFO}/{name}"), stored).unwrap();
        wheel.write_all(text.as_bytes()).unwrap();
    }
    let mut file = wheel.finish().unwrap().0;
    file.rewind().unwrap();
    file
}

/// A digest as RECORD has it.
fn encoded(digest: impl AsRef<[u8]>) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(digest)
}

fn form(file: &mut File) -> (String, String, u64) {
    let mut hash = Sha256::new();
    let mut block = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut block).unwrap();
        if read == 0 {
            break;
        }
        hash.update(&block[..read]);
    }
    file.rewind().unwrap();
    let sha256 = hex::encode(hash.finalize());
    let fields = [
        ("sha256_digest", sha256.as_str()),
        (":action", "file_upload"),
        ("protocol_version", "1"),
        ("filetype", "bdist_wheel"),
        ("pyversion", "py3"),
        ("metadata_version", "2.1"),
        ("name", "acme-large"),
        ("version", "1.0"),
    ];
    let mut before = String::new();
    for (name, value) in fields {
        before += &format!(
            "--x1y2\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        );
    }
    before += &format!(
        "--x1y2\r\nContent-Disposition: form-data; name=\"content\"; filename=\"{NAME}\"\r\n\r\n"
    );
    let after = "\r\n--x1y2--\r\n".to_owned();
    let length = (before.len() + after.len()) as u64 + file.metadata().unwrap().len();
    (before, after, length)
}

/// Sends it and returns the answer.
fn send(base: &str, token: &str, mut file: File) -> String {
    let address = base.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(600)))
        .unwrap();
    let (before, after, length) = form(&mut file);
    let head = format!(
        "POST /legacy/ HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
         Authorization: Bearer {token}\r\nContent-Type: multipart/form-data; boundary=x1y2\r\n\
         Content-Length: {length}\r\n\r\n{before}"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut reader = BufReader::with_capacity(1 << 20, file);
    io::copy(&mut reader, &mut stream).unwrap();
    stream.write_all(after.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_large_upload_takes_no_more_memory_than_a_small_one() {
    let is_large = std::env::var("PORTCULLIS_TEST_LARGE").is_ok_and(|large| large == "1");
    let size: u64 = if is_large { 5 << 30 } else { 512 << 20 };
    let index = FixtureIndex::start_blocking();
    // Inspections are processes of their own, with their own bound.
    let policy = "[rules.malicious-code]\nmode = \"off\"\n[rules.broken-archive]\nmode = \"off\"\n\
        [rules.wheel-differs]\nmode = \"off\"\n[rules.changed-behaviour]\nmode = \"off\"\n";
    let setup = gateway::before(&index).policy(policy);
    let gateway = setup.tables("[limits]\nupload = \"6 GiB\"\n").start();
    let token = gateway.token("uploader", "upload");
    let small = portcullis_fixtures::wheel("acme-small", "1.0");
    let warmed = wire::Form::of(&small).send(gateway.url(), &token);
    assert_eq!(warmed.status, 200, "{}", warmed.screen());
    let file = large_wheel(size);

    let before = resident(gateway.process());
    forget_peak(gateway.process());
    let begun = Instant::now();
    let answer = send(gateway.url(), &token, file);
    let more = peak(gateway.process()).saturating_sub(before);
    eprintln!("{size} bytes: {more} bytes more in {:?}", begun.elapsed());
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(more <= 64 << 20, "{more} bytes more than before");
    let page = gateway.get("/simple/acme-large/").text();
    assert!(page.contains(NAME), "{page}");
}

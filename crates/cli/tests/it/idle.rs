//! Ten thousand connections on which nothing is asked: they cost little, and keep nobody out.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use portcullis_fixtures::{FixtureIndex, wheel};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::gateway;
use crate::memory::resident;

/// How many connections this process may make, which each take a file here and one there.
fn as_many_as_possible(wanted: usize) -> usize {
    let maximum = getrlimit(Resource::Nofile).maximum;
    let raised = Rlimit {
        current: maximum,
        maximum,
    };
    setrlimit(Resource::Nofile, raised).unwrap();
    let files = maximum.map_or(usize::MAX, |files| usize::try_from(files).unwrap());
    let possible = (files.saturating_sub(256) * 3 / 4).min(wanted);
    if possible < wanted {
        eprintln!("{possible} connections, not {wanted}: there may be {files} open files");
    }
    possible
}

fn address(url: &str) -> &str {
    url.trim_start_matches("http://")
}

/// Asks on a connection that stays open.
fn ask(stream: &mut TcpStream) {
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    stream
        .write_all(b"GET /livez HTTP/1.1\r\nHost: a.example\r\n\r\n")
        .unwrap();
    let mut buffer = [0; 1024];
    let read = stream.read(&mut buffer).unwrap();
    let text = String::from_utf8_lossy(&buffer[..read]).into_owned();
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
}

#[test]
fn ten_thousand_idle_connections_cost_little_and_keep_nobody_out() {
    let index = FixtureIndex::start_blocking();
    index.add(wheel("leaf", "1.0"));
    let number = as_many_as_possible(10_000);
    let limits = format!("[limits]\nconnections = {}\n", number + 100);
    let gateway = gateway::before(&index).tables(&limits).start();
    assert_eq!(gateway.get("/simple/leaf/").status, 200);
    let before = resident(gateway.process());

    let connect = || TcpStream::connect(address(gateway.url())).unwrap();
    let mut open: Vec<TcpStream> = (0..number).map(|_| connect()).collect();
    let begun = Instant::now();
    assert_eq!(gateway.get("/simple/leaf/").status, 200);
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    let silent = resident(gateway.process()).saturating_sub(before) / number as u64;

    open.iter_mut().for_each(ask);
    let kept = resident(gateway.process()).saturating_sub(before) / number as u64;
    eprintln!(
        "{number} connections: {silent} bytes each silent, {kept} bytes each after a request"
    );
    assert!(
        silent < 16 << 10 && kept < 32 << 10,
        "{silent} and {kept} bytes each"
    );

    // More than there is room for: those that were idle for longest make room.
    let late: Vec<TcpStream> = (0..300).map(|_| connect()).collect();
    for _ in 0..5 {
        let begun = Instant::now();
        assert_eq!(gateway.get("/simple/leaf/").status, 200);
        assert!(
            begun.elapsed() < Duration::from_secs(5),
            "{:?}",
            begun.elapsed()
        );
    }
    let figures = gateway.get("/metrics").text();
    assert!(
        figures.contains("portcullis_connections_ended_total{why=\"crowded\"}"),
        "{figures}"
    );
    drop(late);
}

//! Clients that mean ill over HTTP/1.1: heads that never end, heads that are too long, requests that two
//! readers would read differently, and files that nobody takes.

use std::time::Duration;

use portcullis_fixtures::{FixtureIndex, wheel};

use crate::raw::Raw;
use crate::test_app::{LOOKS_INTO_NOTHING, Setup, TestApp, old};

async fn place(limits: &str) -> (FixtureIndex, TestApp) {
    let upstream = FixtureIndex::start().await;
    upstream.add(old(wheel("foo", "1.0")));
    let tables = format!("[limits]\n{limits}");
    let setup = Setup::over(&upstream).tables(&tables);
    let app = setup.policy(LOOKS_INTO_NOTHING).start().await;
    (upstream, app)
}

fn within(passed: Duration, seconds: std::ops::Range<u64>) {
    assert!(seconds.contains(&passed.as_secs()), "{passed:?}");
}

#[tokio::test]
async fn a_head_that_comes_drop_by_drop_is_given_up() {
    let (_upstream, app) = place("head = '1s'\nidle = '20s'").await;
    let mut raw = Raw::open(app.address).await;
    let begun = std::time::Instant::now();
    for byte in "GET /livez HTTP/1.1\r\nHost: a.example\r\nX-Slow: yes".bytes() {
        if !raw.send([byte]).await {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let (text, _) = raw.rest().await;
    assert_eq!(text, "");
    within(begun.elapsed(), 1..6);
    assert_eq!(app.get("/livez").await.status, 200);
}

#[tokio::test]
async fn connections_that_ask_nothing_end_whether_they_ever_asked_or_not() {
    let (_upstream, app) = place("head = '20s'\nidle = '1s'").await;
    let mut silent = Raw::open(app.address).await;
    within(silent.rest().await.1, 0..5);
    let mut kept = Raw::open(app.address).await;
    kept.send("GET /livez HTTP/1.1\r\nHost: a.example\r\n\r\n")
        .await;
    let (text, passed) = kept.rest().await;
    assert!(text.ends_with("ok\n"), "{text}");
    within(passed, 0..5);
}

#[tokio::test]
async fn idle_connections_do_not_keep_others_out() {
    let (_upstream, app) = place("connections = 16").await;
    let mut idle = Vec::new();
    for _ in 0..40 {
        idle.push(Raw::open(app.address).await);
    }
    for _ in 0..3 {
        assert_eq!(app.get("/livez").await.status, 200);
    }
}

#[tokio::test]
async fn one_address_does_not_take_all_connections() {
    let (_upstream, app) = place("connections-per-address = 3\nexempt = []").await;
    let mut first = Vec::new();
    for _ in 0..3 {
        let mut raw = Raw::open(app.address).await;
        raw.send("GET /livez HTTP/1.1\r\nHost: a.example\r\n\r\n")
            .await;
        assert!(raw.some(Duration::from_secs(5)).await.contains("200 OK"));
        first.push(raw);
    }
    let mut fourth = Raw::open(app.address).await;
    assert_eq!(fourth.rest().await.0, "");
    drop(first.pop());
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(app.get("/livez").await.status, 200);
}

#[tokio::test]
async fn heads_that_are_too_long_are_refused() {
    let (_upstream, app) = place("").await;
    let long = |length: usize| "a".repeat(length);
    let many: String = (0..200).map(|n| format!("X-{n}: 1\r\n")).collect();
    for (target, headers, expected) in [
        ("/livez".to_owned(), String::new(), "200"),
        (format!("/livez?{}", long(8000)), String::new(), "200"),
        (format!("/simple/{}/", long(9000)), String::new(), "414"),
        (format!("/livez?{}", long(70_000)), String::new(), "431"),
        (
            "/livez".to_owned(),
            format!("X-Long: {}\r\n", long(70_000)),
            "431",
        ),
        ("/livez".to_owned(), many, "431"),
    ] {
        let mut raw = Raw::open(app.address).await;
        let head = format!(
            "GET {target} HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n{headers}\r\n"
        );
        raw.send(&head).await;
        let (text, _) = raw.rest().await;
        let status = text.split(' ').nth(1).unwrap_or_default();
        assert_eq!(status, expected, "{} bytes: {text}", head.len());
    }
    // Without an end: no more is read than is allowed.
    let mut raw = Raw::open(app.address).await;
    raw.send("GET /livez HTTP/1.1\r\n").await;
    let mut sent = 0;
    while raw.send(format!("X-Some: {}\r\n", long(1000))).await {
        sent += 1;
        assert!(sent < 20_000, "it takes any number of headers");
    }
}

/// What one reader takes for a body, and another for a second request (RFC 9112, 11.2). The second one
/// must never be answered as if it stood alone.
#[tokio::test]
async fn requests_that_could_be_read_in_two_ways_are_not_read_in_both() {
    let (_upstream, app) = place("").await;
    let smuggled = "GET /metrics HTTP/1.1\r\nHost: a.example\r\n\r\n";
    let length = smuggled.len();
    let chunked = "0\r\n\r\n";
    let table: &[(&str, String, &str)] = &[
        // Both: chunked counts, and the connection ends after it.
        (
            "TE and CL",
            format!(
                "Transfer-Encoding: chunked\r\nContent-Length: {}\r\n\r\n{chunked}{smuggled}",
                length + 5
            ),
            "405",
        ),
        (
            "CL and TE",
            format!(
                "Content-Length: {}\r\nTransfer-Encoding: chunked\r\n\r\n{chunked}{smuggled}",
                length + 5
            ),
            "405",
        ),
        (
            "two lengths",
            format!("Content-Length: 0\r\nContent-Length: {length}\r\n\r\n{smuggled}"),
            "400",
        ),
        (
            "a list of lengths",
            format!("Content-Length: 0, {length}\r\n\r\n{smuggled}"),
            "400",
        ),
        (
            "a signed length",
            format!("Content-Length: +{length}\r\n\r\n{smuggled}"),
            "400",
        ),
        (
            "a length in hexadecimal",
            format!("Content-Length: 0x10\r\n\r\n{smuggled}"),
            "400",
        ),
        (
            "an unknown coding",
            format!("Transfer-Encoding: xchunked\r\n\r\n{chunked}{smuggled}"),
            "400",
        ),
        (
            "chunked, but not last",
            format!("Transfer-Encoding: chunked, gzip\r\n\r\n{chunked}{smuggled}"),
            "400",
        ),
        (
            "a space before the colon",
            format!("Transfer-Encoding : chunked\r\n\r\n{chunked}{smuggled}"),
            "400",
        ),
        (
            "a folded header",
            format!("Transfer-Encoding:\r\n chunked\r\n\r\n{chunked}{smuggled}"),
            "400",
        ),
        (
            "a NUL in a header",
            format!("X: a\0b\r\n\r\n{smuggled}"),
            "400",
        ),
        (
            "a bare CR in a header",
            format!("X: a\rContent-Length: 3\r\n\r\n{smuggled}"),
            "400",
        ),
    ];
    for (what, rest, expected) in table {
        let mut raw = Raw::open(app.address).await;
        raw.send(format!("POST /livez HTTP/1.1\r\nHost: a.example\r\n{rest}"))
            .await;
        let (text, _) = raw.rest().await;
        let status = text.split(' ').nth(1).unwrap_or_default();
        assert_eq!(status, *expected, "{what}: {text}");
        assert_eq!(text.matches("HTTP/1.1 ").count(), 1, "{what}: {text}");
        assert!(!text.contains("portcullis_"), "{what}: {text}");
    }
}

#[tokio::test]
async fn a_file_that_nobody_takes_is_given_up_and_hinders_nobody() {
    let upstream = FixtureIndex::start().await;
    let file = old(wheel("big", "1.0").payload(24 << 20));
    upstream.add(file.clone());
    let setup = Setup::over(&upstream).tables("[limits]\nstall = '2s'");
    let app = setup.policy(LOOKS_INTO_NOTHING).start().await;
    let path = format!("/files/big/{}", file.filename());
    let request = format!("GET {path} HTTP/1.1\r\nHost: a.example\r\n\r\n");
    let mut still = Raw::open(app.address).await;
    still.send(&request).await;
    assert!(still.some(Duration::from_secs(20)).await.contains("200 OK"));
    // It stands still from now on. Others get the same file meanwhile.
    let whole = app.get(&path).await;
    assert!(whole.is_complete && whole.body == *file.bytes());
    tokio::time::sleep(Duration::from_secs(4)).await;
    let (rest, _) = still.rest().await;
    assert!(
        rest.len() < file.bytes().len(),
        "what was on its way at most"
    );
}

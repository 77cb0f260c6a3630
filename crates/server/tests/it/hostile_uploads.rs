//! Uploads that mean ill: without end, larger than they say, slower than anybody waits, and a thousand at
//! once of one name.

use std::time::Duration;

use portcullis_fixtures::{FixtureIndex, wheel};

use crate::raw::Raw;
use crate::test_app::{LOOKS_INTO_NOTHING, Setup, TestApp, eventually};
use crate::upload_form::Form;

async fn place(limits: &str) -> (FixtureIndex, TestApp, String) {
    let upstream = FixtureIndex::start().await;
    let tables = format!("[limits]\n{limits}");
    let setup = Setup::over(&upstream).tables(&tables);
    let app = setup.policy(LOOKS_INTO_NOTHING).start().await;
    let token = app.token("ci", "upload").await;
    (upstream, app, token)
}

fn head(token: &str, rest: &str) -> String {
    format!(
        "POST /legacy/ HTTP/1.1\r\nHost: a.example\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: multipart/form-data; boundary=x\r\n{rest}\r\n"
    )
}

const FILE: &str =
    "--x\r\nContent-Disposition: form-data; name=\"content\"; filename=\"a.whl\"\r\n\r\n";

fn chunk(bytes: &[u8]) -> Vec<u8> {
    let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
    chunk.extend_from_slice(bytes);
    chunk.extend_from_slice(b"\r\n");
    chunk
}

#[tokio::test]
async fn an_upload_that_says_that_it_is_too_large_is_refused_before_it_is_sent() {
    let (_upstream, app, token) = place("upload = '1 MiB'").await;
    let mut raw = Raw::open(app.address).await;
    let more = "Content-Length: 50000000\r\nExpect: 100-continue\r\n";
    raw.send(head(&token, more)).await;
    let text = raw.some(Duration::from_secs(10)).await;
    assert!(text.starts_with("HTTP/1.1 413 "), "{text}");
    assert!(!text.contains("100 Continue"));
    insta::assert_snapshot!(text.lines().next().unwrap_or_default(), @"HTTP/1.1 413 the file is larger than 1048576 bytes, the largest that may be published here");
    // Who may publish is asked to go on.
    let mut raw = Raw::open(app.address).await;
    raw.send(head(
        &token,
        "Content-Length: 5\r\nExpect: 100-continue\r\n",
    ))
    .await;
    assert!(
        raw.some(Duration::from_secs(10))
            .await
            .starts_with("HTTP/1.1 100 Continue")
    );
    let mut raw = Raw::open(app.address).await;
    raw.send(head(
        "pc_wrong",
        "Content-Length: 5\r\nExpect: 100-continue\r\n",
    ))
    .await;
    assert!(
        raw.some(Duration::from_secs(10))
            .await
            .starts_with("HTTP/1.1 401 ")
    );
}

#[tokio::test]
async fn an_upload_that_the_disk_has_no_room_for_is_refused_before_it_is_sent() {
    let (_upstream, app, token) = place("upload = '1000000 GiB'").await;
    let mut raw = Raw::open(app.address).await;
    let more = "Content-Length: 900000000000000\r\nExpect: 100-continue\r\n";
    raw.send(head(&token, more)).await;
    let text = raw.some(Duration::from_secs(10)).await;
    insta::assert_snapshot!(text.lines().next().unwrap_or_default(), @"HTTP/1.1 507 the gateway has no room for this file; tell its operator");
}

#[tokio::test]
async fn an_upload_without_end_is_refused_at_the_limit_and_not_read_to_its_end() {
    let (_upstream, app, token) = place("upload = '1 MiB'").await;
    let mut raw = Raw::open(app.address).await;
    raw.send(head(&token, "Transfer-Encoding: chunked\r\n"))
        .await;
    raw.send(chunk(FILE.as_bytes())).await;
    let block = chunk(&vec![b'a'; 64 * 1024]);
    let mut sent = 0_usize;
    while raw.send(&block).await {
        sent += block.len();
        assert!(sent < 256 << 20, "it reads without end");
    }
    // The answer is lost where the client never stops to read; who does, sees it.
    let mut raw = Raw::open(app.address).await;
    raw.send(head(&token, "Transfer-Encoding: chunked\r\n"))
        .await;
    raw.send(chunk(FILE.as_bytes())).await;
    for _ in 0..20 {
        raw.send(&block).await;
    }
    raw.send("0\r\n\r\n").await;
    let text = raw.some(Duration::from_secs(10)).await;
    assert!(text.starts_with("HTTP/1.1 413 "), "{text}");
    assert!(app.blobs().await.is_empty());
    nothing_left(&app).await;
}

/// No scratch file is left.
async fn nothing_left(app: &TestApp) {
    let scratch = app.path("data");
    let gone = async || {
        let mut folders = vec![scratch.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap().flatten() {
                let path = entry.path();
                match path.is_dir() {
                    true => folders.push(path),
                    false if path.to_string_lossy().contains("portcullis.db") => {}
                    false if std::fs::metadata(&path).is_ok_and(|file| file.len() > 0) => {
                        return None;
                    }
                    false => {}
                }
            }
        }
        Some(())
    };
    eventually(gone).await;
}

#[tokio::test]
async fn lengths_that_lie_publish_nothing() {
    let (_upstream, app, token) = place("stall = '2s'").await;
    let form = Form::of_wheel(&wheel("acme-tool", "1.0"));
    let body = form.body();
    let boundary = String::from_utf8_lossy(&body)
        .lines()
        .next()
        .unwrap_or_default()[2..]
        .to_owned();
    let send = async |length: usize, and_then: Option<&[u8]>| {
        let mut raw = Raw::open(app.address).await;
        let head = head(&token, &format!("Content-Length: {length}\r\n"))
            .replace("boundary=x", &format!("boundary={boundary}"));
        raw.send(head).await;
        raw.send(&body).await;
        if let Some(more) = and_then {
            raw.send(more).await;
        }
        raw.rest().await.0
    };
    // Shorter than what comes: the rest is no request, and the form has no end.
    let text = send(body.len() - 400, None).await;
    assert!(text.starts_with("HTTP/1.1 400 "), "{text}");
    assert_eq!(text.matches("HTTP/1.1 200").count(), 0, "{text}");
    assert_eq!(app.page("acme-tool").await.status, 404);
    nothing_left(&app).await;
    // Longer than what comes: whatever is read, waiting for the rest ends.
    let text = send(body.len() + 1000, None).await;
    assert!(!text.contains("HTTP/1.1 5"), "{text}");
}

#[tokio::test]
async fn chunks_that_are_none_end_the_upload() {
    let (_upstream, app, token) = place("").await;
    for bad in [
        "zz\r\n",
        "-5\r\nhello\r\n",
        "fffffffffffffffff\r\n",
        "5\r\nhello!!\r\n",
        "5;ext=\n\r\nhello\r\n",
        "0x5\r\nhello\r\n",
    ] {
        let mut raw = Raw::open(app.address).await;
        raw.send(head(&token, "Transfer-Encoding: chunked\r\n"))
            .await;
        raw.send(chunk(b"--x\r\n")).await;
        raw.send(bad).await;
        raw.send("GET /metrics HTTP/1.1\r\nHost: a.example\r\n\r\n")
            .await;
        let (text, _) = raw.rest().await;
        assert!(!text.contains("HTTP/1.1 200"), "{bad:?}: {text}");
    }
    let mut raw = Raw::open(app.address).await;
    raw.send(head(&token, "Transfer-Encoding: chunked\r\n"))
        .await;
    raw.send(format!("5;{}", "e".repeat(100_000))).await;
    let (text, _) = raw.rest().await;
    assert!(!text.contains("HTTP/1.1 200"), "{text}");
}

#[tokio::test]
async fn an_upload_that_comes_drop_by_drop_is_given_up_and_leaves_nothing() {
    let (_upstream, app, token) = place("stall = '2s'\nslowest = '1 KiB'").await;
    let mut raw = Raw::open(app.address).await;
    let begun = std::time::Instant::now();
    raw.send(head(&token, "Content-Length: 1000000\r\n")).await;
    raw.send(FILE).await;
    while raw.send("a").await {
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "it waits without end"
        );
    }
    assert!(
        begun.elapsed() > Duration::from_secs(1),
        "{:?}",
        begun.elapsed()
    );
    nothing_left(&app).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_thousand_uploads_of_one_name_exactly_one_wins() {
    let (_upstream, app, token) = place("").await;
    let uploads = (0..1000).map(|number| {
        let wheel = wheel("acme-tool", "1.0").file("acme_tool/n.py", format!("N = {number}\n"));
        let ask = Form::of_wheel(&wheel).to(&app, &token);
        async move {
            let answer = ask.open().await.rest().await;
            (answer, wheel.build())
        }
    });
    let answers = futures_util::future::join_all(uploads).await;
    let (won, lost): (Vec<_>, Vec<_>) =
        answers.iter().partition(|(answer, _)| answer.status == 200);
    assert_eq!(won.len(), 1);
    for (answer, _) in lost {
        assert_eq!(answer.status, 400, "{}", answer.shown());
        assert!(
            answer.reason.starts_with("File already exists"),
            "{}",
            answer.reason
        );
    }
    let file = app
        .file("acme-tool", "acme_tool-1.0-py3-none-any.whl")
        .await;
    assert!(
        file.body == won[0].1,
        "the one that was told so is the one that is there"
    );
}

//! Clients that mean ill over HTTP/2: connections that say nothing, heads that are too long, requests that
//! are taken back at once, and streams whose window never opens.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use portcullis_fixtures::{FixtureIndex, wheel};

use crate::raw::{Http2, Raw};
use crate::test_app::{LOOKS_INTO_NOTHING, Setup, TestApp, old};

async fn place(limits: &str) -> (FixtureIndex, TestApp) {
    let upstream = FixtureIndex::start().await;
    upstream.add(old(wheel("big", "1.0").payload(8 << 20)));
    let tables = format!("[limits]\n{limits}");
    let setup = Setup::over(&upstream).tables(&tables);
    let app = setup.policy(LOOKS_INTO_NOTHING).start().await;
    (upstream, app)
}

const FILE: &str = "http://a.example/files/big/big-1.0-py3-none-any.whl";

#[tokio::test]
async fn prior_knowledge_is_enough_without_tls() {
    let (_upstream, app) = place("").await;
    let mut http2 = Http2::plain(app.address).await;
    let page = http2.get("http://packages.acme.example/").await;
    let text = String::from_utf8(page.body).unwrap();
    assert!(
        text.contains("http://packages.acme.example/simple/"),
        "{text}"
    );
    let file = http2.get(FILE).await;
    assert_eq!(
        file.head.headers()["content-length"],
        file.body.len().to_string()
    );
    assert!(file.error.is_none() && file.body.len() > 8 << 20);
}

#[tokio::test]
async fn connections_that_ask_nothing_end() {
    let (_upstream, app) = place("head = '2s'\nidle = '3s'").await;
    let mut half = Raw::open(app.address).await;
    half.send("PRI * HTTP/2.0\r\n\r\n").await;
    let (_, passed) = half.rest().await;
    assert!(passed < Duration::from_secs(6), "{passed:?}");
    let mut http2 = Http2::plain(app.address).await;
    assert_eq!(http2.get("http://a.example/livez").await.head.status(), 200);
    let ended = tokio::time::timeout(Duration::from_secs(10), http2.ended).await;
    ended.expect("it ends").unwrap().expect("with a word");
}

#[tokio::test]
async fn a_head_that_is_too_long_is_refused_and_the_connection_goes_on() {
    let (_upstream, app) = place("").await;
    let mut http2 = Http2::plain(app.address).await;
    let request = Request::get("http://a.example/livez")
        .header("x-long", "a".repeat(70_000))
        .body(())
        .unwrap();
    let mut ready = http2.send.clone().ready().await.unwrap();
    let (answer, _) = ready.send_request(request, true).unwrap();
    assert_eq!(answer.await.unwrap().status(), 431);
    let long = format!("http://a.example/simple/{}/", "a".repeat(9000));
    assert_eq!(http2.get(&long).await.head.status(), 414);
    assert_eq!(http2.get("http://a.example/livez").await.head.status(), 200);
}

#[tokio::test]
async fn requests_that_are_taken_back_at_once_end_the_connection() {
    let (_upstream, app) = place("").await;
    let http2 = Http2::plain(app.address).await;
    let mut send = http2.send.clone();
    let mut asked = 0;
    for _ in 0..100_000 {
        let Ok(mut ready) = send.ready().await else {
            break;
        };
        let request = Request::get("http://a.example/simple/big/")
            .body(())
            .unwrap();
        let Ok((answer, mut stream)) = ready.send_request(request, true) else {
            break;
        };
        asked += 1;
        stream.send_reset(h2::Reason::CANCEL);
        drop(answer);
        send = ready;
        tokio::task::yield_now().await;
        if http2.ended.is_finished() {
            break;
        }
    }
    let ended = tokio::time::timeout(Duration::from_secs(20), http2.ended).await;
    let error = ended.expect("it ends").unwrap().expect_err("not in peace");
    // The word that comes with it is lost when more is sent at that moment.
    let is_told = error.reason() == Some(h2::Reason::ENHANCE_YOUR_CALM);
    assert!(is_told || error.is_io(), "{error}");
    assert!(asked < 2000, "{asked} requests were taken and taken back");
    assert_eq!(app.get("/livez").await.status, 200);
}

#[tokio::test]
async fn a_stream_whose_window_never_opens_is_given_up() {
    let (_upstream, app) = place("stall = '2s'").await;
    let http2 = Http2::plain(app.address).await;
    let mut ready = http2.send.clone().ready().await.unwrap();
    let (answer, _) = ready
        .send_request(Request::get(FILE).body(()).unwrap(), true)
        .unwrap();
    let mut stream = answer.await.unwrap().into_body();
    let first = stream.data().await.unwrap().unwrap();
    assert!(!first.is_empty());
    // Nothing is given back, so that the window stays shut, while pings are answered as ever.
    let ended = tokio::time::timeout(Duration::from_secs(10), http2.ended).await;
    assert!(ended.is_ok(), "the connection is still open");
    assert_eq!(app.get("/livez").await.status, 200);
}

#[tokio::test]
async fn an_upload_that_stands_still_is_given_up() {
    let (_upstream, app) = place("stall = '2s'").await;
    let token = app.token("ci", "upload").await;
    let http2 = Http2::plain(app.address).await;
    let mut ready = http2.send.clone().ready().await.unwrap();
    let request = Request::post("http://a.example/legacy/")
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "multipart/form-data; boundary=x")
        .body(())
        .unwrap();
    let (answer, mut stream) = ready.send_request(request, false).unwrap();
    stream
        .send_data(Bytes::from_static(b"--x\r\n"), false)
        .unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(10), answer).await;
    assert!(ended.expect("it ends").is_err());
}

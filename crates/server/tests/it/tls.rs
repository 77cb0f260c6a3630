//! TLS with HTTP/2 and HTTP/1.1: what is spoken, what a refusal looks like in it, and certificates that change
//! while the gateway runs.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use portcullis_core::gate::HELD_BACK;
use portcullis_fixtures::{Fault, FixtureIndex, wheel};
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::raw::{Http2, Raw};
use crate::test_app::{Setup, TestApp, eventually, old};

const HOST: &str = "packages.acme.example";

/// A certificate of its own authority, written to the two files.
fn certify(cert: &Path, key: &Path) -> CertificateDer<'static> {
    let pair = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![HOST.to_owned()]).unwrap();
    let certificate = params.self_signed(&pair).unwrap();
    std::fs::write(cert, certificate.pem()).unwrap();
    std::fs::write(key, pair.serialize_pem()).unwrap();
    certificate.der().clone()
}

struct Place {
    app: TestApp,
    upstream: FixtureIndex,
    root: CertificateDer<'static>,
}

async fn place(tls: &str, limits: &str) -> Place {
    let upstream = FixtureIndex::start().await;
    upstream.add(old(wheel("foo", "1.0").payload(500_000)));
    let tables = format!("[tls]\ncert = 'cert.pem'\nkey = 'key.pem'\n{tls}\n[limits]\n{limits}");
    let setup = Setup::over(&upstream).tables(&tables);
    let root = certify(&setup.path("cert.pem"), &setup.path("key.pem"));
    let app = setup.start().await;
    Place {
        app,
        upstream,
        root,
    }
}

impl Place {
    async fn connect(
        &self,
        root: &CertificateDer<'static>,
        versions: &[&'static SupportedProtocolVersion],
        protocols: &[&[u8]],
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(root.clone()).unwrap();
        let mut config = ClientConfig::builder_with_protocol_versions(versions)
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        let stream = TcpStream::connect(self.app.address).await?;
        let name = ServerName::try_from(HOST).unwrap();
        TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await
    }

    async fn http2(&self) -> Http2 {
        let versions = [&TLS13];
        let stream = self.connect(&self.root, &versions, &[b"h2"]).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        Http2::over(stream).await
    }

    /// Whether the certificate that is shown now is this one.
    async fn shows(&self, root: &CertificateDer<'static>) -> bool {
        self.connect(root, &[&TLS13], &[]).await.is_ok()
    }
}

#[tokio::test]
async fn both_versions_of_http_are_spoken_in_both_versions_of_tls() {
    let place = place("", "").await;
    for version in [&TLS12, &TLS13] {
        let protocols: &[&[u8]] = &[b"h2", b"http/1.1"];
        let stream = place
            .connect(&place.root, &[version], protocols)
            .await
            .unwrap();
        let answer = Http2::over(stream)
            .await
            .get(&format!("https://{HOST}/"))
            .await;
        let text = String::from_utf8(answer.body).unwrap();
        assert_eq!(answer.head.status(), 200);
        assert!(text.contains(&format!("https://{HOST}/simple/")), "{text}");

        for protocols in [&[&b"http/1.1"[..]][..], &[]] {
            let mut stream = place
                .connect(&place.root, &[version], protocols)
                .await
                .unwrap();
            let request =
                format!("GET /livez HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n");
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut text = String::new();
            stream.read_to_string(&mut text).await.unwrap();
            assert!(
                text.starts_with("HTTP/1.1 200") && text.ends_with("ok\n"),
                "{text}"
            );
        }
    }
}

#[tokio::test]
async fn what_is_older_than_allowed_is_not_spoken() {
    let place = place("oldest = '1.3'", "").await;
    assert!(place.connect(&place.root, &[&TLS12], &[]).await.is_err());
    assert!(place.connect(&place.root, &[&TLS13], &[]).await.is_ok());
}

#[tokio::test]
async fn a_file_that_is_refused_at_its_end_is_never_complete_in_http2_either() {
    let place = place("", "").await;
    let path = "/files/foo/foo-1.0-py3-none-any.whl";
    let right = old(wheel("foo", "1.0").payload(500_000));
    let mut wrong = right.bytes().to_vec();
    wrong[10] ^= 1;
    place.upstream.fault("/files/", Fault::WrongBytes(wrong));
    let mut http2 = place.http2().await;
    let answer = http2.get(&format!("https://{HOST}{path}")).await;
    assert_eq!(answer.head.status(), 200);
    let error = answer.error.expect("the stream is reset");
    assert!(error.is_reset() && error.is_remote(), "{error}");
    let held_back = usize::try_from(HELD_BACK).unwrap();
    assert!(answer.body.len() <= right.bytes().len() - held_back);
    assert!(!answer.body.is_empty());
    // The connection and the other requests on it go on, and the retry is told why.
    let again = http2.get(&format!("https://{HOST}{path}")).await;
    assert_eq!(
        (again.head.status().as_u16(), again.error.is_none()),
        (403, true)
    );
    assert!(String::from_utf8_lossy(&again.body).contains("changed-hash"));
    place.upstream.clear_faults();
    let healed = http2.get(&format!("https://{HOST}{path}")).await;
    assert!(healed.error.is_none() && healed.body == *right.bytes());
}

#[tokio::test]
async fn a_new_certificate_is_taken_up_and_one_with_mistakes_is_not() {
    let place = place("", "").await;
    let (cert, key) = (place.app.path("cert.pem"), place.app.path("key.pem"));
    let mut http2 = place.http2().await;
    let new = certify(&cert, &key);
    eventually(async || place.shows(&new).await.then_some(())).await;
    assert!(!place.shows(&place.root).await);
    let answer = http2.get(&format!("https://{HOST}/livez")).await;
    assert_eq!(answer.head.status(), 200, "connections that are open stay");

    // Another certificate's key, as while somebody copies the second file.
    std::fs::write(&key, KeyPair::generate().unwrap().serialize_pem()).unwrap();
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert!(place.shows(&new).await, "the one before stays");
    std::fs::remove_file(&cert).unwrap();
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert!(place.shows(&new).await);
    let newest = certify(&cert, &key);
    eventually(async || place.shows(&newest).await.then_some(())).await;
}

#[tokio::test]
async fn plain_http_is_told_that_this_is_https() {
    let place = place("", "").await;
    let mut raw = Raw::open(place.app.address).await;
    raw.send("GET /simple/ HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let (text, _) = raw.rest().await;
    insta::assert_snapshot!(text.replace('\r', ""), @r"
    HTTP/1.1 400 This gateway speaks HTTPS: use https:// in the address
    Content-Type: text/plain; charset=utf-8
    Content-Length: 60
    Connection: close

    This gateway speaks HTTPS: use https:// in its address here
    ");
}

#[tokio::test]
async fn a_handshake_that_does_not_come_to_its_end_is_given_up_and_stops_nobody() {
    let place = place("", "").await;
    let mut silent = Raw::open(place.app.address).await;
    let mut halting = Raw::open(place.app.address).await;
    halting.send([0x16, 3, 1, 1, 0, 1]).await;
    let mut nonsense = Raw::open(place.app.address).await;
    nonsense.send([0; 64]).await;
    assert!(nonsense.rest().await.1 < Duration::from_secs(2));
    let start = Instant::now();
    assert!(place.shows(&place.root).await);
    assert!(start.elapsed() < Duration::from_secs(5));
    for raw in [&mut silent, &mut halting] {
        raw.rest().await;
    }
    let passed = start.elapsed();
    assert!((8..20).contains(&passed.as_secs()), "{passed:?}");
}

#[tokio::test]
async fn stopping_ends_connections_of_http2_when_their_requests_are_answered() {
    let place = place("", "").await;
    place.upstream.fault(
        "/files/",
        Fault::Drip {
            chunk: 64 * 1024,
            every: Duration::from_millis(100),
        },
    );
    let mut http2 = place.http2().await;
    let mut idle = place.http2().await;
    assert_eq!(
        idle.get(&format!("https://{HOST}/livez"))
            .await
            .head
            .status(),
        200
    );
    let (sender, url) = (
        http2.send.clone(),
        format!("https://{HOST}/files/foo/foo-1.0-py3-none-any.whl"),
    );
    let file = async move { http2.get(&url).await };
    let stopped = async {
        tokio::time::sleep(Duration::from_millis(250)).await;
        let (stopped, setup) = place.app.stop();
        (stopped.await, setup)
    };
    let (answer, (stopped, _setup)) = tokio::join!(file, stopped);
    stopped.unwrap();
    assert!(answer.error.is_none(), "{:?}", answer.error);
    assert_eq!(
        answer.body.len(),
        old(wheel("foo", "1.0").payload(500_000)).bytes().len()
    );
    assert!(sender.ready().await.is_err(), "no further request is taken");
    let ended = tokio::time::timeout(Duration::from_secs(5), idle.ended).await;
    assert!(ended.is_ok(), "a connection without a request ends at once");
}

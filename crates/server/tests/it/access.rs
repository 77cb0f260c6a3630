//! Tokens: who may read and publish, from when, until when, and that secrets stay secret.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use portcullis_fixtures::{FixtureIndex, wheel};
use portcullis_store::tokens;
use tracing_subscriber::fmt::MakeWriter;

use crate::test_app::{Setup, TestApp, old};
use crate::upload_form::Form;

const FILENAME: &str = "foo-1.0-py3-none-any.whl";

async fn closed() -> (FixtureIndex, TestApp) {
    let upstream = FixtureIndex::start().await;
    upstream.add(old(wheel("foo", "1.0")));
    let app = Setup::over(&upstream)
        .top("anonymous-read = false")
        .start()
        .await;
    (upstream, app)
}

/// Every address that tells something about packages.
const DOORS: [&str; 9] = [
    "/simple/",
    "/simple/foo/",
    "/main/simple/foo/",
    "/files/foo/foo-1.0-py3-none-any.whl",
    "/files/foo/foo-1.0-py3-none-any.whl.metadata",
    "/pypi/foo/json",
    "/pypi/foo/1.0/json",
    "/why/foo",
    "/namespaces",
];

#[tokio::test]
async fn without_a_token_nothing_is_told_where_one_is_needed() {
    let (upstream, app) = closed().await;
    for door in DOORS {
        let answer = app.get(door).await;
        assert_eq!(answer.status, 401, "{door}");
        assert_eq!(
            answer.header("www-authenticate"),
            Some("Basic realm=\"Portcullis\"")
        );
        assert_eq!(app.head(door).await.status, 401, "{door}");
    }
    assert!(upstream.requests().is_empty());
    assert_answer!(app.get("/simple/foo/").await);
    for door in ["/livez", "/readyz", "/"] {
        assert_eq!(app.get(door).await.status, 200, "{door}");
    }
}

#[tokio::test]
async fn every_token_that_reads_opens_every_door() {
    let (_upstream, app) = closed().await;
    for scopes in ["read", "upload", "upload:bar", "admin"] {
        let token = app.token(scopes, scopes).await;
        for door in DOORS {
            let basic = app.get(door).basic("__token__", &token).await;
            assert_eq!(basic.status, 200, "{scopes} {door}: {}", basic.shown());
            let bearer = app
                .get(door)
                .header("Authorization", &format!("Bearer {token}"))
                .await;
            assert_eq!(bearer.status, 200, "{scopes} {door}");
        }
        let any_user = app.get("/simple/foo/").basic("ann", &token).await;
        assert_eq!(any_user.status, 200);
    }
    let reviewer = app.token("reviewer", "review").await;
    assert_eq!(
        app.get("/simple/foo/")
            .basic("__token__", &reviewer)
            .await
            .status,
        403
    );
}

#[tokio::test]
async fn wrong_credentials_are_never_ignored() {
    let upstream = FixtureIndex::start().await;
    upstream.add(old(wheel("foo", "1.0")));
    let app = TestApp::over(&upstream).await;
    for header in [
        "Basic !!",
        "Basic",
        "Digest x",
        "Bearer pc_x",
        "Basic dXNlcjpwdw==",
    ] {
        let answer = app
            .get("/simple/foo/")
            .header("Authorization", header)
            .await;
        assert_eq!(answer.status, 401, "{header}");
    }
    assert_eq!(app.get("/simple/foo/").await.status, 200);
}

#[tokio::test]
async fn a_revoked_token_is_refused_within_a_second() {
    let (_upstream, app) = closed().await;
    let token = app.token("laptop", "read").await;
    assert_eq!(
        app.get("/simple/foo/")
            .basic("__token__", &token)
            .await
            .status,
        200
    );
    assert!(
        tokens::revoke(&app.app.db, "laptop", "test", app.app.now())
            .await
            .unwrap()
    );
    tokio::time::sleep(Duration::from_millis(1050)).await;
    for door in DOORS {
        assert_eq!(
            app.get(door).basic("__token__", &token).await.status,
            401,
            "{door}"
        );
    }
    assert_eq!(
        Form::of_wheel(&wheel("x", "1"))
            .to(&app, &token)
            .await
            .status,
        401
    );
}

#[tokio::test]
async fn an_expired_token_is_refused_at_once() {
    let (_upstream, app) = closed().await;
    let expires = app.app.now().plus_millis(1000);
    let token = app.expiring_token("laptop", "read", Some(expires)).await;
    let ask = || app.get("/simple/foo/").basic("__token__", &token);
    assert_eq!(ask().await.status, 200);
    app.advance(Duration::from_millis(999));
    assert_eq!(ask().await.status, 200);
    app.advance(Duration::from_millis(1));
    assert_eq!(ask().await.status, 401);
}

/// Everything that is logged on this thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Log {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn secrets_are_neither_logged_nor_told() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let upstream = FixtureIndex::start().await;
    upstream.add(old(wheel("foo", "1.0")));
    upstream.require_basic_auth("corp", "upstream-s3cret");
    let address = upstream.address();
    let app = Setup::with(&format!(
        "[sources.internal]\nkind = 'hosted'\n[sources.pypi]\nkind = 'upstream'\n\
         url = 'http://corp:upstream-s3cret@{address}/simple/'\n"
    ));
    let app = app.top("anonymous-read = false").start().await;
    let token = app.token("laptop", "upload:foo").await;
    let mut told = String::new();
    let doors = DOORS
        .iter()
        .copied()
        .chain(["/files/foo/none.whl", "/nothing", "/metrics"]);
    let doors: Vec<&str> = doors.collect();
    for round in ["well", "in an outage", "without rights"] {
        for door in &doors {
            let answer = app.get(door).basic("__token__", &token).await;
            told += &answer.shown();
        }
        let form = Form::of_wheel(&wheel("other", "1.0"));
        told += &form.to(&app, &token).await.shown();
        let mistyped = format!("{}x", &token[..token.len() - 1]);
        told += &app
            .get("/simple/foo/")
            .basic("__token__", &mistyped)
            .await
            .shown();
        match round {
            "well" => upstream.stop(),
            _ => upstream.start_again(),
        }
        upstream.require_basic_auth("corp", "another-one");
        app.outdate_pages();
    }
    assert_eq!(
        app.file("foo", FILENAME)
            .basic("__token__", &token)
            .await
            .status,
        200
    );
    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(
        logged.contains("no page of foo") || logged.contains("serving the page"),
        "{logged}"
    );
    let encode = |text: String| base64::engine::general_purpose::STANDARD.encode(text);
    let secrets = [
        token.clone(),
        token[3..40].to_owned(),
        "upstream-s3cret".to_owned(),
        encode(format!("__token__:{token}")),
        encode("corp:upstream-s3cret".to_owned()),
    ];
    for secret in secrets {
        assert!(!logged.contains(&secret), "{secret} was logged");
        assert!(!told.contains(&secret), "{secret} was told");
    }
}

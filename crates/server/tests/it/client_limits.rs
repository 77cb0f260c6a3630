//! How often one client may ask, and who that is behind a proxy.

use portcullis_fixtures::{FixtureIndex, wheel};

use crate::client::Ask;
use crate::test_app::{LOOKS_INTO_NOTHING, Setup, TestApp, old};
use crate::upload_form::Form;

/// A gateway behind a proxy, which the tests are.
async fn place(limits: &str) -> (FixtureIndex, TestApp) {
    let upstream = FixtureIndex::start().await;
    upstream.add(old(wheel("foo", "1.0")));
    let tables = format!("[proxies]\ntrusted = ['127.0.0.1']\n[limits]\n{limits}");
    let setup = Setup::over(&upstream).tables(&tables);
    let app = setup.policy(LOOKS_INTO_NOTHING).start().await;
    (upstream, app)
}

fn of(ask: Ask, client: &str) -> Ask {
    ask.header("X-Forwarded-For", client)
}

#[tokio::test]
async fn who_asks_too_often_is_told_when_to_come_back_and_nobody_else_is() {
    portcullis_server::serve::figures();
    let (_upstream, app) = place("requests = '1/m burst 2'").await;
    for _ in 0..2 {
        assert_eq!(of(app.get("/simple/foo/"), "192.0.2.1").await.status, 200);
    }
    let refused = of(app.get("/simple/foo/"), "192.0.2.1").await;
    let after = refused.header("retry-after").map(str::to_owned);
    let after: u64 = after.expect("a time").parse().expect("seconds");
    assert!((55..=60).contains(&after), "{after}");
    assert_eq!(refused.status, 429);
    let reason = refused.reason.replace(&after.to_string(), "60");
    insta::assert_snapshot!(reason, @"this address asks too often: 1 a minute and 2 at once are the limit; try again in 60 s");
    assert_eq!(refused.json()["status"], 429);
    // What it says before that of its own accord is not believed.
    let again = of(app.get("/simple/foo/"), "203.0.113.5, 192.0.2.1").await;
    assert_eq!(again.status, 429);
    for other in ["192.0.2.2", "2001:db8::1"] {
        assert_eq!(of(app.get("/simple/foo/"), other).await.status, 200);
    }
    for probe in ["/livez", "/readyz"] {
        assert_eq!(of(app.get(probe), "192.0.2.1").await.status, 200, "{probe}");
    }
    let figures = of(app.get("/metrics"), "192.0.2.9").await.text();
    assert!(
        figures.contains("portcullis_limited_total{limit=\"requests\"}"),
        "{figures}"
    );
}

#[tokio::test]
async fn the_proxy_itself_and_other_exempt_addresses_are_never_refused() {
    let (_upstream, app) = place("requests = '1/h'").await;
    for _ in 0..4 {
        assert_eq!(app.get("/simple/foo/").await.status, 200);
    }
    let limited = Setup::over(&_upstream).tables("[limits]\nrequests = '1/h'\nexempt = []");
    let app = limited.start().await;
    assert_eq!(app.get("/simple/foo/").await.status, 200);
    assert_eq!(app.get("/simple/foo/").await.status, 429);
}

#[tokio::test]
async fn a_token_that_is_proved_counts_for_itself() {
    let (_upstream, app) = place("requests = '1/h burst 3'").await;
    let tokens = [
        app.token("one", "read").await,
        app.token("two", "read").await,
    ];
    let page = || of(app.get("/simple/foo/"), "192.0.2.1");
    for token in &tokens {
        // The first time nobody knows yet that there is such a token.
        assert_eq!(page().basic("__token__", token).await.status, 200);
    }
    for token in &tokens {
        for _ in 0..3 {
            assert_eq!(page().basic("__token__", token).await.status, 200);
        }
        let refused = page().basic("__token__", token).await;
        assert_eq!(refused.status, 429);
        assert!(
            refused.reason.starts_with("this token asks too often"),
            "{}",
            refused.reason
        );
    }
    assert_eq!(page().await.status, 200);
    assert_eq!(page().await.status, 429);
}

#[tokio::test]
async fn wrong_tokens_are_not_looked_up_for_ever_and_proved_ones_go_on() {
    let (_upstream, app) = place("failed-logins = '1/h burst 3'").await;
    let (good, late) = (
        app.token("good", "read").await,
        app.token("late", "read").await,
    );
    let page = |token: &str, client: &str| of(app.get("/simple/foo/"), client).basic("ci", token);
    assert_eq!(page(&good, "192.0.2.1").await.status, 200);
    for wrong in ["pc_nonsense", "x", "", "pc_nonsense"] {
        assert_eq!(page(wrong, "192.0.2.1").await.status, 401, "{wrong:?}");
    }
    let refused = page("x", "192.0.2.1").await;
    assert_eq!(refused.status, 429);
    assert!(refused.header("retry-after").is_some());
    insta::assert_snapshot!(refused.reason.split(';').next().unwrap_or_default(), @"this address shows wrong tokens too often: 1 a hour and 3 at once are the limit");
    assert_eq!(
        page(&late, "192.0.2.1").await.status,
        429,
        "nobody knows it yet"
    );
    assert_eq!(page(&late, "192.0.2.2").await.status, 200);
    for token in [&good, &late] {
        assert_eq!(page(token, "192.0.2.1").await.status, 200);
    }
    assert_eq!(of(app.get("/simple/foo/"), "192.0.2.1").await.status, 200);
}

#[tokio::test]
async fn uploads_have_a_count_of_their_own() {
    let (_upstream, app) = place("uploads = '1/h burst 2'").await;
    let token = app.token("ci", "upload,read").await;
    let upload = |version: &str| {
        let form = Form::of_wheel(&wheel("acme-tool", version));
        of(form.to(&app, &token), "192.0.2.1")
    };
    for version in ["1.0", "2.0"] {
        let answer = upload(version).await;
        assert_eq!(answer.status, 200, "{}", answer.shown());
    }
    let refused = upload("3.0").await;
    assert_eq!(refused.status, 429, "{}", refused.shown());
    assert!(
        refused.reason.contains("publishes too often"),
        "{}",
        refused.reason
    );
    let page = of(app.get("/simple/acme-tool/"), "192.0.2.1")
        .basic("ci", &token)
        .await;
    assert_eq!(page.status, 200);
    assert!(!page.text().contains("3.0"));
}

#[tokio::test]
async fn a_download_is_recorded_for_the_client_and_not_for_its_proxy() {
    let (_upstream, app) = place("").await;
    let file = of(app.file("foo", "foo-1.0-py3-none-any.whl"), "192.0.2.77").await;
    assert_eq!(file.status, 200);
    let downloads = app.downloads("foo").await;
    let shown = format!("{downloads:?}");
    assert!(
        shown.contains("192.0.2.77") && !shown.contains("127.0.0.1"),
        "{shown}"
    );
}

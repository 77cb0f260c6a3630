//! The routing law (promises 1 and 2): what is ours is never asked for outside, and an outage never
//! makes the next source win.

use std::time::Duration;

use portcullis_fixtures::{Fault, FixtureIndex, wheel};
use portcullis_store::Db;
use portcullis_store::hosted::{self, Target, Withdrawal};

use crate::client::JSON;
use crate::test_app::{Setup, TestApp, name, old};
use crate::upload_form::publish;

const SPELLINGS: [&str; 5] = [
    "acme-billing",
    "Acme_Billing",
    "ACME.billing",
    "acme--billing",
    "aCmE-_.BiLlInG",
];

/// Asks for everything that there is about a project, in every spelling.
async fn ask_for_everything(app: &TestApp) -> Vec<u16> {
    let mut statuses = Vec::new();
    for spelling in SPELLINGS {
        for path in [
            format!("/simple/{spelling}/"),
            format!("/simple/{spelling}"),
            format!("/main/simple/{spelling}/"),
            format!("/files/{spelling}/acme_billing-1.0-py3-none-any.whl"),
            format!("/files/{spelling}/acme_billing-1.0-py3-none-any.whl.metadata"),
            format!("/files/{spelling}/acme_billing-9.0-py3-none-any.whl"),
            format!("/pypi/{spelling}/json"),
            format!("/pypi/{spelling}/1.0/json"),
            format!("/why/{spelling}"),
            format!("/why/{spelling}==1.0"),
        ] {
            statuses.push(app.get(&path).accept(JSON).await.status);
            statuses.push(app.head(&path).await.status);
        }
    }
    statuses
}

fn assert_never_asked(upstream: &FixtureIndex) {
    assert_eq!(upstream.paths_containing("acme"), [""; 0]);
}

async fn attacker() -> FixtureIndex {
    let upstream = FixtureIndex::start().await;
    upstream.add(old(wheel("acme-billing", "99.0")));
    upstream.add(old(wheel("acme-billing", "1.0")));
    upstream.add(old(wheel("flask", "1.0")));
    upstream
}

/// The upstream stands before the hosted source in every list.
fn upstream_first(upstream: &FixtureIndex, names: &str) -> Setup {
    Setup::with(&format!(
        "[sources.pypi]\nkind = 'upstream'\nurl = '{}'\n[sources.internal]\nkind = 'hosted'\n\
         [indexes.main]\nsources = ['pypi', 'internal']\npolicy = 'policy.toml'\n{names}",
        upstream.simple_url()
    ))
}

#[tokio::test]
async fn an_owned_prefix_is_never_asked_for_outside() {
    let upstream = attacker().await;
    let app = upstream_first(&upstream, "[names]\nowned = ['acme-*']\n")
        .start()
        .await;
    ask_for_everything(&app).await;
    assert_never_asked(&upstream);
    assert_eq!(app.page("flask").await.status, 200);
}

#[tokio::test]
async fn a_published_name_is_never_asked_for_outside_not_even_after_its_deletion() {
    let upstream = attacker().await;
    let app = upstream_first(&upstream, "").start().await;
    let token = app.token("ci", "upload").await;
    publish(&app, &token, &wheel("acme-billing", "1.0")).await;
    ask_for_everything(&app).await;
    assert_never_asked(&upstream);
    let page = app.page("acme-billing").await;
    assert_eq!(page.filenames(), ["acme_billing-1.0-py3-none-any.whl"]);

    app.start_jobs();
    let project = name("acme-billing");
    let withdrawal = Withdrawal {
        source: "internal",
        project: &project,
        target: Target::Project,
        who: "test",
    };
    hosted::delete(&app.app.db, &withdrawal, app.app.now())
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(1100)).await;
    ask_for_everything(&app).await;
    let page = app.page("acme-billing").await;
    assert!(
        page.filenames()[0].contains("blocked.by.policy"),
        "{}",
        page.shown()
    );

    let app = app.restart().await;
    ask_for_everything(&app).await;
    assert_never_asked(&upstream);
}

/// A name that somebody published through another replica is ours within a second, and a hosted source
/// is asked first even before that is known.
#[tokio::test]
async fn what_is_hosted_wins_before_its_ownership_is_known() {
    let upstream = attacker().await;
    let app = upstream_first(&upstream, "").start().await;
    let token = app.token("ci", "upload").await;
    publish(&app, &token, &wheel("acme-billing", "1.0")).await;
    app.app.names.store(std::sync::Arc::default());
    app.app.next_epoch();
    ask_for_everything(&app).await;
    assert_never_asked(&upstream);
}

#[tokio::test]
async fn an_inside_source_that_fails_never_makes_an_outside_one_win() {
    for names in ["", "[names]\nowned = ['acme-*']\n"] {
        let upstream = attacker().await;
        let app = upstream_first(&upstream, names).start().await;
        let Db::Sqlite { write, .. } = &app.app.db else {
            panic!("not SQLite")
        };
        sqlx::query("DROP TABLE file").execute(write).await.unwrap();
        let answer = app.page("acme-billing").await;
        assert_answer!(answer);
        for status in ask_for_everything(&app).await {
            assert!(matches!(status, 301 | 503), "{status}");
        }
        assert_never_asked(&upstream);
    }
}

#[tokio::test]
async fn a_database_that_is_gone_answers_nothing_rather_than_something_else() {
    let upstream = attacker().await;
    let app = upstream_first(&upstream, "").start().await;
    app.app.db.close().await;
    for status in ask_for_everything(&app).await {
        assert!(matches!(status, 301 | 503), "{status}");
    }
    assert_never_asked(&upstream);
}

/// What was asked before is remembered; but while the database is gone nobody knows what was published
/// meanwhile through another replica.
#[tokio::test]
async fn what_was_nobodys_is_not_taken_to_be_so_while_the_database_is_gone() {
    for is_jobs in ["without jobs", "with jobs"] {
        let upstream = attacker().await;
        let app = upstream_first(&upstream, "").start().await;
        if is_jobs == "with jobs" {
            app.start_jobs();
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        assert_eq!(
            app.page("acme-billing").await.status,
            200,
            "nobody owns it yet"
        );
        app.app.db.close().await;
        upstream.forget_requests();
        app.outdate_pages();
        tokio::time::sleep(Duration::from_millis(2600)).await;
        for status in ask_for_everything(&app).await {
            assert!(matches!(status, 301 | 503), "{is_jobs}: {status}");
        }
        assert_never_asked(&upstream);
    }
}

async fn two_upstreams() -> (FixtureIndex, FixtureIndex, TestApp) {
    let (first, second) = (FixtureIndex::start().await, FixtureIndex::start().await);
    let app = Setup::with(&format!(
        "[sources.one]\nkind = 'upstream'\nurl = '{}'\n\
         [sources.two]\nkind = 'upstream'\nurl = '{}'\n\
         [indexes.main]\nsources = ['one', 'two']\n",
        first.simple_url(),
        second.simple_url()
    ));
    (first, second, app.start().await)
}

#[tokio::test]
async fn absent_in_the_first_source_means_the_next() {
    let (first, second, app) = two_upstreams().await;
    second.add(old(wheel("foo", "1.0")));
    assert_eq!(
        app.page("foo").await.filenames(),
        ["foo-1.0-py3-none-any.whl"]
    );
    assert_eq!(first.count("/simple/foo/"), 1);
    assert_eq!(
        app.file("foo", "foo-1.0-py3-none-any.whl").await.status,
        200
    );
}

#[tokio::test]
async fn sources_are_never_merged() {
    let (first, second, app) = two_upstreams().await;
    first.add(old(wheel("foo", "1.0")));
    second.add(old(wheel("foo", "99.0")));
    assert_eq!(
        app.page("foo").await.filenames(),
        ["foo-1.0-py3-none-any.whl"]
    );
    assert_eq!(
        app.file("foo", "foo-99.0-py3-none-any.whl").await.status,
        404
    );
    assert_eq!(second.paths_containing("foo"), [""; 0]);
}

#[tokio::test]
async fn a_source_that_cannot_be_asked_ends_the_search() {
    for fault in [
        Fault::status(500),
        Fault::status(403),
        Fault::status(401),
        Fault::status_retry_after(429, 7),
        Fault::CloseAfter(5),
        Fault::ContentType("image/png".to_owned()),
        Fault::Raw(b"SSH-2.0-nothing\r\n\r\n".to_vec()),
    ] {
        let (first, second, app) = two_upstreams().await;
        first.add(old(wheel("foo", "1.0")));
        second.add(old(wheel("foo", "99.0")));
        first.fault("/simple/", fault.clone());
        let page = app.page("foo").await;
        assert!(
            matches!(page.status, 502 | 503),
            "{fault:?}: {}",
            page.status
        );
        let is_outage = page.status == 503;
        assert_eq!(page.header("retry-after").is_some(), is_outage, "{fault:?}");
        let file = app.file("foo", "foo-99.0-py3-none-any.whl").await;
        assert!(
            // Installers repeat a 502 and lose its reason; only an outage is worth repeating.
            file.status == if is_outage { 503 } else { 403 },
            "{fault:?}: {}",
            file.status
        );
        assert_eq!(second.paths_containing("foo"), [""; 0], "{fault:?}");
    }
}

#[tokio::test]
async fn an_outage_is_explained_with_when_to_come_back() {
    let (first, _second, app) = two_upstreams().await;
    first.fault("/simple/", Fault::status_retry_after(503, 7));
    assert_answer!(app.page("foo").await);
    first.stop();
    let (first, _second, app) = two_upstreams().await;
    first.stop();
    assert_answer!(app.page("foo").await);
}

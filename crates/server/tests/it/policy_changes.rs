//! Decisions change with time, with the policy and with the names, and take effect by themselves.

use std::time::Duration;

use portcullis_fixtures::{FixtureIndex, ListedFile, wheel};
use portcullis_server::jobs;
use portcullis_store::names;

use crate::client::JSON;
use crate::test_app::{Setup, TestApp, eventually, old};
use crate::upload_form::publish;

const FILENAME: &str = "foo-1.0-py3-none-any.whl";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn place(policy: &str) -> (FixtureIndex, TestApp) {
    let upstream = FixtureIndex::start().await;
    upstream.add(old(wheel("foo", "0.9")));
    let young = ListedFile::from(wheel("foo", "1.0")).upload_time("2026-06-14T12:00:00Z");
    upstream.add(young);
    let setup = Setup::over(&upstream)
        .of_upstream("fresh-for = '30d'")
        .policy(policy);
    (upstream, setup.start().await)
}

async fn lists(app: &TestApp) -> bool {
    let page = app.page("foo").await;
    page.filenames().contains(&FILENAME.to_owned())
}

async fn passes(app: &TestApp) -> bool {
    let is_listed = lists(app).await;
    let html = app.get("/simple/foo/").accept("text/html").await.text();
    assert_eq!(
        html.contains(FILENAME),
        is_listed,
        "both forms say the same"
    );
    let status = app.file("foo", FILENAME).await.status;
    assert_eq!(
        is_listed,
        status == 200,
        "page and file say the same: {status}"
    );
    is_listed
}

#[tokio::test]
async fn a_hold_ends_by_itself_to_the_moment() {
    let (upstream, app) = place("").await;
    assert!(!passes(&app).await);
    app.advance(2 * DAY - Duration::from_millis(1));
    assert!(!passes(&app).await);
    app.advance(Duration::from_millis(1));
    assert!(passes(&app).await);
    assert_eq!(upstream.count("/simple/foo/"), 1, "nobody had to ask again");
}

#[tokio::test]
async fn an_exception_lets_through_until_it_expires() {
    let (_upstream, app) = place(
        "[[exceptions]]\nproject = 'foo'\nversion = '==1.0'\nrule = 'too-young'\n\
         reason = 'needed'\nowner = 'sec'\nexpires = '2026-06-16T00:00:00Z'\n",
    )
    .await;
    assert!(passes(&app).await);
    let why = app.get("/why/foo==1.0").await.text();
    assert!(why.contains("excepted at policy.toml:1"), "{why}");
    app.advance(Duration::from_secs(12 * 60 * 60));
    assert!(
        !passes(&app).await,
        "the exception is over, the hold is not"
    );
    app.advance(2 * DAY);
    assert!(passes(&app).await);
}

#[tokio::test]
async fn an_edited_policy_acts_and_a_broken_one_does_not() {
    let (_upstream, app) = place("[rules.too-young]\ndays = 3\n").await;
    app.start_jobs();
    // Jobs look at the file once before they wait for it to change.
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!passes(&app).await);
    app.write_policy("[rules.too-young]\ndays = 'none'\n");
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert!(!passes(&app).await, "the policy before it stays in force");
    app.write_policy("[rules.too-young]\nmode = 'off'\n");
    // One answer at a time: between two of them the policy may change.
    eventually(async || lists(&app).await.then_some(())).await;
    assert!(passes(&app).await);
    app.write_policy("[rules.too-young]\ndays = 30\n");
    eventually(async || (!lists(&app).await).then_some(())).await;
    assert!(!passes(&app).await);
}

#[tokio::test]
async fn names_that_another_process_changes_act_within_a_second() {
    let (_upstream, app) = place("[rules.too-young]\nmode = 'off'\n").await;
    app.start_jobs();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(passes(&app).await);
    let (db, now) = (&app.app.db, app.app.now());
    let pattern = "foo".parse().unwrap();
    names::prohibit(db, &pattern, "gone bad", "other", now)
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(
        app.file("foo", FILENAME).await.json()["rule"],
        "prohibited-name"
    );
    names::allow(db, &pattern, "other", now).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(passes(&app).await);
    names::own(db, &pattern, "other", now).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(app.file("foo", FILENAME).await.json()["rule"], "owned-name");
    assert!(app.page("foo").await.filenames()[0].contains("blocked.by.policy"));
}

/// Between the start of a gateway and the first look of its jobs there is a moment: what changes in it
/// must not be missed.
#[tokio::test]
async fn what_changed_before_the_jobs_looked_first_is_not_missed() {
    let (_upstream, app) = place("[rules.too-young]\nmode = 'off'\n").await;
    let pattern = "foo".parse().unwrap();
    names::prohibit(&app.app.db, &pattern, "", "other", app.app.now())
        .await
        .unwrap();
    app.write_policy("[rules.yanked]\nmode = 'off'\n");
    app.start_jobs();
    let is_refused = async || {
        let answer = app.file("foo", FILENAME).await;
        (answer.status == 403 && answer.json()["rule"] == "prohibited-name").then_some(())
    };
    eventually(is_refused).await;
    names::allow(&app.app.db, &pattern, "other", app.app.now())
        .await
        .unwrap();
    let is_held = async || {
        let answer = app.file("foo", FILENAME).await;
        (answer.status == 403 && answer.json()["rule"] == "too-young").then_some(())
    };
    eventually(is_held).await;
}

/// What another replica publishes is on this one's pages within a second.
#[tokio::test]
async fn what_another_process_publishes_appears_within_a_second() {
    let (_upstream, app) = place("").await;
    app.start_jobs();
    let token = app.token("ci", "upload").await;
    publish(&app, &token, &wheel("ours", "1.0")).await;
    assert_eq!(app.page("ours").await.filenames().len(), 1);
    let project = "ours".parse().unwrap();
    let withdrawal = portcullis_store::hosted::Withdrawal {
        source: "internal",
        project: &project,
        target: portcullis_store::hosted::Target::Project,
        who: "other",
    };
    portcullis_store::hosted::yank(&app.app.db, &withdrawal, "broken", app.app.now())
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!(
        app.page("ours").await.json()["files"][0]["yanked"],
        "broken"
    );
}

/// Readers that render a page while files are being published never leave an old page behind.
#[tokio::test]
async fn a_page_that_is_rendered_during_a_publication_does_not_stay() {
    let (_upstream, app) = place("").await;
    let token = app.token("ci", "upload").await;
    let reader = |app: &TestApp| {
        let ask = app.get("/simple/ours/").accept(JSON);
        tokio::spawn(async move {
            loop {
                ask.clone().await;
            }
        })
    };
    let readers: Vec<_> = (0..4).map(|_| reader(&app)).collect();
    for minor in 0..12 {
        publish(&app, &token, &wheel("ours", &format!("1.{minor}"))).await;
        // Once what was being rendered has been put away.
        tokio::time::sleep(Duration::from_millis(30)).await;
        assert_eq!(app.page("ours").await.filenames().len(), minor + 1);
    }
    readers.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn when_tokens_were_used_is_written_down() {
    let (_upstream, app) = place("").await;
    let token = app.token("laptop", "read").await;
    app.get("/simple/").basic("__token__", &token).await;
    jobs::flush_last_used(&app.app).await;
    let tokens = portcullis_store::tokens::list(&app.app.db).await.unwrap();
    assert_eq!(tokens[0].last_used_at, Some(app.app.now()));
}

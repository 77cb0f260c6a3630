//! What was refused is seen at a glance, and counting never fills the disk or changes an answer.

use portcullis_fixtures::{FixtureIndex, wheel};
use portcullis_server::statistics::{Inquiry, Order, Report};
use portcullis_store::statistics::By;
use serde_json::Value;

use crate::test_app::{Setup, TestApp, old};

const PIP: &str = "pip/24.0 {\"ci\":true,\"installer\":{\"name\":\"pip\",\"version\":\"24.0\"}}";
const UV: &str = "uv/0.5.1 {\"installer\":{\"name\":\"uv\",\"version\":\"0.5.1\"}}";

async fn report(app: &TestApp, by: By) -> Report {
    app.app.statistics.flush(&app.app.db).await.unwrap();
    let inquiry = Inquiry {
        by,
        from: None,
        to: None,
        index: None,
        order: Order::RefusedOnly,
        limit: 100,
    };
    inquiry.answer(&app.app.db, app.app.now()).await.unwrap()
}

fn refused(report: &Report) -> Vec<(&str, i64)> {
    let row = |row: &'_ portcullis_store::statistics::Total| row.refused();
    report
        .rows
        .iter()
        .map(|total| (total.key.as_str(), row(total)))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_blocked_standard_library_installs_are_seen_at_a_glance() {
    let upstream = FixtureIndex::start().await;
    upstream.add(old(wheel("foo", "1.0")));
    let app = TestApp::over(&upstream).await;
    let names = [("socket", 60), ("smtplib", 30), ("pwd", 10)];
    for _ in 0..4 {
        for (name, times) in names {
            for number in 0..times * 5 {
                let client = if number % 5 == 0 { UV } else { PIP };
                let answer = app
                    .get(&format!("/simple/{name}/"))
                    .header("User-Agent", client)
                    .await;
                assert_eq!(answer.status, 200);
            }
        }
        app.advance(std::time::Duration::from_secs(86_400));
    }
    let overall = report(&app, By::Rule).await;
    assert_eq!(overall.overall.refused(), 2000);
    assert_eq!(refused(&overall), [("stdlib-name", 2000)]);
    let by_name = report(&app, By::Name).await;
    assert_eq!(
        refused(&by_name),
        [("socket", 1200), ("smtplib", 600), ("pwd", 200)]
    );
    let by_client = report(&app, By::Client).await;
    assert_eq!(refused(&by_client), [("pip", 1600), ("uv", 400)]);
    let by_day = report(&app, By::Day).await;
    assert_eq!(
        refused(&by_day),
        [
            ("2026-06-15", 500),
            ("2026-06-16", 500),
            ("2026-06-17", 500),
            ("2026-06-18", 500)
        ]
    );
}

#[tokio::test]
async fn a_blocked_install_counts_once_though_it_asks_for_page_and_file() {
    let upstream = FixtureIndex::start().await;
    let app = TestApp::over(&upstream).await;
    let page = app.page("socket").await;
    let page: Value = serde_json::from_str(&page.text()).unwrap();
    let filename = page["files"][0]["filename"].as_str().unwrap();
    let answer = app.file("socket", filename).await;
    assert_eq!(answer.status, 403);
    let found = report(&app, By::Name).await;
    assert_eq!(refused(&found), [("socket", 1)]);
}

#[tokio::test]
async fn downloads_holds_and_names_that_nobody_has_are_told_apart() {
    let upstream = FixtureIndex::start().await;
    upstream.add(old(wheel("foo", "1.0")));
    upstream.add(old(wheel("mixed", "1.0")));
    upstream.add(old(wheel("mixed", "2.0")).upload_time("2026-06-15T11:00:00Z"));
    let app = Setup::over(&upstream)
        .policy("[rules.too-young]\ndays = 7\n")
        .top("anonymous-read = false")
        .start()
        .await;
    let token = app.token("team-a", "read").await;
    let ask = async |target: &str| {
        let ask = app.get(target).header("User-Agent", PIP);
        ask.basic("__token__", &token).await.status
    };
    for _ in 0..2 {
        assert_eq!(ask("/files/foo/foo-1.0-py3-none-any.whl").await, 200);
    }
    assert_eq!(ask("/files/mixed/mixed-2.0-py3-none-any.whl").await, 403);
    assert_eq!(ask("/simple/mixed/").await, 200);
    assert_eq!(ask("/simple/nobody-has-this/").await, 404);
    let found = report(&app, By::Token).await;
    assert_eq!(found.rows.len(), 1);
    let of_team = &found.rows[0];
    assert_eq!(of_team.key, "team-a");
    assert_eq!(
        (of_team.allowed, of_team.refused(), of_team.absent),
        (2, 1, 1)
    );
}

#[tokio::test]
async fn a_reviewer_reads_the_counts_as_json_and_nobody_else_does() {
    let upstream = FixtureIndex::start().await;
    let app = TestApp::over(&upstream).await;
    app.page("socket").await;
    app.app.statistics.flush(&app.app.db).await.unwrap();
    let reviewer = app.token("bob", "review").await;
    let target = "/api/v1/statistics?by=name&refused=true";
    assert_eq!(app.get(target).await.status, 401);
    let answer = app.get(target).basic("__token__", &reviewer).await;
    assert_eq!(answer.status, 200);
    insta::assert_snapshot!(answer.text());
    for bad in ["by=colour", "from=soon", "limit=-1", "refused=perhaps"] {
        let answer = app
            .get(&format!("/api/v1/statistics?{bad}"))
            .basic("__token__", &reviewer)
            .await;
        assert_eq!(answer.status, 400, "{bad}");
    }
}

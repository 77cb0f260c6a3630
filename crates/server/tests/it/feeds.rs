//! Feeds: loaded whole and by what changed, kept over restarts, told to every replica, and never
//! replaced by something worse.

use std::io::Write as _;
use std::sync::Arc;

use portcullis_core::advisory::AdvisoryTable;
use portcullis_core::fact::Fact;
use portcullis_core::ledger::Kind;
use portcullis_server::config::{FeedConfig, FeedKind, FeedOrigin};
use portcullis_server::error::FlowError;
use portcullis_server::flow::feeds::{Refreshed, SHRANK, Shrunk, Wanted, Way, refresh};
use portcullis_server::jobs::schedule;
use portcullis_store::feeds::{self, Feed, LoadedFeed};
use portcullis_store::ledger;
use serde_json::{Value, json};

use crate::feed_server::{FeedServer, members, record, records, zip_of};
use crate::test_app::{Setup, TestApp, eventually, name};

fn setup(server: &FeedServer) -> Setup {
    Setup::with("[sources.internal]\nkind = 'hosted'\n").tables(&server.table())
}

async fn load(app: &TestApp, way: Way, shrunk: Shrunk) -> Result<Option<LoadedFeed>, FlowError> {
    let config = app.app.config.feeds["advisories"].clone();
    load_from(app, &config, (way, shrunk)).await
}

async fn load_from(
    app: &TestApp,
    config: &FeedConfig,
    (way, shrunk): (Way, Shrunk),
) -> Result<Option<LoadedFeed>, FlowError> {
    let wanted = Wanted {
        name: "advisories",
        config,
        way,
        shrunk,
        who: "test",
        on_bytes: Arc::new(|_, _| {}),
    };
    Ok(match refresh(&app.app, &wanted).await? {
        Refreshed::Unchanged => None,
        Refreshed::Loaded(loaded) => Some(*loaded),
    })
}

async fn usual(app: &TestApp) -> Result<Option<LoadedFeed>, FlowError> {
    load(app, Way::Replace, Shrunk::Refused).await
}

async fn state(app: &TestApp) -> Feed {
    let found = feeds::find(&app.app.db, "advisories").await.unwrap();
    found.unwrap()
}

fn known_ids(app: &TestApp) -> Vec<String> {
    match app.app.knowledge.feeds.load().advisories() {
        Fact::Known(known) => known.set.records().map(|one| one.id.to_string()).collect(),
        Fact::Unknown(why) => vec![why.to_string()],
    }
}

#[tokio::test]
async fn everything_is_loaded_once_and_then_only_what_changed() {
    let server = FeedServer::start().await;
    server.publish(&records(1..5));
    let app = setup(&server).start().await;
    assert_eq!(known_ids(&app), ["no advisories have been loaded yet"]);
    let loaded = usual(&app).await.unwrap().unwrap();
    assert_eq!((loaded.records, loaded.skipped), (4, 0));
    assert_eq!(loaded.newest, Some("2026-06-01".parse().unwrap()));
    assert_eq!(server.asked(), ["modified_id.csv", "all.zip"]);
    assert!(usual(&app).await.unwrap().is_none());
    assert_eq!(server.asked(), ["modified_id.csv 304"]);
    // One is changed, one is new, one is gone.
    server.publish(&[record(1, 1), record(2, 9), record(3, 1), record(5, 1)]);
    let loaded = usual(&app).await.unwrap().unwrap();
    assert_eq!(loaded.records, 4);
    let mut asked = server.asked();
    asked.sort();
    assert_eq!(
        asked,
        ["PYSEC-2026-2.json", "PYSEC-2026-5.json", "modified_id.csv"]
    );
    let expected = [
        "PYSEC-2026-1",
        "PYSEC-2026-2",
        "PYSEC-2026-3",
        "PYSEC-2026-5",
    ];
    assert_eq!(known_ids(&app), expected);
    let known = app
        .app
        .knowledge
        .feeds
        .load_full()
        .advisories
        .clone()
        .unwrap();
    let affected = |version: &str| {
        let version = version.parse().unwrap();
        known.index.affecting(&name("project-2"), &version).len()
    };
    assert_eq!((affected("1.8"), affected("1.9")), (1, 0));
    let original = known.original("PYSEC-2026-2").unwrap().unwrap();
    assert_eq!(
        serde_json::from_slice::<Value>(&original).unwrap(),
        record(2, 9)
    );
    // The snapshot before is not needed any more.
    assert_eq!(app.blobs().await, [loaded.sha256]);
    assert!(usual(&app).await.unwrap().is_none());
    assert_eq!(server.asked(), ["modified_id.csv 304"]);
}

#[tokio::test]
async fn where_increments_fail_or_are_too_many_everything_is_loaded() {
    let server = FeedServer::start().await;
    server.publish(&records(1..5));
    let app = setup(&server).start().await;
    usual(&app).await.unwrap();
    server.publish(&records(1..6));
    server.remove("PYSEC-2026-5.json");
    server.asked();
    assert_eq!(usual(&app).await.unwrap().unwrap().records, 5);
    assert_eq!(server.asked(), ["modified_id.csv", "all.zip"]);
    server.publish(&records(1..600));
    assert_eq!(usual(&app).await.unwrap().unwrap().records, 599);
    assert_eq!(server.asked(), ["modified_id.csv", "all.zip"]);
    // A mirror without a list of changes.
    server.remove("modified_id.csv");
    server.put("all.zip", zip_of(&records(1..601)));
    assert_eq!(usual(&app).await.unwrap().unwrap().records, 600);
}

#[tokio::test]
async fn a_malformed_record_costs_itself_and_is_named() {
    let server = FeedServer::start().await;
    let mut all = vec![
        ("bad.json".to_owned(), b"{\"id\": ".to_vec()),
        ("huge.json".to_owned(), vec![b' '; 5 << 20]),
    ];
    for record in records(1..4) {
        all.push((
            format!("{}.json", record["id"]),
            record.to_string().into_bytes(),
        ));
    }
    server.put("all.zip", members(&all));
    let app = setup(&server).start().await;
    let loaded = usual(&app).await.unwrap().unwrap();
    assert_eq!((loaded.records, loaded.skipped), (3, 2));
    let state = state(&app).await;
    let complaints: Vec<&str> = state.complaints.lines().collect();
    assert!(
        complaints[0].starts_with("bad.json: not a readable JSON"),
        "{complaints:?}"
    );
    assert_eq!(complaints[1], "huge.json: longer than 4194304 bytes");
}

#[tokio::test]
async fn what_is_worse_than_what_is_known_changes_nothing_and_is_told() {
    let server = FeedServer::start().await;
    server.publish(&records(1..41));
    let app = setup(&server).start().await;
    usual(&app).await.unwrap();
    let before = state(&app).await;
    let truncated = {
        let whole = zip_of(&records(1..60));
        whole[..whole.len() / 2].to_vec()
    };
    server.put("modified_id.csv", "");
    for (bytes, why) in [
        (truncated, "no whole zip file"),
        (
            b"<html>sign in</html>".to_vec(),
            "no advisory that can be read",
        ),
        (zip_of(&[]), "no advisory that can be read"),
        (zip_of(&records(1..20)), "it has 19 records, and had 40"),
    ] {
        server.put("all.zip", bytes);
        let error = usual(&app).await.unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
        let after = state(&app).await;
        assert_eq!(after.sha256, before.sha256, "{why}");
        assert!(after.error.unwrap().contains(why));
        assert_eq!(known_ids(&app).len(), 40);
    }
    assert_eq!(state(&app).await.failures, 4);
    app.alert(SHRANK, "advisories").await;
    // A person may say that it is right.
    let loaded = load(&app, Way::ReplaceAll, Shrunk::Accepted).await.unwrap();
    assert_eq!(loaded.unwrap().records, 19);
    let after = state(&app).await;
    assert_eq!((after.failures, after.error), (0, None));
}

#[tokio::test]
async fn an_outage_leaves_what_is_known_and_shows_why() {
    let server = FeedServer::start().await;
    server.publish(&records(1..3));
    let app = setup(&server).start().await;
    usual(&app).await.unwrap();
    server.is_down(true);
    let error = usual(&app).await.unwrap_err().to_string();
    assert!(error.contains("HTTP 500"), "{error}");
    assert!(state(&app).await.error.unwrap().contains("HTTP 500"));
    assert_eq!(known_ids(&app).len(), 2);
    // The first look installs what collects figures.
    app.get("/metrics").await;
    let figures = app.get("/metrics").await.text();
    for figure in ["age_seconds", "records", "failed"] {
        let line = format!("portcullis_feed_{figure}{{feed=\"advisories\"}}");
        assert!(figures.contains(&line), "{figures}");
    }
    server.is_down(false);
    assert!(usual(&app).await.unwrap().is_none());
    assert_eq!(state(&app).await.error, None);
}

#[tokio::test]
async fn what_was_loaded_is_there_after_a_restart_and_on_every_replica() {
    let server = FeedServer::start().await;
    server.publish(&records(1..3));
    let app = setup(&server).start().await;
    let second = app.second().await;
    // Their own feeds job must not be what makes it known.
    server.is_down(true);
    second.start_jobs();
    server.is_down(false);
    usual(&app).await.unwrap();
    let heard = async || (known_ids(&second).len() == 2).then_some(());
    eventually(heard).await;
    server.is_down(true);
    let app = app.restart().await;
    assert_eq!(known_ids(&app), ["PYSEC-2026-1", "PYSEC-2026-2"]);
}

#[tokio::test]
async fn a_load_is_bound_in_the_ledger_with_its_newest_record() {
    let server = FeedServer::start().await;
    server.publish(&records(1..3));
    let app = setup(&server).start().await;
    let loaded = usual(&app).await.unwrap().unwrap();
    usual(&app).await.unwrap();
    let entries = ledger::entries(&app.app.db, 1, 100).await.unwrap();
    let told: Vec<_> = entries
        .iter()
        .filter(|entry| entry.kind == Kind::Feed)
        .collect();
    assert_eq!(told.len(), 1, "that nothing changed is no entry");
    let payload: Value = serde_json::from_str(&told[0].payload).unwrap();
    assert_eq!(payload["sha256"], json!(loaded.sha256));
    assert_eq!(payload["newest"], json!(loaded.newest));
    ledger::verify(&app.app.db).await.unwrap();
}

#[tokio::test]
async fn a_snapshot_that_was_lost_is_loaded_again_and_until_then_nothing_is_known() {
    let server = FeedServer::start().await;
    server.publish(&records(1..3));
    let app = setup(&server).start().await;
    let loaded = usual(&app).await.unwrap().unwrap();
    app.app.blobs.delete(&loaded.sha256).await.unwrap();
    let app = app.restart().await;
    assert_eq!(
        known_ids(&app),
        ["the advisories that were loaded cannot be read any more"]
    );
    usual(&app).await.unwrap();
    assert_eq!(known_ids(&app).len(), 2);
}

#[tokio::test]
async fn the_job_loads_what_is_due() {
    let server = FeedServer::start().await;
    server.publish(&records(1..3));
    let app = setup(&server).start().await;
    let said = schedule::run_now(&app.app, "feeds").await.unwrap();
    assert_eq!(said, "advisories 2 records");
    let said = schedule::run_now(&app.app, "feeds").await.unwrap();
    assert_eq!(said, "nothing was due");
    app.advance(std::time::Duration::from_secs(3600));
    let said = schedule::run_now(&app.app, "feeds").await.unwrap();
    assert_eq!(said, "advisories unchanged");
    server.is_down(true);
    app.advance(std::time::Duration::from_secs(3600));
    let error = schedule::run_now(&app.app, "feeds").await.unwrap_err();
    assert!(error.to_string().contains("HTTP 500"), "{error}");
}

#[tokio::test]
async fn files_are_loaded_as_addresses_are_and_may_be_added() {
    let app = Setup::with("[sources.internal]\nkind = 'hosted'\n")
        .start()
        .await;
    let dump = app.path("dump.zip");
    std::fs::write(&dump, zip_of(&records(1..3))).unwrap();
    let config =
        |path: &std::path::Path| FeedConfig::new(FeedKind::Osv, FeedOrigin::Path(path.to_owned()));
    let careful = (Way::Replace, Shrunk::Refused);
    load_from(&app, &config(&dump), careful).await.unwrap();
    assert!(
        load_from(&app, &config(&dump), careful)
            .await
            .unwrap()
            .is_none()
    );
    let one = app.path("one.json");
    std::fs::write(&one, record(7, 3).to_string()).unwrap();
    let added = load_from(&app, &config(&one), (Way::Add, Shrunk::Refused))
        .await
        .unwrap();
    assert_eq!(added.unwrap().records, 3);
    // A file is as old as its newest record, however lately it was read.
    let as_of = app.app.knowledge.feeds.load().advisories_as_of();
    assert_eq!(as_of, Some("2026-06-03".parse().unwrap()));
    let missing = load_from(&app, &config(&app.path("none.zip")), careful).await;
    assert!(missing.unwrap_err().to_string().contains("none.zip"));
}

#[tokio::test]
async fn exploits_are_joined_and_a_page_that_is_no_catalogue_is_not_believed() {
    let server = FeedServer::start().await;
    server.publish(&records(1..3));
    server.put("kev.json", r#"{"catalogVersion":"1","dateReleased":"2026-06-14T00:00:00Z","vulnerabilities":[{"cveID":"CVE-2026-0001","dateAdded":"2026-06-01"}]}"#);
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed
        .write_all(
            b"#score_date:2026-06-15T00:00:00+0000\ncve,epss,percentile\nCVE-2026-0002,0.7,0.9\n",
        )
        .unwrap();
    server.put("epss.csv.gz", packed.finish().unwrap());
    let app = setup(&server)
        .tables(&format!(
            "[feeds.kev]\nkind = 'kev'\nurl = '{}kev.json'\n",
            server.url
        ))
        .tables(&format!(
            "[feeds.epss]\nkind = 'epss'\nurl = '{}epss.csv.gz'\n",
            server.url
        ))
        .start()
        .await;
    schedule::run_now(&app.app, "feeds").await.unwrap();
    let known = app
        .app
        .knowledge
        .feeds
        .load_full()
        .advisories
        .clone()
        .unwrap();
    let of = |project: &str| known.index.groups(&name(project))[0].clone();
    assert!(matches!(of("project-1").exploited, Fact::Known(Some(_))));
    assert!(matches!(of("project-2").exploited, Fact::Known(None)));
    assert!(matches!(of("project-2").epss, Fact::Known(Some(_))));
    server.put("kev.json", "<html></html>");
    app.advance(std::time::Duration::from_secs(24 * 3600));
    let error = schedule::run_now(&app.app, "feeds")
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("feed kev"), "{error}");
    let known = app
        .app
        .knowledge
        .feeds
        .load_full()
        .advisories
        .clone()
        .unwrap();
    let group = &known.index.groups(&name("project-1"))[0];
    assert!(matches!(group.exploited, Fact::Known(Some(_))));
}

#[tokio::test]
async fn tools_that_ask_osv_can_ask_us() {
    let server = FeedServer::start().await;
    server.publish(&records(1..4));
    let app = setup(&server).start().await;
    let query = json!({"package": {"name": "Project_1", "ecosystem": "PyPI"}, "version": "1.0"});
    let early = app
        .post("/osv/v1/query")
        .body(query.to_string().into_bytes())
        .await;
    assert_eq!(
        early.status, 503,
        "an empty answer would say that all is well"
    );
    usual(&app).await.unwrap();
    let ask =
        async |path: &str, body: Value| app.post(path).body(body.to_string().into_bytes()).await;
    let answer = ask("/osv/v1/query", query).await;
    assert_eq!(answer.json()["vulns"], json!([record(1, 1)]));
    assert!(answer.header("x-portcullis-advisories-as-of").is_some());
    let fixed = json!({"package": {"purl": "pkg:pypi/project-1@1.1"}});
    assert_eq!(ask("/osv/v1/query", fixed).await.json(), json!({}));
    let batch = json!({"queries": [
        {"package": {"purl": "pkg:pypi/project-2@1.0"}},
        {"package": {"name": "left-pad", "ecosystem": "npm"}, "version": "1"},
    ]});
    let expected = json!({"results": [
        {"vulns": [{"id": "PYSEC-2026-2", "modified": "2026-06-01T00:00:00.000Z"}]}, {},
    ]});
    assert_eq!(ask("/osv/v1/querybatch", batch).await.json(), expected);
    let one = app.get("/osv/v1/vulns/PYSEC-2026-3").await;
    assert_eq!(one.json(), record(3, 1));
    assert_eq!(app.get("/osv/v1/vulns/PYSEC-2026-9").await.status, 404);
    assert_eq!(ask("/osv/v1/query", json!({})).await.status, 400);
    assert_eq!(ask("/osv/v1/query", json!([1])).await.status, 400);
    let many = json!({"queries": vec![json!({"commit": "a"}); 1001]});
    assert_eq!(ask("/osv/v1/querybatch", many).await.status, 400);
}

#[tokio::test]
async fn an_audit_asks_once_and_is_told_what_is_known_and_what_could_not_be_read() {
    let server = FeedServer::start().await;
    let mut partly = record(2, 1);
    partly["affected"][0]["versions"] = json!(["1.0", 3]);
    let mut all = vec![("bad.json".to_owned(), b"{\"id\": ".to_vec())];
    for record in [record(1, 1), partly, record(3, 1)] {
        let name = format!("{}.json", record["id"]);
        all.push((name, record.to_string().into_bytes()));
    }
    server.put("all.zip", members(&all));
    server.put(
        "kev.json",
        r#"{"vulnerabilities":[{"cveID":"CVE-2026-0001"}]}"#,
    );
    let kev = format!(
        "[feeds.kev]\nkind = 'kev'\nurl = '{}kev.json'\n",
        server.url
    );
    let app = setup(&server).tables(&kev).start().await;
    let ask = async |question: Value| {
        let ask = app.post("/api/v1/advisories");
        let ask = ask.header("Content-Type", "application/json");
        ask.body(question.to_string().into_bytes()).await
    };
    let asked = json!({ "projects": ["Project_1", "project-2", "nothing-known"] });
    let early = ask(asked.clone()).await;
    assert_eq!(
        early.status, 503,
        "an empty answer would say that all is well"
    );
    schedule::run_now(&app.app, "feeds").await.unwrap();
    let answer = ask(asked).await;
    assert_eq!(answer.status, 200, "{}", answer.shown());
    let table = answer.text();
    let table = AdvisoryTable::read(table.as_bytes()).unwrap();
    let head = table.head();
    assert_eq!((head.records, head.unreadable), (3, 1));
    assert!(head.complaints[0].starts_with("bad.json: "), "{head:?}");
    assert!(head.as_of.is_some() && head.knows_exploited && !head.knows_epss);
    let projects = ["project-1", "project-2", "project-3"].map(name);
    let told = table.answer(&projects);
    let groups = |project: &str| told.index.groups(&name(project)).to_vec();
    assert!(matches!(
        groups("project-1")[0].exploited,
        Fact::Known(Some(_))
    ));
    assert!(matches!(
        groups("project-2")[0].exploited,
        Fact::Known(None)
    ));
    assert!(matches!(groups("project-2")[0].epss, Fact::Unknown(_)));
    assert!(groups("project-3").is_empty(), "nobody asked for it");
    assert_eq!(&*told.partly_read[&projects[1]][0], "PYSEC-2026-2");
    assert_eq!(told.partly_read.len(), 1);
    for wrong in [
        json!({}),
        json!({ "projects": ["no name!"] }),
        json!({ "projects": vec!["a"; 20_001] }),
    ] {
        assert_eq!(ask(wrong).await.status, 400);
    }
    let none = ask(json!({ "projects": [] })).await;
    assert!(AdvisoryTable::read(none.text().as_bytes()).is_ok());
}

#[tokio::test]
async fn advisories_that_are_too_old_count_as_unknown_until_they_are_confirmed() {
    let server = FeedServer::start().await;
    server.publish(&records(1..3));
    let app = Setup::with("[sources.internal]\nkind = 'hosted'\n")
        .tables(&format!("{}max-age = '7d'\n", server.table()))
        .start()
        .await;
    usual(&app).await.unwrap();
    app.advance(std::time::Duration::from_secs(8 * 24 * 3600));
    let epoch = app.app.epoch();
    portcullis_server::feeds::note_age(&app.app);
    let why = "the advisories of the feed advisories are older than 7d";
    assert_eq!(known_ids(&app), [why]);
    assert!(app.app.epoch() > epoch, "pages are made anew");
    let app = app.restart().await;
    assert_eq!(known_ids(&app), [why]);
    usual(&app).await.unwrap();
    assert_eq!(known_ids(&app).len(), 2);
}

//! What clients see while what the vault is kept in fails: what can be served without writing is served, the rest
//! is told in time and with what to do, nothing partial is ever whole, and nothing is started anew when it is over.

use std::time::{Duration, Instant};

use portcullis_fixtures::{FaultyStore, FixtureIndex, StoreFault, Wheel, wheel};
use sqlx::{Connection as _, SqliteConnection};

use crate::client::{Answer, Ask};
use crate::test_app::{Setup, TestApp, old};
use crate::upload_form::Form;

const FILENAME: &str = "foo-1.0-py3-none-any.whl";
const STALE_SINCE: &str = "x-portcullis-stale-since";

/// What the vault waits here.
const PATIENCE: Duration = Duration::from_millis(300);

/// Far more than any sum of waits, and far less than for ever.
const BOUND: Duration = Duration::from_secs(20);

/// The first is small and held back whole; the second flows while it arrives.
const PAYLOADS: [usize; 2] = [10, 200_000];

/// The answer; `None` where there was none, because a body broke off before any of it was sent.
async fn if_answered(what: impl std::fmt::Debug, ask: Ask) -> Option<Answer> {
    let begun = Instant::now();
    let answer = tokio::time::timeout(BOUND, ask.if_answered()).await;
    answer.unwrap_or_else(|_| panic!("{what:?} was not over within {:?}", begun.elapsed()))
}

async fn bounded(what: impl std::fmt::Debug + Copy, ask: Ask) -> Answer {
    let answer = if_answered(what, ask).await;
    answer.unwrap_or_else(|| panic!("{what:?} was not answered"))
}

/// An answer that says that it is ours to mend, and when to ask again.
#[track_caller]
fn says(answer: &Answer, status: u16, text: &str) {
    assert_eq!(answer.status, status, "{}", answer.shown());
    assert!(answer.header("retry-after").is_some(), "{}", answer.shown());
    assert!(answer.reason.contains(text), "{}", answer.shown());
    assert!(answer.text().contains(text), "{}", answer.shown());
}

struct Place {
    _upstream: FixtureIndex,
    store: FaultyStore,
    app: TestApp,
    token: String,
    warm: Wheel,
    cold: Wheel,
}

/// A gateway that has `warm` in its vault and knows the pages of both.
async fn place(payload: usize) -> Place {
    let upstream = FixtureIndex::start().await;
    let [warm, cold] = ["warm", "cold"].map(|name| wheel(name, "1.0").payload(payload));
    upstream.add(old(warm.clone()));
    upstream.add(old(cold.clone()));
    let store = FaultyStore::default();
    let setup = Setup::over(&upstream).store(&store).patience(PATIENCE);
    let app = setup.start().await;
    let token = app.token("ci", "upload").await;
    for project in ["warm", "cold"] {
        assert_eq!(app.page(project).await.status, 200);
    }
    let answer = app.file("warm", &warm.filename()).await;
    assert!(answer.is_complete && answer.body == warm.build());
    Place {
        _upstream: upstream,
        store,
        app,
        token,
        warm,
        cold,
    }
}

#[tokio::test]
async fn while_the_object_store_fails_nothing_partial_is_whole_and_nothing_acknowledged_is_lost() {
    let faults = [
        StoreFault::Gone,
        StoreFault::Silent,
        StoreFault::Slow(Duration::from_millis(40)),
        StoreFault::Truncates,
        StoreFault::Stalls,
        StoreFault::LosesPuts,
        StoreFault::CutsPuts,
        StoreFault::KeepsAndFails,
        StoreFault::Refuses,
        StoreFault::LosesRace,
    ];
    let (mut met, mut refused, mut broken_off, mut served) = (0, 0, 0, 0);
    for (fault, payload) in faults
        .into_iter()
        .flat_map(|fault| PAYLOADS.map(|payload| (fault, payload)))
    {
        let place = place(payload).await;
        let app = &place.app;
        let ours = wheel("ours", "1.0").payload(payload);
        place.store.fault(fault);
        let page = bounded(fault, app.get("/simple/warm/")).await;
        assert_eq!(page.status, 200, "{fault:?}: a page rests on no object");
        let upload = bounded(fault, Form::of_wheel(&ours).to(app, &place.token)).await;
        for file in [&place.warm, &place.cold] {
            let ask = app.file(file.name(), &file.filename());
            let Some(answer) = if_answered(fault, ask).await else {
                broken_off += 1;
                continue;
            };
            match answer.status {
                200 if answer.is_complete => {
                    assert!(answer.body == file.build(), "{fault:?}: {}", file.name());
                }
                200 => broken_off += 1,
                _ => {
                    says(&answer, 503, "object store does not answer");
                    refused += 1;
                }
            }
        }
        match upload.status {
            200 => served += 1,
            _ => {
                says(&upload, 503, "object store does not answer");
                refused += 1;
            }
        }
        let downloads = app.downloads("warm").await.len();
        place.store.mend();
        if upload.status == 200 {
            let answer = app.file("ours", &ours.filename()).await;
            assert!(
                answer.body == ours.build(),
                "{fault:?}: acknowledged and not readable"
            );
        }
        let again = Form::of_wheel(&ours).to(app, &place.token).await;
        assert_eq!(again.status, 200, "{fault:?}: {}", again.shown());
        for file in [&place.warm, &place.cold, &ours] {
            let answer = app.file(file.name(), &file.filename()).await;
            assert!(
                answer.is_complete && answer.body == file.build(),
                "{fault:?}, afterwards: {}",
                answer.shown()
            );
        }
        assert_eq!(app.downloads("warm").await.len(), downloads + 1);
        met += place.store.met();
    }
    assert!(
        refused >= 20 && served >= 6,
        "{refused} refused, {served} served"
    );
    eprintln!(
        "{met} calls to the object store met a fault: {refused} requests told so, {broken_off} transfers \
         broken off, {served} uploads acknowledged, none lost, nothing partial taken for whole"
    );
}

#[tokio::test]
async fn while_the_database_is_locked_what_needs_no_record_is_served() {
    let upstream = FixtureIndex::start().await;
    for name in ["warm", "cold"] {
        upstream.add(old(wheel(name, "1.0").payload(200_000)));
    }
    let setup = Setup::over(&upstream).patience(PATIENCE);
    let path = setup.path("data/portcullis.db");
    let app = setup.start().await;
    let token = app.token("ci", "upload").await;
    let warm = wheel("warm", "1.0").payload(200_000);
    assert!(app.file("warm", &warm.filename()).await.is_complete);
    let ours = wheel("ours", "1.0");
    let mut other = SqliteConnection::connect(&format!("sqlite:{}", path.display()))
        .await
        .unwrap();
    for round in 1..=3 {
        sqlx::query("BEGIN IMMEDIATE")
            .execute(&mut other)
            .await
            .unwrap();
        for project in ["warm", "cold"] {
            let page = bounded("a page", app.get(&format!("/simple/{project}/"))).await;
            assert_eq!(page.status, 200, "{}", page.shown());
        }
        let file = bounded("a file", app.file("warm", &warm.filename())).await;
        says(&file, 503, "database is held by another program");
        let upload = bounded("an upload", Form::of_wheel(&ours).to(&app, &token)).await;
        says(&upload, 503, "database is held by another program");
        assert_eq!(app.downloads("warm").await.len(), round);
        sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
        let file = app.file("warm", &warm.filename()).await;
        assert!(file.is_complete && file.body == warm.build());
        assert_eq!(app.downloads("warm").await.len(), round + 1);
    }
    let cold = wheel("cold", "1.0").payload(200_000);
    assert!(app.file("cold", &cold.filename()).await.is_complete);
    let upload = Form::of_wheel(&ours).to(&app, &token).await;
    assert_eq!(upload.status, 200, "{}", upload.shown());
    eprintln!(
        "3 locks: 6 pages served, 3 files and 3 uploads refused, 0 downloads without a record"
    );
}

/// A gateway whose database is gone for good, with the page of `foo` in memory.
async fn without_database(setup: Setup) -> TestApp {
    let app = setup.patience(PATIENCE).start().await;
    assert!(app.file("foo", FILENAME).await.is_complete);
    let page = app.page("foo").await;
    assert_eq!((page.status, page.header(STALE_SINCE)), (200, None));
    app.page_is_kept("foo").await;
    app.app.db.close().await;
    app
}

#[tokio::test]
async fn no_file_is_sent_without_a_record_and_no_outside_page_while_nobody_knows_whose_name_it_is()
{
    let upstream = FixtureIndex::start().await;
    upstream.add(old(wheel("foo", "1.0")));
    let app = without_database(Setup::over(&upstream)).await;
    let asked = upstream.requests().len();
    assert_eq!(app.page("foo").await.status, 200, "while it is fresh");
    for _ in 0..3 {
        says(&app.file("foo", FILENAME).await, 503, "does not answer");
    }
    app.outdate_pages();
    says(
        &app.page("foo").await,
        503,
        "source internal does not answer",
    );
    assert_eq!(upstream.requests().len(), asked, "nobody outside is asked");
}

/// Without a hosted source nobody's name can have become ours.
#[tokio::test]
async fn the_page_of_an_upstream_stands_in_from_memory_without_a_database() {
    let upstream = FixtureIndex::start().await;
    upstream.add(old(wheel("foo", "1.0")));
    let setup = Setup::with(&format!(
        "[sources.pypi]\nkind = 'upstream'\nurl = '{}'\nfresh-for = '1m'\nstale-for = '2h'\n\
         [indexes.main]\nsources = ['pypi']\npolicy = 'policy.toml'\n",
        upstream.simple_url()
    ));
    let app = without_database(setup).await;
    app.advance(Duration::from_secs(61));
    for _ in 0..2 {
        let page = app.page("foo").await;
        assert_eq!(page.status, 200, "{}", page.shown());
        assert_eq!(page.header(STALE_SINCE), Some("2026-06-15T12:00:00.000Z"));
        assert_eq!(page.filenames(), [FILENAME]);
    }
    assert_eq!(app.get("/simple/foo/").await.status, 200, "in another form");
    says(
        &app.file("foo", FILENAME).await,
        503,
        "database does not answer",
    );
    app.advance(Duration::from_secs(2 * 60 * 60));
    says(&app.page("foo").await, 503, "database does not answer");
}

//! Several replicas over one PostgreSQL and one object store: they are one index, they do things once, and
//! nothing that one of them acknowledged is lost whatever happens to it.

mod chaos;
mod costs;
mod place;
mod rolling;

use std::time::Duration;

use portcullis_fixtures::{Fault, ListedFile, wheel};

use crate::wire::Form;
use place::Place;

/// The promise is a second; what a busy machine takes on top of it is not the product's.
const SOON: Duration = Duration::from_secs(3);

fn count(place: &Place, filename: &str) -> usize {
    place.index.paths_containing(filename).len()
}

#[test]
fn what_one_replica_changes_is_everywhere_at_once() {
    let Some(place) = Place::with(3, "") else {
        return;
    };
    let [first, second, third] = &place.replicas[..] else {
        panic!("three replicas");
    };
    place.index.add(wheel("flask", "1.0"));
    place.everywhere("a page", |replica| replica.page_has("flask", "flask-1.0"));
    let token = first.says(&["token", "create", "ci", "--scope", "upload"]);
    let ours = wheel("acme-billing", "1.0");
    let answer = Form::of(&ours).send(&first.url().unwrap(), token.trim());
    assert_eq!(answer.status, 200, "{}", answer.screen());
    let took = place.everywhere("a publication", |replica| {
        replica.page_has("acme-billing", &ours.filename())
    });
    assert!(took < SOON, "a publication took {took:?}");
    let path = format!("/files/acme-billing/{}", ours.filename());
    for replica in &place.replicas {
        assert_eq!(replica.get(&path).body, ours.build(), "{}", replica.name);
    }

    second.says(&["quarantine", "flask==1.0", "--reason", "a test"]);
    let flask = format!("/files/flask/{}", wheel("flask", "1.0").filename());
    let took = place.everywhere("a quarantine", |replica| replica.get(&flask).status == 403);
    assert!(took < SOON, "a quarantine took {took:?}");

    third.says(&["names", "prohibit", "colourama", "--reason", "a typosquat"]);
    let took = place.everywhere("a name", |replica| {
        let answer = replica.get("/simple/colourama/");
        answer.status != 404 && answer.text().contains("colourama")
    });
    assert!(took < SOON, "a name took {took:?}");

    place.index.add(wheel("quart", "1.0"));
    let quart = format!("/files/quart/{}", wheel("quart", "1.0").filename());
    place.everywhere("a file", |replica| replica.get(&quart).status == 200);
    place.write_policy("[rules.too-young]\neffect = \"deny\"\ndays = 365\non-unknown = \"deny\"\n");
    let took = place.everywhere("a policy", |replica| replica.get(&quart).status == 403);
    assert!(took < SOON, "a policy took {took:?}");
}

#[test]
fn a_file_is_fetched_once_however_many_replicas_want_it() {
    let Some(place) = Place::with(3, "") else {
        return;
    };
    let file = wheel("slow", "1.0").payload(1_500_000);
    place.index.add(&file);
    let drip = Fault::Drip {
        chunk: 50_000,
        every: Duration::from_millis(20),
    };
    place.index.fault(&file.filename(), drip);
    let path = format!("/files/slow/{}", file.filename());
    let bytes = file.build();
    std::thread::scope(|scope| {
        for replica in &place.replicas {
            for _ in 0..4 {
                let (path, bytes) = (&path, &bytes);
                scope.spawn(move || {
                    let answer = replica.get(path);
                    assert_eq!(answer.status, 200, "{}: {}", replica.name, answer.head);
                    assert!(answer.body == *bytes, "{}", replica.name);
                });
            }
        }
    });
    assert_eq!(count(&place, &file.filename()), 1);
    let exposure = place.replicas[0].says(&["exposure", "slow", "--format", "json"]);
    let sha256 = ListedFile::from(&file).sha256();
    assert!(exposure.contains(&sha256), "{exposure}");
}

#[test]
fn another_replica_takes_over_from_one_that_dies_while_it_fetches() {
    let Some(place) = Place::with(2, "") else {
        return;
    };
    let file = wheel("slow", "1.0").payload(600_000);
    place.index.add(&file);
    let drip = Fault::Drip {
        chunk: 20_000,
        every: Duration::from_millis(100),
    };
    place.index.fault_times(&file.filename(), drip, 1);
    let path = format!("/files/slow/{}", file.filename());
    let [dies, takes_over] = &place.replicas[..] else {
        panic!("two replicas");
    };
    std::thread::scope(|scope| {
        let url = dies.url().unwrap();
        let (path, filename) = (&path, file.filename());
        let lost = scope.spawn(move || crate::wire::try_get(&url, path));
        while count(&place, &filename) == 0 {
            std::thread::sleep(Duration::from_millis(10));
        }
        let whole = scope.spawn(move || takes_over.get(path));
        std::thread::sleep(Duration::from_millis(500));
        dies.kill();
        let lost = lost.join().unwrap();
        assert!(!lost.is_ok_and(|answer| answer.is_whole()));
        let whole = whole.join().unwrap();
        assert_eq!(whole.status, 200, "{}", whole.head);
        assert!(whole.body == file.build());
        assert_eq!(count(&place, &filename), 2);
    });
}

#[test]
fn a_job_is_done_once_for_all_replicas() {
    let feed = portcullis_fixtures::FixtureIndex::start_blocking();
    feed.route(
        "/known.json",
        "application/json",
        r#"{"title":"x","catalogVersion":"1","dateReleased":"2026-11-01T00:00:00Z","count":0,"vulnerabilities":[]}"#,
    );
    let tables = format!(
        "[feeds.kev]\nkind = \"kev\"\nurl = \"{}/known.json\"\nevery = \"1h\"\n",
        feed.url()
    );
    let Some(place) = Place::with(3, &tables) else {
        return;
    };
    let asked = || feed.paths_containing("known.json").len();
    place.everywhere("the feed is asked", |_| asked() > 0);
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(asked(), 1);
}

#[test]
fn an_older_replica_goes_on_beside_a_newer_one_and_comes_back() {
    let Some(place) = Place::with(2, "") else {
        return;
    };
    let [stays, comes_back] = &place.replicas[..] else {
        panic!("two replicas");
    };
    // What the migrations of a later version may do: add.
    place.in_the_database(&[
        "ALTER TABLE SCHEMA.file ADD COLUMN later TEXT",
        "ALTER TABLE SCHEMA.download ADD COLUMN later BIGINT NOT NULL DEFAULT 0",
        "CREATE TABLE SCHEMA.later (id BIGINT PRIMARY KEY)",
        "INSERT INTO SCHEMA._sqlx_migrations \
         (version, description, success, checksum, execution_time) VALUES (9999, 'later', true, '', 0)",
    ]);
    comes_back.kill();
    comes_back.start();
    let token = stays.says(&["token", "create", "ci", "--scope", "upload"]);
    place.index.add(wheel("flask", "1.0"));
    let flask = wheel("flask", "1.0");
    for (number, replica) in place.replicas.iter().enumerate() {
        let ours = wheel("acme-billing", &format!("{number}.0"));
        let answer = Form::of(&ours).send(&replica.url().unwrap(), token.trim());
        assert_eq!(answer.status, 200, "{}", answer.screen());
        let path = format!("/files/flask/{}", flask.filename());
        assert!(replica.get(&path).body == flask.build());
    }
    stays.says(&["ledger", "verify"]);
    place.in_the_database(&["UPDATE SCHEMA.compatibility SET oldest = 9999"]);
    let refused = comes_back.command(&["ledger", "verify"]);
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("made by a newer version"), "{said}");
}

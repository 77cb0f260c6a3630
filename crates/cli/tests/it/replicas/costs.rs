//! What the database and the object store see of each kind of request, printed as the table of
//! `docs/deployment.md`. It measures and asserts little, so that it is run by hand:
//! `cargo xtask with cargo test -p portcullis --test it replicas::costs -- --ignored --nocapture`.

use std::thread::sleep;
use std::time::{Duration, Instant};

use portcullis_fixtures::{Wheel, wheel};

use super::place::{Place, Replica};
use crate::wire::{self, Form};

/// Sums that grow.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    transactions: f64,
    wal: f64,
    store: f64,
}

impl Sums {
    fn now(place: &Place) -> Self {
        // Backends tell what they did about once a second.
        sleep(Duration::from_millis(2_500));
        let [transactions, wal] = place.database_sums();
        Self {
            transactions,
            wal,
            store: place.replicas[0].store.requests() as f64,
        }
    }

    fn since(self, before: Self) -> Self {
        Self {
            transactions: self.transactions - before.transactions,
            wal: self.wal - before.wal,
            store: self.store - before.store,
        }
    }
}

/// What a second costs in which nobody asks for anything.
struct Idle(Sums);

impl Idle {
    fn measured(place: &Place) -> Self {
        let (before, begun) = (Sums::now(place), Instant::now());
        sleep(Duration::from_secs(10));
        let spent = Sums::now(place).since(before);
        let seconds = begun.elapsed().as_secs_f64();
        eprintln!(
            "idle, per second and replica: {:.1} transactions, {:.0} bytes of WAL, {:.1} requests to the store",
            spent.transactions / seconds,
            spent.wal / seconds,
            spent.store / seconds
        );
        Self(Sums {
            transactions: spent.transactions / seconds,
            wal: spent.wal / seconds,
            store: spent.store / seconds,
        })
    }

    fn row(&self, place: &Place, what: &str, times: usize, work: impl FnOnce(&Replica)) {
        let (before, begun) = (Sums::now(place), Instant::now());
        work(&place.replicas[0]);
        let spent = Sums::now(place).since(before);
        let seconds = begun.elapsed().as_secs_f64();
        let each = |spent: f64, idle: f64| ((spent - idle * seconds) / times as f64).max(0.0);
        eprintln!(
            "| {what} | {:.2} | {:.0} | {:.2} |",
            each(spent.transactions, self.0.transactions),
            each(spent.wal, self.0.wal),
            each(spent.store, self.0.store)
        );
    }
}

fn numbered(number: usize) -> Wheel {
    wheel(&format!("public-{number}"), "1.0").payload(10_000)
}

fn path(number: usize) -> String {
    format!("/files/public-{number}/{}", numbered(number).filename())
}

fn many(replica: &Replica, clients: usize, each: usize, path: &str) {
    let url = replica.url().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..clients {
            let url = &url;
            scope.spawn(move || {
                for _ in 0..each {
                    let answer = wire::get(url, path);
                    assert!(answer.status == 200 && answer.is_whole(), "{}", answer.head);
                }
            });
        }
    });
}

#[test]
#[ignore = "it measures, and takes a minute"]
fn what_requests_cost_the_database_and_the_store() {
    const COLD: usize = 40;
    let Some(place) = Place::with(1, "") else {
        return;
    };
    for number in 0..=COLD {
        place.index.add(numbered(number));
    }
    let token = place.replicas[0].says(&["token", "create", "ci", "--scope", "upload"]);
    many(&place.replicas[0], 1, 1, "/simple/public-0/");
    many(&place.replicas[0], 1, 1, &path(0));
    let idle = Idle::measured(&place);
    eprintln!("| request | transactions | WAL, bytes | requests to the store |\n|---|---|---|---|");
    idle.row(&place, "page, known", 800, |replica| {
        many(replica, 8, 100, "/simple/public-0/");
    });
    idle.row(
        &place,
        "file, kept, one client after the other",
        200,
        |replica| {
            many(replica, 1, 200, &path(0));
        },
    );
    idle.row(&place, "file, kept, 4 clients at once", 400, |replica| {
        many(replica, 4, 100, &path(0));
    });
    idle.row(
        &place,
        "page and file, never seen before",
        COLD,
        |replica| {
            for number in 1..=COLD {
                many(replica, 1, 1, &format!("/simple/public-{number}/"));
                many(replica, 1, 1, &path(number));
            }
        },
    );
    idle.row(&place, "upload", COLD, |replica| {
        let url = replica.url().unwrap();
        for number in 0..COLD {
            let ours = wheel("acme-billing", &format!("{number}.0"));
            assert_eq!(Form::of(&ours).send(&url, token.trim()).status, 200);
        }
    });
}

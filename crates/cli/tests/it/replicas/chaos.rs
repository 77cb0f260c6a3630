//! Replicas that are killed and cut off at random while clients upload, read pages and download: no answer is
//! wrong, and nothing that was acknowledged is lost. `PORTCULLIS_SOAK_SECONDS` makes it longer.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use portcullis_fixtures::{Cut, Wheel, wheel};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::Value;

use super::place::{Place, Replica};
use crate::wire::{self, Form};

/// How long it lasts where nothing else is said.
const SECONDS: u64 = 15;

/// How many public wheels there are.
const PUBLIC: usize = 12;

/// What was acknowledged, and what else was answered.
#[derive(Default)]
struct Acknowledged {
    uploads: Mutex<Vec<Wheel>>,
    /// Complete downloads, by file.
    downloads: Mutex<BTreeMap<String, usize>>,
    pages: AtomicUsize,
    refused: AtomicUsize,
    faults: AtomicUsize,
}

fn seconds() -> u64 {
    let said = std::env::var("PORTCULLIS_SOAK_SECONDS").ok();
    said.map_or(SECONDS, |said| said.parse().expect("a number of seconds"))
}

fn public(number: usize) -> Wheel {
    wheel(&format!("public-{number}"), "1.0").payload(20_000 + number * 40_000)
}

#[test]
fn nothing_is_wrong_or_lost_while_replicas_are_killed_and_cut_off() {
    let Some(place) = Place::with(3, "") else {
        return;
    };
    for number in 0..PUBLIC {
        place.index.add(public(number));
    }
    let token = place.replicas[0].says(&["token", "create", "ci", "--scope", "upload"]);
    let seed: u64 = std::env::var("PORTCULLIS_SEED").map_or_else(
        |_| rand::rng().random(),
        |seed| seed.parse().expect("a number"),
    );
    eprintln!("PORTCULLIS_SEED={seed}");
    let said = Acknowledged::default();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for client in 0..6 {
            let (place, said, over, token) = (&place, &said, &over, token.trim());
            scope.spawn(move || {
                let mut random = StdRng::seed_from_u64(seed ^ client);
                let mut own = 0;
                while !over.load(Ordering::Relaxed) {
                    let replica = &place.replicas[random.random_range(0..place.replicas.len())];
                    match random.random_range(0..10) {
                        0..2 => {
                            own += 1;
                            let ours = wheel(&format!("acme-{client}"), &format!("{own}.0"));
                            upload(replica, ours, token, said);
                        }
                        2..5 => page(replica, random.random_range(0..PUBLIC), said),
                        _ => download(replica, random.random_range(0..PUBLIC), said),
                    }
                }
            });
        }
        trouble(&place, seed, &said);
        over.store(true, Ordering::Relaxed);
    });
    for replica in &place.replicas {
        replica.database.mend();
        replica.store.mend();
        if replica.url().is_none() {
            replica.start();
        }
    }
    verify(&place, &said);
}

/// Kills, cuts and mends until the time is up.
fn trouble(place: &Place, seed: u64, said: &Acknowledged) {
    let end = Instant::now() + Duration::from_secs(seconds());
    let mut random = StdRng::seed_from_u64(!seed);
    while Instant::now() < end {
        std::thread::sleep(Duration::from_millis(random.random_range(100..900)));
        let replica = &place.replicas[random.random_range(0..place.replicas.len())];
        let pause = Duration::from_millis(random.random_range(50..1_500));
        said.faults.fetch_add(1, Ordering::Relaxed);
        let cut = match random.random_range(0..2) {
            0 => Cut::Silent,
            _ => Cut::Reset,
        };
        match random.random_range(0..4) {
            0..2 => {
                replica.kill();
                std::thread::sleep(pause / 4);
                replica.start();
            }
            2 => {
                replica.database.cut(cut);
                std::thread::sleep(pause);
                replica.database.mend();
            }
            _ => {
                replica.store.cut(cut);
                std::thread::sleep(pause);
                replica.store.mend();
            }
        }
    }
}

fn upload(replica: &Replica, ours: Wheel, token: &str, said: &Acknowledged) {
    let Some(url) = replica.url() else { return };
    match Form::of(&ours).try_send(&url, token) {
        Ok(answer) if answer.status == 200 => said.uploads.lock().unwrap().push(ours),
        Ok(answer) => {
            assert!(
                answer.status >= 500 || answer.status == 429,
                "an upload: {}",
                answer.screen()
            );
            said.refused.fetch_add(1, Ordering::Relaxed);
        }
        Err(_) => drop(said.refused.fetch_add(1, Ordering::Relaxed)),
    }
}

fn page(replica: &Replica, number: usize, said: &Acknowledged) {
    let Some(url) = replica.url() else { return };
    let answer = wire::try_get(&url, &format!("/simple/public-{number}/"));
    match answer {
        Ok(answer) if answer.status == 200 && answer.is_whole() => {
            let text = answer.text();
            assert!(text.contains(&public(number).filename()), "a page: {text}");
            said.pages.fetch_add(1, Ordering::Relaxed);
        }
        Ok(answer) => {
            assert!(
                answer.status == 200 || answer.status >= 500,
                "a page: {}",
                answer.screen()
            );
            said.refused.fetch_add(1, Ordering::Relaxed);
        }
        Err(_) => drop(said.refused.fetch_add(1, Ordering::Relaxed)),
    }
}

fn download(replica: &Replica, number: usize, said: &Acknowledged) {
    let Some(url) = replica.url() else { return };
    let file = public(number);
    let filename = file.filename();
    let answer = wire::try_get(&url, &format!("/files/public-{number}/{filename}"));
    match answer {
        Ok(answer) if answer.status == 200 && answer.is_whole() => {
            assert!(answer.body == file.build(), "{filename} has other bytes");
            let mut downloads = said.downloads.lock().unwrap();
            *downloads.entry(format!("public-{number}")).or_default() += 1;
        }
        Ok(answer) => {
            assert!(
                answer.status == 200 || answer.status >= 500,
                "a file: {}",
                answer.screen()
            );
            said.refused.fetch_add(1, Ordering::Relaxed);
        }
        Err(_) => drop(said.refused.fetch_add(1, Ordering::Relaxed)),
    }
}

/// Every replica has everything that any of them acknowledged.
fn verify(place: &Place, said: &Acknowledged) {
    let uploads = said.uploads.lock().unwrap();
    let downloads = said.downloads.lock().unwrap();
    for replica in &place.replicas {
        for ours in uploads.iter() {
            let path = format!("/files/{}/{}", ours.name(), ours.filename());
            let answer = replica.get(&path);
            assert_eq!(answer.status, 200, "{path}: {}", answer.screen());
            assert!(answer.body == ours.build(), "{path} has other bytes");
            assert!(
                replica.page_has(ours.name(), &ours.filename()),
                "{path} is not listed by {}",
                replica.name
            );
        }
    }
    for (project, acknowledged) in downloads.iter() {
        let exposure = place.replicas[0].says(&["exposure", project, "--format", "json"]);
        let exposure: Value = serde_json::from_str(&exposure).unwrap();
        let recorded = exposure["summary"]["downloads"]
            .as_u64()
            .unwrap_or_else(|| panic!("{exposure}"));
        assert!(
            recorded >= *acknowledged as u64,
            "{project}: {recorded} of {acknowledged} downloads are on record"
        );
    }
    place.replicas[0].says(&["ledger", "verify"]);
    let total: usize = downloads.values().sum();
    eprintln!(
        "{} faults; {} uploads, {total} downloads and {} pages acknowledged, none lost or wrong; {} requests failed",
        said.faults.load(Ordering::Relaxed),
        uploads.len(),
        said.pages.load(Ordering::Relaxed),
        said.refused.load(Ordering::Relaxed)
    );
    assert!(!uploads.is_empty() && total > 0);
}

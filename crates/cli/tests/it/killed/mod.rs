//! The program killed at random moments, again and again, under uploads, downloads, purges, quarantines and new
//! policies: it comes back by itself, what it acknowledged is there, and nothing is served in part.
//! `PORTCULLIS_SEED` repeats the moments, `PORTCULLIS_SOAK_SECONDS` makes it at least 200 kills.

mod load;
mod remains;

use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::thread::sleep;
use std::time::{Duration, Instant};

use portcullis_fixtures::{Fault, FixtureIndex};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::gateway::{self, Gateway};
use load::{GATES, HELD, Load, PUBLIC, Tokens};

/// How many kills there are where nothing else is said, and at least where it is to last.
const KILLS: usize = 25;
const KILLS_OF_A_SOAK: usize = 200;

fn enough(kills: usize, begun: Instant) -> bool {
    match std::env::var("PORTCULLIS_SOAK_SECONDS") {
        Err(_) => kills >= KILLS,
        Ok(said) => {
            let seconds: u64 = said.parse().expect("a number of seconds");
            kills >= KILLS_OF_A_SOAK && begun.elapsed() >= Duration::from_secs(seconds)
        }
    }
}

#[test]
fn a_killed_program_comes_back_by_itself_and_has_lost_nothing() {
    let seed: u64 = std::env::var("PORTCULLIS_SEED").map_or_else(
        |_| rand::rng().random(),
        |seed| seed.parse().expect("a number"),
    );
    eprintln!("PORTCULLIS_SEED={seed}");
    let index = upstream();
    let mut gateway = gateway::before(&index).policy(&load::policy(0)).start();
    let tokens = Tokens {
        upload: gateway.token("uploader", "upload"),
        review: gateway.token("reviewer", "review"),
    };
    let load = Load::over(&gateway, tokens);
    let (mut kills, begun) = (0, Instant::now());
    std::thread::scope(|scope| {
        let _ended = load.ends_with_this();
        load.begin(scope, seed);
        let mut random = StdRng::seed_from_u64(!seed);
        while !enough(kills, begun) && !load.is_over() {
            sleep(Duration::from_millis(random.random_range(20..700)));
            gateway.kill();
            load.is_gone();
            kills += 1;
            // Whoever starts may be killed while it does.
            while random.random_range(0..5) == 0 {
                gateway.start_and_kill(Duration::from_millis(random.random_range(0..400)));
                kills += 1;
            }
            gateway.start_again();
            load.is_back(gateway.url());
            nothing_is_lost(&gateway, &load, LAST);
        }
    });
    let (uploads, quarantines) = nothing_is_lost(&gateway, &load, usize::MAX);
    remains::records_are_whole(&gateway, &load);
    gateway.kill();
    let garbage = remains::nothing_else_is_left(&gateway, &load);
    gateway.start_again();
    nothing_is_lost(&gateway, &load, usize::MAX);
    let told = &load.told;
    let count = |count: &std::sync::atomic::AtomicUsize| count.load(Ordering::Relaxed);
    let downloads = told.downloads.lock().unwrap().values().sum::<usize>();
    eprintln!(
        "{kills} kills in {} s; acknowledged: {uploads} uploads ({} of them asked for again), {downloads} downloads, \
         {} pages, {quarantines} quarantines; {} purges ({} killed), {} policies; lost: 0; {} answers cut off, \
         {} refused, {} too early; {garbage} things were garbage, and all were found",
        begun.elapsed().as_secs(),
        count(&told.again),
        count(&told.pages),
        count(&told.purges),
        count(&told.purges_killed),
        count(&told.policies),
        count(&told.cut),
        count(&told.refused),
        count(&told.early),
    );
    assert!(uploads > 0 && downloads > 0 && quarantines > 0);
}

fn upstream() -> FixtureIndex {
    let index = FixtureIndex::start_blocking();
    index.offer_metadata();
    for number in 0..PUBLIC {
        index.add(load::public(number));
    }
    for number in 0..GATES {
        index.add(load::gate(number));
    }
    for number in 0..HELD {
        index.add(load::held(number));
    }
    // A transfer takes long enough to be killed in.
    let drip = Fault::Drip {
        chunk: 32 << 10,
        every: Duration::from_millis(4),
    };
    index.fault("/files/public-", drip);
    index
}

/// The last so many things that were acknowledged, which a kill would lose first.
const LAST: usize = 6;

/// Looks at the last `many` uploads and quarantines that were acknowledged, and says how many those are.
fn nothing_is_lost(gateway: &Gateway, load: &Load, many: usize) -> (usize, usize) {
    let uploads = last(&load.told.uploads, many);
    for ours in &uploads {
        let path = format!("/files/{}/{}", ours.name(), ours.filename());
        let page = gateway.get(&format!("/simple/{}/", ours.name()));
        assert!(page.text().contains(&ours.filename()), "{path} is lost");
        let answer = gateway.get(&path);
        assert_eq!(answer.status, 200, "{path} is lost: {}", answer.screen());
        assert!(answer.body == ours.build(), "{path} has other bytes");
    }
    let quarantines = last(&load.told.quarantines, many);
    for number in &quarantines {
        let file = load::held(*number);
        let answer = gateway.get(&format!("/files/{}/{}", file.name(), file.filename()));
        let name = file.name();
        assert_eq!(answer.status, 403, "the quarantine of {name} is lost");
    }
    (uploads.len(), quarantines.len())
}

fn last<T: Clone>(all: &Mutex<Vec<T>>, many: usize) -> Vec<T> {
    let all = all.lock().unwrap();
    all[all.len().saturating_sub(many)..].to_vec()
}

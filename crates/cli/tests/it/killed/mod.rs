//! The program is killed (SIGKILL) at random moments while clients upload, download what nobody fetched before,
//! purge and edit the policy, and sometimes again before it is ready: nothing that was acknowledged is lost,
//! nothing incomplete is served, nothing is left that cannot be found, and it starts without anybody's help.
//! `PORTCULLIS_KILLS` says how often, `PORTCULLIS_SEED` repeats a run, `cargo xtask soak` makes it long.

mod check;
mod victim;
mod work;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use portcullis_fixtures::FixtureIndex;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::gateway;
use crate::replicas::place::Place;
use victim::{Embedded, Replicated, Victim};
use work::{Acknowledged, Clients};

/// How often it is killed where nothing else is said.
const KILLS: usize = 15;

/// How long it may take to start over what a killed one left.
const READY_WITHIN: Duration = Duration::from_secs(60);

#[test]
fn a_gateway_that_is_killed_again_and_again_loses_nothing() {
    let index = FixtureIndex::start_blocking();
    let gateway = gateway::before(&index).owned("acme-*").start();
    torment(&Embedded::new(gateway), &index);
}

#[test]
fn a_replica_that_is_killed_again_and_again_loses_nothing() {
    let Some(place) = Place::with(1, "[names]\nowned = [\"acme-*\"]\n") else {
        return;
    };
    torment(&Replicated::new(&place), &place.index);
}

/// When it is enough.
enum Until {
    Kills(usize),
    Time(Instant),
}

impl Until {
    fn said() -> Self {
        let number = |variable: &str| {
            let said = std::env::var(variable).ok()?;
            Some(said.parse::<u64>().expect("a number"))
        };
        match (
            number("PORTCULLIS_KILLS"),
            number("PORTCULLIS_SOAK_SECONDS"),
        ) {
            (Some(kills), _) => Self::Kills(usize::try_from(kills).unwrap()),
            (None, Some(seconds)) => Self::Time(Instant::now() + Duration::from_secs(seconds)),
            (None, None) => Self::Kills(KILLS),
        }
    }

    fn is_reached(&self, kills: usize) -> bool {
        match self {
            Self::Kills(enough) => kills >= *enough,
            Self::Time(end) => Instant::now() >= *end,
        }
    }
}

fn seed() -> u64 {
    let said = std::env::var("PORTCULLIS_SEED").ok();
    said.map_or_else(
        || rand::rng().random(),
        |seed| seed.parse().expect("a number"),
    )
}

fn torment(victim: &dyn Victim, index: &FixtureIndex) {
    let seed = seed();
    eprintln!("PORTCULLIS_SEED={seed}");
    let token = victim.says(&["token", "create", "ci", "--scope", "upload"]);
    let (said, over) = (Acknowledged::default(), AtomicBool::new(false));
    let clients = Clients {
        victim,
        index,
        token: token.trim(),
        said: &said,
        over: &over,
    };
    let mut kills = 0;
    std::thread::scope(|scope| {
        // A failed expectation here must not leave the clients at work for ever.
        let _end = EndsTheRest(&over);
        clients.start(scope, seed);
        let until = Until::said();
        let mut random = StdRng::seed_from_u64(!seed);
        let mut slowest = Duration::ZERO;
        while !until.is_reached(kills) {
            std::thread::sleep(Duration::from_millis(random.random_range(0..1_500)));
            victim.kill();
            kills += 1;
            while random.random_ratio(1, 5) {
                victim.start_and_kill(Duration::from_millis(random.random_range(0..800)));
                kills += 1;
            }
            let begun = Instant::now();
            victim.start();
            let took = begun.elapsed();
            assert!(took < READY_WITHIN, "it took {took:?} to start");
            slowest = slowest.max(took);
            check::leaves_no_scratch(victim);
            check::ledger_holds(victim);
        }
        eprintln!("the slowest start over what a killed one left took {slowest:?}");
    });
    victim.write_policy("");
    check::everything(victim, &said);
    said.report(kills);
}

/// Ends the clients, also when the test has failed.
struct EndsTheRest<'o>(&'o AtomicBool);

impl Drop for EndsTheRest<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

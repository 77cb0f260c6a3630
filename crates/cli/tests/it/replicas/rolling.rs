//! Replicas that are restarted one after the other behind a balancer that asks who is ready, while clients upload,
//! read pages and download: no request fails. `PORTCULLIS_SOAK_SECONDS` makes it more rounds.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use portcullis_fixtures::{Wheel, wheel};

use super::place::Place;
use crate::ending::Ending;
use crate::wire::{self, Form};

/// How many public wheels there are.
const PUBLIC: usize = 6;

/// How many requests there are at least between two restarts.
const BETWEEN: usize = 40;

fn public(number: usize) -> Wheel {
    wheel(&format!("public-{number}"), "1.0").payload(20_000 + number * 60_000)
}

/// Sends each request to the next of those that are ready, and tries none of them twice.
#[derive(Default)]
struct Balancer {
    known: Mutex<Vec<String>>,
    ready: Mutex<Vec<String>>,
    turn: AtomicUsize,
    answered: AtomicUsize,
    failed: Mutex<Vec<String>>,
    over: AtomicBool,
}

impl Balancer {
    fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    fn knows(&self, url: &str) {
        self.known.lock().unwrap().push(url.to_owned());
    }

    fn forgets(&self, url: &str) {
        self.known.lock().unwrap().retain(|known| known != url);
    }

    /// Asks everybody ten times a second.
    fn watches(&self) {
        while !self.is_over() {
            let known = self.known.lock().unwrap().clone();
            let is_ready = |url: &String| {
                wire::try_get(url, "/readyz").is_ok_and(|answer| answer.status == 200)
            };
            let ready = known.into_iter().filter(is_ready).collect();
            *self.ready.lock().unwrap() = ready;
            sleep(Duration::from_millis(100));
        }
    }

    fn next(&self) -> Option<String> {
        let ready = self.ready.lock().unwrap();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        ready.get(turn % ready.len().max(1)).cloned()
    }

    fn until(&self, what: &str, holds: impl Fn() -> bool) {
        let begun = Instant::now();
        while !holds() && !self.is_over() {
            assert!(begun.elapsed() < Duration::from_secs(60), "{what}");
            sleep(Duration::from_millis(50));
        }
    }

    fn client(&self, client: usize, token: &str) {
        for round in 0.. {
            if self.is_over() {
                return;
            }
            let Some(url) = self.next() else {
                self.failed
                    .lock()
                    .unwrap()
                    .push("nobody is ready".to_owned());
                return;
            };
            let file = public(round % PUBLIC);
            let said = match round % 4 {
                0 => {
                    let ours = wheel(&format!("acme-{client}"), &format!("{round}.0"));
                    let answer = Form::of(&ours).try_send(&url, token);
                    answer.map(|answer| (answer.status == 200, answer))
                }
                1 => wire::try_get(&url, &format!("/simple/{}/", file.name())).map(|answer| {
                    let is_right = answer.text().contains(&file.filename()) && answer.is_whole();
                    (answer.status == 200 && is_right, answer)
                }),
                _ => {
                    let path = format!("/files/{}/{}", file.name(), file.filename());
                    let answer = wire::try_get(&url, &path);
                    answer
                        .map(|answer| (answer.status == 200 && answer.body == file.build(), answer))
                }
            };
            let failure = match said {
                Ok((true, _)) => None,
                Ok((false, answer)) => Some(format!("{} {}", answer.status, answer.head)),
                Err(error) => Some(error.to_string()),
            };
            self.failed.lock().unwrap().extend(failure);
            self.answered.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[test]
fn replicas_are_restarted_one_after_the_other_and_no_request_fails() {
    let Some(place) = Place::with(3, "[limits]\ndrain = \"4s\"\n") else {
        return;
    };
    for number in 0..PUBLIC {
        place.index.add(public(number));
    }
    let token = place.replicas[0].says(&["token", "create", "ci", "--scope", "upload"]);
    let seconds = std::env::var("PORTCULLIS_SOAK_SECONDS").ok();
    let seconds = seconds.map_or(0, |said| said.parse().expect("a number of seconds"));
    let balancer = Balancer::default();
    for replica in &place.replicas {
        balancer.knows(&replica.url().unwrap());
    }
    let (begun, mut restarts) = (Instant::now(), 0);
    std::thread::scope(|scope| {
        let _ended = Ending(&balancer.over);
        scope.spawn(|| balancer.watches());
        let ready = || balancer.ready.lock().unwrap().len();
        balancer.until("all are ready", || ready() == place.replicas.len());
        for client in 0..4 {
            let (balancer, token) = (&balancer, token.trim());
            scope.spawn(move || {
                let _ended = Ending(&balancer.over);
                balancer.client(client, token);
            });
        }
        let answered = || balancer.answered.load(Ordering::Relaxed);
        while restarts == 0 || begun.elapsed() < Duration::from_secs(seconds) {
            for replica in &place.replicas {
                let (before, old) = (answered(), replica.url().unwrap());
                replica.leave();
                balancer.forgets(&old);
                replica.start();
                let new = replica.url().unwrap();
                balancer.knows(&new);
                let is_back = || balancer.ready.lock().unwrap().contains(&new);
                balancer.until("it is ready again", is_back);
                balancer.until("requests go on", || answered() > before + BETWEEN);
                restarts += 1;
            }
            if balancer.is_over() {
                break;
            }
        }
    });
    let failed = balancer.failed.lock().unwrap();
    let answered = balancer.answered.load(Ordering::Relaxed);
    eprintln!(
        "{restarts} restarts in {} s, {answered} requests, {} failed",
        begun.elapsed().as_secs(),
        failed.len()
    );
    assert!(failed.is_empty(), "{failed:#?}");
}

//! [`Clients`]: what goes on while the gateway is killed, and [`Acknowledged`], what it said was done.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::Scope;
use std::time::Duration;

use portcullis_fixtures::{FixtureIndex, Wheel, wheel};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::Value;

use super::victim::Victim;
use crate::wire::{self, Answer, Form};

/// Policies that are written in turn: one that lets everything of the test through, more often than one that
/// refuses what is public, and one that is no policy, which must change nothing.
const POLICIES: [&str; 5] = [
    "",
    "[rules.too-young]\nmode = \"observe\"\n",
    "",
    "[rules.too-young]\neffect = \"deny\"\ndays = 365\non-unknown = \"deny\"\n",
    "[rules",
];

/// What was acknowledged, and how much was not.
#[derive(Default)]
pub(super) struct Acknowledged {
    /// Wheels whose upload was answered 200.
    pub(super) uploads: Mutex<Vec<Wheel>>,
    /// Complete downloads, by project.
    pub(super) downloads: Mutex<BTreeMap<String, usize>>,
    /// The ids of decisions that clients were told of.
    pub(super) refusals: Mutex<Vec<String>>,
    /// Purges that said that they threw something away.
    pub(super) purges: AtomicUsize,
    broken: AtomicUsize,
    policies: AtomicUsize,
}

impl Acknowledged {
    pub(super) fn report(&self, kills: usize) {
        let downloads: usize = self.downloads.lock().unwrap().values().sum();
        let uploads = self.uploads.lock().unwrap().len();
        let refusals = self.refusals.lock().unwrap().len();
        eprintln!(
            "{kills} kills; acknowledged and kept: {uploads} uploads, {downloads} downloads, {refusals} refusals, \
             {} purges; {} policies written; {} requests broke off; lost: 0",
            self.purges.load(Ordering::Relaxed),
            self.policies.load(Ordering::Relaxed),
            self.broken.load(Ordering::Relaxed),
        );
        assert!(uploads > 0 && downloads > 0, "nothing was acknowledged");
    }

    fn broke(&self) {
        self.broken.fetch_add(1, Ordering::Relaxed);
    }
}

/// Those who use the gateway.
#[derive(Clone, Copy)]
pub(super) struct Clients<'c> {
    pub(super) victim: &'c dyn Victim,
    pub(super) index: &'c FixtureIndex,
    pub(super) token: &'c str,
    pub(super) said: &'c Acknowledged,
    pub(super) over: &'c AtomicBool,
}

/// A public project that nobody asked for before.
static NEXT: AtomicUsize = AtomicUsize::new(0);

fn public(number: usize) -> Wheel {
    // Some fit into the block that is held back, others do not.
    wheel(&format!("public-{number}"), "1.0").payload(1_000 + (number * 37_123) % 400_000)
}

impl Clients<'_> {
    /// Starts all of them.
    pub(super) fn start<'s>(self, scope: &'s Scope<'s, '_>, seed: u64)
    where
        Self: 's,
    {
        for client in 0..2 {
            scope.spawn(move || self.upload(client));
        }
        for client in 0..3 {
            let random = StdRng::seed_from_u64(seed ^ client);
            scope.spawn(move || self.download(random));
        }
        let random = StdRng::seed_from_u64(seed ^ 99);
        scope.spawn(move || self.purge(random));
        scope.spawn(move || self.edit_the_policy());
    }

    /// Where the gateway listens; waits while it does not. `None` at the end.
    fn url(self) -> Option<String> {
        while !self.over.load(Ordering::Relaxed) {
            if let Some(url) = self.victim.url() {
                return Some(url);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        None
    }

    fn upload(self, client: u64) {
        let mut number = 0;
        while let Some(url) = self.url() {
            number += 1;
            let ours = wheel(&format!("acme-{client}"), &format!("{number}.0"))
                .payload(2_000 + (number * 9_973) % 150_000);
            match Form::of(&ours).try_send(&url, self.token) {
                Ok(answer) if answer.status == 200 => {
                    self.said.uploads.lock().unwrap().push(ours);
                }
                Ok(answer) => {
                    assert!(answer.status >= 500, "an upload: {}", answer.screen());
                    self.said.broke();
                }
                Err(_) => self.said.broke(),
            }
        }
    }

    /// Most of what is downloaded was never seen before; some was, and may be in the vault.
    fn download(self, mut random: StdRng) {
        while let Some(url) = self.url() {
            let seen = NEXT.load(Ordering::Relaxed);
            let number = match seen > 0 && random.random_ratio(1, 3) {
                true => random.random_range(0..seen),
                false => NEXT.fetch_add(1, Ordering::Relaxed),
            };
            let file = public(number);
            self.index.add(&file);
            let path = format!("/files/{}/{}", file.name(), file.filename());
            match wire::try_get(&url, &path) {
                Ok(answer) => self.judge_download(&file, &answer),
                Err(_) => self.said.broke(),
            }
        }
    }

    fn judge_download(self, file: &Wheel, answer: &Answer) {
        let bytes = file.build();
        match (answer.status, answer.is_whole()) {
            (200, true) => {
                assert!(answer.body == bytes, "{} has other bytes", file.filename());
                let mut downloads = self.said.downloads.lock().unwrap();
                *downloads.entry(file.name().to_owned()).or_default() += 1;
            }
            (200, false) => {
                assert!(
                    bytes.starts_with(&answer.body),
                    "{} began with other bytes",
                    file.filename()
                );
                self.said.broke();
            }
            (403, true) => {
                let problem: Value = serde_json::from_slice(&answer.body).unwrap();
                let decision = problem["decision"].as_str();
                let decision = decision.unwrap_or_else(|| panic!("{}", answer.screen()));
                self.said.refusals.lock().unwrap().push(decision.to_owned());
            }
            (500.., _) | (_, false) => self.said.broke(),
            _ => panic!("a file: {}", answer.screen()),
        }
    }

    fn purge(self, mut random: StdRng) {
        while self.url().is_some() {
            std::thread::sleep(Duration::from_millis(random.random_range(50..500)));
            let seen = NEXT.load(Ordering::Relaxed);
            if seen == 0 {
                continue;
            }
            let project = format!("public-{}", random.random_range(0..seen));
            let arguments = ["purge", &project, "--format", "json"];
            let output = self.victim.program(&arguments).output().unwrap();
            assert!(output.status.success(), "{output:?}");
            let purged: Value = serde_json::from_slice(&output.stdout).unwrap();
            if purged["files"]
                .as_array()
                .is_some_and(|files| !files.is_empty())
            {
                self.said.purges.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// No two policies are the same, so that each makes decisions of its own.
    fn edit_the_policy(self) {
        for number in 0.. {
            if self.over.load(Ordering::Relaxed) {
                return;
            }
            let policy = POLICIES[number % POLICIES.len()];
            self.victim.write_policy(&format!("# {number}\n{policy}"));
            self.said.policies.fetch_add(1, Ordering::Relaxed);
            std::thread::sleep(Duration::from_millis(700));
        }
    }
}

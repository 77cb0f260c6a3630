//! Counting what was asked for and what came of it: in memory, and from time to time in the database.
//! Names, installers and tokens are what clients say, so there is a bound on how many different ones
//! are told apart in a day; the rest is counted together.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::HeaderValue;
use portcullis_core::policy::{Decision, Effect};
use portcullis_core::time::Timestamp;
use portcullis_store::statistics::{self, Counted, Door, Outcome, day_of};
use portcullis_store::{Db, StoreError};

use crate::app::App;
use crate::error::FlowError;
use crate::identity::Caller;
use crate::jobs::schedule::{Job, Reach};

mod report;

pub use report::{Inquiry, Order, Report, date};

/// Forgets old counts.
pub static PRUNE: Job = Job {
    name: "statistics",
    summary: "forgets counts older than 400 days",
    reach: Reach::Inside,
    every: |_| Some(DAY),
    run: |app| Box::pin(prune(app)),
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// For how many days counts are kept.
const KEPT: i64 = 400;

/// How many parts the counts are in, so that requests seldom wait for each other.
const SHARDS: usize = 16;

/// How many different requests are told apart in a day by one process.
const MOST: usize = 96_000;

/// How many of them may be for names that nobody has: anybody can think of any number of those.
const MOST_ABSENT: usize = 9_600;

/// The name under which requests are counted that are one too many to be told apart.
pub const OTHER: &str = "(other)";

async fn prune(app: Arc<App>) -> Result<String, FlowError> {
    let first = day_of(app.now()) - KEPT;
    let gone = statistics::prune(&app.db, first).await?;
    Ok(format!("{gone} old counts forgotten"))
}

/// A request and what came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Asked<'a> {
    /// The index.
    pub index: &'a str,
    /// The project.
    pub project: &'a str,
    /// What came of it.
    pub outcome: Outcome,
    /// The rule that decided; empty where none did.
    pub rule: &'a str,
    /// What was asked for.
    pub door: Door,
    /// The installer; empty where it did not say.
    pub installer: &'a str,
    /// The token; empty where there was none.
    pub token: &'a str,
}

impl<'a> Asked<'a> {
    /// Something that `caller` asked for, about which `decision` was made.
    pub fn decided(decision: &'a Decision, door: Door, caller: &'a Caller) -> Self {
        let subject = decision.subject();
        let verdict = Verdict::of(decision);
        Self {
            index: subject.index.as_str(),
            project: subject.project.as_str(),
            outcome: verdict.outcome,
            rule: decision.decisive().map_or("", |finding| &*finding.rule),
            door,
            installer: installer(caller.user_agent.as_ref()),
            token: caller.token.as_ref().map_or("", |token| &*token.name),
        }
    }

    fn is_of(&self, day: i64, counted: &Counted) -> bool {
        counted.day == day
            && counted.project == self.project
            && counted.outcome == self.outcome
            && counted.door == self.door
            && counted.rule == self.rule
            && counted.index == self.index
            && counted.installer == self.installer
            && counted.token == self.token
    }

    fn counted(&self, day: i64, times: u64) -> Counted {
        Counted {
            day,
            index: self.index.to_owned(),
            project: self.project.to_owned(),
            outcome: self.outcome,
            rule: self.rule.to_owned(),
            door: self.door,
            installer: self.installer.to_owned(),
            token: self.token.to_owned(),
            times,
        }
    }
}

/// What was decided and by which rule, as far as it is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What came of it.
    pub outcome: Outcome,
    /// The rule; empty where none was decisive.
    pub rule: Box<str>,
}

impl Verdict {
    /// That of a decision.
    pub fn of(decision: &Decision) -> Self {
        let outcome = match decision.effect() {
            Effect::Allow => Outcome::Allowed,
            Effect::Warn => Outcome::Warned,
            Effect::Hold => Outcome::Held,
            Effect::Deny => Outcome::Denied,
        };
        let rule = decision.decisive().map_or("", |finding| &*finding.rule);
        Self {
            outcome,
            rule: rule.into(),
        }
    }

    /// That of a name that nobody has.
    pub fn absent() -> Self {
        Self {
            outcome: Outcome::Absent,
            rule: Box::default(),
        }
    }

    /// That of a page on which nothing is left to install: that of the file listed last, which is most
    /// often the newest. `None` where something is left.
    pub fn of_refused_page(decisions: &[Arc<Decision>]) -> Option<Self> {
        let is_refused = decisions.iter().all(|decision| !decision.lets_through());
        let last = decisions.last().filter(|_| is_refused)?;
        Some(Self::of(last))
    }
}

/// The installer as it calls itself first in its User-Agent; empty where that is no plain word. Looking
/// at no more than this keeps counting cheap.
pub fn installer(user_agent: Option<&HeaderValue>) -> &str {
    let text = user_agent.and_then(|value| value.to_str().ok());
    let word = text.and_then(|text| text.split(['/', ' ']).next());
    let is_plain = |word: &&str| {
        (1..=32).contains(&word.len())
            && word
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    word.filter(is_plain).unwrap_or_default()
}

/// Counts that are not in the database yet.
#[derive(Debug, Default)]
pub struct Statistics {
    shards: [Mutex<Shard>; SHARDS],
    hasher: RandomState,
}

#[derive(Debug, Default)]
struct Shard {
    /// By hash; those with the same hash are told apart by looking.
    counts: HashMap<u64, Vec<Counted>>,
    /// The day of `seen`.
    day: i64,
    /// The hashes of what was told apart today.
    seen: HashSet<u64>,
    /// How many of them nobody has.
    absent: usize,
}

impl Shard {
    /// Whether a request may be told from others.
    fn admits(&mut self, hash: u64, day: i64, outcome: Outcome) -> bool {
        if self.day != day {
            self.day = day;
            self.seen.clear();
            self.absent = 0;
        }
        if self.seen.contains(&hash) {
            return true;
        }
        let is_absent = outcome == Outcome::Absent;
        let is_full =
            self.seen.len() >= MOST / SHARDS || is_absent && self.absent >= MOST_ABSENT / SHARDS;
        if !is_full {
            self.seen.insert(hash);
            self.absent += usize::from(is_absent);
        }
        !is_full
    }

    fn add(&mut self, hash: u64, day: i64, asked: &Asked<'_>, times: u64) {
        let same = self.counts.entry(hash).or_default();
        match same.iter_mut().find(|counted| asked.is_of(day, counted)) {
            Some(counted) => counted.times += times,
            None => same.push(asked.counted(day, times)),
        }
    }
}

impl Statistics {
    /// Counts a request. One that was counted before costs a hash, a lock and a comparison.
    pub fn count(&self, asked: &Asked<'_>, now: Timestamp) {
        self.add(asked, day_of(now), 1);
    }

    fn add(&self, asked: &Asked<'_>, day: i64, times: u64) {
        let hash = self.hasher.hash_one((day, asked));
        let mut shard = self.shard(hash);
        if shard.admits(hash, day, asked.outcome) {
            return shard.add(hash, day, asked, times);
        }
        drop(shard);
        let other = Asked {
            project: OTHER,
            installer: "",
            token: "",
            ..*asked
        };
        let hash = self.hasher.hash_one((day, &other));
        self.shard(hash).add(hash, day, &other, times);
    }

    fn shard(&self, hash: u64) -> std::sync::MutexGuard<'_, Shard> {
        let position = usize::try_from(hash % SHARDS as u64).unwrap_or_default();
        self.shards[position]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes down what was counted. What cannot be written is counted on.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn flush(&self, db: &Db) -> Result<(), StoreError> {
        let mut counts = self.take();
        let written = statistics::add(db, &mut counts).await;
        for left in counts {
            let asked = Asked {
                index: &left.index,
                project: &left.project,
                outcome: left.outcome,
                rule: &left.rule,
                door: left.door,
                installer: &left.installer,
                token: &left.token,
            };
            self.add(&asked, left.day, left.times);
        }
        written
    }

    fn take(&self) -> Vec<Counted> {
        let of_one = |shard: &Mutex<Shard>| {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut shard.counts)
        };
        let shards = self.shards.iter().map(of_one);
        shards.flat_map(HashMap::into_values).flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked<'a>(project: &'a str, outcome: Outcome, installer: &'a str) -> Asked<'a> {
        Asked {
            index: "main",
            project,
            outcome,
            rule: "",
            door: Door::Page,
            installer,
            token: "",
        }
    }

    #[test]
    fn the_same_request_is_one_count_and_another_day_is_another() {
        let statistics = Statistics::default();
        for day in [1, 1, 1, 2] {
            let now = Timestamp::from_millis(day * Timestamp::DAY);
            statistics.count(&asked("os", Outcome::Denied, "pip"), now);
        }
        let mut counts = statistics.take();
        counts.sort_by_key(|counted| counted.day);
        let found: Vec<_> = counts.iter().map(|c| (c.day, c.times)).collect();
        assert_eq!(found, [(1, 3), (2, 1)]);
        assert!(statistics.take().is_empty());
    }

    #[test]
    fn hostile_clients_cannot_have_any_number_of_names_counted() {
        let statistics = Statistics::default();
        let now = Timestamp::from_millis(0);
        let total = 3 * MOST;
        for number in 0..total {
            let name = format!("n{number}");
            statistics.count(&asked(&name, Outcome::Absent, &name), now);
            statistics.count(&asked(&name, Outcome::Allowed, "pip"), now);
        }
        let counts = statistics.take();
        assert!(counts.len() <= MOST + 2, "{}", counts.len());
        let times = |outcome, is_other: bool| -> u64 {
            counts
                .iter()
                .filter(|c| c.outcome == outcome && (c.project == OTHER) == is_other)
                .map(|c| c.times)
                .sum()
        };
        let absent = times(Outcome::Absent, false);
        assert!(absent <= MOST_ABSENT as u64, "{absent}");
        for outcome in [Outcome::Absent, Outcome::Allowed] {
            let all = times(outcome, false) + times(outcome, true);
            assert_eq!(all, total as u64);
        }
        // The next day everything can be told apart again.
        let tomorrow = Timestamp::from_millis(Timestamp::DAY);
        statistics.count(&asked("flask", Outcome::Allowed, "pip"), tomorrow);
        assert!(statistics.take().iter().any(|c| c.project == "flask"));
    }

    #[test]
    fn the_installer_is_the_first_plain_word() {
        for (user_agent, expected) in [
            ("pip/24.0 {\"ci\":null}", "pip"),
            ("uv/0.5.1 {}", "uv"),
            ("poetry/1.8 CPython/3.11", "poetry"),
            ("", ""),
            ("=cmd()/1", ""),
            (&"x".repeat(33), ""),
        ] {
            let value = HeaderValue::from_str(user_agent).expect("a header value");
            assert_eq!(installer(Some(&value)), expected, "{user_agent}");
        }
        assert_eq!(installer(None), "");
    }
}

//! When jobs run, and that each runs once: a process takes a job's lease in the database, renews it
//! while it works, and writes down how it ended. What the jobs do is in their own files.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use portcullis_store::StoreError;
use portcullis_store::jobs::{self, Claim, Ended, JobState, When};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;
use tracing::{debug, warn};
use uuid::Uuid;

use super::JOBS;
use crate::app::App;
use crate::error::FlowError;

/// Work that one process does for all of them, from time to time.
pub struct Job {
    /// Its name, a few words joined by dashes. It is what the database knows it by, so it stays.
    pub name: &'static str,
    /// What it does, one line for people.
    pub summary: &'static str,
    /// Whether it asks anybody outside.
    pub reach: Reach,
    /// How often; `None` while the configuration does not want it.
    pub every: fn(&App) -> Option<Duration>,
    /// Does it, and says in a few words what came of it. It may be dropped at any await: when the
    /// process stops, and when its lease is lost.
    pub run: fn(Arc<App>) -> Doing,
}

/// The work of a job.
pub type Doing = BoxFuture<'static, Result<String, FlowError>>;

/// Whom a job asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Nobody, or only receivers and services of the organisation.
    Inside,
    /// Sources, feeds or signals: it is left alone while the gateway is offline.
    Outside,
}

/// How often the database is asked which jobs are due.
const TICK: Duration = Duration::from_secs(1);

/// How long a job stays with a process that is not heard of any more. Replicas' clocks must agree
/// within three quarters of it.
const LEASE: Duration = Duration::from_secs(60);

/// How long after its first failure a job is tried again; twice that after the second, and so on, up
/// to the job's period.
const RETRY: Duration = Duration::from_secs(30);

/// The jobs that this process runs at the moment, and as whom.
#[derive(Debug, Default)]
pub struct Running(Mutex<BTreeMap<&'static str, String>>);

impl Running {
    fn with<T>(&self, act: impl FnOnce(&mut BTreeMap<&'static str, String>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn has(&self, job: &str) -> bool {
        self.with(|running| running.contains_key(job))
    }
}

/// Why a job that was asked for has no result.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// There is none of this name.
    #[error("there is no job {0:?}")]
    Unknown(String),
    /// Somebody is at it.
    #[error("the job {0} is being run by another process")]
    Held(&'static str),
    /// It would ask somebody outside.
    #[error("the job {0} asks outside, and the gateway is offline")]
    Offline(&'static str),
    /// It took so long to renew the lease that another process may have taken the job over.
    #[error("the lease of the job {0} was lost")]
    Lost(&'static str),
    /// It failed.
    #[error(transparent)]
    Failed(#[from] FlowError),
}

impl From<StoreError> for RunError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

/// Runs whatever is due until it is dropped, and everything under way with it.
pub(super) async fn run(app: Arc<App>) {
    let mut under_way = JoinSet::new();
    loop {
        if let Err(error) = start_due(&app, &mut under_way).await {
            warn!("could not ask the database which jobs are due: {error}");
        }
        while under_way.try_join_next().is_some() {}
        tokio::time::sleep(TICK).await;
    }
}

async fn start_due(app: &Arc<App>, under_way: &mut JoinSet<()>) -> Result<(), StoreError> {
    let states = jobs::all(&app.db).await?;
    let now = app.now();
    for job in JOBS {
        let Some(every) = (job.every)(app) else {
            continue;
        };
        if job.reach == Reach::Outside && app.is_offline() {
            continue;
        }
        let state = states.iter().find(|state| state.name == job.name);
        let every = millis(every);
        let is_due = state.is_none_or(|state| state.is_due(every, now) && !state.is_held(now));
        if !is_due || app.running.has(job.name) {
            continue;
        }
        let failures = state.map_or(0, |state| state.failures);
        if let Some(turn) = Turn::take(app, job, When::Due { every }, failures).await? {
            under_way.spawn(async move {
                let work = (turn.job.run)(Arc::clone(&turn.app));
                // How it ends is in the database and in the log.
                let _ = turn.run(work).await;
            });
        }
    }
    Ok(())
}

/// Runs a job because a person wants it, due or not.
///
/// # Errors
/// [`RunError`].
pub async fn run_now(app: &Arc<App>, name: &str) -> Result<String, RunError> {
    let turn = turn_now(app, name).await?;
    let work = (turn.job.run)(Arc::clone(app));
    turn.run(work).await
}

async fn turn_now(app: &Arc<App>, name: &str) -> Result<Turn, RunError> {
    let job = JOBS.iter().find(|job| job.name == name);
    let job = job.ok_or_else(|| RunError::Unknown(name.to_owned()))?;
    if job.reach == Reach::Outside && app.is_offline() {
        return Err(RunError::Offline(job.name));
    }
    let states = jobs::all(&app.db).await?;
    let failures = state_of(&states, name).map_or(0, |state| state.failures);
    let turn = Turn::take(app, job, When::Now, failures).await?;
    turn.ok_or(RunError::Held(job.name))
}

/// Does `work` in place of what a job does, because a person wants it, while nobody else runs that job.
///
/// # Errors
/// [`RunError`].
pub async fn run_leased(app: &Arc<App>, name: &str, work: Doing) -> Result<String, RunError> {
    let turn = turn_now(app, name).await?;
    turn.run(work).await
}

/// What the database knows of a job.
pub fn state_of<'s>(states: &'s [JobState], name: &str) -> Option<&'s JobState> {
    states.iter().find(|state| state.name == name)
}

/// Gives back the leases of this process, which stops: another one can go on at once.
pub async fn release_all(app: &App) {
    for (job, holder) in app.running.with(std::mem::take) {
        if let Err(error) = jobs::release(&app.db, (job, &holder)).await {
            warn!("could not give the job {job} back: {error}");
        }
    }
}

/// A job whose lease this process has.
struct Turn {
    app: Arc<App>,
    job: &'static Job,
    holder: String,
    /// How often it failed in a row until now.
    failures: i64,
}

impl Turn {
    async fn take(
        app: &Arc<App>,
        job: &'static Job,
        when: When,
        failures: i64,
    ) -> Result<Option<Self>, StoreError> {
        let host = std::env::var("HOSTNAME").unwrap_or_else(|_| "process".to_owned());
        let turn = Uuid::now_v7().simple();
        let holder = format!("{host}/{}/{turn}", std::process::id());
        let claim = Claim {
            name: job.name,
            holder: &holder,
            lease: millis(LEASE),
            when,
        };
        if !jobs::claim(&app.db, claim, app.now()).await? {
            return Ok(None);
        }
        app.running
            .with(|running| running.insert(job.name, holder.clone()));
        Ok(Some(Self {
            app: Arc::clone(app),
            job,
            holder,
            failures,
        }))
    }

    async fn run(self, work: Doing) -> Result<String, RunError> {
        let name = self.job.name;
        debug!(job = name, "{name}: begins");
        let mut work = Work(tokio::spawn(work));
        let outcome = tokio::select! {
            joined = &mut work.0 => Ok(joined.unwrap_or_else(|error| Err(broken(name, &error)))),
            () = self.keep_lease() => Err(RunError::Lost(name)),
        };
        drop(work);
        let outcome = match outcome {
            Ok(outcome) => self.finish(outcome).await,
            lost => lost.and_then(|_| Err(RunError::Lost(name))),
        };
        self.app.running.with(|running| running.remove(name));
        outcome
    }

    /// Ends when the lease is not ours any more.
    async fn keep_lease(&self) {
        let mut renewed = Instant::now();
        while renewed.elapsed() < LEASE {
            tokio::time::sleep(LEASE / 4).await;
            let whose = (self.job.name, self.holder.as_str());
            match jobs::renew(&self.app.db, whose, millis(LEASE), self.app.now()).await {
                Ok(true) => renewed = Instant::now(),
                Ok(false) => break,
                Err(error) => warn!(job = self.job.name, "could not renew a lease: {error}"),
            }
        }
        warn!(job = self.job.name, "{}: the lease is lost", self.job.name);
    }

    async fn finish(&self, outcome: Result<String, FlowError>) -> Result<String, RunError> {
        let name = self.job.name;
        let every = (self.job.every)(&self.app);
        let now = self.app.now();
        let (wait, word) = match &outcome {
            Ok(result) => {
                debug!(job = name, "{name}: {result}");
                (after_success(every), "ok")
            }
            Err(error) => {
                warn!(job = name, "{name} failed: {error}");
                (after_failure(every, self.failures), "failed")
            }
        };
        metrics::counter!("portcullis_job_runs_total", "job" => name, "outcome" => word)
            .increment(1);
        let ended = Ended {
            outcome: match &outcome {
                Ok(result) => Ok(result.clone()),
                Err(error) => Err(error.to_string()),
            },
            next_at: now.plus_millis(millis(wait)),
        };
        match jobs::finish(&self.app.db, (name, &self.holder), &ended, now).await {
            Ok(true) => Ok(outcome?),
            Ok(false) => Err(RunError::Lost(name)),
            Err(error) => {
                warn!(job = name, "could not write down how {name} ended: {error}");
                Ok(outcome?)
            }
        }
    }
}

/// Work in a task of its own, so that its panic is an error of its own; aborted when dropped.
struct Work(JoinHandle<Result<String, FlowError>>);

impl Drop for Work {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn broken(name: &str, error: &tokio::task::JoinError) -> FlowError {
    match error.is_panic() {
        true => FlowError::Job(format!("{name} broke off; the log says where")),
        false => FlowError::Stopping,
    }
}

/// A job that is off is due whenever it is switched on, which its period tells.
const NEVER: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// The period, up to a tenth shorter, so that not everything happens at the same time for ever.
fn after_success(every: Option<Duration>) -> Duration {
    every.map_or(NEVER, |every| every.saturating_sub(part(every / 10)))
}

fn after_failure(every: Option<Duration>, failures: i64) -> Duration {
    let doublings = u32::try_from(failures.clamp(0, 20)).unwrap_or_default();
    let wait = RETRY.saturating_mul(1 << doublings);
    let wait = wait.min(every.unwrap_or(NEVER));
    wait.saturating_sub(part(wait / 4))
}

/// Some part of `time`, by chance.
fn part(time: Duration) -> Duration {
    time.mul_f64(rand::random::<f64>())
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_that_fails_is_tried_sooner_than_its_period_and_later_each_time() {
        let hour = Duration::from_secs(3600);
        for _ in 0..100 {
            let ok = after_success(Some(hour));
            assert!(ok <= hour && ok >= hour.mul_f64(0.9), "{ok:?}");
            for (failures, seconds) in [(0, 30), (1, 60), (3, 240), (7, 3600), (1000, 3600)] {
                let most = Duration::from_secs(seconds);
                let wait = after_failure(Some(hour), failures);
                assert!(wait <= most && wait >= most.mul_f64(0.75), "{wait:?}");
            }
        }
        let second = Duration::from_secs(1);
        assert!(after_failure(Some(second), 9) <= second);
        assert_eq!(after_success(None), NEVER);
    }

    #[test]
    fn job_names_are_words_joined_by_dashes_and_each_is_there_once() {
        let mut names: Vec<&str> = JOBS.iter().map(|job| job.name).collect();
        let is_word = |name: &&str| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
        assert!(names.iter().all(is_word), "{names:?}");
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), JOBS.len());
        assert!(JOBS.iter().all(|job| job.summary.len() <= 60));
    }
}

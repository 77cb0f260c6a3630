//! Feeds, jobs, and the end of the ledger.

use portcullis_server::App;
use portcullis_server::jobs::JOBS;
use portcullis_server::jobs::schedule::{Job, state_of};
use portcullis_store::jobs::{JobState, all};
use portcullis_store::ledger::verify_tail;

use super::{Check, Finding, timed};
use crate::jobs::age;
use crate::output::count;

/// So many entries of the ledger are verified here; `portcullis ledger verify` does all.
const TAIL: u32 = 1000;

/// A job that did not end well for so many of its periods is overdue.
const PERIODS: i64 = 4;

/// Periods shorter than this count as this, in milliseconds.
const SHORTEST: i64 = 60_000;

/// Whether what feeds said last is there and not old. Nobody is asked.
pub(super) async fn feeds(app: &App) -> Check {
    timed("advisories", async {
        match crate::advisories::check(app) {
            Ok(says) => Finding::well(says),
            Err(says) => Finding::fails(
                says,
                "portcullis advisories status says what is wrong, and `portcullis advisories update` \
                 loads them now",
            ),
        }
    })
    .await
}

/// Every job that failed last or is overdue, or one line for all of them.
pub(super) async fn jobs(app: &App) -> Vec<Check> {
    let states = match all(&app.db).await {
        Ok(states) => states,
        Err(error) => {
            let finding = Finding::unknown(error.to_string(), "see what the database says");
            return vec![timed("jobs", async { finding }).await];
        }
    };
    let mut checks = Vec::new();
    for job in JOBS {
        if let Some(finding) = state_of(&states, job.name).and_then(|state| ill(app, job, state)) {
            checks.push(timed(format!("job {}", job.name), async { finding }).await);
        }
    }
    if checks.is_empty() {
        let wanted = JOBS.iter().filter(|job| (job.every)(app).is_some()).count();
        let says = match states.is_empty() {
            true => "none has run: no server has been started yet".to_owned(),
            false => format!("{} went well last", count(wanted as u64, "job")),
        };
        checks.push(timed("jobs", async { Finding::well(says) }).await);
    }
    checks
}

fn ill(app: &App, job: &Job, state: &JobState) -> Option<Finding> {
    let every = (job.every)(app)?;
    if let Some(error) = &state.last_error {
        let says = format!("failed {} times in a row: {error}", state.failures.max(1));
        let remedy = format!(
            "mend what it names; a running server tries again, and `portcullis jobs run {}` does now",
            job.name
        );
        return Some(Finding::fails(says, remedy));
    }
    let every = i64::try_from(every.as_millis())
        .unwrap_or(i64::MAX)
        .max(SHORTEST);
    let last = state.last_ok_at?;
    let is_overdue = app.now().since(last) > every.saturating_mul(PERIODS);
    (is_overdue && !state.is_held(app.now())).then(|| {
        Finding::warns(
            format!("went well last {} ago", age(last, app.now())),
            "see that a server runs over this database, and what its log says",
        )
    })
}

/// Whether the newest entries follow on each other and have the hashes that they had.
pub(super) async fn ledger(app: &App) -> Check {
    timed("ledger", async {
        match verify_tail(&app.db, TAIL).await {
            Ok(0) => Finding::well("empty"),
            Ok(verified) => Finding::well(format!("{} at its end, each as it was written", count(verified, "entry"))),
            Err(error @ portcullis_store::StoreError::Ledger(_)) => Finding::fails(
                error.to_string(),
                "somebody or something altered it: keep a copy of the database, find out who has access, \
                 and compare with a backup (portcullis ledger verify says where it begins)",
            ),
            Err(error) => Finding::unknown(error.to_string(), "see what the database says"),
        }
    })
    .await
}

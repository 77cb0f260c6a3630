//! The job that keeps reviews up to date: what is over, what nothing refuses any more, what an approval
//! does not cover any more. That an approval ends is not its doing: judging leaves it out by itself.

use std::time::Duration;

use futures_util::FutureExt as _;

use super::schedule::{Job, Reach};
use crate::flow::reviews::decide;

/// The job.
pub(super) static REVIEWS: Job = Job {
    name: "reviews",
    summary: "judge open reviews again, and end what is over",
    reach: Reach::Inside,
    every: |_| Some(Duration::from_secs(5 * 60)),
    run: |app| async move { decide::tend(&app).await }.boxed(),
};

//! Counters that replicas poll to learn that something changed. They are bumped in the transaction
//! of the change, so that whoever sees the new number sees the change.

use std::collections::BTreeMap;

use crate::db::{Db, Write};
use crate::error::StoreError;

/// What a counter counts changes of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Counter {
    /// Owned and prohibited names.
    Names,
    /// Files published here. Which projects changed is told by
    /// [`changed_since`](crate::hosted::changed_since).
    Hosted,
    /// Tokens.
    Tokens,
    /// The policy in force.
    Policy,
    /// Pins: what is known of files from outside.
    Pins,
    /// Cached content that was thrown away.
    Purges,
    /// What was learned of releases and projects: metadata that was read, signals.
    Releases,
    /// What reviewers let through or denied.
    Reviews,
    /// Feeds: what was loaded, confirmed, failed or forgotten.
    Feeds,
    /// What is in quarantine.
    Quarantine,
    /// What is approved for indexes.
    Approvals,
    /// What inspections saw. Of which contents and projects is told by
    /// [`changed_since`](crate::inspections::changed_since).
    Inspections,
    /// Switches that are thrown while the gateway runs.
    Switches,
}

impl Counter {
    const ALL: [Self; 13] = [
        Self::Names,
        Self::Hosted,
        Self::Tokens,
        Self::Policy,
        Self::Pins,
        Self::Purges,
        Self::Releases,
        Self::Reviews,
        Self::Feeds,
        Self::Quarantine,
        Self::Approvals,
        Self::Inspections,
        Self::Switches,
    ];

    /// The counter's name in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Names => "names",
            Self::Hosted => "hosted",
            Self::Tokens => "tokens",
            Self::Policy => "policy",
            Self::Pins => "pins",
            Self::Purges => "purges",
            Self::Releases => "releases",
            Self::Reviews => "reviews",
            Self::Feeds => "feeds",
            Self::Quarantine => "quarantine",
            Self::Approvals => "approvals",
            Self::Inspections => "inspections",
            Self::Switches => "switches",
        }
    }
}

const BUMP: &str = "INSERT INTO generation (counter, value) VALUES ($1, 1) \
     ON CONFLICT (counter) DO UPDATE SET value = generation.value + 1 RETURNING value";

/// Counts one change more and returns the new number.
pub(crate) async fn bump(write: &mut Write, counter: Counter) -> Result<i64, StoreError> {
    let value: i64 = within!(write, executor => {
        sqlx::query_scalar(BUMP).bind(counter.as_str()).fetch_one(executor).await
    })?;
    Ok(value)
}

const ALL: &str = "SELECT counter, value FROM generation";

/// Every counter; those that never changed are 0. One small query, meant to be polled.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn all(db: &Db) -> Result<BTreeMap<Counter, i64>, StoreError> {
    let rows: Vec<(String, i64)> =
        on!(db, executor => sqlx::query_as(ALL).fetch_all(executor).await)?;
    let value = |counter: Counter| {
        let found = rows.iter().find(|(name, _)| name == counter.as_str());
        found.map_or(0, |(_, value)| *value)
    };
    Ok(Counter::ALL
        .into_iter()
        .map(|counter| (counter, value(counter)))
        .collect())
}

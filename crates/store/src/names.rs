//! Owned and prohibited names. A row is never deleted: releasing a name or allowing it again is
//! written beside what it ends. Which sources may be asked for an owned name is decided in
//! `core::index`.

use portcullis_core::index::{OwnedBy, Ownership};
use portcullis_core::ledger::Kind;
use portcullis_core::pypi::name::NamePattern;
use portcullis_core::time::Timestamp;
use serde_json::json;

use crate::columns::{MaybeMillis, Millis, Word, free_text};
use crate::db::{Db, Write};
use crate::error::StoreError;
use crate::generations::{self, Counter};
use crate::ledger;

/// An owned name or prefix, now or in the past.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct OwnedName {
    /// The name or prefix.
    #[sqlx(try_from = "Word")]
    pub pattern: NamePattern,
    /// How it came to be owned.
    #[sqlx(try_from = "Word")]
    pub origin: OwnedBy,
    /// Since when.
    #[sqlx(try_from = "Millis")]
    pub since: Timestamp,
    /// Who or what made it owned.
    pub who: String,
    /// When it was released, if it was.
    #[sqlx(try_from = "MaybeMillis")]
    pub released_at: Option<Timestamp>,
    /// Who released it.
    pub released_by: Option<String>,
}

impl OwnedName {
    /// The ownership as the routing law takes it.
    pub fn ownership(&self) -> Ownership {
        Ownership {
            pattern: self.pattern.clone(),
            origin: self.origin,
            since: Some(self.since),
        }
    }
}

/// A prohibited name or prefix, now or in the past.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct ProhibitedName {
    /// The name or prefix.
    #[sqlx(try_from = "Word")]
    pub pattern: NamePattern,
    /// Why, for those who are refused.
    pub reason: String,
    /// Since when.
    #[sqlx(try_from = "Millis")]
    pub since: Timestamp,
    /// Who prohibited it.
    pub who: String,
    /// When it was allowed again, if it was.
    #[sqlx(try_from = "MaybeMillis")]
    pub allowed_at: Option<Timestamp>,
    /// Who allowed it again.
    pub allowed_by: Option<String>,
}

/// Whether anything changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    /// It is so from now on.
    Now,
    /// It was so before.
    Already,
}

/// The answer to a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Released {
    /// The name may be looked up outside from now on.
    Released,
    /// No such name or prefix is owned.
    NotOwned,
    /// The configuration owns it: it has to be taken out there.
    Configured,
}

const OWN: &str = "INSERT INTO owned_name (pattern, origin, since, who) VALUES ($1, $2, $3, $4) \
     ON CONFLICT (pattern, origin) WHERE released_at IS NULL DO NOTHING";

/// Makes a name owned, in the transaction of what causes it. Owned twice over, by the configuration
/// and by a publication, it stays owned when one of them ends.
pub(crate) async fn own_within(
    write: &mut Write,
    pattern: &NamePattern,
    origin: OwnedBy,
    who: &str,
    now: Timestamp,
) -> Result<Changed, StoreError> {
    let inserted = within!(&mut *write, executor => {
        sqlx::query(OWN)
            .bind(pattern.to_string())
            .bind(origin.to_string())
            .bind(now.as_millis())
            .bind(who)
            .execute(executor)
            .await
            .map(|done| done.rows_affected())
    })?;
    if inserted == 0 {
        return Ok(Changed::Already);
    }
    let payload = json!({
        "act": "own", "pattern": pattern, "origin": origin, "who": who,
    });
    ledger::append(write, Kind::Name, &payload, now).await?;
    generations::bump(write, Counter::Names).await?;
    Ok(Changed::Now)
}

/// Makes a name or prefix owned by an administrator's word.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn own(
    db: &Db,
    pattern: &NamePattern,
    who: &str,
    now: Timestamp,
) -> Result<Changed, StoreError> {
    let mut write = db.begin_write().await?;
    let changed = own_within(&mut write, pattern, OwnedBy::Admin, &free_text(who), now).await?;
    write.commit().await?;
    Ok(changed)
}

const RELEASE: &str = "UPDATE owned_name SET released_at = $3, released_by = $4 \
     WHERE pattern = $1 AND origin = $2 AND released_at IS NULL";

async fn release_within(
    write: &mut Write,
    pattern: &NamePattern,
    origin: OwnedBy,
    who: &str,
    now: Timestamp,
) -> Result<Changed, StoreError> {
    let released = within!(&mut *write, executor => {
        sqlx::query(RELEASE)
            .bind(pattern.to_string())
            .bind(origin.to_string())
            .bind(now.as_millis())
            .bind(who)
            .execute(executor)
            .await
            .map(|done| done.rows_affected())
    })?;
    if released == 0 {
        return Ok(Changed::Already);
    }
    let payload = json!({
        "act": "release", "pattern": pattern, "origin": origin, "who": who,
    });
    ledger::append(write, Kind::Name, &payload, now).await?;
    generations::bump(write, Counter::Names).await?;
    Ok(Changed::Now)
}

const IS_CONFIGURED: &str = "SELECT COUNT(*) FROM owned_name \
     WHERE pattern = $1 AND origin = 'config' AND released_at IS NULL";

/// Releases a name or prefix that was owned by an administrator's word or a publication.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn release(
    db: &Db,
    pattern: &NamePattern,
    who: &str,
    now: Timestamp,
) -> Result<Released, StoreError> {
    let who = free_text(who);
    let mut write = db.begin_write().await?;
    let configured: i64 = within!(&mut write, executor => {
        sqlx::query_scalar(IS_CONFIGURED).bind(pattern.to_string()).fetch_one(executor).await
    })?;
    if configured > 0 {
        write.rollback().await?;
        return Ok(Released::Configured);
    }
    let mut answer = Released::NotOwned;
    for origin in [OwnedBy::Admin, OwnedBy::Published] {
        if release_within(&mut write, pattern, origin, &who, now).await? == Changed::Now {
            answer = Released::Released;
        }
    }
    write.commit().await?;
    Ok(answer)
}

const OWNED: &str = "SELECT pattern, origin, since, who, released_at, released_by \
     FROM owned_name WHERE released_at IS NULL ORDER BY pattern, since, id";

/// What is owned now, sorted by pattern, the oldest ownership first.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn owned(db: &Db) -> Result<Vec<OwnedName>, StoreError> {
    Ok(on!(db, executor => sqlx::query_as(OWNED).fetch_all(executor).await)?)
}

const OWNED_EVER: &str = "SELECT pattern, origin, since, who, released_at, released_by \
     FROM owned_name ORDER BY pattern, since, id";

/// What is or was ever owned, sorted by pattern, the oldest ownership first.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn owned_ever(db: &Db) -> Result<Vec<OwnedName>, StoreError> {
    Ok(on!(db, executor => sqlx::query_as(OWNED_EVER).fetch_all(executor).await)?)
}

/// Makes what the configuration owns be exactly `patterns`; what others own stays as it is.
/// Returns how many patterns were added and released.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn sync_configured(
    db: &Db,
    patterns: &[NamePattern],
    now: Timestamp,
) -> Result<(usize, usize), StoreError> {
    let who = "configuration";
    let (mut added, mut released) = (0, 0);
    let mut write = db.begin_write().await?;
    for pattern in patterns {
        let changed = own_within(&mut write, pattern, OwnedBy::Config, who, now).await?;
        added += usize::from(changed == Changed::Now);
    }
    let owned: Vec<OwnedName> = within!(&mut write, executor => {
        sqlx::query_as(OWNED).fetch_all(executor).await
    })?;
    let gone =
        |name: &&OwnedName| name.origin == OwnedBy::Config && !patterns.contains(&name.pattern);
    for name in owned.iter().filter(gone) {
        release_within(&mut write, &name.pattern, OwnedBy::Config, who, now).await?;
        released += 1;
    }
    write.commit().await?;
    Ok((added, released))
}

const PROHIBIT: &str = "INSERT INTO prohibited_name (pattern, reason, since, who) \
     VALUES ($1, $2, $3, $4) ON CONFLICT (pattern) WHERE allowed_at IS NULL DO NOTHING";

/// Prohibits a name or prefix everywhere. One that is prohibited already keeps its reason.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn prohibit(
    db: &Db,
    pattern: &NamePattern,
    reason: &str,
    who: &str,
    now: Timestamp,
) -> Result<Changed, StoreError> {
    let (reason, who) = (free_text(reason), free_text(who));
    let mut write = db.begin_write().await?;
    let inserted = within!(&mut write, executor => {
        sqlx::query(PROHIBIT)
            .bind(pattern.to_string())
            .bind(&reason)
            .bind(now.as_millis())
            .bind(&who)
            .execute(executor)
            .await
            .map(|done| done.rows_affected())
    })?;
    let payload = json!({"act": "prohibit", "pattern": pattern, "reason": reason, "who": who});
    finish(write, inserted, &payload, now).await
}

const ALLOW: &str = "UPDATE prohibited_name SET allowed_at = $2, allowed_by = $3 \
     WHERE pattern = $1 AND allowed_at IS NULL";

/// Ends a prohibition.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn allow(
    db: &Db,
    pattern: &NamePattern,
    who: &str,
    now: Timestamp,
) -> Result<Changed, StoreError> {
    let who = free_text(who);
    let mut write = db.begin_write().await?;
    let allowed = within!(&mut write, executor => {
        sqlx::query(ALLOW)
            .bind(pattern.to_string())
            .bind(now.as_millis())
            .bind(&who)
            .execute(executor)
            .await
            .map(|done| done.rows_affected())
    })?;
    let payload = json!({"act": "allow", "pattern": pattern, "who": who});
    finish(write, allowed, &payload, now).await
}

async fn finish(
    mut write: Write,
    rows: u64,
    payload: &serde_json::Value,
    now: Timestamp,
) -> Result<Changed, StoreError> {
    if rows == 0 {
        write.rollback().await?;
        return Ok(Changed::Already);
    }
    ledger::append(&mut write, Kind::Name, payload, now).await?;
    generations::bump(&mut write, Counter::Names).await?;
    write.commit().await?;
    Ok(Changed::Now)
}

const PROHIBITED: &str = "SELECT pattern, reason, since, who, allowed_at, allowed_by \
     FROM prohibited_name WHERE allowed_at IS NULL ORDER BY pattern, id";

/// What is prohibited now, sorted by pattern.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn prohibited(db: &Db) -> Result<Vec<ProhibitedName>, StoreError> {
    Ok(on!(db, executor => sqlx::query_as(PROHIBITED).fetch_all(executor).await)?)
}

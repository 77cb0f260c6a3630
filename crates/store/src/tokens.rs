//! Tokens: who may do what, under which name. Only the digest of a token is kept. What a scope
//! allows is decided in `core::access`.

use std::collections::HashMap;
use std::sync::Mutex;

use portcullis_core::access::{Scopes, TokenText};
use portcullis_core::digest::Sha256;
use portcullis_core::ledger::Kind;
use portcullis_core::time::Timestamp;
use serde_json::json;
use subtle::ConstantTimeEq as _;

use crate::columns::{Hash, MaybeMillis, Millis, Word, free_text};
use crate::db::{Db, Write};
use crate::error::StoreError;
use crate::generations::{self, Counter};
use crate::ledger;

/// A token, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Token {
    /// Its number.
    pub id: i64,
    /// Its name, unique among the tokens that are not revoked.
    pub name: String,
    /// The digest of its text.
    #[sqlx(try_from = "Hash")]
    pub hash: Sha256,
    /// What it may do.
    #[sqlx(try_from = "Word")]
    pub scopes: Scopes,
    /// When it was created.
    #[sqlx(try_from = "Millis")]
    pub created_at: Timestamp,
    /// Who created it.
    pub created_by: String,
    /// From when on it is refused.
    #[sqlx(try_from = "MaybeMillis")]
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    #[sqlx(try_from = "MaybeMillis")]
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked.
    #[sqlx(try_from = "MaybeMillis")]
    pub revoked_at: Option<Timestamp>,
    /// Who revoked it.
    pub revoked_by: Option<String>,
}

impl Token {
    /// Whether it is neither revoked nor expired at `now`.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|expires| now < expires)
    }
}

/// A token that is about to exist.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// Its name.
    pub name: String,
    /// What it may do.
    pub scopes: Scopes,
    /// From when on it is refused; never when `None`.
    pub expires_at: Option<Timestamp>,
    /// Who creates it.
    pub created_by: String,
}

/// The answer to [`create`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Created {
    /// The token exists from now on; its text is shown this once.
    New(TokenText),
    /// A token that is not revoked has this name.
    NameTaken,
}

macro_rules! token_columns {
    () => {
        "id, name, hash, scopes, created_at, created_by, expires_at, last_used_at, revoked_at, \
         revoked_by"
    };
}

const CREATE: &str = "INSERT INTO token (name, hash, scopes, created_at, created_by, expires_at) \
     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (name) WHERE revoked_at IS NULL DO NOTHING";

/// Creates a token out of 32 random bytes.
///
/// # Errors
/// [`StoreError`] when the database fails; the token does not exist then.
pub async fn create(
    db: &Db,
    new: &NewToken,
    random: [u8; 32],
    now: Timestamp,
) -> Result<Created, StoreError> {
    let text = TokenText::from_random(random);
    let (name, who) = (free_text(&new.name), free_text(&new.created_by));
    let mut write = db.begin_write().await?;
    let inserted = within!(&mut write, executor => {
        sqlx::query(CREATE)
            .bind(&name)
            .bind(text.hash().as_bytes().as_slice())
            .bind(new.scopes.to_string())
            .bind(now.as_millis())
            .bind(&who)
            .bind(new.expires_at.map(Timestamp::as_millis))
            .execute(executor)
            .await
            .map(|done| done.rows_affected())
    })?;
    if inserted == 0 {
        write.rollback().await?;
        return Ok(Created::NameTaken);
    }
    let payload = json!({
        "act": "create", "name": name, "scopes": new.scopes, "expires": new.expires_at, "who": who,
    });
    finish(write, &payload, now).await?;
    Ok(Created::New(text))
}

const REVOKE: &str =
    "UPDATE token SET revoked_at = $2, revoked_by = $3 WHERE name = $1 AND revoked_at IS NULL";

/// Revokes the token with this name. Returns whether there was one.
///
/// # Errors
/// [`StoreError`] when the database fails; the token is still good then.
pub async fn revoke(db: &Db, name: &str, who: &str, now: Timestamp) -> Result<bool, StoreError> {
    let who = free_text(who);
    let mut write = db.begin_write().await?;
    let revoked = within!(&mut write, executor => {
        sqlx::query(REVOKE)
            .bind(name)
            .bind(now.as_millis())
            .bind(&who)
            .execute(executor)
            .await
            .map(|done| done.rows_affected())
    })?;
    if revoked == 0 {
        write.rollback().await?;
        return Ok(false);
    }
    let payload = json!({"act": "revoke", "name": name, "who": who});
    finish(write, &payload, now).await?;
    Ok(true)
}

async fn finish(
    mut write: Write,
    payload: &serde_json::Value,
    now: Timestamp,
) -> Result<(), StoreError> {
    ledger::append(&mut write, Kind::Token, payload, now).await?;
    generations::bump(&mut write, Counter::Tokens).await?;
    write.commit().await
}

const LIST: &str = concat!("SELECT ", token_columns!(), " FROM token ORDER BY name, id");

/// Every token that ever was, sorted by name.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn list(db: &Db) -> Result<Vec<Token>, StoreError> {
    Ok(on!(db, executor => sqlx::query_as(LIST).fetch_all(executor).await)?)
}

const BY_HASH: &str = concat!("SELECT ", token_columns!(), " FROM token WHERE hash = $1");

/// The token with this text, unless it is unknown, revoked or expired. Note its use in
/// [`LastUsed`].
///
/// # Errors
/// [`StoreError`] when the database fails; the request must be refused then.
pub async fn authenticate(
    db: &Db,
    text: &TokenText,
    now: Timestamp,
) -> Result<Option<Token>, StoreError> {
    let hash = text.hash();
    let found: Option<Token> = on!(db, executor => {
        sqlx::query_as(BY_HASH)
            .bind(hash.as_bytes().as_slice())
            .fetch_optional(executor)
            .await
    })?;
    Ok(found.filter(|token| {
        bool::from(token.hash.as_bytes().ct_eq(hash.as_bytes())) && token.is_live(now)
    }))
}

const USED: &str = "UPDATE token SET last_used_at = $2 \
     WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)";

/// Notes which tokens were used, to be written down together about once a minute. What is noted and
/// not yet written is lost when the process dies: it is a convenience for those who clean up
/// tokens, and the ledger has the facts.
#[derive(Debug, Default)]
pub struct LastUsed(Mutex<HashMap<i64, Timestamp>>);

impl LastUsed {
    /// Notes that the token with this number was used.
    pub fn note(&self, token: i64, now: Timestamp) {
        self.lock().insert(token, now);
    }

    /// Writes down what was noted since the last time, in one transaction.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails; what was noted is forgotten then.
    pub async fn flush(&self, db: &Db) -> Result<(), StoreError> {
        let noted = std::mem::take(&mut *self.lock());
        if noted.is_empty() {
            return Ok(());
        }
        let mut write = db.begin_write().await?;
        for (token, at) in noted {
            within!(&mut write, executor => {
                sqlx::query(USED).bind(token).bind(at.as_millis()).execute(executor).await.map(drop)
            })?;
        }
        write.commit().await
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<i64, Timestamp>> {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

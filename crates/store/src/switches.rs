//! Switches: what an administrator turns on or off while the gateway runs, for every replica. What a switch
//! does is the server's business.

use portcullis_core::ledger::Kind;
use portcullis_core::time::Timestamp;
use serde_json::json;

use crate::columns::{Millis, free_text};
use crate::db::Db;
use crate::error::StoreError;
use crate::generations::{self, Counter};
use crate::ledger;

/// A switch as it was thrown last.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Switch {
    /// Its name, such as `offline`.
    pub name: String,
    /// What it was set to, such as `on`.
    pub state: String,
    /// Why.
    pub reason: String,
    /// Who threw it.
    pub who: String,
    /// When.
    #[sqlx(try_from = "Millis")]
    pub at: Timestamp,
}

const FIND: &str = "SELECT name, state, reason, who, at FROM switch WHERE name = $1";

/// How a switch stands; `None` when it was never thrown.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn find(db: &Db, name: &str) -> Result<Option<Switch>, StoreError> {
    Ok(on!(db, executor => sqlx::query_as(FIND).bind(name).fetch_optional(executor).await)?)
}

const THROW: &str = "INSERT INTO switch (name, state, reason, who, at) VALUES ($1, $2, $3, $4, $5) \
     ON CONFLICT (name) DO UPDATE SET state = excluded.state, reason = excluded.reason, \
     who = excluded.who, at = excluded.at";

/// Throws a switch, for every replica, and writes it into the ledger.
///
/// # Errors
/// [`StoreError`] when the database fails; the switch stands as before then.
pub async fn throw(db: &Db, switch: &Switch) -> Result<(), StoreError> {
    let mut write = db.begin_write().await?;
    let (reason, who) = (free_text(&switch.reason), free_text(&switch.who));
    within!(&mut write, executor => {
        sqlx::query(THROW)
            .bind(&switch.name)
            .bind(&switch.state)
            .bind(&reason)
            .bind(&who)
            .bind(switch.at.as_millis())
            .execute(executor)
            .await
            .map(drop)
    })?;
    let payload = json!({
        "act": "switch", "switch": switch.name, "state": switch.state, "reason": reason, "who": who,
    });
    ledger::append(&mut write, Kind::Policy, &payload, switch.at).await?;
    generations::bump(&mut write, Counter::Switches).await?;
    write.commit().await
}

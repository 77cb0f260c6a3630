//! How often what was asked for and what came of it, by day. Who may count, and how much, is the
//! server's business; that an install which knocks at several doors counts once is settled here.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use portcullis_core::time::Timestamp;

use crate::columns::{free_text, to_column};
use crate::db::Db;
use crate::error::StoreError;

macro_rules! words {
    ($(#[$doc:meta])* $type:ident: $($(#[$variant_doc:meta])* $variant:ident => $word:literal),+ $(,)?) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $type {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $type {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The stable text.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $type {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let found = Self::ALL.iter().find(|one| one.as_str() == text);
                found.copied().ok_or_else(|| {
                    let words: Vec<&str> = Self::ALL.iter().map(|one| one.as_str()).collect();
                    let text: String = text.chars().take(80).collect();
                    format!("{text:?} is none of {}", words.join(", "))
                })
            }
        }
    };
}

words!(
    /// What came of a request.
    Outcome:
    /// It was let through.
    Allowed => "allowed",
    /// It was let through, with a warning.
    Warned => "warned",
    /// It waits.
    Held => "held",
    /// It was refused for good.
    Denied => "denied",
    /// No source that may be asked has it.
    Absent => "absent",
);

words!(
    /// What was asked for. An installer asks for a page, then perhaps for metadata, then for a file.
    Door:
    /// A project's page that has nothing to install on it.
    Page => "page",
    /// A file.
    File => "file",
    /// A wheel's metadata.
    Metadata => "metadata",
);

words!(
    /// By what counts are told apart.
    By:
    /// By the rule that decided.
    Rule => "rule",
    /// By the project's name.
    Name => "name",
    /// By the installer.
    Client => "client",
    /// By the day.
    Day => "day",
    /// By the token.
    Token => "token",
    /// By the index.
    Index => "index",
);

/// A count, with everything by which it is told from others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// Days since 1970 UTC.
    pub day: i64,
    /// The index that was asked.
    pub index: String,
    /// The project's name.
    pub project: String,
    /// What came of it.
    pub outcome: Outcome,
    /// The rule that decided; empty where none did.
    pub rule: String,
    /// What was asked for.
    pub door: Door,
    /// The installer; empty where it did not say.
    pub installer: String,
    /// The token's name; empty where there was none.
    pub token: String,
    /// How often.
    pub times: u64,
}

/// The day of a moment: days since 1970 UTC.
pub fn day_of(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(Timestamp::DAY)
}

/// How many counts are written in one transaction.
const BATCH: usize = 500;

const ADD: &str = "INSERT INTO asked \
     (day, index_name, project, outcome, rule, door, installer, token, times) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
     ON CONFLICT (day, index_name, project, outcome, rule, door, installer, token) \
     DO UPDATE SET times = asked.times + excluded.times";

/// Adds counts to what is there, and takes them out of `counts` as they are written, so that what is
/// left after a failure can be written later.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn add(db: &Db, counts: &mut Vec<Counted>) -> Result<(), StoreError> {
    while !counts.is_empty() {
        let mut write = db.begin_write().await?;
        let rest = counts.len().saturating_sub(BATCH);
        for count in &counts[rest..] {
            let times = to_column(count.times)?;
            within!(&mut write, executor => {
                sqlx::query(ADD)
                    .bind(count.day)
                    .bind(free_text(&count.index))
                    .bind(free_text(&count.project))
                    .bind(count.outcome.as_str())
                    .bind(free_text(&count.rule))
                    .bind(count.door.as_str())
                    .bind(free_text(&count.installer))
                    .bind(free_text(&count.token))
                    .bind(times)
                    .execute(executor)
                    .await
                    .map(drop)
            })?;
        }
        write.commit().await?;
        counts.truncate(rest);
    }
    Ok(())
}

/// What is asked of the counts.
#[derive(Clone, Debug)]
pub struct Question {
    /// By what they are told apart.
    pub by: By,
    /// The first day.
    pub from: i64,
    /// The day after the last one.
    pub to: i64,
    /// Only of this index.
    pub index: Option<String>,
}

/// How often which outcome.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// The rule, name, … that this is the total of; empty where there was none.
    pub key: String,
    /// How often it was let through.
    pub allowed: i64,
    /// How often it was let through with a warning.
    pub warned: i64,
    /// How often it was held.
    pub held: i64,
    /// How often it was denied.
    pub denied: i64,
    /// How often it was nowhere.
    pub absent: i64,
}

impl Total {
    /// How often it was refused, for now or for good.
    pub fn refused(&self) -> i64 {
        self.held + self.denied
    }

    /// How often it was asked for.
    pub fn asked(&self) -> i64 {
        self.allowed + self.warned + self.refused() + self.absent
    }

    fn add(&mut self, outcome: Outcome, times: i64) {
        *match outcome {
            Outcome::Allowed => &mut self.allowed,
            Outcome::Warned => &mut self.warned,
            Outcome::Held => &mut self.held,
            Outcome::Denied => &mut self.denied,
            Outcome::Absent => &mut self.absent,
        } += times;
    }
}

/// An installer that is refused at the page may ask for the file as well, to learn why. So the doors of
/// one and the same request are not added up: the one that was knocked at most often counts.
macro_rules! totals {
    ($key:literal) => {
        concat!(
            "SELECT ",
            $key,
            " AS asked_key, outcome, CAST(SUM(CASE WHEN pages >= files AND pages >= metadata \
             THEN pages WHEN files >= metadata THEN files ELSE metadata END) AS BIGINT) AS times \
             FROM (SELECT day, index_name, project, outcome, rule, installer, token, \
             SUM(CASE WHEN door = 'page' THEN times ELSE 0 END) AS pages, \
             SUM(CASE WHEN door = 'file' THEN times ELSE 0 END) AS files, \
             SUM(CASE WHEN door = 'metadata' THEN times ELSE 0 END) AS metadata \
             FROM asked WHERE day >= $1 AND day < $2 AND ($3 IS NULL OR index_name = $3) \
             GROUP BY day, index_name, project, outcome, rule, installer, token) requests \
             GROUP BY ",
            $key,
            ", outcome"
        )
    };
}

const BY_RULE: &str = totals!("rule");
const BY_NAME: &str = totals!("project");
const BY_CLIENT: &str = totals!("installer");
const BY_DAY: &str = totals!("CAST(day AS TEXT)");
const BY_TOKEN: &str = totals!("token");
const BY_INDEX: &str = totals!("index_name");

/// The totals, by key.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn totals(db: &Db, question: &Question) -> Result<Vec<Total>, StoreError> {
    let statement = match question.by {
        By::Rule => BY_RULE,
        By::Name => BY_NAME,
        By::Client => BY_CLIENT,
        By::Day => BY_DAY,
        By::Token => BY_TOKEN,
        By::Index => BY_INDEX,
    };
    let rows: Vec<(String, String, i64)> = on!(db, executor => {
        sqlx::query_as(statement)
            .bind(question.from)
            .bind(question.to)
            .bind(question.index.as_deref())
            .fetch_all(executor)
            .await
    })?;
    let mut totals: BTreeMap<String, Total> = BTreeMap::new();
    for (key, outcome, times) in rows {
        let total = totals.entry(key.clone()).or_insert_with(|| Total {
            key,
            ..Total::default()
        });
        // Another version may have counted something else; that is no reason to show nothing.
        if let Ok(outcome) = outcome.parse() {
            total.add(outcome, times);
        }
    }
    Ok(totals.into_values().collect())
}

const PRUNE: &str = "DELETE FROM asked WHERE day < $1";

/// Forgets the counts of days before `day`. Returns how many there were.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn prune(db: &Db, day: i64) -> Result<u64, StoreError> {
    let rows = alone!(db, executor => {
        sqlx::query(PRUNE).bind(day).execute(executor).await.map(|done| done.rows_affected())
    })?;
    Ok(rows)
}

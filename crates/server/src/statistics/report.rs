//! The counts as people and programs ask for them: a span of days, one way of telling them apart, and
//! the largest first.

use portcullis_core::time::Timestamp;
use portcullis_store::statistics::{By, Question, Total, day_of, totals};
use portcullis_store::{Db, StoreError};
use serde_json::{Value, json};

/// How many days are looked at where nothing else is said.
const DAYS: i64 = 30;

/// What is asked of the counts.
#[derive(Clone, Debug)]
pub struct Inquiry {
    /// By what they are told apart.
    pub by: By,
    /// From the day of this moment on; 30 days up to the end where there is none.
    pub from: Option<Timestamp>,
    /// Up to this moment, exclusive, rounded up to whole days; up to now where there is none.
    pub to: Option<Timestamp>,
    /// Only of this index.
    pub index: Option<String>,
    /// Which rows, in which order.
    pub order: Order,
    /// At most so many rows.
    pub limit: u32,
}

/// Which rows a report has. Days are always in their own order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// All, what was asked for most often first.
    All,
    /// Those with refusals, what was refused most often first.
    RefusedOnly,
}

/// The answer.
#[derive(Clone, Debug)]
pub struct Report {
    /// By what the rows are told apart.
    pub by: By,
    /// The first day.
    pub from: Timestamp,
    /// The end of the last day.
    pub to: Timestamp,
    /// The sum of all rows, those beyond the limit included.
    pub overall: Total,
    /// The rows.
    pub rows: Vec<Total>,
    /// How many rows there are beyond the limit.
    pub more: usize,
}

impl Inquiry {
    /// Answers.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn answer(&self, db: &Db, now: Timestamp) -> Result<Report, StoreError> {
        // A span that ends at midnight does not touch the day that begins there.
        let end = self.to.unwrap_or(now.plus_millis(1));
        let to = day_of(end.plus_millis(-1)) + 1;
        let from = self.from.map_or(to - DAYS, day_of);
        let question = Question {
            by: self.by,
            from,
            to,
            index: self.index.clone(),
        };
        let mut rows = totals(db, &question).await?;
        let overall = sum(&rows);
        self.arrange(&mut rows);
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = rows.len().saturating_sub(limit);
        rows.truncate(limit);
        Ok(Report {
            by: self.by,
            from: first_moment(from),
            to: first_moment(to),
            overall,
            rows,
            more,
        })
    }

    fn arrange(&self, rows: &mut Vec<Total>) {
        if self.order == Order::RefusedOnly {
            rows.retain(|row| row.refused() > 0);
        }
        if self.by == By::Day {
            for row in &mut *rows {
                if let Ok(day) = row.key.parse() {
                    row.key = date(first_moment(day));
                }
            }
            return rows.sort_by(|one, other| one.key.cmp(&other.key));
        }
        rows.sort_by_key(|row| match self.order {
            Order::All => std::cmp::Reverse((row.asked(), row.refused())),
            Order::RefusedOnly => std::cmp::Reverse((row.refused(), row.asked())),
        });
    }
}

fn sum(rows: &[Total]) -> Total {
    let mut overall = Total::default();
    for row in rows {
        overall.allowed += row.allowed;
        overall.warned += row.warned;
        overall.held += row.held;
        overall.denied += row.denied;
        overall.absent += row.absent;
    }
    overall
}

fn first_moment(day: i64) -> Timestamp {
    Timestamp::from_millis(day.saturating_mul(Timestamp::DAY))
}

/// The day of a moment, `2026-11-21`.
pub fn date(at: Timestamp) -> String {
    at.to_string().chars().take(10).collect()
}

impl Report {
    /// The report as one JSON object, as programs get it.
    pub fn to_json(&self) -> Value {
        let rows: Vec<Value> = self.rows.iter().map(row_json).collect();
        let mut overall = row_json(&self.overall);
        if let Some(members) = overall.as_object_mut() {
            members.shift_remove("key");
        }
        json!({
            "by": self.by.as_str(),
            "from": self.from,
            "to": self.to,
            "overall": overall,
            "rows": rows,
            "more": self.more,
        })
    }
}

fn row_json(row: &Total) -> Value {
    json!({
        "key": row.key,
        "asked": row.asked(),
        "refused": row.refused(),
        "allowed": row.allowed,
        "warned": row.warned,
        "held": row.held,
        "denied": row.denied,
        "absent": row.absent,
    })
}

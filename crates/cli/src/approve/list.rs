//! `portcullis approve list`.

use portcullis_core::index::IndexName;
use portcullis_store::approvals::{self, Recorded};
use serde_json::{Value, json};

use crate::context::Opened;
use crate::exit::Exit;
use crate::output::{Format, count, print, print_json, table};

/// Lists what is approved, in one index or in all.
pub async fn list(
    opened: &Opened,
    index: Option<&IndexName>,
    (all, format): (bool, Format),
) -> anyhow::Result<Exit> {
    let mut recorded = match all {
        true => approvals::ever(&opened.db).await?,
        false => approvals::in_force(&opened.db).await?,
    };
    recorded.retain(|one| index.is_none_or(|index| one.index == *index));
    match format {
        Format::Json => {
            let all: Vec<Value> = recorded.iter().map(as_json).collect();
            print_json(&json!({ "approvals": all }))?;
        }
        Format::Text if recorded.is_empty() => {
            print("Nothing is approved. See `portcullis approve --help`.")?;
        }
        Format::Text => {
            let head = [
                "number", "index", "approved", "through", "reason", "since", "by",
            ];
            print(&table(head, recorded.iter().map(row)))?;
        }
    }
    Ok(Exit::Clean)
}

fn row(one: &Recorded) -> [String; 7] {
    let since = one.at.to_minute();
    let since = match &one.removed_at {
        Some(removed) => format!("{since}, taken back {}", removed.to_minute()),
        None => since,
    };
    [
        one.id.to_string(),
        one.index.to_string(),
        subject(one),
        one.origin.to_string(),
        one.reason.clone(),
        since,
        one.who.clone(),
    ]
}

/// What is approved, in a few words: `flask>=3, <4`, `click==8.1.0 (2 files)`.
pub fn subject(one: &Recorded) -> String {
    let what = format!("{}{}", one.projects, one.specifiers);
    match one.files.len() {
        0 => what,
        files => format!("{what} ({})", count(files as u64, "file")),
    }
}

fn as_json(one: &Recorded) -> Value {
    json!({
        "number": one.id,
        "index": one.index.as_str(),
        "projects": one.projects,
        "versions": one.specifiers.to_string(),
        "files": one.files,
        "origin": one.origin.to_string(),
        "reason": one.reason,
        "since": one.at,
        "by": one.who,
        "removed-at": one.removed_at,
        "removed-by": one.removed_by,
    })
}

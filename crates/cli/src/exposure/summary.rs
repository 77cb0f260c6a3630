//! What many downloads come to: how many of how many files, by how many, from when to when.

use std::collections::BTreeSet;

use portcullis_core::time::Timestamp;
use portcullis_store::downloads::RecordedDownload;
use serde_json::{Value, json};

use super::{Asked, identity, is_received};
use crate::output::count;

/// What many downloads come to.
#[derive(Debug, Default)]
pub(super) struct Summary {
    downloads: u64,
    metadata_only: u64,
    files: BTreeSet<String>,
    identities: BTreeSet<String>,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

impl Summary {
    /// Takes one row more, in the order of time.
    pub(super) fn add(&mut self, row: &RecordedDownload) {
        if !is_received(row) {
            self.metadata_only += 1;
            return;
        }
        self.downloads += 1;
        self.files.insert(row.download.filename.clone());
        self.identities.insert(identity(row).to_owned());
        self.first.get_or_insert(row.download.at);
        self.last = Some(row.download.at);
    }

    /// How many files were received as a whole.
    pub(super) fn downloads(&self) -> u64 {
        self.downloads
    }

    /// `17 downloads of 2 files by 9 identities, 2026-03-24 08:31 UTC to 2026-03-24 10:58 UTC`.
    pub(super) fn text(&self, subject: &Asked) -> String {
        let mut text = match (self.first, self.last) {
            (Some(first), Some(last)) => {
                let (first, last) = (first.to_minute(), last.to_minute());
                let when = match first == last {
                    true => first,
                    false => format!("{} to {last}", first.trim_end_matches(" UTC")),
                };
                format!(
                    "{} of {} by {}, {when}",
                    count(self.downloads, "download"),
                    count(self.files.len() as u64, "file"),
                    count(self.identities.len() as u64, "identity"),
                )
            }
            _ => format!("nobody has received {subject} in this time"),
        };
        if self.metadata_only > 0 {
            let requests = count(self.metadata_only, "request");
            text.push_str(&format!("\n{requests} for metadata alone"));
        }
        text.push('\n');
        text
    }

    /// The same for programs.
    pub(super) fn json(&self) -> Value {
        json!({
            "downloads": self.downloads,
            "files": self.files.len(),
            "identities": self.identities.len(),
            "metadata-only": self.metadata_only,
            "first-at": self.first,
            "last-at": self.last,
        })
    }
}

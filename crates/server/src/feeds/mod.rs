//! What feeds said last, in memory: snapshots as they are kept, read into what can be asked. Fetching
//! feeds is `flow/feeds`; what their records mean is `core`'s.

mod collect;
mod document;
mod known;
mod snapshot;

pub use collect::Collector;
pub use document::{Checked, check_document, newest_of};
pub(crate) use known::LARGEST_DOCUMENT;
pub use known::{Advisories, FeedAge, FeedsKnown, Reload, age_of, load, note_age, reload};
pub use snapshot::{Snapshot, SnapshotError, SnapshotWriter};

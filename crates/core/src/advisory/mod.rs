//! Advisories: what is publicly known to be wrong with releases of PyPI projects. Reading OSV
//! records without trust, deciding which versions they mean, and finding those of one project
//! quickly.
//!
//! Where records come from (archives, folders, addresses) and where they are kept is others'
//! business.

mod lenient;
mod severity;
mod range;
mod record;
mod osv_schema;
mod osv;
mod set;
mod cve;
mod exploited;
mod epss;
mod group;
mod index;
mod release;
mod table;
pub mod audit;

pub use cve::{CveId, InvalidCveId};
pub use epss::{Epss, EpssScores, NoScores, Probability};
pub use exploited::{Exploited, ExploitedCatalogue, UnreadableCatalogue};
pub use group::{Affecting, Fix, Group};
pub use index::{Advisory, AdvisoryIndex, Exploits};
pub use osv::{MAX_RECORD_BYTES, Reading, Unreadable, read_record};
pub use record::{Affected, Record};
pub use set::{AdvisorySet, FeedReport, Merged, SkippedRecord, UnreadableSnapshot};
pub use severity::{Rating, Score, Severity, SeverityBasis};
pub use table::{AdvisoryBook, AdvisoryTable, TableAnswer, TableHead, UnreadableTable};

#[cfg(test)]
pub(crate) mod testing;

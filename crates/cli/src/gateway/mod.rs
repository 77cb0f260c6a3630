//! The gateway from outside: how a project's commands find it, ask it, and do without it. A gateway beside us,
//! with its database, is `context`'s.
//!
//! Read the modules in this order: the client of the API, where the gateway is, what it says of releases, what a
//! plain index says of them, both as what rules read, and both as what is written into files.

mod client;
mod find;
mod answer;
mod ask;
mod judge;
mod locked;
mod plain;
mod preflight;
mod candidates;

pub use answer::{Exception, Finding, Judged};
pub use ask::{Beside, QuestionPin};
pub use candidates::candidates;
pub use client::{Client, Remedies, or_undecided};
pub use find::{Found, find, simple_root};
pub use judge::Judge;
pub use locked::{pin_of, read_lock};
pub use plain::{Plain, Said, digests};
pub use preflight::{Means, Wish, preflight};

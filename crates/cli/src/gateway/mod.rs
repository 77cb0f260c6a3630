//! The gateway from outside: how a project's commands find it, ask it, and do without it. A gateway beside us,
//! with its database, is `context`'s.
//!
//! Read the modules in this order: the client of the API, where the gateway is, what it says of releases, what a
//! plain index says of them, and both as what rules read.

mod client;
mod find;
mod answer;
mod ask;
mod plain;
mod preflight;

pub use answer::{Advisory, Answer, Finding, Judged, JudgedFile};
pub use ask::{Question, QuestionPin};
pub use client::{Client, Remedies, Unreachable};
pub use find::{Found, find, simple_root};
pub use plain::{FileFacts, Plain, Said};
pub use preflight::{Known, Means, Preflight, Unchecked, preflight};

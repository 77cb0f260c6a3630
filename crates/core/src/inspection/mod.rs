//! What an inspection saw in the bytes of a file: [`Observation`]s, [`Capability`]s and, all together,
//! [`Inspected`], as it is stored per SHA-256 and read by rules. Seeing is left to the crate `inspect`,
//! and what an organisation makes of it to the policy.
//!
//! Read the modules in this order: when code runs, where it stands, one observation, what it weighs, what
//! code is able to do, all of it, what a rule may know of it, and its shape for programs.

mod context;
mod place;
mod observation;
mod weight;
mod capability;
mod inspected;
mod contents;
mod known;
mod report;

pub use capability::{Capability, CapabilityKind};
pub use contents::Contents;
pub use context::Context;
pub use inspected::{Excerpt, Inspected, Statistics};
pub use known::{ContentFacts, Knowledge};
pub use observation::{Confidence, Observation, Severity, fingerprint};
pub use place::{Place, Step};
pub use report::report;
pub use weight::{CERTAIN, effect_of};

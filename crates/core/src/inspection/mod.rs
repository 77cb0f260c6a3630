//! What an inspection saw in the bytes of a file: [`Observation`]s, [`Capability`]s and, all together,
//! [`Inspected`], as it is stored per SHA-256 and read by rules. Seeing is left to the crate `inspect`,
//! and what an organisation makes of it to the policy.
//!
//! Read the modules in this order: when code runs, where it stands, one observation, the ids that it may
//! have, what it weighs, what code is able to do, all of it, what is inside, what comparing with another
//! one comes to, what a rule may know of it, and its shape for programs.

mod context;
mod place;
mod observation;
mod ids;
mod weight;
mod capability;
mod inspected;
mod contents;
mod changes;
mod differences;
mod baseline;
mod known;
mod report;

pub use baseline::{Candidate, baseline, sdist_of};
pub use capability::{
    Capability, CapabilityEntry, CapabilityKind, InvalidCapabilityEntry, UnknownCapability,
};
pub use changes::{Change, ChangeKind, Changes, UnknownKind, Weight};
pub use contents::{
    Area, Build, CodeHash, Contents, EntryPoint, Essentials, FileKind, Form, Member, StartupCode,
};
pub use context::{Context, UnknownContext};
pub use differences::{Difference, DifferenceKind, Differences};
pub use ids::{
    INSPECTION_RULES, InspectionRule, MAX_SCANNER_NAME, MAX_SCANNER_RULE, UnknownInspectionRule,
    is_scanner_name, is_scanner_rule,
};
pub use inspected::{Excerpt, Inspected, Statistics};
pub use known::{ContentFacts, Knowledge};
pub use observation::{Confidence, Observation, Severity, UnknownSeverity, fingerprint};
pub use place::{Place, Step};
pub use report::report;
pub use weight::{CERTAIN, effect_of};

//! The rules of `portcullis check`, one file each. To add one: its file, its `mod` line and its line in
//! [`RULES`]; listing, settings and documentation follow from those.

use super::rule::Rule;

mod trusted_host;
mod ignore_without_reason;
mod unknown_rule;
mod unused_ignore;

pub(super) use unused_ignore::UnusedIgnore;
mod named;
mod refused_by_gateway;
mod yanked_version;
mod removed_version;
mod quarantined_project;
mod archived_project;
mod wrong_hash;
mod unclaimed_internal_name;

/// Every rule, in the order in which they are documented.
pub static RULES: &[&dyn Rule] = &[
    &trusted_host::TrustedHost,
    &ignore_without_reason::IgnoreWithoutReason,
    &unknown_rule::UnknownRule,
    &unused_ignore::UnusedIgnore,
    &refused_by_gateway::RefusedByGateway,
    &yanked_version::YankedVersion,
    &removed_version::RemovedVersion,
    &quarantined_project::QuarantinedProject,
    &archived_project::ArchivedProject,
    &wrong_hash::WrongHash,
    &unclaimed_internal_name::UnclaimedInternalName,
];

/// The rule called `id`.
#[must_use]
pub fn rule(id: &str) -> Option<&'static dyn Rule> {
    RULES.iter().copied().find(|rule| rule.id() == id)
}

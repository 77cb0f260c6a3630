//! The rules of `portcullis check`, one file each. To add one: its file, its `mod` line and its line in
//! [`RULES`]; listing, settings and documentation follow from those.

use super::rule::Rule;

mod trusted_host;
mod unpinned;
mod unhashed;
mod partly_hashed;
mod weak_hash;
mod malformed_hash;
mod direct_url;
mod vcs_without_commit;
mod vcs_tag;
mod similar_name;
mod prohibited_name;
mod owned_name_outside;
mod internal_without_source;
mod setup_requires;
mod dependency_links;
mod unpinned_build_requirement;
mod pre_releases;
mod remote_requirements;
mod missing_include;
mod conflicting_pins;
mod unreadable_requirement;

/// Every rule, in the order in which they are documented.
pub static RULES: &[&dyn Rule] = &[
    &trusted_host::TrustedHost,
    &unpinned::Unpinned,
    &unhashed::Unhashed,
    &partly_hashed::PartlyHashed,
    &weak_hash::WeakHash,
    &malformed_hash::MalformedHash,
    &direct_url::DirectUrl,
    &vcs_without_commit::VcsWithoutCommit,
    &vcs_tag::VcsTag,
    &similar_name::SimilarName,
    &prohibited_name::ProhibitedName,
    &owned_name_outside::OwnedNameOutside,
    &internal_without_source::InternalWithoutSource,
    &setup_requires::SetupRequires,
    &dependency_links::DependencyLinks,
    &unpinned_build_requirement::UnpinnedBuildRequirement,
    &pre_releases::PreReleases,
    &remote_requirements::RemoteRequirements,
    &missing_include::MissingInclude,
    &conflicting_pins::ConflictingPins,
    &unreadable_requirement::UnreadableRequirement,
];

/// The rule called `id`.
#[must_use]
pub fn rule(id: &str) -> Option<&'static dyn Rule> {
    RULES.iter().copied().find(|rule| rule.id() == id)
}

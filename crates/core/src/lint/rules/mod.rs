//! The rules of `portcullis check`, one file each. To add one: its file, its `mod` line and its line in
//! [`RULES`]; listing, settings and documentation follow from those.

use super::rule::Rule;

mod invoked;
mod pip_as_root;
mod piped_to_shell;
mod sdist_executes;
mod hashes_not_required;
mod hashed_install_with_dependencies;
mod unpinned_command;
mod lock_not_enforced;
mod runs_setup_py;
mod easy_install;
mod break_system_packages;
mod certificates_unchecked;
mod mutable_image;
mod mutable_action;
mod mutable_hook;
mod secret_in_command;
mod publishes_with_password;
mod untrusted_checkout_installs;
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
mod ignore_without_reason;
mod unknown_rule;
mod unused_ignore;
mod named;
mod refused_by_gateway;
mod yanked_version;
mod removed_version;
mod quarantined_project;
mod archived_project;
mod wrong_hash;
mod unclaimed_internal_name;

pub(super) use unused_ignore::UnusedIgnore;
mod merged_indexes;
mod find_links;
mod unsafe_index_strategy;
mod ignored_index_errors;
mod pipenv_all_sources;
mod plain_http;
mod certificates_off;
mod credentials_in_url;
mod credentials_in_file;
mod other_index;
mod missing_index;
mod upload_elsewhere;
mod lock_unhashed;
mod lock_weak_hash;
mod lock_unexpected_host;
mod lock_plain_http;
mod lock_direct_origin;
mod stale_lock;
mod lock_missing;
mod two_locks;
mod no_binary_all;
mod no_build_isolation;

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
    &pip_as_root::PipAsRoot,
    &piped_to_shell::PipedToShell,
    &sdist_executes::SdistExecutes,
    &hashes_not_required::HashesNotRequired,
    &hashed_install_with_dependencies::HashedInstallWithDependencies,
    &unpinned_command::UnpinnedCommand,
    &lock_not_enforced::LockNotEnforced,
    &runs_setup_py::RunsSetupPy,
    &easy_install::EasyInstall,
    &break_system_packages::BreakSystemPackages,
    &certificates_unchecked::CertificatesUnchecked,
    &mutable_image::MutableImage,
    &mutable_action::MutableAction,
    &mutable_hook::MutableHook,
    &secret_in_command::SecretInCommand,
    &publishes_with_password::PublishesWithPassword,
    &untrusted_checkout_installs::UntrustedCheckoutInstalls,
    &ignore_without_reason::IgnoreWithoutReason,
    &unknown_rule::UnknownRule,
    &unused_ignore::UnusedIgnore,
    &merged_indexes::MergedIndexes,
    &find_links::FindLinks,
    &unsafe_index_strategy::UnsafeIndexStrategy,
    &ignored_index_errors::IgnoredIndexErrors,
    &pipenv_all_sources::PipenvAllSources,
    &plain_http::PlainHttp,
    &certificates_off::CertificatesOff,
    &credentials_in_url::CredentialsInUrl,
    &credentials_in_file::CredentialsInFile,
    &other_index::OtherIndex,
    &missing_index::MissingIndex,
    &upload_elsewhere::UploadElsewhere,
    &lock_unhashed::LockUnhashed,
    &lock_weak_hash::LockWeakHash,
    &lock_unexpected_host::LockUnexpectedHost,
    &lock_plain_http::LockPlainHttp,
    &lock_direct_origin::LockDirectOrigin,
    &stale_lock::StaleLock,
    &lock_missing::LockMissing,
    &two_locks::TwoLocks,
    &no_binary_all::NoBinaryAll,
    &no_build_isolation::NoBuildIsolation,
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

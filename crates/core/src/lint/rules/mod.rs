//! The rules of `portcullis check`, one file each. To add one: its file, its `mod` line and its line in
//! [`RULES`]; listing, settings and documentation follow from those.

use super::rule::Rule;

mod trusted_host;
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
];

/// The rule called `id`.
#[must_use]
pub fn rule(id: &str) -> Option<&'static dyn Rule> {
    RULES.iter().copied().find(|rule| rule.id() == id)
}

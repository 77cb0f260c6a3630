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

/// Every rule, in the order in which they are documented.
pub static RULES: &[&dyn Rule] = &[
    &trusted_host::TrustedHost,
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
];

/// The rule called `id`.
#[must_use]
pub fn rule(id: &str) -> Option<&'static dyn Rule> {
    RULES.iter().copied().find(|rule| rule.id() == id)
}

//! The rules, one file each, and [`RULES`], the list from which configuration, documentation and
//! judging are derived. To add a rule: write its file, and name it twice here.

use super::rule::Rule;

pub mod owned_name;
pub mod prohibited_name;
pub mod quarantined;
pub mod denied_by_review;
pub mod stdlib_name;
pub mod reported_name;
pub mod similar_name;
pub mod changed_hash;
pub mod malicious;
pub mod malicious_code;
pub mod broken_archive;
pub mod wheel_differs;
pub mod changed_behaviour;
pub mod known_vulnerability;
pub mod too_young;
pub mod yanked;
pub mod sdist_only;
pub mod wheel_only;
pub mod not_approved;
pub mod platform;
pub mod pre_release;
pub mod too_large;
pub mod latest_only;
pub mod project_status;
pub mod unmaintained;
pub mod licence;
pub mod low_signals;
mod observed;
mod compared;
#[cfg(test)]
pub(crate) mod testing;

/// All rules, in the order in which they are judged and shown.
pub static RULES: &[&dyn Rule] = &[
    &owned_name::OwnedName,
    &prohibited_name::ProhibitedName,
    &quarantined::Quarantined,
    &denied_by_review::DeniedByReview,
    &stdlib_name::StdlibName,
    &reported_name::ReportedName,
    &similar_name::SimilarName,
    &changed_hash::ChangedHash,
    &malicious::Malicious,
    &malicious_code::MaliciousCode,
    &broken_archive::BrokenArchive,
    &wheel_differs::WheelDiffers,
    &changed_behaviour::ChangedBehaviour,
    &known_vulnerability::KnownVulnerability,
    &too_young::TooYoung,
    &yanked::Yanked,
    &sdist_only::SdistOnly,
    &wheel_only::WheelOnly,
    &not_approved::NotApproved,
    &platform::Platform,
    &pre_release::PreRelease,
    &too_large::TooLarge,
    &latest_only::LatestOnly,
    &project_status::ProjectStatusRule,
    &unmaintained::Unmaintained,
    &licence::LicenceRule,
    &low_signals::LowSignals,
];

/// Whether the rule of this name states a promise, so that nobody can lift what it finds.
pub fn is_law(id: &str) -> bool {
    RULES.iter().any(|rule| rule.id() == id && rule.is_law())
}

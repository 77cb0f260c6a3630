//! The rules, one file each, and [`RULES`], the list from which configuration, documentation and
//! judging are derived. To add a rule: write its file, and name it twice here.

use super::rule::Rule;

pub mod owned_name;
pub mod prohibited_name;
pub mod stdlib_name;
pub mod changed_hash;
pub mod too_young;
pub mod yanked;
pub mod sdist_only;
pub mod wheel_only;
#[cfg(test)]
pub(crate) mod testing;

/// All rules, in the order in which they are judged and shown.
pub static RULES: &[&dyn Rule] = &[
    &owned_name::OwnedName,
    &prohibited_name::ProhibitedName,
    &stdlib_name::StdlibName,
    &changed_hash::ChangedHash,
    &too_young::TooYoung,
    &yanked::Yanked,
    &sdist_only::SdistOnly,
    &wheel_only::WheelOnly,
];

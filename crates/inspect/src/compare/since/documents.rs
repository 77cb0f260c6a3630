//! What the documents of a distribution say that they did not say: dependencies, entry points, how it is
//! built, and who made it.

use std::collections::BTreeSet;

use portcullis_core::inspection::{ChangeKind, Contents, Weight};
use portcullis_core::pypi::name::ProjectName;

use super::beside::Beside;
use super::{Found, Sides, shown};
use crate::rules::archive::is_direct;

/// Entry points of these groups are loaded by programs that nobody told to.
const PLUGINS: &[&str] = &[
    "pytest11",
    "flake8.extension",
    "distutils.commands",
    "distutils.setup_keywords",
    "setuptools.finalize_distribution_options",
    "setuptools.file_finders",
    "egg_info.writers",
    "pip.extensions",
    "jupyter_client.kernel_provisioners",
    "jupyter_server.extension_points",
    "sphinx.builders",
    "mkdocs.plugins",
    "nose.plugins.0.10",
    "opentelemetry_distro",
    "opentelemetry_configurator",
    "pylint.plugins",
    "keyring.backends",
];

/// Build backends that many projects use.
const BACKENDS: &[&str] = &[
    "setuptools.build_meta",
    "setuptools.build_meta:__legacy__",
    "flit_core.buildapi",
    "flit.buildapi",
    "hatchling.build",
    "hatchling.ouroboros",
    "poetry.core.masonry.api",
    "poetry.masonry.api",
    "poetry_dynamic_versioning.backend",
    "pdm.backend",
    "pdm.pep517.api",
    "maturin",
    "mesonpy",
    "scikit_build_core.build",
    "scikit_build_core.setuptools.build_meta",
    "jupyter_packaging.build_api",
    "sipbuild.api",
    "uv_build",
    "whey",
    "enscons.api",
    "pbr.build",
];

/// Whether programs load entry points of the group by themselves.
pub(super) fn is_autoloaded(group: &str) -> bool {
    PLUGINS.contains(&group)
}

pub(super) fn compare(sides: Sides<'_>, beside: &Beside, found: &mut Found) {
    let (before, now) = (sides.before.contents, sides.now.contents);
    let known = (names(&before.requires), &*before.requires);
    for requirement in &now.requires {
        dependency(requirement, &known, beside, found);
    }
    entry_points(before, now, found);
    build(before, now, beside, found);
    people(before, now, found);
}

/// The projects that `now` requires, to run or to be built, and `before` does not: for asking which of
/// them were ever seen.
#[must_use]
pub fn new_dependencies(before: &Contents, now: &Contents) -> BTreeSet<ProjectName> {
    let all = |contents: &Contents| {
        let mut names = names(&contents.requires);
        names.extend(
            contents
                .build
                .iter()
                .flat_map(|build| self::names(&build.requires)),
        );
        names
    };
    all(now).difference(&all(before)).cloned().collect()
}

fn names(requirements: &[String]) -> BTreeSet<ProjectName> {
    requirements.iter().filter_map(|text| name(text)).collect()
}

/// The project that a requirement names (PEP 508).
fn name(requirement: &str) -> Option<ProjectName> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let trimmed = requirement.trim_start();
    let end = trimmed.find(|c| !is_part(c)).unwrap_or(trimmed.len());
    ProjectName::new(&trimmed[..end]).ok()
}

fn dependency(
    requirement: &str,
    (names, requirements): &(BTreeSet<ProjectName>, &[String]),
    beside: &Beside,
    found: &mut Found,
) {
    let is_direct = is_direct(requirement);
    let name = name(requirement);
    let was_required = match is_direct {
        true => requirements.iter().any(|known| known == requirement),
        false => name.as_ref().is_none_or(|name| names.contains(name)),
    };
    if was_required {
        return;
    }
    let is_optional = requirement
        .split_once(';')
        .is_some_and(|(_, marker)| marker.contains("extra"));
    let is_unseen = name
        .as_ref()
        .is_some_and(|name| beside.never_seen.contains(name));
    let (detail, weight) = match (is_direct, is_unseen, is_optional) {
        (true, ..) => (
            "is now required from an address instead of an index",
            Weight::DECISIVE,
        ),
        (false, true, false) => (
            "is now required, and nobody here has ever asked for it",
            Weight::STRONG,
        ),
        (false, true, true) => ("is now an optional requirement, and new here", Weight::WEAK),
        (false, false, false) => ("is now required", Weight::WEAK),
        (false, false, true) => ("is now an optional requirement", Weight::INFORMATION),
    };
    let subject = match (is_direct, &name) {
        (false, Some(name)) => name.to_string(),
        _ => shown(requirement),
    };
    found.add(ChangeKind::Dependency, &subject, detail, weight);
}

fn entry_points(before: &Contents, now: &Contents, found: &mut Found) {
    let had_group = |group: &str| before.entry_points.iter().any(|known| known.group == group);
    for point in &now.entry_points {
        let same = |known: &&portcullis_core::inspection::EntryPoint| {
            known.group == point.group && known.name == point.name
        };
        // Lists that are made to be read in two ways name a point twice.
        let mut known = before.entry_points.iter().filter(same);
        if known.any(|known| known.target == point.target) {
            continue;
        }
        let known = before.entry_points.iter().find(same);
        let is_command = matches!(&*point.group, "console_scripts" | "gui_scripts");
        let is_plugin = is_autoloaded(&point.group);
        let target = shown(&point.target);
        let (kind, weight) = match (is_command, is_plugin) {
            (true, _) => (ChangeKind::EntryPoint, Weight::WEAK),
            (_, true) if !had_group(&point.group) => (ChangeKind::Plugin, Weight::UNUSUAL),
            (_, true) => (ChangeKind::Plugin, Weight::WEAK),
            (false, false) => (ChangeKind::Plugin, Weight::INFORMATION),
        };
        let detail = match known {
            None => format!(
                "is a new entry point of {} and runs {target}",
                shown(&point.group)
            ),
            Some(_) => format!("of {} now runs {target}", shown(&point.group)),
        };
        found.add(kind, &point.name, detail, weight);
    }
}

fn build(before: &Contents, now: &Contents, beside: &Beside, found: &mut Found) {
    let (Some(was), Some(is)) = (&before.build, &now.build) else {
        return;
    };
    let assumed = "setuptools.build_meta:__legacy__";
    let backend = |build: &portcullis_core::inspection::Build| {
        build.backend.clone().unwrap_or_else(|| assumed.to_owned())
    };
    let (old, new) = (backend(was), backend(is));
    if old != new {
        let is_usual = BACKENDS.contains(&&*new);
        let weight = if is_usual {
            Weight::WEAK
        } else {
            Weight::STRONG
        };
        let detail = format!("builds the sdist now, instead of {}", shown(&old));
        found.add(ChangeKind::BuildBackend, &new, detail, weight);
    }
    for folder in is.paths.iter().filter(|folder| !was.paths.contains(folder)) {
        let detail = "is the folder of the sdist that the build backend now comes from";
        found.add(ChangeKind::BuildBackend, folder, detail, Weight::STRONG);
    }
    let known = (names(&was.requires), &*was.requires);
    for requirement in &is.requires {
        dependency(requirement, &known, beside, found);
    }
}

fn people(before: &Contents, now: &Contents, found: &mut Found) {
    let addresses = |contents: &Contents| -> BTreeSet<String> {
        let all = contents
            .essentials
            .iter()
            .flat_map(|known| &known.addresses);
        all.cloned().collect()
    };
    let (was, is) = (addresses(before), addresses(now));
    if !was.is_empty() && !is.is_empty() && was.is_disjoint(&is) {
        let detail = "names none of the people it named before";
        found.add(ChangeKind::People, "the metadata", detail, Weight::UNUSUAL);
    }
}

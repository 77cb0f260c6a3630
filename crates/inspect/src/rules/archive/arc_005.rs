//! `ARC-005`: the archive is another distribution than its name says.

use super::{ArchiveRule, Seen};
use crate::archive::survey::{Survey, site_path};
use std::collections::BTreeSet;

use portcullis_core::inspection::{Observation, Severity};
use portcullis_core::pypi::filename::{DistKind, WheelTags};
use portcullis_core::pypi::metadata::CoreMetadata;

/// The rule.
pub(super) struct OtherDistribution;

impl ArchiveRule for OtherDistribution {
    fn id(&self) -> &'static str {
        "ARC-005"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn title(&self) -> &'static str {
        "the archive is another distribution than its name says"
    }

    fn manual(&self) -> &'static str {
        "The `.dist-info` folder, `Name` and `Version` of the metadata, or the tags in WHEEL \
         are not those of the file name.\n\n\
         Installers choose by the file name and record what the metadata says: an archive that \
         says two things can stand for a project that it is not.\n\n\
         Mistaken for it: spellings of old tools, which are equal once they are normalised; \
         wheels that were renamed for another platform."
    }

    fn check(&self, survey: &Survey, observations: &mut Vec<Observation>) {
        let folders = survey.folders();
        let filename = survey.filename.as_str();
        let mut add = |severity, file: &str, message: String| {
            observations.push(Seen::file(file).observe(self, severity, 95, message));
        };
        let kind = if survey.is_wheel() {
            ".dist-info folder"
        } else {
            "top-level folder"
        };
        match folders.as_slice() {
            [] => add(Severity::High, filename, format!("there is no {kind}")),
            [folder] => {
                let stem = folder.strip_suffix(".dist-info").unwrap_or(folder);
                if !survey.is_own_folder(stem) {
                    let severity = if survey.is_wheel() {
                        Severity::High
                    } else {
                        Severity::Low
                    };
                    add(
                        severity,
                        folder,
                        format!("the folder does not belong to {filename}"),
                    );
                }
            }
            [_, second, ..] => {
                let severity = if survey.is_wheel() {
                    Severity::High
                } else {
                    Severity::Medium
                };
                add(severity, second, format!("there is more than one {kind}"));
            }
        }
        check_metadata(survey, &mut add);
        if survey.is_wheel() {
            check_tags(survey, &mut add);
            check_other_folders(survey, &mut add);
        }
    }
}

/// Metadata of other distributions, which installers would take for installed ones.
fn check_other_folders(survey: &Survey, add: &mut Add<'_>) {
    let mut seen = BTreeSet::new();
    for member in survey.files() {
        let Some(path) = site_path(&member.name) else {
            continue;
        };
        let top = path.split('/').next().unwrap_or_default();
        let lower = top.to_ascii_lowercase();
        let is_direct = path.len() == member.name.len();
        let is_other = match lower.ends_with(".dist-info") {
            true => !is_direct,
            false => [".egg-info", ".egg-link"]
                .iter()
                .any(|end| lower.ends_with(end)),
        };
        if is_other && seen.insert(top.to_owned()) {
            let message = "it installs what stands for another distribution".to_owned();
            add(Severity::High, &member.name, message);
        }
    }
}

type Add<'a> = dyn FnMut(Severity, &str, String) + 'a;

fn check_metadata(survey: &Survey, add: &mut Add<'_>) {
    let file = if survey.is_wheel() {
        "METADATA"
    } else {
        "PKG-INFO"
    };
    let absent = if survey.is_wheel() {
        Severity::High
    } else {
        Severity::Low
    };
    let Some((name, bytes)) = survey.document(file) else {
        return add(
            absent,
            survey.filename.as_str(),
            format!("there is no {file}"),
        );
    };
    let metadata = match CoreMetadata::parse(bytes) {
        Ok(metadata) => metadata,
        Err(error) => {
            return add(
                Severity::High,
                name,
                format!("{file} cannot be used: {error}"),
            );
        }
    };
    if survey
        .filename
        .project()
        .is_some_and(|project| *project != metadata.name)
    {
        add(
            Severity::High,
            name,
            format!("{file} names the project {}", metadata.name),
        );
    }
    if survey
        .filename
        .version()
        .is_some_and(|version| *version != metadata.version)
    {
        add(
            Severity::High,
            name,
            format!("{file} names the version {}", metadata.version),
        );
    }
}

fn check_tags(survey: &Survey, add: &mut Add<'_>) {
    let Some((name, _)) = survey.document("WHEEL") else {
        return add(
            Severity::High,
            survey.filename.as_str(),
            "there is no WHEEL".to_owned(),
        );
    };
    let DistKind::Wheel(tags) = survey.filename.kind() else {
        return;
    };
    let expected = product(tags);
    let headers = survey.wheel_headers();
    let said = headers
        .iter()
        .filter(|(key, _)| key == "tag")
        .map(|(_, tag)| tag.clone());
    let said: BTreeSet<String> = said.collect();
    if said.is_disjoint(&expected) {
        add(
            Severity::Medium,
            name,
            "none of WHEEL's tags is in the file name".to_owned(),
        );
    } else if said != expected {
        add(
            Severity::Info,
            name,
            "WHEEL's tags are not those of the file name".to_owned(),
        );
    }
}

/// Every tag that a compressed set stands for (PEP 425).
fn product(tags: &WheelTags) -> BTreeSet<String> {
    let split = |text: &str| text.split('.').map(str::to_owned).collect::<Vec<_>>();
    let mut all = BTreeSet::new();
    for python in split(&tags.python) {
        for abi in split(&tags.abi) {
            for platform in split(&tags.platform) {
                all.insert(format!("{python}-{abi}-{platform}"));
            }
        }
    }
    all
}

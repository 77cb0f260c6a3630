//! [`contents`]: what is inside a distribution, out of its survey.

use std::collections::BTreeSet;

use portcullis_core::digest::Sha256;
use portcullis_core::inspection::{
    Area, Build, Contents, EntryPoint, Essentials, FileKind, Form, Member, StartupCode,
};
use portcullis_core::pypi::metadata::CoreMetadata;

use crate::archive::survey::{Content, MemberFact, StartupLine, Survey, is_startup_list};
use crate::compare::located;
use crate::rules::archive::is_known_startup;

/// How many characters of a startup line are kept.
const LONGEST_LINE: usize = 400;
/// How many startup lines are kept. Honest distributions have one.
const MOST_LINES: usize = 1_000;
/// How many addresses of people are kept.
const MOST_ADDRESSES: usize = 50;

/// What is inside the distribution that `survey` saw.
pub(super) fn contents(survey: &Survey) -> Contents {
    let form = match survey.is_wheel() {
        true => Form::Wheel,
        false => Form::Sdist,
    };
    let mut members: Vec<Member> = survey
        .files()
        .map(|file| member(survey, form, file))
        .collect();
    members.sort_by(|a, b| (a.area, &a.path).cmp(&(b.area, &b.path)));
    let metadata = survey.metadata();
    let metadata = metadata.as_ref().map(|(_, metadata)| metadata);
    Contents {
        form,
        modules: modules(&members),
        members,
        requires: metadata.map_or_else(Vec::new, |metadata| {
            metadata
                .requires_dist
                .iter()
                .map(ToString::to_string)
                .collect()
        }),
        entry_points: entry_points(survey),
        startup: startup(survey),
        build: (form == Form::Sdist).then(|| build(survey)),
        essentials: metadata.map(essentials),
        is_pure: is_pure(survey),
    }
}

fn member(survey: &Survey, form: Form, file: &MemberFact) -> Member {
    let (area, path) = located(form, &file.name);
    Member {
        area,
        path: path.into(),
        size: file.size,
        sha256: file.sha256,
        kind: kind((area, path), file),
        code: survey.codes.get(&file.name).copied(),
    }
}

fn kind((area, path): (Area, &str), file: &MemberFact) -> FileKind {
    let is_startup =
        is_startup_list(&file.name) || matches!(path, "sitecustomize.py" | "usercustomize.py");
    if is_startup && area == Area::Site {
        return FileKind::Startup;
    }
    match (file.content, &*file.extension()) {
        (_, "py" | "pyw") => FileKind::Python,
        (_, "pyi") => FileKind::Stub,
        (Content::Pyc, _) | (_, "pyc") => FileKind::Compiled,
        (content, _) if content.is_native() => FileKind::Native,
        (Content::JavaClass | Content::Dex, _) => FileKind::Native,
        (Content::Script | Content::Python, _) if area == Area::Scripts => FileKind::Python,
        (Content::Script, _) => FileKind::Script,
        (content, _) if content.is_media() => FileKind::Media,
        (content, _) if is_packed(content) => FileKind::Archive,
        (Content::Text | Content::Python | Content::Empty, _) => FileKind::Text,
        _ => FileKind::Data,
    }
}

fn is_packed(content: Content) -> bool {
    use Content::{Bzip2, Cabinet, Gzip, Rar, SevenZip, Tar, Xz, Zip, Zstd};
    matches!(
        content,
        Zip | Gzip | Bzip2 | Xz | Zstd | SevenZip | Rar | Tar | Cabinet
    )
}

/// What can be imported by its bare name.
fn modules(members: &[Member]) -> Vec<String> {
    let mut found = BTreeSet::new();
    for member in members {
        let path = match member.area {
            Area::Site => &*member.path,
            Area::Sdist => member.path.strip_prefix("src/").unwrap_or(&member.path),
            _ => continue,
        };
        let is_code = matches!(
            member.kind,
            FileKind::Python | FileKind::Native | FileKind::Compiled
        );
        let name = match path.split_once('/') {
            Some((package, below)) if member.area == Area::Sdist => {
                (below == "__init__.py").then_some(package)
            }
            Some((package, _)) => Some(package),
            None => path.split('.').next(),
        };
        let own = name.filter(|name| is_code && !is_of_development(name));
        found.extend(own.map(str::to_owned));
    }
    found.into_iter().collect()
}

/// Whether a top-level name of an sdist is for building and testing it.
fn is_of_development(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "setup", "conftest", "noxfile", "tasks", "tests", "test", "docs",
    ];
    NAMES.contains(&name)
}

fn entry_points(survey: &Survey) -> Vec<EntryPoint> {
    let all = survey.entry_points().into_iter();
    all.map(|one| EntryPoint {
        group: one.group,
        name: one.name,
        target: one.target,
    })
    .collect()
}

fn startup(survey: &Survey) -> Vec<StartupCode> {
    let lines = survey.startup_lines().into_iter();
    let code = lines.filter(|(_, _, line)| !matches!(line, StartupLine::Folder(_)));
    let digests = survey.startup_digests();
    code.take(MOST_LINES)
        .map(|(name, _, line)| {
            let bytes = digests.get(&name).copied();
            StartupCode {
                file: located(Form::Wheel, &name).1.into(),
                line: line.text().chars().take(LONGEST_LINE).collect(),
                sha256: Sha256::of(line.text().as_bytes()),
                is_known: is_known_startup(bytes, &line),
            }
        })
        .collect()
}

fn build(survey: &Survey) -> Build {
    let system = survey.build_system();
    Build {
        backend: system.backend,
        requires: system.requires,
        paths: system.backend_path,
    }
}

fn essentials(metadata: &CoreMetadata) -> Essentials {
    let fields = [&metadata.author_email, &metadata.maintainer_email];
    let texts = fields.into_iter().flatten();
    let words = texts.flat_map(|text| text.split([',', ' ', '<', '>', '"', ';']));
    let addresses: BTreeSet<String> = words
        .filter(|word| word.contains('@'))
        .map(str::to_lowercase)
        .take(MOST_ADDRESSES)
        .collect();
    Essentials {
        name: metadata.name_text.to_string(),
        version: metadata.version_text.to_string(),
        addresses: addresses.into_iter().collect(),
    }
}

fn is_pure(survey: &Survey) -> bool {
    let headers = survey.wheel_headers();
    let mut headers = headers.iter().filter(|(key, _)| key == "root-is-purelib");
    headers.any(|(_, value)| value.eq_ignore_ascii_case("true"))
}

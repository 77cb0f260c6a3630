//! `stale-lock`: a lock that was made of another state of its project.

use std::collections::BTreeSet;

use crate::inspection::Severity;
use crate::lint::contents::{LockHead, LockInput, LockedMember, Origin, Role, Tool, Wanted};
use crate::lint::file::FileKind;
use crate::lint::project::{Project, ProjectFile};
use crate::lint::rule::{Finding, Rule};
use crate::pypi::version::{admits, exact_version};

/// The rule.
#[derive(Debug)]
pub(super) struct StaleLock;

impl Rule for StaleLock {
    fn id(&self) -> &'static str {
        "stale-lock"
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn summary(&self) -> &'static str {
        "a lock was made of another state of the project"
    }

    fn manual(&self) -> &'static str {
        "The project has changed what it wants since it was locked. What is installed from the \
         lock is not what the project says, or the installer resolves anew and takes what is \
         newest.\n\nLock again. The rule compares what the tool itself compares, as far as it is \
         known for certain: the digests of poetry, pdm and pipenv, the requirements that uv \
         keeps. It says nothing of formats that it does not know."
    }

    fn example(&self) -> (&'static str, &'static str) {
        (
            "Pipfile.lock",
            "{\"_meta\": {\"hash\": {\"sha256\": \"00\"}, \"pipfile-spec\": 6}, \"default\": {}, \"develop\": {}}\n",
        )
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        for file in &project.files {
            let Some(head) = &file.contents.lock else {
                continue;
            };
            match file.kind {
                FileKind::PoetryLock => {
                    found.extend(by_digest(self, project, file, (head, Tool::Poetry)))
                }
                FileKind::PdmLock => {
                    found.extend(by_digest(self, project, file, (head, Tool::Pdm)))
                }
                FileKind::PipfileLock => {
                    found.extend(by_digest(self, project, file, (head, Tool::Pipenv)))
                }
                FileKind::Requirements => found.extend(by_pins(self, project, file, head)),
                FileKind::UvLock => found.extend(by_requirements(self, project, file, head)),
                _ => {}
            }
        }
    }
}

/// The formats whose digests are known for certain.
fn is_known(head: &LockHead, tool: Tool) -> bool {
    let format = head.format.as_deref().unwrap_or_default();
    match tool {
        Tool::Poetry => matches!(format, "1.0" | "1.1" | "2.0" | "2.1"),
        Tool::Pdm => format.starts_with("4.4") || format.starts_with("4.5"),
        Tool::Pipenv => format == "6",
        Tool::Uv => format == "1",
        _ => false,
    }
}

fn by_digest(
    rule: &dyn Rule,
    project: &Project,
    lock: &ProjectFile,
    (head, tool): (&LockHead, Tool),
) -> Option<Finding> {
    let (digest, at) = head
        .input_digest
        .as_ref()
        .filter(|_| is_known(head, tool))?;
    let input = beside(project, lock, tool)?;
    let digests = input.contents.lock_inputs.digests.iter();
    let mut ours = digests.filter(|(of, _)| *of == tool).peekable();
    ours.peek()?;
    if ours.any(|(_, ours)| ours == digest) {
        return None;
    }
    let message = format!("{} has changed since it was locked", input.path);
    let finding = Finding::new(rule, lock, at, message);
    Some(finding.because(WHY).help(format!("run `{tool} lock`")))
}

const WHY: &str = "what is installed is not what the project says it wants";

fn beside<'p>(project: &'p Project, lock: &ProjectFile, tool: Tool) -> Option<&'p ProjectFile> {
    let name = match tool {
        Tool::Pipenv => "Pipfile",
        _ => "pyproject.toml",
    };
    project.file(&in_folder(&lock.path, ".", name))
}

/// The path of `name` in a folder as it is seen from the file at `path`.
fn in_folder(path: &str, folder: &str, name: &str) -> String {
    let base = path.rsplit_once('/').map_or("", |(base, _)| base);
    let parts = base.split('/').chain(folder.split('/'));
    let parts = parts.filter(|part| !part.is_empty() && *part != ".");
    parts.chain([name]).collect::<Vec<_>>().join("/")
}

/// What pip-compile never pins unless it is told to.
const UNSAFE: [&str; 3] = ["pip", "setuptools", "distribute"];

/// For requirements that pip-compile or uv made of others: each of those has its pin, which satisfies it.
fn by_pins(
    rule: &dyn Rule,
    project: &Project,
    output: &ProjectFile,
    head: &LockHead,
) -> Option<Finding> {
    let inputs = head.inputs.iter();
    let inputs = inputs.filter_map(|path| project.included(output, path));
    let wanted = inputs.flat_map(|input| input.contents.wanted.iter().map(move |one| (input, one)));
    let (input, unmet) = wanted
        .into_iter()
        .find(|(_, wanted)| is_unmet(wanted, output))?;
    let name = unmet.name.as_ref()?;
    let first = output.contents.wanted.first();
    let at = first.map_or(0..0, |wanted| wanted.at.clone());
    let message = format!(
        "{} wants {}, which has no pin here that fits",
        input.path, name
    );
    let finding = Finding::new(rule, output, &at, message);
    Some(
        finding
            .because(WHY)
            .help("compile it again with the command in its header"),
    )
}

/// Whether what is wanted has no pin in `output`. What depends on the machine, or comes from elsewhere than an
/// index, is not compared.
fn is_unmet(wanted: &Wanted, output: &ProjectFile) -> bool {
    let (Some(name), Origin::Index(specifiers)) = (&wanted.name, &wanted.origin) else {
        return false;
    };
    let is_compared =
        wanted.marker.is_none() && !wanted.partly_known && wanted.role != Role::Constraint;
    if !is_compared || UNSAFE.contains(&name.as_str()) {
        return false;
    }
    let mut pins = output
        .contents
        .wanted
        .iter()
        .filter(|pin| pin.name.as_ref() == Some(name));
    !pins.any(|pin| match &pin.origin {
        Origin::Index(pinned) => {
            exact_version(pinned).is_none_or(|version| admits(specifiers, version))
        }
        _ => true,
    })
}

fn by_requirements(
    rule: &dyn Rule,
    project: &Project,
    lock: &ProjectFile,
    head: &LockHead,
) -> Vec<Finding> {
    if !is_known(head, Tool::Uv) {
        return Vec::new();
    }
    let members = head.members.iter();
    let stale = members.filter_map(|member| {
        let input = project.file(&in_folder(&lock.path, &member.folder, "pyproject.toml"))?;
        let wants = input.contents.lock_inputs.requirements.as_ref()?;
        let difference = difference(wants, member)?;
        let locked = lock.contents.locked.iter();
        let mut named = locked.filter(|package| package.name == member.name);
        let at = named.next().map_or(0..0, |package| package.at.clone());
        let message = format!("{} {difference}", input.path);
        Some(
            Finding::new(rule, lock, &at, message)
                .because(WHY)
                .help("run `uv lock`"),
        )
    });
    stale.collect()
}

/// What the project says otherwise than its lock, in words.
fn difference(wants: &BTreeSet<LockInput>, member: &LockedMember) -> Option<String> {
    let itself = &member.name;
    let required: BTreeSet<&LockInput> = member
        .requires
        .iter()
        .filter(|one| one.name != *itself)
        .collect();
    let wants: BTreeSet<&LockInput> = wants.iter().collect();
    // Versions and extras of what comes from elsewhere are not compared.
    let elsewhere = |one: &LockInput| {
        let mut all = required.iter().chain(&wants);
        all.any(|other| other.name == one.name && other.specifiers.is_none())
    };
    let names = |all: &BTreeSet<&LockInput>| {
        all.iter()
            .map(|one| one.name.clone())
            .collect::<BTreeSet<_>>()
    };
    let (locked_names, wanted_names) = (names(&required), names(&wants));
    if let Some(name) = wanted_names.difference(&locked_names).next() {
        return Some(format!("wants {name}, which the lock knows nothing of"));
    }
    if let Some(name) = locked_names.difference(&wanted_names).next() {
        return Some(format!("no longer wants {name}, which is locked"));
    }
    let changed = wants
        .symmetric_difference(&required)
        .find(|one| !elsewhere(one))?;
    Some(format!(
        "wants {} in other versions than were locked",
        changed.name
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::testing::{found_by, project};
    use crate::pypi::requirement::Requirement;

    const PIPFILE: &str = "[[source]]\nurl = \"https://a.example/simple\"\nverify_ssl = true\nname = \"a\"\n\n\
        [packages]\nflask = \"*\"\n\n[requires]\npython_version = \"3.11\"\n";

    fn pipfile_lock(digest: &str) -> String {
        format!(
            r#"{{"_meta": {{"hash": {{"sha256": "{digest}"}}, "pipfile-spec": 6}}, "default": {{}}}}"#
        )
    }

    #[test]
    fn a_lock_of_another_pipfile_is_found() {
        // What pipenv 2026.10.3 writes of this file.
        let digest = "5259ca2802f26ffa9c2135610b24ffe42074291eaeb2bc1d6c821915eb4fdd3c";
        let fresh = [
            ("Pipfile", PIPFILE),
            ("Pipfile.lock", &pipfile_lock(digest)),
        ];
        assert!(found_by("stale-lock", &project(&fresh)).is_empty());
        let changed = PIPFILE.replace("\"*\"", "\">=3\"");
        let stale = [
            ("Pipfile", changed.as_str()),
            ("Pipfile.lock", &pipfile_lock(digest)),
        ];
        assert_eq!(
            found_by("stale-lock", &project(&stale)),
            [format!(
                "Pipfile.lock:1: Pipfile has changed since it was locked [{digest}]"
            )]
        );
    }

    #[test]
    fn requirements_are_compared_with_those_that_uv_kept() {
        let lock = "version = 1\n[[package]]\nname = \"app\"\nversion = \"1\"\nsource = { editable = \"a\" }\n\
                    [package.metadata]\nrequires-dist = [{ name = \"flask\", specifier = \">=3,<4\" }, { name = \"x\", git = \
                    \"https://git.example/x\" }]\n[package.metadata.requires-dev]\ndev = [{ name = \"pytest\" }]\n";
        let sources = "[dependency-groups]\ndev = [\"pytest\"]\n[tool.uv.sources]\nx = { git = \"https://git.example/x\" }\n";
        for (dependencies, expected) in [
            ("\"flask<4,>=3\", \"x>=1\"", None),
            (
                "\"flask>=3\", \"x\"",
                Some("wants flask in other versions than were locked"),
            ),
            (
                "\"Flask>=3,<4\", \"x\", \"new\"",
                Some("wants new, which the lock knows nothing of"),
            ),
            (
                "\"flask>=3,<4\"",
                Some("no longer wants x, which is locked"),
            ),
        ] {
            let text =
                format!("[project]\nname = \"app\"\ndependencies = [{dependencies}]\n{sources}");
            let files = [("a/pyproject.toml", text.as_str()), ("uv.lock", lock)];
            let found = found_by("stale-lock", &project(&files));
            let expected = expected.map(|what| format!("uv.lock:4: a/pyproject.toml {what} [1]"));
            assert_eq!(
                found,
                expected.into_iter().collect::<Vec<_>>(),
                "{dependencies}"
            );
            let newer = lock.replace("version = 1\n", "version = 2\n");
            let files = [("a/pyproject.toml", text.as_str()), ("uv.lock", &newer)];
            assert!(found_by("stale-lock", &project(&files)).is_empty());
        }
    }

    fn wanted(spelled: &str) -> Wanted {
        let requirement: Requirement = spelled.parse().expect(spelled);
        Wanted {
            spelled: spelled.to_owned(),
            at: 0..0,
            name: Some(requirement.name),
            origin: Origin::Index(requirement.specifiers),
            hashes: Vec::new(),
            role: Role::Runtime,
            tool: Tool::Pip,
            index: None,
            partly_known: false,
            marker: spelled.split_once(';').map(|(_, marker)| marker.to_owned()),
            by: None,
        }
    }

    #[test]
    fn pins_satisfy_what_they_were_made_of() {
        let header = "# This file was autogenerated by uv via the following command:\n#    uv pip compile \
                      requirements.in -o requirements.txt\n";
        for (input, pins, expected) in [
            (vec!["flask>=3"], vec!["flask==3.1.0", "click==8.0"], None),
            (vec!["flask>=4"], vec!["flask==3.1.0"], Some("flask")),
            (vec!["new"], vec!["flask==3.1.0"], Some("new")),
            (vec!["setuptools"], vec!["flask==3.1.0"], None),
            (vec!["pywin32; os_name == 'nt'"], vec!["flask==3.1.0"], None),
        ] {
            let mut project = project(&[("requirements.in", ""), ("requirements.txt", header)]);
            project.files[0].contents.wanted = input.iter().copied().map(wanted).collect();
            project.files[1].contents.wanted = pins.iter().copied().map(wanted).collect();
            let found = found_by("stale-lock", &project);
            let expected = expected.map(|name| {
                format!("requirements.txt:1: requirements.in wants {name}, which has no pin here that fits []")
            });
            assert_eq!(found, expected.into_iter().collect::<Vec<_>>(), "{input:?}");
        }
    }
}

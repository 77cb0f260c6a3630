//! How requirements files belong together: which of them are installed from, which are read with one another, and
//! what constraints pin for them.

use std::collections::{BTreeSet, HashSet};

use super::contents::{Included, Origin, Role, Tool, Wanted};
use super::file::FileKind;
use super::project::{Project, ProjectFile};
use crate::pypi::name::ProjectName;
use crate::pypi::version::{Version, exact_version};

/// The requirements files that installers read as they are: no inputs of a compiler, no constraints, and none of
/// which a package takes its own dependencies, which stay open on purpose.
pub(super) fn installed_from(project: &Project) -> Vec<&ProjectFile> {
    let files = project.files.iter();
    let requirements = files.filter(|file| file.kind == FileKind::Requirements);
    let installed = requirements.filter(|file| {
        let is_input = file.path.ends_with(".in") || is_compiled(project, file);
        let wants = file.contents.wanted.iter();
        let mut wants = wants.filter(|wanted| wanted.role != Role::Constraint);
        !is_input && wants.next().is_some() && !is_of_a_package(project, file)
    });
    installed.collect()
}

/// The one version that is wanted, if there is one.
pub(super) fn pinned(wanted: &Wanted) -> Option<&Version> {
    match &wanted.origin {
        Origin::Index(specifiers) => exact_version(specifiers),
        _ => None,
    }
}

/// Whether a requirements file is for working on the project.
pub(super) fn is_for_development(file: &ProjectFile) -> bool {
    let first = file.contents.wanted.first();
    first.is_some_and(|wanted| wanted.role == Role::Development)
}

/// The projects that constraints pin where `file` is installed from: those that it names, and those that are named
/// beside it by a file or command that names it.
pub(super) fn pinned_by_constraints(project: &Project, file: &ProjectFile) -> HashSet<ProjectName> {
    let constraints = constraints_of(project, file).into_iter();
    let wanted = constraints.flat_map(|file| &file.contents.wanted);
    let pins = wanted.filter(|wanted| pinned(wanted).is_some());
    pins.filter_map(|wanted| wanted.name.clone()).collect()
}

/// The constraints that are in force where `file` is installed from.
pub(super) fn constraints_of<'p>(project: &'p Project, file: &ProjectFile) -> Vec<&'p ProjectFile> {
    let mut constraints = BTreeSet::new();
    for path in read_with(project, file) {
        let Some(reader) = project.file(&path) else {
            continue;
        };
        take_constraints(project, reader, &mut constraints);
    }
    for (reader, named) in naming(project, file) {
        let beside = reader.contents.included.iter();
        let beside = beside.filter(|one| one.role == Role::Constraint && one.by == named.by);
        let found = beside.filter_map(|one| project.included(reader, &one.path));
        constraints.extend(found.map(|file| file.path.clone()));
    }
    let files = constraints.iter();
    files.filter_map(|path| project.file(path)).collect()
}

/// `file` with all files that are installed with it by `-r`, or which of them was not read.
pub(super) fn installed_with<'p>(
    project: &'p Project,
    file: &'p ProjectFile,
) -> Result<Vec<&'p ProjectFile>, String> {
    let mut found = vec![file];
    let mut at = 0;
    while let Some(reader) = found.get(at).copied() {
        at += 1;
        let included = reader.contents.included.iter();
        for one in included.filter(|one| one.role != Role::Constraint) {
            let next = project.included(reader, &one.path);
            let next =
                next.ok_or_else(|| format!("it includes {}, which was not read", one.path))?;
            if !found.iter().any(|known| known.path == next.path) {
                found.push(next);
            }
        }
    }
    Ok(found)
}

/// The requirements files that belong together with `file`: those that are installed in one go with it, by `-r` or by
/// one command that names several. `file` is one of them. Inputs of a compiler install nothing.
///
/// # Errors
/// Which file cannot be told, as a clause.
pub(super) fn belonging_together<'p>(
    project: &'p Project,
    file: &'p ProjectFile,
) -> Result<Vec<&'p ProjectFile>, String> {
    let mut found = installed_with(project, file)?;
    let mut at = 0;
    while let Some(one) = found.get(at).copied() {
        at += 1;
        for (reader, named) in naming(project, one) {
            if named.role == Role::Constraint || reader.path.ends_with(".in") {
                continue;
            }
            let beside = match reader.kind {
                FileKind::Requirements => vec![reader],
                _ => installed_beside(project, reader, named),
            };
            for other in beside {
                for more in installed_with(project, other)? {
                    if !found.iter().any(|known| known.path == more.path) {
                        found.push(more);
                    }
                }
            }
        }
    }
    Ok(found)
}

/// The files that a command or a table installs in one go with the file that `named` names. uv does not ask for all
/// hashes as soon as there is one.
fn installed_beside<'p>(
    project: &'p Project,
    reader: &'p ProjectFile,
    named: &Included,
) -> Vec<&'p ProjectFile> {
    if is_of_uv(reader, named) {
        return Vec::new();
    }
    let included = reader.contents.included.iter();
    let beside = included.filter(|one| one.role != Role::Constraint && one.by == named.by);
    beside
        .filter_map(|one| project.included(reader, &one.path))
        .filter(|one| one.kind == FileKind::Requirements)
        .collect()
}

fn is_of_uv(reader: &ProjectFile, named: &Included) -> bool {
    let invocation = named.by.and_then(|by| reader.contents.invocations.get(by));
    invocation.is_some_and(|one| one.tool == Tool::Uv)
}

/// What a command or a table names besides files, and installs in one go with one of `files`: the file in which it
/// stands, and the requirement.
pub(super) fn named_beside<'p>(
    project: &'p Project,
    files: &[&ProjectFile],
) -> Option<(&'p ProjectFile, &'p Wanted)> {
    let mut named = files.iter().flat_map(|file| naming(project, file));
    named.find_map(|(reader, named)| {
        let is_one = reader.kind != FileKind::Requirements && named.role != Role::Constraint;
        if !is_one || is_of_uv(reader, named) {
            return None;
        }
        let mut wanted = reader.contents.wanted.iter();
        let beside = wanted.find(|one| one.by == named.by && one.role != Role::Build);
        beside.map(|wanted| (reader, wanted))
    })
}

/// The paths of `file` and of all files that it reads, whatever for.
pub(super) fn read_with(project: &Project, file: &ProjectFile) -> BTreeSet<String> {
    let mut seen = BTreeSet::from([file.path.clone()]);
    let mut waiting = vec![file];
    while let Some(reader) = waiting.pop() {
        for included in &reader.contents.included {
            let Some(next) = project.included(reader, &included.path) else {
                continue;
            };
            if seen.insert(next.path.clone()) {
                waiting.push(next);
            }
        }
    }
    seen
}

fn take_constraints(project: &Project, reader: &ProjectFile, constraints: &mut BTreeSet<String>) {
    let named = reader.contents.included.iter();
    let named = named.filter(|one| one.role == Role::Constraint);
    let found = named.filter_map(|one| project.included(reader, &one.path));
    constraints.extend(found.map(|file| file.path.clone()));
}

/// Every place that names `file`, with the file that it stands in.
fn naming<'p>(
    project: &'p Project,
    file: &ProjectFile,
) -> impl Iterator<Item = (&'p ProjectFile, &'p Included)> {
    let name = file.path.rsplit('/').next().unwrap_or_default();
    let places = project.files.iter().flat_map(|reader| {
        let included = reader.contents.included.iter();
        included.map(move |one| (reader, one))
    });
    places.filter(move |(reader, one)| {
        let may_be_meant = one.path.ends_with(name);
        may_be_meant
            && project
                .included(reader, &one.path)
                .is_some_and(|found| found.path == file.path)
    })
}

/// Whether another file says in its header that it was made of this one.
fn is_compiled(project: &Project, file: &ProjectFile) -> bool {
    let mut files = project.files.iter();
    files.any(|other| {
        let inputs = other.contents.lock.iter().flat_map(|head| &head.inputs);
        let mut found = inputs.filter_map(|input| project.included(other, input));
        other.path != file.path && found.any(|found| found.path == file.path)
    })
}

/// Whether a package beside the file takes its dependencies from it.
fn is_of_a_package(project: &Project, file: &ProjectFile) -> bool {
    let declares =
        |reader: &ProjectFile| matches!(reader.kind, FileKind::Pyproject | FileKind::SetupCfg);
    let is_declared = naming(project, file).any(|(reader, _)| declares(reader));
    let mut scripts = project
        .files
        .iter()
        .filter(|one| one.kind == FileKind::SetupPy);
    is_declared || scripts.any(|script| opens(script, &file.path))
}

/// Whether a setup.py opens the file at `path`: it spells its path, or computes what it requires and spells each
/// part of it, as in `join('requirements', 'extras', name + '.txt')`.
fn opens(script: &ProjectFile, path: &str) -> bool {
    let folder = script.path.rsplit_once('/');
    let below = match folder {
        Some((folder, _)) => path
            .strip_prefix(folder)
            .and_then(|path| path.strip_prefix('/')),
        None => Some(path),
    };
    let Some(below) = below.filter(|below| !below.is_empty()) else {
        return false;
    };
    let spells = |part: &str| {
        let quoted = |quote: char| script.text.contains(&format!("{quote}{part}{quote}"));
        quoted('"') || quoted('\'')
    };
    let (folders, name) = below.rsplit_once('/').unwrap_or(("", below));
    let has_folders = spells(folders) || folders.split('/').all(spells);
    let has_name = spells(name)
        || name
            .rsplit_once('.')
            .is_some_and(|(stem, ending)| spells(stem) && spells(&format!(".{ending}")));
    let computes = !script.contents.unread.is_empty();
    spells(below) || (computes && !folders.is_empty() && has_folders && has_name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::contents::Unread;
    use crate::lint::testing::project;

    fn paths(project: &Project) -> Vec<&str> {
        let files = installed_from(project).into_iter();
        files.map(|file| file.path.as_str()).collect()
    }

    #[test]
    fn inputs_constraints_and_declared_dependencies_are_not_installed_from() {
        let head = "# This file is autogenerated by pip-compile with Python 3.11\n# by the following command:\n#\n#  \
                    pip-compile base.txt\n";
        let compiled = format!("{head}x==1\n");
        let project = project(&[
            ("requirements.in", "x\n"),
            ("requirements/base.txt", "x\n"),
            ("requirements/all.txt", &compiled),
            ("constraints.txt", "x==1\n"),
            ("lib/requirements.txt", "x\n"),
            (
                "lib/setup.py",
                "setup(install_requires=open('requirements.txt'))",
            ),
            ("cfg/requirements.txt", "x\n"),
            (
                "cfg/setup.cfg",
                "[options]\ninstall_requires = file: requirements.txt\n",
            ),
            ("toml/requirements.txt", "x\n"),
            (
                "toml/pyproject.toml",
                "[tool.setuptools.dynamic]\ndependencies = {file = 'requirements.txt'}\n",
            ),
            ("requirements.txt", "x\n"),
            ("requirements-none.txt", "# nothing\n"),
        ]);
        assert_eq!(
            paths(&project),
            ["requirements.txt", "requirements/all.txt"]
        );
    }

    #[test]
    fn what_a_function_of_setup_py_reads_is_declared() {
        let script = "EXTRAS = ('redis', 'sql')\ndef reqs(*f):\n    return open(join('requirements', *f))\ndef \
                      extras():\n    return {x: reqs('extras', x + '.txt') for x in EXTRAS}\nsetup(\n    \
                      install_requires=reqs('default.txt'), extras_require=extras())\n";
        let files = [
            "requirements/default.txt",
            "requirements/extras/other.txt",
            "requirements/extras/redis.txt",
            "requirements/test.txt",
        ];
        let read = |path| ProjectFile::read(path, FileKind::Requirements, "x\n".to_owned(), &[]);
        let mut project = project(&[("setup.py", script)]);
        project.files.extend(files.map(read));
        assert_eq!(paths(&project), files, "it computes nothing");
        project.files[0].contents.unread.push(Unread {
            at: None,
            why: "`install_requires` is computed when the file runs".to_owned(),
        });
        assert_eq!(
            paths(&project),
            ["requirements/extras/other.txt", "requirements/test.txt"]
        );
    }

    #[test]
    fn constraints_beside_a_file_pin_for_it() {
        let project = project(&[
            (
                "requirements.txt",
                "-r base.txt\n-c limits/constraints.txt\n",
            ),
            ("base-requirements.txt", "x\n"),
            ("limits/constraints.txt", "x==1\ny>=2\n"),
            (
                "all-requirements.txt",
                "-r base-requirements.txt\n-c limits/constraints.txt\n",
            ),
        ]);
        for path in ["requirements.txt", "base-requirements.txt"] {
            let file = project.file(path).expect("there");
            let pinned = pinned_by_constraints(&project, file);
            assert_eq!(
                pinned,
                HashSet::from(["x".parse().expect("a name")]),
                "{path}"
            );
        }
    }

    #[test]
    fn files_that_name_each_other_come_to_an_end() {
        let project = project(&[
            ("a-requirements.txt", "-r b-requirements.txt\nx\n"),
            (
                "b-requirements.txt",
                "-r a-requirements.txt\n-c a-requirements.txt\n",
            ),
        ]);
        let file = project.file("a-requirements.txt").expect("there");
        assert_eq!(read_with(&project, file).len(), 2);
        assert!(pinned_by_constraints(&project, file).is_empty());
    }
}

//! [`survey_with_sources`]: a survey together with the Python of the distribution as the analysis
//! wants it: every source with its role, startup lines as code, and the entry points.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Seek};
use std::sync::Arc;

use portcullis_core::pypi::filename::DistFilename;

use super::flaw::{Flaw, Violation};
use super::place::{installed_scripts, is_startup_list, site_path};
use super::{StartupLine, Survey, Text, survey};
use crate::archive::limits::Limits;
use crate::python::{Package, Packer, Role, Source, SourceBytes};
use crate::rules::archive::known_files;

/// How many bytes of Python are kept for the analysis. What does not fit is named by a violation.
pub const LARGEST_SOURCES: usize = 96 << 20;

/// Reads an archive as [`survey`] does and keeps its Python.
///
/// # Errors
/// Those of `archive`.
pub fn survey_with_sources(
    archive: impl Read + Seek,
    filename: &DistFilename,
    limits: &Limits,
) -> io::Result<(Survey, Package)> {
    let mut names: Vec<Arc<str>> = Vec::new();
    let mut packer = Packer::default();
    let mut left_out: Vec<Arc<str>> = Vec::new();
    let mut size = 0;
    let mut visit = |text: Text<'_>| {
        if size + text.bytes.len() > LARGEST_SOURCES {
            left_out.push(text.name.clone());
            return;
        }
        size += text.bytes.len();
        names.push(text.name.clone());
        packer.add(text.bytes);
    };
    let mut survey = survey(archive, filename, limits, &mut visit)?;
    if let Some(first) = left_out.first() {
        survey.violations.push(Violation {
            flaw: Flaw::NotInspected,
            member: Some(first.clone()),
            evidence: format!("{} sources beyond {LARGEST_SOURCES} bytes", left_out.len()),
        });
    }
    let roles = Roles::of(&survey);
    let mut sources: Vec<Source> = names
        .into_iter()
        .zip(packer.finish())
        .map(|(name, bytes)| roles.source(&name, bytes))
        .collect();
    sources.extend(startup_sources(&survey));
    let mut entry_points = survey.entry_points();
    entry_points.extend(survey.declared_entry_points());
    Ok((
        survey,
        Package {
            sources,
            entry_points,
        },
    ))
}

/// What decides a source's role.
struct Roles {
    is_wheel: bool,
    /// Where the PEP 517 backend is imported from, below the sdist's folder.
    backend: Vec<String>,
    /// Folders directly below the sdist's with an `__init__.py`.
    packages: BTreeSet<String>,
}

/// Folders of projects' own programs, which neither building nor installing knows of.
const TOOLS: &[&str] = &[
    "action",
    "actions",
    "admin",
    "bench",
    "bin",
    "build-tools",
    "ci",
    "contrib",
    "dev",
    "devtools",
    "hack",
    "maintainers",
    "packaging",
    "release",
    "scripts",
    "tasks",
    "tools",
    "util",
    "utils",
];

impl Roles {
    fn of(survey: &Survey) -> Self {
        let system = if survey.is_wheel() {
            None
        } else {
            Some(survey.build_system())
        };
        let backend = system.into_iter().flat_map(|system| {
            let module = system.backend.unwrap_or_default();
            let path = module
                .split(':')
                .next()
                .unwrap_or_default()
                .replace('.', "/");
            system.backend_path.into_iter().map(move |folder| {
                let folder = folder.trim_start_matches("./").trim_matches(['/', '.']);
                format!("{folder}/{path}")
                    .trim_start_matches('/')
                    .to_owned()
            })
        });
        let mut backend: Vec<String> = backend.collect();
        if !survey.is_wheel() {
            let stem = |path: String| {
                path.trim_start_matches("./")
                    .trim_end_matches(".py")
                    .to_owned()
            };
            backend.extend(survey.build_scripts().into_iter().map(stem));
        }
        Self {
            is_wheel: survey.is_wheel(),
            backend,
            packages: packages(survey),
        }
    }

    fn source(&self, name: &Arc<str>, bytes: SourceBytes) -> Source {
        let path = match self.is_wheel {
            true => site_path(name).unwrap_or(name),
            false => name.split_once('/').map_or(&**name, |(_, rest)| rest),
        };
        let mut source = Source::new(path, bytes, self.role(name, path));
        source.path = name.clone();
        source
    }

    fn role(&self, name: &str, path: &str) -> Role {
        if self.is_wheel && installed_scripts(name).is_some() {
            return Role::EntryPoint;
        }
        let stem = path.strip_suffix(".py").unwrap_or(path);
        let module = stem.strip_suffix("/__init__").unwrap_or(stem);
        if self.is_wheel && matches!(module, "sitecustomize" | "usercustomize") {
            return Role::Startup;
        }
        if !self.is_wheel && path == "setup.py" {
            return Role::Install;
        }
        if self.backend.iter().any(|backend| backend == module) {
            return Role::BuildBackend;
        }
        match by_folder(path) {
            Role::Module if !self.is_wheel && self.is_tool(path) => Role::EntryPoint,
            role => role,
        }
    }

    /// Whether the source stands in a folder of an sdist where projects keep what only they run. A
    /// folder that can be imported is none, whatever its name.
    fn is_tool(&self, path: &str) -> bool {
        let (folder, rest) = path.split_once('/').unwrap_or_default();
        (folder.starts_with('.') || TOOLS.contains(&&*folder.to_ascii_lowercase()))
            && !rest.is_empty()
            && !self.packages.contains(folder)
    }
}

fn packages(survey: &Survey) -> BTreeSet<String> {
    let parts = |name: &str| {
        let (_, path) = name.split_once('/')?;
        let (folder, file) = path.split_once('/')?;
        (file == "__init__.py").then(|| folder.to_owned())
    };
    let names = survey.members.iter().map(|member| &*member.name);
    names.filter_map(parts).collect()
}

/// Whether a folder of this name can be a package.
fn is_importable(folder: &str) -> bool {
    let is_part = |each: char| each.is_alphanumeric() || each == '_';
    folder.chars().all(is_part)
}

fn by_folder(path: &str) -> Role {
    let (folders, file) = path.rsplit_once('/').unwrap_or(("", path));
    let is = |names: &[&str]| folders.split('/').any(|folder| names.contains(&folder));
    let is_test_file =
        file.starts_with("test_") || file.ends_with("_test.py") || file == "conftest.py";
    // What nobody can import, as `manual tests`, may say it in one of several words.
    let says_test = folders
        .split('/')
        .filter(|folder| !is_importable(folder))
        .any(|folder| {
            let mut words = folder.split(|each: char| !each.is_ascii_alphanumeric());
            words.any(|word| matches!(word, "test" | "tests"))
        });
    if is(&["test", "tests", "testing"]) || says_test || is_test_file {
        return Role::Test;
    }
    let is_document = is(&[
        "doc",
        "docs",
        "example",
        "examples",
        "samples",
        "benchmarks",
        "tutorials",
    ]);
    match file {
        _ if is_document => Role::Doc,
        // What `python -m` runs; importing the package does not.
        "__main__.py" => Role::EntryPoint,
        // What no statement can import is run by its path.
        _ if !is_importable(file.trim_end_matches(".py")) => Role::EntryPoint,
        _ => Role::Module,
    }
}

/// Startup lists as Python: code lines stay at their places, calls become calls, the rest is left
/// blank.
fn startup_sources(survey: &Survey) -> Vec<Source> {
    let mut by_list: BTreeMap<Arc<str>, Vec<(u32, String)>> = BTreeMap::new();
    let digests = survey.startup_digests();
    let mut known: BTreeSet<Arc<str>> = BTreeSet::new();
    for (name, number, line) in survey.startup_lines() {
        if known_files::is_startup(digests.get(&name).copied(), &line) {
            known.insert(name.clone());
        }
        let code = match line {
            StartupLine::Code(code) => code,
            StartupLine::Call(target) => {
                let (module, function) = target.split_once(':').unwrap_or((&target, ""));
                format!("import {module}; {module}.{function}()")
            }
            StartupLine::Folder(_) => continue,
        };
        by_list.entry(name).or_default().push((number, code));
    }
    let sources = by_list
        .into_iter()
        .filter(|(name, _)| is_startup_list(name));
    let sources = sources.map(|(name, lines)| {
        let mut source = startup_source(&name, &lines);
        // What setuptools and others have always put there loads the rest of them where it is asked for.
        if known.contains(&name) {
            source.role = Role::Module;
        }
        source
    });
    sources.collect()
}

fn startup_source(name: &Arc<str>, lines: &[(u32, String)]) -> Source {
    let mut text = String::new();
    let mut at = 1;
    for (number, code) in lines {
        while at < *number {
            text.push('\n');
            at += 1;
        }
        text.push_str(code);
    }
    text.push('\n');
    Source {
        path: name.clone(),
        module: "".into(),
        bytes: text.into_bytes().into(),
        role: Role::Startup,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_tell_tests_and_documentation() {
        for (path, role) in [
            ("demo/tests/a.py", Role::Test),
            ("demo/test_a.py", Role::Test),
            ("docs/conf.py", Role::Doc),
            ("src/demo/a.py", Role::Module),
            ("src/demo/__main__.py", Role::EntryPoint),
            ("demo/tests/__main__.py", Role::Test),
            ("demo/latest.py", Role::Module),
            ("manual tests/4 more/a.py", Role::Test),
            ("demo/tests_of/a.py", Role::Module),
        ] {
            assert_eq!(by_folder(path), role, "{path}");
        }
    }

    #[test]
    fn folders_of_tools_are_run_by_their_project_unless_they_can_be_imported() {
        let roles = |packages: &[&str], is_wheel| Roles {
            is_wheel,
            backend: vec!["tools/backend".to_owned()],
            packages: packages.iter().map(|&name| name.to_owned()).collect(),
        };
        for (path, packages, role) in [
            ("tools/a.py", &[][..], Role::EntryPoint),
            ("tools/deep/a.py", &[], Role::EntryPoint),
            ("Tools/a.py", &[], Role::EntryPoint),
            ("utils/a.py", &[], Role::EntryPoint),
            ("utils/a.py", &["utils"], Role::Module),
            (".github/a.py", &[], Role::EntryPoint),
            ("tools/a.py", &["tools"], Role::Module),
            ("tools/backend.py", &[], Role::BuildBackend),
            ("tools.py", &[], Role::Module),
            ("src/tools/a.py", &[], Role::Module),
            ("demo/tools/a.py", &[], Role::Module),
            ("tools/test_a.py", &[], Role::Test),
        ] {
            let found = roles(packages, false).role("", path);
            assert_eq!(found, role, "{path} {packages:?}");
        }
        let installed = roles(&[], true).role("tools/a.py", "tools/a.py");
        assert_eq!(installed, Role::Module);
    }
}

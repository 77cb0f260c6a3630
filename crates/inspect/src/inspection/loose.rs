//! [`inspect_files`]: files that are in no archive, such as a checkout, an unpacked sdist or one module.
//! The rules over archives have nothing to say here; the rules over Python do.

use portcullis_core::digest::Sha256;
use portcullis_core::inspection::Inspected;

use super::{Budget, Gathered, Texts, conclude};
use crate::archive::survey::{StartupLine, startup_lines};
use crate::python::{Package, Role, Source, analyse};

/// One file of a folder.
#[derive(Clone, Debug)]
pub struct LooseFile {
    /// Below the folder, with `/`.
    pub path: String,
    /// All of it.
    pub bytes: Vec<u8>,
}

/// Inspects one Python source, or one `.pth` file, by itself.
#[must_use]
pub fn inspect_source(path: &str, bytes: Vec<u8>, budget: &Budget) -> Inspected {
    let sha256 = Sha256::of(&bytes);
    let file = LooseFile {
        path: path.to_owned(),
        bytes,
    };
    Inspected {
        sha256,
        ..inspect_files(vec![file], budget)
    }
}

/// Inspects the files of a folder: `setup.py`, PEP 517 backends, startup files, tests and documentation
/// are told apart by where they stand, as in an sdist.
#[must_use]
pub fn inspect_files(mut files: Vec<LooseFile>, budget: &Budget) -> Inspected {
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let backends = backends(&files);
    let sources = files.iter().filter_map(|file| source(file, &backends));
    let package = Package {
        sources: sources.collect(),
        entry_points: Vec::new(),
    };
    conclude(Gathered {
        sha256: digest(&files),
        analysis: analyse(&package, &budget.python),
        observations: Vec::new(),
        texts: &mut Loose(&files),
        files: files.len(),
        bytes: files.iter().map(|file| file.bytes.len() as u64).sum(),
        complete: true,
    })
}

struct Loose<'a>(&'a [LooseFile]);

impl Texts for Loose<'_> {
    fn text(&mut self, name: &str) -> Option<&[u8]> {
        let at = self
            .0
            .binary_search_by(|file| (*file.path).cmp(name))
            .ok()?;
        Some(&self.0[at].bytes)
    }
}

fn digest(files: &[LooseFile]) -> Sha256 {
    let lines = files
        .iter()
        .map(|file| format!("{}  {}\n", Sha256::of(&file.bytes), file.path));
    Sha256::of(lines.collect::<String>().as_bytes())
}

/// What the analysis makes of `file`; `None` for what is no Python.
fn source(file: &LooseFile, backends: &[String]) -> Option<Source> {
    let is_at_top = !file.path.contains('/');
    if file.path.ends_with(".pth") {
        return is_at_top.then(|| Source {
            path: file.path.as_str().into(),
            module: "".into(),
            bytes: startup_code(&file.bytes).into(),
            role: Role::Startup,
        });
    }
    let stem = [".py", ".pyw"]
        .iter()
        .find_map(|ending| file.path.strip_suffix(ending));
    // A script names its interpreter in its first line.
    let is_script = || {
        let line = file
            .bytes
            .split(|byte| *byte == b'\n')
            .next()
            .unwrap_or_default();
        line.starts_with(b"#!") && memchr::memmem::find(line, b"python").is_some()
    };
    let stem = match stem {
        Some(stem) => stem,
        None if is_script() => &file.path,
        None => return None,
    };
    let role = role(stem.strip_suffix("/__init__").unwrap_or(stem), backends);
    Some(Source::new(&file.path, file.bytes.clone(), role))
}

fn role(module: &str, backends: &[String]) -> Role {
    let (folders, file) = module.rsplit_once('/').unwrap_or(("", module));
    let is_below = |names: &[&str]| folders.split('/').any(|folder| names.contains(&folder));
    match module.strip_prefix("src/").unwrap_or(module) {
        "setup" => Role::Install,
        "sitecustomize" | "usercustomize" => Role::Startup,
        _ if backends.iter().any(|backend| backend == module) => Role::BuildBackend,
        _ if is_below(&["test", "tests", "testing"]) => Role::Test,
        _ if file.starts_with("test_") || file.ends_with("_test") || file == "conftest" => {
            Role::Test
        }
        _ if is_below(&[
            "doc",
            "docs",
            "example",
            "examples",
            "benchmarks",
            "tutorials",
        ]) =>
        {
            Role::Doc
        }
        _ => Role::Module,
    }
}

/// The lines that Python runs out of a `.pth` file, at their places.
fn startup_code(bytes: &[u8]) -> Vec<u8> {
    let (mut code, mut ended) = (Vec::new(), 1);
    for (number, line) in startup_lines(bytes, false) {
        if let StartupLine::Code(line) = line {
            code.extend((ended..number).map(|_| b'\n'));
            code.extend(line.bytes());
            ended = number;
        }
    }
    code.push(b'\n');
    code
}

/// The modules that may be the build backend (PEP 517 `build-backend` below `backend-path`), as paths
/// without an ending.
fn backends(files: &[LooseFile]) -> Vec<String> {
    let pyproject = files.iter().find(|file| file.path == "pyproject.toml");
    let text = pyproject.and_then(|file| std::str::from_utf8(&file.bytes).ok());
    let table: Option<toml::Table> = text.and_then(|text| text.parse().ok());
    let system = table
        .as_ref()
        .and_then(|table| table.get("build-system")?.as_table());
    let named = |key: &str| system.and_then(|system| system.get(key));
    let backend = named("build-backend")
        .and_then(toml::Value::as_str)
        .unwrap_or_default();
    let module = backend
        .split(':')
        .next()
        .unwrap_or_default()
        .replace('.', "/");
    let folders = named("backend-path").and_then(toml::Value::as_array);
    let folders = folders
        .into_iter()
        .flatten()
        .filter_map(toml::Value::as_str);
    let join = |folder: &str| {
        let folder = folder.trim_start_matches("./").trim_matches(['/', '.']);
        format!("{folder}/{module}")
            .trim_start_matches('/')
            .to_owned()
    };
    folders.map(join).filter(|_| !module.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> LooseFile {
        LooseFile {
            path: path.to_owned(),
            bytes: text.into(),
        }
    }

    #[test]
    fn a_files_place_says_when_it_runs() {
        let pyproject =
            "[build-system]\nbuild-backend = 'back.end:api'\nbackend-path = ['./tools/']";
        let backends = backends(&[file("pyproject.toml", pyproject)]);
        assert_eq!(backends, ["tools/back/end"]);
        for (path, expected) in [
            ("setup.py", Some(Role::Install)),
            ("demo/setup.py", Some(Role::Module)),
            ("sitecustomize.py", Some(Role::Startup)),
            ("src/usercustomize/__init__.py", Some(Role::Startup)),
            ("tools/back/end.py", Some(Role::BuildBackend)),
            ("tests/a.py", Some(Role::Test)),
            ("demo/test_a.py", Some(Role::Test)),
            ("docs/conf.py", Some(Role::Doc)),
            ("src/demo/a.pyw", Some(Role::Module)),
            ("demo.pth", Some(Role::Startup)),
            ("demo/demo.pth", None),
            ("README.md", None),
        ] {
            let source = source(&file(path, "x = 1"), &backends);
            assert_eq!(source.map(|source| source.role), expected, "{path}");
        }
        let script = source(
            &file("bin/demo", "#!/usr/bin/env python3\nx = 1"),
            &backends,
        );
        assert_eq!(script.map(|script| script.role), Some(Role::Module));
    }

    #[test]
    fn only_lines_that_import_are_code_and_they_keep_their_places() {
        let code = startup_code(b"lib\r\nimport a; a()\n  import b\n");
        assert_eq!(code, b"\nimport a; a()\n");
    }

    #[test]
    fn the_order_of_files_does_not_change_a_folders_digest() {
        let (one, two) = (file("a.py", "1"), file("b.py", "2"));
        let budget = Budget::default();
        let there = inspect_files(vec![one.clone(), two.clone()], &budget).sha256;
        assert_eq!(there, inspect_files(vec![two, one.clone()], &budget).sha256);
        assert_ne!(there, inspect_files(vec![one], &budget).sha256);
        assert_eq!(
            inspect_source("a.py", b"1".to_vec(), &budget).sha256,
            Sha256::of(b"1")
        );
    }
}

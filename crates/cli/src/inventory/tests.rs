//! Environments as installers leave them, and files as people write them.

#![allow(clippy::unwrap_used)]

use std::fs;

use portcullis_core::pypi::lockfile::Elsewhere;
use tempfile::TempDir;
use url::Url;

use super::*;

/// A folder with files in it.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn taken(inputs: &[PathBuf]) -> Taken {
    let inputs = Inputs {
        inputs: inputs.to_vec(),
        python: None,
    };
    inputs.read(Detail::Everything).unwrap()
}

/// Each component, and what could not be made out.
fn shown(taken: &Taken, folder: &TempDir) -> String {
    let components = taken.inventory.components.iter().map(|one| {
        let version = one.version.as_ref().map(ToString::to_string);
        let open = one.open.clone().unwrap_or_default();
        let version = version.unwrap_or_else(|| format!("?{open}"));
        let licence = one.licence.as_ref().map(|licence| licence.title());
        let wants = one.dependencies.iter().map(ToString::to_string);
        let wants: Vec<String> = wants.collect();
        let nested: Vec<&str> = one.nested.iter().map(|one| one.path.as_str()).collect();
        let at: Vec<String> = one.found.iter().map(ToString::to_string).collect();
        let mut line = format!(
            "{} {version} {:?} at {}",
            one.project,
            one.origin,
            at.join(" ")
        );
        if let Some(licence) = licence {
            line += &format!(" {licence}");
        }
        if !wants.is_empty() {
            line += &format!(" wants {}", wants.join(" "));
        }
        if !nested.is_empty() {
            line += &format!(" nests {}", nested.join(" "));
        }
        line
    });
    let unknown = taken.inventory.unknown.iter();
    let unknown = unknown.map(|one| format!("? {} at {}: {}", one.what, one.found, one.why));
    let lines: Vec<String> = components.chain(unknown).collect();
    let real = folder.path().canonicalize().unwrap();
    lines
        .join("\n")
        .replace(real.to_str().unwrap(), "[folder]")
        .replace(folder.path().to_str().unwrap(), "[folder]")
}

fn metadata(name: &str, version: &str, more: &str) -> String {
    format!("Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n{more}\nA description\n")
}

const SITE: &str = "venv/lib/python3.12/site-packages";

#[test]
fn an_environment_is_read_without_being_run() {
    let one = |name: &str, file: &str| format!("{SITE}/{name}/{file}");
    let flask = metadata(
        "Flask",
        "3.0.0",
        "License-Expression: BSD-3-Clause\nRequires-Dist: click>=8\nRequires-Dist: x ; extra == 'y'\n",
    );
    let files = [
        (
            "venv/pyvenv.cfg".to_owned(),
            "home = /nowhere/bin\n".to_owned(),
        ),
        (one("flask-3.0.0.dist-info", "METADATA"), flask),
        (
            one("flask-3.0.0.dist-info", "sboms/inner.cdx.json"),
            "{}".to_owned(),
        ),
        (
            one("old-1.0.egg-info", "PKG-INFO"),
            metadata("old", "1.0", ""),
        ),
        (
            one("forked-1.dist-info", "METADATA"),
            metadata("forked", "1", ""),
        ),
        (
            one("forked-1.dist-info", "direct_url.json"),
            r#"{"url":"https://git.example/f","vcs_info":{"vcs":"git","commit_id":"abc"}}"#
                .to_owned(),
        ),
        (
            one("archived-1.dist-info", "METADATA"),
            metadata("archived", "1", ""),
        ),
        (
            one("archived-1.dist-info", "direct_url.json"),
            r#"{"url":"https://files.example/archived-1.zip","archive_info":{}}"#.to_owned(),
        ),
        (one("empty-1.dist-info", "RECORD"), String::new()),
        (
            one("legacy-1.dist-info", "METADATA"),
            metadata("legacy", "two", ""),
        ),
        (
            format!("{SITE}/more.pth"),
            "import os; open('it-ran', 'w')\n../extra\n".to_owned(),
        ),
        (
            "venv/lib/python3.12/extra/developed.egg-info/PKG-INFO".to_owned(),
            metadata("developed", "1", ""),
        ),
        (
            "venv/lib/python3.12/extra/further-1.dist-info/METADATA".to_owned(),
            metadata("further", "1", ""),
        ),
    ];
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(a, b)| (a.as_str(), b.as_str()))
        .collect();
    let folder = folder(&files);
    let taken = taken(&[folder.path().join("venv")]);
    insta::assert_snapshot!(shown(&taken, &folder));
    assert!(!folder.path().join("it-ran").exists());
}

#[test]
fn what_is_installed_from_the_project_is_the_project() {
    let folder = folder(&[
        ("app/src/x.py", ""),
        ("elsewhere/y.py", ""),
        ("app/.venv/pyvenv.cfg", "home = /nowhere\n"),
    ]);
    let site = folder.path().join("app/.venv/lib/python3.12/site-packages");
    for (name, place) in [
        ("own", "app"),
        ("member", "app/src"),
        ("other", "elsewhere"),
    ] {
        let info = site.join(format!("{name}-1.dist-info"));
        fs::create_dir_all(&info).unwrap();
        fs::write(info.join("METADATA"), metadata(name, "1", "")).unwrap();
        let url = Url::from_file_path(folder.path().join(place)).unwrap();
        let direct = format!(r#"{{"url":"{url}","dir_info":{{"editable":true}}}}"#);
        fs::write(info.join("direct_url.json"), direct).unwrap();
    }
    let taken = taken(&[folder.path().join("app/.venv")]);
    let own: Vec<(&str, bool)> = taken
        .inventory
        .components
        .iter()
        .map(|one| (one.project.as_str(), one.is_itself()))
        .collect();
    assert_eq!(own, [("member", true), ("other", false), ("own", true)]);
}

#[test]
fn an_interpreter_means_the_environment_that_it_is_in() {
    let folder = folder(&[
        ("venv/pyvenv.cfg", "home = /nowhere\n"),
        ("venv/bin/python", ""),
        ("base/bin/python3.12", ""),
        (
            "base/lib/python3.11/site-packages/b-1.dist-info/METADATA",
            &metadata("b", "1", ""),
        ),
        (
            "base/lib/python3.12/site-packages/c-1.dist-info/METADATA",
            &metadata("c", "1", ""),
        ),
        (
            "base/lib/python3/dist-packages/d-1.dist-info/METADATA",
            &metadata("d", "1", ""),
        ),
        (
            &format!("{SITE}/a-1.dist-info/METADATA"),
            &metadata("a", "1", ""),
        ),
    ]);
    let of = |python: &str| {
        let inputs = Inputs {
            inputs: Vec::new(),
            python: Some(folder.path().join(python)),
        };
        let taken = inputs.read(Detail::Releases)?;
        let names = taken.inventory.components.iter();
        anyhow::Ok(
            names
                .map(|one| one.project.to_string())
                .collect::<Vec<_>>()
                .join(" "),
        )
    };
    assert_eq!(of("venv/bin/python").unwrap(), "a");
    assert_eq!(of("base/bin/python3.12").unwrap(), "d c");
    assert!(of("base/bin/python3.99").is_err());
    // Where the environment lets the interpreter below shine through, both count.
    let settings = format!(
        "home = {}\ninclude-system-site-packages = true\nversion = 3.12.1\n",
        folder.path().join("base/bin").display()
    );
    fs::write(folder.path().join("venv/pyvenv.cfg"), settings).unwrap();
    assert_eq!(of("venv/bin/python").unwrap(), "a d c");
}

#[test]
fn requirements_are_read_with_what_they_name() {
    let folder = folder(&[
        (
            "requirements.txt",
            "-r more.txt\n-c limits.txt\nflask==3.0.0\nopen>=2\nlimited\n-e .\n\
             forked @ git+https://git.example/f@main\nfile @ https://files.example/file.zip\n\
             ./vendored\n-r https://a.example/r.txt\n-r absent.txt\n",
        ),
        (
            "more.txt",
            "Flask==3.0.0\nclick==8.1 ; python_version > '3'\n",
        ),
        ("limits.txt", "limited==1.5\nunwanted==1\n"),
    ]);
    let taken = taken(&[folder.path().join("requirements.txt")]);
    insta::assert_snapshot!(shown(&taken, &folder));
    assert_eq!(taken.files.len(), 3);
}

#[test]
fn a_folder_of_a_project_means_its_lock() {
    let lock = "version = 1\n[[package]]\nname = \"own\"\nversion = \"1\"\nsource = { editable = \".\" }\n\
        [[package]]\nname = \"a\"\nversion = \"1\"\nsource = { path = \"a.whl\" }\n";
    let folder = folder(&[
        ("locked/uv.lock", lock),
        ("locked/requirements.txt", "b==1\n"),
        ("plain/requirements.txt", "b==1\n"),
        ("broken/poetry.lock", "[[package"),
        ("empty/README", ""),
    ]);
    let of = |name: &str| shown(&taken(&[folder.path().join(name)]), &folder);
    insta::assert_snapshot!([of("locked"), of("plain"), of("broken")].join("\n---\n"));
    let nothing = Inputs {
        inputs: vec![folder.path().join("empty")],
        python: None,
    };
    assert!(nothing.read(Detail::Releases).is_err());
    let path = Elsewhere::Path("a.whl".to_owned());
    let taken = taken(&[folder.path().join("locked")]);
    let from = &taken.inventory.components[1].origin;
    assert_eq!(
        *from,
        portcullis_core::inventory::Provenance::Elsewhere(path)
    );
}

#[test]
fn what_says_nothing_of_packages_is_refused() {
    let folder = folder(&[("a.py", "import os\n"), ("photo.jpg", "\u{0}")]);
    for name in ["a.py", "photo.jpg", "absent.lock"] {
        let inputs = Inputs {
            inputs: vec![folder.path().join(name)],
            python: None,
        };
        assert!(inputs.read(Detail::Releases).is_err(), "{name}");
    }
}

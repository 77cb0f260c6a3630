//! Trees of files, and what of them matters.

use super::*;

fn tree(files: &[(&str, &str)]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let real = folder.path().canonicalize().unwrap();
    for (path, text) in files {
        let path = real.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    (folder, real)
}

/// Paths with why they were found, and paths with why they were not checked.
type All = (Vec<(String, Part)>, Vec<(String, String)>);

fn found(real: &Path, asked: &[&str]) -> All {
    let paths: Vec<PathBuf> = asked.iter().map(|path| real.join(path)).collect();
    let root = Root::of(&[real.to_owned()]).unwrap();
    let all = discover(&paths, &root);
    let found = all.found.into_iter().map(|one| (one.path, one.part));
    let unchecked = all.unchecked.into_iter().map(|one| (one.path, one.why));
    (found.collect(), unchecked.collect())
}

fn paths(real: &Path) -> Vec<String> {
    let (found, unchecked) = found(real, &[""]);
    assert_eq!(unchecked, []);
    found.into_iter().map(|(path, _)| path).collect()
}

#[test]
fn what_matters_is_found_and_what_is_installed_is_not() {
    let script = "import os\n# /// script\n# dependencies = []\n# ///\n";
    let (_kept, real) = tree(&[
        ("requirements.txt", ""),
        (".github/workflows/ci.yml", ""),
        (".pre-commit-config.yaml", ""),
        (".env", ""),
        (".pypirc", ""),
        ("src/app.py", "import os\n"),
        ("tools/run.py", script),
        ("notes.txt", ""),
        (".git/requirements.txt", ""),
        ("env/pyvenv.cfg", ""),
        ("env/requirements.txt", ""),
        ("conda/conda-meta/history", ""),
        ("conda/environment.yml", ""),
        ("web/node_modules/x/Dockerfile", ""),
        ("lib/site-packages/x/setup.py", ""),
        (".gitignore", "ignored\n!kept/requirements.txt\n"),
        ("ignored/requirements.txt", ""),
        ("sub/.gitignore", "*.sh\n"),
        ("sub/a.sh", ""),
        ("a.sh", ""),
        ("vendor/requirements.txt", ""),
        ("portcullis-check.toml", "exclude = [\"vendor\"]\n"),
    ]);
    assert_eq!(
        paths(&real),
        [
            ".env",
            ".github/workflows/ci.yml",
            ".pre-commit-config.yaml",
            ".pypirc",
            "a.sh",
            "requirements.txt",
            "tools/run.py"
        ]
    );
}

#[test]
fn a_file_that_is_asked_for_comes_with_those_beside_it() {
    let (_kept, real) = tree(&[
        ("a/requirements.txt", ""),
        ("a/pyproject.toml", ""),
        ("a/b/setup.py", ""),
        ("a/list.txt", ""),
        ("a/plain.py", ""),
        ("a/other.md", ""),
        ("c/setup.py", ""),
    ]);
    let asked = [
        "a/requirements.txt",
        "a/list.txt",
        "a/plain.py",
        "a/other.md",
    ];
    let (found, unchecked) = found(&real, &asked);
    let expected = [
        ("a/list.txt".to_owned(), Part::Asked),
        ("a/pyproject.toml".to_owned(), Part::Beside),
        ("a/requirements.txt".to_owned(), Part::Asked),
    ];
    assert_eq!(found, expected);
    assert_eq!(unchecked.len(), 1, "{unchecked:?}");
    assert_eq!(unchecked[0].0, "a/other.md");
}

#[test]
#[cfg(unix)]
fn links_are_not_followed_out_of_the_project() {
    let (_outside, elsewhere) = tree(&[("secret.txt", "")]);
    let (_kept, real) = tree(&[("deps/all.list", ""), ("deep/setup.py", "")]);
    let link = |to: &Path, from: &str| std::os::unix::fs::symlink(to, real.join(from)).unwrap();
    link(&real.join("deps/all.list"), "requirements.txt");
    link(&elsewhere.join("secret.txt"), "requirements-out.txt");
    link(&real.join("nowhere"), "constraints.txt");
    link(&elsewhere, "folder");
    link(&real.join("deep"), "requirements-folder.txt");
    let (found, unchecked) = found(&real, &[""]);
    let found: Vec<String> = found.into_iter().map(|(path, _)| path).collect();
    assert_eq!(found, ["deep/setup.py", "requirements.txt"]);
    assert_eq!(
        unchecked,
        [
            (
                "constraints.txt".to_owned(),
                "it is a link that leads nowhere".to_owned()
            ),
            (
                "requirements-out.txt".to_owned(),
                "it is a link that leads out of the project".to_owned()
            ),
        ]
    );
}

#[test]
fn a_script_is_found_wherever_its_block_begins() {
    for before in [
        0,
        1,
        BLOCK - 5,
        BLOCK,
        BLOCK + SCRIPT.len() - 1,
        3 * BLOCK + 7,
    ] {
        let text = format!("{}\n# /// script\n# ///\n", "#".repeat(before));
        let (_kept, real) = tree(&[("a.py", &text)]);
        assert_eq!(paths(&real), ["a.py"], "{before}");
    }
}

//! Requirements that name each other, locks with what no index has, and files that are up to no good.

#![allow(clippy::unwrap_used)]

use tempfile::TempDir;

use super::*;

const DIGEST: &str = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";

struct Files(TempDir);

impl Files {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        Self(folder)
    }

    /// What `name` names, one line for each, with folders as they are everywhere.
    fn named(&self, name: &str) -> Vec<String> {
        let folder = format!("{}/", self.0.path().display());
        let named = read(&self.0.path().join(name)).unwrap();
        let lines = named.iter().map(|one| match one {
            Named::Wanted(wanted) => {
                let how = match &wanted.which {
                    Which::Newest {
                        specifiers,
                        pre_releases,
                    } => format!("newest [{specifiers}] {pre_releases:?}"),
                    Which::Locked {
                        hashes, filenames, ..
                    } => format!("locked {} {}", hashes.len(), filenames.join(" ")),
                };
                format!("{} {how} {}", wanted.what, wanted.from.as_ref().unwrap())
            }
            Named::Place(place) => format!("place {} {}", place.what, place.from),
            Named::Unusable(one) => format!("! {} {}: {}", one.what, one.from, one.why),
        });
        lines.map(|line| line.replace(&folder, "")).collect()
    }
}

#[test]
fn requirements_are_read_with_the_files_that_they_name() {
    let files = Files::new(&[
        (
            "requirements.txt",
            "-r more/base.txt\n-c limits.txt\n--pre\nflask>=2\n-e .\nattrs==1.0\n",
        ),
        ("more/base.txt", "-r ../requirements.txt\nclick\n"),
        ("limits.txt", "Flask<3\nnever-wanted==1\n"),
    ]);
    assert_eq!(
        files.named("requirements.txt"),
        [
            "flask>=2 newest [>=2, <3] Allowed requirements.txt:4",
            "attrs==1.0 newest [==1.0] Allowed requirements.txt:6",
            "click newest [] Allowed more/base.txt:2",
        ]
    );
}

#[test]
fn hashes_of_requirements_and_constraints_both_hold() {
    let other = "0".repeat(64);
    let files = Files::new(&[
        (
            "requirements.txt",
            &format!(
                "-c limits.txt\na==1 --hash=sha256:{DIGEST} --hash=sha256:{other}\nb==1\n\
                 c==1 --hash=sha256:{other}\n"
            ),
        ),
        (
            "limits.txt",
            &format!(
                "a --hash=sha256:{DIGEST}\nb --hash=sha256:{DIGEST}\nc --hash=sha256:{DIGEST}\n"
            ),
        ),
    ]);
    assert_eq!(
        files.named("requirements.txt"),
        [
            "a==1 locked 1  requirements.txt:2",
            "b==1 locked 1  requirements.txt:3",
            "! c==1 requirements.txt:4: it and its constraints allow different hashes",
        ]
    );
}

#[test]
fn what_no_index_has_is_told_and_other_places_are_named() {
    let files = Files::new(&[(
        "requirements.in",
        "--extra-index-url https://other.example/simple\n./local\nx @ https://files.example/x.whl\n\
         root:x:0:0:secret:/root\n-r https://evil.example/r.txt\n-r absent.txt\nok\n",
    )]);
    let named = files.named("requirements.in");
    assert_eq!(named[0], "ok newest [] IfNeeded requirements.in:7");
    assert_eq!(
        named[1],
        "place https://other.example/simple requirements.in:1"
    );
    assert!(
        named[2].ends_with("it names a path, not a release of an index"),
        "{named:?}"
    );
    assert!(
        named[3].contains("an address, which is not fetched"),
        "{named:?}"
    );
    assert!(named[5].contains("https://evil.example/r.txt"), "{named:?}");
    assert!(named[6].starts_with("! absent.txt requirements.in:6: it cannot be read"));
    // A file that is no list of requirements is not shown to whoever reads the answer.
    assert!(
        !named.iter().any(|line| line.contains("secret")),
        "{named:?}"
    );
}

#[test]
#[cfg(unix)]
fn devices_pipes_and_folders_are_not_read() {
    let files = Files::new(&[("requirements.txt", "-r /dev/zero\n-r .\n-r /dev/stdin\n")]);
    let named = files.named("requirements.txt");
    assert_eq!(named.len(), 3, "{named:?}");
    assert!(named.iter().all(|line| line.starts_with('!')), "{named:?}");
}

#[test]
fn a_chain_of_files_has_an_end() {
    let texts: Vec<(String, String)> = (0..200)
        .map(|number| {
            let name = format!("requirements{number}.txt");
            (name, format!("-r requirements{}.txt\n", number + 1))
        })
        .collect();
    let texts: Vec<(&str, &str)> = texts.iter().map(|(a, b)| (&**a, &**b)).collect();
    let named = Files::new(&texts).named("requirements0.txt");
    assert!(
        named.len() == 1 && named[0].contains("more than 100 files"),
        "{named:?}"
    );
}

#[test]
fn locks_are_read_and_the_project_itself_is_no_input() {
    let uv = format!(
        "version = 1\n[[package]]\nname = 'demo'\nversion = '1.0'\nsource = {{ registry = 'https://a.example' }}\n\
         wheels = [{{ url = 'https://a.example/demo-1.0-py3-none-any.whl', hash = 'sha256:{DIGEST}' }}]\n\
         [[package]]\nname = 'mine'\nversion = '0'\nsource = {{ editable = '.' }}\n\
         [[package]]\nname = 'theirs'\nversion = '0'\nsource = {{ git = 'https://a.example/x' }}\n"
    );
    let files = Files::new(&[
        ("uv.lock", &uv),
        (
            "pylock.toml",
            "lock-version = '1.0'\n[[packages]]\nname = 'mine'\ndirectory = { path = '.' }\n",
        ),
        ("bad/uv.lock", "version = ["),
        (
            "sbom.cdx.json",
            r#"{"bomFormat": "CycloneDX", "components": [{"purl": "pkg:pypi/demo@1.0"}]}"#,
        ),
    ]);
    let named = files.named("uv.lock");
    assert_eq!(
        named[0],
        "demo==1.0 locked 1 demo-1.0-py3-none-any.whl uv.lock:2"
    );
    assert!(
        named[1].starts_with("! theirs uv.lock:") && named.len() == 2,
        "{named:?}"
    );
    assert_eq!(files.named("pylock.toml"), [""; 0]);
    assert!(files.named("bad/uv.lock")[0].starts_with("! bad/uv.lock"));
    let sbom = files.named("sbom.cdx.json");
    assert_eq!(sbom, ["demo==1.0 newest [==1.0] IfNeeded sbom.cdx.json"]);
}

#[test]
fn prose_is_not_taken_for_requirements() {
    let files = Files::new(&[
        ("notes.txt", "nothing"),
        ("pins.txt", "demo==1.0\n"),
        ("a.bin", "\u{0}"),
    ]);
    assert_eq!(read(&files.0.path().join("notes.txt")), None);
    assert_eq!(read(&files.0.path().join("a.bin")), None);
    assert_eq!(files.named("pins.txt").len(), 1);
}

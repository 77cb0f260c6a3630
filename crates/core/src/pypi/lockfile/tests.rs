//! One file of each format, and what hostile ones do.

#![allow(clippy::unwrap_used)]

use super::*;
use proptest::prelude::*;

const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

/// One line for each entry: line, release, digests by their first letter, files, what it wants.
fn shown(filename: &str, text: &str) -> String {
    let read = match read(
        filename,
        text.replace("{A}", A).replace("{B}", B).as_bytes(),
    ) {
        Ok(read) => read,
        Err(error) => return error.to_string(),
    };
    let line = |line: Option<u32>| line.map_or("-".to_owned(), |line| line.to_string());
    let mut out = format!("{}\n", read.format);
    for entry in &read.entries {
        let version = entry.version.as_ref().map(ToString::to_string);
        let hashes: String = entry
            .hashes
            .iter()
            .map(|hash| hash.to_hex().remove(0))
            .collect();
        let wants: Vec<&str> = entry.dependencies.iter().map(ProjectName::as_str).collect();
        out.push_str(&format!(
            "{}: {} {} [{hashes}] files={} wants={}\n",
            line(entry.line),
            entry.project,
            version.as_deref().unwrap_or("?"),
            entry.filenames.join(","),
            wants.join(","),
        ));
    }
    for skipped in &read.skipped {
        out.push_str(&format!(
            "{}: not {:?}: {}\n",
            line(skipped.line),
            skipped.what,
            skipped.reason
        ));
    }
    out
}

const PYLOCK: &str = r#"lock-version = "1.0"
created-by = "pip"

[[packages]]
name = "Flask"
version = "3.0.0"
dependencies = [{ name = "werkzeug" }]

[packages.sdist]
name = "flask-3.0.0.tar.gz"
hashes = { sha256 = "{A}" }

[[packages.wheels]]
url = "https://files.example/x/flask-3.0.0-py3-none-any.whl#x"
hashes = { sha256 = "{B}", md5 = "0" }

[[packages]]
name = "here"
directory = { path = "." }

[[packages]]
name = "no version"
"#;

#[test]
fn pylock_is_read() {
    insta::assert_snapshot!(shown("pylock.toml", PYLOCK), @r#"
    pylock.toml
    4: flask 3.0.0 [ba] files=flask-3.0.0-py3-none-any.whl,flask-3.0.0.tar.gz wants=werkzeug
    17: not "here": it is the project itself or a member of its workspace
    21: not "no version": its name is no project name
    "#);
    assert_eq!(
        shown("pylock.dev.toml", "lock-version = '2.0'"),
        "not a sound pylock.toml file: its lock-version is newer than 1, which is not known yet"
    );
}

const UV: &str = r#"version = 1
revision = 3
requires-python = ">=3.11"

[[package]]
name = "app"
version = "0.1.0"
source = { virtual = "." }
dependencies = [{ name = "litellm" }]

[[package]]
name = "litellm"
version = "1.82.7"
source = { registry = "https://index.example/simple" }
dependencies = [{ name = "click", marker = "x" }, { name = "httpx" }]
sdist = { url = "https://files.example/litellm-1.82.7.tar.gz", hash = "sha256:{A}", size = 1 }
wheels = [
    { url = "https://files.example/litellm-1.82.7-py3-none-any.whl", hash = "sha256:{B}" },
]

[package.optional-dependencies]
proxy = [{ name = "uvicorn" }]

[[package]]
name = "tool"
version = "1"
source = { git = "https://git.example/tool" }
"#;

#[test]
fn uv_lock_is_read() {
    insta::assert_snapshot!(shown("uv.lock", UV), @r#"
    uv.lock
    11: litellm 1.82.7 [ba] files=litellm-1.82.7-py3-none-any.whl,litellm-1.82.7.tar.gz wants=click,httpx,uvicorn
    5: not "app": it is the project itself or a member of its workspace
    24: not "tool": it comes from version control, not from an index
    "#);
}

const POETRY: &str = r#"[[package]]
name = "requests"
version = "2.31.0"
files = [
    {file = "requests-2.31.0-py3-none-any.whl", hash = "sha256:{A}"},
]

[package.dependencies]
certifi = ">=2017"
PySocks = {version = ">=1.5.6", optional = true}

[[package]]
name = "old"
version = "1.0"

[[package]]
name = "local"
version = "1.0"

[package.source]
type = "directory"
url = "../local"

[metadata]
lock-version = "2.1"
content-hash = "x"

[metadata.files]
old = [{file = "old-1.0.tar.gz", hash = "sha256:{B}"}]
"#;

#[test]
fn poetry_lock_is_read() {
    insta::assert_snapshot!(shown("a/poetry.lock", POETRY), @r#"
    poetry.lock
    1: requests 2.31.0 [a] files=requests-2.31.0-py3-none-any.whl wants=pysocks,certifi
    12: old 1.0 [b] files=old-1.0.tar.gz wants=
    16: not "local": it comes from a path, not from an index
    "#);
}

const PDM: &str = r#"[metadata]
groups = ["default"]
lock_version = "4.5.0"
content_hash = "sha256:x"

[[package]]
name = "httpx"
version = "0.27.0"
dependencies = ["anyio", "h2<5,>=3; extra == 'x'"]
files = [{file = "httpx-0.27.0.tar.gz", hash = "sha256:{A}"}]

[[package]]
name = "httpx"
version = "0.27.0"
extras = ["http2"]
dependencies = ["httpx==0.27.0"]
files = [{file = "httpx-0.27.0.tar.gz", hash = "sha256:{A}"}]

[[package]]
name = "direct"
version = "1"
url = "https://files.example/direct-1.zip"
"#;

#[test]
fn pdm_lock_is_read_and_extras_are_joined() {
    insta::assert_snapshot!(shown("pdm.lock", PDM), @r#"
    pdm.lock
    6: httpx 0.27.0 [a] files=httpx-0.27.0.tar.gz wants=anyio,h2,httpx
    19: not "direct": it comes from a direct address, not from an index
    "#);
}

const PIPFILE: &str = r#"{"_meta": {"hash": {}}, "default": {
    "flask": {"hashes": ["sha256:{A}", "sha256:{B}", "md5:00"], "version": "==3.0.0"},
    "mine": {"path": "."}, "loose": {"version": "*"},
    "some": {"version": "==1.*"}},
  "develop": {"pytest": {"version": "==8.0"}, "odd": 3}}"#;

#[test]
fn pipfile_lock_is_read() {
    insta::assert_snapshot!(shown("Pipfile.lock", PIPFILE), @r#"
    Pipfile.lock
    -: flask 3.0.0 [ab] files= wants=
    -: pytest 8.0 [] files= wants=
    -: not "mine": it comes from a path, not from an index
    -: not "loose": it is not pinned to one version
    -: not "some": it is not pinned to one version
    -: not "odd": what is said of it is not understood
    "#);
}

const REQUIREMENTS: &str = "# locked\n--index-url https://index.example/simple\n-r base.txt\n\
    flask==3.0.0 \\\n    --hash=sha256:{A} \\\n    --hash=sha256:{B}\n    # via app\n\
    Foo_Bar[x]===1.0 ; python_version > '3' # why\n-e .\nloose>=1\n\
    x @ https://files.example/x.whl\ngit+https://git.example/y#egg=y\nb==1.*\n\n";

#[test]
fn requirements_are_read() {
    insta::assert_snapshot!(shown("requirements-dev.txt", REQUIREMENTS), @r#"
    requirements.txt
    4: flask 3.0.0 [ab] files= wants=
    8: foo-bar 1.0 [] files= wants=
    2: not "--index-url https://index.example/simple": an option for the installer
    3: not "-r base.txt": another file is named here; give that file as well
    9: not "-e .": it is installed from a directory, not from an index
    10: not "loose>=1": it is not pinned to one version; resolve the file to a lock first
    11: not "x @ https://files.example/x.whl": "x @ https://files.example/x.whl" points at a URL; give a project of an index instead, for example 'flask' or 'flask==3.0.0'
    12: not "git+https://git.example/y#egg=y": "git+https://git.example/y#egg=y" points at a URL; give a project of an index instead, for example 'flask' or 'flask==3.0.0'
    13: not "b==1.*": it is not pinned to one version; resolve the file to a lock first
    "#);
}

const CYCLONEDX: &str = r#"{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [
    {"bom-ref": "f", "name": "flask", "version": "3.0.0", "purl": "pkg:pypi/flask@3.0.0",
     "hashes": [{"alg": "SHA-256", "content": "{A}"}, {"alg": "MD5", "content": "0"}],
     "externalReferences": [{"type": "distribution", "url": "https://files.example/flask-3.0.0.tar.gz",
        "hashes": [{"alg": "SHA-256", "content": "{B}"}]}],
     "components": [{"bom-ref": "w", "name": "werkzeug", "purl": "pkg:pypi/werkzeug"}]},
    {"name": "left-pad", "purl": "pkg:npm/left-pad@1.0"}, {"name": "os"}],
  "dependencies": [{"ref": "f", "dependsOn": ["w", "pkg:pypi/click@8"]}]}"#;

#[test]
fn cyclonedx_is_read() {
    insta::assert_snapshot!(shown("bom.json", CYCLONEDX), @r#"
    CycloneDX
    -: flask 3.0.0 [ab] files=flask-3.0.0.tar.gz wants=werkzeug,click
    -: werkzeug ? [] files= wants=
    -: not "pkg:npm/left-pad@1.0": it is no Python package
    -: not "os": it has no package URL
    "#);
}

const SPDX: &str = r#"{"spdxVersion": "SPDX-2.3", "packages": [
    {"SPDXID": "f", "name": "flask", "versionInfo": "3.0.0", "packageFileName": "./flask-3.0.0.tar.gz",
     "checksums": [{"algorithm": "SHA256", "checksumValue": "{A}"}],
     "externalRefs": [{"referenceType": "purl", "referenceLocator": "pkg:pypi/flask"}]},
    {"SPDXID": "w", "name": "werkzeug",
     "externalRefs": [{"referenceType": "purl", "referenceLocator": "pkg:pypi/werkzeug@3.0"}]},
    {"SPDXID": "r", "name": "root"}],
  "relationships": [
    {"spdxElementId": "f", "relationshipType": "DEPENDS_ON", "relatedSpdxElement": "w"},
    {"spdxElementId": "w", "relationshipType": "DEPENDENCY_OF", "relatedSpdxElement": "f"}]}"#;

#[test]
fn spdx_is_read() {
    insta::assert_snapshot!(shown("sbom.json", SPDX), @r#"
    SPDX
    -: flask 3.0.0 [a] files=flask-3.0.0.tar.gz wants=werkzeug
    -: werkzeug 3.0 [] files= wants=
    -: not "root": it has no package URL
    "#);
    assert_eq!(
        shown("sbom.json", r#"{"@graph": []}"#),
        "not a sound SPDX file: its spdxVersion is not SPDX-2.x; write it as SPDX 2.3 or as CycloneDX"
    );
}

#[test]
fn a_file_is_known_by_its_content_where_its_name_says_nothing() {
    for (text, expected) in [
        (PYLOCK, LockFormat::Pylock),
        (UV, LockFormat::Uv),
        (POETRY, LockFormat::Poetry),
        (PDM, LockFormat::Pdm),
        (PIPFILE, LockFormat::Pipfile),
        (REQUIREMENTS, LockFormat::Requirements),
        (CYCLONEDX, LockFormat::CycloneDx),
        (SPDX, LockFormat::Spdx),
    ] {
        assert_eq!(detect("", text.as_bytes()), Some(expected), "{expected}");
        let marked = format!("\u{feff}{text}");
        assert!(read("", marked.as_bytes()).is_ok(), "{expected}");
    }
    for text in ["", "x", "[a]\nb = 1", "{}", "[]", "{"] {
        assert_eq!(
            read("x", text.as_bytes()),
            Err(LockError::Unknown),
            "{text:?}"
        );
    }
}

#[test]
fn what_is_unsound_is_told_with_its_place() {
    for (name, text, expected) in [
        (
            "uv.lock",
            "version = 1\n[[package",
            "not a sound uv.lock file: line 2: ",
        ),
        (
            "poetry.lock",
            "a = 1",
            "not a sound poetry.lock file: it has no [metadata]",
        ),
        (
            "Pipfile.lock",
            "{\n\n",
            "not a sound Pipfile.lock file: line 3: it is not JSON",
        ),
        (
            "Pipfile.lock",
            "[]",
            "not a sound Pipfile.lock file: it is not a JSON object",
        ),
        (
            "x.cdx.json",
            "{}",
            "not a sound CycloneDX file: its bomFormat is not CycloneDX",
        ),
    ] {
        let error = read(name, text.as_bytes()).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
    assert_eq!(read("a.txt", b"\xff"), Err(LockError::NotText));
    assert_eq!(
        read("a.txt", &vec![b' '; MAX_LOCK_BYTES + 1]),
        Err(LockError::TooLarge)
    );
    let many: String = (0..=MAX_LOCK_ENTRIES)
        .map(|number| format!("a{number}==1\n"))
        .collect();
    assert_eq!(read("a.txt", many.as_bytes()), Err(LockError::TooMany));
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(read("uv.lock", format!("a = {deep}").as_bytes()).is_err());
    assert!(read("Pipfile.lock", format!("{{\"a\": {deep}}}").as_bytes()).is_err());
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for format in LockFormat::ALL {
            let _ = read_as(format, &bytes);
        }
        let _ = read("", &bytes);
    }

    #[test]
    fn no_damage_to_a_sound_file_makes_it_panic(
        which in 0..8_usize, from in 0..1000_usize, cut in 0..40_usize, put in "[ -~]{0,6}",
    ) {
        let text = [PYLOCK, UV, POETRY, PDM, PIPFILE, REQUIREMENTS, CYCLONEDX, SPDX][which];
        let from = from % text.len();
        let to = (from + cut).min(text.len());
        let damaged = format!("{}{put}{}", &text[..from], &text[to..]);
        let _ = read_as(LockFormat::ALL[which], damaged.as_bytes());
        let _ = read("", damaged.as_bytes());
    }

    #[test]
    fn no_requirement_line_makes_it_panic(text in "[a-z0-9=<>~!\\[\\];#@ \\\\\n.-]{0,80}") {
        let _ = read("requirements.txt", text.as_bytes());
    }
}

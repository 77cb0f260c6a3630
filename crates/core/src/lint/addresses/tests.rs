//! Addresses of every format, and that there and back is the identity for whatever is in the file.

use proptest::prelude::*;

use super::*;

const FROM: &str = "http://gateway.example/simple/";
const TO: &str = "https://index.example/simple";

const UV: &str = r#"version = 1

[[package]]
name = "foo"
version = "1.0"
source = { registry = "http://gateway.example/simple" }
sdist = { url = "http://gateway.example/files/foo/foo-1.0.tar.gz", hash = "sha256:0000000000000000000000000000000000000000000000000000000000000000", size = 1 }
wheels = [
    { url = "http://gateway.example/files/foo/foo-1.0%2B1-py3-none-any.whl", hash = "sha256:1111111111111111111111111111111111111111111111111111111111111111" },
]

[[package]]
name = "self"
version = "0"
source = { editable = "." }
"#;

const POETRY: &str = r#"[[package]]
name = "foo"
version = "1.0"
files = [
    {file = "foo-1.0.tar.gz", hash = "sha256:0000000000000000000000000000000000000000000000000000000000000000"},
]

[package.source]
type = "legacy"
url = "http://gateway.example/simple"
reference = "acme"

[[package]]
name = "bar"
version = "1.0"

[package.source]
type = "git"
url = "http://gateway.example/simple"
"#;

const PDM: &str = r#"[metadata]
lock_version = "4.5.0"

[[package]]
name = "foo"
version = "1.0"
files = [
    {url = "http://gateway.example/files/foo/foo-1.0.tar.gz", hash = "sha256:0000000000000000000000000000000000000000000000000000000000000000"},
    {file = "foo-1.0-py3-none-any.whl", hash = "md5:0"},
]
"#;

const PYLOCK: &str = r#"lock-version = "1.0"

[[packages]]
name = "foo"
version = "1.0"
index = "http://gateway.example/simple/"
wheels = [{ name = "foo-1.0.whl", url = "http://gateway.example/files/foo/foo-1.0.whl", hashes = { sha256 = "1111111111111111111111111111111111111111111111111111111111111111" } }]

[[packages]]
name = "bar"
archive = { url = "http://gateway.example/files/bar.zip" }
"#;

const PIPFILE: &str = r#"{
    "_meta": {
        "sources": [
            { "name": "acme", "url": "http://gateway.example/simple/", "verify_ssl": true }
        ]
    },
    "default": {}
}
"#;

const REQUIREMENTS: &str = "# by hand --index-url http://gateway.example/simple\n\
    --index-url http://gateway.example/simple  # ours\n\
    --extra-index-url=https://other.example/simple\n\
    -i 'http://gateway.example/simple/'\nfoo==1.0\n--index-urls http://gateway.example/simple\n";

const ALL: [(LockFormat, &str); 6] = [
    (LockFormat::Uv, UV),
    (LockFormat::Poetry, POETRY),
    (LockFormat::Pdm, PDM),
    (LockFormat::Pylock, PYLOCK),
    (LockFormat::Pipfile, PIPFILE),
    (LockFormat::Requirements, REQUIREMENTS),
];

#[test]
fn every_format_tells_its_indexes_and_files() {
    for (format, text) in ALL {
        let found = addresses(format, text).expect("a sound lock");
        for address in &found.indexes {
            assert_eq!(text[address.at.clone()], address.url);
        }
        let indexes: Vec<&str> = found.indexes.iter().map(|one| one.url.as_str()).collect();
        let files: Vec<String> = found
            .files
            .iter()
            .map(|file| {
                let has = |is: bool, word: &'static str| if is { word } else { "" };
                let digest = has(file.sha256.is_some(), " hashed");
                let address = has(file.address.is_some(), " addressed");
                let index = has(file.index.is_some(), " indexed");
                format!("{}{digest}{address}{index}", file.filename)
            })
            .collect();
        let (expected, expected_files): (&[&str], &[&str]) = match format {
            LockFormat::Uv => (
                &["http://gateway.example/simple"],
                &[
                    "foo-1.0.tar.gz hashed addressed indexed",
                    "foo-1.0+1-py3-none-any.whl hashed addressed indexed",
                ],
            ),
            LockFormat::Poetry => (
                &["http://gateway.example/simple"],
                &["foo-1.0.tar.gz hashed indexed"],
            ),
            LockFormat::Pdm => (
                &[],
                &[
                    "foo-1.0.tar.gz hashed addressed",
                    "foo-1.0-py3-none-any.whl",
                ],
            ),
            LockFormat::Pylock => (
                &["http://gateway.example/simple/"],
                &["foo-1.0.whl hashed addressed indexed"],
            ),
            LockFormat::Pipfile => (&["http://gateway.example/simple/"], &[]),
            _ => (
                &[
                    "http://gateway.example/simple",
                    "https://other.example/simple",
                    "http://gateway.example/simple/",
                ],
                &[],
            ),
        };
        assert_eq!(indexes, expected, "{format}");
        assert_eq!(files, expected_files, "{format}");
    }
}

fn moved(format: LockFormat, text: &str, from: &str, to: &str) -> String {
    let found = addresses(format, text).expect("a sound lock");
    edited(text, &index_edits(&found, from, to)).expect("plain addresses")
}

#[test]
fn there_and_back_is_the_identity_and_nothing_else_is_touched() {
    for (format, text) in ALL {
        let there = moved(format, text, FROM, TO);
        assert_eq!(
            there.contains("index.example"),
            format != LockFormat::Pdm,
            "{format}"
        );
        assert_eq!(there.lines().count(), text.lines().count());
        assert_eq!(moved(format, &there, TO, FROM), text, "{format}");
    }
}

#[test]
fn what_is_no_lock_has_no_addresses() {
    for (format, text) in [
        (LockFormat::Uv, "= nothing"),
        (LockFormat::Pipfile, "{"),
        (LockFormat::Spdx, "{}"),
    ] {
        assert!(addresses(format, text).is_err(), "{format}");
    }
}

#[test]
fn an_address_that_would_need_quoting_is_not_written() {
    let edit = |with: &str| Edit {
        at: 0..1,
        with: with.to_owned(),
    };
    for with in ["a\"b", "a'b", "a\\b", "a b", "a\nb"] {
        assert_eq!(edited("x", &[edit(with)]), None, "{with:?}");
    }
    assert_eq!(edited("xy", &[edit("ab")]), Some("aby".to_owned()));
    assert_eq!(edited("xy", &[edit("a"), edit("b")]), None, "they overlap");
    let outside = Edit {
        at: 5..9,
        with: String::new(),
    };
    assert_eq!(edited("xy", &[outside]), None);
}

/// Lines of requirements, of which some name the index.
fn requirements() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        "[a-z]{1,8}==[0-9]\\.[0-9]",
        Just("--index-url http://gateway.example/simple".to_owned()),
        Just("-i http://gateway.example/simple/ # comment".to_owned()),
        Just("  --extra-index-url=\"http://gateway.example/simple\"".to_owned()),
        "\\PC{0,40}",
    ];
    let ending = prop_oneof![Just("\n"), Just("\r\n")];
    let lines = prop::collection::vec((line, ending), 0..20);
    lines.prop_map(|lines| {
        let each = lines.iter();
        each.map(|(line, ending)| format!("{line}{ending}"))
            .collect()
    })
}

proptest! {
    #[test]
    fn there_and_back_is_the_identity_for_any_requirements(text in requirements()) {
        // A file that names both has no way back.
        prop_assume!(!text.contains("index.example"));
        let there = moved(LockFormat::Requirements, &text, FROM, TO);
        prop_assert_eq!(moved(LockFormat::Requirements, &there, TO, FROM), text);
    }

    #[test]
    fn there_and_back_is_the_identity_for_any_versions_of_uv(
        names in prop::collection::vec("[a-z]{1,8}", 0..8),
        comment in "[^\\r\\n\\p{Cc}]{0,20}",
    ) {
        let package = |name: &String| UV.replace("version = 1\n", "").replace("foo", name);
        let packages: String = names.iter().map(package).collect();
        let text = format!("version = 1 # {comment}\n{packages}");
        let there = moved(LockFormat::Uv, &text, FROM, TO);
        prop_assert_eq!(moved(LockFormat::Uv, &there, TO, FROM), text);
    }

    #[test]
    fn hostile_texts_have_places_inside_of_themselves(text in any::<String>()) {
        for (format, _) in ALL {
            if let Ok(found) = addresses(format, &text) {
                for address in &found.indexes {
                    prop_assert_eq!(&text[address.at.clone()], &address.url);
                }
            }
        }
    }
}

//! pip's own parser of requirements files as an oracle: over thousands of generated files we tell the names,
//! specifiers, URLs, markers, hashes and options that it tells, and see something wrong where it refuses a file.
//!
//! The parsers are those of the clients in `PORTCULLIS_CLIENTS`, an old pip and a current one.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use portcullis_core::lint::contents::{
    Contents, Included, Origin, Place, PlaceRole, Role, Setting, Wanted,
};
use portcullis_core::lint::{FileKind, ProjectFile};
use portcullis_core::pypi::version::Version;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::clients;

#[derive(Deserialize)]
struct Answers {
    pip: String,
    answers: Vec<Value>,
}

/// A difference that is meant: on which texts, before which pip, and why.
struct Difference {
    applies: fn(&str) -> bool,
    before: &'static str,
    #[expect(dead_code, reason = "it is there to be read")]
    reason: &'static str,
}

const DIFFERENCES: &[Difference] = &[
    Difference {
        applies: |text| text.contains(">=x"),
        before: "24.1",
        reason: "old pips knew versions that PEP 440 does not know",
    },
    Difference {
        applies: |text| text.contains("===1.0;"),
        before: "24.1",
        reason: "behind === old pips took the semicolon for a part of the version",
    },
];

impl Difference {
    fn explains(&self, text: &str, pip: &str) -> bool {
        let version = |text: &str| text.parse::<Version>().unwrap();
        version(pip) < version(self.before) && (self.applies)(text)
    }
}

#[test]
fn requirements_files_say_what_pip_reads_in_them() {
    let Some(clients) = clients::folder() else {
        return;
    };
    let texts = texts();
    for client in ["pip", "pip-23.2"] {
        let answers = ask(&clients.join(client).join("bin/python"), &texts);
        assert_eq!(answers.answers.len(), texts.len());
        let pairs = texts.iter().zip(&answers.answers);
        let unexplained: Vec<String> = pairs
            .filter(|(text, _)| !is_explained(text, &answers.pip))
            .filter_map(|(text, theirs)| difference(text, theirs))
            .take(20)
            .collect();
        let accepted = answers
            .answers
            .iter()
            .filter(|one| one.get("refused").is_none());
        assert!(
            accepted.count() > texts.len() / 2,
            "the inputs are not worth asking"
        );
        assert!(
            unexplained.is_empty(),
            "pip {}:\n{}",
            answers.pip,
            unexplained.join("\n")
        );
    }
}

fn ask(python: &Path, texts: &[String]) -> Answers {
    let mut child = Command::new(python)
        .args(["-I", "-c", include_str!("ask_pip.py")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{} does not start: {error}", python.display()));
    let mut input = child.stdin.take().unwrap();
    input
        .write_all(json!(texts).to_string().as_bytes())
        .unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{} failed", python.display());
    serde_json::from_slice(&output.stdout).unwrap()
}

fn is_explained(text: &str, pip: &str) -> bool {
    let mut differences = DIFFERENCES.iter();
    differences.any(|difference| difference.explains(text, pip))
}

/// What pip and we tell differently of a file.
fn difference(text: &str, theirs: &Value) -> Option<String> {
    let kind = FileKind::Requirements;
    let file = ProjectFile::read("requirements.txt", kind, text.to_owned(), &[]);
    if let Some(why) = theirs.get("refused") {
        let sees_it = sees_something_wrong(&file.contents);
        return (!sees_it)
            .then(|| format!("{text:?}: pip refuses it ({why}), we see nothing wrong"));
    }
    let ours = told(&file.contents);
    (ours != *theirs).then(|| format!("{text:?}:\n  ours   {ours}\n  theirs {theirs}"))
}

/// pip also refuses hashes of weak algorithms, which have a rule of their own.
fn sees_something_wrong(contents: &Contents) -> bool {
    let hashes = contents.wanted.iter().flat_map(|wanted| &wanted.hashes);
    let mut algorithms = hashes.map(|hash| hash.algorithm.as_str());
    let is_unknown = |wanted: &Wanted| matches!(wanted.origin, Origin::Unknown(_));
    !contents.unread.is_empty()
        || contents.wanted.iter().any(is_unknown)
        || algorithms.any(|algorithm| !matches!(algorithm, "sha256" | "sha384" | "sha512"))
}

fn told(contents: &Contents) -> Value {
    let wanted: Vec<Value> = contents.wanted.iter().map(wanted).collect();
    let places = contents.places.iter().map(place);
    let settings = contents.settings.iter().map(setting);
    let included = contents.included.iter().map(included);
    let mut options: Vec<(String, String)> = places.chain(settings).chain(included).collect();
    options.sort();
    // A flag that is given twice is given.
    options.dedup_by(|one, other| one == other && one.1 == "true");
    json!({ "wanted": wanted, "options": options })
}

fn wanted(wanted: &Wanted) -> Value {
    let mut hashes: Vec<String> = wanted
        .hashes
        .iter()
        .map(|hash| format!("{}:{}", hash.algorithm, hash.digest))
        .collect();
    hashes.sort();
    let words = |marker: &String| marker.split_whitespace().collect::<Vec<_>>().join(" ");
    let marker = wanted.marker.as_ref().map(words);
    match &wanted.origin {
        Origin::Path(path) => json!({ "path": path, "hashes": hashes }),
        Origin::Url { url } if wanted.spelled.contains("@ ") => {
            json!({ "name": wanted.name, "url": url, "marker": marker, "hashes": hashes })
        }
        Origin::Url { url } => json!({ "url": url, "marker": marker, "hashes": hashes }),
        Origin::Index(specifiers) => {
            let mut specifiers: Vec<String> = specifiers.iter().map(ToString::to_string).collect();
            specifiers.sort();
            json!({
                "name": wanted.name,
                "specifiers": specifiers,
                "marker": marker,
                "hashes": hashes,
            })
        }
        other => json!(format!("{other:?}")),
    }
}

fn place(place: &Place) -> (String, String) {
    let name = match place.role {
        PlaceRole::Default => "index-url",
        PlaceRole::Merged => "extra-index-url",
        PlaceRole::FindLinks => "find-links",
        _ => "another place",
    };
    (name.to_owned(), place.url.clone())
}

fn setting(setting: &Setting) -> (String, String) {
    (setting.key.clone(), setting.value.clone())
}

fn included(included: &Included) -> (String, String) {
    let name = match included.role {
        Role::Constraint => "constraint",
        _ => "requirement",
    };
    (name.to_owned(), included.path.clone())
}

/// The same texts in every run: lines that are often right, broken in the ways in which people break them.
fn texts() -> Vec<String> {
    let chance = &mut Chance(0x2545_f491_4f6c_dd1d);
    let mut texts = Vec::new();
    for _ in 0..3000 {
        let lines = 1 + chance.below(3);
        let lines: Vec<String> = (0..lines).map(|_| line(chance)).collect();
        let ends = ["\n", "\r\n", "\n\n", "\n# comment\n", "\r"];
        texts.push(lines.join(chance.one(&ends)) + chance.one(&["", "\n"]));
    }
    texts
}

fn line(chance: &mut Chance) -> String {
    let said = match chance.below(10) {
        0 | 1 => option(chance),
        2 => format!("{}{}", chance.one(&["./x", "../x", "./x[a]"]), hash(chance)),
        3 => format!(
            "{}{}{}",
            chance.one(&[
                "https://a.example/x-1.0.zip",
                "x @ https://a.example/x.whl",
                "X.y[a] @ http://a.example/f"
            ]),
            chance.one(&["", " ; python_version < \"3.8\""]),
            hash(chance)
        ),
        4 => chance
            .one(&[
                "flask=3", "flask 3", "?", "flask>=x", "flask ; ", "-e .", "-e ./x", "[a]",
                "a==1;b",
            ])
            .to_owned(),
        _ => requirement(chance),
    };
    let front = chance.one(&["", "", "", "  ", "\t"]);
    let back = chance.one(&["", "", "", " # why", "  ", " #", "#no comment"]);
    let joined = match chance.below(6) {
        0 => said.replacen(
            ' ',
            chance.one(&[" \\\n    ", "\\\n ", " \\\n", " \\\n# c\n"]),
            1,
        ),
        _ => said,
    };
    format!("{front}{joined}{back}")
}

fn requirement(chance: &mut Chance) -> String {
    let name = chance.one(&["flask", "Flask_X", "a.b-c", "x", "A--b", "six"]);
    let extras = chance.one(&["", "", "", "[a]", "[a,b.c]", "[]"]);
    let specifiers = chance.one(&[
        "",
        "==1.0",
        " >= 1.0",
        ">=1.0,<2",
        "~=1.4",
        "==1.*",
        "!=1.5",
        " (>=1.0)",
        "===1.0",
        " == 1.0 , != 2.0",
    ]);
    let marker = chance.one(&[
        "",
        "",
        "",
        " ; python_version < \"3.8\"",
        ";os_name == \"nt\"",
        "; sys_platform == \"win32\" and python_version >= \"3.9\"",
    ]);
    format!("{name}{extras}{specifiers}{marker}{}", hash(chance))
}

fn hash(chance: &mut Chance) -> String {
    let digest = "0123456789abcdef".repeat(4);
    let count = [0, 0, 0, 0, 1, 2][chance.below(6)];
    let one = |chance: &mut Chance| {
        let algorithm = chance.one(&["sha256", "sha256", "sha512", "md5"]);
        let sign = chance.one(&["=", "=", " "]);
        format!(
            "{}--hash{sign}{algorithm}:{digest}",
            chance.one(&[" ", " \\\n    ", "  "])
        )
    };
    (0..count).map(|_| one(chance)).collect()
}

fn option(chance: &mut Chance) -> String {
    let one = |chance: &mut Chance| {
        chance.one(&[
            "-i https://a.example/",
            "-ihttps://a.example/",
            "--index-url=https://a.example/",
            "--pypi-url https://a.example/",
            "--extra-index-url https://b.example/",
            "--extra https://b.example/",
            "-f ./wheels",
            "--find-links 'a b'",
            "--trusted-host a.example",
            "--pre",
            "--no-index",
            "--prefer-binary",
            "--require-hashes",
            "-r a.txt",
            "-ra.txt",
            "--requirement=\"a b.txt\"",
            "-c c.txt",
            "--constraint c.txt",
            "--no-such",
            "--pre=1",
            "-z",
            "--require",
            "--index",
            "--hash=sha256:00",
            "--find-links \"a",
            "--no-inde",
        ])
    };
    match chance.below(4) {
        0 => format!(
            "{} {}",
            one(chance),
            chance.one(&["--pre", "--no-index", "-f x", "flask"])
        ),
        _ => one(chance).to_owned(),
    }
}

/// A generator of numbers (splitmix64), so that a failure is the same one the next time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % end as u64) as usize
    }

    fn one(&mut self, choices: &[&'static str]) -> &'static str {
        choices[self.below(choices.len())]
    }
}

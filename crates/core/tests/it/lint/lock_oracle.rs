//! Whether a lock is that of its project: poetry, pdm, pipenv and uv are asked themselves, in their environments
//! in `PORTCULLIS_CLIENTS`, about every combination of what may stand in such a file.

use portcullis_core::lint::{FileKind, Project, ProjectFile, check};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::clients;

/// Asks a tool; `None` where there are no clients.
fn ask<Q: Serialize, A: DeserializeOwned>(tool: &str, question: &Q) -> Option<A> {
    clients::ask(tool, "tests/it/lint/locks.py", (tool, question))
}

fn is_stale(files: &[(&str, &str)]) -> bool {
    let read = |(path, text): &(&str, &str)| {
        let kind = FileKind::of(path).unwrap();
        ProjectFile::read(path, kind, (*text).to_owned(), &[])
    };
    let mut files: Vec<ProjectFile> = files.iter().map(read).collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let project = Project {
        files,
        ..Project::default()
    };
    let report = check(&project);
    report
        .findings
        .iter()
        .any(|finding| finding.rule == "stale-lock")
}

/// Every choice of one part of each list, joined.
fn combinations(parts: &[&[&str]]) -> Vec<String> {
    parts.iter().fold(vec![String::new()], |all, choices| {
        let longer = all.iter().flat_map(|front| {
            choices
                .iter()
                .map(move |choice| format!("{front}{choice}\n"))
        });
        longer.collect()
    })
}

const PROJECT: &[&str] = &[
    "",
    "[project]\nname = \"app\"\nversion = \"1\"",
    "[project]\nname = \"app\"\nversion = \"1\"\nrequires-python = \">=3.9\"\ndependencies = [\"a>=1\", \"b ; os_name == 'é\\u007f'\"]",
    "[project]\nname = \"app\"\nversion = \"1\"\ndependencies = []\n[project.optional-dependencies]\nx = ['a\\\\b', \"c\"]\ny = []",
];

const GROUPS: &[&str] = &[
    "",
    "[dependency-groups]",
    "[dependency-groups]\ndev = [\"a\", \"b>=2\"]\nDocs_more = [{include-group = \"dev\"}]",
];

const POETRY: &[&str] = &[
    "[tool.poetry]\nname = \"app\"",
    "[tool.poetry]\nname = \"app\"\n[tool.poetry.dependencies]\npython = \"^3.9\"\na = {version = \"^1\", extras = [\"x\"], optional = true}",
    "[tool.poetry.group.dev.dependencies]\na = \"*\"\n[tool.poetry.extras]\nx = [\"a\"]",
    "[tool.poetry.dev-dependencies]\nb = \"~1\"\n[[tool.poetry.source]]\nname = \"acme\"\nurl = \"https://a.example/\"\npriority = \"explicit\"",
];

#[test]
fn a_lock_is_fresh_for_us_where_it_is_for_poetry() {
    let texts = combinations(&[PROJECT, GROUPS, POETRY]);
    let Some(digests) = ask::<_, Vec<String>>("poetry", &texts) else {
        return;
    };
    let lock =
        |digest: &str| format!("[metadata]\nlock-version = \"2.1\"\ncontent-hash = \"{digest}\"\n");
    compare("poetry.lock", "pyproject.toml", &texts, &digests, lock);
}

#[test]
fn a_lock_is_fresh_for_us_where_it_is_for_pdm() {
    let own = [
        "",
        "[[tool.pdm.source]]\nname = \"acme\"\nurl = \"https://a.example/\"\nverify_ssl = false",
        "[tool.pdm.dev-dependencies]\ndev = [\"c\"]\n\"Other__x\" = [\"-e file:///x\"]\n[tool.pdm.resolution]\nrespect-source-order = true\n[tool.pdm.resolution.overrides]\na = \"1.0\"",
    ];
    let texts = combinations(&[&PROJECT[1..], GROUPS, &own]);
    let Some(digests) = ask::<_, Vec<String>>("pdm", &texts) else {
        return;
    };
    let lock = |digest: &str| {
        format!("[metadata]\nlock_version = \"4.5.0\"\ncontent_hash = \"{digest}\"\n")
    };
    compare("pdm.lock", "pyproject.toml", &texts, &digests, lock);
}

#[test]
fn a_lock_is_fresh_for_us_where_it_is_for_pipenv() {
    let source =
        "[[source]]\nname = \"a\"\nurl = \"https://${USER}@a.example/simple\"\nverify_ssl = true";
    let texts = combinations(&[
        &[source],
        &[
            "[packages]",
            "[packages]\nFlask_X = \"*\"\nb = {version = \">=1\", extras = [\"é\"]}",
        ],
        &["", "[dev-packages]\nc = \"*\"", "[docs]\nSphinx = \"*\""],
        &["", "[requires]\npython_version = \"3.11\""],
        &[
            "",
            "[scripts]\nx = \"y\"\n[pipenv]\nallow_prereleases = true",
        ],
    ]);
    let Some(digests) = ask::<_, Vec<String>>("pipenv", &texts) else {
        return;
    };
    let lock = |digest: &str| {
        format!(r#"{{"_meta": {{"hash": {{"sha256": "{digest}"}}, "pipfile-spec": 6}}}}"#)
    };
    compare("Pipfile.lock", "Pipfile", &texts, &digests, lock);
}

/// Each text is fresh with its own digest, and stale with that of the next text that has another one.
fn compare(
    lock_name: &str,
    name: &str,
    texts: &[String],
    digests: &[String],
    lock: impl Fn(&str) -> String,
) {
    assert_eq!(texts.len(), digests.len());
    for (position, (text, digest)) in texts.iter().zip(digests).enumerate() {
        let fresh = lock(digest);
        assert!(
            !is_stale(&[(lock_name, &fresh), (name, text)]),
            "stale for us alone:\n{text}"
        );
        let next = digests[position..]
            .iter()
            .chain(digests)
            .find(|other| *other != digest);
        let stale = lock(next.unwrap());
        // The digest of an older version of the tool may be that of another text.
        let is_same_for_older = stale_is_fresh_for_older(text, next.unwrap(), texts, digests);
        if !is_same_for_older {
            assert!(
                is_stale(&[(lock_name, &stale), (name, text)]),
                "fresh for us alone:\n{text}"
            );
        }
    }
}

/// Whether `digest` belongs to a text that has less than `text`, which older versions did not digest.
fn stale_is_fresh_for_older(
    text: &str,
    digest: &str,
    texts: &[String],
    digests: &[String],
) -> bool {
    let others = texts
        .iter()
        .zip(digests)
        .filter(|(_, other)| *other == digest);
    let mut lines = others.map(|(other, _)| {
        other
            .lines()
            .all(|line| text.lines().any(|own| own == line))
    });
    lines.any(|is_part| is_part)
}

#[test]
fn a_lock_is_fresh_for_us_where_it_is_for_uv() {
    let project = |dependencies: &str, rest: &str| {
        format!(
            "[project]\nname = \"app\"\nversion = \"1\"\nrequires-python = \">=3.9\"\ndependencies = [{dependencies}]\n{rest}\n[tool.uv]\npackage = false\n"
        )
    };
    let texts = [
        project("", ""),
        project("\"a\"", ""),
        project("\"A >=1, <3\"", ""),
        project("\"a<3,>=1\"", ""),
        project("\"a[extra]<3,>=1\"", ""),
        project("\"a~=1.0\", \"b==2.*\"", ""),
        project(
            "\"a\"",
            "[project.optional-dependencies]\nx = [\"b>=2\"]\nall = [\"app[x]\", \"c\"]",
        ),
        project("\"a\"", "[dependency-groups]\ndev = [\"b>=2\"]"),
        project(
            "\"a\"",
            "[dependency-groups]\ndev = [\"b>=2\"]\nmore = [{include-group = \"dev\"}, \"c\"]",
        ),
        project(
            "\"a\", \"b>=2\"",
            "[tool.uv.sources]\nb = { path = \"wheels/b-2.0-py3-none-any.whl\" }",
        ),
    ];
    let pairs = texts
        .iter()
        .flat_map(|one| texts.iter().map(move |other| (one, other)));
    let pairs: Vec<(&String, &String)> = pairs.collect();
    let Some(answers) = ask::<_, Vec<(String, bool)>>("uv", &pairs) else {
        return;
    };
    let mut missed = Vec::new();
    for (number, ((before, after), (lock, is_fresh))) in pairs.iter().zip(answers).enumerate() {
        let is_stale = is_stale(&[("pyproject.toml", after), ("uv.lock", &lock)]);
        assert!(
            !(is_stale && is_fresh),
            "stale for us alone, locked:\n{before}\nnow:\n{after}\n{lock}"
        );
        if !is_stale && !is_fresh {
            missed.push((number / texts.len(), number % texts.len()));
        }
    }
    // What moves from an extra to a group, or comes from elsewhere now, is the same requirement for us.
    assert_eq!(missed, [(6, 8), (7, 9), (8, 6), (9, 7)]);
}

//! The second half of `docs/check.md` is derived from the rules of `portcullis check`, each of which finds its own
//! example.

use std::fmt::Write as _;
use std::path::Path;

use portcullis_core::lint::project::Organisation;
use portcullis_core::lint::{FileKind, Project, ProjectFile, RULES, Rule, check};

/// What stands between what people write and what is derived.
const MARK: &str = "<!-- What follows is derived from the rules: PORTCULLIS_UPDATE_DOCS=1 cargo test -p \
                    portcullis-core check_page -->\n";

#[test]
fn the_page_of_checks_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/check.md");
    let found = std::fs::read_to_string(&path).unwrap();
    let (written, _) = found.split_once(MARK).expect("the page has its mark");
    let text = format!("{written}{MARK}{}", reference());
    if std::env::var_os("PORTCULLIS_UPDATE_DOCS").is_some() {
        std::fs::write(&path, &text).unwrap();
        return;
    }
    assert_eq!(
        found, text,
        "refresh docs/check.md: PORTCULLIS_UPDATE_DOCS=1 cargo test -p portcullis-core check_page"
    );
}

fn reference() -> String {
    let mut text =
        String::from("\n## Rules\n\n| rule | severity | what it finds |\n|---|---|---|\n");
    for rule in RULES {
        let (id, severity, summary) = (rule.id(), rule.severity(), rule.summary());
        let _ = writeln!(text, "| [`{id}`](#{id}) | {severity} | {summary} |");
    }
    for rule in RULES {
        let (path, example) = rule.example();
        let _ = write!(
            text,
            "\n### {}\n\n{}\n\nIt objects to this `{path}`:\n\n```\n{}\n```\n",
            rule.id(),
            rule.manual(),
            example.trim_end(),
        );
    }
    text
}

#[test]
fn every_rule_finds_its_example() {
    let mut blind = Vec::new();
    for rule in RULES
        .iter()
        .filter(|rule| !is_python(**rule) && !rule.reads_an_index())
    {
        let (path, text) = rule.example();
        let kind = FileKind::of_python(path, text).unwrap_or_else(|| panic!("{path} matters not"));
        let file = ProjectFile::read(path, kind, text.to_owned(), &[]);
        let finds = |files| finds(*rule, files);
        if !finds(vec![file.clone()]) && !finds(beside_others(file)) {
            blind.push(rule.id());
        }
        assert!(
            rule.summary().len() < 100 && !rule.summary().ends_with('.'),
            "{}",
            rule.id()
        );
    }
    assert_eq!(blind, [""; 0]);
}

const PIPFILE: &str = "[[source]]\nurl = \"https://packages.acme.example/simple\"\nverify_ssl = true\n\
                       name = \"acme\"\n\n[packages]\nflask = \"*\"\n\n[requires]\n";

/// Some rules are about several files: a lock beside what it locks, and what a command installs from.
fn beside_others(file: ProjectFile) -> Vec<ProjectFile> {
    let hashed = format!("flask==3.1.0 --hash=sha256:{}\n", "5f".repeat(32));
    let mut files = vec![file];
    for (beside, kind, text) in [
        ("uv.lock", FileKind::UvLock, "version = 1\n"),
        ("poetry.lock", FileKind::PoetryLock, ""),
        ("Pipfile", FileKind::Pipfile, PIPFILE),
        ("requirements.txt", FileKind::Requirements, &hashed),
    ] {
        if files[0].path != beside {
            files.push(ProjectFile::read(beside, kind, text.to_owned(), &[]));
        }
    }
    files
}

fn finds(rule: &dyn Rule, mut files: Vec<ProjectFile>) -> bool {
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let project = Project {
        files,
        organisation: Organisation {
            owned: vec!["acme-*".parse().unwrap()],
            indexes: vec!["https://gateway.acme.example/simple/".to_owned()],
        },
        ..Project::default()
    };
    let found = check(&project).findings;
    found.iter().any(|finding| finding.rule == rule.id())
}

/// Whether the example is Python, for which a parser is needed: the command itself tries those.
fn is_python(rule: &dyn Rule) -> bool {
    FileKind::of(rule.example().0).is_some_and(FileKind::is_python)
}

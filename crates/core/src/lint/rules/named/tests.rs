//! The rules that read what an index or a gateway says, over contents made by hand.

use super::*;
use crate::inspection::Severity;
use crate::lint::FileKind;
use crate::lint::check::check;
use crate::lint::contents::{GivenHash, LockedFile, LockedPackage, Role, Tool, Wanted};
use crate::lint::rule::Rule;
use crate::lint::rules::rule;
use crate::pypi::name::NamePattern;

/// `requirements.txt`, one requirement a line, with the digits of its hashes behind it.
fn requirements(lines: &[(&str, &[&str])]) -> ProjectFile {
    let mut text = String::new();
    let mut contents = Contents::default();
    for (requirement, digits) in lines {
        let at = text.len()..text.len() + requirement.len();
        text.push_str(requirement);
        let mut hashes = Vec::new();
        for digit in *digits {
            text.push(' ');
            let digest = digit.repeat(64);
            let start = text.len();
            text.push_str(&digest);
            let algorithm = "sha256".to_owned();
            let at = start..text.len();
            hashes.push(GivenHash {
                algorithm,
                digest,
                at,
            });
        }
        text.push('\n');
        let parsed: crate::pypi::requirement::Requirement = requirement.parse().expect("one");
        contents.wanted.push(Wanted {
            spelled: (*requirement).to_owned(),
            at,
            name: Some(parsed.name),
            origin: Origin::Index(parsed.specifiers),
            hashes,
            role: Role::Runtime,
            tool: Tool::Pip,
            index: None,
            partly_known: false,
            marker: None,
            by: None,
        });
    }
    ProjectFile {
        path: "requirements.txt".to_owned(),
        kind: FileKind::Requirements,
        text,
        contents,
    }
}

fn project(lines: &[(&str, &[&str])]) -> Project {
    Project {
        files: vec![requirements(lines)],
        ..Project::default()
    }
}

fn know(project: &mut Project, name: &str, version: &str, known: KnownRelease) {
    let key = (name.parse().expect("a name"), version.parse().expect("one"));
    project.known.insert(key, Fact::Known(known));
}

fn know_project(project: &mut Project, name: &str, known: KnownProject) {
    let name = name.parse().expect("a name");
    project.known_projects.insert(name, Fact::Known(known));
}

fn there() -> KnownRelease {
    KnownRelease {
        exists: true,
        files: vec![
            ("a".repeat(64), "foo-1.0.whl".to_owned()),
            ("b".repeat(64), "foo-1.0.tar.gz".to_owned()),
        ],
        ..KnownRelease::default()
    }
}

/// What rules find that read what an index says: rule, severity, message and what is marked.
fn found(project: &Project) -> Vec<String> {
    let mut findings = check(project).findings;
    findings.retain(|finding| rule(finding.rule).is_some_and(Rule::reads_an_index));
    let line = |finding: &Finding| {
        let marked = &project.files[0].text[finding.at.clone()];
        let marked = marked.get(..10).unwrap_or(marked);
        let more = finding.also.len();
        let severity = finding.severity;
        format!(
            "{} {severity:?} {} [{marked}]+{more}",
            finding.rule, finding.message
        )
    };
    findings.iter().map(line).collect()
}

#[test]
fn what_is_not_known_is_no_finding() {
    let mut project = project(&[("foo==1.0", &["c"])]);
    assert_eq!(found(&project), [""; 0]);
    let key = ("foo".parse().expect("a name"), "1.0".parse().expect("one"));
    let unknown = Fact::Unknown("the index did not answer".into());
    project.known.insert(key, unknown);
    let unknown = Fact::Unknown("the index did not answer".into());
    project
        .known_projects
        .insert("foo".parse().expect("a name"), unknown);
    assert_eq!(found(&project), [""; 0]);
}

#[test]
fn what_is_well_is_no_finding() {
    let mut project = project(&[("foo==1.0", &["a"]), ("foo>=1", &[])]);
    know(&mut project, "foo", "1.0", there());
    let exists = KnownProject {
        exists: true,
        status: Some(("deprecated".to_owned(), None)),
    };
    know_project(&mut project, "foo", exists);
    assert_eq!(found(&project), [""; 0]);
}

#[test]
fn a_release_is_marked_where_each_file_names_it_first() {
    let mut project = project(&[("foo==1.0", &[]), ("Foo==1.0.0", &[]), ("foo==2.0", &[])]);
    let yanked = |reason: &str| KnownRelease {
        yanked: Some(reason.to_owned()),
        ..there()
    };
    know(&mut project, "foo", "1.0", yanked("it deletes files"));
    know(&mut project, "foo", "2.0", yanked(""));
    assert_eq!(
        found(&project),
        [
            "yanked-version Medium foo 1.0 was withdrawn by its project: it deletes files [foo==1.0]+1",
            "yanked-version Medium foo 2.0 was withdrawn by its project [foo==2.0]+0",
        ]
    );
}

#[test]
fn refusals_are_in_the_words_of_the_gateway() {
    let mut project = project(&[("foo==1.0", &[])]);
    let refused = KnownRelease {
        refused: Some("Portcullis holds foo 1.0: published 2 days ago (too-young)".to_owned()),
        nearest: "0.9".parse().ok(),
        remedy: Some("wait until it is older".to_owned()),
        ..there()
    };
    know(&mut project, "foo", "1.0", refused);
    let finding = check(&project).findings.remove(0);
    assert_eq!(finding.rule, "refused-by-gateway");
    assert_eq!(finding.help, "use foo 0.9, or wait until it is older");
    assert!(finding.message.contains("too-young"));
}

#[test]
fn removed_releases_and_names_of_nobody_are_two_findings() {
    let mut project = project(&[("foo==1.0", &[]), ("acme-tools", &[]), ("fooo", &[])]);
    project.organisation.owned = vec!["acme-*".parse::<NamePattern>().expect("a pattern")];
    know(&mut project, "foo", "1.0", KnownRelease::default());
    let exists = KnownProject {
        exists: true,
        status: None,
    };
    know_project(&mut project, "foo", exists);
    know_project(&mut project, "acme-tools", KnownProject::default());
    know_project(&mut project, "fooo", KnownProject::default());
    assert_eq!(
        found(&project),
        [
            "removed-version High the index does not have foo 1.0 [foo==1.0]+0",
            "unclaimed-internal-name High nobody has published acme-tools, a name of the \
             organisation's [acme-tools]+0",
            "unclaimed-internal-name High no index has fooo [fooo]+0",
        ]
    );
}

#[test]
fn the_status_of_a_project_is_told_with_its_reason() {
    let mut project = project(&[("foo==1.0", &[]), ("bar", &[])]);
    let status = |status: &str, reason: Option<&str>| KnownProject {
        exists: true,
        status: Some((status.to_owned(), reason.map(str::to_owned))),
    };
    know_project(&mut project, "foo", status("quarantined", None));
    know_project(&mut project, "bar", status("archived", Some("use foo")));
    assert_eq!(
        found(&project),
        [
            "quarantined-project Critical the index has quarantined foo [foo==1.0]+0",
            "archived-project Low bar is archived: use foo [bar]+0",
        ]
    );
}

#[test]
fn a_hash_is_right_of_another_file_or_of_nobody() {
    for (digits, expected) in [
        (&["a", "b"][..], &[][..]),
        (
            &["d"],
            &["wrong-hash High a hash of foo 1.0 is that of foo-0.9.whl [dddddddddd]+0"],
        ),
        (
            &["c"],
            &[
                "wrong-hash High no file of foo 1.0 on the index has the hash that is given [cccccccccc]+0",
            ],
        ),
        (
            &["a", "c", "e"],
            &[
                "wrong-hash Low no file of foo 1.0 on the index has one of the hashes [cccccccccc]+1",
            ],
        ),
    ] {
        let mut project = project(&[("foo==1.0", digits)]);
        let known = KnownRelease {
            elsewhere: vec![("d".repeat(64), "foo-0.9.whl".to_owned())],
            ..there()
        };
        know(&mut project, "foo", "1.0", known);
        assert_eq!(found(&project), expected, "{digits:?}");
    }
}

#[test]
fn without_the_digests_of_the_index_no_hash_is_wrong() {
    let mut project = project(&[("foo==1.0", &["c"])]);
    let undigested = KnownRelease {
        files: Vec::new(),
        ..there()
    };
    know(&mut project, "foo", "1.0", undigested);
    assert_eq!(found(&project), [""; 0]);
}

#[test]
fn locks_are_held_to_the_same() {
    let digest = "c".repeat(64);
    let locked = |origin: LockedOrigin| LockedPackage {
        name: "foo".parse().expect("a name"),
        version: "1.0".parse().ok(),
        at: 0..3,
        origin,
        files: vec![LockedFile {
            location: "foo-1.0.whl".to_owned(),
            at: 0..3,
            hashes: vec![GivenHash {
                algorithm: "sha256".to_owned(),
                digest: digest.clone(),
                at: 4..68,
            }],
        }],
        hashes: Vec::new(),
    };
    for (origin, expected) in [
        (LockedOrigin::Index(None), 2),
        (LockedOrigin::Path(".".to_owned()), 0),
    ] {
        let mut project = project(&[]);
        project.files[0].text = format!("foo {digest}");
        project.files[0].contents.locked.push(locked(origin));
        let known = KnownRelease {
            yanked: Some(String::new()),
            ..there()
        };
        know(&mut project, "foo", "1.0", known);
        assert_eq!(found(&project).len(), expected);
        let severities = check(&project).findings;
        assert!(
            severities
                .iter()
                .all(|one| one.severity >= Severity::Medium)
        );
    }
}

//! Findings that are quieted, and ignores that quiet nothing.

use super::*;
use crate::inspection::Severity;
use crate::lint::contents::{Contents, Setting, Tool};
use crate::lint::file::FileKind;
use crate::settings::Document;

/// A project with one file, in which every `--trusted-host` is a setting.
fn trusting(text: &str) -> Project {
    let settings = text
        .match_indices("--trusted-host")
        .map(|(at, key)| Setting {
            tool: Tool::Pip,
            key: "trusted-host".to_owned(),
            value: "a.example".to_owned(),
            at: at..at + key.len(),
            value_at: at..at + key.len(),
            by: None,
        });
    let file = ProjectFile {
        path: "requirements.txt".to_owned(),
        kind: FileKind::Requirements,
        text: text.to_owned(),
        contents: Contents {
            settings: settings.collect(),
            ..Contents::default()
        },
    };
    Project {
        files: vec![file],
        ..Project::default()
    }
}

fn settings(text: &str) -> Settings {
    let file = "portcullis-check.toml";
    Settings::in_own_file(Document { file, text }).expect("sound")
}

fn ids(report: &Report) -> Vec<&'static str> {
    report.findings.iter().map(|finding| finding.rule).collect()
}

#[test]
fn comments_quiet_their_line_and_no_other() {
    let why = "# portcullis: ignore[trusted-host] a lab";
    for (text, expected, ignored) in [
        (format!("--trusted-host a  {why}\n"), &[][..], 1),
        (format!("{why}\n--trusted-host a\n"), &[], 1),
        (
            format!("--trusted-host a\n--trusted-host b  {why}\n"),
            &["trusted-host"],
            1,
        ),
        (
            format!("{why}\n\n--trusted-host a\n"),
            &["unused-ignore", "trusted-host"],
            0,
        ),
        (
            "--trusted-host a  # portcullis: ignore[trusted-host]\n".to_owned(),
            &["trusted-host", "ignore-without-reason"],
            0,
        ),
        (
            "--trusted-host a  # portcullis: ignore all\n".to_owned(),
            &["trusted-host", "unknown-rule"],
            0,
        ),
        (format!("flask  {why}\n"), &["unused-ignore"], 0),
    ] {
        let report = check(&trusting(&text));
        assert_eq!(
            (&ids(&report)[..], report.ignored.len()),
            (expected, ignored),
            "{text}"
        );
    }
}

#[test]
fn the_reason_is_kept_with_what_is_ignored() {
    let text = "--trusted-host a  # portcullis: ignore[trusted-host] a lab\n";
    let report = check(&trusting(text));
    assert_eq!(report.ignored[0].reason, "a lab");
    assert_eq!(report.ignored[0].by, IgnoredBy::Comment);
    let exception = "ignore = [{ rule = \"trusted-host\", path = \"*.txt\", reason = \"b\" }]";
    let report = check_as(&trusting(text), &settings(exception), &Asked::default());
    assert_eq!(report.ignored[0].reason, "b");
    assert_eq!(ids(&report), ["unused-ignore"]);
}

#[test]
fn settings_have_the_last_word() {
    let text = "--trusted-host a\n";
    for (said, expected) in [
        ("", Some(Severity::High)),
        ("rules = { trusted-host = \"off\" }", None),
        ("rules = { trusted-host = \"info\" }", Some(Severity::Info)),
        (
            "ignore = [{ rule = \"trusted-host\", reason = \"x\" }]",
            None,
        ),
        (
            "ignore = [{ rule = \"trusted-host\", path = \"ci\", reason = \"x\" }]",
            Some(Severity::High),
        ),
    ] {
        let asked = Asked {
            rules: vec!["trusted-host".to_owned()],
            extent: Extent::Whole,
        };
        let report = check_as(&trusting(text), &settings(said), &asked);
        let severity = report.findings.first().map(|finding| finding.severity);
        assert_eq!(severity, expected, "{said}");
    }
}

#[test]
fn an_exception_without_a_finding_is_found_where_all_was_seen() {
    let said = "ignore = [{ rule = \"trusted-host\", path = \"ci\", reason = \"x\" }]";
    for (extent, expected) in [(Extent::Whole, &["unused-ignore"][..]), (Extent::Part, &[])] {
        let asked = Asked {
            rules: Vec::new(),
            extent,
        };
        let report = check_as(&trusting("flask\n"), &settings(said), &asked);
        assert_eq!(ids(&report), expected);
        if let Some(finding) = report.findings.first() {
            assert_eq!(finding.path, "portcullis-check.toml");
            assert!(said[finding.at.clone()].starts_with("{ rule"));
        }
    }
}

#[test]
fn a_rule_that_did_not_speak_leaves_its_ignores_alone() {
    let text = "flask  # portcullis: ignore[trusted-host] a lab\n";
    let off = settings("rules = { trusted-host = \"off\" }");
    assert_eq!(
        ids(&check_as(&trusting(text), &off, &Asked::default())),
        [""; 0]
    );
    let asked = Asked {
        rules: vec!["unused-ignore".to_owned()],
        extent: Extent::Whole,
    };
    assert_eq!(
        ids(&check_as(&trusting(text), &Settings::default(), &asked)),
        [""; 0]
    );
}

/// A finding about three lines, with an edit in each.
fn of_three_lines(text: &str) -> Finding {
    let places: Vec<Span> = text.match_indices('a').map(|(at, _)| at..at + 1).collect();
    let edit = |at: &Span| Edit {
        at: at.clone(),
        with: "b".to_owned(),
    };
    Finding {
        rule: "trusted-host",
        severity: Severity::High,
        path: "requirements.txt".to_owned(),
        at: places[0].clone(),
        also: places[1..].to_vec(),
        message: String::new(),
        why: String::new(),
        help: String::new(),
        fix: Some(super::super::rule::Fix {
            what: String::new(),
            edits: places.iter().map(edit).collect(),
            together: None,
        }),
        unmended: None,
    }
}

#[test]
fn a_place_of_several_is_quieted_by_itself() {
    let text = "a # portcullis: ignore[trusted-host] x\n1 2 3\n\n\n";
    let project = trusting(text);
    let settings = Settings::default();
    let mut quiet = Quiet::new(&project, &settings);
    let mut report = Report::default();
    let mut finding = of_three_lines("a");
    finding.also = vec![39..40, 41..42];
    finding.fix = of_three_lines("a").fix.map(|mut fix| {
        fix.edits.push(Edit {
            at: 41..42,
            with: String::new(),
        });
        fix
    });
    quiet.sort(finding, &mut report);
    assert_eq!(report.ignored[0].finding.at, 0..1);
    let left = &report.findings[0];
    assert_eq!(
        (left.at.clone(), left.also.first()),
        (39..40, Some(&(41..42)))
    );
    let edits = &left.fix.as_ref().expect("one is left").edits;
    assert_eq!(edits.len(), 1);
    assert_eq!(edits[0].at, 41..42);
}

#[test]
fn findings_come_by_file_and_place() {
    let text = "flask # portcullis: ignore[nonesuch] x\n--trusted-host a\n--trusted-host b\n";
    let found: Vec<usize> = check(&trusting(text))
        .findings
        .iter()
        .map(|one| one.at.start)
        .collect();
    assert!(found.is_sorted() && found.len() == 3, "{found:?}");
}

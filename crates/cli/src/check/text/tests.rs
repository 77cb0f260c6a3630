//! Findings as they are shown.

use std::time::Duration;

use portcullis_core::lint::{Edit, Finding, Fix};

use super::super::answer::Lines;
use super::super::discovery::Unchecked;
use super::*;

fn finding(text: &str, marked: &str, also: &[&str]) -> Finding {
    let at = |part: &&str| {
        let start = text.find(*part).unwrap();
        start..start + part.len()
    };
    Finding {
        rule: "trusted-host",
        severity: Severity::High,
        path: "requirements.txt".to_owned(),
        at: at(&marked),
        also: also.iter().map(at).collect(),
        message: "pip accepts any certificate of packages.acme.example".to_owned(),
        why: "whoever is on the way can answer in its place, and nobody who installs would see it"
            .to_owned(),
        help: "name the authority that signed its certificate (pip: --cert)".to_owned(),
        fix: Some(Fix {
            what: "take the option out".to_owned(),
            edits: vec![Edit {
                at: at(&marked),
                with: String::new(),
            }],
            together: None,
        }),
        unmended: None,
    }
}

fn shown<'a>(finding: &'a Finding, text: &'a str) -> Shown<'a> {
    let lines = Lines::of(text);
    Shown {
        finding,
        path: finding.path.clone(),
        text,
        secrets: Vec::new(),
        place: lines.place(&finding.at),
        also: finding.also.iter().map(|at| lines.place(at)).collect(),
    }
}

fn answer(findings: Vec<Shown<'_>>) -> Answer<'_> {
    Answer {
        findings,
        ignored: Vec::new(),
        checked: vec!["requirements.txt".to_owned(), "setup.py".to_owned()],
        unchecked: vec![Unchecked {
            path: "uv.lock".to_owned(),
            line: Some(7),
            why: "it is not TOML: something that takes more than one line to be told, because it \
                  is so long"
                .to_owned(),
        }],
        fail_on: Severity::Medium,
        elapsed: Duration::from_millis(31),
    }
}

#[test]
fn a_finding_is_shown_with_its_line_and_what_to_do() {
    let text = "flask\n--trusted-host packages.acme.example\none\ntwo\nthree\nfour\n";
    let finding = finding(
        text,
        "--trusted-host packages.acme.example",
        &["one", "two", "four"],
    );
    let text = all(&answer(vec![shown(&finding, text)]), Look::Plain, 80);
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
    insta::assert_snapshot!(text);
}

#[test]
fn nothing_found_is_told_in_a_line() {
    let mut answer = answer(Vec::new());
    answer.unchecked.clear();
    assert_eq!(
        all(&answer, Look::Plain, 80),
        "No findings in 2 files · 0.03 s\n"
    );
}

#[test]
fn a_long_line_is_cut_around_what_is_marked() {
    let text = format!("{}MARKED{}", "x".repeat(5000), "y".repeat(5000));
    let finding = finding(&text, "MARKED", &[]);
    let (line, marked) = line(&shown(&finding, &text), 70).unwrap();
    assert_eq!(&line[marked], "MARKED");
    assert_eq!(line.chars().count(), 70);
}

#[test]
fn passwords_are_covered_and_terminals_not_steered() {
    let text = "a\u{1b}[31m http://me:s\u{e9}cret@a.example/ \u{202e}MARKED";
    let finding = finding(text, "MARKED", &[]);
    let mut shown = shown(&finding, text);
    let secret = text.find("s\u{e9}cret").unwrap();
    shown.secrets.push(secret..secret + "s\u{e9}cret".len());
    let (line, marked) = line(&shown, 80).unwrap();
    assert_eq!(
        line,
        "a\u{fffd}[31m http://me:******@a.example/ \u{fffd}MARKED"
    );
    assert_eq!(&line[marked], "MARKED");
}

#[test]
fn lines_are_told_in_runs() {
    let place = |line| Place {
        line,
        column: 1,
        end_line: line,
        end_column: 2,
    };
    for (lines, expected) in [
        (vec![3], "line 3"),
        (vec![3, 4, 5, 9], "lines 3-5, 9"),
        (
            (0..10).map(|line| 2 * line + 1).collect(),
            "lines 1, 3, 5, 7, 9, 11, 13, 15 and 2 more places",
        ),
    ] {
        let places: Vec<Place> = lines.into_iter().map(place).collect();
        assert_eq!(runs(&places), expected);
    }
}

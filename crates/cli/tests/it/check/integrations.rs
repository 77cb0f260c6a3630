//! What hooks, pipelines and editors are given: tried where that needs nothing but a shell.

use std::path::{Path, PathBuf};

use regex::Regex;
use serde_json::Value;

use super::{Repository, program_folder, stdout};

const BAD: &str = "--trusted-host a.example\nflask==3.1.0\n";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The script of the last step of the action.
fn script() -> String {
    let action = text("action.yml");
    let (_, script) = action.rsplit_once("run: |\n").unwrap();
    let lines = script
        .lines()
        .map(|line| line.strip_prefix("        ").unwrap_or(line));
    lines.map(|line| format!("{line}\n")).collect()
}

#[test]
fn the_action_annotates_and_fails_as_the_check_does() {
    let repository = Repository::new(&[("requirements.txt", BAD), ("b c/readme.md", "")]);
    for (paths, fail_on, sarif, code) in [
        (".", "", "", 1),
        (".", "critical", "out.sarif", 0),
        ("b c\n.", "", "", 1),
        ("b c", "", "", 0),
        ("absent", "", "", 2),
    ] {
        let mut command = repository.program("bash");
        let path = format!("{}:/usr/bin:/bin", program_folder().display());
        command
            .args(["-e", "-o", "pipefail", "-c", &script()])
            .envs([
                ("PATH", path.as_str()),
                ("CHECK_PATHS", paths),
                ("CHECK_FAIL_ON", fail_on),
            ])
            .envs([("CHECK_GATEWAY", ""), ("CHECK_SARIF", sarif)]);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{paths:?}: {output:?}");
        if code == 1 {
            assert!(
                stdout(&output).contains("::error file=requirements.txt,line=1"),
                "{output:?}"
            );
        }
        if !sarif.is_empty() {
            let document: Value = serde_json::from_str(&repository.read(sarif)).unwrap();
            assert_eq!(document["version"], "2.1.0");
        }
    }
}

#[test]
fn what_pre_commit_and_gitlab_run_is_understood() {
    let hooks = text(".pre-commit-hooks.yaml");
    let entries = hooks
        .lines()
        .filter_map(|line| line.trim().strip_prefix("entry: portcullis check"));
    let jobs = text("integrations/gitlab.yml");
    let scripts = jobs
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- portcullis check"));
    let scripts = scripts.map(|line| line.split('>').next().unwrap_or_default());
    let all: Vec<&str> = entries.chain(scripts).collect();
    assert_eq!(all.len(), 3, "{all:?}");
    for arguments in all {
        let repository = Repository::new(&[("requirements.txt", BAD)]);
        let arguments: Vec<&str> = arguments.split_whitespace().collect();
        let output = repository.check(&arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {output:?}");
    }
}

/// Applies the patterns of a matcher to consecutive lines, as editors do, and names what they catch.
fn matched(matcher: &Value, screen: &str) -> Vec<(String, String, String, String)> {
    let patterns = matcher["pattern"].as_array().unwrap();
    let regexes: Vec<Regex> = patterns
        .iter()
        .map(|pattern| Regex::new(pattern["regexp"].as_str().unwrap()).unwrap())
        .collect();
    let lines: Vec<&str> = screen.lines().collect();
    let mut all = Vec::new();
    for window in lines.windows(patterns.len()) {
        let captures: Option<Vec<_>> = regexes
            .iter()
            .zip(window)
            .map(|(regex, line)| regex.captures(line))
            .collect();
        let Some(captures) = captures else { continue };
        let group = |name: &str| {
            let mut of = patterns.iter().zip(&captures);
            let found = of.find_map(|(pattern, captures)| {
                let group = usize::try_from(pattern[name].as_u64()?).unwrap();
                Some(captures[group].to_owned())
            });
            found.unwrap_or_default()
        };
        all.push((group("file"), group("line"), group("column"), group("code")));
    }
    all
}

#[test]
fn editors_and_github_find_the_places_in_the_text() {
    let repository = Repository::new(&[
        ("a/requirements.txt", BAD),
        (
            "requirements.txt",
            "flask # portcullis: ignore[trusted-host] x\n",
        ),
    ]);
    let output = repository.check(&[
        "--machine",
        "none",
        "--rule",
        "trusted-host",
        "--rule",
        "unused-ignore",
    ]);
    let screen = stdout(&output);
    let place = |path: &str, column: &str, rule: &str| {
        (
            path.to_owned(),
            "1".to_owned(),
            column.to_owned(),
            rule.to_owned(),
        )
    };
    let expected = [
        place("a/requirements.txt", "1", "trusted-host"),
        place("requirements.txt", "28", "unused-ignore"),
    ];
    for file in [
        "integrations/vscode-tasks.json",
        "integrations/github-problem-matcher.json",
    ] {
        let document: Value = serde_json::from_str(&text(file)).unwrap();
        let matchers = match document.get("problemMatcher") {
            Some(matchers) => matchers.clone(),
            None => document["tasks"][0]["problemMatcher"].clone(),
        };
        let mut found: Vec<_> = matchers
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|matcher| matched(matcher, screen))
            .collect();
        found.sort();
        assert_eq!(found, expected, "{file}: {screen}");
    }
}

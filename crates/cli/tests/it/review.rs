//! `portcullis review` as people meet it: beside the server and over the API the same is shown, in 80
//! columns, with what to do at the end.

use std::process::{Command, Output, Stdio};

use portcullis_fixtures::{FixtureIndex, ListedFile, wheel};
use serde_json::Value;

use crate::gateway::{self, Gateway};

const POLICY: &str = "[rules.wheel-only]\neffect = 'deny'\n[rules.too-young]\nmode = 'off'\n\
                      [rules.sdist-only]\nmode = 'off'\n";

fn place() -> (FixtureIndex, Gateway) {
    let index = FixtureIndex::start_blocking();
    let old = |file: ListedFile| file.upload_time("2020-01-01T00:00:00Z");
    index.offer_metadata();
    index.add(old(portcullis_fixtures::sdist("leaf", "0.9").into()));
    index.add(old(wheel("leaf", "1.0").requires("twig").into()));
    let gateway = gateway::before(&index)
        .policy(POLICY)
        .reading_with_token()
        .start();
    (index, gateway)
}

fn said(output: &Output) -> String {
    format!(
        "[{}]\n{}{}",
        output.status.code().unwrap(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// Runs the command where there is no gateway, with nothing but its address and a token.
fn over_the_api(gateway: &Gateway, token: &str, arguments: &[&str]) -> String {
    let elsewhere = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    command
        .env_clear()
        .current_dir(elsewhere.path())
        .stdin(Stdio::null());
    command
        .env("PORTCULLIS_GATEWAY", gateway.url())
        .env("PORTCULLIS_TOKEN", token);
    said(&command.arg("review").args(arguments).output().unwrap())
}

fn here(gateway: &Gateway, arguments: &[&str]) -> String {
    let arguments: Vec<&str> = ["review"].iter().chain(arguments).copied().collect();
    said(&gateway.output(&arguments))
}

fn must_fit(text: &str) {
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{line}\nin\n{text}");
    }
}

macro_rules! assert_screen {
    ($text:expr) => {{
        let text = $text;
        must_fit(&text);
        insta::with_settings!({filters => vec![
            (r"\d{4}-\d\d-\d\d\s+\d\d:\d\d UTC", "[moment]"),
            (r"127\.0\.0\.1:\d+", "[gateway]"),
            (r"command line \([a-z]+\)", "command line"),
        ]}, { insta::assert_snapshot!(text) });
    }};
}

#[test]
fn what_is_refused_is_asked_for_looked_at_and_decided() {
    let (_index, gateway) = place();
    let ann = gateway.token("ann", "read");
    let rita = gateway.token("rita", "review");
    let ask = [
        "request",
        "leaf==1.0",
        "--reason",
        "we need it",
        "--wanted-by",
        "web > leaf",
    ];
    assert_screen!(over_the_api(&gateway, &ann, &ask));
    assert_screen!(here(&gateway, &ask));
    assert_screen!(here(&gateway, &["list"]));
    assert_screen!(over_the_api(&gateway, &rita, &["show", "1"]));
    let as_json = |text: String| -> Value {
        let mut case: Value = serde_json::from_str(text.trim_start_matches("[0]\n")).unwrap();
        case["review"]["judged-at"] = Value::Null;
        case
    };
    let show = ["show", "1", "--format", "json"];
    assert_eq!(
        as_json(over_the_api(&gateway, &rita, &show)),
        as_json(here(&gateway, &show)),
        "both ways say the same"
    );
    let approve = ["approve", "1", "--reason", "read it", "--until", "30d"];
    assert_screen!(over_the_api(&gateway, &ann, &approve));
    assert_screen!(over_the_api(&gateway, &rita, &approve));
    assert_screen!(here(&gateway, &["approve", "1", "7", "--reason", "again"]));
    assert_screen!(here(&gateway, &["list", "--state", "all"]));
    assert_screen!(here(
        &gateway,
        &["withdraw", "1", "--reason", "a fix is out"]
    ));
    assert_screen!(here(&gateway, &["show", "1"]));
}

#[test]
fn all_of_a_project_is_denied_at_once() {
    let (_index, gateway) = place();
    for requirement in ["leaf==1.0", "leaf>=0.1"] {
        here(&gateway, &["request", requirement, "--reason", "needed"]);
    }
    let deny = [
        "deny",
        "--all-of",
        "leaf",
        "--reason",
        "abandoned",
        "--versions",
        "<2",
    ];
    assert_screen!(here(&gateway, &deny));
    assert_screen!(here(&gateway, &["list"]));
    assert_screen!(here(
        &gateway,
        &["deny", "--all-of", "leaf", "--reason", "abandoned"]
    ));
}

#[test]
fn mistakes_are_told_with_what_to_do() {
    let (_index, gateway) = place();
    let ann = gateway.token("ann", "read");
    assert_screen!(over_the_api(&gateway, "", &["list"]));
    assert_screen!(over_the_api(&gateway, &ann, &["show", "9"]));
    assert_screen!(here(&gateway, &["show", "9"]));
    assert_screen!(here(&gateway, &["request", "nowhere", "--reason", "x"]));
    assert_screen!(here(&gateway, &["request", "leaf", "--reason", " "]));
    assert_screen!(here(
        &gateway,
        &["request", "leaf", "--reason", "x", "--index", "other"]
    ));
}

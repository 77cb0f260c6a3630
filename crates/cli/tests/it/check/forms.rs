//! Exit codes, forms of the answer, and what holds from outside of the project.

use serde_json::Value;

use super::{Repository, stdout};

const TRUSTING: &str = "flask\n  --trusted-host a.example\n";

#[test]
fn a_check_ends_as_scripts_expect() {
    let repository = Repository::new(&[
        (
            "bad/requirements.txt",
            "--trusted-host a.example\nflask==3.1.0\n",
        ),
        (
            "mild/requirements.txt",
            "# portcullis: ignore[trusted-host] x\nflask==3.1.0\n",
        ),
        ("broken/pyproject.toml", "[project\n"),
        ("both/pyproject.toml", "[project\n"),
        ("both/requirements.txt", "--trusted-host a.example\n"),
        ("none/readme.md", "\n"),
        ("lax/portcullis-check.toml", "fail-on = \"critical\"\n"),
        ("lax/requirements.txt", "--trusted-host a.example\n"),
        ("wrong/portcullis-check.toml", "fail = \"critical\"\n"),
    ]);
    for (arguments, code) in [
        (&["bad", "--rule", "trusted-host"][..], 1),
        (
            &["bad", "--rule", "trusted-host", "--fail-on", "critical"],
            0,
        ),
        (&["mild", "--rule", "unused-ignore"], 0),
        (
            &[
                "mild",
                "--rule",
                "unused-ignore",
                "--rule",
                "trusted-host",
                "--fail-on",
                "low",
            ],
            1,
        ),
        (&["broken"], 3),
        (&["both"], 1),
        (&["none"], 0),
        (&["absent"], 2),
        (&["none/readme.md"], 3),
        (&["bad", "--rule", "nonesuch"], 2),
        (&["bad", "--fail-on", "bad"], 2),
        (&["bad", "--fix", "--diff"], 2),
        (&["lax", "--rule", "trusted-host"], 0),
        (&["lax", "--rule", "trusted-host", "--fail-on", "high"], 1),
        (&["wrong"], 2),
        (&["--list"], 0),
        (&["--list", "--format", "sarif"], 2),
    ] {
        let output = repository.check(arguments);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?}: {output:?}"
        );
    }
    let wrong = repository.check(&["wrong"]);
    let said = String::from_utf8_lossy(&wrong.stderr);
    assert!(
        said.contains("unknown key `fail`") && said.contains("portcullis-check.toml:1:1"),
        "{said}"
    );
}

#[test]
fn programs_are_told_everything() {
    let repository = Repository::new(&[
        (
            "requirements.txt",
            "--trusted-host a.example # portcullis: ignore[trusted-host] a lab\n--trusted-host b.example\n",
        ),
        ("sub/pyproject.toml", "[project\n"),
    ]);
    let output = repository.check(&["--format", "json", "--rule", "trusted-host"]);
    let said: Value = serde_json::from_str(stdout(&output)).unwrap();
    let finding = &said["findings"][0];
    assert_eq!(finding["id"], "trusted-host");
    assert_eq!(finding["severity"], "high");
    assert_eq!(finding["path"], "requirements.txt");
    assert_eq!(
        (&finding["line"], &finding["column"]),
        (&2.into(), &1.into())
    );
    assert!(
        finding["message"].as_str().unwrap().contains("b.example"),
        "{finding}"
    );
    assert_eq!(said["ignored"][0]["reason"], "a lab");
    assert_eq!(said["unchecked"][0]["path"], "sub/pyproject.toml");
    assert_eq!(said["summary"]["by_severity"]["high"], 1);
    assert_eq!(said["summary"]["unchecked"], 1);
}

#[test]
fn paths_are_those_that_one_sees() {
    let repository = Repository::new(&[
        (".git/HEAD", ""),
        (
            "a/requirements.txt",
            TRUSTING.trim_start_matches("flask\n  "),
        ),
        ("b/readme.md", ""),
    ]);
    for (folder, format, argument, expected) in [
        ("", "json", "a", "a/requirements.txt"),
        ("a", "json", ".", "requirements.txt"),
        ("b", "json", "../a", "../a/requirements.txt"),
        ("b", "sarif", "../a", "a/requirements.txt"),
        (
            "b",
            "github",
            "../a/requirements.txt",
            "file=a/requirements.txt,line=1",
        ),
        ("b", "junit", "..", "../a/requirements.txt"),
    ] {
        let mut command =
            repository.command(&[argument, "--format", format, "--rule", "trusted-host"]);
        let output = command
            .current_dir(repository.folder().join(folder))
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let said = stdout(&output);
        assert!(said.contains(expected), "{folder} {format}: {said}");
        let longer = format!("/{expected}");
        assert!(!said.contains(&longer), "{folder} {format}: {said}");
    }
}

/// What the parts that we write say; `sarif` holds documents against the official schema.
#[test]
fn the_document_for_code_review_is_sarif() {
    let repository = Repository::new(&[
        (
            "requirements.txt",
            "a # portcullis: ignore[trusted-hosts] ä\n--trusted-host a.example\n",
        ),
        ("ä b.sh", "echo\n"),
        ("pyproject.toml", "[project\n"),
        (
            "constraints.txt",
            "# portcullis: ignore[trusted-host] x\n--trusted-host a.example\n",
        ),
    ]);
    let output = repository.check(&["--format", "sarif"]);
    let said: Value = serde_json::from_str(stdout(&output)).unwrap();
    assert_eq!(said["version"], "2.1.0");
    assert!(
        said["$schema"]
            .as_str()
            .unwrap()
            .ends_with("sarif-schema-2.1.0.json")
    );
    let run = &said["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    assert_eq!(run["invocations"][0]["executionSuccessful"], false);
    let notification = &run["invocations"][0]["toolExecutionNotifications"][0];
    assert_eq!(keys(notification), ["level", "message", "locations"]);
    let results = run["results"].as_array().unwrap();
    let mut has_fix = false;
    let mut has_suppression = false;
    for result in results {
        let known = [
            "ruleId",
            "ruleIndex",
            "level",
            "message",
            "locations",
            "relatedLocations",
            "partialFingerprints",
            "properties",
            "fixes",
            "suppressions",
        ];
        assert!(
            keys(result).iter().all(|key| known.contains(key)),
            "{result}"
        );
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert!(["none", "note", "warning", "error"].contains(&result["level"].as_str().unwrap()));
        let physical = &result["locations"][0]["physicalLocation"];
        region(&physical["region"]);
        assert!(
            !physical["artifactLocation"]["uri"]
                .as_str()
                .unwrap()
                .contains(' ')
        );
        if let Some(fix) = result["fixes"].get(0) {
            let replacement = &fix["artifactChanges"][0]["replacements"][0];
            region(&replacement["deletedRegion"]);
            assert!(replacement["insertedContent"]["text"].is_string());
            has_fix = true;
        }
        if let Some(suppression) = result["suppressions"].get(0) {
            assert_eq!(suppression["kind"], "inSource");
            assert_eq!(suppression["justification"], "x");
            has_suppression = true;
        }
    }
    assert!(has_fix && has_suppression, "{said:#}");
}

fn keys(value: &Value) -> Vec<&str> {
    value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

fn region(region: &Value) {
    let of = |key: &str| region[key].as_u64().unwrap();
    assert!(of("startLine") >= 1 && of("startColumn") >= 1, "{region}");
    let start = (of("startLine"), of("startColumn"));
    assert!((of("endLine"), of("endColumn")) >= start, "{region}");
}

#[test]
fn what_holds_from_outside_is_told_where_it_is_serious() {
    let repository = Repository::new(&[("requirements.txt", "flask==3.1.0\n")]);
    let pip = repository.home().join(".config/pip");
    std::fs::create_dir_all(&pip).unwrap();
    std::fs::write(
        pip.join("pip.conf"),
        "# portcullis: ignore[trusted-host]\n[global]\n",
    )
    .unwrap();
    for (arguments, code) in [
        (&["--rule", "ignore-without-reason"][..], 0),
        (&["--rule", "ignore-without-reason", "--machine", "all"], 1),
        (&["--rule", "ignore-without-reason", "--machine", "none"], 0),
    ] {
        let output = repository.check(arguments);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?}: {output:?}"
        );
        if code == 1 {
            assert!(
                stdout(&output).contains(".config/pip/pip.conf:1"),
                "{output:?}"
            );
        }
    }
}

#[test]
fn the_output_for_tests_and_for_annotations() {
    let repository = Repository::new(&[
        (
            "requirements.txt",
            "--trusted-host a.example\n# portcullis: ignore[unknown] a & <b>\n",
        ),
        ("pyproject.toml", "[project\n"),
        ("setup.py", "from setuptools import setup\nsetup()\n"),
    ]);
    let rules = [
        "--rule",
        "trusted-host",
        "--rule",
        "unknown-rule",
        "--fail-on",
        "high",
    ];
    for format in ["junit", "github"] {
        let mut arguments = vec!["--format", format];
        arguments.extend(rules);
        let output = repository.check(&arguments);
        insta::with_settings!({
            filters => vec![(r#"time="[0-9.]+""#, "time=\"[time]\"")],
            snapshot_path => "../snapshots/check",
            omit_expression => true,
            prepend_module_to_snapshot => false,
        }, {
            insta::assert_snapshot!(format!("form-{format}"), stdout(&output));
        });
    }
}

//! `portcullis audit` as people and builds run it, and the tools that ask a gateway for advisories: pip-audit and uv.

use std::path::Path;
use std::process::{Command, Output};

use portcullis_fixtures::{FixtureIndex, wheel};
use serde_json::Value;
use tempfile::TempDir;

use crate::gateway::{Gateway, before};
use crate::program::{Clients, Desk};

/// An advisory about versions before 2.0 of `project`.
fn advisory(id: &str, project: &str, more: &str) -> String {
    format!(
        r#"{{"id":"{id}","modified":"2126-01-01T00:00:00Z","published":"2026-01-01T00:00:00Z",
        "summary":"a hole in {project}"{more},"affected":[{{
        "package":{{"ecosystem":"PyPI","name":"{project}"}},
        "ranges":[{{"type":"ECOSYSTEM","events":[{{"introduced":"0"}},{{"fixed":"2.0"}}]}}]}}]}}"#
    )
}

const HIGH: &str =
    r#","severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]"#;
const LOW: &str =
    r#","severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:L/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N"}]"#;

/// A folder with advisories in `osv/` and these files beside it.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    let advisories = [
        ("osv/PYSEC-1.json", advisory("PYSEC-1", "holed", HIGH)),
        ("osv/PYSEC-2.json", advisory("PYSEC-2", "dented", LOW)),
        ("osv/MAL-3.json", advisory("MAL-3", "evil", "")),
    ];
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    for (name, text) in &advisories {
        write(name, text);
    }
    for (name, text) in files {
        write(name, text);
    }
    folder
}

fn audit(folder: &TempDir, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .env_clear()
        .env("HOME", folder.path())
        .env("PORTCULLIS_CACHE", folder.path().join("kept"))
        .arg("audit")
        .args(arguments)
        .current_dir(folder.path())
        .output()
        .unwrap()
}

fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[test]
fn an_audit_ends_as_scripts_expect() {
    let folder = folder(&[
        ("clean.txt", "sound==1.0\n"),
        ("holed.txt", "holed==1.0\nsound==1.0\n"),
        ("dented.txt", "dented==1.0\n"),
        ("open.txt", "sound>=1\n"),
        ("both.txt", "holed==1.0\nsound>=1\n"),
        ("fixed.txt", "holed==2.0\n"),
        ("evil.txt", "evil==1.0\n"),
        ("osv-broken/x.json", "no record"),
        (
            "osv-broken/PYSEC-1.json",
            &advisory("PYSEC-1", "holed", HIGH),
        ),
        (
            "osv-old/x.json",
            &advisory("PYSEC-1", "holed", "").replace("2126", "2016"),
        ),
    ]);
    let known = ["--advisories", "osv"];
    for (arguments, code) in [
        (&["clean.txt"][..], 0),
        (&["holed.txt"], 1),
        (&["fixed.txt"], 0),
        (&["open.txt"], 3),
        (&["both.txt"], 1),
        (&["dented.txt", "--fail-on", "high"], 0),
        (&["evil.txt", "--fail-on", "critical"], 1),
        (
            &["holed.txt", "--ignore", "PYSEC-1", "--reason", "not used"],
            0,
        ),
        (
            &["open.txt", "--ignore", "sound", "--reason", "not installed"],
            0,
        ),
        (&["holed.txt", "--ignore", "PYSEC-1"], 2),
        (&["absent.txt"], 2),
        (&[], 2),
    ] {
        let arguments = [arguments, &known].concat();
        let output = audit(&folder, &arguments);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?}: {}",
            text(&output)
        );
    }
    for (advisories, code) in [("osv-broken", 3), ("osv-old", 3), ("absent", 2)] {
        let output = audit(&folder, &["clean.txt", "--advisories", advisories]);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{advisories}: {}",
            text(&output)
        );
    }
    let believed = [
        "clean.txt",
        "--advisories",
        "osv-old",
        "--max-age",
        "36500d",
    ];
    assert_eq!(audit(&folder, &believed).status.code(), Some(0));
    // Nothing to compare with is no reason to be content.
    let output = audit(&folder, &["clean.txt"]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
}

#[test]
fn what_was_kept_is_asked_later() {
    let folder = folder(&[("holed.txt", "holed==1.0\n")]);
    let output = audit(&folder, &["--update", "osv"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let output = audit(&folder, &["holed.txt"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    let kept = folder.path().join("kept/advisories.table");
    let bytes = std::fs::read(&kept).unwrap();
    std::fs::write(&kept, &bytes[..bytes.len() - 1]).unwrap();
    let output = audit(&folder, &["holed.txt"]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    assert!(text(&output).contains("--update"), "{}", text(&output));
}

#[test]
fn an_audit_is_shown_in_three_forms() {
    let folder = folder(&[(
        "requirements.txt",
        "evil==1.0\nholed==1.0\ndented==1.5\nsound>=1\n",
    )]);
    let arguments = ["requirements.txt", "--advisories", "osv"];
    insta::assert_snapshot!("audit-text", text(&audit(&folder, &arguments)));
    let output = audit(&folder, &[&arguments[..], &["--format", "json"]].concat());
    insta::assert_snapshot!("audit-json", text(&output));
    let output = audit(&folder, &[&arguments[..], &["--format", "sarif"]].concat());
    let sarif: Value = serde_json::from_slice(&output.stdout).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert_eq!(results.len(), 3);
    assert_eq!(results[0]["level"], "error");
    let region = &results[0]["locations"][0]["physicalLocation"]["region"];
    assert_eq!(region["startLine"], 1);
    let told = &sarif["runs"][0]["invocations"][0]["toolExecutionNotifications"];
    assert!(
        told[0]["message"]["text"]
            .as_str()
            .unwrap()
            .contains("sound")
    );
}

#[test]
fn pins_are_moved_and_no_hash_is_left_wrong() {
    let index = FixtureIndex::start_blocking();
    index.add(wheel("holed", "2.0").file("holed/__init__.py", "x = 1\n"));
    let hash = format!("--hash=sha256:{}", "a".repeat(64));
    let requirements = format!(
        "# ours\nholed == 1.0 ; python_version > '3'  # why\ndented==1.0 {hash}\nevil==1.0\n\
         sound==1.0\n"
    );
    let pyproject = "[project]\nname = \"x\"\nversion = \"1\"\n\
        dependencies = [\"holed==1.0\", 'sound>=1']  # these\n";
    let folder = folder(&[
        ("requirements.txt", &requirements),
        ("pyproject.toml", pyproject),
    ]);
    let url = index.simple_url();
    let given = ["requirements.txt", "pyproject.toml", "--advisories", "osv"];
    let output = audit(
        &folder,
        &[&given[..], &["--fix", "--index-url", &url]].concat(),
    );
    let said = text(&output);
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!(
        read("requirements.txt"),
        requirements.replace("holed == 1.0", "holed == 2.0"),
        "{said}"
    );
    assert!(said.contains("dented==1.0 is left as it is"), "{said}");
    assert!(said.contains("+holed == 2.0"), "{said}");
    assert_eq!(
        read("pyproject.toml"),
        pyproject.replace("holed==1.0", "holed==2.0"),
        "{said}"
    );

    // With the index knowing the files, the hashes move along.
    let one = wheel("dented", "2.0").file("dented/__init__.py", "x = 1\n");
    let digest = {
        use sha2::Digest as _;
        hex::encode(sha2::Sha256::digest(one.build()))
    };
    index.add(one);
    audit(
        &folder,
        &[&given[..], &["--fix", "--index-url", &url]].concat(),
    );
    let expected = format!("dented==2.0 --hash=sha256:{digest}");
    assert!(
        read("requirements.txt").contains(&expected),
        "{}",
        read("requirements.txt")
    );
}

/// A gateway with these advisories.
fn gateway(folder: &TempDir) -> Gateway {
    let index = FixtureIndex::start_blocking();
    for (project, version) in [("holed", "1.0"), ("sound", "1.0"), ("evil", "1.0")] {
        index.add(wheel(project, version).file(&format!("{project}/__init__.py"), "x = 1\n"));
    }
    let gateway = before(&index)
        .policy("[rules.malicious]\nmode = \"off\"\n")
        .start();
    // The index has to live as long as the gateway does, which is as long as the test.
    std::mem::forget(index);
    let osv = folder.path().join("osv");
    gateway.command(&["advisories", "import", osv.to_str().unwrap()]);
    let end = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while gateway.get("/osv/v1/vulns/PYSEC-1").status != 200 {
        assert!(
            std::time::Instant::now() < end,
            "the advisories do not arrive"
        );
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    gateway
}

#[test]
fn a_gateway_is_asked_in_one_question() {
    let folder = folder(&[
        ("holed.txt", "holed==1.0\nsound==1.0\n"),
        ("clean.txt", "sound==1.0\n"),
    ]);
    let gateway = gateway(&folder);
    for (file, code) in [("holed.txt", 1), ("clean.txt", 0)] {
        let output = audit(
            &folder,
            &[file, "--gateway", gateway.url(), "--format", "json"],
        );
        assert_eq!(output.status.code(), Some(code), "{}", text(&output));
    }
    let nobody = audit(&folder, &["clean.txt", "--gateway", "http://127.0.0.1:9"]);
    assert_eq!(nobody.status.code(), Some(2), "{}", text(&nobody));
}

#[test]
fn a_gateway_tells_what_is_exploited_and_how_likely_that_is() {
    let named = |id: &str, project: &str, cve: &str| {
        advisory(id, project, &format!(r#","aliases":["{cve}"]{HIGH}"#))
    };
    let folder = folder(&[
        ("requirements.txt", "holed==1.0\nsound==1.0\ndented==1.0\n"),
        (
            "osv/PYSEC-1.json",
            &named("PYSEC-1", "holed", "CVE-2026-0001"),
        ),
        (
            "osv/PYSEC-2.json",
            &named("PYSEC-2", "dented", "CVE-2026-0002"),
        ),
        (
            "osv/PYSEC-4.json",
            &named("PYSEC-4", "sound", "CVE-2026-0004"),
        ),
        (
            "kev.json",
            r#"{"vulnerabilities":[{"cveID":"CVE-2026-0002","dateAdded":"2026-01-02"}]}"#,
        ),
        (
            "epss.csv",
            "cve,epss,percentile\nCVE-2026-0001,0.01,0.2\nCVE-2026-0004,0.942,0.99\n",
        ),
    ]);
    let gateway = gateway(&folder);
    for (file, kind) in [("kev.json", "kev"), ("epss.csv", "epss")] {
        let path = folder.path().join(file);
        let path = path.to_str().unwrap();
        gateway.command(&["advisories", "import", path, "--kind", kind]);
    }
    let asked = ["requirements.txt", "--gateway", gateway.url()];
    let json = || -> Value {
        let output = audit(&folder, &[&asked[..], &["--format", "json"]].concat());
        assert_eq!(output.status.code(), Some(1), "{}", text(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let is_whole = |answer: &Value| {
        let first = &answer["findings"][0];
        !first["epss"].is_null() || first["exploited"] == true
    };
    let end = std::time::Instant::now() + std::time::Duration::from_secs(20);
    let mut answer = json();
    while !is_whole(&answer) || answer["findings"][1]["epss"].is_null() {
        assert!(std::time::Instant::now() < end, "{answer:#}");
        std::thread::sleep(std::time::Duration::from_millis(50));
        answer = json();
    }
    let said: Vec<String> = answer["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| format!("{} {} {}", one["id"], one["exploited"], one["epss"]))
        .collect();
    assert_eq!(
        said,
        [
            r#""PYSEC-2" true null"#,
            r#""PYSEC-4" false 0.942"#,
            r#""PYSEC-1" false 0.01"#,
        ]
    );
    // The same as with the files at hand.
    let files = [
        "--advisories",
        "osv",
        "--advisories",
        "kev.json",
        "--advisories",
        "epss.csv",
    ];
    let beside = ["requirements.txt", "--format", "json"];
    let local = audit(&folder, &[&beside[..], &files].concat());
    let local: Value = serde_json::from_slice(&local.stdout).unwrap();
    assert_eq!(local["findings"], answer["findings"]);
    let shown = text(&audit(&folder, &asked));
    let rows: Vec<&str> = shown
        .lines()
        .filter(|line| line.contains("PYSEC-"))
        .collect();
    assert!(
        rows[0].contains("PYSEC-2") && rows[0].contains("exploited"),
        "{shown}"
    );
    assert!(
        shown.contains("EPSS 94.2") && shown.contains("the gateway at "),
        "{shown}"
    );
}

#[test]
fn a_gateway_that_knows_nothing_answers_nothing() {
    let folder = folder(&[("clean.txt", "sound==1.0\n")]);
    let index = FixtureIndex::start_blocking();
    let gateway = before(&index).start();
    let asked = ["clean.txt", "--gateway", gateway.url()];
    let output = audit(&folder, &asked);
    let said = text(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("no advisories have been loaded yet"),
        "{said}"
    );
    assert!(said.contains("portcullis advisories update"), "{said}");
    // Somebody else's server is no gateway.
    let output = audit(&folder, &["clean.txt", "--gateway", &index.url()]);
    let said = text(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("is the address of a gateway"), "{said}");
}

#[test]
fn a_gateway_that_wants_a_token_is_asked_with_one() {
    let folder = folder(&[("holed.txt", "holed==1.0\n")]);
    let index = FixtureIndex::start_blocking();
    let gateway = before(&index).reading_with_token().start();
    let osv = folder.path().join("osv");
    gateway.command(&["advisories", "import", osv.to_str().unwrap()]);
    let output = audit(&folder, &["holed.txt", "--gateway", gateway.url()]);
    let said = text(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("PORTCULLIS_TOKEN"), "{said}");
    let token = gateway.token("auditor", "read");
    let address = gateway.url().trim_start_matches("http://");
    let url = format!("http://__token__:{token}@{address}/simple/");
    let end = std::time::Instant::now() + std::time::Duration::from_secs(20);
    loop {
        let output = audit(&folder, &["holed.txt", "--gateway", &url]);
        let said = text(&output);
        assert!(!said.contains(&token), "{said}");
        if output.status.code() == Some(1) {
            return;
        }
        assert!(std::time::Instant::now() < end, "{said}");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

#[test]
fn pip_audit_asks_the_gateway() {
    let Some(clients) = Clients::find() else {
        return;
    };
    let folder = folder(&[]);
    let gateway = gateway(&folder);
    let desk = Desk::new();
    let hash = "0".repeat(64);
    let run = |pins: &[&str]| {
        let lines = pins
            .iter()
            .map(|pin| format!("{pin} --hash=sha256:{hash}\n"));
        desk.write("requirements.txt", lines.collect::<String>());
        let mut command = desk.program(&clients.program("pip-audit", "pip-audit"));
        let url = format!("{}/osv/v1/query", gateway.url());
        command.args(["-s", "osv", "--osv-url", &url, "-r", "requirements.txt"]);
        command.args([
            "--disable-pip",
            "--require-hashes",
            "--progress-spinner",
            "off",
        ]);
        desk.run(&mut command)
    };
    let shown = run(&["holed==1.0", "sound==1.0"]);
    assert_eq!(shown.code, 1, "{}", shown.text);
    assert!(
        shown.text.contains("PYSEC-1") && shown.text.contains("2.0"),
        "{}",
        shown.text
    );
    let shown = run(&["sound==1.0"]);
    assert_eq!(shown.code, 0, "{}", shown.text);
}

/// A uv project that wants these, locked through the gateway.
fn locked_by_uv(clients: &Clients, gateway: &Gateway, desk: &Desk, wanted: &str) {
    desk.write(
        "pyproject.toml",
        format!(
            "[project]\nname = \"app\"\nversion = \"1\"\nrequires-python = \">=3.8\"\n\
             dependencies = [\"{wanted}\"]\n[[tool.uv.index]]\nurl = \"{}\"\ndefault = true\n",
            gateway.simple_url()
        ),
    );
    let shown = desk.run(&mut uv(clients, desk, &["lock"]));
    assert_eq!(shown.code, 0, "{}", shown.text);
}

fn uv(clients: &Clients, desk: &Desk, arguments: &[&str]) -> Command {
    let mut command = desk.program(&clients.program("uv", "uv"));
    command.args(arguments).env("UV_PYTHON", clients.python());
    command
        .env("UV_PYTHON_DOWNLOADS", "never")
        .env("UV_NO_CONFIG", "0");
    command
}

#[test]
fn uv_audits_and_refuses_malware_with_the_gateway() {
    let Some(clients) = Clients::find() else {
        return;
    };
    let folder = folder(&[]);
    let gateway = gateway(&folder);
    // With the slash: what comes behind the last one is replaced.
    let service = format!("{}/osv/", gateway.url());
    for (wanted, code) in [("holed==1.0", 1), ("sound==1.0", 0)] {
        let desk = Desk::new();
        locked_by_uv(&clients, &gateway, &desk, wanted);
        let arguments = [
            "audit",
            "--preview-features",
            "audit",
            "--service-url",
            &service,
        ];
        let shown = desk.run(&mut uv(&clients, &desk, &arguments));
        assert_eq!(shown.code, code, "{wanted}: {}", shown.text);
        assert_eq!(shown.text.contains("PYSEC-1"), code == 1, "{}", shown.text);
        ours_says_the_same(&desk, &gateway, code);
    }
    for (wanted, is_malware) in [("evil==1.0", true), ("sound==1.0", false)] {
        let desk = Desk::new();
        locked_by_uv(&clients, &gateway, &desk, wanted);
        from_public_index(&clients, &gateway, &desk);
        let mut command = uv(&clients, &desk, &["sync", "--frozen"]);
        command.env("UV_MALWARE_CHECK", "1");
        command.env("UV_MALWARE_CHECK_URL", &service);
        let shown = desk.run(&mut command);
        assert_eq!(shown.code != 0, is_malware, "{wanted}: {}", shown.text);
        assert_eq!(shown.text.contains("MAL-3"), is_malware, "{}", shown.text);
    }
}

/// Makes a lock say that its packages are of the public index, although the gateway has their files: uv asks about
/// no others. Which index that is, pip knows.
fn from_public_index(clients: &Clients, gateway: &Gateway, desk: &Desk) {
    let mut command = desk.program(&clients.program("pip", "python"));
    let script = "from pip._internal.models.index import PyPI; print(PyPI.simple_url)";
    let public = desk.run(command.args(["-c", script]));
    assert_eq!(public.code, 0, "{}", public.text);
    let path = desk.path("project/uv.lock");
    let lock = std::fs::read_to_string(&path).unwrap();
    let ours = format!(
        "registry = \"{}",
        gateway.simple_url().trim_end_matches('/')
    );
    assert!(lock.contains(&ours), "{lock}");
    let lock = lock.replace(&format!("{ours}/\""), &format!("{ours}\""));
    let theirs = format!("registry = \"{}", public.text.trim().trim_end_matches('/'));
    std::fs::write(&path, lock.replace(&ours, &theirs)).unwrap();
}

/// `portcullis audit` on the same lock.
fn ours_says_the_same(desk: &Desk, gateway: &Gateway, code: i32) {
    let mut command = desk.program(Path::new(env!("CARGO_BIN_EXE_portcullis")));
    command.args(["audit", "uv.lock", "--gateway", gateway.url()]);
    let shown = desk.run(&mut command);
    assert_eq!(shown.code, code, "{}", shown.text);
}

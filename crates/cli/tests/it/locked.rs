//! What a gateway says of a lock: what of it would be refused, whether its files are what they were, and the
//! same lock with portable addresses, which the installer that wrote it goes on reading.

use std::process::{Command, Output};

use portcullis_fixtures::{Fault, FixtureIndex, ListedFile, sdist, wheel};
use serde_json::Value;

use crate::gateway::{Gateway, before};
use crate::installers::{pip, uv};
use crate::program::{Clients, Desk};
use crate::wire;

const LONG_AGO: &str = "2020-01-01T00:00:00Z";

const DENY_YANKED: &str = "[rules.yanked]\neffect = 'deny'\n";

const OUTAGE: Fault = Fault::Status {
    code: 503,
    retry_after: None,
};

fn old(file: impl Into<ListedFile>) -> ListedFile {
    file.into().upload_time(LONG_AGO)
}

/// An index with foo 1.0, a withdrawn foo 1.1, and bar 1.0 as wheel and sdist.
fn index() -> FixtureIndex {
    let index = FixtureIndex::start_blocking();
    index.add(old(wheel("foo", "1.0")));
    index.add(old(wheel("foo", "1.1")).yanked_because("it deletes files"));
    index.add(old(wheel("bar", "1.0")));
    index.add(old(sdist("bar", "1.0")));
    index
}

/// The digest that the page of `gateway` gives a file.
fn digest(gateway: &Gateway, project: &str, filename: &str) -> String {
    let accept = "Accept: application/vnd.pypi.simple.v1+json";
    let page = wire::get_with(gateway.url(), &format!("/simple/{project}/"), accept);
    let page: Value = serde_json::from_slice(&page.body).unwrap();
    let files = page["files"].as_array().unwrap();
    let file = files.iter().find(|file| file["filename"] == filename);
    file.unwrap()["hashes"]["sha256"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// portcullis beside no gateway, in a folder of its own.
fn portcullis(desk: &Desk, arguments: &[&str]) -> Command {
    let mut program = desk.program(env!("CARGO_BIN_EXE_portcullis").as_ref());
    program.args(arguments).env("PIP_CONFIG_FILE", "/dev/null");
    program.env("UV_NO_CONFIG", "1");
    program
}

fn output(desk: &Desk, arguments: &[&str]) -> Output {
    portcullis(desk, arguments).output().unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn text(output: &Output) -> String {
    let both = [output.stdout.as_slice(), &output.stderr].concat();
    String::from_utf8(both).unwrap()
}

#[test]
fn why_of_a_lock_tells_what_would_be_refused_and_what_is_near() {
    let index = index();
    let gateway = before(&index).policy(DENY_YANKED).start();
    let lock = "foo==1.1\nbar==1.0\nbar[extra]==1.0\ngone==1.0\n-e .\n";
    gateway.write("requirements.txt", lock);
    let here = gateway.output(&["why", "requirements.txt"]);
    let desk = Desk::new();
    desk.write("requirements.txt", lock);
    let there = output(
        &desk,
        &[
            "why",
            "--lock",
            "requirements.txt",
            "--gateway",
            gateway.url(),
        ],
    );
    for shown in [&here, &there] {
        let text = text(shown);
        assert_eq!(code(shown), 1, "{text}");
        let line = |start: &str| {
            let found = text
                .lines()
                .find(|line| line.trim_start().starts_with(start));
            found
                .unwrap_or_else(|| panic!("no {start} in {text}"))
                .to_owned()
        };
        assert!(line("foo 1.1").contains("denied"), "{text}");
        assert!(line("foo 1.1").trim_end().ends_with("1.0"), "{text}");
        assert!(line("gone 1.0").contains("absent"), "{text}");
        assert!(!text.contains("bar 1.0"), "{text}");
        assert!(
            text.contains("2 releases of 3 in requirements.txt"),
            "{text}"
        );
        assert!(
            text.lines().all(|line| line.chars().count() <= 80),
            "{text}"
        );
    }
    let json = output(
        &desk,
        &[
            "why",
            "requirements.txt",
            "--gateway",
            &gateway.simple_url(),
            "--format",
            "json",
        ],
    );
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    let releases = json["releases"].as_array().unwrap().iter();
    let decisions: Vec<_> = releases
        .map(|one| one["decision"].as_str().unwrap())
        .collect();
    assert_eq!(decisions, ["deny", "allow", "absent"]);
}

#[test]
fn a_lock_that_passes_exits_with_0_and_one_that_nobody_can_judge_with_3() {
    let index = index();
    let gateway = before(&index).start();
    let desk = Desk::new();
    desk.write("good.txt", "foo==1.0\nbar==1.0\n");
    let good = output(
        &desk,
        &["why", "--lock", "good.txt", "--gateway", gateway.url()],
    );
    assert_eq!(code(&good), 0, "{}", text(&good));
    assert!(text(&good).contains("Nothing of good.txt would be refused."));
    index.add(old(wheel("baz", "1.0")));
    index.fault("/simple/baz", OUTAGE);
    desk.write("down.txt", "foo==1.0\nbaz==1.0\n");
    let down = output(
        &desk,
        &["why", "--lock", "down.txt", "--gateway", gateway.url()],
    );
    assert_eq!(code(&down), 3, "{}", text(&down));
    assert!(
        text(&down).contains("1 release could not be judged"),
        "{}",
        text(&down)
    );
    let url = gateway.url().to_owned();
    drop(gateway);
    let gone = output(&desk, &["why", "--lock", "good.txt", "--gateway", &url]);
    assert_eq!(code(&gone), 3, "{}", text(&gone));
    let none = output(
        &desk,
        &["why", "--lock", "good.txt", "--gateway", &index.url()],
    );
    assert_eq!(code(&none), 2, "{}", text(&none));
    assert!(
        text(&none).contains("no gateway answers"),
        "{}",
        text(&none)
    );
}

#[test]
fn a_gateway_that_wants_a_token_is_given_the_one_in_the_environment() {
    let index = index();
    let gateway = before(&index).reading_with_token().start();
    let token = gateway.token("ci", "read");
    let desk = Desk::new();
    desk.write("requirements.txt", "foo==1.0\n");
    let arguments = ["why", "--lock", "requirements.txt"];
    let mut program = portcullis(&desk, &arguments);
    program.env("PORTCULLIS_URL", gateway.url());
    let without = program.output().unwrap();
    assert_eq!(code(&without), 2, "{}", text(&without));
    let with = program.env("PORTCULLIS_TOKEN", &token).output().unwrap();
    assert_eq!(code(&with), 0, "{}", text(&with));
    // The index that pip is pointed at is the gateway.
    let mut program = portcullis(&desk, &arguments);
    program.env("PIP_INDEX_URL", gateway.simple_url_with(&token));
    let found = program.output().unwrap();
    assert_eq!(code(&found), 0, "{}", text(&found));
}

#[test]
fn a_check_asks_the_gateway_about_what_is_pinned() {
    let index = index();
    index.set_status("bar", "archived", Some("use foo"));
    index.add(old(wheel("baz", "1.0")));
    let gateway = before(&index).policy(DENY_YANKED).start();
    let right = digest(&gateway, "bar", "bar-1.0.tar.gz");
    let wrong = digest(&gateway, "foo", "foo-1.0-py3-none-any.whl");
    let desk = Desk::new();
    let lines = [
        format!("foo==1.1 --hash=sha256:{wrong}"),
        format!("bar==1.0 --hash=sha256:{right}"),
        format!("gone==1.0 --hash=sha256:{right}"),
        format!("bar2>=1 --hash=sha256:{right}"),
        format!("baz==7 --hash=sha256:{right}"),
    ];
    desk.write("requirements.txt", lines.join("\n") + "\n");
    let found = |more: &[&str]| {
        let arguments = ["check", "--format", "json", "--machine", "none"];
        let shown = output(&desk, &[&arguments[..], more].concat());
        let json: Value = serde_json::from_slice(&shown.stdout).unwrap();
        let findings = json["findings"].as_array().unwrap().iter();
        let mut found: Vec<String> = findings
            .map(|one| format!("{} {}", one["id"].as_str().unwrap(), one["line"]))
            .collect();
        found.retain(|one| !one.starts_with("unpinned") && !one.starts_with("missing-index"));
        found.sort();
        (found, json["unchecked"].as_array().unwrap().len())
    };
    let expected = [
        "archived-project 2",
        "refused-by-gateway 1",
        "removed-version 5",
        "unclaimed-internal-name 3",
        "unclaimed-internal-name 4",
        "wrong-hash 1",
        "yanked-version 1",
    ];
    assert_eq!(
        found(&["--gateway", gateway.url()]),
        (expected.map(str::to_owned).to_vec(), 0)
    );
    assert_eq!(
        found(&["--gateway", gateway.url(), "--offline"]),
        (Vec::new(), 0)
    );
    assert_eq!(found(&[]), (Vec::new(), 0));
    let url = gateway.url().to_owned();
    drop(gateway);
    assert_eq!(
        found(&["--gateway", &url]),
        (Vec::new(), 1),
        "nobody answers"
    );
}

#[test]
fn every_file_of_a_lock_is_held_against_the_index_and_the_record() {
    let index = index();
    let gateway = before(&index).start();
    let desk = Desk::new();
    let wheel_name = "bar-1.0-py3-none-any.whl";
    let right = digest(&gateway, "bar", wheel_name);
    let foreign = digest(&gateway, "foo", "foo-1.0-py3-none-any.whl");
    let lock = |digest: &str| {
        format!(
            "lock-version = \"1.0\"\ncreated-by = \"test\"\n[[packages]]\nname = \"bar\"\n\
             version = \"1.0\"\nwheels = [{{ name = \"{wheel_name}\", hashes = {{ sha256 = \"{digest}\" }} }}]\n"
        )
    };
    desk.write("pylock.toml", lock(&right));
    desk.write("pylock.bad.toml", lock(&foreign));
    desk.write(
        "pylock.gone.toml",
        lock(&right).replace(wheel_name, "bar-1.0-py2-none-any.whl"),
    );
    desk.write(
        "requirements.txt",
        format!("bar==1.0 --hash=sha256:{right}\n"),
    );
    desk.write(
        "bad.txt",
        format!(
            "bar==1.0 --hash=sha256:{right} --hash=sha256:{}\n",
            "a".repeat(64)
        ),
    );
    desk.write("unhashed.txt", "bar==1.0\n");
    let index_url = index.simple_url();
    for whom in [["--gateway", gateway.url()], ["--index", &index_url]] {
        for (file, expected, says) in [
            ("pylock.toml", 0, "1 file verified"),
            ("pylock.bad.toml", 1, "different"),
            ("pylock.gone.toml", 1, "missing"),
            ("requirements.txt", 0, "1 file verified"),
            ("bad.txt", 1, "no file of the release"),
            ("unhashed.txt", 3, "gives no SHA-256"),
        ] {
            let shown = output(&desk, &[&["lock", "verify", file][..], &whom].concat());
            let text = text(&shown);
            assert_eq!(code(&shown), expected, "{file} {whom:?}: {text}");
            assert!(text.contains(says), "{file} {whom:?}: {text}");
        }
        let fetched = output(
            &desk,
            &[&["lock", "verify", "pylock.toml", "--download"][..], &whom].concat(),
        );
        assert_eq!(code(&fetched), 0, "{}", text(&fetched));
    }
    // By now the gateway has received the file. Its index is changed; the record is not.
    index.remove("bar", wheel_name);
    index.add(old(
        wheel("bar", "1.0").file("bar/new.py", "replaced = True\n")
    ));
    let changed = output(
        &desk,
        &["lock", "verify", "pylock.toml", "--index", &index_url],
    );
    assert_eq!(code(&changed), 1, "{}", text(&changed));
    let json = [
        "lock",
        "verify",
        "pylock.toml",
        "--gateway",
        gateway.url(),
        "--format",
        "json",
    ];
    let json: Value = serde_json::from_slice(&output(&desk, &json).stdout).unwrap();
    assert_eq!(json["locks"][0]["files"][0]["outcome"]["is"], "different");
}

#[test]
fn bytes_that_are_not_what_the_index_says_are_seen_when_they_are_fetched() {
    let index = index();
    let gateway = before(&index).start();
    let desk = Desk::new();
    let name = "bar-1.0-py3-none-any.whl";
    let right = digest(&gateway, "bar", name);
    desk.write(
        "requirements.txt",
        format!("bar==1.0 --hash=sha256:{right}\n"),
    );
    index.fault(name, Fault::WrongBytes(b"something else".to_vec()));
    let index_url = index.simple_url();
    let said = output(
        &desk,
        &["lock", "verify", "requirements.txt", "--index", &index_url],
    );
    assert_eq!(code(&said), 0, "{}", text(&said));
    let fetched = [
        "lock",
        "verify",
        "requirements.txt",
        "--index",
        &index_url,
        "--download",
    ];
    let fetched = output(&desk, &fetched);
    assert_ne!(code(&fetched), 0, "{}", text(&fetched));
}

const PROJECT: &str = "[project]\nname = \"throw-away\"\nversion = \"0\"\n\
                       requires-python = \">=3.10\"\ndependencies = [\"bar\", \"foo<1.1\"]\n";

fn normalized(desk: &Desk, file: &str, index: &FixtureIndex, more: &[&str]) -> Output {
    let index_url = index.simple_url();
    let arguments = ["lock", "normalize", file, "--index", &index_url];
    output(desk, &[&arguments[..], more].concat())
}

fn read(desk: &Desk, name: &str) -> String {
    std::fs::read_to_string(desk.path("project").join(name)).unwrap()
}

#[test]
fn the_lock_of_uv_is_portable_and_comes_back_byte_by_byte() {
    let Some(clients) = Clients::find() else {
        return;
    };
    let index = index();
    let gateway = before(&index).start();
    let desk = Desk::new();
    desk.write("pyproject.toml", PROJECT);
    let locked = desk.run(&mut uv(&clients, &desk, &gateway.simple_url(), &["lock"]));
    assert_eq!(locked.code, 0, "{}", locked.text);
    let ours = read(&desk, "uv.lock");
    assert!(ours.contains(gateway.url()));

    let from = ["--from", gateway.url()];
    let checked = normalized(
        &desk,
        "uv.lock",
        &index,
        &[&from[..], &["--check"]].concat(),
    );
    assert_eq!(code(&checked), 1, "{}", text(&checked));
    assert_eq!(read(&desk, "uv.lock"), ours);
    let portable = normalized(&desk, "uv.lock", &index, &from);
    assert_eq!(code(&portable), 0, "{}", text(&portable));
    let theirs = read(&desk, "uv.lock");
    assert!(!theirs.contains(gateway.url()), "{theirs}");
    let again = normalized(
        &desk,
        "uv.lock",
        &index,
        &[&from[..], &["--check"]].concat(),
    );
    assert_eq!(code(&again), 0, "{}", text(&again));

    // What uv writes without the gateway is the same file.
    let words = ["lock", "--check"];
    let current = desk.run(&mut uv(&clients, &desk, &index.simple_url(), &words));
    assert_eq!(current.code, 0, "{}", current.text);
    let synced = desk.run(&mut uv(
        &clients,
        &desk,
        &index.simple_url(),
        &["sync", "--locked"],
    ));
    assert_eq!(synced.code, 0, "{}", synced.text);

    let back = normalized(&desk, "uv.lock", &index, &["--gateway", gateway.url()]);
    assert_eq!(code(&back), 0, "{}", text(&back));
    assert_eq!(read(&desk, "uv.lock"), ours);
    let current = desk.run(&mut uv(&clients, &desk, &gateway.simple_url(), &words));
    assert_eq!(current.code, 0, "{}", current.text);
    let verified = output(
        &desk,
        &["lock", "verify", "uv.lock", "--gateway", gateway.url()],
    );
    assert_eq!(code(&verified), 0, "{}", text(&verified));
    assert!(
        text(&verified).contains("3 files verified"),
        "{}",
        text(&verified)
    );
}

#[test]
fn the_lock_of_poetry_is_portable_and_comes_back_byte_by_byte() {
    let Some(clients) = Clients::find() else {
        return;
    };
    let index = index();
    let gateway = before(&index).start();
    let desk = Desk::new();
    let project = |url: &str| {
        format!(
            "{PROJECT}[tool.poetry]\npackage-mode = false\n[[tool.poetry.source]]\n\
             name = \"acme\"\nurl = \"{url}\"\npriority = \"primary\"\n"
        )
    };
    let poetry = |arguments: &[&str]| {
        let mut poetry = desk.program(&clients.program("poetry", "poetry"));
        poetry
            .args(arguments)
            .args(["--no-interaction", "--no-ansi"]);
        poetry.env("POETRY_KEYRING_ENABLED", "false");
        poetry.env("POETRY_VIRTUALENVS_CREATE", "false");
        desk.run(&mut poetry)
    };
    desk.write("pyproject.toml", project(&gateway.simple_url()));
    let locked = poetry(&["lock"]);
    assert_eq!(locked.code, 0, "{}", locked.text);
    let ours = read(&desk, "poetry.lock");
    let portable = normalized(&desk, "poetry.lock", &index, &["--from", gateway.url()]);
    assert_eq!(code(&portable), 0, "{}", text(&portable));
    assert!(!read(&desk, "poetry.lock").contains(gateway.url()));
    // Its digest of the project covers the sources that are named there, which stay as they are.
    let checked = poetry(&["check", "--lock"]);
    assert!(
        !checked.text.contains("poetry.lock was last generated"),
        "{}",
        checked.text
    );
    let back = normalized(&desk, "poetry.lock", &index, &["--gateway", gateway.url()]);
    assert_eq!(code(&back), 0, "{}", text(&back));
    assert_eq!(read(&desk, "poetry.lock"), ours);
    let verified = output(
        &desk,
        &["lock", "verify", "poetry.lock", "--gateway", gateway.url()],
    );
    assert_eq!(code(&verified), 0, "{}", text(&verified));
}

#[test]
fn the_lock_of_pip_is_portable_and_comes_back_byte_by_byte() {
    let Some(clients) = Clients::find() else {
        return;
    };
    let index = index();
    let gateway = before(&index).start();
    let desk = Desk::new();
    let mut lock = desk.program(&clients.program("pip", "python"));
    lock.args([
        "-m",
        "pip",
        "lock",
        "--index-url",
        &gateway.simple_url(),
        "foo<1.1",
        "bar",
    ]);
    lock.args([
        "--no-cache-dir",
        "--disable-pip-version-check",
        "--no-input",
    ]);
    lock.env("PIP_CONFIG_FILE", "/dev/null");
    let locked = desk.run(&mut lock);
    assert_eq!(locked.code, 0, "{}", locked.text);
    let ours = read(&desk, "pylock.toml");
    assert!(ours.contains(gateway.url()), "{ours}");
    let portable = normalized(&desk, "pylock.toml", &index, &["--from", gateway.url()]);
    assert_eq!(code(&portable), 0, "{}", text(&portable));
    assert!(!read(&desk, "pylock.toml").contains(gateway.url()));
    let back = normalized(&desk, "pylock.toml", &index, &["--gateway", gateway.url()]);
    assert_eq!(code(&back), 0, "{}", text(&back));
    assert_eq!(read(&desk, "pylock.toml"), ours);
    // The requirements that pip takes are held to the same.
    let digest = digest(&gateway, "foo", "foo-1.0-py3-none-any.whl");
    let requirements = format!(
        "--index-url {}\nfoo==1.0 --hash=sha256:{digest}\n",
        gateway.simple_url()
    );
    desk.write("requirements.txt", &requirements);
    let portable = normalized(
        &desk,
        "requirements.txt",
        &index,
        &["--from", gateway.url()],
    );
    assert_eq!(code(&portable), 0, "{}", text(&portable));
    let mut install = pip(&clients, "pip", &desk, "http://127.0.0.1:9/simple/");
    let installed = desk.run(install.args(["-r", "requirements.txt", "--require-hashes"]));
    assert_eq!(installed.code, 0, "{}", installed.text);
    let back = normalized(
        &desk,
        "requirements.txt",
        &index,
        &["--gateway", gateway.url()],
    );
    assert_eq!(code(&back), 0, "{}", text(&back));
    assert_eq!(read(&desk, "requirements.txt"), requirements);
}

#[test]
fn a_file_that_the_index_has_with_other_bytes_keeps_the_lock_as_it_is() {
    let index = index();
    let gateway = before(&index).start();
    let desk = Desk::new();
    let lock = format!(
        "version = 1\n[[package]]\nname = \"bar\"\nversion = \"1.0\"\n\
         source = {{ registry = \"{0}/simple\" }}\n\
         wheels = [{{ url = \"{0}/files/bar/bar-1.0-py3-none-any.whl\", hash = \"sha256:{1}\" }}]\n",
        gateway.url(),
        "a".repeat(64)
    );
    desk.write("uv.lock", &lock);
    let refused = normalized(&desk, "uv.lock", &index, &["--from", gateway.url()]);
    assert_eq!(code(&refused), 2, "{}", text(&refused));
    assert!(
        text(&refused).contains("another digest"),
        "{}",
        text(&refused)
    );
    assert_eq!(read(&desk, "uv.lock"), lock);
}

//! Pins and hashes that `portcullis check --fix` writes from a gateway or an index, as pip and uv read them: what is
//! written installs with `--require-hashes`, and what would not install is left alone.

use std::process::Output;

use portcullis_fixtures::{Fault, FixtureIndex, ListedFile, Wheel, sdist, wheel};
use serde_json::Value;

use crate::gateway::before;
use crate::installers::{pip, uv};
use crate::program::{Clients, Desk};

const LONG_AGO: &str = "2020-01-01T00:00:00Z";

const DENY_YANKED: &str = "[rules.yanked]\neffect = 'deny'\n";

fn old(file: impl Into<ListedFile>) -> ListedFile {
    file.into().upload_time(LONG_AGO)
}

/// A program that needs a library.
fn app() -> Wheel {
    wheel("app", "2.0").requires("lib>=1")
}

/// An index with `app`, which needs `lib`, of which one version was withdrawn; `lone`, which needs nothing; and
/// `bare`, of which there is only an sdist.
fn index() -> FixtureIndex {
    let index = FixtureIndex::start_blocking();
    index.offer_metadata();
    index.add(old(wheel("app", "1.0")));
    index.add(old(app()));
    index.add(old(sdist("app", "2.0")));
    index.add(old(wheel("lib", "1.0")));
    index.add(old(wheel("lib", "1.1")).yanked_because("it deletes files"));
    index.add(old(wheel("lib", "0.9")));
    index.add(old(wheel("lone", "1.0")));
    index.add(old(wheel("lone", "2.0rc1")));
    index.add(old(sdist("bare", "1.0")));
    index
}

/// `portcullis check` of the project on a desk.
fn check(desk: &Desk, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut program = desk.program(env!("CARGO_BIN_EXE_portcullis").as_ref());
    program.args(["check", "--machine", "none"]).args(arguments);
    program.env("PIP_CONFIG_FILE", "/dev/null");
    program.env("UV_NO_CONFIG", "1");
    program.envs(environment.iter().copied());
    program.output().unwrap()
}

fn read(desk: &Desk, name: &str) -> String {
    std::fs::read_to_string(desk.path("project").join(name)).unwrap()
}

fn said(output: &Output) -> String {
    let both = [output.stdout.as_slice(), &output.stderr].concat();
    String::from_utf8(both).unwrap()
}

/// A requirement with the hashes of these files, in the order in which they are written.
fn hashed(requirement: &str, files: &[ListedFile]) -> String {
    let mut digests: Vec<String> = files.iter().map(ListedFile::sha256).collect();
    digests.sort();
    let lines: String = digests
        .iter()
        .map(|digest| format!(" \\\n    --hash=sha256:{digest}"))
        .collect();
    format!("{requirement}{lines}")
}

const BEFORE: &str =
    "# what we run\napp>=1  # the program\nlib ; python_version > '3'\nlone==1.0\n";

fn after() -> String {
    let app = hashed("app==2.0", &[old(app()), old(sdist("app", "2.0"))]);
    let lib = "lib==1.0 ; python_version > '3'";
    let lib = hashed(lib, &[old(wheel("lib", "1.0"))]);
    let lone = hashed("lone==1.0", &[old(wheel("lone", "1.0"))]);
    format!("# what we run\n{app}  # the program\n{lib}\n{lone}\n")
}

#[test]
fn a_gateway_tells_what_is_written_and_pip_and_uv_take_it() {
    let index = index();
    let gateway = before(&index).policy(DENY_YANKED).start();
    let desk = Desk::new();
    desk.write("requirements.txt", BEFORE);
    let asked = ["--gateway", gateway.url()];

    let shown = check(&desk, &[&["--diff"][..], &asked].concat(), &[]);
    assert!(
        said(&shown).contains("+app==2.0 \\\n+    --hash=sha256:"),
        "{}",
        said(&shown)
    );
    assert_eq!(read(&desk, "requirements.txt"), BEFORE);

    let mended = check(&desk, &[&["--fix"][..], &asked].concat(), &[]);
    assert_eq!(mended.status.code(), Some(0), "{}", said(&mended));
    assert_eq!(
        read(&desk, "requirements.txt"),
        after(),
        "{}",
        said(&mended)
    );

    let again = check(&desk, &[&["--fix"][..], &asked].concat(), &[]);
    assert_eq!(read(&desk, "requirements.txt"), after());
    assert!(!said(&again).contains("Mended"), "{}", said(&again));

    let Some(clients) = Clients::find() else {
        return;
    };
    let expected = [("app", "2.0"), ("lib", "1.0"), ("lone", "1.0")];
    for environment in ["pip-23.2", "pip"] {
        let desk = Desk::new();
        desk.write("requirements.txt", after());
        let mut pip = pip(&clients, environment, &desk, &gateway.simple_url());
        let shown = desk.run(pip.args(["--require-hashes", "-r", "requirements.txt"]));
        let received = Desk::received(&desk.path("site"));
        let received: Vec<(&str, &str)> = received
            .iter()
            .map(|(a, b)| (a.as_str(), b.as_str()))
            .collect();
        assert_eq!(received, expected, "{environment}: {}", shown.text);
    }
    let desk = Desk::new();
    desk.write("requirements.txt", after());
    let install = ["pip", "install"];
    let mut uv = uv(&clients, &desk, &gateway.simple_url(), &install);
    let site = desk.path("site");
    uv.args(["--require-hashes", "-r", "requirements.txt", "--target"]);
    let shown = desk.run(uv.arg(&site));
    assert_eq!(Desk::received(&site).len(), 3, "{}", shown.text);
}

#[test]
fn an_index_tells_the_same_where_there_is_no_gateway_and_it_is_wanted() {
    let index = index();
    let desk = Desk::new();
    desk.write("requirements.txt", BEFORE);
    let url = index.simple_url();
    let environment = [("PIP_INDEX_URL", url.as_str())];

    let unasked = check(&desk, &["--fix"], &environment);
    assert_eq!(read(&desk, "requirements.txt"), BEFORE);
    assert!(
        said(&unasked).contains("say --online"),
        "{}",
        said(&unasked)
    );
    let offline = check(&desk, &["--fix", "--offline"], &environment);
    assert!(
        !said(&offline).contains("say --online"),
        "{}",
        said(&offline)
    );
    let asked = index.paths_containing("simple");
    assert_eq!(asked, [""; 0], "nobody is asked");

    let mended = check(&desk, &["--fix", "--online"], &environment);
    assert_eq!(
        read(&desk, "requirements.txt"),
        after(),
        "{}",
        said(&mended)
    );
    assert_eq!(mended.status.code(), Some(0), "{}", said(&mended));
}

#[test]
fn what_releases_need_is_believed_only_as_far_as_the_index_vouches_for_it() {
    let index = index();
    let other = "Metadata-Version: 2.1\nName: other\nVersion: 1.0\n";
    index.add(old(wheel("swapped", "1.0")).metadata(other));
    let of_linux = wheel("two", "1.0").tags("cp312", "cp312", "linux_x86_64");
    index.add(old(of_linux.requires("lone")));
    index.add(old(wheel("two", "1.0")));
    index.add(old(wheel("unhashed", "1.0")).without_hash());
    index.add(old(wheel("lost", "1.0")));
    let status = Fault::Status {
        code: 404,
        retry_after: None,
    };
    index.fault("lost-1.0-py3-none-any.whl.metadata", status);
    let url = index.simple_url();
    let environment = [("PIP_INDEX_URL", url.as_str())];
    for (project, why) in [
        (
            "swapped",
            "the metadata of swapped-1.0-py3-none-any.whl is that of another release",
        ),
        ("two", "two 1.0 needs lone, which is not named"),
        ("unhashed", "the hashes of unhashed==1.0 are not known"),
        (
            "lost",
            "the metadata of lost-1.0-py3-none-any.whl is not there",
        ),
        ("lib==1.1", "lib==1.1: it was yanked"),
    ] {
        let desk = Desk::new();
        let before = match project.contains("==") {
            true => format!("{project}\n"),
            false => format!("{project}==1.0\n"),
        };
        desk.write("requirements.txt", &before);
        let told = check(&desk, &["--fix", "--online"], &environment);
        assert_eq!(read(&desk, "requirements.txt"), before);
        let stderr = String::from_utf8_lossy(&told.stderr);
        assert!(stderr.contains(why), "{why}\n{}", said(&told));
    }
}

#[test]
fn what_cannot_be_mended_is_told_and_stays_as_it_is() {
    let index = index();
    let gateway = before(&index).policy(DENY_YANKED).start();
    for (before, why) in [
        (
            "app==2.0\n",
            "hashes are not written: app 2.0 needs lib, which is not named",
        ),
        (
            "lib==1.1\n",
            "hashes are not written: lib==1.1: the gateway refuses it",
        ),
        ("lib>1\n", "pins are not written: lib>1: the gateway"),
        (
            "lone==7\n",
            "hashes are not written: lone==7: the gateway has no version of it",
        ),
        (
            "gone\n",
            "pins are not written: gone: the gateway has no version of it",
        ),
        (
            "bare==1.0\n",
            "hashes are not written: what bare 1.0 needs is not known",
        ),
        (
            "app\nlib<1\n",
            "pins are not written: lib<1,>=1: the gateway has no version",
        ),
        (
            "lone==1.0\n-e .\n",
            "hashes are not written: . does not come from an index",
        ),
    ] {
        let desk = Desk::new();
        desk.write("requirements.txt", before);
        let told = check(&desk, &["--fix", "--gateway", gateway.url()], &[]);
        assert_eq!(read(&desk, "requirements.txt"), before);
        let stderr = String::from_utf8_lossy(&told.stderr);
        let line = format!("requirements.txt: {why}");
        assert!(stderr.contains(&line), "{line}\n{}", said(&told));
        let json = check(
            &desk,
            &["--diff", "--format", "json", "--gateway", gateway.url()],
            &[],
        );
        let json: Value = serde_json::from_slice(&json.stdout).unwrap();
        let mut findings = json["findings"].as_array().unwrap().iter();
        let is_told = |one: &Value| {
            one["unmended"]
                .as_str()
                .is_some_and(|text| text.starts_with(why))
        };
        assert!(findings.any(is_told), "{json:#}");
    }
}

#[test]
fn a_gateway_that_does_not_answer_changes_nothing() {
    let index = index();
    let gateway = before(&index).start();
    let desk = Desk::new();
    desk.write("requirements.txt", "lone==1.0\n");
    index.fault(
        "/simple/lone",
        Fault::Status {
            code: 503,
            retry_after: None,
        },
    );
    let told = check(&desk, &["--fix", "--gateway", gateway.url()], &[]);
    assert_eq!(read(&desk, "requirements.txt"), "lone==1.0\n");
    assert!(
        said(&told).contains("hashes are not written: lone==1.0"),
        "{}",
        said(&told)
    );

    let url = gateway.url().to_owned();
    drop(gateway);
    let told = check(&desk, &["--fix", "--gateway", &url], &[]);
    assert_eq!(read(&desk, "requirements.txt"), "lone==1.0\n");
    assert!(
        said(&told).contains("Pins and hashes are not written: "),
        "{}",
        said(&told)
    );
    assert_eq!(told.status.code(), Some(1), "{}", said(&told));
    // Who mends something else does not hear of it.
    let other = ["--fix", "--gateway", &url, "--rule", "trusted-host"];
    let told = check(&desk, &other, &[]);
    assert!(!said(&told).contains("Pins and hashes"), "{}", said(&told));
}

#[test]
fn files_that_belong_together_are_written_together_or_not_at_all() {
    let index = index();
    let gateway = before(&index).start();
    let files = [
        ("requirements.txt", "-r base-requirements.txt\nlone==1.0\n"),
        ("base-requirements.txt", "app==2.0\nlib==1.0\n"),
    ];
    let desk = Desk::new();
    for (path, text) in files {
        desk.write(path, text);
    }
    let settings = "[tool.portcullis.check]\nignore = [\n    { rule = \"unhashed\", path = \"base-requirements.txt\", \
                    reason = \"it is generated\" },\n]\n";
    desk.write("pyproject.toml", settings);
    let told = check(&desk, &["--fix", "--gateway", gateway.url()], &[]);
    for (path, text) in files {
        assert_eq!(read(&desk, path), text, "{}", said(&told));
    }
    let why = "base-requirements.txt would have to be mended as well";
    assert!(said(&told).contains(why), "{}", said(&told));

    std::fs::remove_file(desk.path("project").join("pyproject.toml")).unwrap();
    let mended = check(&desk, &["--fix", "--gateway", gateway.url()], &[]);
    assert!(
        said(&mended).contains("Mended 2 findings in 2 files."),
        "{}",
        said(&mended)
    );
    for (path, _) in files {
        assert!(read(&desk, path).contains("--hash=sha256:"), "{path}");
    }
}

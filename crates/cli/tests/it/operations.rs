//! `gc`, `mirror`, `offline` and `doctor` as people call them: what they say, what they leave alone, and how
//! they end.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, SystemTime};

use portcullis_fixtures::{FixtureIndex, ListedFile, wheel};
use serde_json::Value;
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_portcullis");

const LONG_AGO: &str = "2020-01-01T00:00:00Z";

/// A gateway that nobody serves.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new(tables: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let text = format!("data = 'data'\nblobs = 'data'\n{tables}");
        fs::write(folder.path().join("portcullis.toml"), text).unwrap();
        let place = Self { folder };
        // The database is made by whoever comes first.
        place.run(&["token", "create", "ci", "--scope", "read"]);
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(PROGRAM);
        command.args(arguments).current_dir(self.folder.path());
        command.env_remove("PORTCULLIS_CONFIG").env("NO_COLOR", "1");
        command.output().unwrap()
    }

    fn ask(&self, arguments: &[&str]) -> (i32, Value) {
        let output = self.run(&[arguments, &["--format", "json"]].concat());
        let shown = String::from_utf8_lossy(&output.stderr).into_owned();
        let answer = serde_json::from_slice(&output.stdout);
        let answer = answer.unwrap_or_else(|error| panic!("{arguments:?}: {error}: {shown}"));
        (output.status.code().unwrap(), answer)
    }
}

fn hosted() -> &'static str {
    "[sources.internal]\nkind = 'hosted'\n[indexes.main]\nsources = ['internal']\n"
}

fn over(upstream: &FixtureIndex) -> String {
    format!(
        "[sources.internal]\nkind = 'hosted'\n[sources.pypi]\nkind = 'upstream'\nurl = '{}'\n\
         [indexes.main]\nsources = ['internal', 'pypi']\n",
        upstream.simple_url()
    )
}

/// Puts a content where a killed upload would have left it, as old as is said.
fn orphan(data: &Path, content: &str, age: Duration) -> PathBuf {
    let digest = portcullis_core::digest::Sha256::of(content.as_bytes())
        .to_hex()
        .to_string();
    let folder = data.join("blobs/sha256").join(&digest[..2]);
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join(digest);
    fs::write(&path, content).unwrap();
    let file = File::options().write(true).open(&path).unwrap();
    file.set_modified(SystemTime::now() - age).unwrap();
    path
}

#[test]
fn garbage_is_shown_first_and_deleted_when_told_so() {
    let place = Place::new(hosted());
    let data = place.path("data");
    let day = Duration::from_secs(24 * 60 * 60);
    let old = orphan(&data, "left by a killed upload", 2 * day);
    let young = orphan(&data, "left a moment ago", Duration::from_secs(7200));

    let (code, found) = place.ask(&["gc"]);
    assert_eq!(
        (code, found["orphans"].as_array().unwrap().len()),
        (1, 1),
        "{found}"
    );
    assert_eq!(
        (&found["young"], &found["deleted"]),
        (&1.into(), &Value::Null)
    );
    assert!(old.exists(), "looking changes nothing");
    let text = String::from_utf8(place.run(&["gc"]).stdout).unwrap();
    assert!(text.contains("portcullis gc --delete"), "{text}");

    let (code, found) = place.ask(&["gc", "--delete"]);
    assert_eq!(
        (code, &found["deleted"]["contents"]),
        (0, &1.into()),
        "{found}"
    );
    assert!(!old.exists() && young.exists());
    assert_eq!(place.ask(&["gc"]).0, 0);
    let (code, found) = place.ask(&["gc", "--delete", "--older-than", "1h"]);
    assert_eq!(
        (code, &found["deleted"]["contents"]),
        (0, &1.into()),
        "{found}"
    );
    let ledger = String::from_utf8(place.run(&["ledger", "list"]).stdout).unwrap();
    assert!(ledger.contains("purge"), "{ledger}");

    let refused = place.run(&["gc", "--older-than", "5m"]);
    assert_eq!(refused.status.code(), Some(2));
}

#[test]
fn a_mirror_says_what_is_here_and_what_is_not() {
    let upstream = FixtureIndex::start_blocking();
    upstream.add(ListedFile::from(wheel("foo", "1.0")).upload_time(LONG_AGO));
    let tables = "[inspection]\nisolation = 'thread'\n\
                  [[mirror]]\nname = 'base'\nprojects = ['foo', 'missing']\n";
    let place = Place::new(&format!("{}{tables}", over(&upstream)));
    let (code, ran) = place.ask(&["mirror", "run"]);
    let files = ran["mirrors"][0]["files"].as_array().unwrap().clone();
    assert_eq!((code, files.len()), (1, 2), "{ran}");
    assert_eq!(files[0]["state"], "here");
    assert_eq!(
        (&files[1]["state"], &files[1]["filename"]),
        (&"absent".into(), &Value::Null)
    );
    let (code, status) = place.ask(&["mirror", "status"]);
    assert_eq!((code, status), (1, ran));
    let unknown = place.run(&["mirror", "run", "bass"]);
    let said = String::from_utf8(unknown.stderr).unwrap();
    assert_eq!(unknown.status.code(), Some(2));
    assert!(said.contains("the mirrors are: base"), "{said}");

    upstream.stop();
    let (code, ran) = place.ask(&["mirror", "run"]);
    assert_eq!(code, 3, "{ran}");
}

#[test]
fn offline_is_a_switch_and_commands_obey_it() {
    let upstream = FixtureIndex::start_blocking();
    let tables = "[[mirror]]\nname = 'base'\nprojects = ['foo']\n";
    let place = Place::new(&format!("{}{tables}", over(&upstream)));
    assert_eq!(place.ask(&["offline", "status"]).1["offline"], false);
    assert!(
        place
            .run(&["offline", "on", "--reason", "a drill"])
            .status
            .success()
    );
    let (code, status) = place.ask(&["offline", "status"]);
    assert_eq!(
        (code, &status["switched"]["reason"]),
        (1, &"a drill".into())
    );
    upstream.forget_requests();
    let refused = place.run(&["mirror", "run"]);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("portcullis offline off"), "{said}");
    place.ask(&["doctor", "--only", "sources", "--only", "clock"]);
    assert_eq!(upstream.requests().len(), 0);
    assert!(place.run(&["offline", "off"]).status.success());
    assert_eq!(place.ask(&["offline", "status"]).0, 0);
}

#[test]
fn the_doctor_finds_what_is_wrong_and_says_what_to_do() {
    let upstream = FixtureIndex::start_blocking();
    upstream.add(wheel("pip", "1.0"));
    let place = Place::new(&over(&upstream));
    let only = [
        "doctor", "--only", "database", "--only", "blobs", "--only", "disk", "--only", "clock",
        "--only", "sources", "--only", "limits", "--only", "jobs", "--only", "ledger",
    ];
    let (code, well) = place.ask(&only);
    assert_eq!((code, &well["failed"]), (0, &0.into()), "{well}");
    let checks = well["checks"].as_array().unwrap();
    let says = |what: &str| {
        let check = checks.iter().find(|check| check["what"] == what);
        check.unwrap_or_else(|| panic!("{what}: {well}"))["says"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert!(
        says("upstream pypi").contains("simple API 1."),
        "{}",
        says("upstream pypi")
    );
    assert!(says("clock and pypi").contains("pypi"));
    assert!(says("tables").contains("none pending"));
    assert!(says("ledger").contains("as it was written"));
    assert!(says("writing for good").contains("ms to sync"));

    upstream.stop();
    let (code, ill) = place.ask(&["doctor", "--only", "sources"]);
    let check = &ill["checks"][0];
    assert_eq!((code, &check["state"]), (1, &"fails".into()), "{ill}");
    assert!(
        check["remedy"].as_str().unwrap().contains("firewalls"),
        "{ill}"
    );
    let (code, unknown) = place.ask(&["doctor", "--only", "clock"]);
    assert_eq!(code, 3, "{unknown}");
}

#[cfg(unix)]
#[test]
fn the_doctor_warns_of_settings_that_are_not_wise() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new(&format!(
        "listen = '0.0.0.0:8080'\nanonymous-read = true\n\
         [sources.pypi]\nkind = 'upstream'\nurl = 'http://ann:pw@127.0.0.1:9/simple/'\n\
         [indexes.main]\nsources = ['pypi']\n"
    ));
    let file = place.path("portcullis.toml");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let (code, said) = place.ask(&["doctor", "--only", "settings"]);
    let state = |what: &str| {
        let checks = said["checks"].as_array().unwrap();
        let check = checks.iter().find(|check| check["what"] == what).unwrap();
        check["state"].as_str().unwrap().to_owned()
    };
    assert_eq!(code, 1, "{said}");
    assert_eq!(state("configuration file"), "fails");
    assert_eq!(state("listening"), "warns");
    assert!(
        !said.to_string().contains("ann:pw"),
        "secrets are not shown"
    );
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(place.ask(&["doctor", "--only", "settings"]).0, 0);
}

//! A disk that is full, or becomes read-only, under a gateway: what can be served is served, the rest is told with
//! what to do, nothing partial stays, and nobody has to start it again. The disk is a file system in memory that
//! only the gateway's process sees, which takes a kernel that gives users name spaces of their own.

use std::fs::File;
use std::io::{BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use portcullis_fixtures::{FixtureIndex, Wheel, wheel};
use serde_json::Value;
use sha2::Digest as _;
use tempfile::TempDir;

use crate::gateway::greeted;
use crate::wire::{self, Answer, Form};

/// How large the disk is.
const SIZE: &str = "size=100m";

/// Makes the disk, a token, and becomes the gateway.
const SCRIPT: &str = "set -e; mount -t tmpfs -o \"$1\" none \"$2/data\"; shift; \
     folder=$1; program=$2; set -- --config \"$folder/portcullis.toml\" --data \"$folder/data\"; \
     \"$program\" token create ci --scope upload \"$@\" >\"$folder/token.txt\"; \
     exec \"$program\" serve --listen 127.0.0.1:0 \"$@\"";

/// A gateway on a small disk of its own. It ends when dropped.
struct Place {
    index: FixtureIndex,
    folder: TempDir,
    child: Child,
    url: String,
    token: String,
    _greeting: BufReader<ChildStdout>,
}

/// A command with nothing in its environment but where programs are.
fn bare(program: &str) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    command
        .env("NO_COLOR", "1")
        .env("PORTCULLIS_LOG_LEVEL", "info,sqlx=warn");
    command.stdin(Stdio::null());
    command
}

/// Whether this machine lets us mount something for ourselves.
fn can_mount() -> bool {
    let mut trying = bare("unshare");
    trying.args(["-rm", "sh", "-c", "mount -t tmpfs none /tmp"]);
    let can = trying.output().is_ok_and(|output| output.status.success());
    let all = std::env::var("PORTCULLIS_TEST_ALL").is_ok_and(|all| all == "1");
    assert!(
        can || !all,
        "PORTCULLIS_TEST_ALL=1, but unshare cannot mount a file system"
    );
    if !can {
        eprintln!("passed over: unshare cannot mount a file system here");
    }
    can
}

impl Place {
    fn start() -> Option<Self> {
        if !can_mount() {
            return None;
        }
        let index = FixtureIndex::start_blocking();
        let folder = tempfile::Builder::new().prefix("disk-").tempdir().unwrap();
        std::fs::create_dir(folder.path().join("data")).unwrap();
        std::fs::write(folder.path().join("policy.toml"), "").unwrap();
        let configuration = format!(
            "anonymous-read = true\n[sources.hosted]\nkind = \"hosted\"\n\
             [sources.public]\nkind = \"upstream\"\nurl = \"{}\"\n\
             [indexes.main]\ndefault = true\nsources = [\"hosted\", \"public\"]\npolicy = \"policy.toml\"\n",
            index.simple_url()
        );
        std::fs::write(folder.path().join("portcullis.toml"), configuration).unwrap();
        let log = File::create(folder.path().join("log.txt")).unwrap();
        let mut command = bare("unshare");
        command.args(["-rm", "sh", "-c", SCRIPT, "sh", SIZE]);
        command
            .arg(folder.path())
            .arg(env!("CARGO_BIN_EXE_portcullis"));
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let Some((url, greeting)) = greeted(&mut child) else {
            let log = std::fs::read_to_string(folder.path().join("log.txt"));
            panic!("the gateway did not start:\n{}", log.unwrap_or_default());
        };
        let token = std::fs::read_to_string(folder.path().join("token.txt")).unwrap();
        Some(Self {
            index,
            folder,
            child,
            url,
            token: token.trim().to_owned(),
            _greeting: greeting,
        })
    }

    fn get(&self, path: &str) -> Answer {
        wire::get(&self.url, path)
    }

    fn file(&self, file: &Wheel) -> Answer {
        self.get(&format!("/files/{}/{}", file.name(), file.filename()))
    }

    fn upload(&self, file: &Wheel) -> Answer {
        Form::of(file).send(&self.url, &self.token)
    }

    /// The data folder as the gateway sees it.
    fn data(&self) -> PathBuf {
        let folder = self.folder.path().join("data");
        let below = folder.strip_prefix("/").unwrap();
        Path::new(&format!("/proc/{}/root", self.child.id())).join(below)
    }

    /// Runs a command where the gateway's disk is.
    fn beside(&self, arguments: &[&str]) -> Output {
        let mut command = bare("nsenter");
        let process = self.child.id().to_string();
        command.args(["-t", &process, "-U", "-m", "--preserve-credentials", "--"]);
        command.args(arguments).output().unwrap()
    }

    fn mount(&self, arguments: &[&str]) {
        let output = self.beside(arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
    }

    /// Runs a command of the program beside the gateway; returns what it prints.
    fn says(&self, arguments: &[&str]) -> String {
        let (config, data) = (
            self.folder.path().join("portcullis.toml"),
            self.folder.path().join("data"),
        );
        let mut all = vec![env!("CARGO_BIN_EXE_portcullis")];
        all.extend(arguments);
        all.extend(["--config", config.to_str().unwrap()]);
        all.extend(["--data", data.to_str().unwrap()]);
        let output = self.beside(&all);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Takes all the room that there is.
    fn fill(&self) -> PathBuf {
        let path = self.data().join("somebody-elses");
        let mut file = File::create(&path).unwrap();
        let block = vec![0_u8; 64 << 10];
        let mut length = block.len();
        while length > 0 {
            if file.write_all(&block[..length]).is_err() {
                length /= 2;
            }
        }
        path
    }

    /// Every content in the vault is what its name says; how many there are.
    fn whole_contents(&self) -> usize {
        let mut folders = vec![self.data().join("blobs/sha256")];
        let mut count = 0;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let digest = hex::encode(sha2::Sha256::digest(std::fs::read(&path).unwrap()));
                let name = path.file_name().unwrap().to_str().unwrap();
                assert_eq!(name, digest, "a partial content has a place");
                count += 1;
            }
        }
        count
    }

    fn recorded(&self, project: &str) -> u64 {
        let exposure = self.says(&["exposure", project, "--format", "json"]);
        let exposure: Value = serde_json::from_str(&exposure).unwrap();
        let downloads = exposure["summary"]["downloads"].as_u64();
        downloads.unwrap_or_else(|| panic!("{exposure}"))
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log.txt")).unwrap_or_default()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("the log of the gateway:\n{}", self.log());
        }
    }
}

/// An answer that says what is the matter, and when to ask again.
#[track_caller]
fn says(answer: &Answer, status: u16, text: &str) {
    assert_eq!(
        answer.status,
        status,
        "{}\n{}",
        answer.screen(),
        answer.text()
    );
    assert!(
        answer.head.to_lowercase().contains("retry-after:"),
        "{}",
        answer.head
    );
    assert!(answer.text().contains(text), "{}", answer.text());
}

#[test]
fn a_full_disk_is_told_and_what_is_known_is_served_until_there_is_room_again() {
    let Some(place) = Place::start() else { return };
    let warm = wheel("warm", "1.0").payload(100_000);
    place.index.add(&warm);
    assert_eq!(place.get("/simple/warm/").status, 200);
    assert!(place.file(&warm).body == warm.build());
    let (mut whole, mut told) = (1, 0);
    for round in 0..3 {
        let [small, large] = [("small", 10), ("large", 300_000)]
            .map(|(name, size)| wheel(&format!("{name}-{round}"), "1.0").payload(size));
        place.index.add(&small);
        place.index.add(&large);
        let ours = wheel("acme-billing", &format!("{round}.0")).payload(200_000);
        let filler = place.fill();
        for project in ["warm", small.name(), large.name()] {
            let page = place.get(&format!("/simple/{project}/"));
            assert_eq!(page.status, 200, "{project}: {}", page.screen());
        }
        says(&place.file(&small), 507, "the gateway's disk is full");
        let broken_off = place.file(&large);
        assert!(
            !broken_off.is_whole() || broken_off.status == 507,
            "{}",
            broken_off.head
        );
        says(&place.file(&large), 507, "the gateway's disk is full");
        let upload = place.upload(&ours);
        assert_eq!(upload.status, 507, "{}", upload.screen());
        told += 3;
        // Whether a record has room yet is the database's business; that there is one is ours.
        let kept = place.file(&warm);
        match kept.status == 200 && kept.is_whole() {
            true => whole += 1,
            false => says(&kept, 507, "the gateway's disk is full"),
        }
        place.whole_contents();
        std::fs::remove_file(filler).unwrap();
        assert_eq!(place.upload(&ours).status, 200);
        for file in [&small, &large, &warm, &ours] {
            let answer = place.file(file);
            assert!(
                answer.body == file.build(),
                "{}: {}",
                file.name(),
                answer.head
            );
        }
        whole += 1;
    }
    let contents = place.whole_contents();
    assert_eq!(place.recorded("warm"), whole);
    place.says(&["ledger", "verify"]);
    eprintln!(
        "the disk was full 3 times: {told} requests told so, {contents} contents and all of them whole, \
         {whole} downloads of one file and as many records"
    );
}

#[test]
fn a_disk_that_becomes_read_only_is_told_and_used_again_when_it_can_be_written() {
    let Some(place) = Place::start() else { return };
    let warm = wheel("warm", "1.0").payload(100_000);
    place.index.add(&warm);
    assert_eq!(place.get("/simple/warm/").status, 200);
    assert!(place.file(&warm).body == warm.build());
    let data = place.folder.path().join("data");
    let data = data.to_str().unwrap();
    for round in 0..3 {
        let cold = wheel(&format!("cold-{round}"), "1.0").payload(300_000);
        place.index.add(&cold);
        let ours = wheel("acme-billing", &format!("{round}.0")).payload(200_000);
        place.mount(&["mount", "--bind", data, data]);
        place.mount(&["mount", "-o", "remount,bind,ro", data]);
        for project in ["warm", cold.name()] {
            let page = place.get(&format!("/simple/{project}/"));
            assert_eq!(page.status, 200, "{project}: {}", page.screen());
        }
        says(&place.file(&cold), 503, "cannot be written to");
        says(&place.upload(&ours), 503, "cannot be written to");
        // The database was opened before.
        assert!(place.file(&warm).body == warm.build());
        place.mount(&["umount", data]);
        assert_eq!(place.upload(&ours).status, 200);
        for file in [&cold, &warm, &ours] {
            let answer = place.file(file);
            assert!(
                answer.body == file.build(),
                "{}: {}",
                file.name(),
                answer.head
            );
        }
    }
    place.whole_contents();
    assert_eq!(place.recorded("warm"), 7);
    place.says(&["ledger", "verify"]);
    eprintln!(
        "the disk was read-only 3 times: 6 requests told so, 0 wrong, 7 downloads and 7 records"
    );
}

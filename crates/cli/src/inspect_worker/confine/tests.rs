//! A confined process really cannot do what it gave up. This program starts itself again as one test, which
//! confines itself, tries one thing, and says by its exit code what came of it.

#![allow(clippy::unwrap_used)]

use std::fs::File;
use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, ExitStatus};
use std::time::Duration;

use super::*;

/// Which thing the child tries.
const ACT: &str = "PORTCULLIS_CONFINED_ACT";

/// The child's exit codes.
const REFUSED: i32 = 30;
const POSSIBLE: i32 = 31;

/// One thing to try: its name, and whether it was possible.
type Act = (&'static str, fn() -> bool);

const ACTS: &[Act] = &[
    ("nothing", || true),
    ("read a file", || File::open("/etc/passwd").is_ok()),
    ("read a file of its own", || {
        File::open("/proc/self/maps").is_ok()
    }),
    ("list a folder", || std::fs::read_dir("/").is_ok()),
    ("ask about a file", || {
        std::fs::metadata("/etc/passwd").is_ok()
    }),
    ("write a file", || {
        let path = std::env::temp_dir().join("portcullis-must-not-be-there");
        File::create(&path).is_ok_and(|_| std::fs::remove_file(&path).is_ok())
    }),
    ("delete a file", || {
        std::fs::remove_file("/nowhere/at/all").is_ok()
    }),
    ("connect", || TcpStream::connect("127.0.0.1:9").is_ok()),
    ("start a program", || {
        Command::new("/bin/true").status().is_ok()
    }),
    ("raise a bound", || {
        use rustix::process::{Resource, Rlimit, setrlimit};
        let more = Rlimit {
            current: Some(1000),
            maximum: Some(1000),
        };
        setrlimit(Resource::Nofile, more).is_ok()
    }),
    ("take much memory", || {
        Vec::<u8>::new().try_reserve_exact(2 << 30).is_ok()
    }),
    ("take some memory", || {
        Vec::<u8>::new().try_reserve_exact(256 << 20).is_ok()
    }),
    ("begin an analysis", || {
        super::super::tries::analysis_can_begin().is_ok()
    }),
    ("find a hole", || !super::super::tries::holes().is_empty()),
    ("panic", || {
        std::thread::spawn(|| panic!("on purpose")).join().is_err()
    }),
    ("go on for ever", || {
        let mut number = 0u64;
        loop {
            number = std::hint::black_box(number.wrapping_add(1));
        }
    }),
];

#[test]
#[ignore = "what confined_processes_cannot_do_what_they_gave_up starts"]
fn child() {
    let Ok(wanted) = std::env::var(ACT) else {
        return;
    };
    let (_, act) = ACTS.iter().find(|(name, _)| *name == wanted).unwrap();
    let bounds = Bounds {
        time: Duration::from_secs(1),
        memory: 1536 << 20,
    };
    let held = confine(&bounds).unwrap();
    assert!(held.limits && held.seccomp, "{held:?}");
    std::process::exit(match act() {
        true => POSSIBLE,
        false => REFUSED,
    });
}

fn attempt(act: &str) -> ExitStatus {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "inspect_worker::confine::tests::child"])
        .args(["--ignored", "--nocapture", "--test-threads=1", "--quiet"])
        .env_clear()
        .env(ACT, act)
        .output();
    child.unwrap().status
}

#[test]
fn confined_processes_cannot_do_what_they_gave_up() {
    const FORBIDDEN_CALL: i32 = 31;
    const PROCESSOR_TIME: [i32; 2] = [9, 24];
    for (act, _) in ACTS {
        let status = attempt(act);
        let said = (status.code(), status.signal());
        match *act {
            "connect" | "start a program" => assert_eq!(said.1, Some(FORBIDDEN_CALL), "{act}"),
            "go on for ever" => {
                assert!(
                    said.1
                        .is_some_and(|signal| PROCESSOR_TIME.contains(&signal)),
                    "{act}"
                );
            }
            "nothing" | "take some memory" | "begin an analysis" | "panic" => {
                assert_eq!(said.0, Some(POSSIBLE), "{act}: {said:?}");
            }
            _ => assert_eq!(said.0, Some(REFUSED), "{act}: {said:?}"),
        }
    }
}

#[test]
fn bounds_leave_a_worker_the_time_that_was_asked_for() {
    let request = Request {
        filename: "demo-1.0.tar.gz".to_owned(),
        project: None,
        millis: 10_000,
        memory: 1 << 30,
        arriving: None,
    };
    let bounds = Bounds::of(&request);
    assert_eq!((bounds.time.as_secs(), bounds.memory), (11, 1 << 30));
}

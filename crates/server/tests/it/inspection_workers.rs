//! Inspections in processes: whatever a worker does, there is an answer, a record where the file is to blame
//! and none where it is not, and one inspection however many want it. The workers are scripts.

#![cfg(unix)]

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use portcullis_core::digest::Sha256;
use portcullis_core::inspection::Inspected;
use portcullis_core::policy::Effect;
use portcullis_core::pypi::filename::DistFilename;
use portcullis_fixtures::{Fault, FixtureIndex, ListedFile, incompressible, wheel};
use portcullis_server::App;
use portcullis_server::inspection::protocol::{self, Answer, Request, revision};
use portcullis_server::inspection::{self, Look, Place, Subject};
use portcullis_store::{claims, inspections};

use crate::test_app::{Setup, TestApp, eventually, old};

const FILENAME: &str = "demo-1.0-py3-none-any.whl";

/// Longer than any test takes.
const LONG: Duration = Duration::from_secs(600);

/// A gateway whose workers run `script` for each inspection, in its own folder.
async fn with_worker(script: &str, keys: &str) -> TestApp {
    with_program(&worker(script), keys).await
}

/// A script that says what a worker says of itself, and then goes on with `script`. `$here` is its folder.
fn worker(script: &str) -> String {
    let revision = revision();
    format!(
        "here=${{0%/*}}\n\
         if [ \"$2\" = --probe ]; then\n\
         echo '{{\"revision\":{revision},\"limits\":true,\"landlock\":null,\"seccomp\":true,\
         \"holes\":[]}}'\nexit 0\nfi\n{script}\n"
    )
}

async fn with_program(program: &str, keys: &str) -> TestApp {
    let setup = Setup::with(&format!(
        "[sources.internal]\nkind = 'hosted'\n[indexes.main]\nsources = ['internal']\n\
         [inspection]\nisolation = 'process'\nworker = 'worker.sh'\n{keys}\n"
    ));
    start(setup, program).await
}

async fn start(setup: Setup, program: &str) -> TestApp {
    let path = setup.path("worker.sh");
    std::fs::write(&path, format!("#!/bin/sh\n{program}")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    setup.start().await
}

/// A file in scratch space that does nothing bad.
fn subject(app: &TestApp) -> Subject {
    let bytes = wheel("demo", "1.0")
        .file(
            "demo/__init__.py",
            "import os\nHOME = os.environ.get('HOME')\n",
        )
        .build();
    subject_of(app, &bytes)
}

fn subject_of(app: &TestApp, bytes: &[u8]) -> Subject {
    let path = app.path("arrived.whl");
    std::fs::write(&path, bytes).unwrap();
    Subject {
        sha256: Sha256::of(bytes),
        filename: DistFilename::parse(FILENAME, None).unwrap(),
        size: bytes.len() as u64,
        place: Place::Scratch(path),
    }
}

/// What a worker would answer about the file at `path`.
fn answer(path: &PathBuf) -> Vec<u8> {
    let request = Request {
        filename: FILENAME.to_owned(),
        project: None,
        millis: 10_000,
        memory: 1 << 30,
        arriving: None,
    };
    let answer = protocol::inspect(std::fs::File::open(path).unwrap(), &request);
    assert!(matches!(answer, Answer::Inspected { .. }), "{answer:?}");
    serde_json::to_vec(&answer).unwrap()
}

fn scratch(subject: &Subject) -> &PathBuf {
    match &subject.place {
        Place::Scratch(path) => path,
        Place::Vault => panic!("in scratch space"),
    }
}

fn seen(look: Look) -> Arc<Inspected> {
    match look {
        Look::Seen(seen) => seen,
        other => panic!("{other:?}"),
    }
}

async fn kept(app: &App, subject: &Subject) -> Option<inspections::Kept> {
    inspections::find(&app.db, &subject.sha256).await.unwrap()
}

#[tokio::test]
async fn what_brings_a_worker_down_is_kept_as_a_crash() {
    let table = [
        ("exit 101", "it panicked"),
        ("exit 3", "it ended with exit code 3"),
        (
            "kill -6 $$",
            "it ran out of memory or stack, or gave up (signal 6)",
        ),
        (
            "kill -9 $$",
            "it was killed from outside, or used up its processor time (signal 9)",
        ),
        ("echo certainly", "it answered nonsense"),
        ("echo '{\"came-to\":\"inspected\"}'", "it answered nonsense"),
        ("true", "it answered nonsense"),
        (
            "head -c 33600000 /dev/zero",
            "its answer is longer than 33554432 bytes",
        ),
        ("exec sleep 600", "it took longer than 1s"),
        ("cat /dev/zero >&2", "it took longer than 1s"),
    ];
    for (script, why) in table {
        let app = with_worker(script, "time = '1s'").await;
        let subject = subject(&app);
        let look = seen(inspection::look(&app.app, &subject, LONG).await);
        let messages: Vec<&str> = look
            .observations
            .iter()
            .map(|seen| &*seen.message)
            .collect();
        assert_eq!(
            messages,
            [format!("the inspection crashed: {why}")],
            "{script}"
        );
        assert_eq!(
            (look.complete, look.effect()),
            (false, Effect::Hold),
            "{script}"
        );
        let kept = kept(&app.app, &subject).await.unwrap();
        let tomorrow = app.app.now().plus_millis(24 * 60 * 60 * 1000);
        assert_eq!((kept.revision, kept.again_at), (revision(), Some(tomorrow)));
        let contents = inspection::contents_of(&app.app, &subject.sha256).await;
        assert_eq!(contents.unwrap(), None);
    }
}

#[tokio::test]
async fn a_crash_is_tried_once_a_day_and_what_is_seen_then_takes_its_place() {
    let app = with_worker(
        "echo run >> $here/runs\n[ -e $here/answer ] && exec cat $here/answer\nexit 101",
        "",
    )
    .await;
    let subject = subject(&app);
    let runs = || {
        std::fs::read_to_string(app.path("runs"))
            .unwrap()
            .lines()
            .count()
    };
    for _ in 0..3 {
        let look = seen(inspection::look(&app.app, &subject, LONG).await);
        assert!(!look.complete);
        let look = seen(inspection::look_again(&app.app, &subject, LONG).await);
        assert!(!look.complete && runs() == 1);
    }
    std::fs::write(app.path("answer"), answer(scratch(&subject))).unwrap();
    app.advance(Duration::from_secs(24 * 60 * 60));
    let look = seen(inspection::look_again(&app.app, &subject, LONG).await);
    assert!(look.complete && runs() == 2);
    let remembered = seen(inspection::look(&app.app, &subject, LONG).await);
    assert_eq!(remembered, look);
    let kept = kept(&app.app, &subject).await.unwrap();
    assert_eq!(kept.again_at, None);
    let contents = inspection::contents_of(&app.app, &subject.sha256)
        .await
        .unwrap();
    assert!(contents.is_some());
    assert!(seen(inspection::look_again(&app.app, &subject, LONG).await).complete && runs() == 2);
}

#[tokio::test]
async fn a_program_that_is_no_worker_says_nothing_about_files() {
    let other_revision = worker("exit 101").replace(
        &format!("\"revision\":{}", revision()),
        "\"revision\":4000000000",
    );
    for (program, why) in [
        ("exit 0", "it is no worker"),
        (
            "echo out of order >&2; exit 1",
            "it ended with exit code 1: out of order",
        ),
        (
            other_revision.as_str(),
            "its engine is of revision 4000000000",
        ),
    ] {
        let app = with_program(program, "").await;
        let subject = subject(&app);
        for _ in 0..2 {
            match inspection::look(&app.app, &subject, LONG).await {
                Look::Failed { why: said } => {
                    assert!(said.starts_with("no worker can be started: "), "{said}");
                    assert!(said.contains(why), "{said}");
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(kept(&app.app, &subject).await, None);
        assert!(
            !claims::is_claimed(&app.app.db, &subject.sha256, app.app.now())
                .await
                .unwrap()
        );
        let probed = inspection::probe(&app.app.config.inspection).await;
        assert!(probed.is_err_and(|said| said.contains(why)));
    }
}

#[tokio::test]
async fn a_file_that_is_not_there_says_nothing_about_its_content() {
    let app = with_worker("exit 101", "").await;
    let gone = Subject {
        place: Place::Scratch(app.path("nothing")),
        ..subject(&app)
    };
    let nowhere = Subject {
        place: Place::Vault,
        ..subject(&app)
    };
    for subject in [gone, nowhere] {
        let look = inspection::look(&app.app, &subject, LONG).await;
        let says_nothing = matches!(look, Look::Failed { .. } | Look::Unavailable(_));
        assert!(says_nothing, "{look:?}");
        assert_eq!(kept(&app.app, &subject).await, None);
    }
}

#[tokio::test]
async fn an_answer_about_something_else_is_no_answer() {
    let app = with_worker("exec cat $here/answer", "").await;
    let other = wheel("demo", "1.0")
        .file("demo/other.py", "x = 1\n")
        .build();
    let other = subject_of(&app, &other);
    std::fs::write(app.path("answer"), answer(scratch(&other))).unwrap();
    let look = seen(inspection::look(&app.app, &subject(&app), LONG).await);
    let message = &look.observations[0].message;
    assert_eq!(
        message,
        "the inspection crashed: it answered about something else"
    );
}

#[tokio::test]
async fn a_worker_starts_with_the_file_and_nothing_else() {
    let app = with_worker(
        "[ -z \"$HOME$CARGO_MANIFEST_DIR\" ] && [ \"$PWD\" = / ] || exit 7\n\
         cat > $here/stdin\necho \"$1 $2\" > $here/arguments\nexec cat $here/answer",
        "",
    )
    .await;
    let subject = subject(&app);
    std::fs::write(app.path("answer"), answer(scratch(&subject))).unwrap();
    let look = seen(inspection::look(&app.app, &subject, LONG).await);
    assert!(look.complete, "{look:?}");
    let input = std::fs::read(app.path("stdin")).unwrap();
    assert_eq!(Sha256::of(&input), subject.sha256);
    let arguments = std::fs::read_to_string(app.path("arguments")).unwrap();
    let (command, request) = arguments.split_once(' ').unwrap();
    let request: Request = serde_json::from_str(request).unwrap();
    assert_eq!(command, "inspect-worker");
    assert_eq!(request.filename, FILENAME);
    assert_eq!((request.millis, request.memory), (10_000, 1536 << 20));
}

/// A worker that notes each run and waits until it may go on.
const WAITING: &str = "echo run >> $here/runs\n\
    while [ ! -e $here/gate ]; do sleep 0.02; done\nexec cat $here/answer";

#[tokio::test]
async fn what_outlives_the_patience_goes_on_and_is_kept() {
    let app = with_worker(WAITING, "time = '600s'").await;
    let subject = subject(&app);
    std::fs::write(app.path("answer"), answer(scratch(&subject))).unwrap();
    let look = inspection::look(&app.app, &subject, Duration::ZERO).await;
    let Look::UnderWay { retry_after } = look else {
        panic!("{look:?}")
    };
    assert!(retry_after >= Duration::from_secs(1));
    // Whoever asked has gone, and the file with them.
    std::fs::remove_file(scratch(&subject)).unwrap();
    std::fs::write(app.path("gate"), "").unwrap();
    eventually(async || kept(&app.app, &subject).await).await;
    let elsewhere = Subject {
        place: Place::Vault,
        ..subject
    };
    assert!(seen(inspection::look(&app.app, &elsewhere, LONG).await).complete);
}

#[tokio::test]
async fn one_inspection_serves_everybody_on_every_replica() {
    let app = with_worker(WAITING, "time = '600s'").await;
    let second = app.second().await;
    let subject = subject(&app);
    std::fs::write(app.path("answer"), answer(scratch(&subject))).unwrap();
    let looks: Vec<_> = [&app, &app, &second, &second, &app]
        .into_iter()
        .map(|replica| {
            let (replica, subject) = (Arc::clone(&replica.app), subject.clone());
            tokio::spawn(async move { inspection::look(&replica, &subject, LONG).await })
        })
        .collect();
    eventually(async || app.path("runs").exists().then_some(())).await;
    std::fs::write(app.path("gate"), "").unwrap();
    for look in looks {
        assert!(seen(look.await.unwrap()).complete);
    }
    let runs = std::fs::read_to_string(app.path("runs")).unwrap();
    assert_eq!(runs, "run\n");
}

#[tokio::test]
async fn the_claim_of_a_replica_that_died_runs_out() {
    let app = with_worker("exec cat $here/answer", "").await;
    let subject = subject(&app);
    std::fs::write(app.path("answer"), answer(scratch(&subject))).unwrap();
    let now = app.app.now();
    let dead = (&subject.sha256, "a replica that died");
    let claimed = claims::claim(&app.app.db, dead, now.plus_millis(10_000), now).await;
    assert!(claimed.unwrap());
    let look = inspection::look(&app.app, &subject, Duration::from_millis(500)).await;
    assert!(matches!(look, Look::UnderWay { .. }), "{look:?}");
    assert_eq!(kept(&app.app, &subject).await, None);
    app.advance(Duration::from_secs(10));
    assert!(seen(inspection::look(&app.app, &subject, LONG).await).complete);
}

/// Whoever starts where another was killed waits for its claims, and clients wait with it: it must not take longer
/// than they wait.
#[tokio::test]
async fn a_claim_ends_before_clients_lose_their_patience_and_is_renewed() {
    let app = with_worker("sleep 6; exec cat $here/answer", "").await;
    let subject = subject(&app);
    std::fs::write(app.path("answer"), answer(scratch(&subject))).unwrap();
    let looking = {
        let (app, subject) = (Arc::clone(&app.app), subject.clone());
        tokio::spawn(async move { inspection::look(&app, &subject, LONG).await })
    };
    let is_claimed = async |after: Duration| {
        let then = app
            .app
            .now()
            .plus_millis(i64::try_from(after.as_millis()).unwrap());
        let is_claimed = claims::is_claimed(&app.app.db, &subject.sha256, then);
        is_claimed.await.unwrap()
    };
    eventually(async || is_claimed(Duration::ZERO).await.then_some(())).await;
    let patience = app.app.config.inspection.patience;
    assert!(!is_claimed(patience - Duration::from_secs(1)).await);
    app.advance(Duration::from_secs(4));
    eventually(async || is_claimed(Duration::from_secs(3)).await.then_some(())).await;
    assert!(seen(looking.await.unwrap()).complete);
}

#[tokio::test]
async fn another_replica_hears_what_was_seen_anew() {
    let app = with_worker("exec cat $here/answer", "").await;
    let subject = subject(&app);
    std::fs::write(app.path("answer"), "nonsense").unwrap();
    let second = app.second().await;
    second.start_jobs();
    for replica in [&app, &second] {
        let look = seen(inspection::look(&replica.app, &subject, LONG).await);
        assert!(!look.complete);
    }
    std::fs::write(app.path("answer"), answer(scratch(&subject))).unwrap();
    app.advance(Duration::from_secs(24 * 60 * 60));
    assert!(seen(inspection::look_again(&app.app, &subject, LONG).await).complete);
    eventually(async || {
        let known = inspection::known(&second.app, &subject.sha256).await;
        known.unwrap().filter(|seen| seen.complete)
    })
    .await;
}

/// A wheel that is large enough to be read along.
fn large() -> ListedFile {
    let wheel = wheel("demo", "1.0").file("demo/data.bin", incompressible(1_200_000));
    old(wheel.file("demo/__init__.py", "VERSION = 1\n"))
}

/// A gateway over an index with one file, whose workers do `along` when they are to read along, and else
/// answer; every start of one leaves a line in `starts`.
async fn reading_along(file: &ListedFile, along: &str) -> (FixtureIndex, TestApp) {
    let upstream = FixtureIndex::start().await;
    upstream.add(file.clone());
    let script = worker(&format!(
        "case \"$2\" in\n*arriving*) echo along >> \"$here/starts\"\n{along}\n;;\n\
         *) echo whole >> \"$here/starts\"\ncat \"$here/answer\"\n;;\nesac"
    ));
    let setup = Setup::over(&upstream)
        .tables("[inspection]\nisolation = 'process'\nworker = 'worker.sh'\ntime = '2s'\n");
    let path = setup.path("arrived.whl");
    std::fs::write(&path, file.bytes()).unwrap();
    std::fs::write(setup.path("answer"), answer(&path)).unwrap();
    let app = start(setup, &script).await;
    (upstream, app)
}

fn starts(app: &TestApp) -> String {
    std::fs::read_to_string(app.path("starts")).unwrap_or_default()
}

#[tokio::test]
async fn a_large_file_is_read_while_it_arrives_and_not_again() {
    let file = large();
    let along = "cat > \"$here/told\"; cat \"$here/answer\"";
    let (_upstream, app) = reading_along(&file, along).await;
    let answer = app.file("demo", FILENAME).await;
    assert!(answer.status == 200 && answer.body == *file.bytes());
    assert_eq!(starts(&app), "along\n");
    let told = std::fs::read(app.path("told")).unwrap();
    let total = file.bytes().len() as u64;
    let messages: Vec<(u8, u64)> = told
        .chunks(9)
        .map(|message| {
            let bytes = message[1..].try_into().unwrap();
            (message[0], u64::from_le_bytes(bytes))
        })
        .collect();
    assert_eq!(messages.last(), Some(&(b'w', total)), "{messages:?}");
    assert!(messages.is_sorted_by_key(|(_, bytes)| *bytes));
    assert!(
        messages[..messages.len() - 1]
            .iter()
            .all(|(kind, bytes)| *kind == b's' && *bytes <= total)
    );
}

#[tokio::test]
async fn a_worker_that_has_read_everything_need_not_wait_to_be_told_that_it_was_all() {
    let file = large();
    // It ends as soon as it was told that every byte is there, whatever else it is told.
    let total = file.bytes().len();
    let along = format!(
        "size=0\nwhile [ \"$size\" -lt {total} ]; do\n\
         size=$(head -c 9 | tail -c 8 | od -An -tu8 | tr -d ' ')\ndone\nexec 0<&-\ncat \"$here/answer\""
    );
    let (_upstream, app) = reading_along(&file, &along).await;
    let answer = app.file("demo", FILENAME).await;
    assert!(answer.status == 200 && answer.body == *file.bytes());
    assert_eq!(starts(&app), "along\n");
}

#[tokio::test]
async fn whatever_keeps_a_worker_from_reading_along_says_nothing_about_the_file() {
    let table = [
        ("it never listens", "exec sleep 600"),
        ("it ends at once", "exit 1"),
        ("it is killed at its end", "cat > /dev/null; kill -9 $$"),
        ("it answers too early", "cat \"$here/answer\" | head -c 20"),
        (
            "it talks about something else",
            "cat > /dev/null; sed 's/\"sha256\":\"......../\"sha256\":\"00000000/' \"$here/answer\"",
        ),
        (
            "it cannot read it",
            "cat > /dev/null; echo '{\"came-to\":\"unreadable\",\"why\":\"gone\"}'",
        ),
    ];
    for (what, along) in table {
        let file = large();
        let (_upstream, app) = reading_along(&file, along).await;
        let answer = app.file("demo", FILENAME).await;
        assert!(
            answer.status == 200 && answer.body == *file.bytes(),
            "{what}"
        );
        assert_eq!(starts(&app), "along\nwhole\n", "{what}");
        let sha256 = Sha256::of(file.bytes());
        let kept = inspections::find(&app.app.db, &sha256).await.unwrap();
        assert!(kept.is_some_and(|kept| kept.again_at.is_none()), "{what}");
    }
}

#[tokio::test]
async fn a_file_that_does_not_arrive_leaves_nobody_reading() {
    let file = large();
    let along = "echo $$ >> \"$here/running\"; cat > /dev/null; cat \"$here/answer\"";
    let (upstream, app) = reading_along(&file, along).await;
    upstream.without_ranges();
    upstream.fault(FILENAME, Fault::CloseAfter(600_000));
    let broken = app.file("demo", FILENAME).await;
    assert!(!broken.is_complete);
    let running = std::fs::read_to_string(app.path("running")).unwrap();
    let process = PathBuf::from(format!("/proc/{}", running.trim()));
    eventually(async || (!process.join("exe").exists()).then_some(())).await;
}

//! An inspection in a process of its own: the file is its standard input, its answer its standard output.
//! It starts with nothing, no environment, no other open files, and takes its own rights away before it
//! reads the first byte; here it is started, bounded from outside, and ended.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use portcullis_inspect::archive::Arrived;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::OnceCell;
use tracing::{info, warn};

use super::protocol::{Answer, COMMAND, Confinement, OWN_RULES, PROBE, Request, message, revision};
use super::runner::Outcome;

/// The longest answer that is read, in bytes.
const LONGEST_ANSWER: u64 = 32 << 20;

/// How much of what a worker says beside its answer is read, in bytes.
const LONGEST_COMPLAINT: u64 = 16 << 10;

/// How long a worker may take to say what holds it back.
const PROBE_TIME: Duration = Duration::from_secs(10);

/// Starts workers.
pub(super) struct Workers {
    program: Option<PathBuf>,
    /// Files with rules of the organisation's own, which each worker reads before it gives up its rights.
    own_rules: Vec<PathBuf>,
    /// What holds workers back, once one has said so. Until then no file is given to any, so that a program
    /// that is no worker says nothing about files.
    confinement: OnceCell<Confinement>,
}

/// What a process said, and how it ended.
struct Ended {
    status: ExitStatus,
    answer: Vec<u8>,
    complaint: String,
}

impl Workers {
    /// `program` is what is started, `None` for the running one, and told of `own_rules`.
    pub(super) fn new(program: Option<PathBuf>, own_rules: Vec<PathBuf>) -> Self {
        Self {
            program,
            own_rules,
            confinement: OnceCell::new(),
        }
    }

    /// What holds workers back, as one says that has tried it out.
    ///
    /// # Errors
    /// One clause for people.
    pub(super) async fn confinement(&self) -> Result<&Confinement, String> {
        let tried = self.confinement.get_or_try_init(|| self.probe()).await;
        tried.map_err(|why| format!("no worker can be started: {why}"))
    }

    async fn probe(&self) -> Result<Confinement, String> {
        let child = self.start(PROBE.into(), Stdio::null())?;
        let ended = tokio::time::timeout(PROBE_TIME, gather(child)).await;
        let ended = ended.map_err(|_| format!("it took longer than {PROBE_TIME:?}"))??;
        if !ended.status.success() {
            let said = ended.complaint.trim();
            return Err(format!("{}: {said}", describe(ended.status)));
        }
        let confinement: Confinement = serde_json::from_slice(&ended.answer)
            .map_err(|error| format!("it is no worker: {error}"))?;
        if confinement.revision != revision() {
            let (theirs, ours) = (confinement.revision, revision());
            return Err(format!("its engine is of revision {theirs}, not {ours}"));
        }
        match confinement.holes.is_empty() {
            true => info!("inspections are held back by: {confinement}"),
            false => warn!("inspections are held back by: {confinement}"),
        }
        Ok(confinement)
    }

    /// Inspects `file` in a process that ends with it.
    pub(super) async fn run(&self, file: File, request: &Request) -> Outcome {
        if let Err(why) = self.confinement().await {
            return Outcome::Failed(why);
        }
        let argument = serde_json::to_string(request).expect("texts and numbers are JSON");
        let child = match self.start(argument.into(), Stdio::from(file)) {
            Ok(child) => child,
            Err(why) => return Outcome::Failed(why),
        };
        match tokio::time::timeout(request.time(), gather(child)).await {
            Ok(Ok(ended)) => conclude(ended, request).await,
            Ok(Err(why)) => Outcome::Crashed(why),
            // What is dropped is killed.
            Err(_) => Outcome::Crashed(format!("it took longer than {:?}", request.time())),
        }
    }

    /// Starts a process that reads a file while it arrives.
    ///
    /// # Errors
    /// One clause for people.
    pub(super) async fn begin(&self, request: &Request) -> Result<Reading, String> {
        self.confinement().await?;
        let argument = serde_json::to_string(request).expect("texts and numbers are JSON");
        let mut child = self.start(argument.into(), Stdio::piped())?;
        let told = child.stdin.take().ok_or("it has no input")?;
        Ok(Reading {
            child,
            told,
            so_far: 0,
            request: request.clone(),
        })
    }

    fn start(&self, argument: OsString, input: Stdio) -> Result<Child, String> {
        let program = match &self.program {
            Some(program) => program.clone(),
            None => running_program().map_err(|error| format!("where it is: {error}"))?,
        };
        let mut command = Command::new(&program);
        #[cfg(unix)]
        command.arg0("portcullis");
        command
            .arg(COMMAND)
            .arg(argument)
            .args(
                self.own_rules
                    .iter()
                    .flat_map(|file| [OsStr::new(OWN_RULES), file.as_os_str()]),
            )
            .env_clear()
            .current_dir("/")
            .stdin(input)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let started = command.spawn();
        started.map_err(|error| format!("{}: {error}", program.display()))
    }
}

/// A process that reads a file while it arrives.
pub(super) struct Reading {
    child: Child,
    told: ChildStdin,
    so_far: u64,
    request: Request,
}

impl Reading {
    /// Tells it how many bytes are there.
    ///
    /// # Errors
    /// One clause for people: it has ended.
    pub(super) async fn tell_so_far(&mut self, bytes: u64) -> Result<(), String> {
        if bytes == self.so_far {
            return Ok(());
        }
        self.so_far = bytes;
        self.tell(Arrived::SoFar(bytes)).await
    }

    async fn tell(&mut self, arrived: Arrived) -> Result<(), String> {
        let told = self.told.write_all(&message(arrived)).await;
        told.map_err(|error| format!("it does not listen: {error}"))
    }

    /// What it says when it is told that there is no more to come.
    ///
    /// # Errors
    /// One clause for people.
    pub(super) async fn finish(mut self) -> Result<Outcome, String> {
        // One that has read every byte that was announced may have ended already, and listens no more: what it
        // has to say was said. What one says that ended for another reason is no outcome.
        let _ = self.tell(Arrived::Whole(self.so_far)).await;
        let Self {
            child,
            told,
            request,
            ..
        } = self;
        drop(told);
        Ok(conclude(gather(child).await?, &request).await)
    }
}

/// The program that runs, even if a newer version has taken its place on the disk.
fn running_program() -> std::io::Result<PathBuf> {
    let itself = PathBuf::from("/proc/self/exe");
    match cfg!(target_os = "linux") && itself.exists() {
        true => Ok(itself),
        false => std::env::current_exe(),
    }
}

/// Everything that a process says, until it ends.
///
/// # Errors
/// One clause for people, when it says too much.
async fn gather(mut child: Child) -> Result<Ended, String> {
    let (Some(output), Some(errors)) = (child.stdout.take(), child.stderr.take()) else {
        return Err("it has no output".to_owned());
    };
    let (answer, complaint) = tokio::join!(answer(output), complaint(errors));
    let answer = answer?;
    let status = child.wait().await.map_err(|error| error.to_string())?;
    Ok(Ended {
        status,
        answer,
        complaint,
    })
}

async fn answer(output: impl AsyncRead + Unpin) -> Result<Vec<u8>, String> {
    let mut answer = Vec::new();
    let mut bounded = output.take(LONGEST_ANSWER + 1);
    let read = bounded.read_to_end(&mut answer).await;
    read.map_err(|error| format!("its answer broke off: {error}"))?;
    match answer.len() as u64 > LONGEST_ANSWER {
        true => Err(format!("its answer is longer than {LONGEST_ANSWER} bytes")),
        false => Ok(answer),
    }
}

/// What a process says beside its answer. What comes after the first of it is read and forgotten, so that
/// nobody waits for it to be read.
async fn complaint(mut errors: impl AsyncRead + Unpin) -> String {
    let mut said = Vec::new();
    let mut bounded = (&mut errors).take(LONGEST_COMPLAINT);
    if bounded.read_to_end(&mut said).await.is_ok() {
        // It ends when the process does.
        let _ = tokio::io::copy(&mut errors, &mut tokio::io::sink()).await;
    }
    String::from_utf8_lossy(&said).escape_debug().to_string()
}

async fn conclude(ended: Ended, request: &Request) -> Outcome {
    let filename = &request.filename;
    if !ended.status.success() {
        let how = describe(ended.status);
        let said = &ended.complaint;
        warn!(%filename, "the inspection of {filename} ended early: {how}: {said}");
        return Outcome::Crashed(how);
    }
    let parsing = tokio::task::spawn_blocking(move || serde_json::from_slice(&ended.answer));
    match parsing.await {
        Ok(Ok(Answer::Inspected { inspection, peak })) => {
            if let Some(peak) = peak {
                metrics::histogram!("portcullis_inspection_peak_bytes").record(peak as f64);
            }
            Outcome::Seen(inspection)
        }
        Ok(Ok(Answer::Unreadable { why })) => Outcome::Failed(why),
        Ok(Err(error)) => {
            warn!(%filename, "the inspection of {filename} answered nonsense: {error}");
            Outcome::Crashed("it answered nonsense".to_owned())
        }
        Err(_) => Outcome::Failed("the server is stopping".to_owned()),
    }
}

/// What the numbers of signals mean for a worker.
#[cfg(unix)]
const SIGNALS: &[(i32, &str)] = &[
    (6, "it ran out of memory or stack, or gave up"),
    (
        9,
        "it was killed from outside, or used up its processor time",
    ),
    (11, "it reached for memory that it does not have"),
    (24, "it used up its processor time"),
    (
        31,
        "it asked the system for something that no inspection needs",
    ),
];

/// How a process ended that did not end well, for people.
fn describe(status: ExitStatus) -> String {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        let known = SIGNALS.iter().find(|(number, _)| *number == signal);
        return match known {
            Some((_, meaning)) => format!("{meaning} (signal {signal})"),
            None => format!("signal {signal} ended it"),
        };
    }
    match status.code() {
        Some(101) => "it panicked".to_owned(),
        Some(code) => format!("it ended with exit code {code}"),
        None => "it ended without an exit code".to_owned(),
    }
}

//! Asking a program: it is told the path of a read-only copy and prints what it finds. It inherits nothing
//! of the gateway but a few harmless variables, and ends, with all that it started, when its time is over.

use std::path::Path;
use std::process::{ExitStatus, Stdio};

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};

use super::answer::{Answered, LONGEST};
use crate::config::PATH_PLACE;

/// What programs need to find themselves and their files. Nothing of it is a secret.
const VARIABLES: [&str; 6] = ["PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT"];

/// How much of what it says beside its answer is told, in bytes.
const LONGEST_COMPLAINT: usize = 1 << 10;

/// A program that is ended together with what it has started.
struct Running {
    child: Child,
}

/// Runs `command` on the file at `path`.
pub(super) async fn ask(command: &[String], path: &Path) -> Answered {
    match run(command, path).await {
        Ok(answered) => answered,
        Err(why) => Answered::failed(why),
    }
}

async fn run(command: &[String], path: &Path) -> Result<Answered, String> {
    let mut running = start(command, path)?;
    let (output, errors) = (running.child.stdout.take(), running.child.stderr.take());
    let (Some(output), Some(errors)) = (output, errors) else {
        return Err("it has no output".to_owned());
    };
    let (output, complaint) = tokio::join!(
        // A byte more than may be, so that it is seen to be too long.
        read(output, LONGEST + 1),
        read(errors, LONGEST_COMPLAINT),
    );
    let status = running.child.wait().await;
    let status = status.map_err(|error| error.to_string())?;
    Ok(conclude(
        status,
        &output,
        &String::from_utf8_lossy(&complaint),
    ))
}

fn start(command: &[String], path: &Path) -> Result<Running, String> {
    let Some((program, arguments)) = command.split_first() else {
        return Err("its command is empty".to_owned());
    };
    let shown = path.to_string_lossy();
    let arguments = arguments
        .iter()
        .map(|argument| argument.replace(PATH_PLACE, &shown));
    let mut starting = Command::new(program);
    starting
        .args(arguments)
        .env_clear()
        .envs(
            VARIABLES
                .iter()
                .filter_map(|name| Some((name, std::env::var_os(name)?))),
        )
        .current_dir(path.parent().unwrap_or(Path::new("/")))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    #[cfg(unix)]
    starting.process_group(0);
    let child = starting.spawn();
    let child = child.map_err(|error| format!("{program} cannot be started: {error}"))?;
    Ok(Running { child })
}

impl Drop for Running {
    fn drop(&mut self) {
        // The program itself is ended by tokio; on Unix the group is what it started beside.
        #[cfg(unix)]
        {
            use rustix::process::{Pid, Signal, kill_process_group};
            let id = self.child.id().and_then(|id| i32::try_from(id).ok());
            if let Some(group) = id.and_then(Pid::from_raw) {
                // It may have ended by itself.
                let _ = kill_process_group(group, Signal::KILL);
            }
        }
    }
}

/// The first `most` bytes. What comes after them is read and forgotten, so that nobody waits for it to be
/// read.
async fn read(mut output: impl AsyncRead + Unpin, most: usize) -> Vec<u8> {
    let mut said = Vec::new();
    let mut bounded = (&mut output).take(most as u64);
    if bounded.read_to_end(&mut said).await.is_ok() {
        let _ = tokio::io::copy(&mut output, &mut tokio::io::sink()).await;
    }
    said
}

/// 0 is an answer. So is 1, with which many scanners say that they have found something, where they have; an
/// interpreter ends with it, too, when a script fails.
fn conclude(status: ExitStatus, output: &[u8], complaint: &str) -> Answered {
    let mut answered = Answered::read(output);
    let has_found = !answered.findings.is_empty();
    match status.code() {
        Some(0) => {}
        Some(1) if has_found => {}
        _ => answered.fail(format!("it ended with {status}: {}", complaint.trim())),
    }
    answered
}

//! `portcullis inspect-worker`, the process in which one inspection happens. The gateway starts it; people
//! have `portcullis scan`. The file is the standard input, or it is still arriving and the standard input tells
//! how far it has; the answer is one JSON value on the standard output.
//!
//! **Invariant:** not a byte of the file is read before the process has given its rights away.

mod confine;
#[cfg(target_os = "linux")]
mod system_calls;
mod tries;

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;

use clap::Args;
use portcullis_inspect::archive::Arriving;
use portcullis_inspect::own_rules::OwnRules;
use portcullis_server::inspection::protocol::{self, Answer, Arrivals, Confinement, Request};

use crate::exit::Exit;
use confine::Bounds;

/// Inspect the file on the standard input, as the gateway asks for it
#[derive(Debug, Args)]
#[command(
    hide = true,
    after_help = "Example:\n  portcullis inspect-worker --probe"
)]
pub struct InspectWorker {
    /// What to do, as the gateway writes it
    #[arg(required_unless_present = "probe")]
    request: Option<String>,
    /// Say what holds such a process back instead
    #[arg(long, conflicts_with = "request")]
    probe: bool,
    /// YARA rules of the organisation's own
    #[arg(long = "own-rules", value_name = "FILE")]
    own_rules: Vec<PathBuf>,
}

impl InspectWorker {
    /// Inspects, or says what would hold it back.
    pub fn run(self) -> anyhow::Result<Exit> {
        match self.request {
            Some(request) => inspect(&serde_json::from_str(&request)?, &self.own_rules)?,
            None => probe()?,
        }
        Ok(Exit::Clean)
    }
}

fn inspect(request: &Request, own_rules: &[PathBuf]) -> anyhow::Result<()> {
    // All are opened and read while that can still be done.
    let own_rules = OwnRules::compile(own_rules)?;
    let input = standard_input()?;
    let arriving = match &request.arriving {
        Some(arriving) => Some((File::open(&arriving.path)?, arriving.total)),
        None => None,
    };
    let memory = File::open("/proc/self/status").ok();
    confine::confine(&Bounds::of(request))?;
    let answer = match arriving {
        Some((file, total)) => {
            let archive = Arriving::new(file, Arrivals(input), total);
            protocol::inspect_with(archive, request, &own_rules)
        }
        None => protocol::inspect_with(input, request, &own_rules),
    };
    let answer = match answer {
        Answer::Inspected { inspection, .. } => Answer::Inspected {
            inspection,
            peak: memory.and_then(peak),
        },
        unreadable @ Answer::Unreadable { .. } => unreadable,
    };
    say(&serde_json::to_vec(&answer)?)
}

fn probe() -> anyhow::Result<()> {
    let held = confine::confine(&Bounds::for_probing())?;
    tries::analysis_can_begin()?;
    let holes = match held.landlock.is_some() || held.seccomp {
        true => tries::holes(),
        false => Vec::new(),
    };
    let confinement = Confinement {
        revision: protocol::revision(),
        limits: held.limits,
        landlock: held.landlock,
        seccomp: held.seccomp,
        holes,
    };
    say(&serde_json::to_vec(&confinement)?)
}

/// The standard input as a file, which can be read from anywhere in it.
#[cfg(unix)]
fn standard_input() -> std::io::Result<File> {
    use std::os::fd::AsFd as _;
    let input = std::io::stdin().as_fd().try_clone_to_owned()?;
    Ok(File::from(input))
}

/// The standard input as a file, which can be read from anywhere in it.
#[cfg(windows)]
fn standard_input() -> std::io::Result<File> {
    use std::os::windows::io::AsHandle as _;
    let input = std::io::stdin().as_handle().try_clone_to_owned()?;
    Ok(File::from(input))
}

/// The most memory that was in use, in bytes, as Linux tells it in `/proc/self/status` (`VmHWM`).
fn peak(mut status: File) -> Option<u64> {
    status.seek(SeekFrom::Start(0)).ok()?;
    let mut text = String::new();
    status.read_to_string(&mut text).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// Nothing else is ever printed, so that an answer is whole or no answer.
fn say(answer: &[u8]) -> anyhow::Result<()> {
    let mut output = std::io::stdout().lock();
    output.write_all(answer)?;
    output.write_all(b"\n")?;
    Ok(output.flush()?)
}

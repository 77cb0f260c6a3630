//! The isolation of inspections, and what this machine lets a process have.

use std::path::{Path, PathBuf};

use portcullis_server::App;
use portcullis_server::config::Isolation;

use super::{Check, Finding, timed};
use crate::output::bytes;

/// With fewer open files, a busy gateway refuses connections.
const FEW_FILES: u64 = 4096;

/// What a gateway takes beside its inspections, in bytes.
const BASE_MEMORY: u64 = 256 << 20;

/// What an inspection takes of memory, as measured; its address space is larger.
const WORKER_MEMORY: u64 = 128 << 20;

/// Whether files can be inspected, and what stands between the gateway and what they hold.
pub(super) async fn inspections(app: &App) -> Check {
    timed("inspections", async {
        let settings = &app.config.inspection;
        match portcullis_server::inspection::probe(settings).await {
            Ok(says) if settings.isolation == Isolation::Thread => Finding::warns(
                says,
                "set isolation = \"process\" in [inspection], so that a file that breaks an inspection \
                 does not break the gateway",
            ),
            Ok(says) if !says.contains("Landlock") && cfg!(target_os = "linux") => Finding::warns(
                says,
                format!(
                    "this kernel ({}) has no Landlock: use one of 5.13 or newer with Landlock among its \
                     security modules (lsm=landlock,…)",
                    kernel()
                ),
            ),
            Ok(says) => Finding::well(says),
            Err(says) => Finding::fails(
                says,
                "see that `worker` in [inspection] is this version of portcullis, and that the limits \
                 of this process leave `memory` of address space",
            ),
        }
    })
    .await
}

fn kernel() -> String {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease");
    release.map_or("unknown".to_owned(), |release| release.trim().to_owned())
}

/// Open files, memory and file systems in memory.
pub(super) async fn limits(app: &App) -> Vec<Check> {
    let files = timed("open files", async { open_files() });
    let memory = timed("memory", async { memory(app.config.inspection.workers) });
    let folder = app.config.data.clone();
    let lasting = timed("lasting storage", async move { lasting(&folder) });
    vec![files.await, memory.await, lasting.await]
}

#[cfg(unix)]
fn open_files() -> Finding {
    use rustix::process::{Resource, getrlimit};
    let limit = getrlimit(Resource::Nofile);
    match limit.current {
        Some(now) if now < FEW_FILES => Finding::warns(
            format!("{now} at most"),
            "allow 65536: LimitNOFILE in the systemd unit, --ulimit for a container, ulimit -n in a shell",
        ),
        Some(now) => Finding::well(format!("{now} at most")),
        None => Finding::well("without a bound"),
    }
}

#[cfg(not(unix))]
fn open_files() -> Finding {
    Finding::well("not bounded by this system")
}

/// What the control group of this process may take, or the machine has.
fn memory(workers: usize) -> Finding {
    let wanted = BASE_MEMORY + WORKER_MEMORY * workers as u64;
    let (limit, whose) = match (cgroup_limit(), machine_memory()) {
        (Some(limit), Some(all)) if limit < all => (limit, "this control group may take"),
        (_, Some(all)) => (all, "this machine has"),
        (Some(limit), None) => (limit, "this control group may take"),
        (None, None) => return Finding::well("this system does not say how much there is"),
    };
    let says = format!("{whose} {}", bytes(limit));
    match limit < wanted {
        true => Finding::warns(
            format!(
                "{says}, and {workers} inspections at once may want {}",
                bytes(wanted)
            ),
            "give it more memory, or lower `workers` in [inspection]",
        ),
        false => Finding::well(says),
    }
}

fn machine_memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

/// The smallest bound of the control groups (version 2) that this process is in.
fn cgroup_limit() -> Option<u64> {
    let own = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let path = own.lines().find_map(|line| line.strip_prefix("0::"))?;
    let root = Path::new("/sys/fs/cgroup");
    let mut at = root.join(path.trim_start_matches('/'));
    let mut smallest: Option<u64> = None;
    loop {
        let bound = std::fs::read_to_string(at.join("memory.max")).ok();
        let bound = bound.and_then(|text| text.trim().parse().ok());
        smallest = [smallest, bound].into_iter().flatten().min();
        if at == root || !at.pop() {
            return smallest;
        }
    }
}

/// Whether what is written survives a restart of the machine.
fn lasting(folder: &Path) -> Finding {
    match file_system(folder) {
        Some((place, kind)) if matches!(kind.as_str(), "tmpfs" | "ramfs") => Finding::warns(
            format!("the data directory is in memory ({kind} on {place})"),
            "keep it on a disk or in a volume: published files and the ledger are lost with the machine",
        ),
        Some((place, kind)) if kind == "overlay" => Finding::warns(
            format!("the data directory is in a container's own layer (overlay on {place})"),
            "mount a volume there: published files and the ledger are lost with the container",
        ),
        Some((place, kind)) => Finding::well(format!("{kind} on {place}")),
        None => Finding::well("this system does not say which file system it is"),
    }
}

/// Where the file system of `folder` is mounted, and its kind.
fn file_system(folder: &Path) -> Option<(String, String)> {
    let folder = folder.canonicalize().ok()?;
    let mounts = std::fs::read_to_string("/proc/self/mounts").ok()?;
    let mounts = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ').skip(1);
        let place = words.next()?.replace("\\040", " ");
        Some((place, words.next()?.to_owned()))
    });
    mounts
        .filter(|(place, _)| folder.starts_with(PathBuf::from(place)))
        .max_by_key(|(place, _)| place.len())
}

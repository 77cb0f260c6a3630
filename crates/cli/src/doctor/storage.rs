//! Database, blobs and disks.

use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use portcullis_server::App;
use portcullis_server::disk::{self, Space};
use portcullis_store::blobs::Took;

use super::{Check, Finding, timed};
use crate::output::bytes;

/// Slower than this, each upload and each group of downloads waits noticeably.
const SLOW_SYNC: Duration = Duration::from_millis(50);

/// Slower than this, an object store is felt in every download.
const SLOW_STORE: Duration = Duration::from_secs(1);

/// With less room, the next large wheel may not fit.
const LITTLE_ROOM: u64 = 2 << 30;

/// Whether it answers, and how far its tables are.
pub(super) async fn database(app: &App) -> Vec<Check> {
    let answers = timed("database", async {
        match app.db.ping().await {
            Ok(()) => Finding::well(app.db.engine()),
            Err(error) => Finding::fails(
                error.to_string(),
                "start the database, or mend `database` in portcullis.toml",
            ),
        }
    });
    let tables = timed("tables", async {
        match app.db.schema().await {
            Ok(schema) if schema.pending == 0 => Finding::well(format!(
                "version {}, {} migrations applied, none pending",
                schema.version, schema.applied
            )),
            Ok(schema) => Finding::fails(
                format!("{} migrations are pending", schema.pending),
                "start the gateway once with the newest version: it applies them",
            ),
            Err(error) => Finding::unknown(error.to_string(), "see what the database says above"),
        }
    });
    vec![answers.await, tables.await]
}

/// Whether the place for blobs does what it has to, and how quickly.
pub(super) async fn blobs(app: &App) -> Check {
    timed("blobs", async {
        let probe = match app.blobs.probe().await {
            Ok(probe) => probe,
            Err(error) => {
                return Finding::fails(
                    error.to_string(),
                    "see that `blobs` in portcullis.toml is the right place, that the AWS_* variables \
                     are those of the server, and that this user may write there",
                );
            }
        };
        let Took { write, read, list, delete } = probe.took;
        let says = format!(
            "can be written ({} ms), read in part ({} ms), listed ({} ms) and deleted ({} ms); {}",
            write.as_millis(),
            read.as_millis(),
            list.as_millis(),
            delete.as_millis(),
            match probe.conditional_create {
                true => "it refuses to overwrite when asked to",
                false => "it overwrites although asked not to, which nothing relies on",
            }
        );
        match [write, read, list, delete].into_iter().max() {
            Some(slowest) if slowest > SLOW_STORE => Finding::warns(
                says,
                "bring the object store nearer to the gateway, or see what slows it down",
            ),
            _ => Finding::well(says),
        }
    })
    .await
}

/// The disks with data, scratch space and blobs.
pub(super) async fn disks(app: &App) -> Vec<Check> {
    let mut folders = vec![("data", app.config.data.clone())];
    if let Ok(Some(root)) = app.blobs.root() {
        folders.push(("blobs", root));
    }
    folders.push(("scratch", app.blobs.scratch_folder().to_path_buf()));
    let mut checks = Vec::new();
    for (what, folder) in folders {
        let room = async { room(&folder) };
        checks.push(timed(format!("disk of {what}"), room).await);
    }
    let scratch = app.blobs.scratch_folder().to_path_buf();
    checks.push(timed("writing for good", async { synced(&scratch) }).await);
    checks
}

fn room(folder: &Path) -> Finding {
    let space = match disk::space(folder) {
        Ok(space) => space,
        Err(error) => {
            let says = format!("{}: {error}", folder.display());
            return Finding::unknown(says, "see that the folder is there and may be looked at");
        }
    };
    let says = format!("{} of {} free", bytes(space.free), bytes(space.total));
    if space.read_only {
        return Finding::fails(
            "it is mounted read-only",
            "mount it for writing; the log of the kernel says whether the disk is ill",
        );
    }
    let full = "make room: bound the cache with [cache] max-size, see `portcullis gc`, or enlarge the disk";
    let percent = |part: u64, whole: u64| part.saturating_mul(100) / whole.max(1);
    let Space {
        total,
        free,
        files,
        free_files,
        ..
    } = space;
    match () {
        () if free < LITTLE_ROOM / 8 => Finding::fails(says, full),
        () if free < LITTLE_ROOM || percent(free, total) < 3 => Finding::warns(says, full),
        () if files > 0 && percent(free_files, files) < 2 => Finding::warns(
            format!("{says}, and room for only {free_files} more files"),
            "make a file system with more inodes, or bound the cache",
        ),
        () => Finding::well(says),
    }
}

/// How long it takes until what was written survives a power cut.
fn synced(folder: &Path) -> Finding {
    let once = || -> std::io::Result<Duration> {
        let mut file = tempfile::tempfile_in(folder)?;
        file.write_all(&[7; 4096])?;
        let begun = Instant::now();
        file.sync_all()?;
        Ok(begun.elapsed())
    };
    let mut took = Vec::new();
    for _ in 0..5 {
        match once() {
            Ok(one) => took.push(one),
            Err(error) => {
                return Finding::fails(
                    format!("{}: {error}", folder.display()),
                    "see that the disk is mounted for writing, has room and belongs to this user",
                );
            }
        }
    }
    took.sort_unstable();
    let median = took[took.len() / 2];
    let says = format!("{:.1} ms to sync 4 KiB", median.as_secs_f64() * 1000.0);
    match median > SLOW_SYNC {
        true => Finding::warns(
            says,
            "use a disk with a write cache that survives a power cut",
        ),
        false => Finding::well(says),
    }
}

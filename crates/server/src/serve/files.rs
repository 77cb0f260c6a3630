//! How many files this process may have open: each connection is one.

use tracing::{info, warn};

/// What is kept for the database, packages and workers, whatever the limit is.
const KEPT: usize = 256;

/// How many of `wanted` connections there is room for.
pub(super) fn room_for(wanted: usize) -> usize {
    let Some(limit) = limit() else {
        return wanted;
    };
    // A download has a file open beside its connection, but hardly all connections download.
    let room = limit.saturating_sub(KEPT).max(limit / 4) * 3 / 4;
    if room < wanted {
        info!(
            "at most {room} connections at a time, not {wanted}: this process may have {limit} files \
             open; raise LimitNOFILE or ulimit -n for more"
        );
    }
    room.clamp(1, wanted)
}

#[cfg(unix)]
fn limit() -> Option<usize> {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    usize::try_from(limit.current?).ok()
}

#[cfg(not(unix))]
fn limit() -> Option<usize> {
    None
}

/// Raises the number of files that this process may have open to the most that it may give itself. Shells
/// give out few, for programs that cannot count beyond 1024.
#[cfg(unix)]
pub fn raise_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current == maximum {
        return;
    }
    let raised = Rlimit {
        current: maximum,
        maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        warn!("could not raise the number of open files: {error}");
    }
}

/// There is no such number here.
#[cfg(not(unix))]
pub fn raise_limit() {}

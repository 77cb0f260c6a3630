//! Trying out what a worker can still do, so that what is said to hold it back is known and not believed.

use std::fs::{File, OpenOptions};

use portcullis_inspect::python::Budget;

/// Whether a thread can be made as the analysis makes one.
///
/// # Errors
/// Those of making it.
pub(super) fn analysis_can_begin() -> anyhow::Result<()> {
    let thread = std::thread::Builder::new()
        .stack_size(Budget::default().stack_bytes)
        .spawn(|| ());
    let thread = thread.map_err(|error| anyhow::anyhow!("no thread for the analysis: {error}"))?;
    thread
        .join()
        .map_err(|_| anyhow::anyhow!("a thread for the analysis does not end"))
}

/// What should not be possible and is, in words. What would end the process is not tried: a filter that
/// ends it is in force when one that refuses is.
pub(super) fn holes() -> Vec<String> {
    let tried = [
        ("reading files", File::open("/etc/passwd").is_ok()),
        ("listing folders", std::fs::read_dir("/").is_ok()),
        ("writing files", can_write()),
    ];
    let open = tried.into_iter().filter(|(_, is_open)| *is_open);
    open.map(|(what, _)| what.to_owned()).collect()
}

fn can_write() -> bool {
    let name = format!("portcullis-worker-{}", std::process::id());
    let path = std::env::temp_dir().join(name);
    let made = OpenOptions::new().write(true).create_new(true).open(&path);
    // A file that should not be there is not left behind either.
    made.is_ok_and(|_| std::fs::remove_file(&path).is_ok() || path.exists())
}

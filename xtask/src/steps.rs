//! Steps with a name and a duration. A failed step does not keep the next ones from telling what
//! they have to tell, but the whole fails and names it.

use std::time::{Duration, Instant};

use anyhow::bail;

/// The steps run so far.
#[derive(Default)]
pub(crate) struct Steps {
    failed: Vec<&'static str>,
}

impl Steps {
    /// Runs a step that the next ones can do without.
    pub(crate) fn run(&mut self, name: &'static str, step: impl FnOnce() -> anyhow::Result<()>) {
        if let Err(error) = required(name, step) {
            eprintln!("error: {error:#}");
            self.failed.push(name);
        }
    }

    /// Fails when a step has failed.
    pub(crate) fn finish(self) -> anyhow::Result<()> {
        if !self.failed.is_empty() {
            bail!("failed: {}", self.failed.join(", "));
        }
        Ok(())
    }
}

/// Runs a step without which there is no going on.
pub(crate) fn required<T>(
    name: &'static str,
    step: impl FnOnce() -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    println!("==> {name}");
    let started = Instant::now();
    let result = step();
    let word = if result.is_ok() { "done" } else { "FAILED" };
    println!("==> {name}: {word} in {}", seconds(started.elapsed()));
    result.map_err(|error| error.context(format!("step \"{name}\" failed")))
}

/// `3.2 s`, or minutes and seconds.
pub(crate) fn seconds(duration: Duration) -> String {
    match duration.as_secs() {
        0..60 => format!("{:.1} s", duration.as_secs_f32()),
        whole => format!("{} min {:02} s", whole / 60, whole % 60),
    }
}

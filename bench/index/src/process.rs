//! What a server costs, read from /proc: CPU time, memory and what it had written, of a process with all
//! that it started.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// A process and what it started.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tree {
    /// The process at its root.
    pub(crate) root: u32,
}

/// The fields of `/proc/PID/stat` that matter: parent, and clock ticks of itself and of its children that
/// have ended.
struct Stat {
    parent: u32,
    ticks: u64,
}

fn stat(process: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The second field is a name in brackets that may have anything in it.
    let rest = text.rsplit_once(')')?.1;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let number = |position: usize| fields.get(position)?.parse::<u64>().ok();
    Some(Stat {
        parent: u32::try_from(number(1)?).ok()?,
        ticks: number(11)? + number(12)? + number(13)? + number(14)?,
    })
}

impl Tree {
    fn members(self) -> Vec<u32> {
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        let parents: BTreeMap<u32, u32> = numbers
            .filter_map(|process| Some((process, stat(process)?.parent)))
            .collect();
        let is_within = |mut process: u32| {
            while process != self.root {
                match parents.get(&process) {
                    Some(parent) => process = *parent,
                    None => return false,
                }
            }
            true
        };
        parents
            .keys()
            .copied()
            .filter(|process| is_within(*process))
            .collect()
    }

    /// CPU time so far, in seconds.
    pub(crate) fn cpu(self) -> f64 {
        let ticks: u64 = self
            .members()
            .into_iter()
            .filter_map(stat)
            .map(|stat| stat.ticks)
            .sum();
        ticks as f64 / rustix::param::clock_ticks_per_second() as f64
    }

    /// Resident memory now, in bytes. Pages that processes share are counted for each.
    pub(crate) fn memory(self) -> u64 {
        let pages = |process: u32| -> Option<u64> {
            let text = fs::read_to_string(format!("/proc/{process}/statm")).ok()?;
            text.split(' ').nth(1)?.parse().ok()
        };
        let pages: u64 = self.members().into_iter().filter_map(pages).sum();
        pages * rustix::param::page_size() as u64
    }

    /// How many bytes it has caused to be written to a disk so far.
    pub(crate) fn written(self) -> u64 {
        let bytes = |process: u32| -> Option<u64> {
            let text = fs::read_to_string(format!("/proc/{process}/io")).ok()?;
            let line = text
                .lines()
                .find_map(|line| line.strip_prefix("write_bytes: "))?;
            line.parse().ok()
        };
        self.members().into_iter().filter_map(bytes).sum()
    }

    /// Watches memory until it is asked for the most.
    pub(crate) fn watch(self) -> Watch {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let mut most = 0;
            while !stopped.load(Ordering::Relaxed) {
                most = most.max(self.memory());
                thread::sleep(Duration::from_millis(20));
            }
            most
        });
        Watch { stop, thread }
    }
}

/// Looks at memory fifty times a second.
pub(crate) struct Watch {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<u64>,
}

impl Watch {
    /// The most that was seen, in bytes.
    pub(crate) fn most(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_this_process_costs_is_seen() {
        let tree = Tree {
            root: std::process::id(),
        };
        let before = tree.cpu();
        let watch = tree.watch();
        let began = std::time::Instant::now();
        let mut numbers: Vec<u64> = Vec::new();
        while tree.cpu() < before + 0.05 && began.elapsed() < Duration::from_secs(30) {
            numbers.extend(0..1_000_u64);
        }
        assert!(tree.cpu() >= before + 0.05);
        thread::sleep(Duration::from_millis(50));
        assert!(watch.most() > numbers.len() as u64 * 8);
    }
}

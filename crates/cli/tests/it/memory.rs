//! What a process holds in memory, as the kernel counts it.

/// The line of `/proc/PID/status` with this name, in bytes.
fn status(process: u32, name: &str) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let number = line.unwrap().trim_start_matches(':').trim();
    let kilobytes: u64 = number.trim_end_matches(" kB").parse().unwrap();
    kilobytes * 1024
}

/// What it holds now, in bytes.
pub(crate) fn resident(process: u32) -> u64 {
    status(process, "VmRSS")
}

/// The most that it held since [`forget_peak`], in bytes.
pub(crate) fn peak(process: u32) -> u64 {
    status(process, "VmHWM")
}

/// Begins to look for the most anew.
pub(crate) fn forget_peak(process: u32) {
    std::fs::write(format!("/proc/{process}/clear_refs"), "5").unwrap();
}

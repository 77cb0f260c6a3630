//! `ARC-008`: files are installed outside the packages.

use portcullis_core::inspection::{Observation, Severity};

use super::{ArchiveRule, Seen};
use crate::archive::survey::Survey;
use crate::archive::survey::data_tree;

/// The rule.
pub(super) struct OutsideFiles;

impl ArchiveRule for OutsideFiles {
    fn id(&self) -> &'static str {
        "ARC-008"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn title(&self) -> &'static str {
        "files are installed outside the packages"
    }

    fn manual(&self) -> &'static str {
        "The wheel's `.data` tree installs files beside the packages: where services, logins or \
         schedules start programs, into the folder of commands, or into `site-packages` past \
         the usual way.\n\n\
         Below the system's own prefix such a file outlives the environment and runs by itself.\n\n\
         Mistaken for it: manuals, shell completions, and settings of Jupyter, which are left \
         alone."
    }

    fn check(&self, survey: &Survey, observations: &mut Vec<Observation>) {
        for member in survey.files().filter(|_| survey.is_wheel()) {
            let Some((key, path)) = data_tree(&member.name) else {
                continue;
            };
            let Some((severity, message)) = judge(key, path) else {
                continue;
            };
            let seen = Seen::file(&member.name);
            observations.push(seen.observe(self, severity, 85, message));
        }
    }
}

/// Parts of paths from which systems start programs by themselves.
const PERSISTENT: &[&str] = &[
    "systemd",
    "init.d",
    "profile.d",
    "cron.d",
    "cron.daily",
    "cron.hourly",
    "crontabs",
    "autostart",
    "LaunchAgents",
    "LaunchDaemons",
    "sudoers.d",
    "ld.so.conf.d",
    "pam.d",
    "udev",
    "xinit",
    "bash_completion.d-",
    "sysconfig",
    "rc.d",
];

/// Folders with nothing that runs.
const QUIET: &[&str] = &[
    "share/",
    "etc/jupyter/",
    "include/",
    "man/",
    "doc/",
    "etc/bash_completion.d/",
];

fn judge(key: &str, path: &str) -> Option<(Severity, String)> {
    match key {
        "purelib" | "platlib" | "headers" | "scripts" => return None,
        "data" => {}
        _ => return Some((Severity::Medium, "an unknown kind of .data tree".to_owned())),
    }
    if path.split('/').any(|part| PERSISTENT.contains(&part)) {
        return Some((
            Severity::High,
            format!("{} starts by itself", last_two(path)),
        ));
    }
    if path.contains("site-packages/") || path.contains("dist-packages/") {
        return Some((
            Severity::High,
            "it lands in site-packages past RECORD's way".to_owned(),
        ));
    }
    // Scripts have a tree of their own; what takes this way takes the place of the environment's Python.
    let program = path
        .strip_prefix("bin/")
        .or_else(|| path.strip_prefix("Scripts/"));
    if program.is_some_and(|name| name.starts_with("python") || name.starts_with("pip")) {
        return Some((
            Severity::High,
            format!("{path} takes the place of the environment's own"),
        ));
    }
    if QUIET.iter().any(|quiet| path.starts_with(quiet)) {
        return None;
    }
    let is_below = |folder: &str| path.starts_with(folder);
    match is_below("bin/") || is_below("sbin/") || is_below("Scripts/") || is_below("etc/") {
        true => Some((
            Severity::Medium,
            format!("it is installed as {}", last_two(path)),
        )),
        false => Some((
            Severity::Info,
            format!("it is installed as {}", last_two(path)),
        )),
    }
}

fn last_two(path: &str) -> String {
    let mut parts: Vec<&str> = path.rsplit('/').take(2).collect();
    parts.reverse();
    parts
        .join("/")
        .chars()
        .filter(|c| !c.is_control())
        .take(80)
        .collect()
}

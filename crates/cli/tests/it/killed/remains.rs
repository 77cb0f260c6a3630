//! What is on record and on disk after all the kills: every record that was acknowledged, and no bytes that
//! nothing refers to once `portcullis gc` has been.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime};

use portcullis_core::digest::Sha256;
use serde_json::Value;

use super::load::{self, GATES, Load, PUBLIC};
use crate::gateway::Gateway;

fn json(gateway: &Gateway, arguments: &[&str]) -> Value {
    let printed = gateway.command(&[arguments, &["--format", "json"]].concat());
    serde_json::from_str(&printed).unwrap()
}

/// The ledger is intact and has every quarantine, every download is on record, and the last policy is in force.
pub(super) fn records_are_whole(gateway: &Gateway, load: &Load) {
    let verified = json(gateway, &["ledger", "verify"]);
    assert_eq!(verified["intact"], true, "{verified}");
    let ledger = gateway.command(&["ledger", "show", "--from", "1", "--limit", "4000000000"]);
    for number in load.told.quarantines.lock().unwrap().iter() {
        let held = load::held(*number);
        assert!(
            ledger.contains(held.name()),
            "the record of {} is lost",
            held.name()
        );
    }
    for (project, acknowledged) in load.told.downloads.lock().unwrap().iter() {
        let exposure = json(gateway, &["exposure", project]);
        let recorded = exposure["summary"]["downloads"].as_u64();
        let recorded = recorded.unwrap_or_else(|| panic!("{exposure}"));
        assert!(
            recorded >= *acknowledged as u64,
            "{project}: {recorded} of {acknowledged} downloads are on record"
        );
    }
    let last = load.told.policies.load(Ordering::Relaxed);
    let begun = Instant::now();
    let is_in_force = || {
        (0..GATES).all(|number| {
            let file = load::gate(number);
            let answer = gateway.get(&format!("/files/{}/{}", file.name(), file.filename()));
            let expected = if number == last % GATES { 403 } else { 200 };
            answer.status == expected
        })
    };
    while !is_in_force() {
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "the policy {last} is not in force"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Deletes the garbage of a gateway that does not run, and says how much it was. After that and a purge, the only
/// bytes on disk are those of files that were published here, and of their METADATA.
pub(super) fn nothing_else_is_left(gateway: &Gateway, load: &Load) -> usize {
    let data = gateway.folder().join("data");
    let first = collect(gateway, &data);
    assert_eq!(collect(gateway, &data), 0, "garbage of garbage");
    let listed = listed(gateway, load);
    for project in (0..PUBLIC).map(|number| load::public(number).name().to_owned()) {
        gateway.command(&["purge", &project, "--forget"]);
    }
    for project in (0..GATES).map(|number| load::gate(number).name().to_owned()) {
        gateway.command(&["purge", &project, "--forget"]);
    }
    let second = collect(gateway, &data);
    let here: BTreeSet<String> = files(&data.join("blobs"))
        .iter()
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    let too_many: Vec<_> = here.difference(&listed).collect();
    let too_few: Vec<_> = listed.difference(&here).collect();
    assert!(
        too_many.is_empty() && too_few.is_empty(),
        "nothing refers to {too_many:?}, and {too_few:?} are gone"
    );
    first + second
}

/// The digests of what is published here. The gateway does not run, so that its commands are asked.
fn listed(gateway: &Gateway, load: &Load) -> BTreeSet<String> {
    let ledger = gateway.command(&[
        "ledger",
        "show",
        "--from",
        "1",
        "--limit",
        "4000000000",
        "--format",
        "json",
    ]);
    let mut listed = BTreeSet::new();
    for ours in load.told.attempts.lock().unwrap().iter() {
        let digest = Sha256::of(&ours.build()).to_hex().to_string();
        if ledger.contains(&digest) {
            listed.insert(digest);
            listed.insert(Sha256::of(&ours.metadata()).to_hex().to_string());
        }
    }
    listed
}

/// Everything is as old as garbage has to be, and `gc` deletes what is. Returns how many things that were.
fn collect(gateway: &Gateway, data: &Path) -> usize {
    let long_ago = SystemTime::now() - Duration::from_secs(3 * 24 * 60 * 60);
    for path in files(data) {
        File::open(&path).unwrap().set_modified(long_ago).unwrap();
    }
    let found = json(gateway, &["gc", "--delete"]);
    let many = |what: &str| found[what].as_array().unwrap().len();
    assert_eq!((many("lost"), &found["young"]), (0, &0.into()), "{found}");
    many("orphans") + many("leftovers")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found
}

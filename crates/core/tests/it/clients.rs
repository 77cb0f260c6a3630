//! The real clients, in their environments in `PORTCULLIS_CLIENTS`, which are asked by scripts beside the tests.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Where the clients are; `None`, with a line that says so, where the test is passed over.
pub(crate) fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("PORTCULLIS_CLIENTS");
    assert!(
        folder.is_some() || std::env::var_os("PORTCULLIS_TEST_ALL").is_none(),
        "PORTCULLIS_TEST_ALL=1, but PORTCULLIS_CLIENTS is not set"
    );
    if folder.is_none() {
        eprintln!("skipped: PORTCULLIS_CLIENTS is not set (cargo xtask with …)");
    }
    folder.map(PathBuf::from)
}

/// What `script`, a path in this crate, answers about `tool` with the Python of `client`; `None` where there
/// are no clients.
pub(crate) fn ask<Q: Serialize, A: DeserializeOwned>(
    client: &str,
    script: &str,
    (tool, question): (&str, &Q),
) -> Option<A> {
    let script = format!("{}/{script}", env!("CARGO_MANIFEST_DIR"));
    let mut child = Command::new(folder()?.join(client).join("bin/python"))
        .args([script.as_str(), tool])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let question = serde_json::to_vec(question).unwrap();
    child.stdin.take().unwrap().write_all(&question).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{tool} did not answer");
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

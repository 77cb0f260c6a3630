//! Who received a file: the answer names the token, the client and the file.

use portcullis_fixtures::{FixtureIndex, ListedFile, wheel};
use serde_json::Value;

use crate::gateway;
use crate::installers::{self, ALL, Installer};
use crate::program::Clients;

/// The versions that xtask installs.
const PIP: &str = "26.3";
const UV: &str = "0.13.8";

#[test]
fn exposure_names_token_client_and_file() {
    let Some(clients) = Clients::find() else {
        return;
    };
    let index = FixtureIndex::start_blocking();
    let leaf = ListedFile::from(wheel("leaf", "1.0"));
    index.add(leaf.clone());
    let leaf = leaf.sha256();
    let gateway = gateway::before(&index).reading_with_token().start();
    for (installer, name) in [
        (Installer::Pip, "laptop-of-ann"),
        (Installer::Uv, "ci-build"),
    ] {
        let token = gateway.token(name, "read");
        let address = gateway.simple_url_with(&token);
        for outcome in installers::each(&[installer], &clients, &address, "leaf") {
            outcome.received_exactly(&[("leaf", "1.0")]);
            assert!(!outcome.shown.text.contains(&token), "{outcome}");
        }
    }
    let said = gateway.command(&["exposure", "leaf", "--format", "json"]);
    let said: Value = serde_json::from_str(&said).unwrap();
    let rows = said["downloads"].as_array().unwrap().iter();
    let seen = rows.map(|row| {
        let cells = [
            "token",
            "client",
            "client-version",
            "filename",
            "sha256",
            "address",
        ];
        cells.map(|cell| row[cell].as_str().unwrap_or("nothing"))
    });
    let file = ["leaf-1.0-py3-none-any.whl", leaf.as_str(), "127.0.0.1"];
    let expected = [("laptop-of-ann", "pip", PIP), ("ci-build", "uv", UV)]
        .map(|(token, client, version)| [token, client, version, file[0], file[1], file[2]]);
    assert_eq!(seen.collect::<Vec<_>>(), expected);
}

/// Those who may not read receive nothing, and nothing of them is on record.
#[test]
fn without_a_token_nobody_reads_where_a_token_is_needed() {
    let Some(clients) = Clients::find() else {
        return;
    };
    let index = FixtureIndex::start_blocking();
    index.add(wheel("leaf", "1.0"));
    let gateway = gateway::before(&index).reading_with_token().start();
    for outcome in installers::each(&ALL, &clients, &gateway.simple_url(), "leaf") {
        outcome.received_nothing();
    }
    assert!(index.requests().is_empty(), "{:?}", index.requests());
    let said = gateway.command(&["exposure", "leaf", "--format", "json"]);
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["downloads"], Value::Array(Vec::new()));
}

/// What stands before the token in the address of an index is what a build calls itself.
#[test]
fn a_build_that_names_itself_is_found_by_that_name() {
    let Some(clients) = Clients::find() else {
        return;
    };
    let index = FixtureIndex::start_blocking();
    index.add(wheel("leaf", "1.0"));
    let gateway = gateway::before(&index).reading_with_token().start();
    let token = gateway.token("ci", "read");
    for (position, installer) in ALL.into_iter().enumerate() {
        let usual = gateway.simple_url_with(&token);
        let address = usual.replace("__token__", &format!("payments-build-{position}"));
        for outcome in installers::each(&[installer], &clients, &address, "leaf") {
            outcome.received_exactly(&[("leaf", "1.0")]);
        }
    }
    let said = gateway.command(&["exposure", "leaf", "--format", "json", "--receipts"]);
    let said: Value = serde_json::from_str(&said).unwrap();
    let receipts = said["receipts"].as_array().unwrap().iter();
    let who: Vec<&str> = receipts.map(|one| one["job"].as_str().unwrap()).collect();
    let expected: Vec<String> = (0..ALL.len())
        .map(|position| format!("payments-build-{position}"))
        .collect();
    assert_eq!(who, expected);
}

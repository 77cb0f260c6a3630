//! The API against its own document: schemathesis asks what the document allows and what it does not, and
//! compares the answers with what the document says. It is in `PORTCULLIS_CLIENTS` like the clients.

use std::path::Path;
use std::process::Command;

use portcullis_fixtures::{FixtureIndex, ListedFile, wheel};

use crate::gateway;
use crate::program::{Clients, Desk};

/// Requests for each operation and phase.
const EXAMPLES: &str = "20";

#[test]
fn the_api_does_what_its_document_says() {
    let Some(clients) = Clients::find() else {
        return;
    };
    let index = FixtureIndex::start_blocking();
    index.add(ListedFile::from(wheel("leaf", "1.0")).upload_time("2020-01-01T00:00:00Z"));
    index.add(wheel("leaf", "2.0"));
    let gateway = gateway::before(&index).reading_with_token().start();
    let token = gateway.token("examiner", "admin");
    let desk = Desk::new();
    let hooks = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/api_hooks.py");
    std::fs::copy(hooks, desk.path("project").join("api_hooks.py")).unwrap();
    let api = format!("{}/api/v1", gateway.url());
    let mut command: Command = desk.program(&clients.program("schemathesis", "schemathesis"));
    command
        .env("SCHEMATHESIS_HOOKS", "api_hooks")
        .env("PYTHONPATH", ".")
        .args(["run", &format!("{api}/openapi.json"), "--url", &api])
        .args(["--header", &format!("Authorization: Bearer {token}")])
        .args(["--max-examples", EXAMPLES, "--seed", "1"])
        .args(["--continue-on-failure", "--warnings", "off"]);
    let shown = desk.run(&mut command);
    assert_eq!(shown.code, 0, "{}", shown.text);
    assert!(shown.text.contains("No issues found"), "{}", shown.text);
}

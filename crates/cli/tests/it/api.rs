//! The API against its own document: schemathesis asks what the document allows and what it does not, and
//! compares the answers with what the document says. It is in `PORTCULLIS_CLIENTS` like the clients.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use portcullis_fixtures::{FixtureIndex, ListedFile, wheel};

use crate::gateway::{self, Gateway};
use crate::program::{Clients, Desk};
use crate::wire;

/// Requests for each operation and phase.
const EXAMPLES: &str = "20";

const ADVISORY: &str = r#"{"id":"PYSEC-1","modified":"2026-01-01T00:00:00Z","affected":[{
    "package":{"ecosystem":"PyPI","name":"leaf"},"versions":["1.0"]}]}"#;

/// Until the running gateway has heard of what a command beside it loaded.
fn wait_for_advisories(gateway: &Gateway, token: &str) {
    let end = Instant::now() + Duration::from_secs(20);
    let header = format!("Authorization: Bearer {token}");
    while wire::get_with(gateway.url(), "/osv/v1/vulns/PYSEC-1", &header).status != 200 {
        assert!(Instant::now() < end, "the advisories do not arrive");
        std::thread::sleep(Duration::from_millis(50));
    }
}

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
    // Without advisories nothing is said about vulnerabilities, which is a 503 as it should be.
    gateway.write("PYSEC-1.json", ADVISORY);
    gateway.command(&["advisories", "import", "PYSEC-1.json"]);
    wait_for_advisories(&gateway, &token);
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

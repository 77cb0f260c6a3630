//! An index that serves only what was approved, from the command line to pip's screen.

use portcullis_fixtures::{FixtureIndex, ListedFile, wheel};

use crate::gateway;
use crate::installers::Installer;
use crate::program::Clients;

fn old(name: &str, version: &str) -> ListedFile {
    ListedFile::from(wheel(name, version)).upload_time("2026-01-05T12:00:00Z")
}

#[test]
fn pip_installs_what_a_lock_approves_and_nothing_else() {
    let Some(clients) = Clients::find() else {
        return;
    };
    let index = FixtureIndex::start_blocking();
    let wanted = old("approved-demo", "1.0");
    let digest = wanted.sha256();
    for file in [
        wanted,
        old("approved-demo", "2.0"),
        old("other-demo", "1.0"),
    ] {
        index.add(file);
    }
    let gateway = gateway::before(&index)
        .policy("[rules.not-approved]\n")
        .start();
    let lock = format!("approved-demo==1.0 --hash=sha256:{digest}\nnot-pinned\n");
    gateway.write("requirements.txt", &lock);
    let place = gateway.database();
    let file = place
        .parent()
        .unwrap()
        .parent()
        .unwrap()
        .join("requirements.txt");
    let file = file.to_str().unwrap();
    let preview = gateway.command(&["approve", "import", file, "--dry-run"]);
    assert!(preview.contains("approved-demo"), "{preview}");
    assert!(preview.contains("1 file"), "{preview}");
    assert!(
        gateway
            .command(&["approve", "list"])
            .contains("Nothing is approved")
    );

    let install =
        |requirement: &str| Installer::Pip.install(&clients, &gateway.simple_url(), requirement);
    let refused = install("approved-demo");
    refused.received_nothing();
    assert!(refused.shown.text.contains("not-approved"), "{refused}");

    let imported = gateway.command(&["approve", "import", file]);
    assert!(
        imported.contains("1 release of lock:requirements.txt"),
        "{imported}"
    );
    // Other processes learn of it within a second.
    std::thread::sleep(std::time::Duration::from_secs(2));
    install("approved-demo").received_exactly(&[("approved-demo", "1.0")]);
    install("other-demo").received_nothing();

    let added = gateway.command(&["approve", "add", "other-demo<2", "--reason", "the shop"]);
    assert!(
        added.contains("other-demo<2 is approved for main"),
        "{added}"
    );
    let listed = gateway.command(&["approve", "list", "--format", "json"]);
    assert!(
        listed.contains("lock:requirements.txt") && listed.contains("typed"),
        "{listed}"
    );
    let removed = gateway.command(&["approve", "remove", "--origin", "lock:requirements.txt"]);
    assert!(removed.contains("no longer approved"), "{removed}");
    std::thread::sleep(std::time::Duration::from_secs(2));
    install("other-demo").received_exactly(&[("other-demo", "1.0")]);
    install("approved-demo").received_nothing();
    let again = gateway.output(&["approve", "remove", "99"]);
    assert_eq!(again.status.code(), Some(2));
}

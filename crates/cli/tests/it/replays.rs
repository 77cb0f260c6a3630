//! Attacks that happened, from start to end: the typosquats that were found in 2017, the placeholder of
//! a dependency confusion of 2021, a popular project's bad release of 2026 that was live for two hours,
//! and a fix that must not wait. Real clients, an index of our own, inert packages.

use portcullis_fixtures::{FixtureIndex, ListedFile, wheel};
use serde_json::{Value, json};

use crate::gateway::{self, Gateway};
use crate::installers::{self, ALL, Installer};
use crate::program::Clients;

/// An upload time so many hours ago.
fn hours_ago(hours: i64) -> String {
    let moment = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(hours);
    moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn uploaded(name: &str, version: &str, hours: i64) -> ListedFile {
    ListedFile::from(wheel(name, version)).upload_time(&hours_ago(hours))
}

fn json_of(gateway: &Gateway, arguments: &[&str]) -> Value {
    let said = gateway.command(&[arguments, &["--format", "json"]].concat());
    serde_json::from_str(&said).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {said}"))
}

/// An advisory in OSV's form, published some days ago, in a file for `advisories import`.
fn advisory(id: &str, project: &str, introduced: &str, fixed: Option<&str>, days: i64) -> Value {
    let mut events = vec![json!({ "introduced": introduced })];
    events.extend(fixed.map(|fixed| json!({ "fixed": fixed })));
    json!({
        "schema_version": "1.6.0",
        "id": id,
        "published": hours_ago(24 * days),
        "modified": hours_ago(24 * days),
        "summary": "an advisory of a test",
        "affected": [{
            "package": { "ecosystem": "PyPI", "name": project },
            "ranges": [{ "type": "ECOSYSTEM", "events": events }],
        }],
    })
}

/// Brings advisories into the gateway, and waits until it goes by them.
fn import(gateway: &Gateway, advisories: &[Value]) {
    let folder = tempfile::tempdir().unwrap();
    for advisory in advisories {
        let name = format!("{}.json", advisory["id"].as_str().unwrap());
        std::fs::write(folder.path().join(name), advisory.to_string()).unwrap();
    }
    let folder = folder.path().to_str().unwrap();
    gateway.command(&["advisories", "import", folder]);
    a_moment();
}

/// Every process learns within a second of what another one changed.
fn a_moment() {
    std::thread::sleep(std::time::Duration::from_millis(1_500));
}

const OF_2017: [&str; 11] = [
    "acqusition",
    "apidev-coop",
    "bzip",
    "crypt",
    "django-server",
    "pwd",
    "setup-tools",
    "telnet",
    "urlib3",
    "urllib",
    "xml",
];

/// Each of them carried the code of a real package under a name that people type by mistake.
#[test]
fn none_of_the_typosquats_of_2017_can_be_installed() {
    let Some(clients) = Clients::find() else {
        return;
    };
    let index = FixtureIndex::start_blocking();
    for name in OF_2017 {
        index.add(uploaded(name, "1.21.1", 24 * 20));
    }
    let gateway = gateway::before(&index).start();
    for name in OF_2017 {
        let outcomes = installers::each(
            &[Installer::Pip, Installer::Uv],
            &clients,
            &gateway.simple_url(),
            name,
        );
        for outcome in outcomes {
            outcome.received_nothing();
            let text = &outcome.shown.text;
            assert!(
                text.contains("Portcullis denies") && text.contains("/why/"),
                "the reason is not on this screen: {outcome}"
            );
        }
        let why = gateway.get(&format!("/why/{name}"));
        assert!(why.text().contains("deny"), "{name}: {}", why.text());
    }
    // Counts are written down every few seconds.
    let all_are_counted = || {
        let refused = json_of(&gateway, &["stats", "--by", "name", "--refused"]).to_string();
        OF_2017
            .iter()
            .all(|name| refused.contains(&format!("\"{name}\"")))
    };
    let mut counted = all_are_counted();
    for _ in 0..20 {
        if counted {
            break;
        }
        a_moment();
        counted = all_are_counted();
    }
    assert!(counted, "the statistics do not show what was refused");
}

/// Somebody uploads a placeholder under an internal name, with a version that wins everywhere else.
#[test]
fn the_placeholder_of_a_dependency_confusion_never_wins_and_is_noticed() {
    let Some(clients) = Clients::find() else {
        return;
    };
    let index = FixtureIndex::start_blocking();
    index.add(uploaded("acme-billing", "99.10.9", 24 * 30));
    index.route("/new-names.txt", "text/plain", "flask\nacme-billing\n");
    let gateway = gateway::before(&index)
        .owned("acme-*")
        .first(gateway::First::Upstream)
        .tables(&format!(
            "[monitor]\nowned-names = \"list\"\nnames-list = \"{}/new-names.txt\"\n",
            index.url()
        ))
        .start();
    for outcome in installers::each(&ALL, &clients, &gateway.simple_url(), "acme-billing") {
        outcome.received_nothing();
    }
    let asked = index.requests();
    assert!(
        asked.iter().all(|request| !request.path.contains("acme")),
        "an owned name went outside: {asked:?}"
    );
    gateway.command(&["jobs", "run", "owned-names"]);
    let events = json_of(&gateway, &["events", "list"]).to_string();
    assert!(
        events.contains("name.owned-appeared") && events.contains("acme-billing"),
        "{events}"
    );
}

/// A bad release of a popular project is live for two hours. Age holds it for everybody; a team that
/// had it waived is found, told, and stopped.
#[test]
fn those_who_had_waived_a_bad_release_are_found_and_told() {
    let Some(clients) = Clients::find() else {
        return;
    };
    let index = FixtureIndex::start_blocking();
    index.add(uploaded("popular", "1.82.6", 24 * 40));
    index.add(uploaded("popular", "1.82.7", 1));
    let gateway = gateway::before(&index).start();
    for outcome in installers::each(&ALL, &clients, &gateway.simple_url(), "popular") {
        outcome.received_exactly(&[("popular", "1.82.6")]);
    }

    let asked = [
        "review",
        "request",
        "popular==1.82.7",
        "--reason",
        "a deadline",
    ];
    let review = json_of(&gateway, &asked);
    let number = review["review"]["id"].as_i64().or(review["id"].as_i64());
    let number = number
        .unwrap_or_else(|| panic!("no number in {review}"))
        .to_string();
    gateway.command(&["review", "approve", &number, "--reason", "urgent"]);
    a_moment();
    let hasty = gateway.token("ml/train", "read");
    let address = gateway.simple_url_with(&hasty);
    let outcome = Installer::Uv.install(&clients, &address, "popular==1.82.7");
    outcome.received_exactly(&[("popular", "1.82.7")]);

    import(
        &gateway,
        &[advisory(
            "MAL-2026-1",
            "popular",
            "1.82.7",
            Some("1.82.8"),
            0,
        )],
    );
    let outcome = Installer::Uv.install(&clients, &address, "popular==1.82.7");
    outcome.received_nothing();
    assert!(outcome.shown.text.contains("MAL-2026-1"), "{outcome}");

    let exposed = json_of(&gateway, &["exposure", "MAL-2026-1"]);
    assert!(exposed.to_string().contains("ml/train"), "{exposed}");
    let begun = json_of(
        &gateway,
        &[
            "quarantine",
            "popular==1.82.7",
            "--reason",
            "takes credentials",
            "--tell",
        ],
    );
    assert!(begun.to_string().contains("ml/train"), "{begun}");
    let events = json_of(&gateway, &["events", "list"]).to_string();
    for kind in [
        "advisory.affects-us",
        "quarantine.started",
        "review.decided",
    ] {
        assert!(events.contains(kind), "{kind} is not in {events}");
    }
    for outcome in installers::each(&ALL, &clients, &gateway.simple_url(), "popular") {
        outcome.received_exactly(&[("popular", "1.82.6")]);
    }
}

/// A maintainer mends a hole that has been known for a week. Nobody waits three days for that.
#[test]
fn a_fix_passes_the_cooldown_and_an_invented_one_does_not() {
    let Some(clients) = Clients::find() else {
        return;
    };
    let index = FixtureIndex::start_blocking();
    for project in ["holed", "pretender"] {
        index.add(uploaded(project, "2.0.0", 24 * 200));
        index.add(uploaded(project, "2.0.1", 2));
    }
    let gateway = gateway::before(&index).start();
    let newest = |project: &str, version: &str| {
        for outcome in installers::each(&ALL, &clients, &gateway.simple_url(), project) {
            outcome.received_exactly(&[(project, version)]);
        }
    };
    newest("holed", "2.0.0");
    import(
        &gateway,
        &[
            advisory("PYSEC-2026-7", "holed", "0", Some("2.0.1"), 7),
            advisory("PYSEC-2026-8", "pretender", "0", Some("2.0.1"), 0),
        ],
    );
    newest("holed", "2.0.1");
    newest("pretender", "2.0.0");
    let why = gateway.get("/why/holed").text();
    assert!(why.contains("passes although it is new"), "{why}");
}

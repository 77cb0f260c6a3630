//! The attack that this product is named against: somebody outside publishes a higher version under
//! an internal name. Nobody ever receives it, and the outside never even hears the name, whatever
//! state the inside is in.

use std::time::{Duration, Instant};

use portcullis_fixtures::{FixtureIndex, normalized, wheel};

use crate::gateway::{self, First, Gateway};
use crate::installers::{self, ALL, Installer, Outcome};
use crate::program::{Clients, Desk};
use crate::wire::Form;

const NAME: &str = "acme-billing";

/// The attacker's file. That it is one shows in the path, too.
const EVIL: &str = "acme_billing-99.0-py3-none-any.whl";

/// Ways to write one name.
const SPELLINGS: [&str; 5] = [
    "acme-billing",
    "Acme_Billing",
    "ACME.BILLING",
    "acme-_.billing",
    "aCmE_bIlLiNg",
];

/// An index outside on which the attack is prepared.
fn attacked() -> FixtureIndex {
    let index = FixtureIndex::start_blocking();
    index.add(wheel(NAME, "99.0").file("acme_billing.py", "evil = True\n"));
    index.offer_metadata();
    index.serve_project_json();
    index
}

/// Each client, each with another spelling, and everything that could be asked by hand.
#[track_caller]
fn attempt(
    gateway: &Gateway,
    index: &FixtureIndex,
    clients: &Clients,
    specifier: &str,
) -> Vec<Outcome> {
    let outcomes: Vec<Outcome> = std::thread::scope(|scope| {
        let start = |(installer, spelling): (&Installer, &&str)| {
            let (installer, requirement) = (*installer, format!("{spelling}{specifier}"));
            scope.spawn(move || installer.install(clients, &gateway.simple_url(), &requirement))
        };
        let running: Vec<_> = ALL.iter().zip(&SPELLINGS).map(start).collect();
        running.into_iter().map(|run| run.join().unwrap()).collect()
    });
    for outcome in &outcomes {
        let version = outcome.received.get(NAME).map(String::as_str);
        assert!(matches!(version, None | Some("1.0")), "{outcome}");
    }
    ask_by_hand(gateway);
    nothing_was_heard(index);
    outcomes
}

/// Pages, files, metadata and the project API, in every spelling and form.
#[track_caller]
fn ask_by_hand(gateway: &Gateway) {
    for spelling in SPELLINGS {
        for path in [
            format!("/simple/{spelling}/"),
            format!("/simple/{spelling}/?format=application/vnd.pypi.simple.v1%2Bjson"),
            format!("/main/simple/{spelling}/"),
            format!("/files/{spelling}/{EVIL}"),
            format!("/files/{spelling}/{EVIL}.metadata"),
            format!("/pypi/{spelling}/json"),
            format!("/pypi/{spelling}/99.0/json"),
            format!("/why/{spelling}"),
        ] {
            let answer = gateway.get(&path);
            let text = answer.text();
            assert!(
                !text.contains("99.0") || answer.status >= 400,
                "{path}: {text}"
            );
            let is_the_file = answer.status == 200 && path.contains("/files/");
            assert!(!is_the_file, "{path} is served");
        }
    }
}

/// That no request with the name in any spelling has reached the outside.
#[track_caller]
fn nothing_was_heard(index: &FixtureIndex) {
    for request in index.requests() {
        let decoded = request.path.replace("%2E", ".").replace("%2e", ".");
        let heard = normalized(&decoded).contains(NAME);
        assert!(!heard, "the outside was asked for {}", request.path);
    }
}

fn publish(gateway: &Gateway, token: &str) {
    let ours = wheel(NAME, "1.0").file("acme_billing.py", "ours = True\n");
    let answer = Form::of(&ours).send(gateway.url(), token);
    assert_eq!(answer.status, 200, "{}", answer.screen());
}

/// Renames the table of hosted files, as though the database had failed, under a gateway that
/// remembers nothing.
fn break_the_hosted_source(gateway: &mut Gateway, clients: &Clients) {
    gateway.kill();
    alter(gateway, clients, "ALTER TABLE file RENAME TO file_away");
    gateway.start_again();
    let page = gateway.get(&format!("/simple/{NAME}/"));
    assert_eq!(page.status, 503, "{}", page.screen());
}

fn alter(gateway: &Gateway, clients: &Clients, statement: &str) {
    let desk = Desk::new();
    let script = format!(
        "import sqlite3, sys; d = sqlite3.connect(sys.argv[1], timeout=20); \
         d.execute('PRAGMA legacy_alter_table = ON'); d.execute('{statement}'); d.commit()"
    );
    let mut python = desk.program(&clients.python());
    let ran = desk.run(python.args(["-c", &script]).arg(gateway.database()));
    assert_eq!(ran.code, 0, "{}", ran.text);
}

#[track_caller]
fn everyone_receives_ours(outcomes: &[Outcome]) {
    for outcome in outcomes {
        outcome.received_exactly(&[(NAME, "1.0")]);
    }
}

#[track_caller]
fn nobody_receives_anything(outcomes: &[Outcome]) {
    for outcome in outcomes {
        outcome.received_nothing();
    }
}

/// The whole life of an owned prefix: nothing published, published, broken, whole again, deleted.
#[track_caller]
fn an_owned_prefix_is_never_asked_for_outside(first: First) {
    let Some(clients) = Clients::find() else {
        return;
    };
    let index = attacked();
    let mut gateway = gateway::before(&index).first(first).owned("acme-*").start();
    let token = gateway.token("billing-team", "upload:acme-*");

    nobody_receives_anything(&attempt(&gateway, &index, &clients, ""));
    publish(&gateway, &token);
    everyone_receives_ours(&attempt(&gateway, &index, &clients, ""));
    nobody_receives_anything(&attempt(&gateway, &index, &clients, "==99.0"));

    break_the_hosted_source(&mut gateway, &clients);
    nobody_receives_anything(&attempt(&gateway, &index, &clients, ""));
    alter(&gateway, &clients, "ALTER TABLE file_away RENAME TO file");
    everyone_receives_ours(&installers::each(
        &[Installer::Uv],
        &clients,
        &gateway.simple_url(),
        NAME,
    ));

    gateway.command(&["delete", NAME, "--all", "--yes"]);
    await_absence_of(&gateway, "acme_billing-1.0");
    nobody_receives_anything(&attempt(&gateway, &index, &clients, ""));
}

/// Commands run in a process of their own; the server learns of it within a second.
fn await_absence_of(gateway: &Gateway, text: &str) {
    let start = Instant::now();
    let page = || gateway.get(&format!("/simple/{NAME}/")).text();
    while page().contains(text) {
        assert!(start.elapsed() < Duration::from_secs(20), "{}", page());
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn an_owned_prefix_stays_inside_for_ever() {
    an_owned_prefix_is_never_asked_for_outside(First::Hosted);
}

#[test]
fn an_owned_prefix_stays_inside_even_behind_an_upstream_that_is_listed_first() {
    an_owned_prefix_is_never_asked_for_outside(First::Upstream);
}

#[test]
fn a_name_that_was_published_once_stays_inside_without_any_configuration() {
    let Some(clients) = Clients::find() else {
        return;
    };
    let index = attacked();
    let mut gateway = gateway::before(&index).first(First::Upstream).start();
    let token = gateway.token("billing-team", "upload");
    publish(&gateway, &token);
    everyone_receives_ours(&attempt(&gateway, &index, &clients, ""));
    gateway.command(&["delete", NAME, "--all", "--yes"]);
    await_absence_of(&gateway, "acme_billing-1.0");
    nobody_receives_anything(&attempt(&gateway, &index, &clients, ""));
    gateway.kill();
    gateway.start_again();
    ask_by_hand(&gateway);
    nothing_was_heard(&index);
}

/// The public namesake is in the vault and on every page that is kept, from before the name was ours.
#[test]
fn what_was_fetched_before_a_name_was_owned_is_not_served_afterwards() {
    let Some(clients) = Clients::find() else {
        return;
    };
    let index = attacked();
    let mut gateway = gateway::before(&index).first(First::Upstream).start();
    let fetched = Installer::Uv.install(&clients, &gateway.simple_url(), NAME);
    fetched.received_exactly(&[(NAME, "99.0")]);

    gateway.command(&["names", "own", NAME]);
    await_absence_of(&gateway, "99.0");
    index.forget_requests();
    nobody_receives_anything(&attempt(&gateway, &index, &clients, ""));
    publish(&gateway, &gateway.token("billing-team", "upload"));
    everyone_receives_ours(&attempt(&gateway, &index, &clients, ""));
    gateway.kill();
    gateway.start_again();
    index.stop();
    ask_by_hand(&gateway);
    everyone_receives_ours(&attempt(&gateway, &index, &clients, ""));
}

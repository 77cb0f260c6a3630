//! Each refusal with each client: nothing that is refused is ever installed, an older version is
//! taken where there is one that passes, and the reason is on the client's own screen wherever the
//! client can show one.

use portcullis_fixtures::{Fault, FixtureIndex, ListedFile, wheel};

use crate::gateway::{self, Gateway, Setup};
use crate::installers::{self, ALL, Installer, Outcome};
use crate::program::Clients;
use crate::screen;

/// An upload time so many days, and half an hour, ago.
pub(crate) fn days_ago(days: i64) -> String {
    let hours = jiff::SignedDuration::from_hours(days * 24) + jiff::SignedDuration::from_mins(30);
    let moment = jiff::Timestamp::now() - hours;
    moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn aged(name: &str, version: &str, days: i64) -> ListedFile {
    ListedFile::from(wheel(name, version)).upload_time(&days_ago(days))
}

/// One refusal: an index, the gateway before it, the clients.
struct Stage {
    index: FixtureIndex,
    gateway: Gateway,
    clients: Clients,
}

impl Stage {
    fn with(index: FixtureIndex, setup: impl FnOnce(Setup) -> Setup) -> Option<Self> {
        let clients = Clients::find()?;
        let gateway = setup(gateway::before(&index)).start();
        Some(Self {
            index,
            gateway,
            clients,
        })
    }

    /// What every client makes of each requirement, compared with the snapshot.
    #[track_caller]
    fn compare(&self, name: &str, requirements: &[&str]) -> Vec<Outcome> {
        let install = |requirement: &&str| {
            installers::each(&ALL, &self.clients, &self.gateway.simple_url(), requirement)
        };
        let outcomes: Vec<Outcome> = requirements.iter().flat_map(install).collect();
        let screens = screen::of_outcomes(&outcomes);
        let screens = screen::without_places(&screens, &self.gateway, &self.index, &self.clients);
        screen::compare(name, &screens);
        outcomes
    }
}

/// That nothing was installed, and that everyone who can show the reason does.
#[track_caller]
fn all_are_refused(outcomes: &[Outcome], rule: &str) {
    for outcome in outcomes {
        outcome.received_nothing();
        let text = &outcome.shown.text;
        let reason_is_seen = match outcome.installer {
            Installer::Pdm => text.contains("403"),
            _ => text.contains("Portcullis") && text.contains(rule) && text.contains("/why/"),
        };
        assert!(
            reason_is_seen,
            "the reason is not on this screen: {outcome}"
        );
    }
}

/// The outcomes for one requirement.
fn of<'o>(outcomes: &'o [Outcome], requirement: &str) -> Vec<Outcome> {
    let is_meant = |outcome: &&'o Outcome| outcome.requirement == requirement;
    outcomes.iter().filter(is_meant).cloned().collect()
}

#[test]
fn a_prohibited_project_that_exists_is_refused_with_the_reason() {
    let index = FixtureIndex::start_blocking();
    index.add(wheel("forbidden", "1.0"));
    index.add(wheel("forbidden", "2.0"));
    let prohibit = ["names", "prohibit", "forbidden", "--reason", "steals keys"];
    let Some(stage) = Stage::with(index, |setup| setup.prepare(&prohibit)) else {
        return;
    };
    let outcomes = stage.compare("prohibited", &["forbidden", "forbidden==1.0"]);
    all_are_refused(&outcomes, "prohibited-name");
}

#[test]
fn a_denied_version_gives_way_to_an_older_one_unless_it_is_pinned() {
    let index = FixtureIndex::start_blocking();
    index.add(aged("parcel", "1.0", 90));
    index.add(aged("parcel", "2.0", 9));
    let policy = "[rules.too-young]\ndays = 30\neffect = \"deny\"\n";
    let Some(stage) = Stage::with(index, |setup| setup.policy(policy)) else {
        return;
    };
    let outcomes = stage.compare("denied_version", &["parcel", "parcel==2.0"]);
    for outcome in of(&outcomes, "parcel") {
        outcome.received_exactly(&[("parcel", "1.0")]);
    }
    all_are_refused(&of(&outcomes, "parcel==2.0"), "too-young");
}

#[test]
fn a_version_that_waits_is_not_there_yet() {
    let index = FixtureIndex::start_blocking();
    index.add(aged("parcel", "1.0", 90));
    index.add(aged("parcel", "2.0", 1));
    let Some(stage) = Stage::with(index, |setup| setup) else {
        return;
    };
    let outcomes = stage.compare("hidden_version", &["parcel", "parcel==2.0"]);
    for outcome in of(&outcomes, "parcel") {
        outcome.received_exactly(&[("parcel", "1.0")]);
    }
    for outcome in of(&outcomes, "parcel==2.0") {
        outcome.received_nothing();
    }
}

#[test]
fn a_project_of_which_everything_waits_says_until_when() {
    let index = FixtureIndex::start_blocking();
    index.add(aged("newborn", "1.0", 1));
    index.add(aged("newborn", "1.1", 0));
    let Some(stage) = Stage::with(index, |setup| setup) else {
        return;
    };
    let outcomes = stage.compare("everything_waits", &["newborn", "newborn==1.0"]);
    all_are_refused(&outcomes, "too-young");
}

#[test]
fn a_name_of_the_standard_library_that_nobody_has_leaves_a_tombstone() {
    let index = FixtureIndex::start_blocking();
    let Some(stage) = Stage::with(index, |setup| setup) else {
        return;
    };
    all_are_refused(
        &stage.compare("tombstone_stdlib", &["urllib"]),
        "stdlib-name",
    );
}

#[test]
fn a_prohibited_name_that_nobody_has_leaves_a_tombstone() {
    let index = FixtureIndex::start_blocking();
    let prohibit = ["names", "prohibit", "evil-*", "--reason", "a campaign"];
    let Some(stage) = Stage::with(index, |setup| setup.prepare(&prohibit)) else {
        return;
    };
    let outcomes = stage.compare("tombstone_prohibited", &["evil-thing"]);
    all_are_refused(&outcomes, "prohibited-name");
}

#[test]
fn an_owned_name_that_is_not_published_leaves_a_tombstone() {
    let index = FixtureIndex::start_blocking();
    index.add(wheel("acme-billing", "99.0"));
    let Some(stage) = Stage::with(index, |setup| setup.owned("acme-*")) else {
        return;
    };
    let outcomes = stage.compare("tombstone_owned", &["acme-billing", "acme-billing==1.0"]);
    all_are_refused(&of(&outcomes, "acme-billing"), "owned-name");
    // A resolver that looks for 1.0 never asks for the tombstone, but may list it.
    for outcome in of(&outcomes, "acme-billing==1.0") {
        outcome.received_nothing();
    }
}

#[test]
fn a_project_that_is_yanked_whole_is_refused_where_the_policy_says_so() {
    let index = FixtureIndex::start_blocking();
    for version in ["1.0", "2.0"] {
        index.add(ListedFile::from(wheel("regret", version)).yanked_because("keys leaked"));
    }
    let policy = "[rules.yanked]\neffect = \"deny\"\n";
    let Some(stage) = Stage::with(index, |setup| setup.policy(policy)) else {
        return;
    };
    let outcomes = stage.compare("yanked_whole", &["regret", "regret==1.0"]);
    for outcome in &outcomes {
        outcome.received_nothing();
    }
    all_are_refused(&of(&outcomes, "regret==1.0"), "yanked");
}

#[test]
fn a_file_that_changed_since_it_was_first_seen_is_refused() {
    let index = FixtureIndex::start_blocking();
    index.add(wheel("swapped", "1.0").file("swapped.py", "harmless = True\n"));
    let Some(stage) = Stage::with(index, |setup| setup) else {
        return;
    };
    let first = stage
        .gateway
        .get("/files/swapped/swapped-1.0-py3-none-any.whl");
    assert_eq!(first.status, 200, "{}", first.screen());
    stage
        .index
        .add(wheel("swapped", "1.0").file("swapped.py", "harmless = False\n"));
    let outcomes = stage.compare("changed_hash", &["swapped", "swapped==1.0"]);
    all_are_refused(&outcomes, "changed-hash");
}

#[test]
fn bytes_that_are_not_what_the_page_announces_reach_nobody() {
    let index = FixtureIndex::start_blocking();
    let honest = wheel("garbled", "1.0");
    index.add(&honest);
    let mut other = honest.build();
    *other.last_mut().unwrap() ^= 1;
    index.fault("/files/garbled/", Fault::WrongBytes(other));
    let Some(stage) = Stage::with(index, |setup| setup) else {
        return;
    };
    for outcome in stage.compare("wrong_bytes", &["garbled"]) {
        outcome.received_nothing();
        let text = &outcome.shown.text;
        let says_why = text.contains("changed-hash") || text.contains("403 Forbidden");
        assert!(says_why, "{outcome}");
    }
}

#[test]
fn an_upstream_that_is_down_is_an_outage_and_not_an_absence() {
    let index = FixtureIndex::start_blocking();
    index.stop();
    let Some(stage) = Stage::with(index, |setup| setup) else {
        return;
    };
    for outcome in stage.compare("upstream_down", &["anything"]) {
        outcome.received_nothing();
        let says_so = outcome.shown.text.contains("503");
        assert!(says_so || outcome.installer != Installer::Uv, "{outcome}");
    }
}

#[test]
fn a_project_that_nobody_has_is_missing() {
    let index = FixtureIndex::start_blocking();
    let Some(stage) = Stage::with(index, |setup| setup) else {
        return;
    };
    for outcome in stage.compare("missing", &["nowhere-to-be-found"]) {
        outcome.received_nothing();
    }
}

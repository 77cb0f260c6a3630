//! Publishing with each client: what is accepted comes back, and what is refused says why on the
//! publisher's own screen.

use portcullis_fixtures::{FixtureIndex, ListedFile, wheel};

use crate::gateway::{self, Gateway, Setup};
use crate::installers::{Installer, each};
use crate::program::{Clients, Shown};
use crate::publishers::{ALL, OF_BUILT_WHEELS, Parcel, Publisher, Target, parcel};
use crate::screen;
use crate::wire::Form;

/// An empty index outside, a gateway with an uploader's token, the clients.
struct Stage {
    index: FixtureIndex,
    gateway: Gateway,
    clients: Clients,
}

impl Stage {
    fn with(setup: impl FnOnce(Setup) -> Setup) -> Option<Self> {
        let clients = Clients::find()?;
        let index = FixtureIndex::start_blocking();
        let gateway = setup(gateway::before(&index)).start();
        Some(Self {
            index,
            gateway,
            clients,
        })
    }

    fn target(&self, scope: &str) -> Target {
        let name = format!("for-{}", scope.replace(':', "-"));
        Target {
            url: self.gateway.upload_url(),
            token: self.gateway.token(&name, scope),
        }
    }

    /// Each publisher with a parcel of its own, side by side; and their screens.
    fn publish_each(
        &self,
        publishers: &[Publisher],
        target: &Target,
        make: impl Fn(Publisher) -> Parcel + Sync,
    ) -> Vec<(Publisher, Shown)> {
        std::thread::scope(|scope| {
            let start = |publisher: &Publisher| {
                let (publisher, make) = (*publisher, &make);
                scope.spawn(move || {
                    let parcel = make(publisher);
                    (
                        publisher,
                        publisher.publish(&self.clients, target, &parcel, &[]),
                    )
                })
            };
            let running: Vec<_> = publishers.iter().map(start).collect();
            running.into_iter().map(|run| run.join().unwrap()).collect()
        })
    }

    #[track_caller]
    fn compare(&self, name: &str, shown: &[(Publisher, Shown)]) {
        let screens = shown.iter().map(|(publisher, shown)| {
            let text = screen::without_frames(&shown.text);
            let lines: String = text.lines().map(|line| format!("    {line}\n")).collect();
            format!("{}: exit {}\n{lines}\n", publisher.name(), shown.code)
        });
        let screens: String = screens.collect();
        let screens = screen::without_places(&screens, &self.gateway, &self.index, &self.clients);
        screen::compare(name, &screens);
    }
}

/// That everybody was refused, and that those who can show the reason do: all but pdm show the status
/// line or the body.
#[track_caller]
fn all_are_refused(shown: &[(Publisher, Shown)], reason: &str) {
    for (publisher, shown) in shown {
        let name = publisher.name();
        assert_ne!(shown.code, 0, "{name} succeeded:\n{}", shown.text);
        let reason_is_seen = shown.text.contains(reason);
        let shows_reasons = !matches!(publisher, Publisher::Pdm);
        assert!(reason_is_seen || !shows_reasons, "{name}:\n{}", shown.text);
    }
}

fn project_of(publisher: Publisher) -> String {
    format!("made-with-{}", publisher.name())
}

#[test]
fn what_is_published_comes_back_and_never_changes() {
    let Some(stage) = Stage::with(|setup| setup) else {
        return;
    };
    let target = stage.target("upload");
    let first = |publisher: Publisher| parcel(&project_of(publisher), "1.0", "first = True");
    let fresh = stage.publish_each(&ALL, &target, first);
    for (publisher, shown) in &fresh {
        assert_eq!(shown.code, 0, "{}:\n{}", publisher.name(), shown.text);
        let installers = [Installer::Pip, Installer::Uv];
        let project = project_of(*publisher);
        for outcome in each(
            &installers,
            &stage.clients,
            &stage.gateway.simple_url(),
            &project,
        ) {
            outcome.received_exactly(&[(&project, "1.0")]);
        }
    }
    stage.compare("publish_fresh", &fresh);

    let again = stage.publish_each(&ALL, &target, first);
    for (publisher, shown) in &again {
        assert_eq!(shown.code, 0, "{}:\n{}", publisher.name(), shown.text);
    }
    stage.compare("publish_identical", &again);

    let other = |publisher: Publisher| parcel(&project_of(publisher), "1.0", "first = False");
    let conflicting = stage.publish_each(&ALL, &target, other);
    all_are_refused(&conflicting, "File already exists");
    stage.compare("publish_conflicting", &conflicting);
}

/// twine refuses to skip anywhere but on the public index; uv compares with the index by itself.
#[test]
fn who_wants_to_skip_what_exists_can() {
    let Some(stage) = Stage::with(|setup| setup) else {
        return;
    };
    let target = stage.target("upload");
    let first = parcel("parcel", "1.0", "first = True");
    let other = parcel("parcel", "1.0", "first = False");
    let publish = |publisher: Publisher, parcel: &Parcel, further: &[&str]| {
        publisher.publish(&stage.clients, &target, parcel, further)
    };
    assert_eq!(publish(Publisher::Uv, &first, &[]).code, 0);
    let check = ["--check-url", &stage.gateway.simple_url()];
    let same = publish(Publisher::Uv, &first, &check);
    assert!(
        same.code == 0 && same.text.contains("skipping"),
        "{}",
        same.text
    );
    let differs = publish(Publisher::Uv, &other, &check);
    assert!(
        differs.code != 0 && differs.text.contains("do not match"),
        "{}",
        differs.text
    );
    for publisher in [Publisher::Poetry, Publisher::Pdm] {
        let skipped = publish(publisher, &other, &["--skip-existing"]);
        assert_eq!(skipped.code, 0, "{}", skipped.text);
    }
}

#[test]
fn a_name_in_somebody_elses_namespace_is_a_conflict() {
    let Some(stage) = Stage::with(|setup| setup.owned("acme-*")) else {
        return;
    };
    let target = stage.target("upload:other");
    let foreign = |publisher: Publisher| {
        parcel(
            &format!("acme-{}", project_of(publisher)),
            "1.0",
            "mine = True",
        )
    };
    let shown = stage.publish_each(&ALL, &target, foreign);
    all_are_refused(&shown, "reserved namespace acme");
    stage.compare("publish_foreign", &shown);
}

#[test]
fn a_wheel_whose_record_lies_is_refused() {
    let Some(stage) = Stage::with(|setup| setup) else {
        return;
    };
    let target = stage.target("upload");
    let lying = |publisher: Publisher| {
        let digest = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";
        parcel(&project_of(publisher), "1.0", "recorded = False").recorded_as(digest)
    };
    let shown = stage.publish_each(&OF_BUILT_WHEELS, &target, lying);
    all_are_refused(&shown, "RECORD");
    stage.compare("publish_lying_record", &shown);
}

#[test]
fn without_a_token_nothing_is_published() {
    let Some(stage) = Stage::with(|setup| setup) else {
        return;
    };
    let target = Target {
        url: stage.gateway.upload_url(),
        token: "pc_not-a-token".to_owned(),
    };
    let first = |publisher: Publisher| parcel(&project_of(publisher), "1.0", "first = True");
    let shown = stage.publish_each(&ALL, &target, first);
    for (publisher, shown) in &shown {
        assert_ne!(
            shown.code,
            0,
            "{} succeeded:\n{}",
            publisher.name(),
            shown.text
        );
    }
    stage.compare("publish_unauthenticated", &shown);
}

#[test]
fn a_digest_that_is_not_the_files_is_refused() {
    let index = FixtureIndex::start_blocking();
    let gateway = gateway::before(&index).start();
    let token = gateway.token("uploader", "upload");
    let built = wheel("parcel", "1.0");
    let other = ListedFile::from(wheel("parcel", "1.1")).sha256();
    let mut screens = String::new();
    for (field, value) in [
        ("sha256_digest", other.as_str()),
        ("md5_digest", "00000000000000000000000000000000"),
        ("blake2_256_digest", other.as_str()),
    ] {
        let answer = Form::of(&built)
            .field(field, value)
            .send(gateway.url(), &token);
        assert_eq!(answer.status, 400, "{}", answer.screen());
        screens.push_str(&format!("{field}: {}\n", answer.screen()));
    }
    screen::compare("publish_wrong_digest", &screens);
    assert_eq!(gateway.get("/simple/parcel/").status, 404);
}

//! A replica whose database or object store is silent or gone: clients are told in time and with what to do, what
//! is known is shown, and it goes on by itself when they are back.

use std::time::{Duration, Instant};

use portcullis_fixtures::{Cut, wheel};

use super::place::Place;
use crate::wire::Form;

/// Installers wait a quarter of a minute; what a busy machine takes on top of that is not the product's.
const IN_TIME: Duration = Duration::from_secs(40);

#[test]
fn clients_are_told_in_time_and_served_again_when_it_is_back() {
    let Some(place) = Place::with(1, "") else {
        return;
    };
    let replica = &place.replicas[0];
    let flask = wheel("flask", "1.0").payload(100_000);
    place.index.add(&flask);
    let path = format!("/files/flask/{}", flask.filename());
    assert!(replica.page_has("flask", &flask.filename()));
    assert!(replica.get(&path).body == flask.build());
    let token = replica.says(&["token", "create", "ci", "--scope", "upload"]);
    let url = replica.url().unwrap();
    let mut told = 0;
    let mut longest = Duration::ZERO;
    for (round, (what, link, cut)) in [
        ("database", &replica.database, Cut::Silent),
        ("database", &replica.database, Cut::Reset),
        ("object store", &replica.store, Cut::Silent),
        ("object store", &replica.store, Cut::Reset),
    ]
    .into_iter()
    .enumerate()
    {
        let ours = wheel("acme-billing", &format!("{round}.0")).payload(100_000);
        let ours_at = format!("/files/acme-billing/{}", ours.filename());
        link.cut(cut);
        let page = replica.get("/simple/flask/");
        assert_eq!(page.status, 200, "{what}, {cut:?}: {}", page.screen());
        let begun = Instant::now();
        std::thread::scope(|scope| {
            let upload = scope.spawn(|| Form::of(&ours).send(&url, token.trim()));
            let file = scope.spawn(|| replica.get(&path));
            for (asked, answer) in [("upload", upload), ("file", file)] {
                let answer = answer.join().unwrap();
                let took = begun.elapsed();
                longest = longest.max(took);
                let shown = format!("{asked}, {what}, {cut:?}, {took:?}: {}", answer.screen());
                assert!(took < IN_TIME, "{shown}");
                assert!(answer.status == 503 || !answer.is_whole(), "{shown}");
                if answer.status == 503 {
                    assert!(
                        answer.head.to_lowercase().contains("retry-after:"),
                        "{shown}"
                    );
                    assert!(answer.text().contains(what), "{shown}");
                    told += 1;
                }
            }
        });
        link.mend();
        let begun = Instant::now();
        while Form::of(&ours).send(&url, token.trim()).status != 200 {
            assert!(
                begun.elapsed() < IN_TIME,
                "{what}, {cut:?}: it does not come back"
            );
        }
        assert!(replica.get(&ours_at).body == ours.build());
        assert!(replica.get(&path).body == flask.build());
    }
    replica.says(&["ledger", "verify"]);
    eprintln!(
        "4 outages: {told} requests told so within {longest:?}, 0 wrong; 4 uploads afterwards, none lost"
    );
    assert!(told >= 6);
}

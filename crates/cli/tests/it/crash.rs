//! What was acknowledged is kept, when the power goes the moment after.

use portcullis_fixtures::{FixtureIndex, ListedFile, wheel};

use crate::gateway;
use crate::wire::Form;

#[test]
fn a_killed_gateway_has_lost_nothing_that_it_acknowledged() {
    let index = FixtureIndex::start_blocking();
    let public = wheel("public-thing", "1.0").payload(300_000);
    index.add(&public);
    let mut gateway = gateway::before(&index).start();
    let token = gateway.token("uploader", "upload");
    for round in 1..=5 {
        let ours = wheel("acme-billing", &format!("{round}.0"));
        let answer = Form::of(&ours).send(gateway.url(), &token);
        gateway.kill();
        assert_eq!(answer.status, 200, "{}", answer.screen());

        gateway.start_again();
        let path = format!("/files/public-thing/{}", public.filename());
        let downloaded = gateway.get(&path);
        gateway.kill();
        assert_eq!(downloaded.status, 200, "{}", downloaded.head);
        assert_eq!(downloaded.body, public.build());

        gateway.start_again();
        let page = gateway.get("/simple/acme-billing/").text();
        assert!(page.contains(&ours.filename()), "{page}");
        let kept = gateway.get(&format!("/files/acme-billing/{}", ours.filename()));
        assert_eq!(kept.body, ours.build());
        let exposure = gateway.command(&["exposure", "public-thing", "--format", "json"]);
        let times = exposure
            .matches(&ListedFile::from(&public).sha256())
            .count();
        assert!(
            times >= round,
            "{times} of {round} downloads on record: {exposure}"
        );
        gateway.command(&["ledger", "verify"]);
    }
}

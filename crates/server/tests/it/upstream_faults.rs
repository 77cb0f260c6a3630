//! Whatever ails an upstream: what is here goes on within its bound and says so, what is not here is explained, no
//! other source is asked, and the upstream is believed again when it is back. What it lies about is
//! `lying_upstream`'s, certificates are `upstream_tls`'s.

use std::time::Duration;

use portcullis_fixtures::{Fault, FixtureIndex, wheel};
use portcullis_store::pages;

use crate::client::Answer;
use crate::test_app::{Setup, TestApp, eventually, name, old};

const FILENAME: &str = "foo-1.0-py3-none-any.whl";
const STALE_SINCE: &str = "x-portcullis-stale-since";

/// How an upstream ails.
enum Ailment {
    /// Nothing listens where it was.
    Gone,
    /// Every answer is this.
    Fault(Fault),
    /// Its name is no longer known.
    Nameless,
}

/// A gateway before an upstream, with another behind it that has the same projects and is never to be asked.
struct Place {
    source: &'static str,
    upstream: FixtureIndex,
    other: FixtureIndex,
    app: TestApp,
}

impl Place {
    async fn with(source: &'static str) -> Self {
        let upstream = FixtureIndex::start().await;
        // Every answer is a whole page, so that each can be cut.
        upstream.without_validators();
        let other = FixtureIndex::start().await;
        upstream.add(old(wheel("foo", "1.0")));
        upstream.add(old(wheel("bar", "1.0")));
        other.add(old(wheel("foo", "9.0")));
        other.add(old(wheel("bar", "9.0")));
        let tables = format!(
            "[sources.internal]\nkind = 'hosted'\n\
             [sources.{source}]\nkind = 'upstream'\nurl = '{}'\n\
             fresh-for = '1m'\nstale-for = '2h'\ntimeout = '1s'\n\
             [sources.other]\nkind = 'upstream'\nurl = '{}'\n\
             [indexes.main]\nsources = ['internal', '{source}', 'other']\n",
            upstream.simple_url(),
            other.simple_url()
        );
        let app = Setup::with(&tables).start().await;
        // Figures are counted from the moment somebody asks for them.
        app.get("/metrics").await;
        assert_eq!(app.page("foo").await.header(STALE_SINCE), None);
        assert_eq!(app.file("foo", FILENAME).await.status, 200);
        let is_kept = async || {
            pages::load(&app.app.db, source, &name("foo"))
                .await
                .unwrap()
        };
        eventually(is_kept).await;
        upstream.forget_requests();
        Self {
            source,
            upstream,
            other,
            app,
        }
    }

    async fn begin(mut self, ailment: &Ailment) -> Self {
        match ailment {
            Ailment::Gone => self.upstream.stop(),
            Ailment::Fault(fault) => self.upstream.fault_everywhere(fault.clone()),
            Ailment::Nameless => {
                let (url, nameless) = (self.upstream.url(), "http://packages.gone.invalid");
                self.app = self.app.restart_with(&url, nameless).await;
            }
        }
        self
    }

    async fn end(mut self, ailment: &Ailment) -> Self {
        match ailment {
            Ailment::Gone => self.upstream.start_again(),
            Ailment::Fault(_) => self.upstream.clear_faults(),
            Ailment::Nameless => {
                let (url, nameless) = (self.upstream.url(), "http://packages.gone.invalid");
                self.app = self.app.restart_with(nameless, &url).await;
            }
        }
        self
    }

    /// The page of `foo` when it has to be asked for again.
    async fn page_later(&self) -> Answer {
        self.app.advance(Duration::from_secs(61));
        self.app.page("foo").await
    }

    async fn figure(&self, figure: &str) -> Option<f64> {
        let figures = self.app.get("/metrics").await.text();
        let named = format!("{figure}{{source=\"{}\"}} ", self.source);
        let line = figures.lines().find_map(|line| line.strip_prefix(&named))?;
        line.trim().parse().ok()
    }

    /// What `/readyz` says of the upstream, which never makes the gateway unready.
    async fn said_of_it(&self) -> String {
        let answer = self.app.get("/readyz").await;
        assert_eq!(answer.status, 200, "{}", answer.shown());
        answer.json()["upstreams"][self.source]
            .as_str()
            .unwrap()
            .to_owned()
    }

    async fn it_is(&self, state: &str) {
        let is_so = async || (self.said_of_it().await == state).then_some(());
        eventually(is_so).await;
    }
}

#[tokio::test]
async fn whatever_ails_an_upstream_what_is_here_goes_on_and_nobody_else_is_asked() {
    let ailments = [
        ("gone", Ailment::Gone),
        ("nameless", Ailment::Nameless),
        ("silent", Ailment::Fault(Fault::HangBeforeHeaders)),
        (
            "slow",
            Ailment::Fault(Fault::Delay(Duration::from_secs(30))),
        ),
        ("failing", Ailment::Fault(Fault::status(500))),
        ("behind-a-gateway", Ailment::Fault(Fault::status(502))),
        ("busy", Ailment::Fault(Fault::status_retry_after(503, 1))),
        (
            "counting",
            Ailment::Fault(Fault::status_retry_after(429, 1)),
        ),
        ("cut-off", Ailment::Fault(Fault::CloseAfter(20))),
        ("closing", Ailment::Fault(Fault::Raw(Vec::new()))),
    ];
    for (what, ailment) in ailments {
        let place = Place::with(what).await.begin(&ailment).await;
        let page = place.page_later().await;
        assert_eq!(page.status, 200, "{what}: {}", page.shown());
        assert!(page.header(STALE_SINCE).is_some(), "{what} is not said");
        assert_eq!(page.filenames(), [FILENAME], "{what}");
        let file = place.app.file("foo", FILENAME).await;
        assert_eq!(file.status, 200, "{what}: {}", file.shown());
        let unseen = place.app.page("bar").await;
        assert_eq!(unseen.status, 503, "{what}: {}", unseen.shown());
        assert!(unseen.header("retry-after").is_some(), "{what}");
        let stale = place.figure("portcullis_stale_pages_total").await;
        assert!(stale >= Some(1.0), "{what}: {stale:?}");

        place.app.advance(Duration::from_secs(2 * 60 * 60));
        let page = place.app.page("foo").await;
        assert_eq!(page.status, 503, "{what}, for too long: {}", page.shown());
        assert_eq!(place.app.file("foo", FILENAME).await.status, 503, "{what}");

        let place = place.end(&ailment).await;
        let is_believed = async || {
            let page = place.page_later().await;
            (page.status == 200 && page.header(STALE_SINCE).is_none()).then_some(page)
        };
        assert_eq!(
            eventually(is_believed).await.filenames(),
            [FILENAME],
            "{what}"
        );
        assert_eq!(place.app.page("bar").await.status, 200, "{what}");
        let asked = place.other.requests();
        assert!(
            asked.is_empty(),
            "{what}: somebody else was asked: {asked:?}"
        );
    }
}

#[tokio::test]
async fn an_upstream_that_comes_and_goes_is_used_while_it_is_there() {
    let place = Place::with("flapping").await;
    let faults = [
        Fault::status(500),
        Fault::CloseAfter(10),
        Fault::Raw(Vec::new()),
    ];
    let (mut fresh, mut stale) = (0, 0);
    for round in 0..60 {
        let fault = (round % 3 != 0).then(|| faults[round % faults.len()].clone());
        if let Some(fault) = fault.clone() {
            place.upstream.fault_everywhere(fault);
        }
        let page = place.page_later().await;
        place.upstream.clear_faults();
        assert_eq!(
            (page.status, page.filenames()),
            (200, vec![FILENAME.to_owned()])
        );
        let is_stale = page.header(STALE_SINCE).is_some();
        assert_eq!(is_stale, fault.is_some(), "round {round}: {fault:?}");
        assert_eq!(place.app.file("foo", FILENAME).await.status, 200);
        *if is_stale { &mut stale } else { &mut fresh } += 1;
    }
    assert_eq!((fresh, stale), (20, 40));
    assert!(place.other.requests().is_empty());
}

/// The source says for how long, so that the test need not wait for half a minute.
#[tokio::test]
async fn an_upstream_that_is_left_alone_is_tried_by_one_request_at_a_time() {
    let place = Place::with("left-alone").await;
    let asked = || place.upstream.count("/simple/foo/");
    let paused = async || place.figure("portcullis_upstream_paused").await;
    assert_eq!(place.said_of_it().await, "asked");
    assert_eq!(paused().await, Some(0.0));

    place
        .upstream
        .fault_everywhere(Fault::status_retry_after(429, 4));
    for probes in 1..=2 {
        assert!(place.page_later().await.header(STALE_SINCE).is_some());
        assert_eq!(
            (place.said_of_it().await.as_str(), asked()),
            ("paused", probes)
        );
        assert_eq!(paused().await, Some(1.0));
        let page = place.page_later().await;
        assert_eq!((page.status, asked()), (200, probes), "it was left alone");
        place.it_is("tried again").await;
        assert_eq!(asked(), probes, "nobody asks unasked");
    }
    place.upstream.clear_faults();
    let page = place.page_later().await;
    assert_eq!((page.status, page.header(STALE_SINCE)), (200, None));
    assert_eq!((place.said_of_it().await.as_str(), asked()), ("asked", 3));
    assert_eq!(paused().await, Some(0.0));
    assert!(place.other.requests().is_empty());
}

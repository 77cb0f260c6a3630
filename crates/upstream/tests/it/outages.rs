//! Outages: what is retried, what is not, what is absent, what is refused, and when a source is
//! left alone.

use std::sync::Arc;
use std::time::Duration;

use portcullis_fixtures::{Fault, FixtureIndex, wheel};
use portcullis_upstream::breaker::{BreakerSettings, BreakerState};
use portcullis_upstream::simple_index::PageAnswer;
use portcullis_upstream::source::{UpstreamConfig, UpstreamSource};
use portcullis_upstream::{Trouble, UpstreamError};
use tokio::time::Instant;

use crate::{ask, config, page, set_up, source};

async fn failure(index: &FixtureIndex) -> UpstreamError {
    ask(&source(index), "foo").await.expect_err("an outage")
}

#[tokio::test]
async fn statuses_are_outages_refusals_or_neither() {
    for (code, requests) in [(500, 1), (502, 3), (503, 3), (504, 3), (429, 1), (408, 1)] {
        let index = FixtureIndex::start().await;
        index.fault_everywhere(Fault::status(code));
        let error = failure(&index).await;
        assert!(
            matches!(error, UpstreamError::Unreachable { trouble: Trouble::Status(status), .. }
                if status == code),
            "{error:?}"
        );
        assert_eq!(index.requests().len(), requests, "{code}");
    }
    for code in [401, 403, 407, 451] {
        let index = FixtureIndex::start().await;
        index.fault_everywhere(Fault::status(code));
        let error = failure(&index).await;
        assert!(matches!(error, UpstreamError::Refused { status, .. } if status == code));
        assert_eq!(index.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_gateway_that_stumbles_once_is_asked_again() {
    let index = FixtureIndex::start().await;
    index.add(wheel("foo", "1.0"));
    index.fault_times("/simple/foo/", Fault::status(502), 2);
    assert_eq!(page(&source(&index), "foo").await.page.files.len(), 1);
    assert_eq!(index.count("/simple/foo/"), 3);
}

#[tokio::test]
async fn whoever_asks_us_to_wait_is_not_asked_again_at_once() {
    for code in [429, 503] {
        let index = FixtureIndex::start().await;
        index.fault_everywhere(Fault::status_retry_after(code, 7));
        let source = source(&index);
        let error = ask(&source, "foo").await.expect_err("an outage");
        assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
        let next = ask(&source, "bar").await.expect_err("a pause");
        assert!(
            matches!(
                next,
                UpstreamError::Unreachable {
                    trouble: Trouble::Paused(_),
                    ..
                }
            ),
            "{next:?}"
        );
        assert_eq!(index.requests().len(), 1);
    }
}

#[tokio::test]
async fn no_connection_no_answer_and_half_an_answer_are_outages() {
    for fault in [
        Fault::HangBeforeHeaders,
        Fault::Drip {
            chunk: 1,
            every: Duration::from_secs(60),
        },
        Fault::CloseAfter(10),
        Fault::DeclaredLength(1_000_000),
        Fault::Raw(b"SSH-2.0-OpenSSH\r\n".to_vec()),
        Fault::Raw(Vec::new()),
    ] {
        let index = FixtureIndex::start().await;
        index.add(wheel("foo", "1.0"));
        index.fault_everywhere(fault.clone());
        let error = failure(&index).await;
        assert!(error.is_outage(), "{fault:?}: {error:?}");
    }
    let index = FixtureIndex::start().await;
    index.stop();
    let error = failure(&index).await;
    assert!(
        matches!(
            error,
            UpstreamError::Unreachable {
                trouble: Trouble::Connect(_),
                ..
            }
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_page_that_drips_for_ever_ends_in_time() {
    let index = FixtureIndex::start().await;
    index.add(wheel("foo", "1.0"));
    index.fault_everywhere(Fault::Drip {
        chunk: 1,
        every: Duration::from_millis(100),
    });
    let mut config = config(&index);
    config.timeouts.page = Duration::from_millis(600);
    let error = ask(&set_up(config), "foo").await.expect_err("an outage");
    assert!(
        matches!(
            error,
            UpstreamError::Unreachable {
                trouble: Trouble::Timeout(_),
                ..
            }
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_source_that_keeps_failing_is_left_alone_and_comes_back() {
    let index = FixtureIndex::start().await;
    index.add(wheel("foo", "1.0"));
    index.fault_everywhere(Fault::status(500));
    let pause = Duration::from_millis(200);
    let breaker = BreakerSettings {
        failures: 2,
        pause,
        longest_pause: pause,
    };
    let source = set_up(UpstreamConfig {
        breaker,
        ..config(&index)
    });
    for _ in 0..5 {
        assert!(
            ask(&source, "foo")
                .await
                .expect_err("an outage")
                .is_outage()
        );
    }
    assert_eq!(index.requests().len(), 2);
    assert_eq!(source.pages_state(Instant::now()), BreakerState::Open);
    assert_eq!(source.files_state(Instant::now()), BreakerState::Closed);
    index.clear_faults();
    tokio::time::sleep(pause).await;
    assert_eq!(source.pages_state(Instant::now()), BreakerState::HalfOpen);
    page(&source, "foo").await;
    assert_eq!(source.pages_state(Instant::now()), BreakerState::Closed);
}

/// How many of so many projects that are asked for at once are answered.
async fn answered_at_once(source: &Arc<UpstreamSource>, projects: usize) -> usize {
    let mut asking = tokio::task::JoinSet::new();
    for number in 0..projects {
        let source = Arc::clone(source);
        asking.spawn(async move { ask(&source, &format!("foo-{number}")).await });
    }
    let answers = asking.join_all().await;
    for answer in &answers {
        if let Err(error) = answer {
            assert!(error.is_outage(), "{error:?}");
        }
    }
    answers.iter().filter(|answer| answer.is_ok()).count()
}

/// Every request is counted where it arrives.
#[tokio::test]
async fn a_source_that_is_left_alone_is_tried_by_one_request_until_that_is_answered() {
    const PAUSE: Duration = Duration::from_secs(2);
    let index = FixtureIndex::start().await;
    let breaker = BreakerSettings {
        failures: 2,
        pause: PAUSE,
        longest_pause: PAUSE,
    };
    let source = Arc::new(set_up(UpstreamConfig {
        breaker,
        ..config(&index)
    }));
    let half_open = async || {
        while source.pages_state(Instant::now()) == BreakerState::Open {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        source.pages_state(Instant::now())
    };
    assert_eq!(source.pages_state(Instant::now()), BreakerState::Closed);
    index.fault_everywhere(Fault::status(500));
    for _ in 0..2 {
        assert!(ask(&source, "foo").await.is_err());
    }
    assert_eq!(source.pages_state(Instant::now()), BreakerState::Open);
    assert_eq!(answered_at_once(&source, 8).await, 0);
    assert_eq!(index.requests().len(), 2, "nobody asks while it is open");

    assert_eq!(half_open().await, BreakerState::HalfOpen);
    index.clear_faults();
    index.fault_everywhere(Fault::HangBeforeHeaders);
    assert_eq!(answered_at_once(&source, 8).await, 0);
    assert_eq!(index.requests().len(), 3, "one tries it");
    assert_eq!(source.pages_state(Instant::now()), BreakerState::Open);
    assert_eq!(answered_at_once(&source, 8).await, 0);
    assert_eq!(index.requests().len(), 3, "and nobody after it");

    assert_eq!(half_open().await, BreakerState::HalfOpen);
    index.clear_faults();
    index.fault_everywhere(Fault::Delay(Duration::from_millis(150)));
    assert_eq!(answered_at_once(&source, 8).await, 1);
    assert_eq!(index.requests().len(), 4, "one tries it again");
    assert_eq!(source.pages_state(Instant::now()), BreakerState::Closed);
    index.clear_faults();
    assert_eq!(answered_at_once(&source, 8).await, 8);
    assert_eq!(index.requests().len(), 12);
}

#[tokio::test]
async fn absence_and_refusal_do_not_open_the_breaker() {
    let index = FixtureIndex::start().await;
    let breaker = BreakerSettings {
        failures: 1,
        ..BreakerSettings::default()
    };
    let source = set_up(UpstreamConfig {
        breaker,
        ..config(&index)
    });
    assert!(matches!(ask(&source, "foo").await, Ok(PageAnswer::Absent)));
    index.fault_everywhere(Fault::status(403));
    assert!(matches!(
        ask(&source, "foo").await,
        Err(UpstreamError::Refused { .. })
    ));
    assert_eq!(source.pages_state(Instant::now()), BreakerState::Closed);
}

//! Events reach their receivers: signed, in order, again after a failure, never from two replicas, and
//! never to an address inside that nobody allowed.

use std::time::Duration;

use portcullis_core::event::Severity;
use portcullis_fixtures::{FixtureIndex, wheel};
use portcullis_server::jobs::schedule::{RunError, run_now};
use portcullis_server::notify::sign;
use portcullis_store::deliveries::{self, Delivery};
use portcullis_store::events::{self, NewEvent};
use portcullis_store::jobs;
use serde_json::json;

use crate::receivers::{HookReceiver, MailServer};
use crate::test_app::{Setup, TestApp, eventually, old};

const SECRET: &str = "sixteen bytes and more";

fn hook(receiver: &HookReceiver, more: &str) -> String {
    format!(
        "[notify.hook]\nkind = 'webhook'\nurl = 'http://{}/in'\nsecret-file = 'secret.txt'\n{more}",
        receiver.address
    )
}

async fn app(notify: &str) -> TestApp {
    let upstream = FixtureIndex::start().await;
    let setup = Setup::over(&upstream).tables(notify);
    std::fs::write(setup.path("secret.txt"), format!("{SECRET}\n")).unwrap();
    let app = setup.start().await;
    // The first pass only takes note of the receiver.
    tell(&app).await;
    app
}

async fn emit(app: &TestApp, kind: &'static str, subject: &str) {
    let event = NewEvent::new(
        kind,
        Severity::Warning,
        subject,
        format!("{subject} is odd."),
    );
    events::emit(&app.app.db, &event, app.app.now())
        .await
        .unwrap();
}

async fn tell(app: &TestApp) -> String {
    run_now(&app.app, "notify").await.unwrap()
}

async fn deliveries(app: &TestApp) -> Vec<Delivery> {
    deliveries::list(&app.app.db, 100).await.unwrap()
}

#[tokio::test]
async fn a_webhook_is_told_with_a_signature_that_holds() {
    let receiver = HookReceiver::start().await;
    let app = app(&hook(&receiver, "allow-private = true")).await;
    emit(&app, "version.vanished", "pypi/foo").await;
    assert_eq!(tell(&app).await, "1 delivered, 0 failed");
    assert_eq!(tell(&app).await, "0 delivered, 0 failed");
    let posted = receiver.posted();
    assert_eq!(posted.len(), 1);
    let (id, seconds) = (
        posted[0].header("webhook-id"),
        posted[0].header("webhook-timestamp"),
    );
    assert_eq!(
        posted[0].header("webhook-signature"),
        sign(SECRET.as_bytes(), id, seconds, &posted[0].body)
    );
    assert_eq!(
        seconds.parse::<i64>().unwrap(),
        app.app.now().as_millis() / 1000
    );
    let mut body = posted[0].json();
    assert!(body["data"]["id"].take().is_i64());
    assert_eq!(
        body,
        json!({
            "type": "version.vanished",
            "timestamp": "2026-06-15T12:00:00.000Z",
            "data": {
                "id": null, "severity": "warning", "subject": "pypi/foo",
                "sentence": "pypi/foo is odd.", "detail": {},
            },
        })
    );
}

#[tokio::test]
async fn an_inside_address_is_not_posted_to_unless_the_receiver_may_be_there() {
    let receiver = HookReceiver::start().await;
    let app = app(&hook(&receiver, "")).await;
    emit(&app, "version.vanished", "pypi/foo").await;
    assert_eq!(tell(&app).await, "0 delivered, 1 failed");
    assert!(receiver.posted().is_empty());
    let waiting = deliveries(&app).await;
    let why = waiting[0].last_error.as_deref().unwrap();
    assert!(why.contains("loopback"), "{why}");
}

#[tokio::test]
async fn a_receiver_that_fails_is_told_again_later_with_the_same_id() {
    let receiver = HookReceiver::start().await;
    let app = app(&hook(&receiver, "allow-private = true")).await;
    receiver.answer(&[500, 302]);
    emit(&app, "version.vanished", "pypi/foo").await;
    for expected in ["0 delivered, 1 failed", "0 delivered, 0 failed"] {
        assert_eq!(tell(&app).await, expected);
    }
    app.advance(Duration::from_secs(6));
    assert_eq!(tell(&app).await, "0 delivered, 1 failed");
    let why = deliveries(&app).await[0].last_error.clone().unwrap();
    assert_eq!(why, "it answered HTTP 302");
    app.advance(Duration::from_secs(20));
    assert_eq!(tell(&app).await, "1 delivered, 0 failed");
    let posted = receiver.posted();
    let ids: Vec<&str> = posted.iter().map(|one| one.header("webhook-id")).collect();
    assert_eq!(ids.len(), 3);
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

#[tokio::test]
async fn after_a_day_of_failures_a_delivery_is_given_up_and_shown() {
    let receiver = HookReceiver::start().await;
    let app = app(&hook(&receiver, "allow-private = true")).await;
    receiver.answer(&[503; 100]);
    emit(&app, "version.vanished", "pypi/foo").await;
    for _ in 0..60 {
        tell(&app).await;
        app.advance(Duration::from_secs(3600));
    }
    let given_up = &deliveries(&app).await[0];
    assert!(given_up.is_given_up(), "{given_up:?}");
    assert!((20..40).contains(&given_up.attempts), "{given_up:?}");
    assert_eq!(tell(&app).await, "0 delivered, 0 failed");
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_left_alone_until_it_is_tested() {
    let receiver = HookReceiver::start().await;
    let app = app(&hook(&receiver, "allow-private = true")).await;
    receiver.answer(&[410]);
    emit(&app, "version.vanished", "pypi/foo").await;
    tell(&app).await;
    emit(&app, "version.vanished", "pypi/bar").await;
    app.advance(Duration::from_secs(3600));
    tell(&app).await;
    assert_eq!(receiver.posted().len(), 1);
    let sink = &app.app.config.notify[0];
    portcullis_server::notify::test(sink, app.app.now())
        .await
        .unwrap();
    assert_eq!(receiver.posted()[1].json()["type"], "portcullis.test");
    assert!(deliveries::resume(&app.app.db, "hook").await.unwrap());
    assert_eq!(tell(&app).await, "2 delivered, 0 failed");
}

#[tokio::test]
async fn receivers_hear_of_what_they_asked_for() {
    let receiver = HookReceiver::start().await;
    let wants = "allow-private = true\nevents = ['quarantine.*']\nmin-severity = 'warning'\n\
                 [notify.log]\nkind = 'lines'\npath = 'events.jsonl'";
    let app = app(&hook(&receiver, wants)).await;
    for kind in ["version.vanished", "quarantine.started"] {
        emit(&app, kind, "pypi/foo").await;
    }
    let quiet = NewEvent::new(
        "quarantine.released",
        Severity::Info,
        "pypi/foo",
        "Good.\nOr?",
    );
    events::emit(&app.app.db, &quiet, app.app.now())
        .await
        .unwrap();
    assert_eq!(tell(&app).await, "4 delivered, 0 failed");
    let posted = receiver.posted();
    assert_eq!(posted.len(), 1);
    assert_eq!(posted[0].json()["type"], "quarantine.started");
    let lines = std::fs::read_to_string(app.path("events.jsonl")).unwrap();
    let kinds: Vec<String> = lines
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|event| event["kind"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        kinds,
        [
            "version.vanished",
            "quarantine.started",
            "quarantine.released"
        ]
    );
}

#[tokio::test]
async fn a_mail_arrives_and_hostile_names_stay_in_its_text() {
    let server = MailServer::start().await;
    let app = app(&format!(
        "[notify.mail]\nkind = 'mail'\nserver = 'smtp://{}'\nfrom = 'portcullis@acme.example'\n\
         to = ['security@acme.example', 'ops@acme.example']",
        server.address
    ))
    .await;
    emit(
        &app,
        "version.vanished",
        "x\r\nBcc: evil@evil.example\r\n.\r\nQUIT",
    )
    .await;
    assert_eq!(tell(&app).await, "1 delivered, 0 failed");
    let mails = server.mails();
    let mail = eventually(async || server.mails().first().cloned()).await;
    assert_eq!(mails.len().max(1), 1);
    let (envelope, rest) = mail.split_once("\n\n").unwrap();
    assert!(
        envelope.starts_with("MAIL FROM:<portcullis@acme.example>"),
        "{envelope}"
    );
    assert_eq!(envelope.matches("RCPT TO:").count(), 2);
    let (head, body) = rest.split_once("\n\n").unwrap();
    assert!(!head.lines().any(|line| line.starts_with("Bcc")), "{head}");
    assert!(head.contains("Subject: [Portcullis] warning: x"), "{head}");
    assert!(body.contains("What:      version.vanished"), "{body}");
}

#[tokio::test]
async fn two_replicas_tell_of_everything_once() {
    let receiver = HookReceiver::start().await;
    let first = app(&hook(&receiver, "allow-private = true")).await;
    let second = first.second().await;
    for number in 0..20 {
        emit(&first, "version.vanished", &format!("pypi/p{number}")).await;
    }
    let (one, other) = tokio::join!(
        run_now(&first.app, "notify"),
        run_now(&second.app, "notify")
    );
    for ran in [one, other] {
        // Whoever came second was refused, or found nothing left to do.
        assert!(
            matches!(ran, Ok(_) | Err(RunError::Held("notify"))),
            "{ran:?}"
        );
    }
    tell(&first).await;
    assert_eq!(receiver.posted().len(), 20);
}

#[tokio::test]
async fn what_a_killed_process_left_is_told_by_the_next() {
    let receiver = HookReceiver::start().await;
    let app = app(&hook(&receiver, "allow-private = true")).await;
    emit(&app, "version.vanished", "pypi/foo").await;
    let dead = jobs::Claim {
        name: "notify",
        holder: "a dead process",
        lease: 60_000,
        when: jobs::When::Now,
    };
    assert!(jobs::claim(&app.app.db, dead, app.app.now()).await.unwrap());
    let refused = run_now(&app.app, "notify").await;
    assert!(matches!(refused, Err(RunError::Held("notify"))));
    let app = app.restart().await;
    app.advance(Duration::from_secs(61));
    app.start_jobs();
    eventually(async || receiver.posted().first().cloned()).await;
}

#[tokio::test]
async fn an_alert_is_an_event_that_programs_can_follow() {
    let upstream = FixtureIndex::start().await;
    upstream.add(old(wheel("foo", "1.0")));
    let app = TestApp::over(&upstream).await;
    let reviewer = app.token("bob", "review").await;
    let reader = app.token("ann", "read").await;
    let target = "/api/v1/events?after=0&limit=1";
    assert_eq!(app.get(target).await.status, 401);
    assert_eq!(
        app.get(target).basic("__token__", &reader).await.status,
        403
    );
    let ask = async |target: &str| app.get(target).basic("__token__", &reviewer).await;
    let none: serde_json::Value = serde_json::from_str(&ask(target).await.text()).unwrap();
    assert_eq!(none, json!({"events": [], "next": 0}));
    for subject in ["pypi/a", "pypi/b"] {
        emit(&app, "version.vanished", subject).await;
    }
    let first: serde_json::Value = serde_json::from_str(&ask(target).await.text()).unwrap();
    assert_eq!(first["events"][0]["subject"], "pypi/a");
    let next = format!("/api/v1/events?after={}", first["next"]);
    let second: serde_json::Value = serde_json::from_str(&ask(&next).await.text()).unwrap();
    assert_eq!(second["events"].as_array().unwrap().len(), 1);
    assert_eq!(second["events"][0]["subject"], "pypi/b");
    for bad in ["after=x", "limit=-1", "limit=1001", "kind=A", "since=soon"] {
        let answer = ask(&format!("/api/v1/events?{bad}")).await;
        assert_eq!(answer.status, 400, "{bad}");
    }
}

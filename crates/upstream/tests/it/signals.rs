//! Signal providers, played by an index with a few routes of its own.

use portcullis_core::signals::SignalKind;
use portcullis_fixtures::{Fault, FixtureIndex};
use portcullis_upstream::UpstreamError;
use portcullis_upstream::environment::Environment;
use portcullis_upstream::signals::{
    DepsDev, Measurements, Scorecard, SignalHost, SignalProvider, Subject,
};
use portcullis_upstream::source::UpstreamConfig;

use crate::project;

const JSON: &str = "application/json";

fn host(index: &FixtureIndex) -> SignalHost {
    let config = UpstreamConfig::new("signals", format!("{}/api", index.url()).parse().unwrap());
    SignalHost::new(&config, &Environment::default()).unwrap()
}

fn subject(repository: Option<&str>) -> Subject {
    Subject {
        project: project("flask"),
        repository: repository.map(Into::into),
    }
}

async fn ask(
    provider: &dyn SignalProvider,
    repository: Option<&str>,
) -> Result<Measurements, UpstreamError> {
    provider.fetch(&subject(repository)).await
}

const SCORES: &str = r#"{"date": "2026-06-01", "score": 6.4, "checks": [
    {"name": "Maintained", "score": 9}, {"name": "Fuzzing", "score": -1}]}"#;

#[tokio::test]
async fn scorecard_is_asked_for_the_repository() {
    let index = FixtureIndex::start().await;
    index.route("/api/projects/github.com/pallets/flask", JSON, SCORES);
    let provider = Scorecard::new(host(&index));
    let measured = ask(&provider, Some("github.com/pallets/flask"))
        .await
        .unwrap();
    assert_eq!(
        measured,
        [(SignalKind::Scorecard, 6.4), (SignalKind::Maintained, 9.0)]
    );
    assert!(
        ask(&provider, Some("github.com/pallets/none"))
            .await
            .unwrap()
            .is_empty()
    );
    let before = index.requests().len();
    assert!(ask(&provider, None).await.unwrap().is_empty());
    assert_eq!(
        index.requests().len(),
        before,
        "nobody is asked about nothing"
    );
}

#[tokio::test]
async fn a_check_that_could_not_be_made_is_no_measurement() {
    let index = FixtureIndex::start().await;
    let scores = r#"{"score": 5, "checks": [{"name": "Maintained", "score": -1}]}"#;
    index.route("/api/projects/github.com/a/b", JSON, scores);
    let measured = ask(&Scorecard::new(host(&index)), Some("github.com/a/b"))
        .await
        .unwrap();
    assert_eq!(measured, [(SignalKind::Scorecard, 5.0)]);
}

#[tokio::test]
async fn deps_dev_knows_the_repository_of_a_project() {
    let index = FixtureIndex::start().await;
    let package = r#"{"versions": [
        {"versionKey": {"system": "PYPI", "name": "flask", "version": "2.0"}, "isDefault": false},
        {"versionKey": {"system": "PYPI", "name": "flask", "version": "3.0"}, "isDefault": true}]}"#;
    let version = r#"{"relatedProjects": [
        {"projectKey": {"id": "github.com/pallets/issues"}, "relationType": "ISSUE_TRACKER"},
        {"projectKey": {"id": "github.com/pallets/flask"}, "relationType": "SOURCE_REPO"}]}"#;
    let repository = r#"{"projectKey": {"id": "github.com/pallets/flask"}, "starsCount": 68000,
        "forksCount": 16000, "openIssuesCount": 5,
        "scorecard": {"overallScore": 6.4, "checks": [{"name": "Maintained", "score": 10}]}}"#;
    index.route("/api/v3/systems/pypi/packages/flask", JSON, package);
    index.route(
        "/api/v3/systems/pypi/packages/flask/versions/3.0",
        JSON,
        version,
    );
    index.route(
        "/api/v3/projects/github.com%2Fpallets%2Fflask",
        JSON,
        repository,
    );
    let provider = DepsDev::new(host(&index));
    let expected = [
        (SignalKind::Stars, 68000.0),
        (SignalKind::Forks, 16000.0),
        (SignalKind::OpenIssues, 5.0),
        (SignalKind::Scorecard, 6.4),
        (SignalKind::Maintained, 10.0),
    ];
    assert_eq!(ask(&provider, None).await.unwrap(), expected);
    index.forget_requests();
    let known = ask(&provider, Some("github.com/pallets/flask"))
        .await
        .unwrap();
    assert_eq!(known, expected);
    assert_eq!(index.requests().len(), 1);
}

#[tokio::test]
async fn silence_is_no_measurement_and_nonsense_is_an_error() {
    let index = FixtureIndex::start().await;
    let provider = DepsDev::new(host(&index));
    assert!(ask(&provider, None).await.unwrap().is_empty());
    index.route("/api/v3/projects/github.com%2Fa%2Fb", JSON, "<html>");
    let nonsense = ask(&provider, Some("github.com/a/b")).await;
    assert!(
        matches!(nonsense, Err(UpstreamError::Invalid { .. })),
        "{nonsense:?}"
    );
    index.fault_everywhere(Fault::status(503));
    let down = ask(&provider, Some("github.com/a/b")).await;
    assert!(matches!(down, Err(error) if error.is_outage()));
}

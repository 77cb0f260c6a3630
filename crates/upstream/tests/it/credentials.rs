//! Credentials: to the source's own origin, to nobody else, and into no text.

use portcullis_fixtures::{Fault, FixtureIndex, ListedFile, wheel};
use portcullis_upstream::UpstreamError;
use portcullis_upstream::environment::Environment;
use portcullis_upstream::files::FileRequest;
use portcullis_upstream::source::{UpstreamConfig, UpstreamSource};

use crate::{ask, config, page, set_up, source};

fn with_credentials(index: &FixtureIndex) -> UpstreamConfig {
    let url = index
        .simple_url()
        .replace("http://", "http://ann:s3cret@")
        .parse()
        .unwrap();
    let ours = UpstreamConfig::new("fixture", url);
    UpstreamConfig {
        url: ours.url,
        credentials: ours.credentials,
        ..config(index)
    }
}

#[tokio::test]
async fn credentials_in_the_url_open_a_closed_index() {
    let index = FixtureIndex::start().await;
    index.require_basic_auth("ann", "s3cret");
    index.add(wheel("foo", "1.0"));
    let refused = ask(&source(&index), "foo").await;
    assert!(
        matches!(refused, Err(UpstreamError::Refused { status: 401, .. })),
        "{refused:?}"
    );
    let source = set_up(with_credentials(&index));
    let url = page(&source, "foo").await.page.files[0]
        .url
        .parse()
        .unwrap();
    assert!(
        source
            .open_file(&FileRequest::whole(&url))
            .await
            .unwrap()
            .is_some()
    );
}

#[tokio::test]
async fn credentials_never_go_to_another_origin() {
    let (index, other) = (FixtureIndex::start().await, FixtureIndex::start().await);
    let target = other.add(wheel("foo", "1.0"));
    index.add(ListedFile::from(wheel("foo", "1.0")).at(&target));
    index.fault(
        "/simple/bar/",
        Fault::Redirect(format!("{}bar/", other.simple_url())),
    );
    let allow_hosts = vec![other.address().to_string().parse().unwrap()];
    let source = set_up(UpstreamConfig {
        allow_hosts,
        ..with_credentials(&index)
    });
    let url = page(&source, "foo").await.page.files[0]
        .url
        .parse()
        .unwrap();
    source.open_file(&FileRequest::whole(&url)).await.unwrap();
    ask(&source, "bar").await.unwrap();
    assert!(
        index
            .requests()
            .iter()
            .all(|request| request.header("authorization").is_some())
    );
    assert_eq!(other.requests().len(), 2);
    for request in other.requests() {
        assert_eq!(request.header("authorization"), None, "{request:?}");
        assert_eq!(request.header("referer"), None, "{request:?}");
    }
}

#[tokio::test]
async fn no_text_holds_a_secret() {
    let index = FixtureIndex::start().await;
    index.add(wheel("foo", "1.0"));
    let config = with_credentials(&index);
    let mut texts = vec![format!("{config:?}")];
    let source = set_up(config);
    texts.push(format!("{source:?}"));
    let away = "http://bob:s3cret@127.0.0.1:1/x?token=s3cret#s3cret";
    for fault in [
        Fault::status(401),
        Fault::status(500),
        Fault::ContentType("x".to_owned()),
        Fault::CloseAfter(0),
        Fault::Redirect(away.to_owned()),
        Fault::Redirect("/simple/foo/?token=s3cret".to_owned()),
    ] {
        index.clear_faults();
        index.fault_everywhere(fault);
        let error = ask(&source, "foo").await.expect_err("a failure");
        texts.extend([error.to_string(), format!("{error:?}")]);
    }
    index.stop();
    let error = ask(&source, "foo").await.expect_err("a failure");
    texts.extend([error.to_string(), format!("{error:?}")]);
    for text in texts {
        assert!(
            !text.contains("s3cret") && !text.contains("YW5uOn"),
            "{text}"
        );
    }
}

#[test]
fn a_source_that_cannot_be_set_up_says_why() {
    let config = |url: &str| UpstreamConfig::new("fixture", url.parse().unwrap());
    for url in ["ftp://pkgs.example/simple/", "file:///srv/simple/"] {
        assert!(
            UpstreamSource::new(config(url), &Environment::default()).is_err(),
            "{url}"
        );
    }
    let mut without_file = config("https://pkgs.example/simple");
    assert_eq!(without_file.url.as_str(), "https://pkgs.example/simple/");
    without_file.ca_files.push("/nowhere/ca.pem".into());
    let error = UpstreamSource::new(without_file, &Environment::default()).unwrap_err();
    assert!(error.to_string().contains("/nowhere/ca.pem"), "{error}");
}

//! Where a lying index tries to send us.

use portcullis_fixtures::{Fault, FixtureIndex, ListedFile, wheel};
use portcullis_upstream::UpstreamError;
use portcullis_upstream::files::FileRequest;
use portcullis_upstream::source::UpstreamConfig;

use crate::{ask, config, page, set_up, source};

#[tokio::test]
async fn a_redirect_into_the_organisation_is_not_followed() {
    let (index, inside) = (FixtureIndex::start().await, FixtureIndex::start().await);
    inside.add(wheel("foo", "1.0"));
    let port = inside.address().port();
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "localhost",
        "[::ffff:127.0.0.1]",
        "0.0.0.0",
    ] {
        index.clear_faults();
        let target = format!("http://{host}:{port}/simple/foo/");
        index.fault_everywhere(Fault::Redirect(target));
        let answer = ask(&source(&index), "foo").await;
        assert!(
            matches!(answer, Err(UpstreamError::Forbidden { .. })),
            "{host}: {answer:?}"
        );
    }
    for target in [
        "http://169.254.169.254/latest/meta-data/",
        "http://[fd00:ec2::254]/",
        "file:///etc/passwd",
    ] {
        index.clear_faults();
        index.fault_everywhere(Fault::Redirect(target.to_owned()));
        let answer = ask(&source(&index), "foo").await;
        assert!(
            matches!(answer, Err(UpstreamError::Forbidden { .. })),
            "{target}: {answer:?}"
        );
    }
    assert_eq!(inside.requests().len(), 0);
}

#[tokio::test]
async fn a_link_into_the_organisation_is_not_followed_unless_allowed() {
    let (index, inside) = (FixtureIndex::start().await, FixtureIndex::start().await);
    let target = inside.add(wheel("foo", "1.0"));
    index.add(ListedFile::from(wheel("foo", "1.0")).at(&target));
    let guarded = source(&index);
    let url = page(&guarded, "foo").await.page.files[0]
        .url
        .parse()
        .unwrap();
    let answer = guarded.open_file(&FileRequest::whole(&url)).await;
    assert!(
        matches!(answer, Err(UpstreamError::Forbidden { .. })),
        "{answer:?}"
    );
    let answer = guarded.fetch_metadata(&url, 1000).await;
    assert!(
        matches!(answer, Err(UpstreamError::Forbidden { .. })),
        "{answer:?}"
    );
    assert_eq!(inside.requests().len(), 0);

    for allowed in [inside.address().to_string(), "127.0.0.0/8".to_owned()] {
        let allow_hosts = vec![allowed.parse().unwrap()];
        let source = set_up(UpstreamConfig {
            allow_hosts,
            ..config(&index)
        });
        assert!(
            source
                .open_file(&FileRequest::whole(&url))
                .await
                .unwrap()
                .is_some(),
            "{allowed}"
        );
    }
}

#[tokio::test]
async fn redirects_are_followed_five_times_and_no_more() {
    let index = FixtureIndex::start().await;
    index.add(wheel("foo", "1.0"));
    index.fault_times(
        "/simple/foo/",
        Fault::Redirect("/simple/foo/?again".to_owned()),
        5,
    );
    page(&source(&index), "foo").await;
    assert_eq!(index.paths_containing("/simple/").len(), 6);
    index.forget_requests();
    index.fault_everywhere(Fault::Redirect("/simple/foo/".to_owned()));
    let answer = ask(&source(&index), "foo").await;
    assert!(
        matches!(answer, Err(UpstreamError::Invalid { .. })),
        "{answer:?}"
    );
    assert_eq!(index.paths_containing("/simple/").len(), 6);
}

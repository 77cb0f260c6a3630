//! An outbound proxy, played by an index: it is asked for absolute addresses, and resolves for us
//! names that we cannot resolve ourselves.

use portcullis_fixtures::{Fault, FixtureIndex};
use portcullis_upstream::UpstreamError;
use portcullis_upstream::environment::Environment;
use portcullis_upstream::proxy::ProxySetting;
use portcullis_upstream::source::{UpstreamConfig, UpstreamSource};

use crate::{ask, config, page, set_up};

const PAGE: &str = "http://pkgs.invalid/simple/foo/";

async fn proxy_with_page() -> FixtureIndex {
    let proxy = FixtureIndex::start().await;
    let html = "<a href=\"foo-1.0.tar.gz\">foo-1.0.tar.gz</a>";
    proxy.route(PAGE, "text/html", html);
    proxy
}

/// A source that only the proxy can reach.
fn remote(proxy: &FixtureIndex, setting: ProxySetting) -> UpstreamConfig {
    let url = "http://ann:s3cret@pkgs.invalid/simple/".parse().unwrap();
    let remote = UpstreamConfig::new("remote", url);
    let UpstreamConfig {
        url, credentials, ..
    } = remote;
    UpstreamConfig {
        url,
        credentials,
        proxy: setting,
        ..config(proxy)
    }
}

fn direct_setting(proxy: &FixtureIndex) -> ProxySetting {
    ProxySetting::Url(proxy.url().parse().unwrap())
}

#[tokio::test]
async fn the_configured_proxy_is_used() {
    let proxy = proxy_with_page().await;
    let source = set_up(remote(&proxy, direct_setting(&proxy)));
    assert_eq!(page(&source, "foo").await.page.files.len(), 1);
    assert_eq!(proxy.count(PAGE), 1);
}

#[tokio::test]
async fn the_environments_proxy_is_used_where_the_configuration_says_so() {
    let proxy = proxy_with_page().await;
    let environment = Environment::from_iter([("HTTP_PROXY", proxy.url())]);
    let source = |setting| UpstreamSource::new(remote(&proxy, setting), &environment).unwrap();
    assert_eq!(
        page(&source(ProxySetting::Environment), "foo")
            .await
            .page
            .files
            .len(),
        1
    );
    let answer = ask(&source(ProxySetting::Direct), "foo").await;
    assert!(
        matches!(answer, Err(UpstreamError::Unreachable { .. })),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_proxy_is_no_way_around_the_guard() {
    let proxy = proxy_with_page().await;
    let port = proxy.address().port();
    for target in [
        "http://10.0.0.1/x".to_owned(),
        "http://localhost:9/x".to_owned(),
        format!("http://127.0.0.1:{port}/x"),
    ] {
        proxy.clear_faults();
        proxy.fault(PAGE, Fault::Redirect(target.clone()));
        let source = set_up(remote(&proxy, direct_setting(&proxy)));
        let answer = ask(&source, "foo").await;
        assert!(
            matches!(answer, Err(UpstreamError::Forbidden { .. })),
            "{target}: {answer:?}"
        );
    }
}

#[tokio::test]
async fn credentials_for_the_source_do_not_follow_a_redirect_through_the_proxy() {
    let proxy = proxy_with_page().await;
    let elsewhere = "http://mirror.invalid/simple/foo/";
    proxy.route(
        elsewhere,
        "text/html",
        "<a href=\"foo-1.0.tar.gz\">foo-1.0.tar.gz</a>",
    );
    proxy.fault(PAGE, Fault::Redirect(elsewhere.to_owned()));
    page(&set_up(remote(&proxy, direct_setting(&proxy))), "foo").await;
    for request in proxy.requests() {
        let has_credentials = request.header("authorization").is_some();
        assert_eq!(
            has_credentials,
            request.path.contains("//pkgs.invalid/"),
            "{request:?}"
        );
    }
    assert_eq!(proxy.count(elsewhere), 1);
}

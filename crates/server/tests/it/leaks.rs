//! No answer tells where an upstream is: not a page, not a file's headers, not an error.

use portcullis_fixtures::{Fault, FixtureIndex, sdist, wheel};

use crate::client::{Answer, JSON};
use crate::test_app::{Setup, old};

fn assert_silent(what: &str, upstream: &FixtureIndex, answer: &Answer) {
    let address = upstream.address();
    let port = format!(":{}", address.port());
    let told = format!("{} {}", answer.shown(), answer.reason);
    assert!(!told.contains(&port), "{what} tells {address}: {told}");
}

#[tokio::test]
async fn no_answer_tells_where_the_upstream_is() {
    let faults = [
        None,
        Some(Fault::status(500)),
        Some(Fault::status(403)),
        Some(Fault::CloseAfter(3)),
        Some(Fault::ContentType("image/png".to_owned())),
        Some(Fault::Redirect("/simple/elsewhere/".to_owned())),
        Some(Fault::Redirect("http://10.0.0.1/".to_owned())),
        Some(Fault::WrongBytes(b"{}".to_vec())),
        Some(Fault::Raw(b"HTTP/1.1 999 what\r\n\r\n".to_vec())),
    ];
    for fault in faults {
        let upstream = FixtureIndex::start().await;
        upstream.add(old(wheel("foo", "1.0")));
        upstream.add(old(sdist("foo", "1.0")).relative());
        upstream.add(old(wheel("foo", "2.0")).protocol_relative());
        let app = Setup::over(&upstream).start().await;
        if let Some(fault) = &fault {
            upstream.fault_everywhere(fault.clone());
        }
        for path in [
            "/",
            "/simple/",
            "/simple/foo/",
            "/files/foo/foo-1.0-py3-none-any.whl",
            "/files/foo/foo-1.0.tar.gz",
            "/files/foo/foo-1.0-py3-none-any.whl.metadata",
            "/files/foo/foo-3.0-py3-none-any.whl",
            "/pypi/foo/json",
            "/pypi/foo/1.0/json",
            "/why/foo",
            "/readyz",
            "/metrics",
        ] {
            for accept in [JSON, "text/html", "application/json"] {
                let what = format!("{path} as {accept} with {fault:?}");
                assert_silent(&what, &upstream, &app.get(path).accept(accept).await);
            }
        }
        upstream.clear_faults();
        app.page("foo").await;
        upstream.stop();
        app.outdate_pages();
        for path in [
            "/simple/foo/",
            "/simple/bar/",
            "/files/foo/foo-2.0-py3-none-any.whl",
        ] {
            assert_silent(path, &upstream, &app.get(path).accept(JSON).await);
        }
    }
}

#[tokio::test]
async fn an_address_that_a_page_should_not_lead_to_is_not_told_either() {
    let upstream = FixtureIndex::start().await;
    upstream.add(old(wheel("foo", "1.0")).at("http://169.254.1.2:99/secret.whl"));
    let app = Setup::over(&upstream).start().await;
    let answer = app.file("foo", "foo-1.0-py3-none-any.whl").await;
    assert_eq!(answer.status, 403);
    assert!(!answer.shown().contains("169.254"), "{}", answer.shown());
    assert_answer!(answer);
}

//! Licences: refused where they are learned, on the page afterwards, and unknown meanwhile.

use std::time::Duration;

use portcullis_fixtures::{FixtureIndex, Wheel, sdist, wheel};
use portcullis_store::releases;

use crate::client::Answer;
use crate::test_app::{Setup, TestApp, eventually, name, old};

const NO_GPL: &str = "[rules.licence]\ndeny = ['GPL-*']\n";

fn licensed(version: &str, expression: &str) -> Wheel {
    wheel("foo", version).header("License-Expression", expression)
}

const GPL: &str = "foo-2.0-py3-none-any.whl";

async fn gateway(upstream: &FixtureIndex, policy: &str) -> TestApp {
    Setup::over(upstream).policy(policy).start().await
}

async fn upstream_with_gpl() -> FixtureIndex {
    let upstream = FixtureIndex::start().await;
    upstream.offer_metadata();
    upstream.add(old(licensed("1.0", "MIT")));
    upstream.add(old(licensed("2.0", "GPL-3.0-or-later")));
    upstream
}

/// The page, once it hides the release under the GPL: what is learned in the background takes a moment.
async fn page_without_gpl(app: &TestApp) -> Answer {
    eventually(async || Some(app.page("foo").await).filter(hides_gpl)).await
}

fn hides_gpl(answer: &Answer) -> bool {
    let json = answer.json();
    let files = json["files"].as_array().unwrap();
    let gpl = files.iter().find(|file| file["filename"] == GPL);
    gpl.is_none_or(|file| file["yanked"] != false && !file["yanked"].is_null())
}

#[tokio::test]
async fn a_licence_is_refused_at_its_metadata_and_at_its_file() {
    let upstream = upstream_with_gpl().await;
    let app = gateway(&upstream, NO_GPL).await;
    for target in [format!("{GPL}.metadata"), GPL.to_owned()] {
        let answer = app.file("foo", &target).await;
        assert_eq!(answer.status, 403, "{target}");
        let text = answer.text();
        assert!(
            text.contains("its licence GPL-3.0-or-later is not accepted here"),
            "{text}"
        );
    }
    let fine = app.file("foo", "foo-1.0-py3-none-any.whl").await;
    assert_eq!(fine.status, 200);
    assert!(
        upstream
            .paths_containing(GPL)
            .iter()
            .all(|path| path.ends_with(".metadata"))
    );
}

#[tokio::test]
async fn a_page_learns_of_the_licences_of_its_newest_releases() {
    let upstream = upstream_with_gpl().await;
    let app = gateway(&upstream, NO_GPL).await;
    let answer = page_without_gpl(&app).await;
    assert!(answer.text().contains("foo-1.0-py3-none-any.whl"));
    let again = app.restart().await;
    assert!(hides_gpl(&again.page("foo").await), "it is kept");
}

#[tokio::test]
async fn nobody_is_asked_where_no_rule_looks_at_licences() {
    let upstream = upstream_with_gpl().await;
    let app = gateway(&upstream, "").await;
    app.page("foo").await;
    assert_eq!(app.file("foo", GPL).await.status, 200);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(upstream.paths_containing(".metadata").is_empty());
}

#[tokio::test]
async fn nobody_is_asked_for_the_metadata_of_what_another_rule_stops() {
    let upstream = FixtureIndex::start().await;
    upstream.offer_metadata();
    let young = portcullis_fixtures::ListedFile::from(licensed("2.0", "MIT"));
    upstream.add(young.upload_time("2026-06-15T11:00:00Z"));
    let app = gateway(&upstream, NO_GPL).await;
    assert_eq!(app.file("foo", GPL).await.status, 403);
    assert!(upstream.paths_containing(".metadata").is_empty());
}

#[tokio::test]
async fn metadata_that_passed_is_remembered_for_a_policy_of_tomorrow() {
    let upstream = upstream_with_gpl().await;
    let app = gateway(&upstream, "").await;
    app.start_jobs();
    assert_eq!(
        app.file("foo", &format!("{GPL}.metadata")).await.status,
        200
    );
    let is_noted = async || {
        let foo = name("foo");
        let known = releases::of_project(&app.app.db, "pypi", &foo);
        known.await.unwrap().pop()
    };
    eventually(is_noted).await;
    app.write_policy(NO_GPL);
    upstream.stop();
    page_without_gpl(&app).await;
}

#[tokio::test]
async fn a_licence_that_cannot_be_learned_is_what_the_policy_says() {
    for (policy, status) in [("", 200), ("on-unknown = 'deny'", 403)] {
        let upstream = FixtureIndex::start().await;
        upstream.add(old(wheel("foo", "2.0").header("License", "Proprietary")));
        let app = gateway(&upstream, &format!("{NO_GPL}{policy}")).await;
        assert_eq!(app.file("foo", GPL).await.status, status, "{policy:?}");
    }
}

#[tokio::test]
async fn a_source_distribution_is_judged_by_a_wheel_of_its_release_or_by_itself() {
    let upstream = upstream_with_gpl().await;
    upstream.add(old(sdist("foo", "2.0")));
    upstream.add(old(
        sdist("foo", "3.0").header("License-Expression", "GPL-2.0-only")
    ));
    let app = gateway(&upstream, NO_GPL).await;
    let by_wheel = app.file("foo", "foo-2.0.tar.gz").await;
    assert_eq!(by_wheel.status, 403);
    let by_itself = app.file("foo", "foo-3.0.tar.gz").await;
    assert_eq!(by_itself.status, 403, "{}", by_itself.text());
    assert!(by_itself.text().contains("GPL-2.0-only"));
}

#[tokio::test]
async fn a_quarantined_project_is_frozen_here_too() {
    let upstream = upstream_with_gpl().await;
    let app = gateway(&upstream, "").await;
    assert_eq!(app.file("foo", GPL).await.status, 200);
    upstream.set_status("foo", "quarantined", Some("spreads malware"));
    app.outdate_pages();
    let answer = app.file("foo", GPL).await;
    assert_eq!(answer.status, 403);
    assert!(
        answer.text().contains("quarantined: spreads malware"),
        "{}",
        answer.text()
    );
}

#[tokio::test]
async fn an_archived_project_is_warned_of_and_passes() {
    let upstream = upstream_with_gpl().await;
    upstream.set_status("foo", "archived", None);
    let app = gateway(&upstream, "").await;
    assert_eq!(app.file("foo", GPL).await.status, 200);
    let why = app.get("/why/foo").await.text();
    assert!(why.contains("archived"), "{why}");
}

/// The text of the MIT licence, as projects write it.
const MIT: &str = "MIT License\n\nCopyright (c) 2026 Ann Example\n\n\
    Permission is hereby granted, free of charge, to any person obtaining a copy of this software and \
    associated documentation files (the \"Software\"), to deal in the Software without restriction, \
    including without limitation the rights to use, copy, modify, merge, publish, distribute, sublicense, \
    and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do so, \
    subject to the following conditions:\n\n\
    The above copyright notice and this permission notice shall be included in all copies or substantial \
    portions of the Software.\n\n\
    THE SOFTWARE IS PROVIDED \"AS IS\", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT \
    LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO \
    EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER \
    IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR \
    THE USE OR OTHER DEALINGS IN THE SOFTWARE.\n";

#[tokio::test]
async fn a_licence_text_that_contradicts_the_metadata_is_found_once_the_wheel_is_here() {
    let upstream = FixtureIndex::start().await;
    let says = "License :: OSI Approved :: Apache Software License";
    let lies = wheel("foo", "2.0")
        .header("Classifier", says)
        .file("foo-2.0.dist-info/LICENSE", MIT);
    upstream.add(old(lies));
    let app = gateway(&upstream, "[rules.licence]\nallow = ['Apache-2.0']\n").await;
    assert_eq!(app.file("foo", GPL).await.status, 200);
    let refused = eventually(async || Some(app.file("foo", GPL).await).filter(|a| a.status == 403));
    let text = refused.await.text();
    assert!(
        text.contains("its licence MIT is not accepted here"),
        "{text}"
    );
    assert!(
        text.contains("licence files say MIT, but classifiers say Apache-2.0"),
        "{text}"
    );
}

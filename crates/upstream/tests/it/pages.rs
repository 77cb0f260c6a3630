//! Pages: both forms, addresses, validators, and what fills their gaps.

use portcullis_core::pypi::simple::{CoreMetadata, Yanked};
use portcullis_fixtures::{Fault, FixtureIndex, ListedFile, sdist, wheel};
use portcullis_upstream::UpstreamError;
use portcullis_upstream::simple_index::{Enrichment, ListAnswer, PageAnswer, PageForm};

use crate::{ask, page, project, source};

const UPLOADED: &str = "2024-12-04T17:35:28.174320Z";

#[tokio::test]
async fn a_json_page_is_read_whole() {
    let index = FixtureIndex::start().await;
    index.offer_metadata();
    let foo = ListedFile::from(wheel("Foo", "1.0").requires_python(">=3.8"));
    index.add(foo.upload_time(UPLOADED).yanked_because("oops"));
    index.set_status("foo", "archived", Some("moved"));
    let fetched = page(&source(&index), "foo").await;
    assert_eq!(fetched.form, PageForm::Json);
    assert_eq!(fetched.enrichment, Enrichment::NotNeeded);
    let file = &fetched.page.files[0];
    assert_eq!(
        *file.url,
        format!("{}/files/foo/foo-1.0-py3-none-any.whl", index.url())
    );
    assert_eq!(file.yanked, Yanked::Because("oops".into()));
    assert!(matches!(file.core_metadata, CoreMetadata::Hashed(_)));
    assert_eq!(
        file.upload_time.as_ref().map(|time| &*time.text),
        Some(UPLOADED)
    );
    assert_eq!(&*fetched.page.status.unwrap().status, "archived");
    assert_eq!(index.paths_containing("json"), Vec::<String>::new());
    let accept = index.requests()[0].header("accept").unwrap().to_owned();
    assert!(
        accept.starts_with("application/vnd.pypi.simple.v1+json, "),
        "{accept}"
    );
}

#[tokio::test]
async fn an_html_page_is_enriched_from_the_project_api() {
    let index = FixtureIndex::start().await;
    index.serve_html();
    index.serve_project_json();
    index.add(ListedFile::from(wheel("foo", "1.0")).upload_time(UPLOADED));
    index.add(ListedFile::from(sdist("foo", "1.0")).upload_time(UPLOADED));
    let source = source(&index);
    for _ in 0..2 {
        let fetched = page(&source, "foo").await;
        assert_eq!(fetched.form, PageForm::Html);
        assert_eq!(
            fetched.enrichment,
            Enrichment::Done {
                contradictions: vec![]
            }
        );
        assert_eq!(fetched.page.files.len(), 2);
        for file in &fetched.page.files {
            assert!(file.size.is_some_and(|size| size > 0));
            assert_eq!(
                file.upload_time.as_ref().map(|time| &*time.text),
                Some(UPLOADED)
            );
        }
    }
}

#[tokio::test]
async fn a_page_stands_as_it_is_when_the_project_api_is_missing_or_broken() {
    for fault in [
        None,
        Some(Fault::status(500)),
        Some(Fault::WrongBytes(b"{".to_vec())),
    ] {
        let index = FixtureIndex::start().await;
        index.serve_html();
        index.add(wheel("foo", "1.0"));
        if let Some(fault) = fault {
            index.serve_project_json();
            index.fault("/pypi/", fault);
        }
        let fetched = page(&source(&index), "foo").await;
        assert_eq!(fetched.enrichment, Enrichment::Unavailable);
        assert_eq!(fetched.page.files.len(), 1);
        assert_eq!(fetched.page.files[0].size, None);
    }
}

#[tokio::test]
async fn a_source_without_a_project_api_is_not_asked_for_it_each_time() {
    let index = FixtureIndex::start().await;
    index.serve_html();
    index.add(wheel("foo", "1.0"));
    let source = source(&index);
    for _ in 0..3 {
        page(&source, "foo").await;
    }
    assert_eq!(index.count("/pypi/foo/json"), 1);
}

#[tokio::test]
async fn a_hash_that_page_and_project_api_disagree_on_is_reported() {
    let index = FixtureIndex::start().await;
    index.serve_html();
    index.serve_project_json();
    let foo = ListedFile::from(wheel("foo", "1.0")).hash("sha256", &"0".repeat(64));
    index.add(foo.upload_time(UPLOADED));
    let fetched = page(&source(&index), "foo").await;
    let contradictions = vec!["foo-1.0-py3-none-any.whl".into()];
    assert_eq!(fetched.enrichment, Enrichment::Done { contradictions });
    assert_eq!(fetched.page.files[0].size, None);
}

#[tokio::test]
async fn addresses_are_made_absolute_and_unusable_ones_are_dropped() {
    for serve in [
        |index: &FixtureIndex| index.serve_json("1.1"),
        FixtureIndex::serve_html,
    ] {
        let index = FixtureIndex::start().await;
        serve(&index);
        index.add(ListedFile::from(wheel("foo", "1.0")).relative());
        index.add(ListedFile::from(wheel("foo", "2.0")).protocol_relative());
        let elsewhere = "https://ann:pw@files.example/a b/foo-3.0-py3-none-any.whl#egg=x";
        index.add(ListedFile::from(wheel("foo", "3.0")).at(elsewhere));
        for (version, url) in [
            ("4.0", "javascript:alert(1)//foo-4.0-py3-none-any.whl"),
            ("5.0", "data:text/plain,/foo-5.0-py3-none-any.whl"),
            ("6.0", "file:///etc/foo-6.0-py3-none-any.whl"),
            ("7.0", "https://[/foo-7.0-py3-none-any.whl"),
        ] {
            index.add(ListedFile::from(wheel("foo", version)).at(url));
        }
        let fetched = page(&source(&index), "foo").await;
        let urls: Vec<&str> = fetched.page.files.iter().map(|file| &*file.url).collect();
        let expected = [
            format!("{}/files/foo/foo-1.0-py3-none-any.whl", index.url()),
            format!("{}/files/foo/foo-2.0-py3-none-any.whl", index.url()),
            "https://files.example/a%20b/foo-3.0-py3-none-any.whl".to_owned(),
        ];
        assert_eq!(urls, expected);
        assert_eq!(fetched.dropped + fetched.page.skipped, 4);
    }
}

#[tokio::test]
async fn an_address_is_relative_to_where_the_page_was_found() {
    let (index, other) = (FixtureIndex::start().await, FixtureIndex::start().await);
    other.add(ListedFile::from(wheel("foo", "1.0")).relative());
    index.fault(
        "/simple/foo/",
        Fault::Redirect(format!("{}foo/", other.simple_url())),
    );
    let config = crate::config(&index);
    let allow_hosts = vec![other.address().to_string().parse().unwrap()];
    let source = crate::set_up(portcullis_upstream::source::UpstreamConfig {
        allow_hosts,
        ..config
    });
    let fetched = page(&source, "foo").await;
    let expected = format!("{}/files/foo/foo-1.0-py3-none-any.whl", other.url());
    assert_eq!(*fetched.page.files[0].url, expected);
}

#[tokio::test]
async fn a_known_page_is_not_sent_again() {
    for prepare in [|_: &FixtureIndex| (), FixtureIndex::with_last_modified] {
        let index = FixtureIndex::start().await;
        prepare(&index);
        index.add(wheel("foo", "1.0"));
        let source = source(&index);
        let known = page(&source, "foo").await.validators;
        assert!(!known.is_empty());
        let again = source
            .fetch_page(&project("foo"), Some(&known))
            .await
            .unwrap();
        assert!(matches!(again, PageAnswer::NotModified), "{again:?}");
        if known.etag.is_some() {
            index.add(wheel("foo", "2.0"));
            let changed = source
                .fetch_page(&project("foo"), Some(&known))
                .await
                .unwrap();
            assert!(matches!(changed, PageAnswer::Page(_)), "{changed:?}");
        }
    }
}

#[tokio::test]
async fn a_304_that_nobody_asked_for_is_no_answer() {
    let index = FixtureIndex::start().await;
    index.fault_everywhere(Fault::status(304));
    let answer = ask(&source(&index), "foo").await;
    assert!(
        matches!(answer, Err(UpstreamError::Invalid { .. })),
        "{answer:?}"
    );
}

#[tokio::test]
async fn missing_and_gone_projects_are_absent() {
    let index = FixtureIndex::start().await;
    index.gone("bar");
    let source = source(&index);
    for name in ["foo", "bar"] {
        let answer = ask(&source, name).await;
        assert!(matches!(answer, Ok(PageAnswer::Absent)), "{answer:?}");
    }
}

#[tokio::test]
async fn what_is_no_page_is_invalid() {
    for fault in [
        Fault::ContentType("application/octet-stream".to_owned()),
        Fault::ContentType("application/json".to_owned()),
        Fault::WrongBytes(b"{\"files\": ".to_vec()),
        Fault::WrongBytes(b"<html>not json</html>".to_vec()),
        Fault::JsonBomb { depth: 100_000 },
        Fault::EndlessBody,
        Fault::GzipBomb {
            length: 50 * 1024 * 1024,
        },
        Fault::status(400),
        Fault::status(201),
    ] {
        let index = FixtureIndex::start().await;
        index.add(wheel("foo", "1.0"));
        index.fault_everywhere(fault.clone());
        let answer = ask(&source(&index), "foo").await;
        assert!(
            matches!(answer, Err(UpstreamError::Invalid { .. })),
            "{fault:?}: {answer:?}"
        );
    }
}

#[tokio::test]
async fn a_bomb_of_html_is_survived() {
    let index = FixtureIndex::start().await;
    index.fault_everywhere(Fault::HtmlBomb { depth: 100_000 });
    let answer = ask(&source(&index), "foo").await;
    let files = match &answer {
        Ok(PageAnswer::Page(page)) => page.page.files.len(),
        Err(UpstreamError::Invalid { .. }) => 0,
        other => panic!("{other:?}"),
    };
    assert_eq!(files, 0);
}

#[tokio::test]
async fn a_page_of_another_project_is_invalid() {
    let index = FixtureIndex::start().await;
    index.add(wheel("bar", "1.0"));
    index.fault("/simple/foo/", Fault::Redirect("/simple/bar/".to_owned()));
    let answer = ask(&source(&index), "foo").await;
    assert!(
        matches!(answer, Err(UpstreamError::Invalid { .. })),
        "{answer:?}"
    );
}

#[tokio::test]
async fn the_list_of_projects_is_read() {
    let index = FixtureIndex::start().await;
    index.add(wheel("foo", "1.0"));
    index.add(wheel("Bar.Baz", "1.0"));
    let source = source(&index);
    let ListAnswer::List(list, validators) = source.fetch_list(None).await.unwrap() else {
        panic!("no list");
    };
    assert_eq!(list.projects, [project("bar-baz"), project("foo")]);
    let again = source.fetch_list(Some(&validators)).await.unwrap();
    assert!(matches!(again, ListAnswer::NotModified));
}

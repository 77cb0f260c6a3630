//! The legacy project JSON: what it fills in, and what we answer.

use insta::assert_snapshot;
use proptest::prelude::*;

use super::{name, pages};
use portcullis_core::pypi::metadata::CoreMetadata;
use portcullis_core::pypi::project_json::{
    ProjectJson, enrich, latest_version, parse, render_project, render_release,
};
use portcullis_core::pypi::simple::{self, PageFile, ProjectPage, Yanked};
use portcullis_core::pypi::{simple_html, simple_json};

const UPSTREAM: &str = r#"{"info":{"name":"foo"},"last_serial":3,"vulnerabilities":[],"releases":{"0.9":[],
    "1.0":[{"filename":"foo-1.0.tar.gz","digests":{"sha256":"AA","md5":"bb"},"size":9,
        "upload_time_iso_8601":"2024-01-02T03:04:05.123456Z","requires_python":">=3.8","yanked":true,
        "yanked_reason":"broken","core-metadata":{"sha256":"cc"},"url":"https://f.example/x"},
        {"filename":"../x","digests":{}},7,{"filename":"foo-1.0.zip","size":"big"}]},
    "urls":[{"filename":"foo-2.0.tar.gz","digests":{"sha256":"dd"},"size":10,"requires_python":""}]}"#;

fn upstream() -> ProjectJson {
    parse(UPSTREAM.as_bytes()).unwrap()
}

fn page(html: &str) -> ProjectPage {
    simple_html::parse(html, &name("foo")).unwrap()
}

#[test]
fn files_are_found_in_both_places() {
    let json = upstream();
    assert_eq!(
        (json.files.len(), json.skipped, json.versions.len()),
        (2, 3, 2)
    );
    assert_eq!(json.files["foo-2.0.tar.gz"].requires_python, None);
}

#[test]
fn what_the_page_lacks_is_filled_in() {
    let mut page = page("<a href='foo-1.0.tar.gz#sha256=aa'>x</a><a href='foo-2.0.tar.gz'>x</a>");
    let found = enrich(&mut page, &upstream());
    assert_eq!((found.matched, found.contradictions.len()), (2, 0));
    assert_eq!(
        (page.files[1].size, page.files[1].hashes.len()),
        (Some(10), 1)
    );
    assert_snapshot!(format!("{:#?}", page.files[0]));
    let versions: Vec<&str> = page.versions.iter().map(|version| &**version).collect();
    assert_eq!(versions, ["0.9", "1.0"]);
}

#[test]
fn what_the_page_says_stays() {
    let mut page = page(
        "<a href='foo-1.0.tar.gz#sha256=aa' data-size=1 data-requires-python='>=2' data-yanked='why'
          data-core-metadata='sha256=ee' data-upload-time='2020-01-01T00:00:00Z'>x</a>",
    );
    let before = format!("{:?}", page.files[0]);
    enrich(&mut page, &upstream());
    assert_eq!(format!("{:?}", page.files[0]), before);
}

#[test]
fn other_bytes_are_never_described() {
    for fragment in ["sha256=ab", "md5=00", "sha512=00"] {
        let mut page = page(&format!("<a href='foo-1.0.tar.gz#{fragment}'>x</a>"));
        let before = format!("{:?}", page.files);
        let found = enrich(&mut page, &upstream());
        assert_eq!(
            (format!("{:?}", page.files), found.matched),
            (before, 0),
            "{fragment}"
        );
        assert_eq!(
            found.contradictions.len(),
            usize::from(fragment != "sha512=00"),
            "{fragment}"
        );
    }
    let mut md5 = page("<a href='foo-1.0.tar.gz#md5=BB'>x</a>");
    assert_eq!(enrich(&mut md5, &upstream()).matched, 1);
    assert_eq!(md5.files[0].hashes["sha256"].as_ref(), "aa");
}

#[test]
fn what_is_no_project_json_is_an_error() {
    for text in [
        "",
        "[]",
        "<html>",
        r#"{"urls":{}}"#,
        r#"{"releases":[]}"#,
        r#"{"releases":{"1":7}}"#,
    ] {
        assert!(parse(text.as_bytes()).is_err(), "{text}");
    }
    assert!(
        parse(b"{\"urls\":null,\"releases\":null}")
            .unwrap()
            .files
            .is_empty()
    );
    assert!(parse(b"{\"x\":\"\xff\"}").is_err());
}

fn own_page() -> ProjectPage {
    let json = r#"{"meta":{"_last-serial":42},"versions":["0.5"],"files":[
        {"filename":"foo-1.0.tar.gz","url":"f/1","hashes":{"sha256":"aa","md5":"bb"},"size":9,
         "upload-time":"2024-01-02T03:04:05.123456Z","requires-python":">=3.8","yanked":"broken"},
        {"filename":"foo-0.9-cp311-abi3-any.whl","url":"f/2","core-metadata":{"sha256":"cc"}},
        {"filename":"foo-2.0a1.zip","url":"f/3"},{"filename":"foo-1.0.exe","url":"f/4"}]}"#;
    simple_json::parse(json.as_bytes(), &name("foo")).unwrap()
}

fn pretty(bytes: &[u8]) -> String {
    let value: serde_json::Value = serde_json::from_slice(bytes).unwrap();
    serde_json::to_string_pretty(&value).unwrap()
}

#[test]
fn the_answer_for_a_project() {
    assert_snapshot!(pretty(&render_project(&own_page(), None)));
}

#[test]
fn the_answer_for_a_release() {
    let metadata = CoreMetadata::new("Foo", "1.0").unwrap();
    let version = "1.0.0".parse().unwrap();
    assert_snapshot!(pretty(
        &render_release(&own_page(), &version, Some(&metadata)).unwrap()
    ));
    assert_eq!(
        render_release(&own_page(), &"3".parse().unwrap(), None),
        None
    );
}

#[test]
fn the_latest_version_is_the_one_to_install() {
    let latest = |files: &[(&str, Yanked)]| {
        let mut page = ProjectPage::empty(name("foo"));
        for (filename, yanked) in files {
            page.files.push(PageFile {
                yanked: yanked.clone(),
                ..PageFile::new(filename, "u")
            });
        }
        latest_version(&page).map(|version| version.to_string())
    };
    let (one, two, alpha) = ("foo-1.0.zip", "foo-2.0.zip", "foo-3.0a1.zip");
    assert_eq!(latest(&[]), None);
    assert_eq!(
        latest(&[(one, Yanked::No), (alpha, Yanked::No)]).as_deref(),
        Some("1.0")
    );
    assert_eq!(
        latest(&[(one, Yanked::No), (two, Yanked::Yes)]).as_deref(),
        Some("1.0")
    );
    assert_eq!(
        latest(&[(two, Yanked::Yes), (alpha, Yanked::No)]).as_deref(),
        Some("3.0a1")
    );
    assert_eq!(
        latest(&[(one, Yanked::Yes), (two, Yanked::Yes)]).as_deref(),
        Some("2.0")
    );
    let empty = ProjectPage::empty(name("foo"));
    assert!(pretty(&render_project(&empty, None)).contains("\"version\": null"));
}

proptest! {
    #[test]
    fn our_own_answer_describes_our_own_page(page in pages::page()) {
        let json = parse(&render_project(&page, None)).unwrap();
        prop_assert_eq!(json.skipped, 0);
        let mut enriched = page.clone();
        prop_assert_eq!(enrich(&mut enriched, &json).contradictions.len(), 0);
        for (before, after) in page.files.iter().zip(&enriched.files) {
            prop_assert_eq!(&before.hashes, &after.hashes);
            prop_assert_eq!(before.size, after.size);
            prop_assert_eq!(&before.yanked, &after.yanked);
            let offered = |file: &PageFile| matches!(file.core_metadata, simple::CoreMetadata::Hashed(_));
            prop_assert_eq!(offered(before), offered(after));
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in any::<Vec<u8>>(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let _ = parse(&bytes);
        let mut damaged = UPSTREAM.as_bytes().to_vec();
        let at = at.index(damaged.len());
        damaged[at] = byte;
        let _ = parse(&damaged);
    }
}

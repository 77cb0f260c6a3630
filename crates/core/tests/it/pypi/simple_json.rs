//! The JSON form of the simple API: what is read, what is refused, what is written.

use insta::assert_snapshot;
use proptest::prelude::*;
use serde_json::json;

use super::{name, pages};
use portcullis_core::pypi::simple::{
    CoreMetadata, PageError, PageFile, ProjectList, ProjectPage, ProjectStatus, Provenance, Yanked,
    set_extra,
};
use portcullis_core::pypi::simple_json::{
    NamespaceDetail, Namespaces, ProjectNamespace, parse, parse_list, render, render_list,
    render_namespace, render_namespaces,
};

fn page(text: &str) -> ProjectPage {
    parse(text.as_bytes(), &name("foo")).expect(text)
}

fn with_file(file: &str) -> ProjectPage {
    page(&format!(r#"{{"files":[{file}]}}"#))
}

/// The only file of a page, given the keys beside name and address.
fn file(keys: &str) -> PageFile {
    let entry = format!(r#"{{"filename":"foo-1.0.tar.gz","url":"foo-1.0.tar.gz"{keys}}}"#);
    with_file(&entry).files.pop().expect(&entry)
}

#[test]
fn a_page_of_the_newest_version_is_read_whole() {
    let page = page(
        r#"{"meta":{"api-version":"1.4","_last-serial":7,"tracks":[ "a" ]},"name":"foo",
        "versions":["1.0","2.0"],"project-status":{"status":"archived","reason":"gone"},
        "alternate-locations":[],"files":[{"filename":"foo-1.0.tar.gz","url":"../f/foo-1.0.tar.gz",
        "hashes":{"sha256":"ABCDEF"},"size":12,"upload-time":"2024-01-02T03:04:05.123456Z",
        "requires-python":">=3.8","core-metadata":{"sha256":"00"},"gpg-sig":false,"yanked":"bad",
        "provenance":"https://a.example/p","_key":{ "a":1 }}]}"#,
    );
    assert_snapshot!(format!("{page:#?}"));
}

#[test]
fn every_spelling_of_the_metadata_key_counts() {
    let hashed = CoreMetadata::Hashed([("sha256".into(), "ab".into())].into());
    let cases = [
        (r#""core-metadata":true"#, CoreMetadata::Unhashed),
        (r#""core-metadata":{}"#, CoreMetadata::Unhashed),
        (
            r#""core-metadata":false,"dist-info-metadata":true"#,
            CoreMetadata::Absent,
        ),
        (
            r#""core-metadata":null,"dist-info-metadata":true"#,
            CoreMetadata::Unhashed,
        ),
        (r#""dist-info-metadata":{"sha256":"AB"}"#, hashed.clone()),
        (r#""data-dist-info-metadata":{"sha256":"ab"}"#, hashed),
        (r#""data-dist-info-metadata":null"#, CoreMetadata::Absent),
    ];
    for (keys, expected) in cases {
        assert_eq!(file(&format!(",{keys}")).core_metadata, expected, "{keys}");
    }
}

#[test]
fn a_yank_is_never_lost() {
    let cases = [
        ("", Yanked::No),
        (r#","yanked":null"#, Yanked::No),
        (r#","yanked":false"#, Yanked::No),
        (r#","yanked":true"#, Yanked::Yes),
        (r#","yanked":"""#, Yanked::Yes),
        (
            r#","yanked":"broken \u0026 bad""#,
            Yanked::Because("broken & bad".into()),
        ),
    ];
    for (keys, expected) in cases {
        assert_eq!(file(keys).yanked, expected, "{keys}");
    }
}

#[test]
fn null_is_absent_except_where_it_says_something() {
    let bare = file("");
    let nulls = file(
        r#","hashes":null,"size":null,"upload-time":null,"requires-python":null,"gpg-sig":null"#,
    );
    assert_eq!(format!("{nulls:?}"), format!("{bare:?}"));
    assert_eq!(bare.provenance, Provenance::Absent);
    assert_eq!(file(r#","provenance":null"#).provenance, Provenance::None);
}

#[test]
fn upload_times_that_installers_refuse_are_rewritten() {
    let text = |keys: &str| file(keys).upload_time.map(|time| time.text);
    let read = |time: &str| text(&format!(r#","upload-time":"{time}""#));
    assert_eq!(
        read("2024-01-02T03:04:05.123456Z").as_deref(),
        Some("2024-01-02T03:04:05.123456Z")
    );
    assert_eq!(
        read("2024-01-02 03:04:05").as_deref(),
        Some("2024-01-02T03:04:05.000Z")
    );
    assert_eq!(
        read("2024-01-02T03:04:05+02:00").as_deref(),
        Some("2024-01-02T01:04:05.000Z")
    );
    assert_eq!(read("yesterday"), None);
}

#[test]
fn a_malformed_file_costs_itself_and_not_the_page() {
    let good = r#"{"filename":"foo-1.0.tar.gz","url":"u"}"#;
    let deep = format!(
        r#"{{"filename":"f","url":"u","x":{}1{}}}"#,
        "[".repeat(40),
        "]".repeat(40)
    );
    let bad = [
        "null",
        "[]",
        "1e999",
        "{}",
        r#"{"filename":"foo-1.0.tar.gz"}"#,
        r#"{"url":"u"}"#,
        r#"{"filename":"","url":"u"}"#,
        r#"{"filename":"../foo-1.0.tar.gz","url":"u"}"#,
        r#"{"filename":"a\u0000b","url":"u"}"#,
        r#"{"filename":"f","url":""}"#,
        r#"{"filename":"f","url":"a\r\nb"}"#,
        r#"{"filename":7,"url":"u"}"#,
        r#"{"filename":"f","filename":"g","url":"u"}"#,
        r#"{"filename":"f","url":"u","size":-1}"#,
        r#"{"filename":"f","url":"u","size":1e400}"#,
        r#"{"filename":"f","url":"u","size":99999999999999999999999}"#,
        r#"{"filename":"f","url":"u","hashes":{"sha256":"xyz"}}"#,
        r#"{"filename":"f","url":"u","hashes":{"sha256":"ab","sha256":"cd"}}"#,
        r#"{"filename":"f","url":"u","hashes":[]}"#,
        r#"{"filename":"f","url":"u","yanked":7}"#,
        r#"{"filename":"f","url":"u","core-metadata":"sha256=ab"}"#,
        r#"{"filename":"f","url":"u","x":1,"x":2}"#,
        r#"{"filename":"f\ud800","url":"u"}"#,
        &deep,
        good,
    ];
    for entry in bad {
        let page = with_file(&format!("{good},{entry}"));
        assert_eq!((page.files.len(), page.skipped), (1, 1), "{entry}");
    }
}

#[test]
fn what_is_no_page_is_an_error() {
    let depth_bomb = "[".repeat(1_000_000);
    let deep_extra = format!(
        r#"{{"files":[],"x":{}}}"#,
        depth_bomb.clone() + &"]".repeat(1_000_000)
    );
    let cases: [&[u8]; 14] = [
        b"",
        b"{",
        b"[]",
        b"null",
        b"<!DOCTYPE html>",
        b"{\"message\":\"not found\"}",
        b"{\"files\":null}",
        b"{\"files\":{}}",
        b"{\"files\":[]}x",
        b"{\"files\":[],\"files\":[]}",
        b"{\"files\":[],\"name\":\"\xff\"}",
        b"{\"files\":[],\"versions\":[1]}",
        depth_bomb.as_bytes(),
        deep_extra.as_bytes(),
    ];
    for bytes in cases {
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]).into_owned();
        assert!(parse(bytes, &name("foo")).is_err(), "{shown}");
    }
}

#[test]
fn another_project_and_another_major_version_are_refused() {
    let read = |text: &str| parse(text.as_bytes(), &name("foo.bar"));
    assert!(read(r#"{"name":"Foo_Bar","files":[]}"#).is_ok());
    let other = read(r#"{"name":"foobar","files":[]}"#);
    assert!(
        matches!(other, Err(PageError::OtherProject { .. })),
        "{other:?}"
    );
    for (version, known) in [
        (r#""1.0""#, true),
        ("1.4", true),
        ("null", true),
        (r#""1.99""#, true),
        (r#""2.0""#, false),
        ("2", false),
        (r#""x""#, false),
    ] {
        let found = read(&format!(
            r#"{{"meta":{{"api-version":{version}}},"files":[]}}"#
        ));
        assert_eq!(found.is_ok(), known, "{version}: {found:?}");
    }
}

#[test]
fn a_status_in_the_wrong_place_is_found() {
    let status = |text: &str| {
        page(text)
            .status
            .map(|status| (status.status, status.reason))
    };
    let expected = Some(("quarantined".into(), None));
    assert_eq!(
        status(r#"{"meta":{"project-status":{"status":"quarantined"}},"files":[]}"#),
        expected
    );
    assert_eq!(
        status(
            r#"{"meta":{"project-status":{"status":"active"}},"files":[],
            "project-status":{"status":"quarantined","reason":null}}"#
        ),
        expected
    );
    assert_eq!(status(r#"{"project-status":null,"files":[]}"#), None);
}

#[test]
fn versions_are_made_complete() {
    let page = page(
        r#"{"versions":["2.0","1.0","2.0","junk"],"files":[
        {"filename":"foo-1.0.0.tar.gz","url":"u"},{"filename":"foo-10.0-py3-none-any.whl","url":"u"},
        {"filename":"foo-3.0.zip","url":"u"},{"filename":"foo-3.0.exe","url":"u"}]}"#,
    );
    let versions: Vec<String> = page
        .complete_versions()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(versions, ["2.0", "1.0", "junk", "3.0", "10.0"]);
}

#[test]
fn a_page_is_written_in_the_order_of_the_specification() {
    let mut page = ProjectPage::empty(name("foo"));
    page.status = Some(ProjectStatus {
        status: "archived".into(),
        reason: None,
    });
    let private = serde_json::value::to_raw_value(&json!({"block": "P-7"})).unwrap();
    set_extra(&mut page.extra, "_portcullis", private);
    let mut file = PageFile::new("foo-1.0.tar.gz", "foo-1.0.tar.gz");
    file.hashes.insert("sha256".into(), "ab".into());
    file.core_metadata = CoreMetadata::Hashed([("sha256".into(), "cd".into())].into());
    file.requires_python = Some(">=3.8".into());
    page.files.push(file);
    assert_snapshot!(String::from_utf8(render(&page, Namespaces::Unsupported)).unwrap());
}

#[test]
fn namespaces_raise_the_version() {
    let mut page = page(r#"{"files":[],"namespaces":[{"name":"theirs","owned":true}]}"#);
    let text =
        |page: &ProjectPage, namespaces| String::from_utf8(render(page, namespaces)).unwrap();
    assert!(text(&page, Namespaces::Unsupported).contains("theirs"));
    assert_snapshot!(text(&page, Namespaces::Of(&[])), @r#"{"meta":{"api-version":"1.5"},"name":"foo","versions":[],"namespaces":null,"files":[]}"#);
    page.extra.clear();
    let own = [ProjectNamespace {
        name: name("acme"),
        owned: true,
    }];
    assert_snapshot!(text(&page, Namespaces::Of(&own)), @r#"{"meta":{"api-version":"1.5"},"name":"foo","versions":[],"namespaces":[{"name":"acme","owned":true}],"files":[]}"#);
}

#[test]
fn namespace_bodies() {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    assert_snapshot!(text(render_namespaces(&[name("acme"), name("foo")])), @r#"[{"name":"acme"},{"name":"foo"}]"#);
    let mut detail = NamespaceDetail {
        name: name("acme-x"),
        parent: Some(name("acme")),
        children: vec![name("acme-x-y")],
        owner: None,
    };
    assert_snapshot!(text(render_namespace(&detail)), @r#"{"name":"acme-x","parent":"acme","children":["acme-x-y"]}"#);
    detail.owner = Some("Acme".to_owned());
    let read: NamespaceDetail = serde_json::from_slice(&render_namespace(&detail)).unwrap();
    assert_eq!(read, detail);
}

#[test]
fn the_list_of_projects() {
    let text = r#"{"meta":{"_last-serial":5,"api-version":"1.1"},"projects":[{"name":"Foo_Bar","_last-serial":3},
        {"name":"-"},{},7,{"name":"baz"}]}"#;
    let list = parse_list(text.as_bytes()).unwrap();
    assert_eq!(
        (&list.projects[..], list.skipped),
        (&[name("foo-bar"), name("baz")][..], 3)
    );
    assert_snapshot!(String::from_utf8(render_list(&list)).unwrap(), @r#"{"meta":{"api-version":"1.4","_last-serial":5},"projects":[{"name":"foo-bar"},{"name":"baz"}]}"#);
    let empty = render_list(&ProjectList::default());
    assert!(parse_list(&empty).unwrap().projects.is_empty());
    for text in [
        r#"{"meta":{}}"#,
        r#"{"meta":{"api-version":"2.0"},"projects":[]}"#,
        "[]",
    ] {
        assert!(parse_list(text.as_bytes()).is_err(), "{text}");
    }
}

/// Pages have no equality, since verbatim JSON has none; what they print tells everything.
fn shown(page: &ProjectPage) -> String {
    format!("{page:#?}")
}

proptest! {
    #[test]
    fn a_page_survives_writing_and_reading(mut page in pages::page()) {
        let read = parse(&render(&page, Namespaces::Unsupported), &page.name).unwrap();
        page.versions = page.complete_versions();
        prop_assert_eq!(shown(&read), shown(&page));
        let again = parse(&render(&read, Namespaces::Unsupported), &page.name).unwrap();
        prop_assert_eq!(shown(&again), shown(&page));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in any::<Vec<u8>>()) {
        let _ = parse(&bytes, &name("x"));
        let _ = parse_list(&bytes);
    }

    #[test]
    fn no_damage_makes_it_panic(page in pages::page(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = render(&page, Namespaces::Unsupported);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = parse(&bytes, &page.name);
        let _ = parse(&bytes[..at], &page.name);
    }
}

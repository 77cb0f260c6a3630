//! The HTML form of the simple API, tidy and otherwise.

use insta::assert_snapshot;
use proptest::prelude::*;

use super::{name, pages};
use portcullis_core::pypi::simple::{CoreMetadata, PageError, ProjectList, ProjectPage, Yanked};
use portcullis_core::pypi::simple_html::{parse, parse_list, render, render_list};

fn page(text: &str) -> ProjectPage {
    parse(text, &name("foo")).expect(text)
}

/// File names and addresses of a page.
fn links(text: &str) -> Vec<(String, String)> {
    let files = page(text).files;
    files
        .iter()
        .map(|file| (file.filename.to_string(), file.url.to_string()))
        .collect()
}

fn pair(filename: &str, url: &str) -> Vec<(String, String)> {
    vec![(filename.to_owned(), url.to_owned())]
}

#[test]
fn a_tidy_page_is_read_whole() {
    let page = page(
        r#"<!DOCTYPE html><html><head><meta name="pypi:repository-version" content="1.3">
        <meta name="pypi:project-status" content="archived">
        <meta name="pypi:project-status-reason" content="no &lt;more&gt;"><title>Links for foo</title>
        </head><body><h1>Links for foo</h1>
        <a href="https://f.example/ab/foo-1.0-py3-none-any.whl#sha256=ABCD" data-requires-python="&gt;=3.8,&lt;4"
         data-core-metadata="sha256=ef" data-dist-info-metadata="true" data-gpg-sig="true" data-yanked="bad &amp; broken"
         data-provenance="https://a.example/p" data-upload-time="2024-01-02T03:04:05Z" data-size="77"
        >foo-1.0-py3-none-any.whl</a><br/></body></html>"#,
    );
    assert_snapshot!(format!("{page:#?}"));
}

#[test]
fn untidy_pages_are_read_as_browsers_do() {
    let whl = "foo-1.0-py3-none-any.whl";
    let cases = [
        format!("<A HREF={whl}>{whl}</A>"),
        format!("<a href='{whl}'>{whl}"),
        format!("<a\nhref = \"\n {whl}\n\" >text<b>bold</b></a>"),
        format!("<a href={whl}><a href=/>"),
        format!("<a href={whl} href=other.whl>x"),
        "<p><a x href=&#102;oo-1.0-py3-none-any.whl>x</p>".to_owned(),
        format!("<!-- <a href=evil.whl> --><script>\"<a href=evil.whl>\"</script><a href={whl}>x"),
        format!("<title><a href=evil.whl></title><a href={whl}>x</a"),
    ];
    for text in cases {
        assert_eq!(links(&text), pair(whl, whl), "{text}");
    }
}

#[test]
fn the_address_names_the_file_and_the_text_only_where_it_does_not() {
    let cases = [
        (
            "<a href='a/foo-1.0%2Blocal.tar.gz'>x</a>",
            "foo-1.0+local.tar.gz",
            "a/foo-1.0%2Blocal.tar.gz",
        ),
        (
            "<a href='foo-1.0.tar.gz?x=/y.whl'>other.whl</a>",
            "foo-1.0.tar.gz",
            "foo-1.0.tar.gz?x=/y.whl",
        ),
        (
            "<a href='/download?id=7'> foo-1.0.zip </a>",
            "foo-1.0.zip",
            "/download?id=7",
        ),
        (
            "<a href='foo-1.0-variants.json'>x</a>",
            "foo-1.0-variants.json",
            "foo-1.0-variants.json",
        ),
    ];
    for (text, filename, url) in cases {
        assert_eq!(links(text), pair(filename, url), "{text}");
    }
}

#[test]
fn links_to_other_things_are_passed_over_and_bad_files_counted() {
    let elsewhere = page(
        "<a href='../'>Parent</a><a href='https://home.example/'>Home</a><a name=x>x</a>
         <a href='foo-1.0.tar.gz.asc'>sig</a><a href='foo-1.0.whl.metadata'>m</a><a href=''></a>",
    );
    assert_eq!((elsewhere.files.len(), elsewhere.skipped), (0, 0));
    for href in [
        "..%2Fevil.whl",
        ".evil.whl",
        "a%00b.whl",
        "foo-1.0.whl#sha256=xyz",
        "foo-1.0.whl#md5=",
    ] {
        let page = page(&format!("<a href='{href}'>x</a>"));
        assert_eq!((page.files.len(), page.skipped), (0, 1), "{href}");
    }
    let twice = page("<a href='a/foo-1.0.whl'>x</a><a href='b/foo-1.0.whl'>x</a>");
    assert_eq!(
        (&*twice.files[0].url, twice.files.len(), twice.skipped),
        ("a/foo-1.0.whl", 1, 1)
    );
}

#[test]
fn a_base_moves_the_links() {
    let cases = [
        (
            "https://b.example/x/",
            "f/a-1.zip#md5=ab",
            "https://b.example/x/f/a-1.zip",
        ),
        (
            "https://b.example/x/",
            "../a-1.zip",
            "https://b.example/a-1.zip",
        ),
        (
            "https://b.example/x/",
            "https://c.example/a-1.zip",
            "https://c.example/a-1.zip",
        ),
        (
            "../../files/index.html",
            "p/a-1.zip",
            "../../files/p/a-1.zip",
        ),
        ("../../files/", "/p/a-1.zip", "/p/a-1.zip"),
        (
            "../../files/",
            "https://c.example/a-1.zip",
            "https://c.example/a-1.zip",
        ),
    ];
    for (base, href, expected) in cases {
        let before = format!("<base href='{base}'><a href='{href}'>x</a>");
        let after = format!("<a href='{href}'>x</a><BASE HREF=\" {base} \"><base href=/second/>");
        assert_eq!(links(&before), pair("a-1.zip", expected), "{base} {href}");
        assert_eq!(links(&after), pair("a-1.zip", expected), "{base} {href}");
    }
}

#[test]
fn attributes_that_make_no_sense_say_nothing() {
    let file = |attributes: &str| {
        page(&format!(
            "<a href='a-1.zip#sha256=AB&egg=x' {attributes}>x</a>"
        ))
        .files
        .remove(0)
    };
    let odd = file(
        "data-core-metadata=maybe data-gpg-sig=x data-size=-1 data-upload-time=now data-provenance",
    );
    assert_eq!(format!("{odd:?}"), format!("{:?}", file("")));
    assert_eq!(odd.hashes.get("sha256").map(|digest| &**digest), Some("ab"));
    assert_eq!(
        file("data-dist-info-metadata=TRUE").core_metadata,
        CoreMetadata::Unhashed
    );
    assert_eq!(
        file("data-core-metadata=false data-dist-info-metadata=true").core_metadata,
        CoreMetadata::Absent
    );
    assert_eq!(file("data-yanked").yanked, Yanked::Yes);
    assert_eq!(file("DATA-YANKED=''").yanked, Yanked::Yes);
}

#[test]
fn another_major_version_is_refused() {
    for (version, known) in [
        ("1.0", true),
        (" 1.9 ", true),
        ("2.0", false),
        ("", false),
        ("x", false),
    ] {
        let text = format!("<META NAME='PyPI:Repository-Version' CONTENT='{version}'>");
        let found = parse(&text, &name("foo"));
        assert_eq!(found.is_ok(), known, "{version:?}");
        assert_eq!(parse_list(&text).is_ok(), known, "{version:?}");
    }
}

#[test]
fn hostile_sizes_are_bounded() {
    let links = "<a href=a>".repeat(201_001);
    assert!(matches!(
        parse(&links, &name("foo")),
        Err(PageError::TooMany { .. })
    ));
    let long = format!("<a href='{}.whl'>x</a>", "a".repeat(20_000));
    assert!(page(&long).files.is_empty());
    let nested = "<a href=a-1.zip><div ".repeat(50_000);
    assert!(page(&nested).files.len() <= 1);
}

#[test]
fn a_page_is_written_in_the_frozen_form() {
    let json = r#"{"project-status":{"status":"deprecated","reason":"use \"bar\""},"files":[
        {"filename":"foo-1.0.tar.gz","url":"f/foo-1.0.tar.gz?a=1&b=2#frag","hashes":{"md5":"01","sha256":"ab"},
        "requires-python":">=3.8","core-metadata":{"sha256":"cd"},"yanked":"<b>","size":3},
        {"filename":"foo-2.0.tar.gz","url":"foo-2.0.tar.gz","yanked":true}]}"#;
    let page = portcullis_core::pypi::simple_json::parse(json.as_bytes(), &name("foo")).unwrap();
    assert_snapshot!(render(&page));
}

#[test]
fn the_list_of_projects() {
    let text =
        "<a href=/simple/foo-bar/>Foo.Bar</a><a href='baz/?x'>no name!</a><a href='../'>..</a>";
    let list = parse_list(text).unwrap();
    assert_eq!(
        (&list.projects[..], list.skipped),
        (&[name("foo-bar"), name("baz")][..], 1)
    );
    assert_snapshot!(render_list(&list));
    assert_eq!(
        parse_list(&render_list(&list)).unwrap().projects,
        list.projects
    );
    assert!(
        parse_list(&render_list(&ProjectList::default()))
            .unwrap()
            .projects
            .is_empty()
    );
}

proptest! {
    #[test]
    fn a_page_survives_writing_and_reading(page in pages::page()) {
        let page = pages::as_html_carries_it(page);
        let read = parse(&render(&page), &page.name).unwrap();
        prop_assert_eq!(format!("{read:#?}"), format!("{page:#?}"));
    }

    #[test]
    fn no_text_makes_it_panic(text in any::<String>(), tags in "(<a href=|'|\"|>|</a>|<base |<!--|&#x|\\.whl|#sha256=|%|[a-z]){0,30}") {
        for text in [text, tags] {
            let _ = parse(&text, &name("x"));
            let _ = parse_list(&text);
        }
    }
}

//! Pages of the simple repository API, as upstreams send them.

use portcullis_core::pypi::name::ProjectName;
use portcullis_core::pypi::provenance::publishers;
use portcullis_core::pypi::simple::ProjectPage;
use portcullis_core::pypi::simple_json::Namespaces;
use portcullis_core::pypi::{project_json, simple_html, simple_json};

use crate::Property;

/// The HTML form.
pub(crate) static SIMPLE_HTML: Property = Property {
    name: "simple_html",
    what: "an HTML page is read or refused, and what is rendered of it is the same page",
    check: |bytes| {
        let text = String::from_utf8_lossy(bytes);
        if let Ok(list) = simple_html::parse_list(&text) {
            let again = simple_html::parse_list(&simple_html::render_list(&list));
            assert_eq!(again.expect("our own list").projects, list.projects);
        }
        let Ok(page) = simple_html::parse(&text, &demo()) else {
            return;
        };
        let rendered = simple_html::render(&page);
        let again = simple_html::parse(&rendered, &demo()).expect("our own page");
        assert_eq!(rendered, simple_html::render(&again), "rendered twice");
        files_hold(&page);
        assert_eq!(names(&page), names(&again));
    },
    seeds: || vec![HTML.into()],
    words: &[
        "<a href=\"",
        "\">",
        "</a>",
        "#sha256=",
        "data-requires-python=\"",
        "data-yanked",
        "data-core-metadata",
        "&gt;",
        "&#x0;",
        "<base href=",
        "<meta name=\"pypi:repository-version\" content=\"",
        "<!--",
        "<![CDATA[",
        "demo-1.0-py3-none-any.whl",
        "%2e%2e%2f",
        "javascript:",
        "\u{0}",
    ],
};

/// The JSON form, and the two JSON documents beside it.
pub(crate) static SIMPLE_JSON: Property = Property {
    name: "simple_json",
    what: "a JSON page is read or refused, and what is rendered of it is the same page",
    check: |bytes| {
        let _ = project_json::parse(bytes);
        let _ = publishers(bytes);
        if let Ok(list) = simple_json::parse_list(bytes) {
            let again = simple_json::parse_list(&simple_json::render_list(&list));
            assert_eq!(again.expect("our own list").projects, list.projects);
        }
        let Ok(page) = simple_json::parse(bytes, &demo()) else {
            return;
        };
        let rendered = simple_json::render(&page, Namespaces::Unsupported);
        let again = simple_json::parse(&rendered, &demo()).expect("our own page");
        assert_eq!(
            rendered,
            simple_json::render(&again, Namespaces::Unsupported),
            "rendered twice"
        );
        files_hold(&page);
        assert_eq!(names(&page), names(&again));
        let html = simple_html::parse(&simple_html::render(&page), &demo());
        files_hold(&html.expect("our own page"));
    },
    seeds: || vec![JSON.into(), JSON_LIST.into()],
    words: &[
        "{\"",
        "\":",
        "\"files\": [",
        "\"filename\": ",
        "\"url\": ",
        "\"hashes\": {",
        "\"sha256\": ",
        "\"yanked\": true",
        "\"core-metadata\": ",
        "\"size\": ",
        "\"upload-time\": ",
        "\"versions\": [",
        "null",
        "1e999",
        "\\u0000",
        "\\ud800",
        "[[[[",
        "\"provenance\": ",
    ],
};

const HTML: &str = "<!DOCTYPE html><html><head><meta name=\"pypi:repository-version\" content=\"1.1\"></head><body>\
    <a href=\"../demo-1.0-py3-none-any.whl#sha256=0000000000000000000000000000000000000000000000000000000000000000\" \
    data-requires-python=\"&gt;=3.8\" data-core-metadata=\"sha256=00\" data-yanked=\"x\">demo-1.0-py3-none-any.whl</a><br>\
    <a href=\"demo-1.0.tar.gz\">demo-1.0.tar.gz</a></body></html>";

const JSON: &str = r#"{"meta": {"api-version": "1.1", "_last-serial": 1}, "name": "demo", "versions": ["1.0"], "files": [
    {"filename": "demo-1.0-py3-none-any.whl", "url": "https://a.invalid/demo-1.0-py3-none-any.whl", "hashes": {"sha256": "00"},
    "size": 1, "upload-time": "2024-01-01T00:00:00.000000Z", "requires-python": ">=3.8", "yanked": "x", "core-metadata": {"sha256": "00"},
    "provenance": null, "x": [1]}], "project-status": {"status": "archived", "reason": "x"}}"#;

const JSON_LIST: &str =
    r#"{"meta": {"api-version": "1.1"}, "projects": [{"name": "Demo"}, {"name": "a_b"}]}"#;

fn demo() -> ProjectName {
    ProjectName::new("demo").expect("a name")
}

fn names(page: &ProjectPage) -> Vec<String> {
    page.files
        .iter()
        .map(|file| file.filename.to_string())
        .collect()
}

/// Each file once, with a name that can be one.
fn files_hold(page: &ProjectPage) {
    let mut all = names(page);
    for name in &all {
        assert!(
            !name.contains(['/', '\\', '\0', '\n']) && !name.starts_with('.'),
            "{name:?}"
        );
    }
    all.sort();
    let count = all.len();
    all.dedup();
    assert_eq!(all.len(), count, "a file is listed twice");
    for file in &page.files {
        assert_eq!(
            page.file(&file.filename).map(|one| &*one.url),
            Some(&*file.url)
        );
    }
    let _ = page.complete_versions();
}

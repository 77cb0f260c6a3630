//! The page at the root: how to point an installer here. Plain HTML, no script, nothing from elsewhere.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Html;
use http::HeaderMap;

use super::base_url;
use crate::app::App;

pub(super) async fn landing(State(app): State<Arc<App>>, headers: HeaderMap) -> Html<String> {
    let base = base_url(&app, &headers);
    let mut text = String::from("One safe front door for Python packages.\n\n");
    for index in app.indexes.keys() {
        let url = match *index == app.config.default_index {
            true => format!("{base}/simple/"),
            false => format!("{base}/{index}/simple/"),
        };
        let _ = writeln!(text, "Index {index}: {url}\n");
        let _ = writeln!(text, "  pip install --index-url {url} NAME");
        let _ = writeln!(text, "  uv pip install --default-index {url} NAME");
        let publish = url.replace("/simple/", "/legacy/");
        let _ = writeln!(text, "  twine upload --repository-url {publish} dist/*\n");
    }
    text.push_str("Why was something refused?  /why/NAME\n");
    Html(document("Portcullis", &text))
}

/// A page with one block of preformatted text.
pub(super) fn document(title: &str, text: &str) -> String {
    document_with(title, text, "")
}

/// The same with `more` below the text, which is HTML.
pub(super) fn document_with(title: &str, text: &str, more: &str) -> String {
    let (title, text) = (escaped(title), escaped(text));
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n\
         <style>body{{max-width:52rem;margin:3rem auto;padding:0 1rem;font:1rem/1.5 sans-serif}}\
         pre{{white-space:pre-wrap;font:.95rem/1.5 monospace}}</style>\n</head>\n<body>\n\
         <h1>{title}</h1>\n<pre>{text}</pre>\n{more}</body>\n</html>\n"
    )
}

/// Text as it may stand in HTML, in elements and in quoted attributes.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

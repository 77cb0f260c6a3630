//! Writing HTML pages, in the frozen form: one line for each file, every attribute escaped.

use std::fmt::Write as _;

use super::API_VERSION;
use crate::pypi::simple::{CoreMetadata, PageFile, ProjectList, ProjectPage, Provenance, Yanked};

/// The HTML page of a project. Of a file's hashes the fragment holds one, SHA-256 before others.
pub fn render(page: &ProjectPage) -> String {
    let mut html = String::with_capacity(512 + page.files.len() * 512);
    let mut metas = String::new();
    if let Some(status) = &page.status {
        meta(&mut metas, "pypi:project-status", &status.status);
        if let Some(reason) = &status.reason {
            meta(&mut metas, "pypi:project-status-reason", reason);
        }
    }
    head(&mut html, &metas, &format!("Links for {}", page.name));
    for file in &page.files {
        anchor(&mut html, file);
    }
    html.push_str("</body>\n</html>\n");
    html
}

/// The HTML list of an index's projects, with addresses relative to the list.
pub fn render_list(list: &ProjectList) -> String {
    let mut html = String::with_capacity(512 + list.projects.len() * 64);
    head(&mut html, "", "Simple index");
    for name in &list.projects {
        html.extend([
            "<a href=\"",
            name.as_str(),
            "/\">",
            name.as_str(),
            "</a><br>\n",
        ]);
    }
    html.push_str("</body>\n</html>\n");
    html
}

fn head(html: &mut String, metas: &str, title: &str) {
    html.push_str("<!DOCTYPE html>\n<html>\n<head>\n<meta charset=\"utf-8\">\n");
    meta(html, "pypi:repository-version", API_VERSION);
    html.push_str(metas);
    html.extend([
        "<title>",
        title,
        "</title>\n</head>\n<body>\n<h1>",
        title,
        "</h1>\n",
    ]);
}

fn meta(html: &mut String, name: &str, content: &str) {
    html.extend(["<meta name=\"", name, "\" content=\""]);
    escape(html, content);
    html.push_str("\">\n");
}

fn anchor(html: &mut String, file: &PageFile) {
    html.push_str("<a href=\"");
    // A fragment of the upstream's own would push ours out of the fragment's place.
    escape(html, file.url.split('#').next().unwrap_or_default());
    if let Some((algorithm, digest)) = fragment(file) {
        html.push('#');
        escape(html, algorithm);
        html.push('=');
        escape(html, digest);
    }
    html.push('"');
    if let Some(specifiers) = &file.requires_python {
        attribute(html, "data-requires-python", specifiers);
    }
    if let Some(offer) = offer(&file.core_metadata) {
        attribute(html, "data-core-metadata", &offer);
        attribute(html, "data-dist-info-metadata", &offer);
    }
    if let Some(signed) = file.gpg_sig {
        attribute(html, "data-gpg-sig", if signed { "true" } else { "false" });
    }
    match &file.yanked {
        Yanked::No => {}
        Yanked::Yes => attribute(html, "data-yanked", ""),
        Yanked::Because(reason) => attribute(html, "data-yanked", reason),
    }
    if let Provenance::Url(url) = &file.provenance {
        attribute(html, "data-provenance", url);
    }
    if let Some(time) = &file.upload_time {
        attribute(html, "data-upload-time", &time.text);
    }
    if let Some(size) = file.size {
        let _ = write!(html, " data-size=\"{size}\"");
    }
    html.push('>');
    escape(html, &file.filename);
    html.push_str("</a><br>\n");
}

/// The hash that goes into the address: the strongest that every installer knows.
fn fragment(file: &PageFile) -> Option<(&str, &str)> {
    let preferred = ["sha256", "sha512", "sha384"].iter();
    let strong = preferred
        .filter_map(|algorithm| file.hashes.get_key_value(*algorithm))
        .next();
    strong
        .or_else(|| file.hashes.iter().next())
        .map(|(algorithm, digest)| (&**algorithm, &**digest))
}

fn offer(core_metadata: &CoreMetadata) -> Option<String> {
    match core_metadata {
        CoreMetadata::Absent => None,
        CoreMetadata::Unhashed => Some("true".to_owned()),
        CoreMetadata::Hashed(hashes) => Some(match hashes.get("sha256") {
            Some(digest) => format!("sha256={digest}"),
            None => "true".to_owned(),
        }),
    }
}

fn attribute(html: &mut String, name: &str, value: &str) {
    html.extend([" ", name, "=\""]);
    escape(html, value);
    html.push('"');
}

/// Writes `text` so that it means itself both in an attribute and between tags.
fn escape(html: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#x27;"),
            // Left as it is, a tokenizer reads it as a line feed.
            '\r' => html.push_str("&#13;"),
            other => html.push(other),
        }
    }
}

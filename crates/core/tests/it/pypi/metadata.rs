//! Core metadata of every age, and what is none.

use insta::assert_snapshot;
use proptest::prelude::*;

use portcullis_core::pypi::metadata::{CoreMetadata, MetadataError};

fn metadata(text: &str) -> CoreMetadata {
    CoreMetadata::parse(text.as_bytes()).expect(text)
}

fn refused(text: &str) -> MetadataError {
    CoreMetadata::parse(text.as_bytes()).expect_err(text)
}

/// With a name and a version in front.
fn with(rest: &str) -> CoreMetadata {
    metadata(&format!(
        "Metadata-Version: 2.1\nName: foo\nVersion: 1.0\n{rest}"
    ))
}

#[test]
fn modern_metadata_becomes_info() {
    let metadata = metadata(
        "Metadata-Version: 2.6\nName: Foo.Bar\nVersion: 1.0rc1\nSummary: A thing\n\
         Author-email: A <a@b.example>\nLicense-Expression: MIT\nLicense-File: LICENSE\n\
         Project-URL: Home, https://a.example/,x\nProject-URL: bare\nClassifier: One\nClassifier: Two\n\
         Requires-Python: >=3.8\nRequires-Dist: a>=1; extra == 'x'\nProvides-Extra: x\nDynamic: license\n\
         Import-Name: foo ; private\nImport-Namespace: acme\nPlatform: any\nX-Odd: yes\n\
         Description-Content-Type: text/markdown\n\n# Foo\n\nText: here\n",
    );
    assert_eq!(metadata.name.as_str(), "foo-bar");
    assert_eq!(metadata.unknown, [("X-Odd".into(), "yes".into())]);
    assert_snapshot!(serde_json::to_string_pretty(&metadata).unwrap());
}

#[test]
fn old_metadata_has_its_description_in_a_header() {
    let metadata = metadata(
        "Metadata-Version: 1.0\r\nName: foo\r\nVersion: 0.1\r\nHome-page: UNKNOWN\r\n\
         Description: First\r\n        \r\n        second\r\n          indented\r\nPlatform: UNKNOWN\r\n",
    );
    assert_eq!(
        metadata.description.as_deref(),
        Some("First\n\nsecond\n  indented")
    );
    assert_eq!((metadata.home_page, metadata.platforms.len()), (None, 0));
    let bars = with("Description: a\n       |b\n       |  c\n").description;
    assert_eq!(bars.as_deref(), Some("a\nb\n  c"));
}

#[test]
fn lines_are_what_pythons_parser_takes_for_lines() {
    assert_eq!(
        with("Summary: a\n  b\n\tc\n").summary.as_deref(),
        Some("a b c")
    );
    assert_eq!(
        with("summary:no space").summary.as_deref(),
        Some("no space")
    );
    assert_eq!(
        with("Summary: a\rKeywords: b\r\rbody")
            .description
            .as_deref(),
        Some("body")
    );
    assert_eq!(with("Summary: a: b\n").summary.as_deref(), Some("a: b"));
    // The first line that is no header ends them, so that a name behind it does not count.
    let ended = with("not a header\nName: bar\n");
    assert_eq!(
        ended.description.as_deref(),
        Some("not a header\nName: bar")
    );
    assert_eq!(metadata("  stray\nName: a\nVersion: 1").name.as_str(), "a");
    assert_eq!(
        metadata("From x y\nName: a\nVersion: 1\n").name.as_str(),
        "a"
    );
}

#[test]
fn second_values_of_single_fields_are_kept_aside() {
    let metadata = with("License: a\nLicense: b\nSummary:\nSummary: c\n");
    assert_eq!(
        (metadata.license.as_deref(), metadata.summary.as_deref()),
        (Some("a"), Some("c"))
    );
    assert_eq!(metadata.unknown, [("License".into(), "b".into())]);
}

#[test]
fn bytes_that_are_not_utf8_are_replaced() {
    let text = b"Name: foo\nVersion: 1\nAuthor: J\xfcrgen\n";
    assert_eq!(
        CoreMetadata::parse(text).unwrap().author.as_deref(),
        Some("J\u{fffd}rgen")
    );
}

#[test]
fn who_it_is_must_be_said_once() {
    assert_eq!(refused(""), MetadataError::Missing("Name"));
    assert_eq!(refused("Name: a\n"), MetadataError::Missing("Version"));
    assert_eq!(
        refused("Name:\nVersion: 1\n"),
        MetadataError::Missing("Name")
    );
    assert_eq!(
        refused("Name: a\nname: a\nVersion: 1\n"),
        MetadataError::Repeated("Name")
    );
    assert_eq!(
        refused("Name: a\nVersion: 1\nVERSION: 2\n"),
        MetadataError::Repeated("Version")
    );
    assert_eq!(
        refused("Name: a\nVersion: x\n"),
        MetadataError::Version("x".to_owned())
    );
    assert!(matches!(
        refused("Name: a b\nVersion: 1\n"),
        MetadataError::Name(_)
    ));
    assert!(matches!(
        refused("Name: a\n b\nVersion: 1\n"),
        MetadataError::Name(_)
    ));
    assert!(matches!(
        refused("\u{feff}Name: a\nVersion: 1\n"),
        MetadataError::Missing(_)
    ));
    let future = "Metadata-Version: 3.0\nName: a\nVersion: 1\n";
    assert_eq!(
        refused(future),
        MetadataError::UnsupportedVersion("3.0".to_owned())
    );
}

#[test]
fn hostile_sizes_are_bounded() {
    let headers = "a: b\n".repeat(20_001);
    assert_eq!(refused(&headers), MetadataError::TooManyHeaders);
    let large = vec![b'a'; 16 * 1024 * 1024 + 1];
    assert_eq!(CoreMetadata::parse(&large), Err(MetadataError::TooLarge));
    let folded = format!(
        "Name: a\nVersion: 1\nSummary: x\n{}",
        " y\n".repeat(100_000)
    );
    assert!(CoreMetadata::parse(folded.as_bytes()).is_ok());
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in any::<Vec<u8>>(), lines in "(Name|Version|License|[a-z]|:| |\r|\n|\t|a|1){0,60}") {
        let _ = CoreMetadata::parse(&bytes);
        let _ = CoreMetadata::parse(lines.as_bytes());
        let _ = CoreMetadata::parse(format!("Name: a\nVersion: 1\n{lines}").as_bytes());
    }

    #[test]
    fn a_description_survives(body in "[a-z:\n ]{0,60}") {
        let metadata = with(&format!("\n{body}"));
        let description = metadata.description.unwrap_or_default();
        prop_assert_eq!(description.trim(), body.trim());
    }
}

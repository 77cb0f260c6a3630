//! The upload form, and whether all that is said of an upload agrees.

use proptest::prelude::*;

use portcullis_core::digest::Sha256;
use portcullis_core::pypi::filename::DistFilename;
use portcullis_core::pypi::metadata::CoreMetadata;
use portcullis_core::pypi::upload::{
    ComputedDigests, Filetype, FormCollector, FormError, UploadForm, agree, field_limit,
};

const MD5: &str = "000102030405060708090a0b0c0d0e0f";

fn computed() -> ComputedDigests {
    let md5 = std::array::from_fn(|index| u8::try_from(index).unwrap());
    ComputedDigests {
        md5,
        sha256: Sha256::from_bytes([1; 32]),
        blake2_256: [2; 32],
    }
}

/// A good form, with some fields replaced; an empty value takes one away.
fn form(changes: &[(&str, &str)]) -> Result<UploadForm, FormError> {
    let (sha256, blake2) = ("01".repeat(32), "02".repeat(32));
    let good = [
        (":action", "file_upload"),
        ("protocol_version", "1"),
        ("filetype", "bdist_wheel"),
        ("pyversion", "py2.py3"),
        ("metadata_version", "2.4"),
        ("name", "Foo_Bar"),
        ("version", "1.0"),
        ("md5_digest", MD5),
        ("sha256_digest", &sha256),
        ("blake2_256_digest", &blake2),
        ("classifiers", "One"),
        ("classifiers", "Two"),
        ("home_page", "UNKNOWN"),
    ];
    let unchanged = |field: &str| !changes.iter().any(|(changed, _)| *changed == field);
    let kept = good.into_iter().filter(|(field, _)| unchanged(field));
    UploadForm::collect(kept.chain(changes.iter().copied()))
}

/// What `agree` says of a form with `changes`, as one line.
fn verdict(changes: &[(&str, &str)], filename: &str, metadata: &str) -> String {
    let form = form(changes).unwrap();
    let filename = DistFilename::parse(filename, Some(&form.name)).unwrap();
    let (name, version) = metadata.split_once(' ').unwrap();
    let metadata = CoreMetadata::new(name, version).unwrap();
    match agree(&form, &filename, &computed(), &metadata) {
        Ok(agreed) => format!(
            "{} {} {}",
            agreed.project(),
            agreed.version(),
            agreed.filetype()
        ),
        Err(disagreement) => disagreement.to_string(),
    }
}

const WHEEL: &str = "foo_bar-1.0-py2.py3-none-any.whl";
const SDIST: [(&str, &str); 2] = [("filetype", "sdist"), ("pyversion", "source")];

#[test]
fn a_form_is_read_whole() {
    let form = form(&[
        ("attestations", "[]"),
        ("content", "zzz"),
        ("summary", "a\nb"),
    ])
    .unwrap();
    assert_eq!(
        (form.name.as_str(), &*form.name_text),
        ("foo-bar", "Foo_Bar")
    );
    assert_eq!(
        (form.filetype, &*form.pyversion),
        (Filetype::Wheel, "py2.py3")
    );
    assert_eq!(form.digests.sha256, Some(Sha256::from_bytes([1; 32])));
    assert_eq!(form.fields["classifiers"].len(), 2);
    assert_eq!(
        (form.field("summary"), form.field("home_page")),
        (Some("a\nb"), None)
    );
    assert_eq!(
        (form.attestations.as_deref(), form.field("content")),
        (Some("[]"), None)
    );
}

#[test]
fn the_old_form_of_md5_is_the_same_digest() {
    for digest in [
        MD5,
        &MD5.to_uppercase(),
        "AAECAwQFBgcICQoLDA0ODw",
        "AAECAwQFBgcICQoLDA0ODw==",
    ] {
        assert_eq!(
            form(&[("md5_digest", digest)]).unwrap().digests.md5,
            Some(computed().md5)
        );
    }
}

#[test]
fn a_form_that_cannot_be_used_says_why() {
    let long = "x".repeat(2000);
    let cases: [(&[(&str, &str)], &str); 12] = [
        (
            &[(":action", "submit")],
            "the action 'submit' is not supported; upload files with ':action=file_upload'",
        ),
        (
            &[(":action", "")],
            "the form has no ':action'; use a current upload tool, or add the field",
        ),
        (
            &[("protocol_version", "2")],
            "the form's protocol_version is '2', which is not 1, the only one there is",
        ),
        (
            &[("name", " ")],
            "the form has no 'name'; use a current upload tool, or add the field",
        ),
        (
            &[("name", "-ä")],
            "the form's name is '-?', which is not a project name",
        ),
        (
            &[("name", "a"), ("name", "b")],
            "the form has two values for 'name'; send it once",
        ),
        (
            &[("version", "UNKNOWN")],
            "the form has no 'version'; use a current upload tool, or add the field",
        ),
        (
            &[("version", "one")],
            "the form's version is 'one', which is not a version (PEP 440)",
        ),
        (
            &[("filetype", "bdist_egg")],
            "the form's filetype is 'bdist_egg', which is not bdist_wheel or sdist",
        ),
        (
            &[("sha256_digest", "ab")],
            "the form's sha256_digest is 'ab', which is not 64 hexadecimal digits",
        ),
        (
            &[
                ("sha256_digest", ""),
                ("md5_digest", ""),
                ("blake2_256_digest", ""),
            ],
            "the form has none of sha256_digest, blake2_256_digest and md5_digest; add one",
        ),
        (
            &[("name", &long)],
            "the form's 'name' is longer than 1024 bytes; shorten it",
        ),
    ];
    for (changes, expected) in cases {
        assert_eq!(form(changes).unwrap_err().to_string(), expected);
    }
}

#[test]
fn the_same_value_twice_is_one_value() {
    assert!(form(&[("name", "a"), ("name", "a")]).is_ok());
}

#[test]
fn hostile_forms_are_bounded() {
    let mut collector = FormCollector::default();
    let fields = (0..20_001).map(|number| collector.push(&format!("f{number}"), "x"));
    assert_eq!(fields.last(), Some(Err(FormError::TooMuch)));
    let mut collector = FormCollector::default();
    let text = "x".repeat(field_limit("description"));
    assert_eq!(collector.push("description", &text), Ok(()));
    assert_eq!(
        collector.push("description", &text),
        Err(FormError::TooMuch)
    );
    assert!(collector.push(&"f".repeat(101), "").is_err());
}

#[test]
fn what_agrees_is_agreed_on() {
    let zip = "foo_bar-1.0.zip";
    assert_eq!(
        verdict(&[], WHEEL, "foo.bar 1.0.0"),
        "foo-bar 1.0.0 bdist_wheel"
    );
    assert_eq!(
        verdict(&[("pyversion", "py3.py2")], WHEEL, "Foo_Bar 1.0"),
        "foo-bar 1.0 bdist_wheel"
    );
    assert_eq!(
        verdict(&SDIST, "Foo-Bar-1.0.tar.gz", "foo-bar 1.0"),
        "foo-bar 1.0 sdist"
    );
    assert_eq!(verdict(&SDIST, zip, "foo-bar 1.0"), "foo-bar 1.0 sdist");
    assert_eq!(
        verdict(&[("sha256_digest", "")], WHEEL, "foo-bar 1"),
        "foo-bar 1 bdist_wheel"
    );
}

#[test]
fn what_disagrees_is_told_with_both_values() {
    let other = "ff".repeat(32);
    let cases = [
        (
            verdict(&[], WHEEL, "foobar 1.0"),
            "the form uploads to 'foo-bar', but the metadata inside the file says 'foobar'; rebuild the file, or correct the name",
        ),
        (
            verdict(&[], "foobar-1.0-py2.py3-none-any.whl", "foo-bar 1.0"),
            "the form uploads to 'foo-bar', but the file name says 'foobar'; rebuild the file, or correct the name",
        ),
        (
            verdict(&[], WHEEL, "foo-bar 1.0.1"),
            "the form says version '1.0', but the metadata inside the file says '1.0.1'; rebuild the file, or correct the version",
        ),
        (
            verdict(&[], "foo_bar-1.1-py2.py3-none-any.whl", "foo-bar 1.0"),
            "the form says version '1.0', but the file name says '1.1'; rebuild the file, or correct the version",
        ),
        (
            verdict(&[], "foo_bar-1.0.tar.gz", "foo-bar 1.0"),
            "the file name 'foo_bar-1.0.tar.gz' is not that of a bdist_wheel: it must read name-version-python-abi-platform.whl; rebuild it with a current build tool",
        ),
        (
            verdict(&SDIST, WHEEL, "foo-bar 1.0"),
            "the file name 'foo_bar-1.0-py2.py3-none-any.whl' is not that of a sdist: it must read name-version.tar.gz; rebuild it with a current build tool",
        ),
        (
            verdict(&SDIST, "foo_bar-1.0.tar.xz", "foo-bar 1.0"),
            "the file name 'foo_bar-1.0.tar.xz' is not that of a sdist: it must read name-version.tar.gz; rebuild it with a current build tool",
        ),
        (
            verdict(&[("pyversion", "cp311")], WHEEL, "foo-bar 1.0"),
            "the form says pyversion 'cp311', but the file name says 'py2.py3'; use a current upload tool, or correct the field",
        ),
        (
            verdict(&[SDIST[0]], "foo_bar-1.0.tar.gz", "foo-bar 1.0"),
            "the form says pyversion 'py2.py3', but the file name says 'source'; use a current upload tool, or correct the field",
        ),
        (
            verdict(&[("sha256_digest", &other)], WHEEL, "foo-bar 1.0"),
            "the form's SHA-256 begins ffffffffffffffff, but what arrived begins 0101010101010101; the file changed on its way or after hashing, upload it again",
        ),
        (
            verdict(&[("md5_digest", &other[..32])], WHEEL, "foo-bar 1.0"),
            "the form's MD5 begins ffffffffffffffff, but what arrived begins 0001020304050607; the file changed on its way or after hashing, upload it again",
        ),
    ];
    for (found, expected) in cases {
        assert_eq!(found, expected);
    }
}

proptest! {
    #[test]
    fn every_message_is_one_line_of_ascii(value in any::<String>(), filename in "[^/\\\\]{0,80}") {
        let one_line = |text: &str| text.len() < 400 && text.chars().all(|c| c == ' ' || c.is_ascii_graphic());
        for field in [":action", "protocol_version", "filetype", "name", "version", "pyversion", "md5_digest"] {
            match form(&[(field, &value)]) {
                Err(error) => prop_assert!(one_line(&error.to_string()), "{}", error),
                Ok(form) => if let Ok(filename) = DistFilename::parse(&filename, None) {
                    let metadata = CoreMetadata::new("foo-bar", "1.0").unwrap();
                    if let Err(error) = agree(&form, &filename, &computed(), &metadata) {
                        prop_assert!(one_line(&error.to_string()), "{}", error);
                    }
                },
            }
        }
    }
}

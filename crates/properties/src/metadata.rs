//! Core metadata, lock files and bills of materials, and advisories.

use portcullis_core::advisory::{Reading, Record, read_record};
use portcullis_core::licence::Licence;
use portcullis_core::pypi::lockfile::{LockFormat, LockedFiles, detect, read, read_as};
use portcullis_core::pypi::metadata::CoreMetadata;

use crate::Property;
use crate::holding::survives_json;

/// METADATA and PKG-INFO.
pub(crate) static METADATA: Property = Property {
    name: "metadata",
    what: "METADATA is read or refused, and what is read can be read again",
    check: |bytes| {
        let Ok(metadata) = CoreMetadata::parse(bytes) else {
            return;
        };
        assert_eq!(
            CoreMetadata::parse(bytes).as_ref(),
            Ok(&metadata),
            "not the same twice"
        );
        assert!(serde_json::to_vec(&metadata).is_ok());
        let text = format!(
            "Name: {}\nVersion: {}\n",
            metadata.name_text, metadata.version_text
        );
        let again = CoreMetadata::parse(text.as_bytes()).expect("a name and a version");
        assert_eq!(
            (again.name_text, again.version_text),
            (metadata.name_text.clone(), metadata.version_text.clone())
        );
        let licence = Licence::from_metadata(&metadata);
        assert!(!licence.title().contains('\n'), "{:?}", licence.title());
        for (label, _) in metadata.labelled_urls() {
            assert!(!label.contains('\n'));
        }
    },
    seeds: || {
        let full = "Metadata-Version: 2.4\nName: demo\nVersion: 1.0\nSummary: x\nLicense-Expression: MIT OR Apache-2.0\n\
            License-File: LICENSE\nClassifier: License :: OSI Approved :: MIT License\nRequires-Dist: a>=1; extra == 'b'\n\
            Project-URL: Source, https://a.invalid/b\nAuthor-email: A <a@b.invalid>\nRequires-Python: >=3.8\nDescription: a\n        |b\n\nText.\n";
        vec![
            crate::packages::METADATA.into(),
            full.into(),
            b"name:Demo\r\nVERSION: 1!2.0rc1\r\n\r\nx".to_vec(),
        ]
    },
    words: &[
        "Metadata-Version: 2.",
        "Name: ",
        "Version: ",
        "License: ",
        "License-Expression: ",
        "Classifier: License :: OSI Approved :: ",
        "Requires-Dist: ",
        "Project-URL: ",
        "\n ",
        "\n        |",
        "\r",
        "\u{85}",
        " WITH ",
        " OR ",
        "(",
        ")",
        "GPL-2.0-or-later",
        "MIT",
    ],
};

/// Lock files of every form.
pub(crate) static LOCKFILES: Property = Property {
    name: "lockfiles",
    what: "lock files are read or refused in every form, the same twice, and what is read is bounded",
    check: |bytes| {
        let detected = detect("", bytes);
        for format in LockFormat::ALL {
            let outcome = read_as(format, bytes);
            let again = read_as(format, bytes);
            assert_eq!(
                outcome.as_ref().ok(),
                again.as_ref().ok(),
                "not the same twice"
            );
            match outcome {
                Ok(files) => lock_holds(&files, bytes),
                Err(error) => assert!(!error.to_string().is_empty()),
            }
        }
        if let (Some(format), Ok(files)) = (detected, read("", bytes)) {
            assert_eq!(files.format, format);
        }
    },
    seeds: || {
        let texts = [
            "flask==3.0.0 --hash=sha256:0000000000000000000000000000000000000000000000000000000000000000\n-e .\ngit+https://a.invalid/b\n",
            "lock-version = \"1.0\"\ncreated-by = \"x\"\n[[packages]]\nname = \"flask\"\nversion = \"3.0.0\"\n[[packages.wheels]]\nname = \"flask-3.0.0-py3-none-any.whl\"\nhashes = {sha256 = \"00\"}\n",
            "version = 1\n[[package]]\nname = \"flask\"\nversion = \"3.0.0\"\nsource = { registry = \"https://a.invalid\" }\ndependencies = [{ name = \"click\" }]\n",
            "[[package]]\nname = \"flask\"\nversion = \"3.0.0\"\nfiles = [{file = \"a.whl\", hash = \"sha256:00\"}]\n[metadata]\ncontent-hash = \"x\"\n",
            "{\"_meta\": {}, \"default\": {\"flask\": {\"version\": \"==3.0.0\", \"hashes\": [\"sha256:00\"]}}, \"develop\": {}}",
            "{\"bomFormat\": \"CycloneDX\", \"components\": [{\"bom-ref\": \"a\", \"purl\": \"pkg:pypi/flask@3.0.0\", \"hashes\": []}], \"dependencies\": []}",
            "{\"spdxVersion\": \"SPDX-2.3\", \"packages\": [{\"SPDXID\": \"a\", \"externalRefs\": [{\"referenceType\": \"purl\", \"referenceLocator\": \"pkg:pypi/flask@3.0.0\"}]}], \"relationships\": []}",
        ];
        texts.iter().map(|text| text.as_bytes().to_vec()).collect()
    },
    words: &[
        "pkg:pypi/",
        "%2F",
        "sha256:",
        "--hash=",
        "[[package]]\n",
        "[[packages]]\n",
        "name = ",
        "version = ",
        "\\\n",
        "-r x.txt\n",
        "; python_version < '3'",
        "{\"",
        "\":",
        "[",
        "]",
        "}",
        "\u{feff}",
        "[[[[[[",
        "a.b.c.d=",
    ],
};

fn lock_holds(files: &LockedFiles, bytes: &[u8]) {
    let most = bytes.len() + 1;
    assert!(
        files.entries.len() + files.skipped.len() <= most,
        "more entries than bytes"
    );
    assert!(serde_json::to_vec(files).is_ok());
    for skipped in &files.skipped {
        assert!(!skipped.reason.is_empty(), "{skipped:?}");
        assert!(skipped.what.chars().count() <= 1000, "{skipped:?}");
    }
}

/// One advisory.
pub(crate) static OSV_RECORD: Property = Property {
    name: "osv_record",
    what: "an advisory is read or refused, and what is read survives our own snapshot",
    check: |bytes| {
        let Ok(Reading::Record { record, .. }) = read_record(bytes) else {
            return;
        };
        let record: Record = *record;
        survives_json(&record);
        assert!(!record.id.is_empty());
        assert!(
            !record.summary.chars().any(char::is_control),
            "{:?}",
            record.summary
        );
        for affected in &record.affected {
            for version in affected.fixed() {
                let _ = affected.includes(version);
            }
            for text in ["0", "1.0", "1.0+local", "2!3.dev0", "no version"] {
                assert_eq!(
                    affected.includes_spelled(text),
                    affected.includes_spelled(text)
                );
            }
        }
    },
    seeds: || {
        let text = r#"{"id": "PYSEC-2024-1", "aliases": ["CVE-2024-0001"], "summary": "x", "modified": "2024-01-01T00:00:00Z",
            "affected": [{"package": {"ecosystem": "PyPI", "name": "Flask"}, "ranges": [{"type": "ECOSYSTEM", "events":
            [{"introduced": "0"}, {"fixed": "1.0"}, {"introduced": "2.0"}, {"last_affected": "2.1"}]}], "versions": ["0.1", "weird"],
            "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]}],
            "database_specific": {"severity": "HIGH"}}"#;
        vec![text.into(), text.replace("PYSEC", "MAL").into_bytes()]
    },
    words: &[
        "\"affected\":",
        "\"ranges\":",
        "\"events\":",
        "{\"introduced\": \"0\"}",
        "{\"fixed\": \"",
        "\"last_affected\"",
        "\"limit\"",
        "null",
        "[]",
        "{}",
        "\"withdrawn\"",
        "CVSS:4.0/",
        "CVSS:3.1/AV:N",
        "MAL-",
        "\\u0000",
        "1e400",
        "9999-12-31T23:59:60Z",
    ],
};

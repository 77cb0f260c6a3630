//! The form with which a file is published, as it comes over the wire.

use bytes::Bytes;
use futures_util::FutureExt as _;
use multer::Multipart;
use portcullis_core::pypi::filename::DistFilename;
use portcullis_core::pypi::upload::{FormCollector, field_limit};

use crate::Property;

/// What stands between the parts of a form.
const BOUNDARY: &str = "b";

/// A form of type `multipart/form-data`.
pub(crate) static UPLOAD_FORM: Property = Property {
    name: "upload_form",
    what: "a form is the same however its bytes arrive, one that is accepted says what it must, and a refusal is one \
           line of ASCII",
    check: |bytes| {
        let parts = parts(bytes, bytes.len());
        for length in [1, 7, 64] {
            assert_eq!(parts, self::parts(bytes, length), "in pieces of {length}");
        }
        let Some(parts) = parts else { return };
        judged(&parts);
    },
    seeds: || {
        let fields = [
            (":action", "file_upload"),
            ("protocol_version", "1"),
            ("filetype", "bdist_wheel"),
            ("pyversion", "py3"),
            ("metadata_version", "2.1"),
            ("name", "a"),
            ("version", "1.0"),
            ("md5_digest", "d41d8cd98f00b204e9800998ecf8427e"),
        ];
        let form = |changed: (&str, &str)| {
            let fields = fields.iter().map(|(name, value)| match *name == changed.0 {
                true => changed,
                false => (*name, *value),
            });
            let parts = fields.map(|(name, value)| {
                format!(
                    "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
                )
            });
            let file = format!(
                "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"content\"; \
                 filename=\"a-1.0-py3-none-any.whl\"\r\n\r\nPK\r\n--{BOUNDARY}--\r\n"
            );
            (parts.collect::<String>() + &file).into_bytes()
        };
        vec![
            form(("", "")),
            form(("version", "1.0\u{e9}\n")),
            form(("filetype", "sdist")),
            form((":action", "submit")),
        ]
    },
    words: &[
        "--b\r\n",
        "--b--\r\n",
        "\r\n\r\n",
        "Content-Disposition: form-data; name=\"",
        "; filename=\"",
        "filename*=UTF-8''",
        "Content-Type: text/plain; charset=utf-8",
        "classifiers",
        "sha256_digest",
        "blake2_256_digest",
        "attestations",
        "UNKNOWN",
        "\0",
    ],
};

/// Name, name of the file, and what is in it.
type Part = (Option<String>, Option<String>, Bytes);

/// The parts of a form that arrives in pieces of `length` bytes; `None` where it is none.
fn parts(bytes: &[u8], length: usize) -> Option<Vec<Part>> {
    let pieces: Vec<Result<Bytes, std::io::Error>> = bytes
        .chunks(length.max(1))
        .map(|piece| Ok(Bytes::copy_from_slice(piece)))
        .collect();
    let mut form = Multipart::new(futures_util::stream::iter(pieces), BOUNDARY);
    let read = async {
        let mut parts = Vec::new();
        while let Some(field) = form.next_field().await.ok()? {
            let name = field.name().map(str::to_owned);
            let filename = field.file_name().map(str::to_owned);
            parts.push((name, filename, field.bytes().await.ok()?));
        }
        Some(parts)
    };
    read.now_or_never()
        .expect("all of it is there, so that nothing is waited for")
}

fn judged(parts: &[Part]) {
    let mut collector = FormCollector::default();
    for (name, filename, bytes) in parts {
        let name = name.as_deref().unwrap_or_default();
        let Ok(value) = std::str::from_utf8(bytes) else {
            continue;
        };
        if let Some(filename) = filename {
            let _ = DistFilename::parse(filename, None);
        }
        match collector.push(name, value) {
            Ok(()) => assert!(value.len() <= field_limit(name), "{name} is too long"),
            Err(error) => return is_one_line(&error.to_string()),
        }
    }
    match collector.finish() {
        Ok(form) => {
            assert!(!form.digests.is_empty(), "nothing is said of the bytes");
            assert_eq!(form.version_text.trim().parse().ok(), Some(form.version));
        }
        Err(error) => is_one_line(&error.to_string()),
    }
}

fn is_one_line(error: &str) {
    let is_plain = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
    assert!(error.bytes().all(is_plain), "{error:?}");
}

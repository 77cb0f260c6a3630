//! Headers that clients send: what they accept, and which part of a file they want.

use http::HeaderMap;
use http::header::{IF_RANGE, RANGE as RANGE_HEADER};
use portcullis_core::pypi::negotiate::{Format, encoding, negotiate};

use crate::Property;
use crate::ranges::Part;

/// `Accept`, `Accept-Encoding` and `?format=`.
pub(crate) static ACCEPT: Property = Property {
    name: "accept",
    what: "whatever a client accepts, the answer is the same twice, and naming one form gets it",
    check: |bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else {
            return;
        };
        let answer = negotiate(Some(text), None);
        assert_eq!(answer, negotiate(Some(text), None), "not the same twice");
        assert_eq!(encoding(Some(text)), encoding(Some(text)));
        let _ = negotiate(None, Some(text));
        for format in Format::ALL {
            let wins = negotiate(Some(text), Some(format.content_type()));
            assert_eq!(wins, Ok(format), "?format= wins");
        }
    },
    seeds: || {
        let texts = [
            "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01",
            "*/*;q=0.5, text/*, gzip;q=0, zstd, identity;q=0.001",
        ];
        texts.iter().map(|text| text.as_bytes().to_vec()).collect()
    },
    words: &[
        "application/vnd.pypi.simple.v1+json",
        "application/vnd.pypi.simple.latest+html",
        "text/html",
        "*/*",
        ";q=",
        "0.001",
        "1.000",
        ",",
        "gzip",
        "zstd",
        "identity",
        "*",
        "\t",
    ],
};

/// `Range` and `If-Range`.
pub(crate) static RANGE: Property = Property {
    name: "range",
    what: "a part lies within the file and is not empty, and another version is sent whole",
    check: |bytes| {
        let Some((size, text)) = bytes.split_first_chunk::<8>() else {
            return;
        };
        let size = u64::from_le_bytes(*size);
        let Ok(value) = text.try_into() else { return };
        let mut headers = HeaderMap::new();
        headers.insert(RANGE_HEADER, value);
        let part = Part::asked(&headers, size, "\"a\"");
        assert_eq!(
            part,
            Part::asked(&headers, size, "\"a\""),
            "not the same twice"
        );
        if let Part::Range { start, end } = part {
            assert!(start < end && end <= size, "{start}..{end} of {size}");
        }
        headers.insert(IF_RANGE, "\"b\"".try_into().expect("a header's value"));
        assert_eq!(Part::asked(&headers, size, "\"a\""), Part::Whole);
    },
    seeds: || {
        let with = |size: u64, text: &str| [&size.to_le_bytes()[..], text.as_bytes()].concat();
        vec![
            with(100, "bytes=0-9"),
            with(u64::MAX, "bytes=-500"),
            with(0, "bytes=18446744073709551615-"),
        ]
    },
    words: &["bytes=", "-", ",", "18446744073709551615", "0", " "],
};

//! Byte ranges of a file (RFC 9110, section 14): one range, from the start or from the end. A request
//! for several ranges is answered with the whole file, as the RFC allows.

use http::HeaderMap;
use http::header::{IF_RANGE, RANGE};

/// Which part of a file is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    Whole,
    /// The bytes from `start` up to and not including `end`; never empty.
    Range {
        /// Offset of the first byte.
        start: u64,
        /// Offset after the last byte.
        end: u64,
    },
    /// A range that the file does not have.
    Unsatisfiable,
}

impl Part {
    /// The part of a file of `size` bytes with the strong validator `etag` that `headers` ask for.
    pub fn asked(headers: &HeaderMap, size: u64, etag: &str) -> Self {
        let Some(range) = headers.get(RANGE).and_then(|range| range.to_str().ok()) else {
            return Self::Whole;
        };
        let changed = headers
            .get(IF_RANGE)
            .is_some_and(|if_range| if_range != etag);
        if changed {
            Self::Whole
        } else {
            Self::parse(range, size)
        }
    }

    fn parse(range: &str, size: u64) -> Self {
        let Some(spec) = range.strip_prefix("bytes=") else {
            return Self::Whole;
        };
        let Some((first, last)) = spec.split_once('-').filter(|_| !spec.contains(',')) else {
            return Self::Whole;
        };
        let number = |text: &str| text.trim().parse::<u64>().ok();
        let (start, end) = match (first.trim().is_empty(), number(first), last.trim()) {
            (true, _, last) => match number(last) {
                Some(length) => (size.saturating_sub(length), size),
                None => return Self::Whole,
            },
            (false, Some(start), "") => (start, size),
            (false, Some(start), last) => match number(last) {
                Some(last) if last >= start => (start, last.saturating_add(1).min(size)),
                _ => return Self::Whole,
            },
            (false, None, _) => return Self::Whole,
        };
        if start >= end {
            Self::Unsatisfiable
        } else {
            Self::Range { start, end }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ranges() {
        let range = |start, end| Part::Range { start, end };
        for (text, expected) in [
            ("bytes=0-9", range(0, 10)),
            ("bytes=90-", range(90, 100)),
            ("bytes=-10", range(90, 100)),
            ("bytes=-1000", range(0, 100)),
            ("bytes=99-1000", range(99, 100)),
            ("bytes=100-", Part::Unsatisfiable),
            ("bytes=-0", Part::Unsatisfiable),
            ("bytes=0-1,5-6", Part::Whole),
            ("bytes=9-1", Part::Whole),
            ("bytes=-", Part::Whole),
            ("bytes=a-b", Part::Whole),
            ("items=0-1", Part::Whole),
        ] {
            assert_eq!(Part::parse(text, 100), expected, "{text}");
        }
        assert_eq!(Part::parse("bytes=-5", 0), Part::Unsatisfiable);
    }

    #[test]
    fn a_range_of_another_version_is_the_whole_file() {
        let mut headers = HeaderMap::new();
        headers.insert(RANGE, "bytes=0-9".parse().expect("a header"));
        headers.insert(IF_RANGE, "\"old\"".parse().expect("a header"));
        assert_eq!(Part::asked(&headers, 100, "\"new\""), Part::Whole);
        assert_eq!(
            Part::asked(&headers, 100, "\"old\""),
            Part::Range { start: 0, end: 10 }
        );
    }

    proptest! {
        #[test]
        fn a_range_lies_within_the_file(text in ".{0,30}", size in 0u64..1000) {
            for range in [text.clone(), format!("bytes={text}")] {
                if let Part::Range { start, end } = Part::parse(&range, size) {
                    prop_assert!(start < end && end <= size);
                }
            }
        }
    }
}

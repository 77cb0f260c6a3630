//! [`CveId`], by which the catalogue of exploited vulnerabilities and the EPSS scores are joined.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A CVE id, `CVE-2026-1234`; in eight bytes, since there are hundreds of thousands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CveId {
    year: u16,
    number: u32,
}

/// The text is not a CVE id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a CVE id (CVE-YYYY-NNNN)")]
pub struct InvalidCveId;

impl FromStr for CveId {
    type Err = InvalidCveId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = || {
            let (prefix, rest) = text.trim().split_at_checked(4)?;
            let (year, number) = rest.split_once('-')?;
            let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
            let sound = prefix.eq_ignore_ascii_case("CVE-")
                && year.len() == 4
                && (4..10).contains(&number.len())
                && digits(year)
                && digits(number);
            sound.then_some(())?;
            Some(Self {
                year: year.parse().ok()?,
                number: number.parse().ok()?,
            })
        };
        read().ok_or(InvalidCveId)
    }
}

impl fmt::Display for CveId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CVE-{}-{:04}", self.year, self.number)
    }
}

impl Serialize for CveId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for CveId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_and_printed() {
        for (text, printed) in [
            ("CVE-2026-0001", "CVE-2026-0001"),
            (" cve-1999-1234567 ", "CVE-1999-1234567"),
        ] {
            assert_eq!(text.parse::<CveId>().expect(text).to_string(), printed);
        }
        for text in [
            "",
            "CVE-",
            "CVE-2026",
            "CVE-2026-1",
            "CVE-26-0001",
            "CVE-2026-12345678901",
            "GHSA-2026-0001",
            "CVE-2026-+123",
            "CVÉ-2026-0001",
        ] {
            assert!(text.parse::<CveId>().is_err(), "{text}");
        }
    }
}

//! [`Timestamp`], a moment in milliseconds since 1970 UTC. There is no clock in here: whoever needs
//! the present gets it as an argument.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment: milliseconds since 1970-01-01T00:00:00Z. Printed as RFC 3339 in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(i64);

/// The text is not a date (`2026-03-24`) nor an RFC 3339 moment (`2026-03-24T10:58:00Z`).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a date (YYYY-MM-DD) or RFC 3339 time: {0:?}")]
pub struct InvalidTimestamp(pub String);

impl Timestamp {
    /// Milliseconds in a day.
    pub const DAY: i64 = 24 * 60 * 60 * 1000;

    /// The moment `millis` milliseconds after 1970-01-01T00:00:00Z.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// This moment, `millis` milliseconds later (earlier when negative), saturating.
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// Milliseconds from `earlier` to this moment; negative when `earlier` is later.
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// `2026-11-23 14:07 UTC`, for people.
    pub fn to_minute(self) -> String {
        let text = self.to_string();
        match text.get(..16) {
            Some(minute) => format!("{} UTC", minute.replace('T', " ")),
            None => text,
        }
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(at) => write!(f, "{at:.3}"),
            Err(_) => write!(f, "{} ms after 1970", self.0),
        }
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    /// A bare date means its first moment in UTC; a time without an offset is taken as UTC, since
    /// that is what the packaging specifications ask of `upload-time`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidTimestamp(text.chars().take(80).collect());
        if let Ok(at) = text.parse::<jiff::Timestamp>() {
            return Ok(Self(at.as_millisecond()));
        }
        let civil = text
            .parse::<jiff::civil::DateTime>()
            .map_err(|_| invalid())?;
        let zoned = civil
            .to_zoned(jiff::tz::TimeZone::UTC)
            .map_err(|_| invalid())?;
        Ok(Self(zoned.timestamp().as_millisecond()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect(text)
    }

    #[test]
    fn dates_and_times_mean_utc() {
        assert_eq!(at("1970-01-02").as_millis(), Timestamp::DAY);
        assert_eq!(at("1970-01-01T00:00:01Z").as_millis(), 1000);
        assert_eq!(at("1970-01-01T00:00:01.123456Z").as_millis(), 1123);
        assert_eq!(at("1970-01-01T02:00:00+02:00").as_millis(), 0);
        assert_eq!(at("2024-12-04T17:35:26"), at("2024-12-04T17:35:26Z"));
    }

    #[test]
    fn a_moment_survives_printing_and_parsing() {
        let moment = at("2026-03-24T10:58:00.250Z");
        assert_eq!(at(&moment.to_string()), moment);
        assert_eq!(moment.to_minute(), "2026-03-24 10:58 UTC");
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "yesterday", "2026-13-01", "2026-03-24T25:00:00Z"] {
            assert!(text.parse::<Timestamp>().is_err(), "{text:?}");
        }
    }
}

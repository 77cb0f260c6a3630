//! Moments as people write them on a command line: dates, RFC 3339 times, and lengths of time.

use portcullis_core::time::Timestamp;
use portcullis_server::config::Period;

/// The end of something: a length of time from now, or a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// So many milliseconds from now.
    After(i64),
    /// At this moment.
    At(Timestamp),
}

impl Ending {
    /// The moment, seen from `now`.
    pub fn moment(self, now: Timestamp) -> Timestamp {
        match self {
            Self::After(millis) => now.plus_millis(millis),
            Self::At(moment) => moment,
        }
    }
}

/// Reads `30d`, `12h`, a date or an RFC 3339 time.
pub fn ending(text: &str) -> Result<Ending, String> {
    if let Ok(Period(length)) = text.parse() {
        let millis = i64::try_from(length.as_millis()).unwrap_or(i64::MAX);
        return Ok(Ending::After(millis));
    }
    match text.parse() {
        Ok(moment) => Ok(Ending::At(moment)),
        Err(_) => Err(
            "give a length of time such as 30d, a date such as 2027-01-31, or an \
                       RFC 3339 time"
                .to_owned(),
        ),
    }
}

/// Reads where a span begins: a date means its first moment in UTC.
pub fn beginning(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| BAD_MOMENT.to_owned())
}

/// Reads where a span ends, exclusive: a date belongs to the span as a whole.
pub fn end(text: &str) -> Result<Timestamp, String> {
    let moment: Timestamp = text.parse().map_err(|_| BAD_MOMENT.to_owned())?;
    let is_date = text.len() == "2026-03-24".len();
    Ok(moment.plus_millis(if is_date { Timestamp::DAY } else { 0 }))
}

const BAD_MOMENT: &str = "give a date such as 2026-03-24, or an RFC 3339 time such as \
                          2026-03-24T10:58:00Z";

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect(text)
    }

    #[test]
    fn endings_are_lengths_of_time_or_moments() {
        let now = at("2026-11-21");
        for (text, expected) in [
            ("30d", "2026-12-21"),
            ("12h", "2026-11-21T12:00:00Z"),
            ("2027-01-31", "2027-01-31"),
            ("2027-01-31T10:00:00+02:00", "2027-01-31T08:00:00Z"),
        ] {
            let ending = ending(text).expect(text);
            assert_eq!(ending.moment(now), at(expected), "{text}");
        }
        for text in ["", "soon", "30", "1.5d", "2027-02-31"] {
            assert!(ending(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_date_belongs_to_the_span_that_it_ends() {
        assert_eq!(beginning("2026-03-24"), Ok(at("2026-03-24")));
        assert_eq!(end("2026-03-24"), Ok(at("2026-03-25")));
        let moment = "2026-03-24T10:58:00Z";
        assert_eq!(end(moment), Ok(at(moment)));
        assert!(end("yesterday").is_err() && beginning("").is_err());
    }
}

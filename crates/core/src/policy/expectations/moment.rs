//! Moments as expectations give them: counted back from the moment of judging, or as a date.

use crate::settings::Table;
use crate::time::Timestamp;

const BAD_MOMENT: &str = "give a moment such as \"2 days ago\", \"5 hours ago\" or \"2026-03-24\"";

/// The moment under `key`: `2 days ago`, `5 hours ago`, a date, or a time (RFC 3339).
pub(super) fn moment(table: &mut Table<'_>, key: &str, now: Timestamp) -> Option<Timestamp> {
    if !table.holds_text(key) {
        return table.moment(key).map(|moment| moment.value);
    }
    let text = table.text(key)?;
    let moment = seen_from(now, &text.value);
    if moment.is_none() {
        table.mistake(&text, format!("`{key}`: {BAD_MOMENT}"), None);
    }
    moment
}

fn seen_from(now: Timestamp, text: &str) -> Option<Timestamp> {
    let Some(length) = text.strip_suffix(" ago") else {
        return text.parse().ok();
    };
    let (number, unit) = length.split_once(' ')?;
    let number: i64 = number.parse().ok().filter(|number| *number >= 0)?;
    let unit = match unit {
        "minute" | "minutes" => 60_000,
        "hour" | "hours" => 3_600_000,
        "day" | "days" => Timestamp::DAY,
        _ => return None,
    };
    Some(now.plus_millis(-number.checked_mul(unit)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_counted_back_or_given() {
        let now = Timestamp::from_millis(100 * Timestamp::DAY);
        let day = |day: i64| Some(Timestamp::from_millis(day * Timestamp::DAY));
        for (text, expected) in [
            ("2 days ago", day(98)),
            ("1 day ago", day(99)),
            ("48 hours ago", day(98)),
            ("1440 minutes ago", day(99)),
            ("0 days ago", day(100)),
            ("1970-01-11", day(10)),
            ("1970-01-11T00:00:00Z", day(10)),
            ("-1 days ago", None),
            ("2 weeks ago", None),
            ("9223372036854775807 days ago", None),
            ("days ago", None),
            (" ago", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(seen_from(now, text), expected, "{text:?}");
        }
    }
}

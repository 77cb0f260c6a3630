//! How often something may be done, as people write it in a configuration: `500/s burst 10000`.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

/// How often something may be done: so many times a period on average, and so many at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many times a period.
    pub times: NonZeroU32,
    /// The period.
    pub period: Unit,
    /// How many times at once, when nothing was done for a while.
    pub burst: NonZeroU32,
}

/// The period of a [`Rate`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// `/s`
    Second,
    /// `/m`
    Minute,
    /// `/h`
    Hour,
}

impl Unit {
    /// How long it is.
    pub const fn duration(self) -> Duration {
        Duration::from_secs(match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 60 * 60,
        })
    }

    /// As in "500 a second".
    pub const fn name(self) -> &'static str {
        match self {
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
        }
    }

    const fn letter(self) -> char {
        match self {
            Self::Second => 's',
            Self::Minute => 'm',
            Self::Hour => 'h',
        }
    }
}

/// A [`Rate`], or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateSetting(pub Option<Rate>);

impl RateSetting {
    /// A rate that is known when this is compiled.
    ///
    /// # Panics
    /// When one of the numbers is 0.
    pub(super) const fn new(times: u32, period: Unit, burst: u32) -> Self {
        let (Some(times), Some(burst)) = (NonZeroU32::new(times), NonZeroU32::new(burst)) else {
            panic!("a rate has no zeros");
        };
        Self(Some(Rate {
            times,
            period,
            burst,
        }))
    }
}

impl FromStr for RateSetting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "off" {
            return Ok(Self(None));
        }
        let wrong = || {
            format!(
                "{text:?} is not a rate (for example \"500/s burst 10000\", \"60/m\" or \"off\")"
            )
        };
        let mut words = text.split_whitespace();
        let (times, period) = words
            .next()
            .and_then(|word| word.split_once('/'))
            .ok_or_else(wrong)?;
        let times: NonZeroU32 = times.parse().map_err(|_| wrong())?;
        let period = match period {
            "s" => Unit::Second,
            "m" => Unit::Minute,
            "h" => Unit::Hour,
            _ => return Err(wrong()),
        };
        let burst = match (words.next(), words.next(), words.next()) {
            (None, None, None) => times,
            (Some("burst"), Some(burst), None) => burst.parse().map_err(|_| wrong())?,
            _ => return Err(wrong()),
        };
        Ok(Self(Some(Rate {
            times,
            period,
            burst,
        })))
    }
}

impl fmt::Display for RateSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(rate) = self.0 else {
            return f.write_str("off");
        };
        write!(f, "{}/{}", rate.times, rate.period.letter())?;
        if rate.burst == rate.times {
            return Ok(());
        }
        write!(f, " burst {}", rate.burst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_and_written() {
        for (text, expected) in [
            (
                "500/s burst 10000",
                RateSetting::new(500, Unit::Second, 10_000),
            ),
            ("60/m", RateSetting::new(60, Unit::Minute, 60)),
            ("7/h burst 2", RateSetting::new(7, Unit::Hour, 2)),
            ("off", RateSetting(None)),
        ] {
            assert_eq!(text.parse(), Ok(expected), "{text}");
            assert_eq!(expected.to_string(), text);
        }
        let wrong = [
            "",
            "5",
            "0/s",
            "5/d",
            "-1/s",
            "5/s burst",
            "5/s burst 0",
            "5/s bust 6",
            "5/s burst 6 7",
            "on",
            "5000000000/s",
        ];
        for text in wrong {
            assert!(text.parse::<RateSetting>().is_err(), "{text:?}");
        }
    }
}

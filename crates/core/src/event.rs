//! What an event is called and how much it matters, and the patterns with which receivers choose.
//! Keeping and delivering events is done elsewhere.

use std::fmt;
use std::str::FromStr;

/// How much an event matters, in rising order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Worth a look when there is time.
    Notice,
    /// Somebody should look today.
    Warning,
    /// Somebody should look now.
    Critical,
}

impl Severity {
    /// Every severity, in rising order.
    pub const ALL: [Self; 4] = [Self::Info, Self::Notice, Self::Warning, Self::Critical];

    /// The stable text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is not a severity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a severity (info, notice, warning, critical)")]
pub struct UnknownSeverity(pub String);

impl FromStr for Severity {
    type Err = UnknownSeverity;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|severity| severity.as_str() == text)
            .ok_or_else(|| UnknownSeverity(text.chars().take(80).collect()))
    }
}

/// Which kinds of events are meant: `quarantine.started`, `quarantine.*`, or `*` for all.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum KindPattern {
    /// All.
    All,
    /// Those that begin with this text, which ends in a dot.
    Under(Box<str>),
    /// This one.
    Exact(Box<str>),
}

impl KindPattern {
    /// Whether events of `kind` are meant.
    pub fn matches(&self, kind: &str) -> bool {
        match self {
            Self::All => true,
            Self::Under(prefix) => kind.starts_with(&**prefix),
            Self::Exact(exact) => kind == &**exact,
        }
    }
}

/// The text is no pattern of kinds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no kind of events: name one such as quarantine.started, or quarantine.*, or *")]
pub struct InvalidKindPattern(pub String);

impl FromStr for KindPattern {
    type Err = InvalidKindPattern;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidKindPattern(text.chars().take(80).collect());
        if text == "*" {
            return Ok(Self::All);
        }
        let (words, is_prefix) = match text.strip_suffix(".*") {
            Some(words) => (words, true),
            None => (text, false),
        };
        if !words.split('.').all(is_word) {
            return Err(invalid());
        }
        Ok(match is_prefix {
            true => Self::Under(format!("{words}.").into()),
            false => Self::Exact(words.into()),
        })
    }
}

fn is_word(word: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !word.is_empty() && word.bytes().all(is_allowed)
}

impl fmt::Display for KindPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("*"),
            Self::Under(prefix) => write!(f, "{prefix}*"),
            Self::Exact(exact) => f.write_str(exact),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn patterns_mean_one_kind_a_family_or_all() {
        for (pattern, kind, expected) in [
            ("*", "alert.changed-hash", true),
            ("quarantine.*", "quarantine.started", true),
            ("quarantine.*", "quarantine", false),
            ("quarantine.*", "quarantined.x", false),
            ("quarantine.started", "quarantine.started", true),
            ("quarantine.started", "quarantine.started.again", false),
            ("a.b.*", "a.b.c.d", true),
        ] {
            let parsed: KindPattern = pattern.parse().unwrap();
            assert_eq!(parsed.matches(kind), expected, "{pattern} {kind}");
            assert_eq!(parsed.to_string(), pattern);
        }
        for text in [
            "",
            ".",
            "*.x",
            "a..b",
            "A",
            "a b",
            "quarantine*",
            "a.*.b",
            "a\n",
        ] {
            assert!(text.parse::<KindPattern>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn severities_rise_and_survive_printing() {
        assert!(Severity::ALL.is_sorted());
        for severity in Severity::ALL {
            assert_eq!(severity.to_string().parse(), Ok(severity));
        }
        assert!("Critical".parse::<Severity>().is_err());
    }
}

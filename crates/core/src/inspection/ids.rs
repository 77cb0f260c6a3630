//! [`InspectionRule`]: the ids under which an inspection tells what it saw, so that policies can name them
//! and slips are told. The rules themselves are in the crate `inspect`, whose tests compare the lists; what
//! other scanners call what they find is known only to them.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use crate::settings::resembles;

/// Every id that an observation of the engine may have, in the order of the alphabet.
pub const INSPECTION_RULES: [&str; 74] = [
    "AGT-001", "ARC-001", "ARC-002", "ARC-003", "ARC-004", "ARC-005", "ARC-006", "ARC-007",
    "ARC-008", "ARC-009", "ARC-010", "ARC-011", "ARC-012", "BLD-001", "BLD-002", "DEP-001",
    "DST-001", "ENG-001", "ENG-002", "EVA-001", "EVA-002", "EXE-001", "EXE-002", "EXE-003",
    "EXE-004", "EXE-005", "EXE-006", "EXE-007", "EXE-008", "EXE-009", "EXE-010", "META-001",
    "META-003", "META-004", "META-006", "MIN-001", "NET-001", "NET-002", "NET-003", "NET-004",
    "NET-005", "NET-006", "NET-007", "NET-008", "NET-009", "NET-010", "OBF-001", "OBF-002",
    "OBF-003", "OBF-004", "OBF-005", "OBF-006", "OBF-007", "OBF-008", "PER-001", "PER-002",
    "PER-003", "PRC-001", "PRC-002", "PRC-003", "PRC-004", "PRC-005", "PRC-006", "PRC-007",
    "PRC-008", "PRC-009", "STL-001", "STL-002", "STL-003", "STL-004", "STL-005", "STL-006",
    "STL-007", "WEB-001",
];

/// The longest name of a scanner, and the longest name that it gives to a finding, in bytes.
pub const MAX_SCANNER_NAME: usize = 32;
/// See [`MAX_SCANNER_NAME`].
pub const MAX_SCANNER_RULE: usize = 64;

/// The id of a rule of the inspection, as a policy names it: one of [`INSPECTION_RULES`], or one of another
/// scanner, `SCANNER:RULE`, or all of one scanner, `SCANNER:*`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InspectionRule(Cow<'static, str>);

impl InspectionRule {
    /// As it is written, for example `NET-001`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `id`, that of an observation, is meant.
    #[must_use]
    pub fn means(&self, id: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(scanner) => id.starts_with(scanner),
            None => self.0 == id,
        }
    }

    /// Whether it looks at how an archive is built, or at what of it cannot be read, rather than at what
    /// its files do.
    #[must_use]
    pub fn is_about_the_archive(&self) -> bool {
        is_about_the_archive(&self.0)
    }
}

/// Whether `text` can be the name of a scanner: lower-case letters, digits and `-`, a letter first, at most
/// [`MAX_SCANNER_NAME`] bytes.
#[must_use]
pub fn is_scanner_name(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    text.len() <= MAX_SCANNER_NAME
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(is_part)
}

/// Whether `text` can be what a scanner calls a finding: letters, digits, `.`, `_` and `-`, at most
/// [`MAX_SCANNER_RULE`] bytes.
#[must_use]
pub fn is_scanner_rule(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    !text.is_empty() && text.len() <= MAX_SCANNER_RULE && text.chars().all(is_part)
}

fn is_of_a_scanner(text: &str) -> bool {
    let parts = text.split_once(':');
    parts
        .is_some_and(|(name, rule)| is_scanner_name(name) && (rule == "*" || is_scanner_rule(rule)))
}

/// The partition of [`InspectionRule::is_about_the_archive`], by id.
pub(super) fn is_about_the_archive(id: &str) -> bool {
    const INVARIANTS: [&str; 7] = [
        "ARC-003", "ARC-004", "ARC-005", "ARC-009", "ARC-010", "ARC-011", "ARC-012",
    ];
    INVARIANTS.contains(&id)
}

impl fmt::Display for InspectionRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A text that is the id of no rule of the inspection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the inspection has no rule {text:?}{}", suggestion(.nearest))]
pub struct UnknownInspectionRule {
    text: String,
    nearest: Option<&'static str>,
}

fn suggestion(nearest: &Option<&'static str>) -> String {
    match nearest {
        Some(id) => format!(": did you mean {id}?"),
        None => " (the ids are listed in docs/rules.md)".to_owned(),
    }
}

impl FromStr for InspectionRule {
    type Err = UnknownInspectionRule;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match INSPECTION_RULES.iter().find(|id| **id == text) {
            Some(id) => Ok(Self(Cow::Borrowed(id))),
            None if is_of_a_scanner(text) => Ok(Self(Cow::Owned(text.to_owned()))),
            None => Err(UnknownInspectionRule {
                text: text.to_owned(),
                nearest: nearest(text),
            }),
        }
    }
}

/// The id that looks most like `text`, if one looks like it at all.
fn nearest(text: &str) -> Option<&'static str> {
    let text = text.trim().to_ascii_uppercase();
    let likeness = |id: &&str| {
        let (head, tail) = (
            common(id.chars(), text.chars()),
            common(id.chars().rev(), text.chars().rev()),
        );
        (head + tail, head)
    };
    let alike = INSPECTION_RULES.iter().copied();
    alike
        .filter(|id| resembles(id, &text))
        .rev()
        .max_by_key(likeness)
}

fn common(one: impl Iterator<Item = char>, other: impl Iterator<Item = char>) -> usize {
    one.zip(other).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_stand_in_the_order_of_the_alphabet_each_once() {
        assert!(INSPECTION_RULES.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn a_slip_is_told_with_what_was_meant() {
        for (text, meant) in [
            ("net-001", Some("NET-001")),
            ("NET-01", Some("NET-001")),
            ("NET001", Some("NET-001")),
            ("NTE-001", Some("NET-001")),
            ("META-002", Some("META-001")),
            ("EXE-0010", Some("EXE-010")),
            ("", None),
            ("malicious-code", None),
        ] {
            let error = text.parse::<InspectionRule>().expect_err(text);
            assert_eq!(error.nearest, meant, "{text}");
        }
        let rule: InspectionRule = "NET-001".parse().expect("an id");
        assert_eq!(rule.as_str(), "NET-001");
    }

    #[test]
    fn what_other_scanners_find_can_be_named_one_by_one_and_all_together() {
        for (text, meant, other) in [
            ("yara:Stealer_2", "yara:Stealer_2", "yara:Stealer_22"),
            ("clam-av:*", "clam-av:Win.Test.EICAR_HDB-1", "clam:x"),
            ("NET-001", "NET-001", "x:NET-001"),
        ] {
            let rule: InspectionRule = text.parse().expect(text);
            assert!(rule.means(meant) && !rule.means(other), "{text}");
            assert!(text == "NET-001" || !rule.is_about_the_archive());
        }
        for text in [
            "*", "yara:", ":x", "Yara:x", "yara:a b", "yara:x*", "a:b:c", "yara:\n",
        ] {
            assert!(text.parse::<InspectionRule>().is_err(), "{text:?}");
        }
        let long = format!("yara:{}", "x".repeat(MAX_SCANNER_RULE + 1));
        assert!(long.parse::<InspectionRule>().is_err());
    }
}

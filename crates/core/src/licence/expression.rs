//! [`LicenceExpression`], an SPDX licence expression (SPDX 2.3, annex D) in the one spelling that this
//! house uses: known ids as the list writes them, operators in capitals, deprecated ids replaced.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use spdx::expression::{ExprNode, Operator};
use spdx::{AdditionItem, LicenseItem, LicenseReq};

use super::versions::{base_of, family_of, from_here_on};

/// The longest expression that is read, in bytes.
const MAX_LENGTH: usize = 4096;

/// An SPDX licence expression that was read and can be evaluated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LicenceExpression {
    text: Box<str>,
    nodes: Vec<Node>,
}

/// The expression in postfix order.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    Term(Term),
    And,
    Or,
}

/// One licence of an expression, as the choice among its versions that the licensee has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// How it is written.
    pub text: Box<str>,
    /// What the licensee may choose from; never empty.
    pub choices: Vec<Choice>,
}

/// One licence in one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The SPDX id without `-only` or `-or-later`, or `LicenseRef-…`.
    pub id: Box<str>,
    /// The exception or addition behind `WITH`.
    pub exception: Option<Box<str>>,
}

/// The text is no SPDX expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not an SPDX licence expression: {reason}")]
pub struct InvalidExpression {
    /// The text, shortened.
    pub text: String,
    /// What is wrong with it.
    pub reason: String,
}

/// Ids that SPDX has replaced by others (license-list-data, `isDeprecatedLicenseId`).
const REPLACED: &[(&str, &str)] = &[
    ("bsd-2-clause-freebsd", "BSD-2-Clause-Views"),
    ("bsd-2-clause-netbsd", "BSD-2-Clause"),
    ("bzip2-1.0.5", "bzip2-1.0.6"),
    ("ecos-2.0", "GPL-2.0-or-later WITH eCos-exception-2.0"),
    (
        "gpl-2.0-with-autoconf-exception",
        "GPL-2.0-only WITH Autoconf-exception-2.0",
    ),
    (
        "gpl-2.0-with-bison-exception",
        "GPL-2.0-or-later WITH Bison-exception-2.2",
    ),
    (
        "gpl-2.0-with-classpath-exception",
        "GPL-2.0-only WITH Classpath-exception-2.0",
    ),
    (
        "gpl-2.0-with-font-exception",
        "GPL-2.0-only WITH Font-exception-2.0",
    ),
    (
        "gpl-2.0-with-gcc-exception",
        "GPL-2.0-only WITH GCC-exception-2.0",
    ),
    (
        "gpl-3.0-with-autoconf-exception",
        "GPL-3.0-only WITH Autoconf-exception-3.0",
    ),
    (
        "gpl-3.0-with-gcc-exception",
        "GPL-3.0-only WITH GCC-exception-3.1",
    ),
    ("standardml-nj", "SMLNJ"),
    (
        "wxwindows",
        "LGPL-2.0-or-later WITH WxWindows-exception-3.1",
    ),
];

impl LicenceExpression {
    /// Reads an expression. Ids and operators may be in any case (PEP 639), and deprecated ids are
    /// replaced by what SPDX says instead of them: `gpl-3.0+` is `GPL-3.0-or-later`.
    ///
    /// # Errors
    /// [`InvalidExpression`].
    pub fn parse(text: &str) -> Result<Self, InvalidExpression> {
        let invalid = |reason: String| InvalidExpression {
            text: text.chars().take(80).collect(),
            reason,
        };
        if text.len() > MAX_LENGTH {
            return Err(invalid(format!("longer than {MAX_LENGTH} bytes")));
        }
        let canonical = canonical(text);
        if canonical
            .split([' ', '(', ')', ':'])
            .any(|word| word.ends_with("Ref-"))
        {
            return Err(invalid("a reference without a name".to_owned()));
        }
        let parsed = spdx::Expression::parse(&canonical)
            .map_err(|error| invalid(error.reason.to_string()))?;
        let nodes = parsed.iter().map(Node::of).collect();
        Ok(Self {
            text: canonical.into(),
            nodes,
        })
    }

    /// The licences in it, in the order in which they are written.
    pub fn terms(&self) -> impl Iterator<Item = &Term> {
        self.nodes.iter().filter_map(|node| match node {
            Node::Term(term) => Some(term),
            Node::And | Node::Or => None,
        })
    }

    /// Whether somebody who accepts what `accepts` accepts may use what is under it: `OR` by one side,
    /// `AND` by both.
    pub fn is_met(&self, accepts: impl Fn(&Term) -> bool) -> bool {
        let mut stack = Vec::with_capacity(8);
        for node in &self.nodes {
            let value = match node {
                Node::Term(term) => accepts(term),
                Node::And => combine(&mut stack, |a, b| a && b),
                Node::Or => combine(&mut stack, |a, b| a || b),
            };
            stack.push(value);
        }
        stack.pop().expect("an expression has at least one licence")
    }

    /// The kinds of licence in it: `GPL`, `BSD`.
    pub fn families(&self) -> impl Iterator<Item = String> {
        let choices = self.terms().flat_map(|term| &term.choices);
        choices.map(|choice| family_of(&choice.id).to_owned())
    }
}

fn combine(stack: &mut Vec<bool>, operator: impl Fn(bool, bool) -> bool) -> bool {
    let two = "postfix order puts two operands before an operator";
    let b = stack.pop().expect(two);
    let a = stack.pop().expect(two);
    operator(a, b)
}

impl Node {
    fn of(node: &ExprNode) -> Self {
        match node {
            ExprNode::Op(Operator::And) => Self::And,
            ExprNode::Op(Operator::Or) => Self::Or,
            ExprNode::Req(requirement) => Self::Term(Term::of(&requirement.req)),
        }
    }
}

impl Term {
    fn of(requirement: &LicenseReq) -> Self {
        let exception: Option<Box<str>> = requirement.addition.as_ref().map(|addition| {
            let name = match addition {
                AdditionItem::Spdx(id) => id.name.to_owned(),
                AdditionItem::Other(other) => other.to_string(),
            };
            name.into()
        });
        let ids = match &requirement.license {
            LicenseItem::Other(other) => vec![other.to_string().into()],
            LicenseItem::Spdx { id, or_later } => {
                match *or_later || id.name.ends_with("-or-later") {
                    true => from_here_on(base_of(id.name)),
                    false => vec![base_of(id.name).into()],
                }
            }
        };
        let with = |id| Choice {
            id,
            exception: exception.clone(),
        };
        Self {
            text: requirement.to_string().into(),
            choices: ids.into_iter().map(with).collect(),
        }
    }
}

/// The same expression in the house's spelling; unknown ids stay as they are, to be reported.
fn canonical(text: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut is_behind_with = false;
    for word in words_of(text) {
        let written = match (&*word.to_ascii_lowercase(), is_behind_with) {
            ("(" | ")", _) => word.to_owned(),
            ("and" | "or" | "with", _) => word.to_ascii_uppercase(),
            (lower, true) => exception(lower).unwrap_or(word).to_owned(),
            (lower, false) => licence(word, lower),
        };
        is_behind_with = written == "WITH";
        words.push(written);
    }
    words.join(" ").replace("( ", "(").replace(" )", ")")
}

/// The words and parentheses of an expression.
fn words_of(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace().flat_map(|piece| {
        let mut rest = piece;
        std::iter::from_fn(move || {
            let end = match rest.find(['(', ')']) {
                None => rest.len(),
                Some(0) => 1,
                Some(at) => at,
            };
            let (word, after) = rest.split_at(end);
            rest = after;
            (!word.is_empty()).then_some(word)
        })
    })
}

fn exception(lower: &str) -> Option<&'static str> {
    let mut known = spdx::identifiers::EXCEPTIONS.iter().map(|known| known.name);
    known.find(|name| name.eq_ignore_ascii_case(lower))
}

/// A licence as SPDX writes it today.
fn licence(word: &str, lower: &str) -> String {
    if let Some((_, now)) = REPLACED.iter().find(|(old, _)| *old == lower) {
        return (*now).to_owned();
    }
    for (prefix, written) in [
        ("licenseref-", "LicenseRef-"),
        ("documentref-", "DocumentRef-"),
    ] {
        if lower.starts_with(prefix) {
            return format!("{written}{}", &word[prefix.len()..]);
        }
    }
    let (stem, plus) = match lower.strip_suffix('+') {
        Some(stem) => (stem, "+"),
        None => (lower, ""),
    };
    let Some(name) = listed(stem) else {
        return word.to_owned();
    };
    match spdx::license_id(name) {
        // Without this, `GPL-3.0` and `GPL-3.0+` would be two further spellings of two licences.
        Some(id) if id.is_gnu() => gnu(name, plus),
        _ => format!("{name}{plus}"),
    }
}

fn gnu(name: &str, plus: &str) -> String {
    let base = base_of(name);
    let suffix = match (plus, name.ends_with("-or-later")) {
        ("+", _) | (_, true) => "-or-later",
        _ => "-only",
    };
    let full = format!("{base}{suffix}");
    // A few ids of the family never had the two forms.
    match spdx::license_id(&full) {
        Some(_) => full,
        None => format!("{name}{plus}"),
    }
}

fn listed(lower: &str) -> Option<&'static str> {
    let mut known = spdx::identifiers::LICENSES.iter().map(|known| known.name);
    known.find(|name| name.eq_ignore_ascii_case(lower))
}

impl fmt::Display for LicenceExpression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for LicenceExpression {
    type Err = InvalidExpression;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl Serialize for LicenceExpression {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for LicenceExpression {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn every_spelling_becomes_one() {
        for (text, expected) in [
            ("MIT", "MIT"),
            ("mit", "MIT"),
            (" MIT ", "MIT"),
            ("mit or apache-2.0", "MIT OR Apache-2.0"),
            (
                "(MIT OR Apache-2.0) AND BSD-3-Clause",
                "(MIT OR Apache-2.0) AND BSD-3-Clause",
            ),
            ("( mit )", "(MIT)"),
            ("GPL-3.0", "GPL-3.0-only"),
            ("GPL-3.0+", "GPL-3.0-or-later"),
            ("gpl-2.0-only", "GPL-2.0-only"),
            ("GPL-2.0-or-later", "GPL-2.0-or-later"),
            ("LGPL-2.1+", "LGPL-2.1-or-later"),
            ("AGPL-3.0", "AGPL-3.0-only"),
            ("GFDL-1.3", "GFDL-1.3-only"),
            ("Apache-2.0+", "Apache-2.0+"),
            ("MPL-1.1+", "MPL-1.1+"),
            ("BSD-2-Clause-FreeBSD", "BSD-2-Clause-Views"),
            (
                "wxWindows",
                "LGPL-2.0-or-later WITH WxWindows-exception-3.1",
            ),
            (
                "GPL-2.0-with-classpath-exception",
                "GPL-2.0-only WITH Classpath-exception-2.0",
            ),
            (
                "apache-2.0 with llvm-exception",
                "Apache-2.0 WITH LLVM-exception",
            ),
            (
                "GPL-3.0-or-later with GCC-exception-3.1",
                "GPL-3.0-or-later WITH GCC-exception-3.1",
            ),
            ("licenseref-Acme", "LicenseRef-Acme"),
            (
                "MIT AND LicenseRef-Public-Domain",
                "MIT AND LicenseRef-Public-Domain",
            ),
            ("bzip2-1.0.5", "bzip2-1.0.6"),
            ("psf-2.0", "PSF-2.0"),
            ("0bsd", "0BSD"),
        ] {
            let read = LicenceExpression::parse(text).unwrap();
            assert_eq!(read.to_string(), expected, "{text}");
            assert_eq!(LicenceExpression::parse(expected).unwrap(), read, "{text}");
        }
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        for text in [
            "",
            " ",
            "MIT OR",
            "OR MIT",
            "MIT MIT",
            "(MIT",
            "MIT)",
            "MIT License",
            "BSD",
            "Proprietary",
            "MIT/Apache-2.0",
            "MIT, BSD-3-Clause",
            "MIT WITH",
            "MIT WITH nothing",
            "WITH MIT",
            "GPL-2.0-with-font-exception WITH Classpath-exception-2.0",
            "LicenseRef-",
            "MIT++",
            "()",
        ] {
            assert!(LicenceExpression::parse(text).is_err(), "{text:?}");
        }
        assert!(LicenceExpression::parse(&"(".repeat(100_000)).is_err());
        assert!(LicenceExpression::parse(&"MIT OR ".repeat(1000)).is_err());
    }

    #[test]
    fn a_deep_expression_is_read_without_recursion() {
        let deep = format!("{}MIT{}", "(".repeat(2000), ")".repeat(2000));
        assert!(LicenceExpression::parse(&deep).unwrap().is_met(|_| true));
    }

    #[test]
    fn or_is_met_by_one_side_and_and_by_both() {
        let only_mit = |term: &Term| &*term.text == "MIT";
        for (text, expected) in [
            ("MIT", true),
            ("MIT OR GPL-3.0-only", true),
            ("GPL-3.0-only OR MIT", true),
            ("MIT AND GPL-3.0-only", false),
            ("GPL-3.0-only", false),
            ("(MIT OR Zlib) AND MIT", true),
            ("MIT OR Zlib AND ISC", true),
            ("(MIT OR Zlib) AND ISC", false),
        ] {
            let read = LicenceExpression::parse(text).unwrap();
            assert_eq!(read.is_met(only_mit), expected, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic_and_what_was_read_is_read_again(text in "[-A-Za-z0-9.+() ]{0,60}") {
            if let Ok(read) = LicenceExpression::parse(&text) {
                assert_eq!(LicenceExpression::parse(&read.to_string()), Ok(read));
            }
        }
    }
}

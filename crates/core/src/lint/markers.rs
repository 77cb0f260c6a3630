//! [`Marker`]: an environment marker (PEP 508) that can be asked whether it holds on a machine. Whether a text is one
//! is `read::marker`'s; here it is read again into a tree, which is only done for markers of a modest size.

use crate::pypi::name::ProjectName;
use crate::pypi::version::{Version, VersionSpecifiers, admits};

/// The longest marker that is read, in bytes, and the most brackets, `and`s and `or`s in it: far more than anybody
/// writes. Brackets are read one inside the other.
const LONGEST: usize = 1_000;
const MOST_PARTS: usize = 60;

/// A marker.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Marker {
    /// All of them hold.
    All(Vec<Marker>),
    /// One of them holds.
    Any(Vec<Marker>),
    /// A comparison.
    Compared(Side, Operator, Side),
}

/// What stands on a side of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// A variable, in today's spelling.
    Variable(String),
    /// A string.
    Text(String),
}

/// How two sides are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    /// One of those that versions have as well.
    Order(&'static str),
    In,
    NotIn,
}

/// Longer ones first, since the first that fits is taken.
const ORDERS: [&str; 8] = ["===", "==", "~=", "!=", "<=", ">=", "<", ">"];

/// Variables with versions, which are compared as such (PEP 440).
const VERSIONS: [&str; 3] = [
    "python_version",
    "python_full_version",
    "implementation_version",
];

impl Marker {
    /// Reads a marker; `None` where it is none, or too large.
    pub(super) fn read(text: &str) -> Option<Self> {
        let words = text.split(|c: char| !c.is_ascii_alphanumeric());
        let words = words.filter(|word| matches!(*word, "and" | "or")).count();
        if text.len() > LONGEST || words + text.matches('(').count() > MOST_PARTS {
            return None;
        }
        let mut reader = Reader { rest: text };
        let marker = reader.any()?;
        reader.rest.trim().is_empty().then_some(marker)
    }

    /// Whether it holds where variables have the values of `value`, with an extra asked for or without any. `None`
    /// where a value is not known, or the sides cannot be compared.
    pub(super) fn holds(
        &self,
        value: &impl Fn(&str) -> Option<String>,
        extra: Option<&ProjectName>,
    ) -> Option<bool> {
        match self {
            Self::All(parts) => parts
                .iter()
                .try_fold(true, |all, part| Some(part.holds(value, extra)? && all)),
            Self::Any(parts) => parts
                .iter()
                .try_fold(false, |any, part| Some(part.holds(value, extra)? || any)),
            Self::Compared(left, operator, right) => {
                compared((left, *operator, right), value, extra)
            }
        }
    }
}

fn compared(
    (left, operator, right): (&Side, Operator, &Side),
    value: &impl Fn(&str) -> Option<String>,
    extra: Option<&ProjectName>,
) -> Option<bool> {
    let (variable, text) = match (left, right) {
        (Side::Variable(variable), Side::Text(text))
        | (Side::Text(text), Side::Variable(variable)) => (variable, text),
        _ => return None,
    };
    if variable == "extra" {
        let named: Option<ProjectName> = text.parse().ok();
        let is_asked = extra.is_some() && extra == named.as_ref();
        return match operator {
            Operator::Order("==" | "===") => Some(is_asked),
            Operator::Order("!=") => Some(!is_asked),
            _ => None,
        };
    }
    let value = value(variable)?;
    let (left, right) = match left {
        Side::Variable(_) => (value.as_str(), text.as_str()),
        Side::Text(_) => (text.as_str(), value.as_str()),
    };
    match operator {
        Operator::In => Some(right.contains(left)),
        Operator::NotIn => Some(!right.contains(left)),
        Operator::Order(order) => {
            let of_versions = VERSIONS.contains(&variable.as_str());
            let versions = of_versions
                .then(|| as_versions(left, order, right))
                .flatten();
            versions.or_else(|| as_texts(left, order, right))
        }
    }
}

fn as_versions(left: &str, order: &str, right: &str) -> Option<bool> {
    let specifiers: VersionSpecifiers = format!("{order}{right}").parse().ok()?;
    let version: Version = left.parse().ok()?;
    Some(admits(&specifiers, &version))
}

fn as_texts(left: &str, order: &str, right: &str) -> Option<bool> {
    match order {
        "==" | "===" => Some(left == right),
        "!=" => Some(left != right),
        "<" => Some(left < right),
        "<=" => Some(left <= right),
        ">" => Some(left > right),
        ">=" => Some(left >= right),
        _ => None,
    }
}

struct Reader<'t> {
    rest: &'t str,
}

impl<'t> Reader<'t> {
    fn any(&mut self) -> Option<Marker> {
        let mut parts = vec![self.all()?];
        while self.takes_word("or") {
            parts.push(self.all()?);
        }
        Some(match parts.len() {
            1 => parts.remove(0),
            _ => Marker::Any(parts),
        })
    }

    fn all(&mut self) -> Option<Marker> {
        let mut parts = vec![self.one()?];
        while self.takes_word("and") {
            parts.push(self.one()?);
        }
        Some(match parts.len() {
            1 => parts.remove(0),
            _ => Marker::All(parts),
        })
    }

    fn one(&mut self) -> Option<Marker> {
        if self.takes("(") {
            let inner = self.any()?;
            return self.takes(")").then_some(inner);
        }
        let left = self.side()?;
        let operator = self.operator()?;
        Some(Marker::Compared(left, operator, self.side()?))
    }

    fn operator(&mut self) -> Option<Operator> {
        if self.takes_word("in") {
            return Some(Operator::In);
        }
        if self.takes_word("not") {
            return self.takes_word("in").then_some(Operator::NotIn);
        }
        let order = ORDERS.into_iter().find(|order| self.takes(order));
        order.map(Operator::Order)
    }

    fn side(&mut self) -> Option<Side> {
        self.rest = self.rest.trim_start();
        if let Some(quote) = self.rest.chars().next().filter(|c| matches!(c, '"' | '\'')) {
            let (text, rest) = self.rest[1..].split_once(quote)?;
            self.rest = rest;
            return Some(Side::Text(text.to_owned()));
        }
        let word = self.word();
        let spelled = word.replace('.', "_");
        self.rest = &self.rest[word.len()..];
        (!word.is_empty()).then(|| {
            Side::Variable(match spelled.as_str() {
                "python_implementation" => "platform_python_implementation".to_owned(),
                _ => spelled,
            })
        })
    }

    fn word(&self) -> &'t str {
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
        let end = self.rest.find(|c: char| !is_part(c));
        &self.rest[..end.unwrap_or(self.rest.len())]
    }

    fn takes(&mut self, sign: &str) -> bool {
        let rest = self.rest.trim_start().strip_prefix(sign);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn takes_word(&mut self, word: &str) -> bool {
        self.rest = self.rest.trim_start();
        self.word() == word && self.takes(word)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value(variable: &str) -> Option<String> {
        let value = match variable {
            "python_version" => "3.12",
            "python_full_version" => "3.12.9",
            "sys_platform" => "linux",
            "os_name" => "posix",
            "platform_python_implementation" => "CPython",
            _ => return None,
        };
        Some(value.to_owned())
    }

    fn holds(marker: &str, extra: Option<&str>) -> Option<bool> {
        let extra = extra.and_then(|extra| extra.parse().ok());
        Marker::read(marker)?.holds(&value, extra.as_ref())
    }

    #[test]
    fn a_marker_holds_or_does_not() {
        for (marker, expected) in [
            ("python_version >= '3.9'", Some(true)),
            ("python_version<\"3.9\"", Some(false)),
            ("'3.9' <= python_version", Some(true)),
            ("'3.9' > python_version", Some(false)),
            ("python_version == '3.*'", Some(true)),
            ("python_version ~= '3.9'", Some(true)),
            ("python_full_version < '3.12.4'", Some(false)),
            ("python_version in '3.11 3.12'", Some(true)),
            ("python_version not in '3.11,3.12'", Some(false)),
            ("sys_platform == 'linux' and os_name != 'nt'", Some(true)),
            ("sys.platform == 'win32' or os.name == 'posix'", Some(true)),
            (
                "sys_platform == 'win32' and os_name == 'nt' or python_version > '3'",
                Some(true),
            ),
            (
                "sys_platform == 'win32' and (os_name == 'nt' or python_version > '3')",
                Some(false),
            ),
            ("python_implementation == 'CPython'", Some(true)),
            ("'lin' in sys_platform", Some(true)),
            ("sys_platform ~= 'linux'", None),
            ("platform_release > '5'", None),
            ("platform_release > '5' or os_name == 'posix'", None),
            ("os_name", None),
            ("os_name ==", None),
            ("os_name == 'x", None),
            ("(os_name == 'posix'", None),
            ("os_name == 'posix')", None),
            ("'a' == 'a'", None),
            ("", None),
        ] {
            assert_eq!(holds(marker, None), expected, "{marker}");
        }
    }

    #[test]
    fn an_extra_is_asked_for_or_not() {
        let marker = "extra == 'Foo.Bar' and python_version > '3'";
        assert_eq!(holds(marker, None), Some(false));
        assert_eq!(holds(marker, Some("foo-bar")), Some(true));
        assert_eq!(holds(marker, Some("bar")), Some(false));
        assert_eq!(holds("extra != 'x'", None), Some(true));
        assert_eq!(holds("extra > 'x'", None), None);
    }

    #[test]
    fn a_marker_of_no_modest_size_is_not_read() {
        let long = vec!["python_version > '3'"; 62].join(" or ");
        assert_eq!(Marker::read(&long), None);
        let deep = format!("{}python_version > '3'{}", "(".repeat(70), ")".repeat(70));
        assert_eq!(Marker::read(&deep), None);
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(
            text in any::<String>(),
            made in "((extra|os_name|python_version|'[a-z.*-]{0,3}'|\"3\\.1\")( |==|<|~=|in|not in|and|or|\\(|\\))){0,8}",
        ) {
            let _ = holds(&text, Some("x"));
            let _ = holds(&made, None);
        }
    }
}

//! Version constraints as poetry writes them, as those of PEP 440.

use pep440_rs::{Operator, Version, VersionSpecifier};

use crate::pypi::version::VersionSpecifiers;

/// The longest constraint that is read, in bytes.
const MAX_LENGTH: usize = 1024;

/// What a constraint of poetry allows: `^1.2`, `~1.2`, `1.*`, `1.2`, `>=1 <2`, `*`. `None` for several joined by
/// `||`, which PEP 440 cannot say, and for what is none.
pub(super) fn specifiers(constraint: &str) -> Option<VersionSpecifiers> {
    if constraint.len() > MAX_LENGTH {
        return None;
    }
    let mut all = Vec::new();
    for part in parts(constraint) {
        all.extend(one(&part)?);
    }
    Some(all.into_iter().collect())
}

/// What a comma or white space parts, each operator with its version.
fn parts(constraint: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    for word in constraint
        .split([',', ' ', '\t', '\n'])
        .filter(|word| !word.is_empty())
    {
        match parts
            .last_mut()
            .filter(|last| last.ends_with(['<', '>', '=', '~', '^']))
        {
            Some(last) => last.push_str(word),
            None => parts.push(word.to_owned()),
        }
    }
    parts
}

fn one(part: &str) -> Option<Vec<VersionSpecifier>> {
    if matches!(part, "*" | "==*") {
        return Some(Vec::new());
    }
    if let Some(version) = part.strip_prefix('^') {
        return between(version, caret);
    }
    if let Some(version) = part.strip_prefix('~').filter(|rest| !rest.starts_with('=')) {
        return between(version, tilde);
    }
    let has_operator = part.starts_with(['<', '>', '=', '!', '~']);
    let spelled = match (has_operator, part.strip_prefix('=')) {
        (false, _) => format!("=={part}"),
        (true, Some(rest)) if !rest.starts_with('=') => format!("=={rest}"),
        (true, _) => part.to_owned(),
    };
    spelled.parse().ok().map(|specifier| vec![specifier])
}

fn between(version: &str, end: fn(&[u64]) -> Option<Vec<u64>>) -> Option<Vec<VersionSpecifier>> {
    let version: Version = version.parse().ok()?;
    let end = Version::new(end(version.release())?).with_epoch(version.epoch());
    let from = VersionSpecifier::from_version(Operator::GreaterThanEqual, version).ok()?;
    let to = VersionSpecifier::from_version(Operator::LessThan, end).ok()?;
    Some(vec![from, to])
}

/// The first version that changes the first number that is not zero.
fn caret(release: &[u64]) -> Option<Vec<u64>> {
    let first = release.iter().position(|number| *number > 0);
    next(&release[..=first.unwrap_or(release.len().checked_sub(1)?)])
}

/// The first version that changes the second number, or the only one.
fn tilde(release: &[u64]) -> Option<Vec<u64>> {
    next(&release[..release.len().min(2)])
}

fn next(release: &[u64]) -> Option<Vec<u64>> {
    let (last, front) = release.split_last()?;
    let mut next = front.to_vec();
    next.push(last.checked_add(1)?);
    Some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constraints_are_those_of_poetry() {
        for (constraint, expected) in [
            ("^1.2.3", Some(">=1.2.3, <2")),
            ("^0.2.3", Some(">=0.2.3, <0.3")),
            ("^0.0.3", Some(">=0.0.3, <0.0.4")),
            ("^0.0", Some(">=0.0, <0.1")),
            ("^0", Some(">=0, <1")),
            ("~1.2.3", Some(">=1.2.3, <1.3")),
            ("~1", Some(">=1, <2")),
            ("~=1.4", Some("~=1.4")),
            ("1.2.*", Some("==1.2.*")),
            ("1.2", Some("==1.2")),
            ("=1.2", Some("==1.2")),
            (">= 1, <2 !=1.5", Some(">=1, !=1.5, <2")),
            ("*", Some("")),
            ("", Some("")),
            ("^18446744073709551615", None),
            ("^1 || ^2", None),
            ("one", None),
        ] {
            let found = specifiers(constraint).map(|found| found.to_string());
            assert_eq!(found.as_deref(), expected, "{constraint}");
        }
    }
}

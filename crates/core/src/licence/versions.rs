//! The versions of a licence that exist: `GPL-2.0-or-later` is a choice among them.

use spdx::identifiers::LICENSES;

/// `GPL-3.0` → `GPL` and 3.0; `None` for ids that do not end in a version with a dot, since the digit in
/// `BSD-3-Clause` counts clauses.
fn split(base: &str) -> Option<(&str, Vec<u32>)> {
    let (family, version) = base.rsplit_once('-')?;
    if !version.contains('.') {
        return None;
    }
    let numbers: Result<Vec<u32>, _> = version.split('.').map(str::parse).collect();
    Some((family, numbers.ok()?))
}

/// An id without `-only`, `-or-later` and `+`.
pub(super) fn base_of(id: &str) -> &str {
    let id = id.strip_suffix('+').unwrap_or(id);
    let id = id.strip_suffix("-only").unwrap_or(id);
    id.strip_suffix("-or-later").unwrap_or(id)
}

/// Every published version of the licence `base` that is `base` or newer, `base` among them.
pub(super) fn from_here_on(base: &str) -> Vec<Box<str>> {
    let Some((family, from)) = split(base) else {
        return vec![base.into()];
    };
    let mut found: Vec<Box<str>> = vec![base.into()];
    for licence in LICENSES {
        let candidate = base_of(licence.name);
        let is_newer = split(candidate).is_some_and(|(name, at)| name == family && at > from);
        if is_newer && !found.iter().any(|known| **known == *candidate) {
            found.push(candidate.into());
        }
    }
    found
}

/// The kind of licence that an id belongs to: `GPL` for `GPL-3.0`, `BSD` for `BSD-3-Clause`, `MIT` for
/// `MIT-0`.
pub(super) fn family_of(base: &str) -> &str {
    let parts = base.match_indices('-');
    let mut digits = parts.filter(|(at, _)| {
        let next = base.as_bytes().get(at + 1);
        next.is_some_and(u8::is_ascii_digit)
    });
    match digits.next() {
        Some((at, _)) => &base[..at],
        None => base,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_versions_are_those_that_exist() {
        for (base, expected) in [
            ("GPL-2.0", &["GPL-2.0", "GPL-3.0"][..]),
            ("GPL-3.0", &["GPL-3.0"]),
            ("LGPL-2.0", &["LGPL-2.0", "LGPL-2.1", "LGPL-3.0"]),
            ("MPL-1.1", &["MPL-1.1", "MPL-2.0"]),
            ("Apache-2.0", &["Apache-2.0"]),
            ("BSD-2-Clause", &["BSD-2-Clause"]),
            ("MIT", &["MIT"]),
        ] {
            let found = from_here_on(base);
            let found: Vec<&str> = found.iter().map(|name| &**name).collect();
            assert_eq!(found, expected, "{base}");
        }
    }

    #[test]
    fn families_put_variants_together_and_strangers_apart() {
        for (base, family) in [
            ("GPL-3.0", "GPL"),
            ("LGPL-2.1", "LGPL"),
            ("BSD-3-Clause", "BSD"),
            ("MIT", "MIT"),
            ("MIT-0", "MIT"),
            ("CC-BY-SA-4.0", "CC-BY-SA"),
            ("0BSD", "0BSD"),
        ] {
            assert_eq!(family_of(base), family);
        }
    }
}

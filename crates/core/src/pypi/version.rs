//! Versions and version specifiers (PEP 440), as `pep440_rs` reads them: the parser that grew up in
//! uv, so that we order releases as installers do. [`admits`] is the one question asked of both.

pub use pep440_rs::{Version, VersionSpecifiers};

use pep440_rs::{Operator, VersionSpecifier};

/// Whether `version` meets every one of `specifiers`. Pre-releases count like any other version;
/// whether to prefer them is an installer's question.
///
/// Where the words of PEP 440 and [`VersionSpecifiers::contains`] part, the words count: that one
/// lets `1` through `==1.1.*`, and neither `1a1` through `<1rc1` nor `1.post1` through `>1rc1`.
pub fn admits(specifiers: &VersionSpecifiers, version: &Version) -> bool {
    specifiers
        .iter()
        .all(|specifier| admits_one(specifier, version))
}

/// The one version that is meant, when `specifiers` are a single `==` without a wildcard.
pub fn exact_version(specifiers: &VersionSpecifiers) -> Option<&Version> {
    let [only] = &specifiers[..] else {
        return None;
    };
    matches!(only.operator(), Operator::Equal | Operator::ExactEqual).then(|| only.version())
}

/// The specifiers that mean `version` alone.
pub fn exactly(version: &Version) -> VersionSpecifiers {
    VersionSpecifier::equals_version(version.clone()).into()
}

/// What meets `one` and `other`.
pub fn both(one: &VersionSpecifiers, other: &VersionSpecifiers) -> VersionSpecifiers {
    one.iter().chain(other.iter()).cloned().collect()
}

fn admits_one(specifier: &VersionSpecifier, version: &Version) -> bool {
    let bound = specifier.version();
    match specifier.operator() {
        Operator::EqualStar => has_prefix(version, bound),
        Operator::NotEqualStar => !has_prefix(version, bound),
        Operator::LessThan => version < bound && !is_pre_release_of(version, bound),
        Operator::GreaterThan => {
            version > bound && !is_post_release_of(version, bound) && !is_local_of(version, bound)
        }
        _ => specifier.contains(version),
    }
}

/// The version is as long as the prefix for the purpose of comparing: `1` is `1.0`.
fn has_prefix(version: &Version, prefix: &Version) -> bool {
    let padded = version.release().iter().chain(std::iter::repeat(&0));
    version.epoch() == prefix.epoch() && prefix.release().iter().zip(padded).all(|(a, b)| a == b)
}

/// `1.dev0` and `1a1` are of `1`, and `1.post1.dev0` is of `1.post1`. A pre-release has none.
fn is_pre_release_of(version: &Version, bound: &Version) -> bool {
    let same_stage =
        bound.post().is_none() || (version.post() == bound.post() && version.pre().is_none());
    !bound.any_prerelease()
        && version.any_prerelease()
        && same_stage
        && version.only_release() == bound.only_release()
}

/// `1.post1` is of `1`, and `1rc1.post1` is of `1rc1`. A post-release has none, nor has what is
/// still in development.
fn is_post_release_of(version: &Version, bound: &Version) -> bool {
    bound.post().is_none()
        && !bound.is_dev()
        && version.is_post()
        && version.pre() == bound.pre()
        && version.only_release() == bound.only_release()
}

fn is_local_of(version: &Version, bound: &Version) -> bool {
    version.is_local() && version.clone().without_local() == *bound
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(specifiers: &str, version: &str) -> bool {
        admits(
            &specifiers.parse().expect(specifiers),
            &version.parse().expect(version),
        )
    }

    #[test]
    fn a_wildcard_longer_than_the_version_compares_with_zeros() {
        assert!(!check("==1.1.*", "1"));
        assert!(check("!=1.1.*", "1"));
        assert!(check("==1.0.*", "1"));
        assert!(check("==1.1.*", "1.1rc1"));
        assert!(!check("==1.1.*", "1!1.1"));
    }

    #[test]
    fn an_exclusive_bound_excludes_its_own_family_only() {
        let out = [
            ("<1", "1a1"),
            ("<1", "1.dev0"),
            ("<1.post1", "1.post1.dev0"),
            (">1", "1.post1"),
        ];
        let also_out = [
            (">1rc1", "1rc1.post1"),
            (">1", "1+a"),
            (">1.post1", "1.post1+a"),
        ];
        for (specifier, version) in out.into_iter().chain(also_out) {
            assert!(!check(specifier, version), "{specifier} {version}");
        }
        let within = [
            ("<1rc1", "1a1"),
            ("<1.post1", "1rc1"),
            (">1rc1", "1.post1"),
            (">1.dev1", "1.post1"),
        ];
        for (specifier, version) in within
            .into_iter()
            .chain([("<1!1", "2a1"), (">1", "1.0.1+a")])
        {
            assert!(check(specifier, version), "{specifier} {version}");
        }
    }

    #[test]
    fn prereleases_are_versions_too() {
        assert!(check(">=1.0", "2.0a1"));
        assert!(!check(">=1.0,<2.0", "2.0a1"));
        assert!(check("==1.0", "1.0+local") && !check("==1.0+a", "1.0+b"));
    }
}

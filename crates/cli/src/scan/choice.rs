//! Which files of a project's page are looked at: those that a lock names, or the newest release's best wheel
//! and sdist. Nothing is fetched here, and dependencies are nobody's business but a lock's.

use std::collections::HashSet;

use clap::ValueEnum;
use portcullis_core::digest::Sha256;
use portcullis_core::pypi::filename::{DistFilename, DistKind};
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::pypi::simple::{PageFile, ProjectPage, Yanked};
use portcullis_core::pypi::version::{Version, VersionSpecifiers, admits, exact_version};

/// The only kind of file that is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Only {
    /// Wheels
    Wheel,
    /// Source distributions
    Sdist,
}

/// Files of a project that are to be inspected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) project: ProjectName,
    pub(super) which: Which,
    /// As it is named to people: `flask>=3`.
    pub(super) what: String,
    /// Where it stands: `requirements.txt:3`; `None` on the command line.
    pub(super) from: Option<String>,
}

/// Which of its files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Which {
    /// Those of the newest release that is meant: its best wheel and its sdist.
    Newest {
        specifiers: VersionSpecifiers,
        pre_releases: PreReleases,
    },
    /// Those that are locked, by name, by digest, or by both.
    Locked {
        version: Option<Version>,
        hashes: Vec<Sha256>,
        filenames: Vec<String>,
    },
}

/// Whether pre-releases count as releases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PreReleases {
    /// Where there is nothing else, or the specifiers name one.
    IfNeeded,
    /// As any other.
    Allowed,
}

/// A file that is to be fetched.
#[derive(Clone, Debug)]
pub(super) struct Chosen<'p> {
    pub(super) file: &'p PageFile,
    pub(super) name: DistFilename,
    /// The digests that it may have; any where there are none.
    pub(super) allowed: Vec<Sha256>,
}

/// The files of `page` that are wanted; each that cannot be had with the reason, in one clause.
pub(super) fn choose<'p>(
    wanted: &Wanted,
    page: &'p ProjectPage,
    only: Option<Only>,
) -> Vec<Result<Chosen<'p>, String>> {
    let files: Vec<Chosen<'p>> = distributions(page).collect();
    let chosen = match &wanted.which {
        Which::Newest { .. } => newest(wanted, files, only),
        Which::Locked { .. } => locked(wanted, files, only),
    };
    match chosen.is_empty() {
        false => chosen,
        true => vec![Err(format!("it has no {}", kind_of(only)))],
    }
}

fn kind_of(only: Option<Only>) -> &'static str {
    match only {
        Some(Only::Wheel) => "wheel",
        Some(Only::Sdist) => "sdist",
        None => "wheel and no sdist",
    }
}

/// The wheels and sdists that a page lists.
fn distributions(page: &ProjectPage) -> impl Iterator<Item = Chosen<'_>> {
    page.files.iter().filter_map(|file| {
        let name = DistFilename::parse(&file.filename, Some(&page.name)).ok()?;
        let is_one = !matches!(name.kind(), DistKind::Other);
        is_one.then_some(Chosen {
            file,
            name,
            allowed: Vec::new(),
        })
    })
}

fn is_meant(name: &DistFilename, only: Option<Only>) -> bool {
    match only {
        None => true,
        Some(Only::Wheel) => name.is_wheel(),
        Some(Only::Sdist) => !name.is_wheel(),
    }
}

fn newest<'p>(
    wanted: &Wanted,
    mut files: Vec<Chosen<'p>>,
    only: Option<Only>,
) -> Vec<Result<Chosen<'p>, String>> {
    let Some(version) = newest_version(&wanted.which, &files) else {
        return vec![Err("the index has no release that is meant".to_owned())];
    };
    files.retain(|one| one.name.version() == Some(&version) && is_meant(&one.name, only));
    let (wheels, sdists): (Vec<_>, Vec<_>) = files.into_iter().partition(|one| one.name.is_wheel());
    let wheel = wheels.into_iter().min_by_key(|one| distance(&one.name));
    let sdist = sdists.into_iter().next();
    wheel.into_iter().chain(sdist).map(Ok).collect()
}

/// The newest release that an installer would take: not yanked unless it is named exactly, and no
/// pre-release unless that is wanted or there is nothing else (PEP 440, PEP 592).
fn newest_version(which: &Which, files: &[Chosen<'_>]) -> Option<Version> {
    let Which::Newest {
        specifiers,
        pre_releases,
    } = which
    else {
        return None;
    };
    let is_exact = exact_version(specifiers).is_some();
    let counts = |one: &&Chosen<'_>| is_exact || one.file.yanked == Yanked::No;
    let versions = files.iter().filter(counts);
    let versions = versions.filter_map(|one| one.name.version());
    let meant: Vec<&Version> = versions
        .filter(|version| admits(specifiers, version))
        .collect();
    let names_one = specifiers.iter().any(|one| one.version().any_prerelease());
    let all_count = names_one || *pre_releases == PreReleases::Allowed;
    let counts = |version: &&&Version| all_count || !version.any_prerelease();
    let settled = meant.iter().filter(counts).max();
    settled
        .or_else(|| meant.iter().max())
        .map(|version| (*version).clone())
}

/// The newest release on a page that an installer would take of those that `specifiers` admit.
pub fn newest_on(page: &ProjectPage, specifiers: &VersionSpecifiers) -> Option<Version> {
    let which = Which::Newest {
        specifiers: specifiers.clone(),
        pre_releases: PreReleases::IfNeeded,
    };
    newest_version(&which, &distributions(page).collect::<Vec<_>>())
}

/// How far a wheel is from one that every machine takes: pure ones first, then those for the machine that
/// most servers are. Of equals the first on the page is taken.
fn distance(name: &DistFilename) -> u8 {
    let DistKind::Wheel(tags) = name.kind() else {
        return u8::MAX;
    };
    let platforms = || tags.platform.split('.');
    let is_pure = &*tags.abi == "none" && platforms().any(|platform| platform == "any");
    let is_common =
        |platform: &str| platform.starts_with("manylinux") && platform.ends_with("_x86_64");
    match is_pure {
        true if tags.python.contains("py3") => 0,
        true => 1,
        false if platforms().any(is_common) => 2,
        false => 3,
    }
}

fn locked<'p>(
    wanted: &Wanted,
    files: Vec<Chosen<'p>>,
    only: Option<Only>,
) -> Vec<Result<Chosen<'p>, String>> {
    let Which::Locked {
        version,
        hashes,
        filenames,
    } = &wanted.which
    else {
        return Vec::new();
    };
    let listed: HashSet<&str> = files.iter().map(|one| one.name.as_str()).collect();
    let absent = filenames
        .iter()
        .filter(|name| !listed.contains(name.as_str()));
    let absent = absent.filter(|name| is_meant_by_name(name, only));
    let mut chosen: Vec<Result<Chosen<'p>, String>> = absent
        .map(|name| Err(format!("the index does not list {name}")))
        .collect();
    let mut unseen: HashSet<Sha256> = hashes.iter().copied().collect();
    let mut has_unknown = false;
    for one in files {
        let sha256 = one.file.sha256();
        let is_locked =
            sha256.is_some_and(|sha256| unseen.remove(&sha256) || hashes.contains(&sha256));
        let is_of_version = version.is_none() || one.name.version() == version.as_ref();
        let is_named = filenames.iter().any(|name| name == one.name.as_str());
        // Where the index gives no digest, fetching tells.
        let may_be = sha256.is_none() && filenames.is_empty() && is_of_version;
        has_unknown |= may_be;
        if (is_locked || is_named || may_be) && is_meant(&one.name, only) {
            let allowed = hashes.clone();
            chosen.push(Ok(Chosen { allowed, ..one }));
        }
    }
    if filenames.is_empty() && !has_unknown {
        let unseen = hashes.iter().filter(|sha256| unseen.contains(*sha256));
        chosen.extend(
            unseen.map(|sha256| Err(format!("the index lists no file with sha256 {sha256}"))),
        );
    }
    chosen
}

fn is_meant_by_name(name: &str, only: Option<Only>) -> bool {
    DistFilename::parse(name, None).map_or(true, |name| is_meant(&name, only))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn file(name: &str) -> PageFile {
        let mut file = PageFile::new(name, &format!("https://files.example/{name}"));
        let digest = Sha256::of(name.as_bytes()).to_hex();
        file.hashes.insert("sha256".into(), digest.into());
        file
    }

    fn page(files: Vec<PageFile>) -> ProjectPage {
        ProjectPage {
            files,
            ..ProjectPage::empty("demo".parse().unwrap())
        }
    }

    fn wanted(which: Which) -> Wanted {
        Wanted {
            project: "demo".parse().unwrap(),
            which,
            what: "demo".to_owned(),
            from: None,
        }
    }

    fn names(chosen: Vec<Result<Chosen<'_>, String>>) -> Vec<String> {
        let name = |one: Result<Chosen<'_>, String>| match one {
            Ok(chosen) => chosen.name.as_str().to_owned(),
            Err(why) => format!("! {why}"),
        };
        chosen.into_iter().map(name).collect()
    }

    fn newest_of(page: &ProjectPage, specifiers: &str, only: Option<Only>) -> Vec<String> {
        let which = Which::Newest {
            specifiers: specifiers.parse().unwrap(),
            pre_releases: PreReleases::IfNeeded,
        };
        names(choose(&wanted(which), page, only))
    }

    fn releases() -> ProjectPage {
        let mut yanked = file("demo-2.0.tar.gz");
        yanked.yanked = Yanked::Yes;
        page(vec![
            file("demo-1.0.tar.gz"),
            file("demo-1.1.tar.gz"),
            file("demo-1.1-cp311-cp311-win_amd64.whl"),
            file("demo-1.1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"),
            file("demo-1.1-cp312-cp312-manylinux_2_17_x86_64.whl"),
            file("demo-1.2a1-py2-none-any.whl"),
            file("demo-1.2a1-py3-none-any.whl"),
            yanked,
            file("demo-9.0.exe"),
        ])
    }

    #[test]
    fn the_newest_release_that_is_meant_is_taken_with_its_best_wheel_and_its_sdist() {
        let page = releases();
        let linux = "demo-1.1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl";
        for (specifiers, only, expected) in [
            ("", None, &[linux, "demo-1.1.tar.gz"][..]),
            ("", Some(Only::Sdist), &["demo-1.1.tar.gz"]),
            ("", Some(Only::Wheel), &[linux]),
            ("<1.1", None, &["demo-1.0.tar.gz"]),
            ("<1.1", Some(Only::Wheel), &["! it has no wheel"]),
            (">=1.2a0", None, &["demo-1.2a1-py3-none-any.whl"]),
            (">1.1", None, &["demo-1.2a1-py3-none-any.whl"]),
            ("==2.0", None, &["demo-2.0.tar.gz"]),
            (">=2", None, &["! the index has no release that is meant"]),
            ("==9.0", None, &["! the index has no release that is meant"]),
        ] {
            assert_eq!(
                newest_of(&page, specifiers, only),
                expected,
                "{specifiers} {only:?}"
            );
        }
        let which = Which::Newest {
            specifiers: "".parse().unwrap(),
            pre_releases: PreReleases::Allowed,
        };
        let chosen = names(choose(&wanted(which), &page, None));
        assert_eq!(chosen, ["demo-1.2a1-py3-none-any.whl"]);
    }

    #[test]
    fn what_is_locked_is_found_by_name_and_by_digest_and_what_is_not_there_is_told() {
        let page = releases();
        let digest = |name: &str| Sha256::of(name.as_bytes());
        let choose = |version: &str, hashes: &[Sha256], filenames: &[&str], only| {
            let which = Which::Locked {
                version: version.parse().ok(),
                hashes: hashes.to_vec(),
                filenames: filenames.iter().map(|name| (*name).to_owned()).collect(),
            };
            names(choose(&wanted(which), &page, only))
        };
        let (old, new) = ("demo-1.0.tar.gz", "demo-1.1.tar.gz");
        assert_eq!(choose("1.0", &[digest(old)], &[], None), [old]);
        assert_eq!(
            choose("", &[digest(new), digest(old)], &[], None),
            [old, new]
        );
        assert_eq!(choose("1.1", &[digest(new)], &[new], None), [new]);
        let stranger = format!("! the index lists no file with sha256 {}", digest("x"));
        assert_eq!(
            choose("1.0", &[digest(old), digest("x")], &[], None),
            [old, &stranger]
        );
        let gone = "demo-1.0-py3-none-any.whl";
        let told = format!("! the index does not list {gone}");
        assert_eq!(choose("1.0", &[], &[gone, old], None), [&told, old]);
        assert_eq!(choose("1.0", &[], &[gone, old], Some(Only::Sdist)), [old]);
        // A name that the page does not have is never made into a path.
        let hostile = "../../etc/passwd";
        assert_eq!(
            choose("1.0", &[], &[hostile], None),
            [format!("! the index does not list {hostile}")]
        );
    }

    #[test]
    fn files_without_a_digest_are_fetched_and_held_against_the_lock() {
        let mut bare = file("demo-1.0.tar.gz");
        bare.hashes.clear();
        let page = page(vec![bare, file("demo-1.1.tar.gz")]);
        let which = Which::Locked {
            version: "1.0".parse().ok(),
            hashes: vec![Sha256::of(b"x")],
            filenames: Vec::new(),
        };
        let wanted = wanted(which);
        let chosen = choose(&wanted, &page, None);
        let [Ok(only)] = &chosen[..] else {
            panic!("{chosen:?}")
        };
        assert_eq!(only.allowed, [Sha256::of(b"x")]);
    }
}

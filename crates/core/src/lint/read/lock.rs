//! The locks in TOML: `pylock.toml` (PEP 751), `uv.lock`, `poetry.lock` and `pdm.lock`. How each of them is
//! spelled is known to `pypi/lockfile`; here it becomes what rules look at.

use std::collections::BTreeSet;
use std::str::FromStr as _;

use crate::lint::contents::{
    Contents, GivenHash, LockHead, LockInput, LockedFile, LockedMember, LockedOrigin,
    LockedPackage, Span, Unread,
};
use crate::pypi::lockfile::{
    LockFormat, MAX_LOCK_ENTRIES, SpelledFile, SpelledHash, SpelledHead, SpelledInput,
    SpelledMember, SpelledOrigin, SpelledPackage, TomlFile, spelled_lock,
};
use crate::pypi::name::ProjectName;
use crate::pypi::version::{Version, VersionSpecifiers};

/// The longest version or specifier that is parsed, in bytes.
const MAX_SPECIFIER_LENGTH: usize = 1000;

/// Reads a lock in TOML.
pub(super) fn read(format: LockFormat, text: &str) -> Contents {
    let file = match TomlFile::parse(format, text) {
        Ok(file) => file,
        Err(error) => return Contents::unreadable(error.to_string()),
    };
    let lock = match spelled_lock(format, &file) {
        Ok(lock) => lock,
        Err(error) => return Contents::unreadable(error.to_string()),
    };
    if lock.packages.len() > MAX_LOCK_ENTRIES {
        let why = format!("it names more than {MAX_LOCK_ENTRIES} packages");
        return Contents::unreadable(why);
    }
    let mut contents = Contents {
        lock: Some(head(&lock.head)),
        ..Contents::default()
    };
    for package in &lock.packages {
        package_into(package, &mut contents);
    }
    contents
}

fn package_into(package: &SpelledPackage<'_>, contents: &mut Contents) {
    let Ok(name) = ProjectName::new(package.name) else {
        return unread("its name is no project name", &package.at, contents);
    };
    let version = match package.version.map(parsed_version) {
        Some(None) => return unread("its version is no version", &package.at, contents),
        version => version.flatten(),
    };
    let named = package.files.iter().filter(|file| file.location.is_some());
    let unnamed = package.files.iter().filter(|file| file.location.is_none());
    contents.locked.push(LockedPackage {
        name,
        version,
        at: package.at.clone(),
        origin: origin(&package.origin),
        files: named.map(one_file).collect(),
        hashes: unnamed
            .flat_map(|file| file.hashes.iter().map(given))
            .collect(),
    });
}

fn unread(why: &str, at: &Span, contents: &mut Contents) {
    contents.unread.push(Unread {
        at: Some(at.clone()),
        why: why.to_owned(),
    });
}

fn parsed_version(text: &str) -> Option<Version> {
    match text.len() <= MAX_SPECIFIER_LENGTH {
        true => text.parse().ok(),
        false => None,
    }
}

fn origin(spelled: &SpelledOrigin<'_>) -> LockedOrigin {
    match spelled {
        SpelledOrigin::Index(index) => LockedOrigin::Index(index.map(str::to_owned)),
        SpelledOrigin::Url(url) => LockedOrigin::Url((*url).to_owned()),
        SpelledOrigin::Vcs(url, commit) => LockedOrigin::Vcs {
            url: (*url).to_owned(),
            commit: commit.map(str::to_owned),
        },
        SpelledOrigin::Path(path) | SpelledOrigin::Itself(path) => {
            LockedOrigin::Path((*path).to_owned())
        }
    }
}

fn one_file(file: &SpelledFile<'_>) -> LockedFile {
    LockedFile {
        location: file.location.unwrap_or_default().to_owned(),
        at: file.at.clone(),
        hashes: file.hashes.iter().map(given).collect(),
    }
}

fn given(hash: &SpelledHash<'_>) -> GivenHash {
    GivenHash {
        algorithm: hash.algorithm.to_ascii_lowercase(),
        digest: hash.digest.to_owned(),
        at: hash.at.clone(),
    }
}

fn head(spelled: &SpelledHead<'_>) -> LockHead {
    let digest = spelled.input_digest.clone();
    LockHead {
        format: spelled.format.clone(),
        input_digest: digest.map(|(digest, at)| (digest.to_owned(), at)),
        members: spelled.members.iter().filter_map(member).collect(),
        ..LockHead::default()
    }
}

/// A member all of whose requirements are understood.
fn member(spelled: &SpelledMember<'_>) -> Option<LockedMember> {
    let requires = spelled.requires.iter().map(input);
    Some(LockedMember {
        folder: spelled.folder.to_owned(),
        name: ProjectName::new(spelled.name).ok()?,
        requires: requires.collect::<Option<_>>()?,
    })
}

fn input(spelled: &SpelledInput<'_>) -> Option<LockInput> {
    let extras = spelled.extras.iter();
    let extras = extras.map(|extra| ProjectName::new(extra).ok());
    let specifiers = match spelled.specifiers {
        None => None,
        Some(text) => Some(specifiers(text)?),
    };
    Some(LockInput {
        name: ProjectName::new(spelled.name).ok()?,
        extras: extras.collect::<Option<_>>()?,
        specifiers,
    })
}

/// Specifiers one by one, in the spelling of PEP 440.
pub(super) fn specifiers(text: &str) -> Option<BTreeSet<String>> {
    if text.len() > MAX_SPECIFIER_LENGTH {
        return None;
    }
    let parsed = VersionSpecifiers::from_str(text).ok()?;
    Some(parsed.iter().map(ToString::to_string).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::testing::places_hold;
    use proptest::prelude::*;

    const UV: &str = "version = 1\n\n[[package]]\nname = \"app\"\nsource = { editable = \".\" }\n\n\
        [package.metadata]\nrequires-dist = [{ name = \"Flask\", extras = [\"async\"], specifier = \
        \">=3,<4\" }, { name = \"x\", git = \"https://git.example/x\" }]\n\n[package.metadata.requires-dev]\n\
        dev = [{ name = \"pytest\" }]\n\n[[package]]\nname = \"flask\"\nversion = \"3.0.0\"\nsource = { \
        registry = \"https://index.example/simple\" }\nsdist = { url = \
        \"https://files.example/flask-3.0.0.tar.gz\", hash = \"sha256:aa\" }\n\n[[package]]\nname = \"x\"\n\
        version = \"1\"\nsource = { git = \"https://git.example/x?rev=main#abc\" }\n";

    #[test]
    fn what_a_lock_says_has_its_places() {
        let contents = read(LockFormat::Uv, UV);
        let shown: Vec<String> = contents
            .locked
            .iter()
            .map(|one| format!("{} {:?} {:?}", one.name, &UV[one.at.clone()], one.origin))
            .collect();
        assert_eq!(
            shown,
            [
                "app \"app\" Path(\".\")",
                "flask \"3.0.0\" Index(Some(\"https://index.example/simple\"))",
                "x \"1\" Vcs { url: \"https://git.example/x?rev=main\", commit: Some(\"abc\") }",
            ]
        );
        let file = &contents.locked[1].files[0];
        assert_eq!(&UV[file.at.clone()], file.location);
        assert_eq!(&UV[file.hashes[0].at.clone()], "sha256:aa");
        let head = contents.lock.expect("a head");
        let member = &head.members[0];
        let inputs: Vec<String> = member
            .requires
            .iter()
            .map(|one| format!("{} {} {:?}", one.name, one.extras.len(), one.specifiers))
            .collect();
        assert_eq!(
            inputs,
            [
                "flask 1 Some({\"<4\", \">=3\"})",
                "pytest 0 Some({})",
                "x 0 None"
            ]
        );
    }

    #[test]
    fn other_formats_are_read_alike() {
        let poetry = "[[package]]\nname = \"a\"\nversion = \"1.0\"\nfiles = [{file = \"a.whl\", hash = \
                      \"md5:00\"}]\n\n[package.source]\ntype = \"legacy\"\nurl = \
                      \"https://index.example/simple\"\nreference = \"acme\"\n\n[metadata]\nlock-version = \
                      \"2.1\"\ncontent-hash = \"ff\"\n";
        let contents = read(LockFormat::Poetry, poetry);
        assert_eq!(contents.locked[0].files[0].hashes[0].algorithm, "md5");
        let index = LockedOrigin::Index(Some("https://index.example/simple".to_owned()));
        assert_eq!(contents.locked[0].origin, index);
        let (digest, at) = contents
            .lock
            .and_then(|head| head.input_digest)
            .expect("there");
        assert_eq!((digest.as_str(), &poetry[at]), ("ff", "ff"));
        let pylock = "lock-version = \"1.0\"\n[[packages]]\nname = \"a\"\narchive = { url = \
                      \"https://files.example/a.zip\", hashes = { sha256 = \"bb\" } }\n";
        let contents = read(LockFormat::Pylock, pylock);
        assert_eq!(contents.locked[0].files[0].hashes[0].digest, "bb");
        let pdm = "[metadata]\nlock_version = \"4.5.0\"\ncontent_hash = \"sha256:cc\"\n[[package]]\nname = \
                   \"a\"\nversion = \"1\"\nurl = \"https://files.example/a.whl\"\n[[package]]\nname = \"/\"\n";
        let contents = read(LockFormat::Pdm, pdm);
        assert!(matches!(contents.locked[0].origin, LockedOrigin::Url(_)));
        assert_eq!(contents.unread.len(), 1);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(damage in ".{0,40}", at in 0..UV.len()) {
            let damaged = format!("{}{damage}{}", &UV[..at], &UV[at..]);
            for text in [&damaged, &damage] {
                for format in [LockFormat::Uv, LockFormat::Poetry, LockFormat::Pdm, LockFormat::Pylock] {
                    places_hold(text, &read(format, text));
                }
            }
        }
    }
}

//! `Pipfile.lock`: JSON with a table for each category of packages.

use crate::lint::contents::{
    Contents, GivenHash, LockHead, LockedOrigin, LockedPackage, Span, Unread,
};
use crate::lint::syntax::{Entry, Node, json};
use crate::pypi::lockfile::MAX_LOCK_ENTRIES;
use crate::pypi::name::ProjectName;

/// Reads a `Pipfile.lock`.
pub(super) fn read(text: &str) -> Contents {
    let root = match json::parse(text) {
        Ok(root) => root,
        Err(error) => return super::not_readable(error),
    };
    let Some(meta) = root.get("_meta") else {
        return Contents::unreadable("it is no Pipfile.lock: it has no _meta");
    };
    let mut contents = Contents {
        lock: Some(head(meta)),
        ..Contents::default()
    };
    let categories = root.entries().iter().filter(|entry| entry.key != "_meta");
    let packages = categories.flat_map(|category| category.value.entries());
    for package in packages.take(MAX_LOCK_ENTRIES) {
        package_into(package, &mut contents);
    }
    contents
}

fn head(meta: &Node) -> LockHead {
    let digest = meta.path(&["hash", "sha256"]).and_then(Node::spelled);
    let format = meta.get("pipfile-spec").and_then(Node::scalar);
    let sources = meta.get("sources").map(Node::items).unwrap_or_default();
    let urls = sources
        .iter()
        .filter_map(|source| source.get("url")?.spelled());
    LockHead {
        format: format.map(str::to_owned),
        input_digest: digest.map(|digest| (digest.as_str().to_owned(), digest.at())),
        indexes: urls
            .map(|url| (url.as_str().to_owned(), url.at()))
            .collect(),
        ..LockHead::default()
    }
}

fn package_into(package: &Entry, contents: &mut Contents) {
    let value = &package.value;
    let Ok(name) = ProjectName::new(&package.key) else {
        return contents.unread.push(Unread {
            at: Some(package.key_at.clone()),
            why: "its name is no project name".to_owned(),
        });
    };
    let version = value.get("version").and_then(Node::spelled);
    let hashes = value.get("hashes").map(Node::items).unwrap_or_default();
    let hashes = hashes.iter().filter_map(Node::spelled);
    contents.locked.push(LockedPackage {
        name,
        version: version.and_then(|text| pinned(text.as_str())?.parse().ok()),
        at: version.map_or_else(|| inside(&package.key_at), |version| version.at()),
        origin: origin(value),
        files: Vec::new(),
        hashes: hashes
            .map(|hash| {
                let (algorithm, digest) = hash.as_str().split_once(':').unwrap_or_default();
                GivenHash {
                    algorithm: algorithm.to_ascii_lowercase(),
                    digest: digest.to_owned(),
                    at: hash.at(),
                }
            })
            .collect(),
    });
}

/// The place of a key without its quotes.
fn inside(key_at: &Span) -> Span {
    let end = key_at.end.saturating_sub(1);
    (key_at.start + 1).min(end)..end
}

fn pinned(version: &str) -> Option<&str> {
    let pinned = version.strip_prefix("==")?.trim_start_matches('=').trim();
    (pinned.len() < 200).then_some(pinned)
}

fn origin(package: &Node) -> LockedOrigin {
    let text = |key| package.text_of(key).map(str::to_owned);
    for kind in ["git", "hg", "svn", "bzr"] {
        if let Some(url) = text(kind) {
            return LockedOrigin::Vcs {
                url,
                commit: text("ref"),
            };
        }
    }
    match (text("path"), text("file")) {
        (Some(path), _) => LockedOrigin::Path(path),
        (None, Some(url)) if url.contains("://") => LockedOrigin::Url(url),
        (None, Some(path)) => LockedOrigin::Path(path),
        (None, None) => LockedOrigin::Index(text("index")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::testing::places_hold;
    use proptest::prelude::*;

    const LOCK: &str = r#"{"_meta": {"hash": {"sha256": "ff"}, "pipfile-spec": 6, "sources": [{"name": "acme",
        "url": "https://index.example/simple", "verify_ssl": true}]}, "default": {"Flask": {"hashes":
        ["sha256:aa"], "index": "acme", "version": "==3.0.0"}, "x": {"git": "https://git.example/x", "ref":
        "abc"}, "y": {"path": "."}}, "develop": {"/": {}}}"#;

    #[test]
    fn packages_have_their_places() {
        let contents = read(LOCK);
        let flask = &contents.locked[0];
        assert_eq!(&LOCK[flask.at.clone()], "==3.0.0");
        assert_eq!(flask.version, "3.0.0".parse().ok());
        assert_eq!(&LOCK[flask.hashes[0].at.clone()], "sha256:aa");
        assert_eq!(&LOCK[contents.locked[2].at.clone()], "y");
        assert_eq!(contents.unread.len(), 1);
        let head = contents.lock.expect("a head");
        assert_eq!(head.format.as_deref(), Some("6"));
        assert_eq!(
            head.input_digest.map(|(digest, _)| digest).as_deref(),
            Some("ff")
        );
        assert_eq!(head.indexes[0].0, "https://index.example/simple");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(damage in ".{0,40}", at in 0..LOCK.len()) {
            let damaged = format!("{}{damage}{}", &LOCK[..at], &LOCK[at..]);
            places_hold(&damaged, &read(&damaged));
            places_hold(&damage, &read(&damage));
        }
    }
}

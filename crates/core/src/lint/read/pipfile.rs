//! `Pipfile`: what pipenv installs, from which sources, and how.

use std::str::FromStr as _;

use super::input_digests;
use super::tables::{entry_as_setting, index_table};
use crate::lint::contents::{Contents, Origin, PlaceRole, Role, Tool, Wanted};
use crate::lint::syntax::{Entry, Node, toml};
use crate::pypi::name::ProjectName;
use crate::pypi::version::VersionSpecifiers;

/// Tables that name no packages.
const OTHERS: [&str; 5] = ["source", "requires", "scripts", "pipfile", "pipenv"];

/// Reads a file.
pub(super) fn read(text: &str) -> Contents {
    let root = match toml::parse(text) {
        Ok(root) => root,
        Err(error) => return super::not_readable(error),
    };
    let mut contents = Contents::default();
    let sources = root.get("source").map(Node::items).unwrap_or_default();
    for (position, source) in sources.iter().enumerate() {
        // Without a name, a package comes from the first source that has it.
        let role = match position {
            0 => PlaceRole::Default,
            _ => PlaceRole::Ordered,
        };
        index_table(Tool::Pipenv, source, role, &mut contents);
        if let Some(verify) = source.entry("verify_ssl") {
            entry_as_setting(Tool::Pipenv, "verify-ssl", verify, &mut contents);
        }
    }
    for table in root.entries() {
        if !OTHERS.contains(&table.key.as_str()) {
            packages(table, text, &mut contents);
        }
    }
    let settings = root.get("pipenv").map(Node::entries).unwrap_or_default();
    for entry in settings {
        let key = entry.key.replace('_', "-");
        entry_as_setting(Tool::Pipenv, &key, entry, &mut contents);
    }
    contents.lock_inputs = input_digests::of_pipfile(&root);
    contents
}

fn packages(table: &Entry, text: &str, contents: &mut Contents) {
    let role = match table.key.as_str() {
        "dev-packages" => Role::Development,
        _ => Role::Runtime,
    };
    for entry in table.value.entries() {
        contents.wanted.push(wanted(entry, role, text));
    }
}

fn wanted(entry: &Entry, role: Role, text: &str) -> Wanted {
    let spelled = text.get(entry.at()).unwrap_or_default();
    let texts = |key: &str| entry.value.text_of(key).map(str::to_owned);
    Wanted {
        spelled: spelled.to_owned(),
        at: entry.at(),
        name: ProjectName::new(&entry.key).ok(),
        origin: origin(&entry.value),
        hashes: Vec::new(),
        role,
        tool: Tool::Pipenv,
        index: texts("index"),
        partly_known: false,
        marker: texts("markers"),
        by: None,
    }
}

fn origin(value: &Node) -> Origin {
    let text = |key: &str| value.text_of(key).map(str::to_owned);
    for kind in ["git", "hg", "svn", "bzr"] {
        if let Some(url) = text(kind) {
            return Origin::Vcs {
                kind: kind.to_owned(),
                url,
                reference: text("ref"),
            };
        }
    }
    if let Some(file) = text("file") {
        return match file.contains("://") {
            true => Origin::Url { url: file },
            false => Origin::Path(file),
        };
    }
    if let Some(path) = text("path") {
        return Origin::Path(path);
    }
    specifiers(value.text().or(value.text_of("version")).unwrap_or("*"))
}

/// `*` stands for every version, and a version alone for that one.
fn specifiers(text: &str) -> Origin {
    let text = text.trim();
    if text == "*" || text.is_empty() {
        return Origin::Index(VersionSpecifiers::empty());
    }
    if text.len() > 1000 {
        return Origin::Unknown("its version is too long".to_owned());
    }
    let is_bare = text.starts_with(|c: char| c.is_ascii_digit());
    let spelled = match is_bare {
        true => format!("=={text}"),
        false => text.to_owned(),
    };
    match VersionSpecifiers::from_str(&spelled) {
        Ok(specifiers) => Origin::Index(specifiers),
        Err(_) => Origin::Unknown("its version is no specifier".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::testing::places_hold;
    use proptest::prelude::*;

    const FILE: &str = "[[source]]\nname = \"a\"\nurl = \"https://a.example/simple\"\nverify_ssl = false\n\
        [[source]]\nname = \"b\"\nurl = \"https://b.example/simple\"\n[packages]\nFlask = \"*\"\nsix = \
        \"==1.16.0\"\nx = {git = \"https://git.example/x\", ref = \"main\"}\ny = {version = \">=1\", index = \
        \"b\", markers = \"os_name == 'nt'\"}\n[dev-packages]\nhere = {path = \".\", editable = true}\nodd = \
        \"^1\"\n[pipenv]\ninstall_search_all_sources = true\n";

    #[test]
    fn packages_have_origins() {
        let contents = read(FILE);
        let shown: Vec<String> = contents
            .wanted
            .iter()
            .map(|one| {
                let origin = match &one.origin {
                    Origin::Index(specifiers) => format!("index {specifiers}"),
                    Origin::Vcs { url, reference, .. } => format!("{url} {reference:?}"),
                    Origin::Path(path) => path.clone(),
                    other => format!("{other:?}"),
                };
                let name = one.name.as_ref().map(ProjectName::as_str);
                format!("{} {:?} {origin}", name.unwrap_or("?"), one.role)
            })
            .collect();
        assert_eq!(
            shown,
            [
                "flask Runtime index ",
                "six Runtime index ==1.16.0",
                "x Runtime https://git.example/x Some(\"main\")",
                "y Runtime index >=1",
                "here Development .",
                "odd Development Unknown(\"its version is no specifier\")",
            ]
        );
        assert_eq!(contents.wanted[3].index.as_deref(), Some("b"));
        assert_eq!(contents.places[1].role, PlaceRole::Ordered);
        assert!(contents.settings[0].is_off() && contents.settings[1].is_on());
        assert_eq!(contents.wanted[1].spelled, "six = \"==1.16.0\"");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(damage in ".{0,40}", at in 0..FILE.len()) {
            let damaged = format!("{}{damage}{}", &FILE[..at], &FILE[at..]);
            places_hold(&damaged, &read(&damaged));
            places_hold(&damage, &read(&damage));
        }
    }
}

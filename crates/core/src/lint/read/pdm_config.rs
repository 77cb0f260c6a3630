//! pdm's configuration: `pdm.toml` of a project and `config.toml` of a user, with indexes beside those of the
//! project, repositories to publish to, and passwords.

use super::tables::{entry_as_setting, secret};
use crate::lint::contents::{Contents, Place, PlaceRole, Tool};
use crate::lint::syntax::{Entry, Is, Node, toml};

/// Reads a file.
pub(super) fn read(text: &str) -> Contents {
    let root = match toml::parse(text) {
        Ok(root) => root,
        Err(error) => return super::not_readable(error),
    };
    let mut contents = Contents::default();
    for entry in root.entries() {
        match entry.key.as_str() {
            "pypi" => indexes(entry, &mut contents),
            "repository" => repositories(&entry.value, &mut contents),
            _ => settings(entry, &mut contents),
        }
    }
    contents
}

/// `[pypi]` is the default index, and its tables are further ones.
fn indexes(entry: &Entry, contents: &mut Contents) {
    index(entry, PlaceRole::Default, contents);
    for other in entry.value.entries() {
        if matches!(other.value.is, Is::Table(_)) {
            index(other, PlaceRole::Merged, contents);
        }
    }
}

fn index(entry: &Entry, role: PlaceRole, contents: &mut Contents) {
    place(entry, role, contents);
    if let Some(verify) = entry.value.entry("verify_ssl") {
        entry_as_setting(Tool::Pdm, "verify-ssl", verify, contents);
    }
    let what = format!("the password of the index {}", entry.key);
    secret(&entry.value, "password", &what, contents);
}

fn repositories(table: &Node, contents: &mut Contents) {
    for repository in table.entries() {
        place(repository, PlaceRole::Upload, contents);
        if let Some(verify) = repository.value.entry("verify_ssl") {
            entry_as_setting(Tool::Pdm, "verify-ssl", verify, contents);
        }
        let what = format!("the password of the repository {}", repository.key);
        secret(&repository.value, "password", &what, contents);
    }
}

fn place(entry: &Entry, role: PlaceRole, contents: &mut Contents) {
    let url = entry.value.get("url").and_then(Node::spelled);
    contents.places.extend(url.map(|url| Place {
        url: url.as_str().to_owned(),
        url_at: url.at(),
        at: entry.at(),
        role,
        name: Some(entry.key.clone()),
        tool: Tool::Pdm,
        by: None,
    }));
}

fn settings(entry: &Entry, contents: &mut Contents) {
    let key = entry.key.replace('_', "-");
    entry_as_setting(Tool::Pdm, &key, entry, contents);
    for inner in entry.value.entries() {
        let key = format!("{key}.{}", inner.key.replace('_', "-"));
        entry_as_setting(Tool::Pdm, &key, inner, contents);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::testing::places_hold;
    use proptest::prelude::*;

    const CONFIG: &str = "[pypi]\nurl = \"https://a.example/simple\"\nverify_ssl = false\npassword = \
        \"s3cret\"\n\n[pypi.other]\nurl = \"https://b.example/simple\"\n\n[repository.acme]\nurl = \
        \"https://a.example/legacy/\"\npassword = \"$PASSWORD\"\n\n[install]\ncache = true\n";

    #[test]
    fn a_second_index_is_merged() {
        let contents = read(CONFIG);
        let places: Vec<_> = contents
            .places
            .iter()
            .map(|place| {
                (
                    place.role,
                    place.name.as_deref(),
                    &CONFIG[place.url_at.clone()],
                )
            })
            .collect();
        assert_eq!(
            places,
            [
                (PlaceRole::Default, Some("pypi"), "https://a.example/simple"),
                (PlaceRole::Merged, Some("other"), "https://b.example/simple"),
                (PlaceRole::Upload, Some("acme"), "https://a.example/legacy/"),
            ]
        );
        assert_eq!(contents.secrets.len(), 1);
        assert!(contents.settings[0].key == "verify-ssl" && contents.settings[0].is_off());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(damage in ".{0,40}", at in 0..CONFIG.len()) {
            let damaged = format!("{}{damage}{}", &CONFIG[..at], &CONFIG[at..]);
            places_hold(&damaged, &read(&damaged));
            places_hold(&damage, &read(&damage));
        }
    }
}

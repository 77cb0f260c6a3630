//! uv's configuration: `uv.toml`, and `[tool.uv]` of a `pyproject.toml`, which has the same keys. What uv makes
//! of dependencies there is `pyproject`'s.

use super::tables::{entry_as_options, entry_as_setting, index_table};
use crate::lint::contents::{Contents, Place, PlaceRole, Tool};
use crate::lint::syntax::{Entry, Node, toml};

/// Keys that say what is wanted and where it is, rather than how uv behaves.
const OF_THE_PROJECT: [&str; 11] = [
    "dev-dependencies",
    "default-groups",
    "dependency-groups",
    "constraint-dependencies",
    "override-dependencies",
    "build-constraint-dependencies",
    "exclude-dependencies",
    "environments",
    "required-environments",
    "sources",
    "workspace",
];

/// Reads a `uv.toml`.
pub(super) fn read(text: &str) -> Contents {
    let root = match toml::parse(text) {
        Ok(root) => root,
        Err(error) => return super::not_readable(error),
    };
    let mut contents = Contents::default();
    tables(&root, &mut contents);
    contents
}

/// Reads the table `[tool.uv]`, or all of a `uv.toml`.
pub(super) fn tables(table: &Node, contents: &mut Contents) {
    for entry in table.entries() {
        match entry.key.as_str() {
            "index" => indexes(entry, contents),
            // uv pip has settings of its own, by the same names.
            "pip" => tables(&entry.value, contents),
            key if OF_THE_PROJECT.contains(&key) => {}
            _ => entry_as_options(Tool::Uv, entry, contents),
        }
    }
}

fn indexes(entry: &Entry, contents: &mut Contents) {
    for index in entry.value.items() {
        if index.text().is_some() {
            continue;
        }
        index_table(Tool::Uv, index, role(index), contents);
        if let Some(codes) = index.entry("ignore-error-codes") {
            entry_as_setting(Tool::Uv, "ignore-error-codes", codes, contents);
        }
        if let Some(url) = index.get("publish-url").and_then(Node::spelled) {
            contents.places.push(Place {
                url: url.as_str().to_owned(),
                url_at: url.at(),
                at: index.at.clone(),
                role: PlaceRole::Upload,
                name: index.text_of("name").map(str::to_owned),
                tool: Tool::Uv,
                by: None,
            });
        }
    }
}

fn role(index: &Node) -> PlaceRole {
    let is_on = |key| index.get(key).and_then(Node::scalar) == Some("true");
    if index.text_of("format") == Some("flat") {
        PlaceRole::FindLinks
    } else if is_on("explicit") {
        PlaceRole::Explicit
    } else if is_on("default") {
        PlaceRole::Default
    } else {
        PlaceRole::Ordered
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::testing::places_hold;
    use proptest::prelude::*;

    const CONFIG: &str = "index-strategy = \"unsafe-best-match\"\nextra-index-url = [\"https://b.example/s\"]\n\
        allow-insecure-host = [\"b.example\"]\n\n[pip]\nno-binary = [\":all:\"]\n\n[[index]]\nname = \"acme\"\n\
        url = \"https://a.example/s\"\ndefault = true\nignore-error-codes = [401, 403]\npublish-url = \
        \"https://a.example/legacy/\"\n\n[[index]]\nname = \"torch\"\nurl = \"https://t.example/whl\"\nexplicit \
        = true\n\n[[index]]\nurl = \"https://o.example/s\"\n";

    #[test]
    fn indexes_have_roles() {
        let contents = read(CONFIG);
        let places: Vec<_> = contents
            .places
            .iter()
            .map(|place| (place.role, &CONFIG[place.url_at.clone()]))
            .collect();
        assert_eq!(
            places,
            [
                (PlaceRole::Ordered, "https://b.example/s"),
                (PlaceRole::Default, "https://a.example/s"),
                (PlaceRole::Upload, "https://a.example/legacy/"),
                (PlaceRole::Explicit, "https://t.example/whl"),
                (PlaceRole::Ordered, "https://o.example/s"),
            ]
        );
        let settings: Vec<_> = contents
            .settings
            .iter()
            .map(|setting| format!("{}={}", setting.key, setting.value))
            .collect();
        assert_eq!(
            settings,
            [
                "index-strategy=unsafe-best-match",
                "allow-insecure-host=b.example",
                "no-binary=:all:",
                "ignore-error-codes=401",
                "ignore-error-codes=403",
            ]
        );
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

//! poetry's configuration: `poetry.toml` of a project and `config.toml` of a user, with repositories,
//! certificates and passwords.

use super::tables::{entry_as_setting, secret};
use crate::lint::contents::{Contents, Place, PlaceRole, Tool};
use crate::lint::syntax::{Entry, Node, toml};

/// Reads a file.
pub(super) fn read(text: &str) -> Contents {
    let root = match toml::parse(text) {
        Ok(root) => root,
        Err(error) => return super::not_readable(error),
    };
    let mut contents = Contents::default();
    for entry in root.entries() {
        match entry.key.as_str() {
            "repositories" => repositories(&entry.value, &mut contents),
            "certificates" => certificates(&entry.value, &mut contents),
            "http-basic" => passwords(&entry.value, &mut contents),
            "pypi-token" => tokens(&entry.value, &mut contents),
            "installer" => installer(&entry.value, &mut contents),
            _ => settings(entry, &mut contents),
        }
    }
    contents
}

fn repositories(table: &Node, contents: &mut Contents) {
    for repository in table.entries() {
        let url = repository.value.get("url").and_then(Node::spelled);
        contents.places.extend(url.map(|url| Place {
            url: url.as_str().to_owned(),
            url_at: url.at(),
            at: repository.at(),
            role: PlaceRole::Upload,
            name: Some(repository.key.clone()),
            tool: Tool::Poetry,
            by: None,
        }));
    }
}

fn certificates(table: &Node, contents: &mut Contents) {
    for host in table.entries() {
        if let Some(cert) = host.value.entry("cert") {
            let key = format!("certificates.{}.cert", host.key);
            entry_as_setting(Tool::Poetry, &key, cert, contents);
        }
    }
}

fn passwords(table: &Node, contents: &mut Contents) {
    for repository in table.entries() {
        let what = format!("the password of the repository {}", repository.key);
        secret(&repository.value, "password", &what, contents);
    }
}

fn tokens(table: &Node, contents: &mut Contents) {
    for repository in table.entries() {
        let what = format!("the token of the repository {}", repository.key);
        secret(table, &repository.key, &what, contents);
    }
}

/// `installer.no-binary` and `installer.only-binary` are those of pip.
fn installer(table: &Node, contents: &mut Contents) {
    for entry in table.entries() {
        entry_as_setting(Tool::Poetry, &entry.key, entry, contents);
    }
}

fn settings(entry: &Entry, contents: &mut Contents) {
    entry_as_setting(Tool::Poetry, &entry.key, entry, contents);
    for inner in entry.value.entries() {
        let key = format!("{}.{}", entry.key, inner.key);
        entry_as_setting(Tool::Poetry, &key, inner, contents);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::testing::places_hold;
    use proptest::prelude::*;

    const CONFIG: &str = "[repositories.acme]\nurl = \"https://a.example/legacy/\"\n[certificates.acme]\ncert = \
        false\n[http-basic.acme]\nusername = \"ci\"\npassword = \"s3cret-é\"\n[pypi-token]\nacme = \
        \"${TOKEN}\"\n[installer]\nno-binary = \":all:\"\n[virtualenvs]\nin-project = true\n";

    #[test]
    fn passwords_are_places_and_not_texts() {
        let contents = read(CONFIG);
        let secrets: Vec<_> = contents
            .secrets
            .iter()
            .map(|secret| (secret.what.as_str(), &CONFIG[secret.at.clone()]))
            .collect();
        assert_eq!(
            secrets,
            [("the password of the repository acme", "s3cret-é")]
        );
        let settings: Vec<_> = contents
            .settings
            .iter()
            .map(|setting| format!("{}={}", setting.key, setting.value))
            .collect();
        assert_eq!(
            settings,
            [
                "certificates.acme.cert=false",
                "no-binary=:all:",
                "virtualenvs.in-project=true"
            ]
        );
        assert_eq!(contents.places[0].role, PlaceRole::Upload);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(damage in ".{0,40}", at in 0..130_usize) {
            let damaged = format!("{}{damage}{}", &CONFIG[..at], &CONFIG[at..]);
            places_hold(&damaged, &read(&damaged));
            places_hold(&damage, &read(&damage));
        }
    }
}

//! `.pypirc`: where twine and others publish to, by name, and with which password.

use super::tables::secret;
use crate::lint::contents::{Contents, Place, PlaceRole, Tool};
use crate::lint::syntax::{Node, ini};

/// Reads a file.
pub(super) fn read(text: &str) -> Contents {
    let root = match ini::parse(text) {
        Ok(root) => root,
        Err(error) => return super::not_readable(error),
    };
    let mut contents = Contents::default();
    for section in root.entries() {
        let url = section.value.get("repository").and_then(Node::spelled);
        contents.places.extend(url.map(|url| Place {
            url: url.as_str().to_owned(),
            url_at: url.at(),
            at: section.value.at.clone(),
            role: PlaceRole::Upload,
            name: Some(section.key.clone()),
            tool: Tool::Twine,
            by: None,
        }));
        let what = format!("the password of the repository {}", section.key);
        secret(&section.value, "password", &what, &mut contents);
    }
    contents
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::testing::places_hold;
    use proptest::prelude::*;

    const FILE: &str = "[distutils]\nindex-servers =\n    pypi\n    acme\n\n[acme]\nrepository: \
        https://a.example/legacy/\nusername: ci\npassword: s3cret\n[pypi]\nusername = __token__\n";

    #[test]
    fn repositories_and_passwords_are_found() {
        let contents = read(FILE);
        assert_eq!(contents.places[0].name.as_deref(), Some("acme"));
        assert_eq!(
            &FILE[contents.places[0].url_at.clone()],
            "https://a.example/legacy/"
        );
        assert_eq!(&FILE[contents.secrets[0].at.clone()], "s3cret");
        assert_eq!(contents.secrets.len(), 1);
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

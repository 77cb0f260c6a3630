//! A conda environment: the list below `pip:`, which pip reads as a requirements file, and the channels. Conda's
//! own packages have names of another world, and are not looked at.

use super::not_readable;
use super::requirement::Purpose;
use super::requirements::{line, role};
use crate::lint::contents::{Contents, Place, PlaceRole, Tool};
use crate::lint::syntax::{Node, yaml};

/// What the environment says.
pub(super) fn read(path: &str, text: &str) -> Contents {
    let documents = match yaml::parse(text) {
        Ok(documents) => documents,
        Err(error) => return not_readable(error),
    };
    let mut contents = Contents::default();
    let purpose = Purpose {
        role: role(path),
        tool: Tool::Pip,
        by: None,
    };
    for document in &documents {
        let channels = document.get("channels").map(Node::items);
        channels
            .unwrap_or_default()
            .iter()
            .for_each(|one| channel(one, &mut contents));
        let dependencies = document.get("dependencies").map(Node::items);
        let lists = dependencies
            .unwrap_or_default()
            .iter()
            .filter_map(|one| one.get("pip"));
        for spelled in lists.flat_map(Node::items).filter_map(Node::spelled) {
            line(spelled, purpose, &mut contents);
        }
    }
    contents
}

/// A channel that is an address; the others are names.
fn channel(node: &Node, contents: &mut Contents) {
    let Some(spelled) = node
        .spelled()
        .filter(|spelled| spelled.as_str().contains("://"))
    else {
        return;
    };
    contents.places.push(Place {
        url: spelled.as_str().to_owned(),
        url_at: spelled.at(),
        at: spelled.at(),
        role: PlaceRole::Ordered,
        name: None,
        tool: Tool::Conda,
        by: None,
    });
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::lint::contents::Role;

    #[test]
    fn what_pip_installs_is_read() {
        let text = "name: x\nchannels:\n  - conda-forge\n  - http://conda.acme.example/main\ndependencies:\n  - \
                    python=3.11\n  - pip\n  - pip:\n      - flask==3.0\n      - --extra-index-url \
                    https://a.example/\n      - \"-r more.txt\"\n";
        let contents = read("environment.yml", text);
        assert_eq!(&text[contents.wanted[0].at.clone()], "flask==3.0");
        assert_eq!(contents.wanted.len(), 1);
        let places: Vec<&str> = contents
            .places
            .iter()
            .map(|one| &text[one.url_at.clone()])
            .collect();
        assert_eq!(
            places,
            ["http://conda.acme.example/main", "https://a.example/"]
        );
        assert_eq!(contents.included[0].path, "more.txt");
        assert_eq!(contents.wanted[0].role, Role::Runtime);
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(text in any::<String>(), rest in "([-a-z: \"'>|é]|\n    - |\n){0,60}") {
            for text in [text, format!("dependencies:\n  - pip:\n    - {rest}\n")] {
                for wanted in read("environment.yml", &text).wanted {
                    prop_assert!(text.get(wanted.at.clone()).is_some());
                }
            }
        }
    }
}

//! `setup.cfg` as setuptools reads it. What tox, flake8 and others keep there is not looked at.

use super::not_readable;
use super::requirement::{Purpose, wanted};
use crate::lint::contents::{Contents, Included, Place, PlaceRole, Role, Tool};
use crate::lint::syntax::{Entry, Node, Spelled, ini};

/// What the file says.
pub(super) fn read(text: &str) -> Contents {
    let root = match ini::parse(text) {
        Ok(root) => root,
        Err(error) => return not_readable(error),
    };
    let mut contents = Contents::default();
    for entry in root.get("options").map(Node::entries).unwrap_or_default() {
        match entry.key.as_str() {
            "install_requires" | "install-requires" | "requires" => {
                requirements(entry, Role::Runtime, &mut contents);
            }
            "setup_requires" | "setup-requires" => requirements(entry, Role::Build, &mut contents),
            "tests_require" | "tests-require" => {
                requirements(entry, Role::Development, &mut contents);
            }
            "dependency_links" | "dependency-links" => links(entry, &mut contents),
            _ => {}
        }
    }
    let extras = root.get("options.extras_require").map(Node::entries);
    for entry in extras.unwrap_or_default() {
        requirements(entry, Role::Runtime, &mut contents);
    }
    contents
}

fn requirements(entry: &Entry, role: Role, contents: &mut Contents) {
    let Some(spelled) = entry.value.spelled() else {
        return;
    };
    if let Some(files) = spelled.as_str().strip_prefix("file:") {
        let start = spelled.as_str().len() - files.len();
        let behind = spelled.part(start..spelled.as_str().len());
        for file in pieces(&behind, &[',', '\n']) {
            contents.included.push(Included {
                path: file.as_str().to_owned(),
                at: file.at(),
                role,
                by: None,
            });
        }
        return;
    }
    let purpose = Purpose {
        role,
        tool: Tool::Setuptools,
        by: None,
    };
    // A line may hold several, parted by semicolons only where none has a marker; lines are what is used.
    let lines = pieces(spelled, &['\n']).into_iter();
    contents
        .wanted
        .extend(lines.map(|line| wanted(&line, purpose)));
}

fn links(entry: &Entry, contents: &mut Contents) {
    let Some(spelled) = entry.value.spelled() else {
        return;
    };
    for link in pieces(spelled, &['\n', ' ', '\t']) {
        contents.places.push(Place {
            url: link.as_str().to_owned(),
            url_at: link.at(),
            at: link.at(),
            role: PlaceRole::FindLinks,
            name: None,
            tool: Tool::Setuptools,
            by: None,
        });
    }
}

/// The pieces between `signs`, without white space around them; none is empty.
fn pieces(spelled: &Spelled, signs: &[char]) -> Vec<Spelled> {
    let text = spelled.as_str();
    let mut from = 0;
    let mut found = Vec::new();
    for piece in text.split_inclusive(signs) {
        let inside = piece.trim_end_matches(signs);
        let start = from + inside.len() - inside.trim_start().len();
        from += piece.len();
        let said = inside.trim();
        if !said.is_empty() {
            found.push(spelled.part(start..start + said.len()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_list_is_read_with_its_places() {
        let text = "[metadata]\nname = x\n[options]\ninstall_requires =\n    flask>=3\n    six ; os_name == 'nt'\n\
                    setup_requires = wheel\ntests_require = pytest\ndependency_links =\n    \
                    https://a.example/x\n    https://b.example/y#egg=y\n[options.extras_require]\nall = lxml\n";
        let contents = read(text);
        let found = contents.wanted.iter();
        let found: Vec<_> = found.map(|one| (&text[one.at.clone()], one.role)).collect();
        assert_eq!(
            found,
            [
                ("flask>=3", Role::Runtime),
                ("six ; os_name == 'nt'", Role::Runtime),
                ("wheel", Role::Build),
                ("pytest", Role::Development),
                ("lxml", Role::Runtime)
            ]
        );
        let links = contents.places.iter();
        let links: Vec<_> = links.map(|one| &text[one.url_at.clone()]).collect();
        assert_eq!(links, ["https://a.example/x", "https://b.example/y#egg=y"]);
    }

    #[test]
    fn files_are_named() {
        let text = "[options]\ninstall_requires = file: requirements.txt, more.txt\n";
        let contents = read(text);
        let found = contents.included.iter();
        let found: Vec<_> = found
            .map(|one| (&*one.path, &text[one.at.clone()]))
            .collect();
        assert_eq!(
            found,
            [
                ("requirements.txt", "requirements.txt"),
                ("more.txt", "more.txt")
            ]
        );
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(text in any::<String>(), rest in "([a-z=:;,. é\t]|\n|\n  ){0,60}") {
            for text in [text, format!("[options]\ninstall_requires={rest}\ndependency_links={rest}")] {
                for wanted in read(&text).wanted {
                    prop_assert!(text.get(wanted.at.clone()).is_some());
                }
            }
        }
    }
}

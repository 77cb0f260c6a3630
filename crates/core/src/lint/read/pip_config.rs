//! pip's configuration, `pip.conf` and `pip.ini`: options by their long names, in a section for all commands
//! and in one for each of them.

use super::options::{Given, option};
use crate::lint::contents::{Contents, Tool};
use crate::lint::syntax::{Entry, Spelled, ini};

/// The options that pip takes apart at white space, since they may be given more than once.
const LISTS: [&str; 10] = [
    "extra-index-url",
    "find-links",
    "trusted-host",
    "requirement",
    "constraint",
    "build-constraint",
    "editable",
    "group",
    "use-feature",
    "use-deprecated",
];

/// Reads a file.
pub(super) fn read(text: &str) -> Contents {
    let root = match ini::parse(text) {
        Ok(root) => root,
        Err(error) => return super::not_readable(error),
    };
    let mut contents = Contents::default();
    for entry in root
        .entries()
        .iter()
        .flat_map(|section| section.value.entries())
    {
        entry_into(entry, &mut contents);
    }
    contents
}

fn entry_into(entry: &Entry, contents: &mut Contents) {
    let Some(value) = entry.value.spelled() else {
        return;
    };
    let key = entry.key.trim_start_matches("--").replace('_', "-");
    let is_list = LISTS.contains(&key.as_str());
    let parts = match is_list {
        true => words(value),
        false => vec![value.clone()],
    };
    for part in parts {
        option(
            Given {
                tool: Tool::Pip,
                key: &key,
                value: part.as_str(),
                at: entry.at(),
                value_at: part.at(),
                by: None,
            },
            contents,
        );
    }
}

/// The words of a value that goes on over several lines.
fn words(value: &Spelled) -> Vec<Spelled> {
    let text = value.as_str();
    let mut words = Vec::new();
    let mut from = 0;
    for word in text.split_whitespace() {
        // A word is found again behind the one before it.
        let start = from + text[from..].find(word).unwrap_or(0);
        from = start + word.len();
        words.push(value.part(start..from));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::contents::PlaceRole;
    use crate::lint::testing::places_hold;
    use proptest::prelude::*;

    const CONFIG: &str = "[global]\nindex_url = https://a.example/simple\nextra-index-url =\n    \
        https://b.example/simple\n    https://b.example/simple  https://c.example/\ntrusted-host = \
        b.example\n\n[install]\nno-binary = :all:\nconstraint = ci/constraints.txt\nempty =\n";

    #[test]
    fn lists_go_on_over_lines() {
        let contents = read(CONFIG);
        let places: Vec<_> = contents
            .places
            .iter()
            .map(|place| (place.role, &CONFIG[place.url_at.clone()]))
            .collect();
        assert_eq!(
            places,
            [
                (PlaceRole::Default, "https://a.example/simple"),
                (PlaceRole::Merged, "https://b.example/simple"),
                (PlaceRole::Merged, "https://b.example/simple"),
                (PlaceRole::Merged, "https://c.example/"),
            ]
        );
        let settings: Vec<_> = contents
            .settings
            .iter()
            .map(|setting| (setting.key.as_str(), setting.value.as_str()))
            .collect();
        assert_eq!(
            settings,
            [("trusted-host", "b.example"), ("no-binary", ":all:")]
        );
        assert_eq!(contents.included[0].path, "ci/constraints.txt");
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

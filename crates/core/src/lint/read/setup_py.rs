//! `setup.py`, as far as the arguments of `setup(…)` are literal. Nothing is evaluated; which calls there are
//! is the parser's.

use super::requirement::{Purpose, wanted};
use crate::lint::contents::{Contents, Place, PlaceRole, Role, Tool, Unread};
use crate::lint::python::{PythonCall, PythonLiteral, PythonValue};
use crate::lint::syntax::{Spelled, spelled::Escapes};

/// What the calls of the file say.
pub(super) fn read(text: &str, calls: &[PythonCall]) -> Contents {
    let mut contents = Contents::default();
    for call in calls.iter().filter(|call| call.last_name() == "setup") {
        for (keyword, role) in [
            ("install_requires", Role::Runtime),
            ("setup_requires", Role::Build),
            ("tests_require", Role::Development),
            ("extras_require", Role::Runtime),
        ] {
            if let Some(value) = call.keyword(keyword) {
                requirements(text, (keyword, value), role, &mut contents);
            }
        }
        if let Some(links) = call.keyword("dependency_links") {
            each(text, links, &mut |spelled| {
                contents.places.push(link(&spelled))
            });
        }
    }
    contents
}

fn requirements(
    text: &str,
    (keyword, value): (&str, &PythonValue),
    role: Role,
    contents: &mut Contents,
) {
    let purpose = Purpose {
        role,
        tool: Tool::Setuptools,
        by: None,
    };
    let is_known = each(text, value, &mut |spelled| {
        for line in lines(&spelled) {
            contents.wanted.push(wanted(&line, purpose));
        }
    });
    if !is_known {
        contents.unread.push(Unread {
            at: Some(value.at.clone()),
            why: format!("`{keyword}` is computed when the file runs"),
        });
    }
}

/// setuptools also takes a text with a requirement a line.
fn lines(spelled: &Spelled) -> Vec<Spelled> {
    let text = spelled.as_str();
    let mut from = 0;
    let mut found = Vec::new();
    for line in text.split_inclusive('\n') {
        let start = from + line.len() - line.trim_start().len();
        from += line.len();
        let said = line.trim();
        if !said.is_empty() && !said.starts_with('#') {
            found.push(spelled.part(start..start + said.len()));
        }
    }
    found
}

fn link(spelled: &Spelled) -> Place {
    Place {
        url: spelled.as_str().to_owned(),
        url_at: spelled.at(),
        at: spelled.at(),
        role: PlaceRole::FindLinks,
        name: None,
        tool: Tool::Setuptools,
        by: None,
    }
}

/// Hands on every text in lists and tables, and says whether that was all of it.
fn each(text: &str, value: &PythonValue, take: &mut dyn FnMut(Spelled)) -> bool {
    match &value.is {
        PythonLiteral::Text(said) => {
            take(spelled(text, said, value));
            true
        }
        PythonLiteral::List(items) => each_of(text, items.iter(), take),
        PythonLiteral::Table(entries) => {
            let values = entries.iter().map(|(_, value)| value);
            each_of(text, values, take)
        }
        PythonLiteral::Nothing => true,
        PythonLiteral::Boolean(_) | PythonLiteral::Other => false,
    }
}

fn each_of<'v>(
    text: &str,
    values: impl Iterator<Item = &'v PythonValue>,
    take: &mut dyn FnMut(Spelled),
) -> bool {
    let mut is_known = true;
    for value in values {
        is_known &= each(text, value, take);
    }
    is_known
}

/// A text with its places, without the letters before its quotes.
fn spelled(text: &str, said: &str, value: &PythonValue) -> Spelled {
    let written = text.get(value.at.clone()).unwrap_or_default();
    let prefix = written.find(['"', '\'']).unwrap_or(0);
    let is_raw = written[..prefix].contains(['r', 'R']);
    let escapes = match is_raw {
        true => Escapes::None,
        false => Escapes::Backslash,
    };
    let from = value.at.start + prefix;
    let is_within = text.get(from..value.at.end).is_some();
    match is_within {
        true => Spelled::aligned(said, text, from..value.at.end, escapes),
        false => Spelled::otherwise(said, text.len()..text.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(file: &str, quoted: &str, said: &str) -> PythonValue {
        let start = file.find(quoted).expect("there");
        PythonValue {
            is: PythonLiteral::Text(said.to_owned()),
            at: start..start + quoted.len(),
        }
    }

    fn setup(file: &str, keywords: Vec<(&str, PythonValue)>) -> PythonCall {
        let keywords = keywords.into_iter();
        PythonCall {
            function: "setuptools.setup".to_owned(),
            at: 0..file.len(),
            arguments: Vec::new(),
            keywords: keywords
                .map(|(key, value)| (Some(key.to_owned()), value))
                .collect(),
        }
    }

    fn list(items: Vec<PythonValue>) -> PythonValue {
        PythonValue {
            is: PythonLiteral::List(items),
            at: 0..0,
        }
    }

    #[test]
    fn literal_arguments_are_read_with_their_places() {
        let file = "setup(install_requires=[r'flask>=3', \"six\"], extras_require={'x': 'a\\nb'}, \
                    dependency_links=['https://a.example/x'])";
        let table = PythonLiteral::Table(vec![("x".to_owned(), value(file, "'a\\nb'", "a\nb"))]);
        let table = PythonValue {
            is: table,
            at: 0..0,
        };
        let call = setup(
            file,
            vec![
                (
                    "install_requires",
                    list(vec![
                        value(file, "r'flask>=3'", "flask>=3"),
                        value(file, "\"six\"", "six"),
                    ]),
                ),
                ("extras_require", table),
                (
                    "dependency_links",
                    list(vec![value(
                        file,
                        "'https://a.example/x'",
                        "https://a.example/x",
                    )]),
                ),
            ],
        );
        let contents = read(file, &[call]);
        let found: Vec<&str> = contents
            .wanted
            .iter()
            .map(|one| &file[one.at.clone()])
            .collect();
        assert_eq!(found, ["flask>=3", "six", "a", "b"]);
        assert_eq!(
            &file[contents.places[0].url_at.clone()],
            "https://a.example/x"
        );
        assert_eq!(contents.unread, []);
    }

    #[test]
    fn what_is_computed_is_said() {
        let file = "setup(install_requires=read())";
        let computed = PythonValue {
            is: PythonLiteral::Other,
            at: 23..29,
        };
        let contents = read(file, &[setup(file, vec![("install_requires", computed)])]);
        assert_eq!(
            contents.unread[0].why,
            "`install_requires` is computed when the file runs"
        );
        assert_eq!(
            &file[contents.unread[0].at.clone().expect("a place")],
            "read()"
        );
    }

    #[test]
    fn places_outside_of_the_file_are_not_followed() {
        let outside = PythonValue {
            is: PythonLiteral::Text("flask".to_owned()),
            at: 50..90,
        };
        let contents = read("x", &[setup("x", vec![("install_requires", outside)])]);
        assert_eq!(contents.wanted[0].at, 1..1);
    }
}

//! Requirements and constraints files as pip reads them. How lines and options are split is
//! `pypi::requirements_lines`'s; what single requirements say is `requirement`'s.

use super::compiled_header;
use super::options::{Given, option};
use super::requirement::{Purpose, editable, given_hash, wanted};
use crate::lint::contents::{Contents, Included, Role, Tool, Unread};
use crate::lint::syntax::Spelled;
use crate::pypi::requirements_lines::{LineOption, logical_lines, options, options_start};

/// The most lines that are read.
const MAX_LINES: usize = 200_000;

/// The longest logical line that is read, in bytes: a few thousand hashes.
const MAX_LINE: usize = 1 << 20;

/// Words in paths that say that a file is not for running the project.
const DEVELOPMENT: &[&str] = &[
    "bench",
    "benchmark",
    "benchmarks",
    "check",
    "checks",
    "ci",
    "coverage",
    "debug",
    "dev",
    "devel",
    "develop",
    "development",
    "doc",
    "docs",
    "documentation",
    "e2e",
    "example",
    "examples",
    "format",
    "formatting",
    "lint",
    "linter",
    "linters",
    "linting",
    "local",
    "mypy",
    "nox",
    "pre",
    "precommit",
    "qa",
    "quality",
    "release",
    "sphinx",
    "style",
    "test",
    "testing",
    "tests",
    "tox",
    "tutorial",
    "tutorials",
    "typecheck",
    "typing",
];

/// What the file at `path` says.
pub(super) fn read(path: &str, text: &str) -> Contents {
    let mut contents = Contents {
        lock: compiled_header::read(text),
        ..Contents::default()
    };
    let purpose = Purpose {
        role: role(path),
        tool: Tool::Pip,
        by: None,
    };
    for (number, logical) in logical_lines(text).enumerate() {
        if number == MAX_LINES {
            contents.unread.push(Unread {
                at: None,
                why: format!("it has more than {MAX_LINES} lines"),
            });
            break;
        }
        let spelled = Spelled::of_runs(logical.text, logical.runs, logical.end);
        line(&spelled, purpose, &mut contents);
    }
    contents
}

/// Takes one logical line, without its comment: what pip reads in a file, and conda in its list for pip.
pub(super) fn line(spelled: &Spelled, purpose: Purpose, contents: &mut Contents) {
    let text = spelled.as_str();
    if text.len() > MAX_LINE {
        let why = format!("the line is longer than {MAX_LINE} bytes");
        return unread(spelled, 0..0, why, contents);
    }
    let (options, refused) = options(text);
    for one in refused {
        unread(spelled, one.at, one.why, contents);
    }
    let end = text[..options_start(text)].trim_end().len();
    if end == 0 {
        for given in &options {
            of_file(spelled, given, purpose, contents);
        }
        return;
    }
    let mut found = wanted(&spelled.part(0..end), purpose);
    for given in &options {
        match given.name {
            "hash" => found.hashes.push(given_hash(&value(spelled, given))),
            "config-settings" | "global-option" | "install-option" => {
                setting(spelled, given, purpose, contents);
            }
            name => {
                let why = format!("`--{name}` is not read on the line of a requirement");
                unread(spelled, given.at.clone(), why, contents);
            }
        }
    }
    contents.wanted.push(found);
}

fn of_file(spelled: &Spelled, given: &LineOption, purpose: Purpose, contents: &mut Contents) {
    match given.name {
        "editable" => contents
            .wanted
            .push(editable(&value(spelled, given), purpose)),
        "requirement" => contents
            .included
            .push(included(spelled, given, purpose.role, purpose)),
        "constraint" => {
            contents
                .included
                .push(included(spelled, given, Role::Constraint, purpose));
        }
        "hash" => {
            let why = "a hash belongs to the line of its requirement".to_owned();
            unread(spelled, given.at.clone(), why, contents);
        }
        _ => setting(spelled, given, purpose, contents),
    }
}

fn included(spelled: &Spelled, given: &LineOption, role: Role, purpose: Purpose) -> Included {
    Included {
        path: given.value.clone().unwrap_or_default(),
        at: spelled.place(given.value_at.clone()),
        role,
        by: purpose.by,
    }
}

fn setting(spelled: &Spelled, given: &LineOption, purpose: Purpose, contents: &mut Contents) {
    let given = Given {
        tool: purpose.tool,
        key: given.name,
        value: given.value.as_deref().unwrap_or("true"),
        at: spelled.place(given.at.clone()),
        value_at: spelled.place(given.value_at.clone()),
        by: purpose.by,
    };
    option(given, contents);
}

/// The value of an option with its place. Quotes and escapes within it make its place that of all of it.
fn value(spelled: &Spelled, given: &LineOption) -> Spelled {
    let written = spelled.part(given.value_at.clone());
    match &given.value {
        Some(value) if value != written.as_str() => Spelled::otherwise(value, written.at()),
        _ => written,
    }
}

fn unread(spelled: &Spelled, at: std::ops::Range<usize>, why: String, contents: &mut Contents) {
    contents.unread.push(Unread {
        at: Some(spelled.place(at)),
        why,
    });
}

/// What a requirements file is for, by its path.
pub(super) fn role(path: &str) -> Role {
    let lower = path.to_ascii_lowercase();
    let name = lower.rsplit('/').next().unwrap_or_default();
    let mut words = lower.split(|c: char| !c.is_ascii_alphanumeric());
    if name.contains("constraint") {
        Role::Constraint
    } else if words.any(|word| DEVELOPMENT.contains(&word)) {
        Role::Development
    } else {
        Role::Runtime
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::lint::contents::{Origin, PlaceRole};

    #[test]
    fn everything_has_its_place() {
        let text = "--index-url https://a.example/ --pre\n-r 'a b.txt'\n-c limits.txt # why\n\
                    flask==3.0 \\\n    --hash=sha256:aa \\\n    --hash md5:bb\n-e .[x]\n\
                    six ; os_name == 'nt' --config-settings=a=b\n";
        let contents = read("requirements.txt", text);
        assert_eq!(contents.unread, []);
        let place = &contents.places[0];
        assert_eq!(&text[place.url_at.clone()], "https://a.example/");
        assert_eq!(&text[place.at.clone()], "--index-url https://a.example/");
        assert_eq!(place.role, PlaceRole::Default);
        let included = contents.included.iter();
        let included: Vec<_> = included
            .map(|one| (&*one.path, &text[one.at.clone()], one.role))
            .collect();
        assert_eq!(
            included,
            [
                ("a b.txt", "'a b.txt'", Role::Runtime),
                ("limits.txt", "limits.txt", Role::Constraint)
            ]
        );
        let spelled: Vec<&str> = contents
            .wanted
            .iter()
            .map(|one| &text[one.at.clone()])
            .collect();
        assert_eq!(spelled, ["flask==3.0", ".[x]", "six ; os_name == 'nt'"]);
        let hashes: Vec<&str> = contents.wanted[0]
            .hashes
            .iter()
            .map(|one| &text[one.at.clone()])
            .collect();
        assert_eq!(hashes, ["sha256:aa", "md5:bb"]);
        let keys: Vec<&str> = contents.settings.iter().map(|one| &*one.key).collect();
        assert_eq!(keys, ["pre", "config-settings"]);
    }

    #[test]
    fn what_pip_does_not_read_is_said() {
        for (text, expected) in [
            (
                "flask --pre",
                "`--pre` is not read on the line of a requirement",
            ),
            (
                "--pre flask",
                "`flask` stands behind an option, where it is not read",
            ),
            (
                "--hash=sha256:aa",
                "a hash belongs to the line of its requirement",
            ),
            (
                "--no-such",
                "`--no-such` is no option of a requirements file",
            ),
        ] {
            let contents = read("requirements.txt", text);
            assert_eq!(contents.unread[0].why, expected, "{text}");
        }
    }

    #[test]
    fn a_shortened_option_is_the_option() {
        let contents = read("requirements.txt", "--extra https://a.example/\n");
        assert_eq!(contents.places[0].role, PlaceRole::Merged);
    }

    #[test]
    fn a_path_tells_what_it_is_for() {
        for (path, expected) in [
            ("requirements.txt", Role::Runtime),
            ("requirements/prod.txt", Role::Runtime),
            ("requirements-dev.txt", Role::Development),
            ("docs/requirements.txt", Role::Development),
            ("requirements_test_all.txt", Role::Development),
            ("latest/requirements.txt", Role::Runtime),
            ("app/constraints-3.11.txt", Role::Constraint),
        ] {
            assert_eq!(role(path), expected, "{path}");
        }
    }

    #[test]
    fn a_byte_order_mark_and_line_ends_of_any_kind_are_no_part_of_it() {
        let text = "\u{feff}flask==1\r\nsix==2\rattrs==3\n";
        let contents = read("requirements.txt", text);
        let spelled: Vec<&str> = contents
            .wanted
            .iter()
            .map(|one| &text[one.at.clone()])
            .collect();
        assert_eq!(spelled, ["flask==1", "six==2", "attrs==3"]);
        assert!(
            contents
                .wanted
                .iter()
                .all(|one| matches!(one.origin, Origin::Index(_)))
        );
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(text in any::<String>(), tail in "([-a-z=\"' .#\\\\/:@é;$]|\n|\r){0,80}") {
            for text in [&text, &tail] {
                let contents = read("requirements.txt", text);
                for wanted in &contents.wanted {
                    prop_assert!(text.get(wanted.at.clone()).is_some());
                }
                for one in contents.unread.iter().filter_map(|one| one.at.clone()) {
                    prop_assert!(text.get(one).is_some());
                }
            }
        }
    }
}

//! Which options of an installer have a value, by the installer's own parser: an option with a value takes the
//! next word, however it is spelled, and one without leaves it alone. Else a value would be taken for a
//! requirement, or a requirement for a value.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use portcullis_core::lint::contents::Contents;
use portcullis_core::lint::{FileKind, ProjectFile};
use serde::Deserialize;

use crate::clients;

/// The options of a verb.
#[derive(Deserialize)]
struct Options {
    values: BTreeSet<String>,
    flags: BTreeSet<String>,
}

/// A program, and each command whose options are compared: how the program names the verb, and how people do.
struct Asked {
    client: &'static str,
    program: &'static str,
    verbs: &'static [(&'static str, &'static str)],
}

const ASKED: &[Asked] = &[
    Asked {
        client: "pip",
        program: "pip",
        verbs: &[
            ("install", "pip install"),
            ("download", "pip download"),
            ("wheel", "pip wheel"),
            ("lock", "pip lock"),
        ],
    },
    Asked {
        client: "pip-23.2",
        program: "pip",
        verbs: &[
            ("install", "pip install"),
            ("download", "pip download"),
            ("wheel", "pip wheel"),
        ],
    },
    Asked {
        client: "uv",
        program: "uv",
        verbs: &[
            ("pip install", "uv pip install"),
            ("pip sync", "uv pip sync"),
            ("pip compile", "uv pip compile"),
            ("sync", "uv sync"),
            ("lock", "uv lock"),
            ("add", "uv add"),
            ("run", "uv run"),
            ("tool run", "uv tool run"),
            ("tool run", "uvx"),
            ("tool install", "uv tool install"),
            ("publish", "uv publish"),
            ("build", "uv build"),
        ],
    },
    Asked {
        client: "poetry",
        program: "poetry",
        verbs: &[
            ("install", "poetry install"),
            ("sync", "poetry sync"),
            ("add", "poetry add"),
            ("lock", "poetry lock"),
            ("update", "poetry update"),
            ("publish", "poetry publish"),
            ("source add", "poetry source add"),
            ("self add", "poetry self add"),
        ],
    },
    Asked {
        client: "pdm",
        program: "pdm",
        verbs: &[
            ("install", "pdm install"),
            ("sync", "pdm sync"),
            ("add", "pdm add"),
            ("lock", "pdm lock"),
            ("update", "pdm update"),
            ("publish", "pdm publish"),
        ],
    },
    Asked {
        client: "pipenv",
        program: "pipenv",
        verbs: &[
            ("install", "pipenv install"),
            ("sync", "pipenv sync"),
            ("update", "pipenv update"),
            ("upgrade", "pipenv upgrade"),
            ("lock", "pipenv lock"),
        ],
    },
    Asked {
        client: "twine",
        program: "twine",
        verbs: &[("upload", "twine upload")],
    },
    Asked {
        client: "hatch",
        program: "hatch",
        verbs: &[("publish", "hatch publish")],
    },
    Asked {
        client: "flit",
        program: "flit",
        verbs: &[("publish", "flit publish"), ("install", "flit install")],
    },
    Asked {
        client: "tools",
        program: "pipx",
        verbs: &[
            ("install", "pipx install"),
            ("run", "pipx run"),
            ("inject", "pipx inject environment"),
        ],
    },
    Asked {
        client: "tools",
        program: "tox",
        verbs: &[("run", "tox"), ("legacy", "tox")],
    },
    Asked {
        client: "tools",
        program: "nox",
        verbs: &[("", "nox")],
    },
    Asked {
        client: "tools",
        program: "pip-compile",
        verbs: &[
            ("compile", "pip-compile"),
            ("sync", "pip-sync"),
            ("compile", "python -m piptools compile"),
            ("sync", "python -m piptools sync"),
        ],
    },
];

#[test]
fn options_have_a_value_where_they_have_one_for_the_installer() {
    let Some(clients) = clients::folder() else {
        return;
    };
    let mut differences = Vec::new();
    let mut compared = 0;
    for asked in ASKED {
        let theirs = dumped(
            &clients.join(asked.client).join("bin/python"),
            asked.program,
        );
        for (verb, command) in asked.verbs {
            let options = &theirs[*verb];
            assert!(!options.values.is_empty() && !options.flags.is_empty());
            compared += options.values.len() + options.flags.len();
            differences.extend(
                options
                    .values
                    .iter()
                    .filter_map(|one| of_value(command, one)),
            );
            // nox has a few of several letters behind one dash, of which nothing is installed.
            let flags = options
                .flags
                .iter()
                .filter(|one| one.starts_with("--") || one.len() == 2);
            differences.extend(flags.filter_map(|one| of_flag(command, one)));
        }
    }
    eprintln!("{compared} options compared");
    assert!(
        differences.is_empty(),
        "{} differences:\n{}",
        differences.len(),
        differences.join("\n")
    );
}

/// The options of pip that say where packages come from and whether they are checked.
const ABBREVIATED: [&str; 10] = [
    "--extra-index-url",
    "--index-url",
    "--find-links",
    "--trusted-host",
    "--constraint",
    "--editable",
    "--no-binary",
    "--only-binary",
    "--cert",
    "--proxy",
];

#[test]
fn pip_knows_options_by_their_beginnings_and_so_do_we() {
    let Some(clients) = clients::folder() else {
        return;
    };
    let theirs = dumped(&clients.join("pip/bin/python"), "pip");
    let options = &theirs["install"];
    let all = || options.values.iter().chain(&options.flags);
    for option in ABBREVIATED {
        let beginnings = (3..option.len()).map(|length| &option[..length]);
        let (known, unknown): (Vec<&str>, Vec<&str>) =
            beginnings.partition(|one| all().filter(|other| other.starts_with(*one)).count() == 1);
        assert!(!known.is_empty(), "{option}");
        for beginning in known {
            for (sign, rest) in [(" ", "value-x word-y"), ("=", "value-x word-y")] {
                let whole = told(&format!("pip install {option}{sign}{rest}"));
                let short = told(&format!("pip install {beginning}{sign}{rest}"));
                assert_eq!(short, whole, "{beginning}{sign}");
            }
        }
        for beginning in unknown {
            let flag = told(&format!("pip install {beginning} word-y"));
            assert!(flag.contains(&"wants word-y".to_owned()), "{beginning}");
        }
    }
}

fn dumped(python: &Path, program: &str) -> BTreeMap<String, Options> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/options/dump.py");
    let output = Command::new(python)
        .args([script, program])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program}: {said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What a command line says, without places.
fn told(line: &str) -> Vec<String> {
    let kind = FileKind::of("a.sh").unwrap();
    let contents: Contents = ProjectFile::read("a.sh", kind, format!("{line}\n"), &[]).contents;
    let settings = contents.settings.iter();
    let settings = settings.map(|one| format!("{}={}", one.key, one.value));
    let places = contents.places.iter();
    let places = places.map(|one| format!("{:?} {}", one.role, one.url));
    let wanted = contents
        .wanted
        .iter()
        .map(|one| format!("wants {}", one.spelled));
    let included = contents
        .included
        .iter()
        .map(|one| format!("reads {}", one.path));
    let mut told: Vec<String> = settings
        .chain(places)
        .chain(wanted)
        .chain(included)
        .collect();
    told.sort();
    told
}

/// An option with a value says the same in both spellings.
fn of_value(command: &str, option: &str) -> Option<String> {
    let apart = told(&format!("{command} {option} value-x word-y"));
    let joined = match option.starts_with("--") {
        true => format!("{command} {option}=value-x word-y"),
        false if option.len() == 2 => format!("{command} {option}value-x word-y"),
        false => format!("{command} {option} value-x word-y"),
    };
    let joined = told(&joined);
    let is_heard = apart.iter().any(|one| one.contains("value-x"));
    (!is_heard || apart != joined).then(|| {
        format!("{command} {option} has a value:\n  apart  {apart:?}\n  joined {joined:?}")
    })
}

/// One without a value leaves the next word what it is.
fn of_flag(command: &str, option: &str) -> Option<String> {
    let with = told(&format!("{command} {option} word-y"));
    let without = told(&format!("{command} word-y"));
    let mentions = |told: &[String]| -> Vec<String> {
        let mentioning = told.iter().filter(|one| one.contains("word-y"));
        mentioning.cloned().collect()
    };
    (mentions(&with) != mentions(&without))
        .then(|| format!("{command} {option} has no value: {with:?}"))
}

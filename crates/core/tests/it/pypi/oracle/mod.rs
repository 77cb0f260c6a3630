//! Python's own `packaging` and `email` as oracles: over thousands of generated inputs we give the
//! answer that installers give, or the difference stands in a table with its reason.
//!
//! The interpreter is `PORTCULLIS_PYTHON`, or else `python3`, with `packaging` installed or the
//! copy inside pip. Without one the test fails.

mod cases;

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::str::FromStr as _;

use serde::Deserialize;
use serde_json::{Value, json};

use cases::Cases;
use portcullis_core::pypi::filename::{DistFilename, DistKind};
use portcullis_core::pypi::metadata::CoreMetadata;
use portcullis_core::pypi::name::{MAX_NAME_LENGTH, ProjectName};
use portcullis_core::pypi::version::{Version, VersionSpecifiers, admits};

/// A difference that is meant: on which inputs, with which versions of the library, and why.
struct Difference {
    applies: fn(&str) -> bool,
    before: Option<&'static str>,
    #[expect(dead_code, reason = "it is there to be read")]
    reason: &'static str,
}

const HUGE_NUMBERS: Difference = Difference {
    applies: |text| {
        text.split(|c: char| !c.is_ascii_digit())
            .any(|run| run.len() > 18)
    },
    before: None,
    reason: "numbers are 64 bits wide here, as in uv, and endless in Python",
};

const FOREIGN_WHITE_SPACE: Difference = Difference {
    applies: |text| text.contains('\u{a0}'),
    before: None,
    reason: "around a version Python drops the white space of any alphabet, here only ASCII's",
};

const CONTROL_CHARACTERS: Difference = Difference {
    applies: |text| text.contains(char::is_control),
    before: None,
    reason: "no file name here holds control characters; Python drops some of them",
};

const DIFFERENCES_IN_NAMES: &[Difference] = &[Difference {
    applies: |text| text.len() > MAX_NAME_LENGTH,
    before: None,
    reason: "names are bounded here, and not in Python",
}];

const DIFFERENCES_IN_VERSIONS: &[Difference] = &[HUGE_NUMBERS, FOREIGN_WHITE_SPACE];

const DIFFERENCES_IN_SPECIFIERS: &[Difference] = &[
    Difference {
        applies: |case| {
            let operands = case.split('|').next().unwrap_or_default().split(',');
            let stages = ["a", "b", "rc", "post"];
            let mut wildcards = operands.filter(|operand| operand.contains(".*"));
            wildcards.any(|operand| stages.iter().any(|stage| operand.contains(stage)))
        },
        before: Some("22"),
        reason: "PEP 440 has no wildcard behind a pre-release or post-release",
    },
    Difference {
        applies: |case| case.contains('!') && [".*", "~="].iter().any(|sign| case.contains(sign)),
        before: Some("24"),
        reason: "the library compared a prefix's epoch as if it were part of the release",
    },
    Difference {
        applies: |case| case.contains('>') && case.contains("post"),
        before: Some("26.3"),
        reason: "the library took a post-release of the final release for one of its pre-releases",
    },
    Difference {
        applies: |case| case.contains('<') && case.contains("post"),
        before: Some("26.3"),
        reason: "the library took a pre-release of a release for one of its post-releases",
    },
    Difference {
        applies: |case| case.contains('>') && case.contains('+'),
        before: Some("26.3"),
        reason: "the library took any local version of a release for one of its bound",
    },
];

const DIFFERENCES_IN_WHEELS: &[Difference] = &[
    HUGE_NUMBERS,
    FOREIGN_WHITE_SPACE,
    CONTROL_CHARACTERS,
    Difference {
        applies: |text| {
            text.split('-')
                .next()
                .is_some_and(|name| name.contains("__"))
        },
        before: None,
        reason: "Python refuses two underscores in a row, which pip installs and old wheels have",
    },
    Difference {
        applies: |text| {
            text.split('-')
                .next()
                .is_none_or(|name| ProjectName::new(name).is_err())
        },
        before: None,
        reason: "Python lets other alphabets and an underscore in front pass in the name",
    },
    Difference {
        applies: |text| text.contains("--"),
        before: Some("26.3"),
        reason: "the library took an empty tag for a tag",
    },
];

const DIFFERENCES_IN_SDISTS: &[Difference] = &[
    HUGE_NUMBERS,
    FOREIGN_WHITE_SPACE,
    CONTROL_CHARACTERS,
    Difference {
        applies: |text| text.matches('-').count() > 1,
        before: None,
        reason: "old sdists have dashes in their versions, which Python does not look for",
    },
    Difference {
        applies: |text| {
            ProjectName::new(text.rsplit_once('-').map_or("", |(name, _)| name)).is_err()
        },
        before: None,
        reason: "Python does not check the name before the last dash",
    },
];

impl Difference {
    fn explains(&self, case: &str, library: &Version) -> bool {
        let concerned = |before: &str| *library < Version::from_str(before).unwrap();
        self.before.is_none_or(concerned) && (self.applies)(case)
    }
}

#[derive(Deserialize)]
struct Answers {
    library: String,
    name: Vec<Value>,
    normalised: Vec<Value>,
    order: Vec<Value>,
    admits: Vec<Value>,
    wheel: Vec<Value>,
    sdist: Vec<Value>,
    metadata: Vec<Value>,
}

fn ask(cases: &Cases) -> Answers {
    let python = std::env::var("PORTCULLIS_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let mut child = Command::new(&python)
        .args(["-I", "-c", include_str!("ask.py")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{python} does not start: {error}"));
    let asked = json!({
        "name": cases.names,
        "normalised": cases.versions,
        "order": cases.pairs,
        "admits": cases.specifiers,
        "wheel": cases.wheels,
        "sdist": cases.sdists,
        "metadata": cases.metadata,
    });
    child
        .stdin
        .take()
        .unwrap()
        .write_all(asked.to_string().as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "{python} failed; is there a 'packaging' or a pip?"
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What was found so far: every difference that nobody has given a reason for.
struct Comparison {
    library: Version,
    unexplained: Vec<String>,
}

impl Comparison {
    /// Compares answers one by one.
    fn of<T>(
        &mut self,
        question: &str,
        differences: &[Difference],
        (asked, theirs): (&[T], &[Value]),
        answer: impl Fn(&T) -> (String, Value),
    ) {
        assert_eq!(asked.len(), theirs.len());
        for (case, theirs) in asked.iter().zip(theirs) {
            let (case, ours) = answer(case);
            let explained = || {
                differences
                    .iter()
                    .any(|difference| difference.explains(&case, &self.library))
            };
            if ours != *theirs && !explained() {
                self.unexplained
                    .push(format!("{question} {case:?}: ours {ours}, theirs {theirs}"));
            }
        }
    }
}

/// Gives an answer together with the question.
fn told(answer: fn(&str) -> Value) -> impl Fn(&String) -> (String, Value) {
    move |case| (case.clone(), answer(case))
}

type Pair = (String, String);

fn told_of_both(answer: fn(&Pair) -> Value) -> impl Fn(&Pair) -> (String, Value) {
    move |case| (format!("{} | {}", case.0, case.1), answer(case))
}

fn our_name(text: &str) -> Value {
    json!(ProjectName::new(text).ok())
}

fn our_version(text: &str) -> Value {
    json!(
        Version::from_str(text)
            .ok()
            .map(|version| version.to_string())
    )
}

fn our_order((left, right): &Pair) -> Value {
    match (Version::from_str(left), Version::from_str(right)) {
        (Ok(left), Ok(right)) => json!(left.cmp(&right) as i8),
        _ => Value::Null,
    }
}

fn our_admission((specifiers, version): &Pair) -> Value {
    match (
        VersionSpecifiers::from_str(specifiers),
        Version::from_str(version),
    ) {
        (Ok(specifiers), Ok(version)) => json!(admits(&specifiers, &version)),
        _ => Value::Null,
    }
}

fn our_wheel(text: &str) -> Value {
    let Ok(parsed) = DistFilename::parse(text, None) else {
        return Value::Null;
    };
    let (DistKind::Wheel(tags), Some(name), Some(version)) =
        (parsed.kind(), parsed.project(), parsed.version())
    else {
        return Value::Null;
    };
    let mut triples = Vec::new();
    for python in tags.python.split('.') {
        for abi in tags.abi.split('.') {
            for platform in tags.platform.split('.') {
                triples.push(format!("{python}-{abi}-{platform}").to_lowercase());
            }
        }
    }
    triples.sort();
    triples.dedup();
    // Python reads the digits in front of a build number as a number.
    let build = tags.build.as_deref().map(|build| {
        let trimmed = build.trim_start_matches('0');
        if trimmed.starts_with(|c: char| c.is_ascii_digit()) {
            trimmed.to_owned()
        } else {
            format!("0{trimmed}")
        }
    });
    json!([name.as_str(), version.to_string(), build, triples])
}

fn our_sdist(text: &str) -> Value {
    match DistFilename::parse(text, None) {
        Ok(parsed) => match (parsed.kind(), parsed.project(), parsed.version()) {
            (DistKind::Sdist, Some(name), Some(version)) => {
                json!([name.as_str(), version.to_string()])
            }
            _ => Value::Null,
        },
        Err(_) => Value::Null,
    }
}

/// Python answers with all values of the headers; what we take out of them must be all there is.
fn check_metadata(unexplained: &mut Vec<String>, text: &str, theirs: &Value) {
    let values = |field: &str| -> Vec<&str> {
        theirs[field]
            .as_array()
            .unwrap()
            .iter()
            .map(|value| value.as_str().unwrap())
            .collect()
    };
    let (names, versions, requirements) =
        (values("Name"), values("Version"), values("Requires-Dist"));
    let usable = names.len() == 1
        && versions.len() == 1
        && ProjectName::new(names[0]).is_ok()
        && Version::from_str(versions[0]).is_ok();
    let agreed = match CoreMetadata::parse(text.as_bytes()) {
        Err(_) => !usable,
        Ok(ours) => {
            let in_one_line = |text: &&str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            let present = requirements
                .iter()
                .map(in_one_line)
                .filter(|text| !text.is_empty());
            let ours_in_one_line = ours.requires_dist.iter().map(|text| in_one_line(&&**text));
            usable
                && *ours.name_text == *names[0]
                && *ours.version_text == *versions[0]
                && ours_in_one_line.eq(present)
        }
    };
    if !agreed {
        let ours = CoreMetadata::parse(text.as_bytes());
        unexplained.push(format!("metadata {text:?}: ours {ours:?}, theirs {theirs}"));
    }
}

#[test]
fn installers_and_we_give_the_same_answers() {
    let cases = Cases::generate();
    let answers = ask(&cases);
    let library = Version::from_str(&answers.library).unwrap();
    let mut all = Comparison {
        library,
        unexplained: Vec::new(),
    };
    let Answers {
        name,
        normalised,
        order,
        admits,
        wheel,
        sdist,
        ..
    } = &answers;
    all.of(
        "name",
        DIFFERENCES_IN_NAMES,
        (&cases.names, name),
        told(our_name),
    );
    all.of(
        "version",
        DIFFERENCES_IN_VERSIONS,
        (&cases.versions, normalised),
        told(our_version),
    );
    all.of("order", &[], (&cases.pairs, order), told_of_both(our_order));
    let specifiers = (cases.specifiers.as_slice(), admits.as_slice());
    all.of(
        "specifier",
        DIFFERENCES_IN_SPECIFIERS,
        specifiers,
        told_of_both(our_admission),
    );
    all.of(
        "wheel",
        DIFFERENCES_IN_WHEELS,
        (&cases.wheels, wheel),
        told(our_wheel),
    );
    all.of(
        "sdist",
        DIFFERENCES_IN_SDISTS,
        (&cases.sdists, sdist),
        told(our_sdist),
    );
    for (text, theirs) in cases.metadata.iter().zip(&answers.metadata) {
        check_metadata(&mut all.unexplained, text, theirs);
    }
    let shown: Vec<&str> = all
        .unexplained
        .iter()
        .take(40)
        .map(String::as_str)
        .collect();
    let count = all.unexplained.len();
    assert!(
        count == 0,
        "{count} differences from {}:\n{}",
        answers.library,
        shown.join("\n")
    );
}

//! `requirements.txt` line by line, as pip reads it: requirements with their hashes, the files that are
//! named for further reading, and what keeps a line from naming releases of an index. How lines are split is
//! `requirements_lines`'s; nothing that is named here is opened, and what a file locks by pins alone is
//! `lockfile`'s.

use super::lockfile::MAX_LOCK_ENTRIES;
use super::requirement::{InvalidRequirement, Requirement};
use super::requirements_lines::{LineOption, logical_lines, options, requirement_part};
use crate::digest::Sha256;

/// A line that says something. Comments and empty lines say nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequirementsLine {
    /// Where it begins (1-based): a line may go on behind a backslash.
    pub number: u32,
    /// What it says.
    pub says: Says,
}

/// What a line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Says {
    /// Releases of a project.
    Wanted {
        /// Which.
        requirement: Requirement,
        /// The SHA-256 digests of the files that are allowed; none where the line gives none.
        hashes: Vec<Sha256>,
    },
    /// Another file of this form is part of this one (`-r`).
    Requirements(String),
    /// A file of this form narrows down what this one names (`-c`).
    Constraints(String),
    /// Files may come from another place than the installer's index: `-i`, `--extra-index-url`, `-f`.
    Place(String),
    /// Pre-releases count as releases (`--pre`).
    PreReleases,
    /// The project that the file belongs to (`-e .`).
    Itself,
    /// An option that does not change which releases are named.
    Option,
    /// It names something, and no releases of an index.
    Unusable(Unusable),
}

/// Why a line names no releases of an index.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// Longer than any honest line.
    #[error("the line is longer than {MAX_LINE} bytes")]
    TooLong,
    /// A folder or file.
    #[error("it names a path, not a release of an index")]
    Path,
    /// Hashes, and none that can be checked here.
    #[error("it gives hashes, and no SHA-256 among them")]
    OtherHashes,
    /// Not what PEP 508 describes, or a URL.
    #[error(transparent)]
    Requirement(#[from] InvalidRequirement),
}

/// More lines than are read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the file has more than {MAX_LOCK_ENTRIES} lines that say something")]
pub struct TooManyLines;

/// The longest logical line that is read, in bytes: a few thousand hashes.
const MAX_LINE: usize = 1 << 20;

/// Reads the text of a file.
///
/// # Errors
/// [`TooManyLines`].
pub fn parse(text: &str) -> Result<Vec<RequirementsLine>, TooManyLines> {
    let mut lines = Vec::new();
    for line in logical_lines(text) {
        for says in says(&line.text) {
            if lines.len() == MAX_LOCK_ENTRIES {
                return Err(TooManyLines);
            }
            let number = line.number;
            lines.push(RequirementsLine { number, says });
        }
    }
    Ok(lines)
}

fn says(line: &str) -> Vec<Says> {
    if line.len() > MAX_LINE {
        return vec![Says::Unusable(Unusable::TooLong)];
    }
    let (options, refused) = options(line);
    let requirement = requirement_part(line);
    if requirement.is_empty() {
        let says = options.iter().map(option);
        return says.chain(refused.iter().map(|_| Says::Option)).collect();
    }
    if matches!(requirement, "." | "./") {
        return vec![Says::Itself];
    }
    if is_path(requirement) {
        return vec![Says::Unusable(Unusable::Path)];
    }
    match wanted(requirement, &options) {
        Ok(says) => vec![says],
        Err(unusable) => vec![Says::Unusable(unusable)],
    }
}

/// What pip takes for a path before it tries to read a requirement.
fn is_path(text: &str) -> bool {
    let is_relative = text.starts_with(['.', '/', '\\', '~']);
    is_relative
        || (text.contains(['/', '\\']) && !text.contains(['@', ';']) && !text.contains("://"))
}

fn wanted(requirement: &str, options: &[LineOption]) -> Result<Says, Unusable> {
    let requirement = requirement.parse::<Requirement>()?;
    let given = options.iter().filter(|option| option.name == "hash");
    let given: Vec<&str> = given.filter_map(|option| option.value.as_deref()).collect();
    let digests = given.iter().filter_map(|hash| hash.strip_prefix("sha256:"));
    let hashes: Vec<Sha256> = digests.filter_map(|digest| digest.parse().ok()).collect();
    match !given.is_empty() && hashes.is_empty() {
        true => Err(Unusable::OtherHashes),
        false => Ok(Says::Wanted {
            requirement,
            hashes,
        }),
    }
}

fn option(option: &LineOption) -> Says {
    let value = || option.value.clone().unwrap_or_default();
    match option.name {
        "requirement" => Says::Requirements(value()),
        "constraint" => Says::Constraints(value()),
        "index-url" | "extra-index-url" | "find-links" => Says::Place(value()),
        "pre" => Says::PreReleases,
        "editable" if matches!(&*value(), "." | "./") => Says::Itself,
        "editable" => Says::Unusable(Unusable::Path),
        _ => Says::Option,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DIGEST: &str = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";

    fn one(text: &str) -> Says {
        let mut lines = parse(text).expect(text);
        assert_eq!(lines.len(), 1, "{text}: {lines:?}");
        lines.remove(0).says
    }

    fn wanted(requirement: &str, hashes: usize) -> Says {
        Says::Wanted {
            requirement: requirement.parse().expect(requirement),
            hashes: vec![DIGEST.parse().expect("a digest"); hashes],
        }
    }

    #[test]
    fn every_form_of_a_line_says_one_thing() {
        let text = |text: &str| text.to_owned();
        for (line, expected) in [
            (
                "flask>=3 ; python_version > '3.8'  # why",
                wanted("flask>=3", 0),
            ),
            ("-r base.txt", Says::Requirements(text("base.txt"))),
            ("-rbase.txt", Says::Requirements(text("base.txt"))),
            (
                "--requirement=\"a b.txt\"",
                Says::Requirements(text("a b.txt")),
            ),
            ("-c ../limits.txt", Says::Constraints(text("../limits.txt"))),
            (
                "--index-url https://a.example/",
                Says::Place(text("https://a.example/")),
            ),
            ("-f ./wheels", Says::Place(text("./wheels"))),
            ("--pre", Says::PreReleases),
            ("--require-hashes", Says::Option),
            ("-e .", Says::Itself),
            (".", Says::Itself),
            ("-e ./other", Says::Unusable(Unusable::Path)),
            ("./other-1.0.tar.gz", Says::Unusable(Unusable::Path)),
            ("vendor/other-1.0.whl", Says::Unusable(Unusable::Path)),
            ("flask --hash=md5:aa", Says::Unusable(Unusable::OtherHashes)),
        ] {
            assert_eq!(one(line), expected, "{line}");
        }
        for line in [
            "flask @ https://a.example/f.whl",
            "git+https://a.example/f",
            "flask =3",
            "?",
        ] {
            let says = one(line);
            assert!(
                matches!(says, Says::Unusable(Unusable::Requirement(_))),
                "{line}: {says:?}"
            );
        }
    }

    #[test]
    fn hashes_stand_on_further_lines() {
        let text =
            format!("flask==3.0 \\\n    --hash=sha256:{DIGEST} \\\n    --hash sha512:aa\n\nx\n");
        let lines = parse(&text).expect("sound");
        assert_eq!(lines[0].says, wanted("flask==3.0", 1));
        assert_eq!((lines[1].number, &lines[1].says), (5, &wanted("x", 0)));
    }

    #[test]
    fn a_file_without_end_is_refused() {
        assert_eq!(
            parse(&"x\n".repeat(MAX_LOCK_ENTRIES + 1)),
            Err(TooManyLines)
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>(), tail in "[-a-z=\" .#\\\\\n/:@]{0,40}") {
            let _ = parse(&text);
            let _ = parse(&format!("-{tail}"));
            let _ = parse(&format!("flask{tail}"));
        }
    }
}

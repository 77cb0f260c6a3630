//! A requirement on a command line. What all of them have in common is read by `requirement`; here is what only
//! command lines know: `NAME@VERSION` of uv and poetry, and `NAME==VERSION` that pipx spells the same.

use std::str::FromStr as _;

use super::grammar::Takes;
use crate::lint::contents::{Origin, Wanted};
use crate::lint::read::requirement::{self, Purpose};
use crate::lint::read::shell::ShellWord;
use crate::pypi::name::ProjectName;
use crate::pypi::version::VersionSpecifiers;

/// What `word` asks for; `takes` says how it is spelled.
pub(super) fn read(word: &ShellWord, takes: Takes, purpose: Purpose) -> Wanted {
    let text = word.as_str();
    let mut wanted = requirement::wanted(&word.text, purpose);
    wanted.partly_known |= word.has_variables;
    let is_versioned = matches!(takes, Takes::Tool | Takes::PoetryRequirements);
    let parts = text.split_once('@').filter(|_| is_versioned);
    let Some((name, version)) = parts else {
        return wanted;
    };
    let bare = name.split('[').next().unwrap_or_default();
    let Ok(name) = ProjectName::new(bare) else {
        return wanted;
    };
    if version.contains(['/', ':']) {
        return wanted;
    }
    wanted.name = Some(name);
    wanted.origin = versions(version);
    wanted
}

/// What is meant behind `@`: a version, `latest`, or a constraint.
fn versions(version: &str) -> Origin {
    let exact = || VersionSpecifiers::from_str(&format!("=={version}"));
    match version {
        "latest" => Origin::Index(VersionSpecifiers::empty()),
        _ => match exact().or_else(|_| VersionSpecifiers::from_str(version)) {
            Ok(specifiers) => Origin::Index(specifiers),
            Err(_) => Origin::Unknown("its constraint is poetry's own".to_owned()),
        },
    }
}

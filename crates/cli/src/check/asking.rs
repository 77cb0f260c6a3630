//! What a gateway or an index says of what is pinned, put into the project. Whoever cannot be asked leaves
//! everything unchecked that it would have been asked about.

use std::collections::BTreeSet;

use portcullis_core::lint::pins::pins;

use super::discovery::Unchecked;
use super::gathering::Gathered;
use crate::context::wait_for;
use crate::gateway::{Means, Wish, preflight};

/// Asks whom `wish` says.
pub(super) fn ask(gathered: &mut Gathered, wish: Wish<'_>) {
    if wish == Wish::Offline || pins(&gathered.project).is_empty() {
        return;
    }
    let project = &gathered.project;
    let asked = wait_for(async {
        match Means::of(wish).await? {
            Some(means) => preflight(project, &means).await.map(Some),
            None => Ok(None),
        }
    });
    let known = match asked {
        Ok(Some(known)) => known,
        Ok(None) => return,
        Err(error) => return nobody_answers(gathered, &error),
    };
    for one in known.unchecked {
        let file = gathered.project.file(&one.path);
        let before = file.and_then(|file| file.text.get(..one.at.start));
        gathered.unchecked.push(Unchecked {
            path: one.path,
            line: before.map(|text| 1 + text.matches('\n').count()),
            why: one.why,
        });
    }
    gathered.project.known = known.releases;
    gathered.project.known_projects = known.projects;
}

/// What is pinned in each file was not judged.
fn nobody_answers(gathered: &mut Gathered, error: &anyhow::Error) {
    let why = error.to_string();
    let why = why.lines().next().unwrap_or_default();
    let paths: BTreeSet<String> = pins(&gathered.project)
        .into_iter()
        .map(|pin| pin.path)
        .collect();
    gathered
        .unchecked
        .extend(paths.into_iter().map(|path| Unchecked {
            path,
            line: None,
            why: format!("what it pins was not judged: {why}"),
        }));
}

//! What a gateway or an index says of what is pinned, and of what could be pinned, put into the project. Whoever
//! cannot be asked leaves everything unchecked that it would have been asked about.

use std::collections::BTreeSet;

use portcullis_core::lint::pins::pins;
use portcullis_core::lint::settling::questions;

use super::discovery::{Part, Unchecked};
use super::gathering::Gathered;
use crate::context::wait_for;
use crate::gateway::{Means, Wish, candidates, preflight};

/// How often answers may lead to further questions: as deep as releases need others.
const DEEPEST: usize = 50;

/// Asks whom `wish` says about the releases that could be written into files, until nothing more is to be asked.
/// Where nobody is to be asked, nothing is known of them.
pub(super) fn ask_for_releases(gathered: &mut Gathered, wish: Wish<'_>) -> anyhow::Result<()> {
    if matches!(wish, Wish::Offline | Wish::Gateway(None)) {
        return Ok(());
    }
    let (project, sources) = (&mut gathered.project, &gathered.sources);
    let is_asked = |path: &str| {
        let source = sources.get(path);
        source.is_some_and(|source| source.found.part == Part::Asked)
    };
    project.candidates.get_or_insert_default();
    let mut next = questions(project, is_asked);
    if next.is_empty() {
        return Ok(());
    }
    wait_for(async {
        let Some(means) = Means::of(wish).await? else {
            return Ok(());
        };
        for _ in 0..DEEPEST {
            if next.is_empty() {
                break;
            }
            let answers = candidates(project, &means, std::mem::take(&mut next)).await?;
            project.candidates.get_or_insert_default().extend(answers);
            next = questions(project, is_asked);
        }
        Ok(())
    })
}

/// Asks whom `wish` says about what is pinned.
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

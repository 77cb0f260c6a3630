//! Where a project names what an index was asked about: for the rules that read what is known of it.

use std::collections::HashMap;

use crate::fact::Fact;
use crate::lint::contents::{Contents, LockedOrigin, Origin, Span};
use crate::lint::project::{KnownProject, KnownRelease, Project, ProjectFile};
use crate::lint::rule::{Finding, Rule};
use crate::pypi::name::ProjectName;
use crate::pypi::version::{Version, exact_version};

/// A release or project, where a file names it, with what is known of it.
pub(super) struct Named<'p, K> {
    /// The file.
    pub(super) file: &'p ProjectFile,
    /// The place.
    pub(super) at: Span,
    /// Further places in the same file.
    pub(super) also: Vec<Span>,
    /// The project.
    pub(super) name: ProjectName,
    /// The version, where one is settled.
    pub(super) version: Option<Version>,
    /// What is known.
    pub(super) known: &'p K,
}

impl<K> Named<'_, K> {
    /// `flask 3.1.3`.
    pub(super) fn title(&self) -> String {
        match &self.version {
            Some(version) => format!("{} {version}", self.name),
            None => self.name.to_string(),
        }
    }

    /// A finding about all of its places in the file.
    pub(super) fn finding(&self, rule: &dyn Rule, message: String) -> Finding {
        Finding::new(rule, self.file, &self.at, message).also(self.also.clone())
    }
}

/// The releases that are pinned and of which something is known, once for each file that names them. What is not
/// known is no finding: the caller says what could not be checked.
pub(super) fn releases(project: &Project) -> impl Iterator<Item = Named<'_, KnownRelease>> {
    let files = project.files.iter();
    files.flat_map(|file| {
        let pinned = mentions(&file.contents).filter_map(|(name, version, at)| {
            let key = (name.clone(), version?.clone());
            let Fact::Known(known) = project.known.get(&key)? else {
                return None;
            };
            Some(Named {
                file,
                at,
                also: Vec::new(),
                name: key.0,
                version: Some(key.1),
                known,
            })
        });
        once_each(pinned)
    })
}

/// The projects that are named and of which something is known, once for each file that names them.
pub(super) fn projects(project: &Project) -> impl Iterator<Item = Named<'_, KnownProject>> {
    let files = project.files.iter();
    files.flat_map(|file| {
        let named = mentions(&file.contents).filter_map(|(name, _, at)| {
            let Fact::Known(known) = project.known_projects.get(name)? else {
                return None;
            };
            Some(Named {
                file,
                at,
                also: Vec::new(),
                name: name.clone(),
                version: None,
                known,
            })
        });
        once_each(named)
    })
}

/// What a file names that comes from an index, with the version where one is settled.
fn mentions(contents: &Contents) -> impl Iterator<Item = (&ProjectName, Option<&Version>, Span)> {
    let wanted = contents.wanted.iter().filter_map(|wanted| {
        let Origin::Index(specifiers) = &wanted.origin else {
            return None;
        };
        let version = exact_version(specifiers).filter(|_| !wanted.partly_known);
        Some((wanted.name.as_ref()?, version, wanted.at.clone()))
    });
    let locked = contents.locked.iter();
    let locked = locked.filter(|package| matches!(package.origin, LockedOrigin::Index(_)));
    let locked =
        locked.map(|package| (&package.name, package.version.as_ref(), package.at.clone()));
    wanted.chain(locked)
}

fn once_each<'p, K>(all: impl Iterator<Item = Named<'p, K>>) -> Vec<Named<'p, K>> {
    let mut places: HashMap<(ProjectName, Option<Version>), usize> = HashMap::new();
    let mut once: Vec<Named<'_, K>> = Vec::new();
    for named in all {
        let key = (named.name.clone(), named.version.clone());
        match places.get(&key) {
            Some(place) => once[*place].also.push(named.at),
            None => {
                places.insert(key, once.len());
                once.push(named);
            }
        }
    }
    once
}

#[cfg(test)]
mod tests;

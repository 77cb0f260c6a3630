//! `similar-name`: names that were meant to be, or to be taken for, another project's.

use crate::inspection::Severity;
use crate::lint::contents::{Contents, LockedOrigin, Origin, Span, Tool};
use crate::lint::project::{Project, ProjectFile};
use crate::lint::rule::{Finding, Rule};
use crate::pypi::name::ProjectName;
use crate::similarity::{NEAR_CERTAIN, Resemblance, Similarity, TargetKind};
use std::collections::{HashMap, HashSet};

/// The rule.
#[derive(Debug)]
pub(super) struct SimilarName;

impl Rule for SimilarName {
    fn id(&self) -> &'static str {
        "similar-name"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn summary(&self) -> &'static str {
        "a name is nearly certainly a misspelling of a well-known one or of the organisation's own"
    }

    fn manual(&self) -> &'static str {
        "Typosquats live from mistyped and half-remembered names: `reqeusts`, `python-requests`, \
         `acrne-billing` where `acme-*` is owned. Names that are wanted or locked are compared with the \
         well-known projects and with the organisation's own names: swapped, doubled, added, missing and \
         neighbouring letters, characters that look the same, other separators, another order of words, \
         affixes. Only resemblances are reported that hardly ever happen among honest names.\n\n\
         Look up what the project is called. Where the name is right, ignore the finding with the reason; \
         `portcullis names check NAME` says how sure one can be."
    }

    fn example(&self) -> (&'static str, &'static str) {
        ("requirements.txt", "reqeusts==2.32.0\n")
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        let owned = project.organisation.owned.iter().cloned();
        let similarity = Similarity::default().with_owned(owned);
        let mut looked: HashMap<&ProjectName, Option<Resemblance>> = HashMap::new();
        for file in &project.files {
            for (name, at) in first_places(&file.contents) {
                let resemblance = looked.entry(name).or_insert_with(|| similarity.look(name));
                // The name of a module itself is what `prohibited-name` is about.
                let certain = resemblance
                    .as_ref()
                    .filter(|one| one.score >= NEAR_CERTAIN && one.target != *name);
                found.extend(certain.map(|one| self.finding(file, at, (name, one))));
            }
        }
    }
}

impl SimilarName {
    fn finding(
        &self,
        file: &ProjectFile,
        at: &Span,
        found: (&ProjectName, &Resemblance),
    ) -> Finding {
        let (name, resemblance) = found;
        let target = &resemblance.target;
        let known = match resemblance.kind {
            TargetKind::Owned => format!("{target}, a name of the organisation"),
            TargetKind::Popular { .. } => format!("the well-known {target}"),
            TargetKind::Stdlib => format!("{target}, which comes with Python"),
        };
        Finding::new(self, file, at, format!("{name} resembles {known}"))
            .because(
                "names like this are registered to be installed by mistake, and run code at once",
            )
            .help(format!(
                "require {target} if that is meant; if not, ignore this with the reason"
            ))
    }
}

/// Every project that an index is asked for, with the first place where the file names it. What conda installs
/// by itself has names of another world.
pub(super) fn first_places(contents: &Contents) -> Vec<(&ProjectName, &Span)> {
    let wanted = contents.wanted.iter().filter_map(|wanted| {
        let is_asked = matches!(wanted.origin, Origin::Index(_) | Origin::Unknown(_));
        let name = wanted
            .name
            .as_ref()
            .filter(|_| is_asked && wanted.tool != Tool::Conda);
        name.map(|name| (name, &wanted.at))
    });
    let locked = contents.locked.iter().filter_map(|package| {
        let is_asked = matches!(package.origin, LockedOrigin::Index(_));
        is_asked.then_some((&package.name, &package.at))
    });
    let mut seen = HashSet::new();
    wanted
        .chain(locked)
        .filter(|(name, _)| seen.insert(*name))
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{found_by, project};

    #[test]
    fn misspellings_are_found_and_honest_names_are_not() {
        let mut project = project(&[
            (
                "requirements.txt",
                "reqeusts==1\nrequests\nflask-login\ndjango-environ\n./reqeusts\n",
            ),
            (
                "pyproject.toml",
                "[project]\ndependencies = ['acrne-billing', 'acme-billing', 'reqeusts', 'Reqeusts']\n",
            ),
        ]);
        project.organisation.owned = vec!["acme-*".parse().expect("a pattern")];
        assert_eq!(
            found_by("similar-name", &project),
            [
                "pyproject.toml:2: acrne-billing resembles acme-billing, a name of the organisation [acrne-billing]",
                "pyproject.toml:2: reqeusts resembles the well-known requests [reqeusts]",
                "requirements.txt:1: reqeusts resembles the well-known requests [reqeusts==1]",
            ]
        );
    }
}

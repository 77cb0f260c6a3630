//! `owned-name-outside`: a name of the organisation for which pip may ask somebody else's index.

use crate::inspection::Severity;
use crate::lint::asked::{host, is_outside, places_of_pip};
use crate::lint::contents::{Origin, PlaceRole, Role, Tool, Wanted};
use crate::lint::file::FileKind;
use crate::lint::project::{Project, ProjectFile};
use crate::lint::rule::{Finding, Rule};
use crate::pypi::name::ProjectName;
use std::collections::HashSet;

/// The rule.
#[derive(Debug)]
pub(super) struct OwnedNameOutside;

impl Rule for OwnedNameOutside {
    fn id(&self) -> &'static str {
        "owned-name-outside"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn summary(&self) -> &'static str {
        "an index that is not the organisation's may be asked for one of its names"
    }

    fn manual(&self) -> &'static str {
        "Looks at requirements files and commands of pip that want a name the organisation owns. pip asks \
         every index it is given, takes the highest version of all, and asks PyPI where nothing takes its \
         place: whoever registers the name there with version 99 is installed (dependency confusion).\n\n\
         Let one index answer for everything, and let it know which names are yours: `--index-url` with \
         the address of the gateway, and no `--extra-index-url`. Where no file says which index is asked, \
         the finding is milder: the machine may be set up."
    }

    fn example(&self) -> (&'static str, &'static str) {
        (
            "requirements.txt",
            "--extra-index-url https://packages.acme.example/simple/\nacme-billing==1.2.0\n",
        )
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        if project.organisation.owned.is_empty() {
            return;
        }
        for file in &project.files {
            let mut seen = HashSet::new();
            for wanted in &file.contents.wanted {
                let is_of_pip = wanted.tool == Tool::Pip && wanted.role != Role::Constraint;
                let is_of_index = matches!(wanted.origin, Origin::Index(_));
                let name = wanted.name.as_ref().filter(|_| is_of_pip && is_of_index);
                let owned = name.filter(|name| project.organisation.owns(name));
                if let Some(name) = owned.filter(|name| seen.insert(*name)) {
                    found.extend(self.object(project, file, (wanted, name)));
                }
            }
        }
    }
}

impl OwnedNameOutside {
    fn object(
        &self,
        project: &Project,
        file: &ProjectFile,
        wanted: (&Wanted, &ProjectName),
    ) -> Option<Finding> {
        let (wanted, name) = wanted;
        // What builds a package is fetched by whoever builds it.
        if matches!(
            file.kind,
            FileKind::Pyproject | FileKind::SetupCfg | FileKind::SetupPy
        ) {
            return None;
        }
        let organisation = &project.organisation;
        let places = places_of_pip(project, file, wanted.by);
        let outside = places.iter().find(|place| is_outside(organisation, place));
        let replaces_default = places.iter().any(|place| place.role == PlaceRole::Default);
        let has_own = places
            .iter()
            .any(|place| organisation.has_index(&place.url));
        let (asked, severity) = match outside {
            Some(place) => (host(&place.url), Severity::High),
            None if replaces_default => return None,
            None if has_own => ("PyPI".to_owned(), Severity::High),
            None => ("PyPI".to_owned(), Severity::Medium),
        };
        let finding = Finding::new(
            self,
            file,
            &wanted.at,
            format!("{name} is the organisation's own, and {asked} may be asked for it"),
        )
        .severity(severity)
        .because(format!(
            "whoever publishes {name} 99 there is installed in its place"
        ))
        .help("let the gateway be the only index: --index-url, and no --extra-index-url");
        Some(finding)
    }
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{found_by, project};

    #[test]
    fn only_the_organisations_own_index_may_be_asked_for_its_names() {
        let own = "https://gateway.acme.example/simple/";
        let mut project = project(&[
            (
                "a/requirements.txt",
                &format!("--extra-index-url {own}\nacme-a==1\nflask==3\n"),
            ),
            ("b/requirements.txt", &format!("-i {own}\nacme-b==1\n")),
            ("c/requirements.txt", "acme-c==1\nacme-c==1\n"),
            (
                "d/requirements.txt",
                &format!("-i {own}\n-r base-requirements.txt\n"),
            ),
            ("d/base-requirements.txt", "acme-d==1\n"),
            (
                "e/requirements.txt",
                &format!("-i {own}\n--extra-index-url https://u:p@other.example/\nacme-e\n"),
            ),
            ("pyproject.toml", "[project]\ndependencies = ['acme-f']\n"),
        ]);
        project.organisation.owned = vec!["acme-*".parse().expect("a pattern")];
        project.organisation.indexes = vec![own.to_owned()];
        assert_eq!(
            found_by("owned-name-outside", &project),
            [
                "a/requirements.txt:2: acme-a is the organisation's own, and PyPI may be asked for it [acme-a==1]",
                "c/requirements.txt:1: acme-c is the organisation's own, and PyPI may be asked for it [acme-c==1]",
                "e/requirements.txt:3: acme-e is the organisation's own, and other.example may be asked for it [acme-e]",
            ]
        );
        project.organisation.owned.clear();
        assert!(found_by("owned-name-outside", &project).is_empty());
    }
}

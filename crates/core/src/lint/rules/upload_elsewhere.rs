//! `upload-elsewhere`: a project of the organisation is published somewhere else, or would be because nobody said
//! where to.

use super::invoked::{self, Invoked};
use crate::inspection::Severity;
use crate::lint::address::Address;
use crate::lint::contents::{Place, PlaceRole, Tool, Verb};
use crate::lint::project::{Organisation, Project, ProjectFile};
use crate::lint::rule::{Finding, Rule};

/// The rule.
#[derive(Debug)]
pub(super) struct UploadElsewhere;

impl Rule for UploadElsewhere {
    fn id(&self) -> &'static str {
        "upload-elsewhere"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn summary(&self) -> &'static str {
        "a project of the organisation is published elsewhere"
    }

    fn manual(&self) -> &'static str {
        "The name of the project is one of the organisation's own, and a repository to publish to \
         is not the organisation's. Once a release is somewhere else, whoever is there has it, \
         and it cannot be taken back. A command that publishes and names no repository goes to PyPI, \
         unless a configuration says otherwise.\n\nPublish to the organisation's index, and name it: \
         `twine upload --repository-url`, `uv publish --publish-url`. A project that is meant to be \
         public should not have an owned name."
    }

    fn example(&self) -> (&'static str, &'static str) {
        (
            "pyproject.toml",
            "[project]\nname = \"acme-billing\"\nversion = \"1.0\"\n\n[[tool.uv.index]]\nname = \"public\"\nurl = \"https://other.example/simple\"\npublish-url = \"https://other.example/legacy/\"\n",
        )
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        let organisation = &project.organisation;
        let names = project
            .files
            .iter()
            .filter_map(|file| file.contents.name.as_ref());
        let mut owned = names.filter(|(name, _)| organisation.owns(name));
        let Some((name, _)) = owned.next().filter(|_| !organisation.indexes.is_empty()) else {
            return;
        };
        for file in &project.files {
            let places = file.contents.places.iter();
            let elsewhere = places.filter(|place| is_elsewhere(place, organisation));
            found.extend(elsewhere.map(|place| {
                let host = Address::of(&place.url).map_or("elsewhere", |address| address.host);
                let message =
                    format!("{name}, which is the organisation's, may be published to {host}");
                Finding::new(self, file, &place.url_at, message)
                    .because("a release that was published elsewhere cannot be taken back")
                    .help("publish to the organisation's index")
            }));
        }
        let publishing = invoked::all(project).filter(|one| one.invocation.verb == Verb::Publish);
        let unsaid = publishing.filter(|one| !says_where(one, project));
        let findings = unsaid.map(|one| {
            let message = format!("{name} is the organisation's and goes to PyPI");
            Finding::new(self, one.file, &one.invocation.at, message)
                .because(
                    "PyPI is where releases go when no repository is named, and they cannot be taken back",
                )
                .help("name the organisation's index: a repository of `.pypirc`, or its address")
        });
        found.extend(invoked::together(findings.collect()));
    }
}

/// Whether a command that publishes is told where to, by an option, a variable or a configuration of its tool.
fn says_where(one: &Invoked<'_>, project: &Project) -> bool {
    const OPTIONS: [&str; 4] = ["repository", "repo", "config-file", "ini-file"];
    // An index that uv is told to publish to is a place like one that it reads.
    let is_said = |place: &Place| match place.by {
        Some(by) => by == one.id,
        None => place.role == PlaceRole::Upload,
    };
    one.has_any(&OPTIONS)
        || one.file.contents.places.iter().any(is_said)
        || project
            .files
            .iter()
            .any(|file| replaces_pypi(file, one.invocation.tool))
}

/// Whether a configuration says where `tool` publishes to when no repository is named.
fn replaces_pypi(file: &ProjectFile, tool: Tool) -> bool {
    let reads_pypirc = matches!(
        tool,
        Tool::Twine | Tool::Flit | Tool::Hatch | Tool::Setuptools
    );
    file.contents.places.iter().any(|place| {
        let is_its = place.tool == tool || (place.tool == Tool::Twine && reads_pypirc);
        let is_default = place
            .name
            .as_deref()
            .is_none_or(|name| matches!(name, "pypi" | "main"));
        place.role == PlaceRole::Upload && place.by.is_none() && is_its && is_default
    })
}

/// Whether releases would go to another host than those of the organisation's indexes: what publishes has a path
/// of its own there.
fn is_elsewhere(place: &Place, organisation: &Organisation) -> bool {
    let Some(address) = Address::of(&place.url).filter(Address::is_known) else {
        return false;
    };
    let indexes = organisation.indexes.iter();
    let mut hosts = indexes.filter_map(|index| Some(Address::of(index)?.authority));
    let is_ours = hosts.any(|host| host.eq_ignore_ascii_case(address.authority));
    place.role == PlaceRole::Upload && !is_ours && !address.is_loopback()
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{found_by, marked_by, project};

    use crate::pypi::name::NamePattern;

    #[test]
    fn an_owned_name_stays_at_home() {
        let upload = |host: &str| format!("[x]\nrepository = https://{host}/legacy/\n");
        for (name, host, expected) in [
            ("acme-billing", "other.example", 1),
            ("acme-billing", "gw.example", 0),
            ("flask", "other.example", 0),
        ] {
            let pyproject = format!("[project]\nname = \"{name}\"\n");
            let files = [
                ("pyproject.toml", pyproject.as_str()),
                (".pypirc", &upload(host)),
            ];
            let mut project = project(&files);
            project.organisation.indexes = vec!["https://gw.example/simple".to_owned()];
            project.organisation.owned = vec!["acme-*".parse::<NamePattern>().expect("a pattern")];
            let found = found_by("upload-elsewhere", &project);
            assert_eq!(found.len(), expected, "{name} {host}: {found:?}");
        }
    }

    #[test]
    fn a_command_that_names_no_repository_goes_to_pypi() {
        let pypirc = "[pypi]\nrepository = https://gw.example/legacy/\n";
        let named = "[acme]\nrepository = https://gw.example/legacy/\n";
        for (command, pypirc, expected) in [
            ("twine upload dist/*", "", vec!["twine upload dist/*"]),
            ("twine upload dist/*", named, vec!["twine upload dist/*"]),
            ("twine upload dist/*", pypirc, vec![]),
            ("flit publish", pypirc, vec![]),
            ("uv publish", pypirc, vec!["uv publish"]),
            ("twine upload -r acme dist/*", named, vec![]),
            (
                "twine upload --repository-url https://gw.example/legacy/ dist/*",
                "",
                vec![],
            ),
            (
                "TWINE_REPOSITORY_URL=https://gw.example/legacy/ twine upload dist/*",
                "",
                vec![],
            ),
            (
                "uv publish --publish-url https://gw.example/legacy/",
                "",
                vec![],
            ),
            ("uv publish --index acme", "", vec![]),
            ("poetry publish --build", "", vec!["poetry publish --build"]),
            ("poetry publish -r acme", "", vec![]),
            ("hatch publish -r acme", "", vec![]),
            ("twine check dist/*", "", vec![]),
        ] {
            let script = format!("{command}\n");
            let files = [
                ("pyproject.toml", "[project]\nname = \"acme-billing\"\n"),
                ("release.sh", script.as_str()),
                (".pypirc", pypirc),
            ];
            let mut project = project(&files);
            project.organisation.indexes = vec!["https://gw.example/simple".to_owned()];
            project.organisation.owned = vec!["acme-*".parse::<NamePattern>().expect("a pattern")];
            let marked = marked_by("upload-elsewhere", &project);
            assert_eq!(marked, expected as Vec<&str>, "{command} {pypirc}");
            project.organisation.owned.clear();
            assert!(found_by("upload-elsewhere", &project).is_empty());
        }
    }
}

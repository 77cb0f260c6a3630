//! `upload-elsewhere`: a project of the organisation is published somewhere else.

use crate::inspection::Severity;
use crate::lint::address::Address;
use crate::lint::contents::{Place, PlaceRole};
use crate::lint::project::{Organisation, Project};
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
         and it cannot be taken back.\n\nPublish to the organisation's index. A project that is \
         meant to be public should not have an owned name."
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
            found.extend(
                places
                    .filter(|place| is_elsewhere(place, organisation))
                    .map(|place| {
                        let host =
                            Address::of(&place.url).map_or("elsewhere", |address| address.host);
                        let message = format!(
                            "{name}, which is the organisation's, may be published to {host}"
                        );
                        Finding::new(self, file, &place.url_at, message)
                            .because("a release that was published elsewhere cannot be taken back")
                            .help("publish to the organisation's index")
                    }),
            );
        }
    }
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
    use crate::lint::testing::{found_by, project};

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
}

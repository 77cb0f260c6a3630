//! `missing-index`: a project that does not name the organisation's index.

use crate::inspection::Severity;
use crate::lint::contents::{Contents, PlaceRole};
use crate::lint::project::Project;
use crate::lint::rule::{Finding, Rule};

/// The rule.
#[derive(Debug)]
pub(super) struct MissingIndex;

impl Rule for MissingIndex {
    fn id(&self) -> &'static str {
        "missing-index"
    }

    fn severity(&self) -> Severity {
        Severity::Info
    }

    fn summary(&self) -> &'static str {
        "no file of the project names the organisation's index"
    }

    fn manual(&self) -> &'static str {
        "The organisation has an index of its own, and nothing in the project says to use it. \
         Whoever installs without configuration of their own takes packages from PyPI \
         directly.\n\n`portcullis config write` names it to an installer. Where every machine is \
         configured to use it, switch the rule off."
    }

    fn example(&self) -> (&'static str, &'static str) {
        ("requirements.txt", "flask==3.1.0\n")
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        let organisation = &project.organisation;
        let places = project.files.iter().flat_map(|file| &file.contents.places);
        let mut indexes = places.filter(|place| place.role != PlaceRole::Upload);
        // Another index is for `other-index` to speak of.
        if organisation.indexes.is_empty() || indexes.next().is_some() {
            return;
        }
        let mut files = project.files.iter();
        let Some(file) = files.find(|file| !file.kind.is_lock() && wants(&file.contents)) else {
            return;
        };
        let first = file.contents.wanted.first();
        let at = first.map_or(0..0, |wanted| wanted.at.clone());
        let message = "no file of the project names the organisation's index";
        found.push(
            Finding::new(self, file, &at, message)
                .because("whoever installs without configuration takes packages past it")
                .help("run `portcullis config write`, or configure every machine"),
        );
    }
}

fn wants(contents: &Contents) -> bool {
    let requires = contents.lock_inputs.requirements.as_ref();
    !contents.wanted.is_empty() || requires.is_some_and(|requires| !requires.is_empty())
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{found_by, project};

    #[test]
    fn it_is_told_once_where_an_index_is_known() {
        let pipfile = "[packages]\nflask = \"*\"\n";
        let mut alone = project(&[("Pipfile", pipfile)]);
        assert!(found_by("missing-index", &alone).is_empty());
        alone.organisation.indexes = vec!["https://gw.example/simple".to_owned()];
        assert_eq!(
            found_by("missing-index", &alone),
            ["Pipfile:2: no file of the project names the organisation's index [flask = \"*\"]"]
        );
        let files = [
            ("Pipfile", pipfile),
            (
                "pip.conf",
                "[global]\nindex-url = https://gw.example/simple\n",
            ),
        ];
        let mut both = project(&files);
        both.organisation = alone.organisation.clone();
        assert!(found_by("missing-index", &both).is_empty());
    }
}

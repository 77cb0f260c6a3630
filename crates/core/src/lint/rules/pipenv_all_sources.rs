//! `pipenv-all-sources`: pipenv takes every package from any of its sources.

use crate::inspection::Severity;
use crate::lint::contents::{Setting, Tool};
use crate::lint::project::{Project, ProjectFile};
use crate::lint::rule::{Edit, Finding, Rule};

/// The rule.
#[derive(Debug)]
pub(super) struct PipenvAllSources;

impl Rule for PipenvAllSources {
    fn id(&self) -> &'static str {
        "pipenv-all-sources"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn summary(&self) -> &'static str {
        "pipenv looks for every package in all sources"
    }

    fn manual(&self) -> &'static str {
        "With `install_search_all_sources = true` pipenv hands all sources to pip at once, and \
         the highest version of all of them wins. Whoever may publish to one of them can publish \
         a higher version of a name that is meant to come from another.\n\nLeave the setting out, \
         and give the packages of the second source `index = \"NAME\"`."
    }

    fn example(&self) -> (&'static str, &'static str) {
        (
            "Pipfile",
            "[[source]]\nname = \"acme\"\nurl = \"https://packages.acme.example/simple\"\n\n[[source]]\nname = \"other\"\nurl = \"https://other.example/simple\"\n\n[pipenv]\ninstall_search_all_sources = true\n",
        )
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        for file in project
            .files
            .iter()
            .filter(|file| has_several_sources(file))
        {
            let settings = file.contents.settings.iter();
            found.extend(settings.filter(|setting| searches_all(setting)).map(|setting| {
                let message = "pipenv looks for every package in all sources";
                Finding::new(self, file, &setting.at, message)
                    .because("whoever can publish to one source decides for names that belong to another")
                    .help("leave it out, and give the packages of a second source `index = \"NAME\"`")
                    .fix(
                        "take each package from the source that it names, or from the first",
                        vec![Edit {
                            at: setting.value_at.clone(),
                            with: "false".to_owned(),
                        }],
                    )
            }));
        }
    }
}

fn searches_all(setting: &Setting) -> bool {
    setting.tool == Tool::Pipenv && setting.key == "install-search-all-sources" && setting.is_on()
}

fn has_several_sources(file: &ProjectFile) -> bool {
    let places = file.contents.places.iter();
    places.filter(|place| place.tool == Tool::Pipenv).count() > 1
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{found_by, project};

    use crate::lint::testing::fixed_by;

    const SOURCE: &str = "[[source]]\nname = \"a\"\nurl = \"https://a.example/\"\n";

    #[test]
    fn it_matters_where_there_are_several_sources() {
        let setting = "[pipenv]\ninstall_search_all_sources = true\n";
        let several = format!("{SOURCE}{SOURCE}{setting}");
        let files = [("Pipfile", several.as_str())];
        assert_eq!(
            found_by("pipenv-all-sources", &project(&files)),
            [
                "Pipfile:8: pipenv looks for every package in all sources [install_search_all_sources = true]"
            ]
        );
        let fixed = fixed_by("pipenv-all-sources", &project(&files), "Pipfile");
        assert!(
            fixed.ends_with("install_search_all_sources = false\n"),
            "{fixed}"
        );
        let one = format!("{SOURCE}{setting}");
        assert!(found_by("pipenv-all-sources", &project(&[("Pipfile", &one)])).is_empty());
    }
}

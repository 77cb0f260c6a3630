//! `prohibited-name`: names that nobody should install: reported malware, and modules that come with Python.

use super::similar_name::first_places;
use crate::inspection::Severity;
use crate::lint::contents::Span;
use crate::lint::project::{Project, ProjectFile};
use crate::lint::rule::{Finding, Rule};
use crate::policy::rules::reported_name::report;
use crate::policy::rules::stdlib_name::{LEGITIMATE, MODULES};
use crate::pypi::name::ProjectName;

/// The rule.
#[derive(Debug)]
pub(super) struct ProhibitedName;

impl Rule for ProhibitedName {
    fn id(&self) -> &'static str {
        "prohibited-name"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn summary(&self) -> &'static str {
        "a name belongs to a module of Python, or malware was published under it"
    }

    fn manual(&self) -> &'static str {
        "`pip install json` mistakes a module that comes with Python for a project; attackers register \
         such names and wait. Backports that many projects require (`dataclasses`, `typing`, `argparse` \
         and others) are no such mistake, and neither is a requirement for old Pythons only. Other names \
         were never anything but malware, by public reports.\n\n\
         Drop the requirement of a module. For the others, look up what the project that you mean is \
         called. Names of the organisation are its own business."
    }

    fn example(&self) -> (&'static str, &'static str) {
        ("requirements.txt", "flask==3.1.0\njson\n")
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        for file in &project.files {
            for (name, at) in first_places(&file.contents) {
                if project.organisation.owns(name) {
                    continue;
                }
                if let Some(report) = report(name.as_str()) {
                    let message = format!("malware was published as {name} ({report})");
                    found.push(
                        Finding::new(self, file, at, message)
                            .severity(Severity::Critical)
                            .because("what is there now may be the same again")
                            .help("look up the name of the project that you mean"),
                    );
                } else if is_module(name) && !is_for_old_pythons(file, at) {
                    found.push(
                        Finding::new(
                            self,
                            file,
                            at,
                            format!("{name} is a module that comes with Python"),
                        )
                        .because("whoever registers the name on an index runs code here")
                        .help("drop it: nothing has to be installed to import the module"),
                    );
                }
            }
        }
    }
}

fn is_module(name: &ProjectName) -> bool {
    let name = name.as_str();
    MODULES.binary_search(&name).is_ok() && !LEGITIMATE.contains(&name)
}

/// Whether a marker keeps the requirement to Pythons that do not have the module.
fn is_for_old_pythons(file: &ProjectFile, at: &Span) -> bool {
    let mut wanted = file.contents.wanted.iter();
    let wanted = wanted.find(|wanted| wanted.at == *at);
    let marker = wanted.and_then(|wanted| wanted.marker.as_deref());
    marker.is_some_and(|marker| marker.contains("python_version") && marker.contains('<'))
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{found_by, project};

    #[test]
    fn modules_and_reported_names_are_found() {
        let mut project = project(&[(
            "requirements.txt",
            "json\ndataclasses\ncolourama==0.1.6\nsqlite3; python_version < '2.5'\nstring\n",
        )]);
        project.organisation.owned = vec!["string".parse().expect("a pattern")];
        let found = found_by("prohibited-name", &project);
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!(
            found[0],
            "requirements.txt:1: json is a module that comes with Python [json]"
        );
        assert!(
            found[1].starts_with("requirements.txt:3: malware was published as colourama ("),
            "{found:?}"
        );
    }
}

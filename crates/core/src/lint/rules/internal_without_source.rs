//! `internal-without-source`: names of the organisation that a project with several indexes does not tie to one of them.

use crate::inspection::Severity;
use crate::lint::contents::{Origin, Place, PlaceRole, Role, Tool, Wanted};
use crate::lint::file::FileKind;
use crate::lint::project::Project;
use crate::lint::rule::{Finding, Rule};
use crate::pypi::name::ProjectName;
use std::collections::HashSet;

/// The rule.
#[derive(Debug)]
pub(super) struct InternalWithoutSource;

impl Rule for InternalWithoutSource {
    fn id(&self) -> &'static str {
        "internal-without-source"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn summary(&self) -> &'static str {
        "several indexes, and a name of the organisation is tied to none of them"
    }

    fn manual(&self) -> &'static str {
        "Looks at the tables of poetry, uv, pdm and pipenv. With several indexes, poetry and pdm take the \
         highest version of all; uv and pipenv take the first index that has the name, so that a name \
         which is missing there for a moment comes from the next one.\n\n\
         Say for each of the organisation's names where it comes from: poetry `{ version = \\\"…\\\", source \
         = \\\"acme\\\" }`, uv `[tool.uv.sources] name = { index = \\\"acme\\\" }`, pdm `include_packages` of the \
         source, pipenv `index = \\\"acme\\\"`. Or let one gateway be the only index."
    }

    fn example(&self) -> (&'static str, &'static str) {
        (
            "pyproject.toml",
            "[tool.poetry.dependencies]\nacme-billing = \"^1.2\"\n\n[[tool.poetry.source]]\nname = \"acme\"\nurl = \"https://packages.acme.example/simple/\"\npriority = \"supplemental\"\n",
        )
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        if project.organisation.owned.is_empty() {
            return;
        }
        let files = project.files.iter();
        for file in
            files.filter(|file| matches!(file.kind, FileKind::Pyproject | FileKind::Pipfile))
        {
            let mut seen = HashSet::new();
            for wanted in &file.contents.wanted {
                let owned = untied(wanted).filter(|name| project.organisation.owns(name));
                let Some(name) = owned.filter(|name| seen.insert(*name)) else {
                    continue;
                };
                let Some(severity) = severity(&file.contents.places, wanted.tool) else {
                    continue;
                };
                found.push(
                    Finding::new(self, file, &wanted.at, format!("{name} may come from any of several indexes"))
                        .severity(severity)
                        .because("whoever publishes the name on another of them can be installed in its place")
                        .help(remedy(wanted.tool)),
                );
            }
        }
    }
}

/// A name that an index is asked for, and no particular one.
fn untied(wanted: &Wanted) -> Option<&ProjectName> {
    let is_tied = wanted.index.is_some() || matches!(wanted.role, Role::Constraint | Role::Build);
    let is_of_index = matches!(wanted.origin, Origin::Index(_));
    wanted.name.as_ref().filter(|_| is_of_index && !is_tied)
}

/// How bad it is with these places; `None` where one index answers for everything.
fn severity(places: &[Place], tool: Tool) -> Option<Severity> {
    let of_tool = places.iter().filter(|place| place.tool == tool);
    let asked: Vec<PlaceRole> = of_tool
        .map(|place| place.role)
        .filter(|role| !matches!(role, PlaceRole::Upload | PlaceRole::FindLinks))
        .collect();
    // Without one that takes its place, the tool's own default is asked, too.
    let is_alone = asked.len() == 1 && asked[0] == PlaceRole::Default;
    let is_first_index =
        matches!(tool, Tool::Uv | Tool::Pipenv) && asked.contains(&PlaceRole::Ordered);
    match tool {
        Tool::Poetry | Tool::Uv | Tool::Pdm | Tool::Pipenv if asked.is_empty() || is_alone => None,
        Tool::Uv | Tool::Pipenv if is_first_index => Some(Severity::Medium),
        Tool::Poetry | Tool::Uv | Tool::Pdm | Tool::Pipenv => Some(Severity::High),
        _ => None,
    }
}

fn remedy(tool: Tool) -> &'static str {
    match tool {
        Tool::Poetry => "name its source: { version = \"…\", source = \"…\" }",
        Tool::Uv => "name its index in [tool.uv.sources]: { index = \"…\" }",
        Tool::Pdm => "name it in include_packages of its source",
        _ => "name its index: { version = \"…\", index = \"…\" }",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::project::ProjectFile;
    use crate::lint::testing::{found_by, project};

    fn place(tool: Tool, role: PlaceRole) -> Place {
        Place {
            url: "https://a.example/".to_owned(),
            url_at: 0..0,
            at: 0..0,
            role,
            name: Some("a".to_owned()),
            tool,
            by: None,
        }
    }

    #[test]
    fn names_are_tied_where_there_is_a_choice() {
        let poetry = "[tool.poetry.dependencies]\nacme-a = '^1'\nacme-b = {version = '1', source = 'a'}\nflask = '*'\n";
        let uv = "[project]\ndependencies = ['acme-a', 'acme-b']\n[tool.uv.sources]\nacme-b = {index = 'a'}\n";
        for (text, tool, roles, expected) in [
            (
                poetry,
                Tool::Poetry,
                &[PlaceRole::Default, PlaceRole::Merged][..],
                Some(Severity::High),
            ),
            (poetry, Tool::Poetry, &[PlaceRole::Default], None),
            (
                poetry,
                Tool::Poetry,
                &[PlaceRole::Explicit],
                Some(Severity::High),
            ),
            (poetry, Tool::Poetry, &[], None),
            (uv, Tool::Uv, &[PlaceRole::Ordered], Some(Severity::Medium)),
            (uv, Tool::Uv, &[PlaceRole::Default], None),
        ] {
            let mut project = project(&[]);
            let mut file =
                ProjectFile::read("pyproject.toml", FileKind::Pyproject, text.to_owned(), &[]);
            file.contents.places = roles.iter().map(|role| place(tool, *role)).collect();
            project.files.push(file);
            project.organisation.owned = vec!["acme-*".parse().expect("a pattern")];
            let mut found = Vec::new();
            InternalWithoutSource.check(&project, &mut found);
            let severities: Vec<Severity> = found.iter().map(|one| one.severity).collect();
            assert_eq!(
                severities,
                expected.into_iter().collect::<Vec<_>>(),
                "{text} {roles:?}"
            );
            assert!(found.iter().all(|one| one.message.starts_with("acme-a ")));
        }
        assert!(
            found_by(
                "internal-without-source",
                &project(&[("pyproject.toml", poetry)])
            )
            .is_empty()
        );
    }
}

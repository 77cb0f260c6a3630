//! [`Dependencies`]: what releases need by their own metadata (`Requires-Dist`), read once each.

use std::collections::HashMap;
use std::rc::Rc;

use super::candidates::Candidate;
use super::machines::Machines;
use crate::fact::Fact;
use crate::pypi::name::ProjectName;
use crate::pypi::requirement::Requirement;
use crate::pypi::version::{Version, VersionSpecifiers};

/// Something that a release needs.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Dependency {
    pub(super) name: ProjectName,
    pub(super) extras: Vec<ProjectName>,
    pub(super) versions: VersionSpecifiers,
    marker: Option<String>,
}

impl Dependency {
    /// Where it is needed, with an extra of the release asked for or without any.
    pub(super) fn needed(&self, extra: Option<&ProjectName>) -> Option<Machines> {
        match (&self.marker, extra) {
            (Some(marker), extra) => {
                let with = Machines::of_marker(marker, extra)?;
                // What is needed anyway was told without the extra.
                match extra {
                    Some(_) => Some(with.without(Machines::of_marker(marker, None)?)),
                    None => Some(with),
                }
            }
            (None, None) => Some(Machines::all()),
            (None, Some(_)) => Some(Machines::NONE),
        }
    }
}

/// What releases need, as far as it was asked for.
#[derive(Debug, Default)]
pub(super) struct Dependencies {
    read: HashMap<(ProjectName, Version), Rc<Vec<Dependency>>>,
}

impl Dependencies {
    /// What a release of `project` needs; why that is not known, as a clause.
    pub(super) fn of(
        &mut self,
        project: &ProjectName,
        release: &Candidate,
    ) -> Result<Rc<Vec<Dependency>>, String> {
        let key = (project.clone(), release.version.clone());
        if let Some(known) = self.read.get(&key) {
            return Ok(Rc::clone(known));
        }
        let title = format!("{project} {}", release.version);
        let requires = match &release.requires {
            Fact::Known(requires) => requires.iter(),
            Fact::Unknown(why) => return Err(format!("what {title} needs is not known: {why}")),
        };
        let read = requires.map(|text| {
            dependency(text)
                .ok_or_else(|| format!("{title} needs {text:?}, which is not understood"))
        });
        let read = Rc::new(read.collect::<Result<Vec<_>, _>>()?);
        self.read.insert(key, Rc::clone(&read));
        Ok(read)
    }
}

/// A dependency on releases of an index; `None` for anything else.
fn dependency(text: &str) -> Option<Dependency> {
    let requirement: Requirement = text.parse().ok()?;
    let marker = text.split_once(';').map(|(_, marker)| marker.trim());
    let marker = marker.filter(|marker| !marker.is_empty());
    if let Some(marker) = marker {
        Machines::of_marker(marker, None)?;
    }
    Some(Dependency {
        name: requirement.name,
        extras: requirement.extras,
        versions: requirement.specifiers,
        marker: marker.map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dependency_is_needed_where_its_marker_holds() {
        let socks: Option<ProjectName> = "socks".parse().ok();
        for (text, extra, expected) in [
            ("six>=1", None, Some(Machines::all())),
            ("six (>=1)", None, Some(Machines::all())),
            ("six>=1", socks.as_ref(), Some(Machines::NONE)),
            ("six; extra == 'socks'", None, Some(Machines::NONE)),
            (
                "six; extra == 'socks'",
                socks.as_ref(),
                Some(Machines::all()),
            ),
            (
                "six; os_name == 'posix'",
                socks.as_ref(),
                Some(Machines::NONE),
            ),
            ("six; python_version < '3'", None, Some(Machines::NONE)),
            ("six @ https://a.example/six.whl", None, None),
            ("six; what == 'x'", None, None),
            ("?", None, None),
        ] {
            let needed = dependency(text).and_then(|one| one.needed(extra));
            assert_eq!(needed, expected, "{text}");
        }
    }
}

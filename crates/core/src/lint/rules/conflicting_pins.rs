//! `conflicting-pins`: projects that are pinned to two versions in files that are read together.

use crate::inspection::Severity;
use crate::lint::contents::Wanted;
use crate::lint::file::FileKind;
use crate::lint::project::{Project, ProjectFile};
use crate::lint::requirement_files::{pinned, read_with};
use crate::lint::rule::{Finding, Rule};
use crate::pypi::name::ProjectName;
use crate::pypi::version::Version;
use std::collections::{BTreeSet, HashMap};

/// The rule.
#[derive(Debug)]
pub(super) struct ConflictingPins;

impl Rule for ConflictingPins {
    fn id(&self) -> &'static str {
        "conflicting-pins"
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn summary(&self) -> &'static str {
        "a project is pinned to two versions in files that are read together"
    }

    fn manual(&self) -> &'static str {
        "pip refuses to install such files, or one of the pins is never the one in force, and whoever \
         looks at it believes in the wrong version. Requirements with different markers, of which one is \
         in force at a time, are not compared.\n\n\
         Keep one of them, best in the file that the others name."
    }

    fn example(&self) -> (&'static str, &'static str) {
        ("requirements.txt", "flask==3.1.0\nflask==3.0.3\n")
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        let files = project.files.iter();
        for file in files.filter(|file| file.kind == FileKind::Requirements) {
            let others = pins_of(project, read_with(project, file), &file.path);
            let mut own: HashMap<&ProjectName, &Version> = HashMap::new();
            for (wanted, name, version) in pins(file) {
                let elsewhere = others.get(name).filter(|(other, _)| *other != version);
                let here = own.insert(name, version).filter(|other| *other != version);
                let (other, place) = match (here, elsewhere) {
                    (Some(other), _) => (other, "above"),
                    (None, Some((other, path))) => (*other, *path),
                    (None, None) => continue,
                };
                let message =
                    format!("{name} is pinned to {version} here and to {other} in {place}");
                let message = message.replace(" in above", " above");
                found.push(
                    Finding::new(self, file, &wanted.at, message)
                        .because("pip refuses both, and other tools choose one of them")
                        .help("keep the pin that is meant"),
                );
            }
        }
    }
}

/// Pins that are in force everywhere.
fn pins(file: &ProjectFile) -> impl Iterator<Item = (&Wanted, &ProjectName, &Version)> {
    let wanted = file
        .contents
        .wanted
        .iter()
        .filter(|wanted| wanted.marker.is_none());
    wanted.filter_map(|wanted| Some((wanted, wanted.name.as_ref()?, pinned(wanted)?)))
}

/// The pins of the files at `paths`, without those of the file at `reader`.
fn pins_of<'p>(
    project: &'p Project,
    paths: BTreeSet<String>,
    reader: &str,
) -> HashMap<&'p ProjectName, (&'p Version, &'p str)> {
    let others = paths.iter().filter(|path| *path != reader);
    let files = others.filter_map(|path| project.file(path));
    let pins = files.flat_map(|file| pins(file).map(move |pin| (file, pin)));
    let pins = pins.map(|(file, (_, name, version))| (name, (version, file.path.as_str())));
    pins.collect()
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{found_by, project};

    #[test]
    fn pins_that_are_read_together_agree() {
        let project = project(&[
            (
                "requirements.txt",
                "-r base-requirements.txt\n-c constraints.txt\nx==1\ny==1.0\nz==1\n",
            ),
            (
                "base-requirements.txt",
                "x==2\ny==1\nz==2 ; os_name == 'nt'\n",
            ),
            ("constraints.txt", "z==1\n"),
            ("other/requirements.txt", "x==3\nx==4\n"),
        ]);
        assert_eq!(
            found_by("conflicting-pins", &project),
            [
                "other/requirements.txt:2: x is pinned to 4 here and to 3 above [x==4]",
                "requirements.txt:3: x is pinned to 1 here and to 2 in base-requirements.txt [x==1]",
            ]
        );
    }
}

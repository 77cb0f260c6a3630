//! `missing-include`: files that a requirements file names and that are not there.

use crate::inspection::Severity;
use crate::lint::file::FileKind;
use crate::lint::project::{Project, ProjectFile};
use crate::lint::rule::{Finding, Rule};

/// The rule.
#[derive(Debug)]
pub(super) struct MissingInclude;

impl Rule for MissingInclude {
    fn id(&self) -> &'static str {
        "missing-include"
    }

    fn severity(&self) -> Severity {
        Severity::Low
    }

    fn summary(&self) -> &'static str {
        "a file that is named by -r or -c is not there"
    }

    fn manual(&self) -> &'static str {
        "The file cannot be installed from, and what it was meant to add or to narrow down, hashes and \
         constraints included, is not there. Only names that this command would have found are reported: \
         no paths outside of the project, no variables, no names that do not look like requirements.\n\n\
         Correct the path: it counts from the folder of the file that names it. A file that is made \
         before the installation can be ignored with that reason."
    }

    fn example(&self) -> (&'static str, &'static str) {
        ("requirements.txt", "-c constraints.txt\nflask==3.1.0\n")
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        let files = project.files.iter();
        for file in files.filter(|file| file.kind == FileKind::Requirements) {
            let included = file.contents.included.iter();
            let missing = included.filter(|one| {
                would_be_found(file, &one.path) && project.included(file, &one.path).is_none()
            });
            found.extend(missing.map(|one| {
                Finding::new(
                    self,
                    file,
                    &one.at,
                    format!("there is no file `{}`", one.path),
                )
                .because("nothing can be installed from the file that names it")
                .help("correct the path, which counts from the folder of this file")
            }));
        }
    }
}

/// Whether a file at that path would have been read, if it were there.
fn would_be_found(file: &ProjectFile, path: &str) -> bool {
    let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let depth = folder.split('/').filter(|part| !part.is_empty()).count();
    let up = path.split('/').filter(|part| *part == "..").count();
    let is_relative = !path.starts_with(['/', '~']) && !path.contains([':', '$', '{', '\\']);
    let target = format!("{folder}/{}", path.trim_start_matches("./"));
    is_relative && up <= depth && FileKind::of(&target) == Some(FileKind::Requirements)
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{found_by, project};

    #[test]
    fn only_what_would_have_been_found_is_missed() {
        let project = project(&[
            (
                "requirements/dev.txt",
                "-r base.txt\n-r gone.txt\n-c ../constraints.txt\n-r ../../x/requirements.txt\n\
                                      -r /etc/requirements.txt\n-r ${X}/requirements.txt\n-r https://a.example/requirements.txt\n",
            ),
            (
                "requirements/base.txt",
                "x\n-r notes.md\n-r ../docs/list.txt\n",
            ),
        ]);
        assert_eq!(
            found_by("missing-include", &project),
            [
                "requirements/dev.txt:2: there is no file `gone.txt` [gone.txt]",
                "requirements/dev.txt:3: there is no file `../constraints.txt` [../constraints.txt]",
            ]
        );
    }
}

//! `partly-hashed`: a file in which some requirements have hashes and others do not.

use crate::inspection::Severity;
use crate::lint::contents::{Origin, Wanted};
use crate::lint::project::Project;
use crate::lint::requirement_files::installed_from;
use crate::lint::rule::{Finding, Rule};
use crate::lint::settled_text::with_hashes;

/// The rule.
#[derive(Debug)]
pub(super) struct PartlyHashed;

impl Rule for PartlyHashed {
    fn id(&self) -> &'static str {
        "partly-hashed"
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn summary(&self) -> &'static str {
        "some requirements of a file have hashes, others do not"
    }

    fn manual(&self) -> &'static str {
        "As soon as one line has a `--hash`, pip asks for hashes of all of them and refuses to install \
         the file; uv checks those that are there and installs the others unseen. Either way the file \
         does not do what it looks like.\n\n\
         Write the missing hashes: `uv pip compile --generate-hashes` or `pip-compile --generate-hashes`. \
         Folders and version control cannot have hashes: keep them in a file of their own, and pin those \
         by commit. Where an index or a gateway is asked, `--fix` writes what is missing, as for `unhashed`."
    }

    fn example(&self) -> (&'static str, &'static str) {
        (
            "requirements.txt",
            "flask==3.1.0 --hash=sha256:5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f\nsix==1.17.0\n",
        )
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        for file in installed_from(project) {
            let wanted = &file.contents.wanted;
            let without: Vec<_> = wanted.iter().filter(|one| lacks_hash(one)).collect();
            let Some((first, also)) = without.split_first() else {
                continue;
            };
            if wanted.iter().all(|one| one.hashes.is_empty()) {
                continue;
            }
            let (all, count) = (wanted.len(), without.len());
            let message = format!("{count} of {all} requirements have no hash, the others do");
            let finding = Finding::new(self, file, &first.at, message)
                .because("pip refuses to install the file, and uv installs these unchecked")
                .help("write the missing hashes: uv pip compile --generate-hashes")
                .also(also.iter().map(|wanted| wanted.at.clone()).collect());
            found.push(with_hashes(project, file, finding));
        }
    }
}

/// Folders and version control cannot have one.
fn lacks_hash(wanted: &Wanted) -> bool {
    let is_file = matches!(wanted.origin, Origin::Index(_) | Origin::Url { .. });
    is_file && wanted.hashes.is_empty()
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{found_by, project};

    #[test]
    fn what_is_missing_is_listed() {
        let project = project(&[
            (
                "requirements.txt",
                "flask==3.0 --hash=sha256:aa\nsix==1.0\n-e .\nx==2\n",
            ),
            ("a/requirements.txt", "flask==3.0\n"),
            (
                "b/requirements.txt",
                "flask==3.0 --hash=sha256:aa\nhttps://a.example/x.whl#sha256=bb\n",
            ),
        ]);
        assert_eq!(
            found_by("partly-hashed", &project),
            ["requirements.txt:2: 2 of 4 requirements have no hash, the others do [six==1.0]"]
        );
    }
}

//! `mutable-image`: an image by a name that may stand for another one tomorrow.

use super::invoked;
use crate::inspection::Severity;
use crate::lint::contents::{Reference, ReferenceKind};
use crate::lint::project::Project;
use crate::lint::read::is_official;
use crate::lint::rule::{Finding, Rule};

/// The rule.
#[derive(Debug)]
pub(super) struct MutableImage;

impl Rule for MutableImage {
    fn id(&self) -> &'static str {
        "mutable-image"
    }

    fn severity(&self) -> Severity {
        Severity::Low
    }

    fn summary(&self) -> &'static str {
        "an image is named without its digest"
    }

    fn manual(&self) -> &'static str {
        "A tag can be moved: what was tested is not what is built. `latest`, or no tag at all, moves with \
         every release. A digest (`python:3.12@sha256:…`) names one image for good; Renovate and Dependabot \
         keep it fresh.\n\n\
         A full tag of an official image is only worth knowing, since those are looked after in common."
    }

    fn example(&self) -> (&'static str, &'static str) {
        ("Dockerfile", "FROM python:latest\n")
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        for file in &project.files {
            let images = file.contents.references.iter();
            let images = images.filter(|one| one.kind == ReferenceKind::Image);
            let findings = images.filter_map(|image| {
                let severity = severity(image)?;
                let message = match severity {
                    Severity::Medium => "the image is whatever is newest when it is fetched",
                    _ => "the image is named by a tag, which can be moved",
                };
                let finding = Finding::new(self, file, &image.at, message)
                    .severity(severity)
                    .because(
                        "what is built tomorrow may rest on another image than what was tested",
                    )
                    .help("add the digest: NAME:TAG@sha256:…");
                Some(finding)
            });
            found.extend(invoked::together(findings.collect()));
        }
    }
}

/// How bad it is that `image` may change; `None` where it cannot.
fn severity(image: &Reference) -> Option<Severity> {
    match image.revision.as_deref() {
        Some(digest) if digest.contains(':') => None,
        None | Some("latest") => Some(Severity::Medium),
        Some(tag)
            if is_official(&image.target) && tag.contains(|one: char| one.is_ascii_digit()) =>
        {
            Some(Severity::Info)
        }
        Some(_) => Some(Severity::Low),
    }
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{marked_by, project};

    #[test]
    fn it_finds_what_it_should() {
        for (files, expected) in [
            (
                vec![(
                    "Dockerfile",
                    "FROM python:3.12@sha256:ab AS a\nFROM a\nFROM scratch\n",
                )],
                vec![] as Vec<&str>,
            ),
            (
                vec![(
                    "Dockerfile",
                    "FROM python\nFROM acme.example:5000/b:latest\nFROM acme.example/c:1\nFROM python:3.12\n",
                )],
                vec!["python", "acme.example/c:1", "python:3.12"] as Vec<&str>,
            ),
        ] {
            assert_eq!(
                marked_by("mutable-image", &project(&files)),
                expected,
                "{files:?}"
            );
        }
    }
}

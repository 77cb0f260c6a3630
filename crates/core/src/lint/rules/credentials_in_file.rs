//! `credentials-in-file`: a password or token in a file of the project.

use crate::inspection::Severity;
use crate::lint::project::{Project, ProjectFile};
use crate::lint::rule::{Finding, Rule};

/// The rule.
#[derive(Debug)]
pub(super) struct CredentialsInFile;

impl Rule for CredentialsInFile {
    fn id(&self) -> &'static str {
        "credentials-in-file"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn summary(&self) -> &'static str {
        "a password or token can be read by whoever reads the project"
    }

    fn manual(&self) -> &'static str {
        "A password in `.pypirc`, `.netrc` or the configuration of poetry or pdm is in every copy \
         of the project and in its history. Whoever has one can publish or read in its owner's \
         name.\n\nWithdraw it first: taking it out of the file does not take it out of the \
         history. Then use a variable (`${TOKEN}`), a keyring, or trusted publishing, which needs \
         no password at all. Files of a user, outside of a project, are not meant."
    }

    fn example(&self) -> (&'static str, &'static str) {
        (
            ".pypirc",
            "[acme]\nrepository = https://packages.acme.example/legacy/\nusername = ci\npassword = correct-horse\n",
        )
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        for file in project.files.iter().filter(|file| !is_of_the_user(file)) {
            found.extend(file.contents.secrets.iter().map(|secret| {
                let message = format!("{} can be read here", secret.what);
                Finding::new(self, file, &secret.at, message)
                    .because("it is in every copy of the project and in its history")
                    .help("withdraw it, then use a variable, a keyring or trusted publishing")
            }));
        }
    }
}

/// Whether the file is outside of the project, where only its owner reads it.
fn is_of_the_user(file: &ProjectFile) -> bool {
    let has_drive = file.path.chars().nth(1) == Some(':');
    file.path.starts_with(['/', '~', '\\']) || file.path.starts_with("../") || has_drive
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{found_by, project};

    #[test]
    fn a_password_is_found_and_never_told() {
        let files = [
            (".netrc", "machine a.example login ci password s3cret\n"),
            (".pypirc", "[a]\nusername = x\npassword = ${PASSWORD}\n"),
            (
                "/home/ci/.netrc",
                "machine a.example login ci password s3cret\n",
            ),
        ];
        let found = found_by("credentials-in-file", &project(&files));
        assert_eq!(
            found,
            [".netrc:1: the password of a.example can be read here [s3cret]"]
        );
        let report = crate::lint::check(&project(&files));
        for finding in report.findings {
            for text in [&finding.message, &finding.why, &finding.help] {
                assert!(!text.contains("s3cret"), "{finding:?}");
            }
        }
    }
}

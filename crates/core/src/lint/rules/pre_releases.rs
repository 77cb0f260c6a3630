//! `pre-releases`: installers that take pre-releases as if they were releases.

use crate::inspection::Severity;
use crate::lint::contents::Setting;
use crate::lint::project::Project;
use crate::lint::rule::{Finding, Rule};

/// The rule.
#[derive(Debug)]
pub(super) struct PreReleases;

impl Rule for PreReleases {
    fn id(&self) -> &'static str {
        "pre-releases"
    }

    fn severity(&self) -> Severity {
        Severity::Low
    }

    fn summary(&self) -> &'static str {
        "pre-releases are installed as if they were releases"
    }

    fn manual(&self) -> &'static str {
        "With `--pre`, `prerelease = \\\"allow\\\"` or `allow-prereleases`, the newest version wins even \
         where it is an alpha that its authors publish to be tried. It is looked at by fewer people, and \
         appears more often.\n\n\
         Name the one project that needs it and its version: `package==2.0rc1` is accepted without any \
         such setting. uv's `if-necessary` and `explicit` are no finding."
    }

    fn example(&self) -> (&'static str, &'static str) {
        ("requirements.txt", "--pre\nflask==3.1.0\n")
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        for file in &project.files {
            let settings = file.contents.settings.iter();
            let allowing = settings.filter(|setting| allows(setting));
            found.extend(allowing.map(|setting| {
                Finding::new(
                    self,
                    file,
                    &setting.at,
                    format!(
                        "{} installs pre-releases as if they were releases",
                        setting.tool
                    ),
                )
                .because("the newest version wins, tried or not")
                .help("pin the one version that is needed: package==2.0rc1 needs no such setting")
            }));
        }
    }
}

fn allows(setting: &Setting) -> bool {
    match setting.key.as_str() {
        "pre" | "allow-prereleases" => setting.is_on(),
        "prerelease" => setting.value == "allow",
        "all-releases" => setting
            .value
            .split(',')
            .any(|value| value.trim() == ":all:"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{found_by, project};

    #[test]
    fn every_spelling_is_found() {
        let project = project(&[
            (
                "requirements.txt",
                "--pre\n--all-releases :all:\n--all-releases flask\nflask==3.0rc1\n",
            ),
            (
                "pyproject.toml",
                "[tool.poetry.dependencies]\nx = {version = '*', allow-prereleases = true}\n\
                                y = {version = '*', allow-prereleases = false}\n",
            ),
        ]);
        assert_eq!(
            found_by("pre-releases", &project),
            [
                "pyproject.toml:2: poetry installs pre-releases as if they were releases [allow-prereleases = true]",
                "requirements.txt:1: pip installs pre-releases as if they were releases [--pre]",
                "requirements.txt:2: pip installs pre-releases as if they were releases [--all-releases :all:]",
            ]
        );
    }
}

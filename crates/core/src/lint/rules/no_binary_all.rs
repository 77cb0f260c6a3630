//! `no-binary-all`: nothing may be installed from a wheel.

use crate::inspection::Severity;
use crate::lint::contents::{Setting, Tool};
use crate::lint::project::Project;
use crate::lint::rule::{Finding, Rule};

/// The rule.
#[derive(Debug)]
pub(super) struct NoBinaryAll;

impl Rule for NoBinaryAll {
    fn id(&self) -> &'static str {
        "no-binary-all"
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn summary(&self) -> &'static str {
        "every package is built from source, which runs its code"
    }

    fn manual(&self) -> &'static str {
        "With `no-binary = :all:` no wheel is taken, and every package is built from its source \
         distribution. Building runs code of the package and of everything that it needs to be \
         built, on the machine that installs.\n\nName the packages that need it. Where the reason \
         is a wheel that does not fit the machine, build it once and serve it from an index of \
         your own."
    }

    fn example(&self) -> (&'static str, &'static str) {
        ("pip.conf", "[install]\nno-binary = :all:\n")
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        for file in &project.files {
            let settings = file.contents.settings.iter();
            found.extend(
                settings
                    .filter(|setting| is_for_all(setting))
                    .map(|setting| {
                        let message = format!("{} builds every package from source", setting.tool);
                        Finding::new(self, file, &setting.at, message)
                            .because(
                                "building runs code of each package on the machine that installs",
                            )
                            .help("name the packages that have to be built")
                    }),
            );
        }
    }
}

fn is_for_all(setting: &Setting) -> bool {
    let mut names = setting.value.split(',').map(str::trim);
    let is_switch = matches!(setting.tool, Tool::Uv | Tool::Poetry) && setting.is_on();
    setting.key == "no-binary" && (is_switch || names.any(|name| name == ":all:"))
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{found_by, project};

    #[test]
    fn all_is_more_than_some() {
        for (path, text, expected) in [
            ("pip.conf", "[install]\nno-binary = :all:\n", 1),
            ("pip.conf", "[install]\nno-binary = lxml,psycopg2\n", 0),
            ("uv.toml", "no-binary = true\n", 1),
            ("uv.toml", "no-binary = false\n", 0),
            ("poetry.toml", "[installer]\nno-binary = \":all:\"\n", 1),
            ("poetry.toml", "[installer]\nno-binary = [\"lxml\"]\n", 0),
        ] {
            let found = found_by("no-binary-all", &project(&[(path, text)]));
            assert_eq!(found.len(), expected, "{path} {text}: {found:?}");
        }
    }
}

//! `ignored-index-errors`: uv goes on to the next index where one refuses.

use crate::inspection::Severity;
use crate::lint::contents::{Contents, PlaceRole, Setting, Tool};
use crate::lint::project::Project;
use crate::lint::rule::{Finding, Rule};

/// The rule.
#[derive(Debug)]
pub(super) struct IgnoredIndexErrors;

impl Rule for IgnoredIndexErrors {
    fn id(&self) -> &'static str {
        "ignored-index-errors"
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn summary(&self) -> &'static str {
        "uv asks the next index where one answers with an error"
    }

    fn manual(&self) -> &'static str {
        "uv stops where an index answers with 401 or 403, so that nobody else is asked for what \
         it refuses. With `ignore-error-codes` it goes on, and takes from the next index what \
         this one has blocked, or what it could not tell because a password was wrong.\n\nLeave \
         the option out, and mend what makes the index refuse. An index with `explicit = true` is \
         not asked for anything else, so the option does no harm there."
    }

    fn example(&self) -> (&'static str, &'static str) {
        (
            "uv.toml",
            "[[index]]\nurl = \"https://packages.acme.example/simple\"\nignore-error-codes = [403]\n",
        )
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        for file in &project.files {
            let mut findings: Vec<Finding> = Vec::new();
            let settings = file.contents.settings.iter();
            for setting in settings.filter(|setting| matters(setting, &file.contents)) {
                // One list of codes is one finding.
                if findings
                    .last()
                    .is_some_and(|before| before.at == setting.at)
                {
                    continue;
                }
                let message = format!(
                    "uv asks the next index where this one answers {}",
                    setting.value
                );
                findings.push(
                    Finding::new(self, file, &setting.at, message)
                        .because("what the index refuses comes from another one instead")
                        .help("leave the option out, and mend what makes the index refuse"),
                );
            }
            found.append(&mut findings);
        }
    }
}

/// uv goes on behind 404 in any case.
fn matters(setting: &Setting, contents: &Contents) -> bool {
    setting.key == "ignore-error-codes" && setting.value != "404" && !is_explicit(setting, contents)
}

/// Whether the index that the setting belongs to, which is the last one before it, is asked only for what
/// names it.
fn is_explicit(setting: &Setting, contents: &Contents) -> bool {
    let indexes = contents.places.iter().filter(|place| {
        place.tool == Tool::Uv
            && place.role != PlaceRole::Upload
            && place.at.start <= setting.at.start
    });
    let last = indexes.max_by_key(|place| place.at.start);
    last.is_some_and(|place| place.role == PlaceRole::Explicit)
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{found_by, project};

    #[test]
    fn only_an_explicit_index_may_err() {
        let index = |rest: &str| format!("[[index]]\nurl = \"https://a.example/\"\n{rest}\n");
        for (rest, expected) in [
            ("ignore-error-codes = [401, 403]", 1),
            ("ignore-error-codes = [404]", 0),
            ("explicit = true\nignore-error-codes = [403]", 0),
            ("", 0),
        ] {
            let text = format!("{}{}", index("explicit = true"), index(rest));
            let found = found_by("ignored-index-errors", &project(&[("uv.toml", &text)]));
            assert_eq!(found.len(), expected, "{rest}: {found:?}");
        }
    }
}

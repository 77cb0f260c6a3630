//! `unsafe-index-strategy`: uv is told to take the highest version of all indexes, whoever has it.

use crate::inspection::Severity;
use crate::lint::contents::Setting;
use crate::lint::project::Project;
use crate::lint::rule::{Edit, Finding, Rule};

/// The rule.
#[derive(Debug)]
pub(super) struct UnsafeIndexStrategy;

impl Rule for UnsafeIndexStrategy {
    fn id(&self) -> &'static str {
        "unsafe-index-strategy"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn summary(&self) -> &'static str {
        "uv takes versions from any of several indexes"
    }

    fn manual(&self) -> &'static str {
        "With `index-strategy = \"unsafe-best-match\"` uv takes the highest version that any \
         index has, and with `unsafe-first-match` it goes on to the next index where no version \
         of the first one fits. Whoever may publish to one of them can publish a higher version \
         of a name that is meant to come from another.\n\nLeave the option out: uv then takes a \
         project from the first index that has it. Where one project has to come from another \
         index, give that index `explicit = true` and name it in `[tool.uv.sources]`."
    }

    fn example(&self) -> (&'static str, &'static str) {
        ("uv.toml", "index-strategy = \"unsafe-best-match\"\n")
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        for file in &project.files {
            let settings = file.contents.settings.iter();
            found.extend(settings.filter(|setting| is_unsafe(setting)).map(|setting| {
                let message = format!("uv takes versions from any index: {}", setting.value);
                let finding = Finding::new(self, file, &setting.at, message)
                    .because("whoever can publish to one index decides for names that belong to another")
                    .help("use `first-index`, and `explicit = true` for an index that serves single projects");
                let is_verbatim = file.text.get(setting.value_at.clone()) == Some(&setting.value);
                match is_verbatim {
                    true => finding.fix(
                        "use the first index that has the project",
                        vec![Edit {
                            at: setting.value_at.clone(),
                            with: "first-index".to_owned(),
                        }],
                    ),
                    false => finding,
                }
            }));
        }
    }
}

fn is_unsafe(setting: &Setting) -> bool {
    let names = ["unsafe-best-match", "unsafe-first-match"];
    setting.key == "index-strategy" && names.contains(&setting.value.as_str())
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{found_by, project};

    use crate::lint::testing::fixed_by;

    #[test]
    fn unsafe_strategies_are_found_and_replaced() {
        let files = [
            ("a/uv.toml", "index-strategy = \"unsafe-first-match\"\n"),
            ("b/uv.toml", "index-strategy = \"first-index\"\n"),
            ("uv.toml", "[pip]\nindex-strategy = \"unsafe-best-match\"\n"),
        ];
        assert_eq!(
            found_by("unsafe-index-strategy", &project(&files)),
            [
                "a/uv.toml:1: uv takes versions from any index: unsafe-first-match [index-strategy = \"unsafe-first-match\"]",
                "uv.toml:2: uv takes versions from any index: unsafe-best-match [index-strategy = \"unsafe-best-match\"]",
            ]
        );
        assert_eq!(
            fixed_by("unsafe-index-strategy", &project(&files), "uv.toml"),
            "[pip]\nindex-strategy = \"first-index\"\n"
        );
    }
}

//! `DEP-001`: a dependency comes from somewhere else than an index.

use portcullis_core::inspection::{Observation, Severity};

use super::{ArchiveRule, Seen};
use crate::archive::survey::Survey;

/// The rule.
pub(super) struct DirectReference;

impl ArchiveRule for DirectReference {
    fn id(&self) -> &'static str {
        "DEP-001"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn title(&self) -> &'static str {
        "a dependency comes from somewhere else than an index"
    }

    fn manual(&self) -> &'static str {
        "`Requires-Dist`, the requirements of the build, or `setup.py` name a URL, a \
         version-control repository or another index.\n\n\
         Such a dependency passes by this gateway and every policy of it.\n\n\
         Mistaken for it: private packages built for a closed network; except them by project."
    }

    fn check(&self, survey: &Survey, observations: &mut Vec<Observation>) {
        let mut add = |file: &str, what: &str, text: &str| {
            let shown: String = text.chars().filter(|c| !c.is_control()).take(120).collect();
            let message = format!("{what} {shown}");
            observations.push(Seen::file(file).marked(text).observe(
                self,
                Severity::High,
                90,
                message,
            ));
        };
        if let Some((file, metadata)) = survey.metadata() {
            for requirement in metadata.requires_dist.iter().filter(|text| is_direct(text)) {
                add(file, "it requires", requirement);
            }
        }
        if survey.is_wheel() {
            return;
        }
        if let Some((file, _)) = survey.document("pyproject.toml") {
            for requirement in survey
                .build_system()
                .requires
                .iter()
                .filter(|text| is_direct(text))
            {
                add(file, "its build requires", requirement);
            }
        }
        for file in ["setup.py", "setup.cfg"] {
            let Some((file, bytes)) = survey.document(file) else {
                continue;
            };
            for line in foreign_lines(&String::from_utf8_lossy(bytes)) {
                add(file, "it fetches from elsewhere:", line);
            }
        }
    }
}

/// Whether a requirement is a direct reference (PEP 508) or a repository.
pub(crate) fn is_direct(requirement: &str) -> bool {
    let before = requirement.split(';').next().unwrap_or_default();
    let is_reference = before
        .split_once('@')
        .is_some_and(|(_, target)| target.contains(':'));
    is_reference
        || ["git+", "hg+", "svn+", "bzr+"]
            .iter()
            .any(|kind| before.contains(kind))
}

/// Lines that name another index, or list links to dependencies.
fn foreign_lines(text: &str) -> Vec<&str> {
    const OPTIONS: &[&str] = &[
        "--index-url",
        "--extra-index-url",
        "--find-links",
        "--trusted-host",
    ];
    const LINKS: &[&str] = &["http://", "https://", "git+", "ftp://"];
    let mut found = Vec::new();
    let mut links_left = 0;
    for line in without_docstring(text).lines() {
        let code = line.split('#').next().unwrap_or_default();
        if code.contains("dependency_links") {
            links_left = 6;
        }
        let is_link = links_left > 0 && LINKS.iter().any(|kind| line.contains(kind));
        if is_link || OPTIONS.iter().any(|option| code.contains(option)) {
            found.push(line.trim());
        }
        links_left = match code.contains(']') {
            true => 0,
            false => links_left.max(1) - 1,
        };
    }
    found
}

/// The text behind the docstring of a module, which is for people.
fn without_docstring(text: &str) -> &str {
    let is_idle = |line: &&str| line.trim().is_empty() || line.starts_with('#');
    let before: usize = text
        .split_inclusive('\n')
        .take_while(is_idle)
        .map(str::len)
        .sum();
    let code = &text[before..];
    let code = code.strip_prefix(['r', 'R']).unwrap_or(code);
    for quotes in ["\"\"\"", "'''"] {
        let Some((_, after)) = code
            .strip_prefix(quotes)
            .and_then(|rest| rest.split_once(quotes))
        else {
            continue;
        };
        // Something behind the quotes may use what is between them.
        let line = after.lines().next().unwrap_or_default().trim();
        if line.is_empty() || line.starts_with('#') {
            return after;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_told_from_names() {
        for text in [
            "a @ https://x.invalid/a.whl",
            "a@git+ssh://x.invalid/a",
            "a @ file:///x",
        ] {
            assert!(is_direct(text), "{text}");
        }
        for text in ["a", "a>=1; extra == 'x@y:z'", "a[b]<2"] {
            assert!(!is_direct(text), "{text}");
        }
    }

    #[test]
    fn links_are_looked_for_behind_their_keyword_only() {
        assert_eq!(
            foreign_lines("url='https://x.invalid'\ndependency_links=[]\n"),
            [""; 0]
        );
        assert_eq!(
            foreign_lines("dependency_links=[\n 'https://x.invalid/a']").len(),
            1
        );
        assert_eq!(
            foreign_lines("os.system('pip install --extra-index-url x a')").len(),
            1
        );
        assert_eq!(foreign_lines("# pip install --index-url x"), [""; 0]);
        for (text, count) in [
            (
                "#!a\n\n'''How to:\npip install --index-url x\n'''\nimport os",
                0,
            ),
            ("r\"\"\"pip install --index-url x\"\"\"  # note", 0),
            ("\"\"\"pip install --index-url x\"\"\".run()", 1),
            (
                "\"\"\"Nothing.\"\"\"\nos.system(\"\"\"pip install\n--index-url x\"\"\")",
                1,
            ),
            ("\"\"\"pip install --index-url x", 1),
        ] {
            assert_eq!(foreign_lines(text).len(), count, "{text}");
        }
    }
}

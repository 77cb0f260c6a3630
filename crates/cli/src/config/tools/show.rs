//! What people are shown before anything is written: the difference, what is taken out and why. Passwords
//! that stand in the files are masked.

use similar::{ChangeTag, TextDiff};

use super::plan::{Change, Plan};
use crate::output::{paragraph, visible};

/// How many lines of context stand around a change.
const CONTEXT: usize = 2;

/// The plan for people.
pub(super) fn plan(plan: &Plan) -> String {
    let mut text = String::new();
    for change in &plan.changes {
        text.push_str(&difference(change));
        text.push('\n');
    }
    if !plan.removed.is_empty() {
        text.push_str("Taken out, because it leads past the gateway:\n");
        for removed in &plan.removed {
            let line = format!("{}: {}.", masked(&removed.what), removed.why);
            text.push_str(&paragraph(2, &line));
        }
        text.push('\n');
    }
    text
}

/// What is left for people to do.
pub(super) fn remarks(remarks: &[String]) -> String {
    let mut text = String::new();
    for remark in remarks {
        text.push_str(&paragraph(0, remark));
    }
    text
}

/// A unified difference.
fn difference(change: &Change) -> String {
    let path = change.path.display();
    let before = change.before.as_deref().unwrap_or_default();
    let old = match change.before {
        Some(_) => path.to_string(),
        None => "/dev/null".to_owned(),
    };
    let mut text = format!("--- {old}\n+++ {path}\n");
    let diff = TextDiff::from_lines(before, &change.after);
    for hunk in diff.unified_diff().context_radius(CONTEXT).iter_hunks() {
        text.push_str(&format!("{}\n", hunk.header()));
        for line in hunk.iter_changes() {
            let sign = match line.tag() {
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
                ChangeTag::Equal => ' ',
            };
            let content = masked(line.value().trim_end_matches(['\n', '\r']));
            text.push_str(&format!("{sign}{}\n", visible(&content)));
        }
    }
    text
}

/// A line without the passwords in it: those of URLs, and values of keys that hold one. References to
/// variables are no secrets.
pub(super) fn masked(line: &str) -> String {
    let mut shown = String::new();
    let mut rest = line;
    while let Some((before, behind)) = rest.split_once("://") {
        shown.push_str(before);
        shown.push_str("://");
        let end = behind
            .find(['/', '"', '\'', ' ', '\t', ','])
            .unwrap_or(behind.len());
        let (authority, tail) = behind.split_at(end);
        match authority.rsplit_once('@') {
            Some((user, host)) if !user.contains('$') => shown.push_str(&format!("***@{host}")),
            _ => shown.push_str(authority),
        }
        rest = tail;
    }
    shown.push_str(rest);
    let key = shown.split(['=', ':']).next().unwrap_or_default();
    let key = key.trim().trim_matches('"').to_ascii_lowercase();
    let is_secret = ["password", "token", "secret"]
        .iter()
        .any(|word| key.ends_with(word));
    match shown.find(['=', ':']) {
        Some(sign) if is_secret && !shown[sign..].contains('$') => {
            format!("{} ***", &shown[..=sign])
        }
        _ => shown,
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::super::plan::Readers;
    use super::*;

    #[test]
    fn a_difference_shows_what_changes_and_no_password() {
        let change = Change {
            path: PathBuf::from("/home/ann/.pypirc"),
            before: Some("[pypi]\nusername = ann\npassword = hunter2\n".to_owned()),
            after: "[pypi]\nusername = ann\npassword = hunter2\nx = 1\n".to_owned(),
            readers: Readers::Usual,
        };
        insta::assert_snapshot!(difference(&change), @r"
        --- /home/ann/.pypirc
        +++ /home/ann/.pypirc
        @@ -2,2 +2,3 @@
         username = ann
         password = ***
        +x = 1
        ");
    }

    #[test]
    fn passwords_are_masked_and_variables_are_not() {
        for (line, expected) in [
            (
                "index-url = https://u:p@a.example/x",
                "index-url = https://***@a.example/x",
            ),
            (
                "url = \"https://tok@a.example\"",
                "url = \"https://***@a.example\"",
            ),
            (
                "a https://u:p@b.example/ https://c.example/@x",
                "a https://***@b.example/ https://c.example/@x",
            ),
            (
                "url = 'https://__token__:${T}@a.example/'",
                "url = 'https://__token__:${T}@a.example/'",
            ),
            ("password: abc", "password: ***"),
            ("UV_PASSWORD=abc", "UV_PASSWORD= ***"),
            (
                "  PASSWORD: ${{ secrets.A }}",
                "  PASSWORD: ${{ secrets.A }}",
            ),
            ("nothing", "nothing"),
        ] {
            assert_eq!(masked(line), expected);
        }
    }
}

//! Changing files of which only a few lines are understood: the top-level mappings of a workflow's YAML, and
//! blocks between two marks. Everything else keeps its bytes; what cannot be told for sure is refused.

use saphyr_parser::{Event, Parser};

use super::ini::newline_of;

/// What YAML takes for indentation; other blanks are content.
const BLANKS: [char; 2] = [' ', '\t'];

/// Whether a text is YAML that can be read.
pub(super) fn is_yaml(text: &str) -> bool {
    let events: Result<Vec<(Event<'_>, _)>, _> = Parser::new_from_str(text).collect();
    events.is_ok()
}

/// A line of a mapping below a key of the first column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    /// The key.
    pub(super) key: String,
    /// The value on its line, without quotes.
    pub(super) value: String,
    /// Its line, from 0.
    pub(super) line: usize,
}

/// The pairs directly below `key`, a key of the first column; `None` where there is no such key.
///
/// # Errors
/// Why its value is not lines of `key: value`, as a clause.
pub(super) fn pairs(text: &str, key: &str) -> Result<Option<Vec<Pair>>, String> {
    let lines: Vec<&str> = text.lines().collect();
    let is_key = |line: &&str| {
        line.strip_prefix(key)
            .is_some_and(|rest| rest.starts_with(':'))
    };
    let Some(start) = lines.iter().position(is_key) else {
        return Ok(None);
    };
    let rest = lines[start][key.len() + 1..].trim();
    if !rest.is_empty() && !rest.starts_with('#') {
        return Err(format!("`{key}:` goes on in its own line"));
    }
    let mut found = Vec::new();
    let mut depth = None;
    for (number, line) in lines.iter().enumerate().skip(start + 1) {
        let trimmed = line.trim_start_matches(BLANKS);
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let indent = line.len() - trimmed.len();
        if indent == 0 {
            break;
        }
        let depth = *depth.get_or_insert(indent);
        if indent > depth {
            continue;
        }
        let pair = trimmed.split_once(':').filter(|_| indent == depth);
        let (name, value) =
            pair.ok_or_else(|| format!("line {} is no `key: value`", number + 1))?;
        found.push(Pair {
            key: name.trim().trim_matches(['"', '\'']).to_owned(),
            value: scalar(value),
            line: number,
        });
    }
    Ok(Some(found))
}

/// A value without its quotes and comment.
fn scalar(value: &str) -> String {
    let value = value.trim();
    for quote in ['"', '\''] {
        let inner = value
            .strip_prefix(quote)
            .and_then(|inner| inner.split_once(quote));
        if let Some((inner, _)) = inner {
            return inner.to_owned();
        }
    }
    value
        .split(" #")
        .next()
        .unwrap_or_default()
        .trim()
        .to_owned()
}

/// Gives keys below the top-level `key` these values and takes others away; a mapping that is missing is put
/// before the line that `before` picks, or at the beginning.
///
/// # Errors
/// What [`pairs`] says, and where a value spans lines.
pub(super) fn set_pairs(
    text: &str,
    key: &str,
    wanted: &[(&str, String)],
    unwanted: &[&str],
    before: impl Fn(&str) -> bool,
) -> Result<String, String> {
    let newline = newline_of(text);
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    if let Some(last) = lines.last_mut().filter(|last| !last.ends_with('\n')) {
        last.push_str(newline);
    }
    let Some(there) = pairs(text, key)? else {
        let mut block = format!("{key}:{newline}");
        for (name, value) in wanted {
            block.push_str(&format!("  {name}: \"{value}\"{newline}"));
        }
        block.push_str(newline);
        let picked = lines.iter().position(|line| before(line));
        // Before the mark of a document it would be a document of its own.
        let mark = lines.iter().position(|line| line.starts_with("---"));
        let position = picked.or(mark.map(|mark| mark + 1)).unwrap_or(0);
        lines.insert(position, block);
        return Ok(lines.concat());
    };
    let is_whole = |pair: &Pair| !matches!(pair.value.as_str(), "" | "|" | ">" | "|-" | ">-");
    let indent = match there.first() {
        Some(pair) => {
            let line = &lines[pair.line];
            line[..line.len() - line.trim_start_matches(BLANKS).len()].to_owned()
        }
        None => "  ".to_owned(),
    };
    let spelled = |name: &str, value: &str| format!("{indent}{name}: \"{value}\"{newline}");
    let mut missing = String::new();
    for (name, value) in wanted {
        match there.iter().find(|pair| pair.key == *name) {
            None => missing.push_str(&spelled(name, value)),
            Some(pair) if pair.value == *value => {}
            Some(pair) if is_whole(pair) => lines[pair.line] = spelled(name, value),
            Some(pair) => return Err(format!("line {}: {name} spans lines", pair.line + 1)),
        }
    }
    for pair in &there {
        if unwanted.contains(&pair.key.as_str()) {
            match is_whole(pair) {
                true => lines[pair.line].clear(),
                false => return Err(format!("line {}: {} spans lines", pair.line + 1, pair.key)),
            }
        }
    }
    let start = lines
        .iter()
        .position(|line| line.starts_with(&format!("{key}:")));
    lines.insert(start.unwrap_or(0) + 1, missing);
    Ok(lines.concat())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WANTED: &str = "http://gw.example/simple/";

    fn set(text: &str) -> Result<String, String> {
        let wanted = [("PIP_INDEX_URL", WANTED.to_owned())];
        let is_jobs = |line: &str| line.starts_with("jobs:");
        set_pairs(text, "env", &wanted, &["PIP_EXTRA_INDEX_URL"], is_jobs)
    }

    #[test]
    fn pairs_are_set_where_they_stand_and_everything_else_stays() {
        for (text, expected) in [
            (
                "on: push\njobs:\n  a: 1\n",
                "on: push\nenv:\n  PIP_INDEX_URL: \"http://gw.example/simple/\"\n\njobs:\n  a: 1\n",
            ),
            (
                "# all\n---\na: 1\n",
                "# all\n---\nenv:\n  PIP_INDEX_URL: \"http://gw.example/simple/\"\n\na: 1\n",
            ),
            (
                "env: # all\n    A: 1 # one\n    PIP_EXTRA_INDEX_URL: https://x.example\njobs:\n  env:\n    B: 2",
                "env: # all\n    PIP_INDEX_URL: \"http://gw.example/simple/\"\n    A: 1 # one\njobs:\n  env:\n    B: 2\n",
            ),
            (
                "env:\r\n  PIP_INDEX_URL: 'https://old.example'\r\n",
                "env:\r\n  PIP_INDEX_URL: \"http://gw.example/simple/\"\r\n",
            ),
        ] {
            let once = set(text).expect(text);
            assert_eq!(once, expected);
            assert_eq!(set(&once).expect("again"), once);
            assert!(is_yaml(&once), "{once}");
        }
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for text in [
            "env: { A: 1 }\n",
            "env: *shared\n",
            "env:\n  - A\n",
            "env:\n  PIP_INDEX_URL: >\n    https://x.example\n",
            "env:\n    A: 1\n  B: 2\n",
        ] {
            assert!(set(text).is_err(), "{text}");
        }
        assert!(!is_yaml("a: [\n"));
    }

    proptest! {
        #[test]
        fn setting_pairs_of_any_text_twice_changes_nothing(text in "(?s)(env:|jobs:|PIP_INDEX_URL:|  |a: b|\"|\n|\r\n| |#|-|.){0,40}") {
            let _ = is_yaml(&text);
            if let Some(once) = set(&text).ok().filter(|once| is_yaml(once)) {
                prop_assert_eq!(set(&once), Ok(once.clone()));
            }
        }
    }
}

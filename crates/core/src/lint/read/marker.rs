//! Whether a text is an environment marker (PEP 508). What it comes to on some machine is nobody's question here,
//! and no tree is made of it: a marker of a stranger may nest and branch as it likes.

/// What a marker may ask for, with the spellings of old files.
const VARIABLES: &[&str] = &[
    "python_version",
    "python_full_version",
    "os_name",
    "sys_platform",
    "platform_release",
    "platform_system",
    "platform_version",
    "platform_machine",
    "platform_python_implementation",
    "implementation_name",
    "implementation_version",
    "extra",
    "extras",
    "dependency_groups",
    "os.name",
    "sys.platform",
    "platform.version",
    "platform.machine",
    "platform.python_implementation",
    "python_implementation",
];

/// Longer ones first, since the first that fits is taken.
const OPERATORS: &[&str] = &["===", "==", "~=", "!=", "<=", ">=", "<", ">"];

/// What may stand next.
#[derive(Clone, Copy)]
enum Next {
    /// The left side of a comparison, or a bracket.
    Left,
    /// The operator of a comparison.
    Operator,
    /// Its right side.
    Right,
    /// `and`, `or`, the end of a bracket, or of the marker.
    Connective,
}

/// Whether `text` is a marker. Takes as long as the text is.
pub(super) fn is_marker(text: &str) -> bool {
    let mut rest = text.trim_start();
    let mut next = Next::Left;
    let mut open = 0_usize;
    while !rest.is_empty() {
        let taken = match next {
            Next::Left if rest.starts_with('(') => {
                open += 1;
                Some((&rest[1..], Next::Left))
            }
            Next::Left => operand(rest).map(|rest| (rest, Next::Operator)),
            Next::Operator => operator(rest).map(|rest| (rest, Next::Right)),
            Next::Right => operand(rest).map(|rest| (rest, Next::Connective)),
            Next::Connective if rest.starts_with(')') && open > 0 => {
                open -= 1;
                Some((&rest[1..], Next::Connective))
            }
            Next::Connective => {
                let behind = word(rest, "and").or_else(|| word(rest, "or"));
                behind.map(|rest| (rest, Next::Left))
            }
        };
        let Some((behind, then)) = taken else {
            return false;
        };
        rest = behind.trim_start();
        next = then;
    }
    open == 0 && matches!(next, Next::Connective)
}

/// What stands behind a variable or a quoted text.
fn operand(rest: &str) -> Option<&str> {
    for quote in ['"', '\''] {
        if let Some(inside) = rest.strip_prefix(quote) {
            return inside.split_once(quote).map(|(_, behind)| behind);
        }
    }
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '.'));
    let (name, behind) = rest.split_at(end.unwrap_or(rest.len()));
    VARIABLES.contains(&name).then_some(behind)
}

fn operator(rest: &str) -> Option<&str> {
    let mut signs = OPERATORS.iter();
    if let Some(behind) = signs.find_map(|sign| rest.strip_prefix(sign)) {
        return Some(behind);
    }
    let negated = word(rest, "not").map(str::trim_start);
    word(negated.unwrap_or(rest), "in")
}

/// What stands behind `expected`, if that is a word of its own.
fn word<'r>(rest: &'r str, expected: &str) -> Option<&'r str> {
    let behind = rest.strip_prefix(expected)?;
    let goes_on = behind.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    (!goes_on).then_some(behind)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn markers_are_told_from_other_texts() {
        for (text, expected) in [
            ("python_version < '3.8'", true),
            ("python_version<'3.8'and os_name=='nt'", true),
            (
                "(sys_platform == \"win32\" or ('a' in extra)) and os.name not in 'x'",
                true,
            ),
            ("'3' <= python_version", true),
            ("", false),
            ("b", false),
            ("python_version", false),
            ("python_version <", false),
            ("python_version < 3.8", false),
            ("python_version < '3.8' and", false),
            ("(python_version < '3.8'", false),
            ("python_version < '3.8')", false),
            ("python_version < '3.8' # x", false),
            ("python_version < '3.8", false),
            ("pythonversion < '3.8'", false),
        ] {
            assert_eq!(is_marker(text), expected, "{text}");
        }
        let deep = format!(
            "{}os_name == 'x'{}",
            "(".repeat(100_000),
            ")".repeat(100_000)
        );
        assert!(is_marker(&deep));
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(text in any::<String>(), rest in "([()'\"<=é ]|and|or|not|in|extra){0,30}") {
            let _ = is_marker(&text);
            let _ = is_marker(&rest);
        }
    }
}

//! Simple commands of shell text, with the place of every word: what stands between `;`, `|`, `&&` and line
//! breaks, inside of `$(…)`, groups and control structures, too. Nothing is expanded, and nothing makes it
//! fail: text that no shell would accept still has words.
//!
//! Read once from front to back. What commands mean is `commands`' to say.

mod lexer;
mod quoting;
mod word;

pub(super) use lexer::simple_commands;

use crate::lint::contents::Span;
use crate::lint::syntax::Spelled;

/// Whose rules of quoting apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// sh, bash, zsh and the like.
    Posix,
    /// PowerShell, as far as simple commands go: backticks escape, and `(…)` stands for a value.
    PowerShell,
    /// `cmd.exe`: `^` escapes, only double quotes quote, `%X%` is a variable.
    Cmd,
}

/// A word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::lint) struct ShellWord {
    /// What it comes to without quotes and escapes, with the places in the file. Variables and substitutions
    /// stay as they are spelled.
    pub(in crate::lint) text: Spelled,
    /// Its place in the file, quotes included.
    pub(in crate::lint) at: Span,
    /// Whether nobody can tell all of what it comes to.
    pub(in crate::lint) has_variables: bool,
}

impl ShellWord {
    /// A word that is written as it is, such as an item of a list in YAML or an argument in Python.
    pub(in crate::lint) fn literal(text: Spelled, at: Span) -> Self {
        let has_variables = text.as_str().contains(['$', '{']);
        Self {
            text,
            at,
            has_variables,
        }
    }

    /// What it comes to.
    pub(in crate::lint) fn as_str(&self) -> &str {
        self.text.as_str()
    }
}

/// `NAME=value` in front of a command, or alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Assignment {
    pub(super) name: String,
    pub(super) value: ShellWord,
    /// The place of name and value.
    pub(super) at: Span,
}

/// A simple command, or assignments without one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Simple {
    pub(super) assignments: Vec<Assignment>,
    pub(super) words: Vec<ShellWord>,
    /// The here-document that it reads.
    pub(super) here: Option<Spelled>,
    /// The command whose output is piped into it, by position.
    pub(super) reads_from: Option<usize>,
    /// Whether it is run only where the one before it failed: behind `||`.
    pub(super) is_fallback: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, dialect: Dialect) -> Vec<String> {
        let commands = simple_commands(&Spelled::plain(text, 0), dialect);
        let one = |simple: &Simple| {
            let assigned = simple.assignments.iter();
            let assigned = assigned.map(|one| format!("{}:={}", one.name, one.value.as_str()));
            let words = simple.words.iter().map(|word| word.as_str().to_owned());
            let all: Vec<String> = assigned.chain(words).collect();
            let from = simple.reads_from.map(|from| format!(" <{from}"));
            format!("{}{}", all.join("|"), from.unwrap_or_default())
        };
        commands.iter().map(one).collect()
    }

    #[test]
    fn simple_commands_are_told_apart() {
        for (text, expected) in [
            ("pip install a", &["pip|install|a"][..]),
            ("a && b || c; d & e", &["a", "b", "c", "d", "e"]),
            ("curl x | sh", &["curl|x", "sh <0"]),
            ("curl x |\n  sh", &["curl|x", "sh <0"]),
            ("A=1 B='2 3' pip i", &["A:=1|B:=2 3|pip|i"]),
            ("PIP_INDEX_URL=https://a", &["PIP_INDEX_URL:=https://a"]),
            (
                "pip install 'a>=1' \"b\"==1 c\\>2",
                &["pip|install|a>=1|b==1|c>2"],
            ),
            ("pip install a>=1 b", &["pip|install|a|b"]),
            (
                "pip \\\n  install \\\r\n a # no\nb",
                &["pip|install|a", "b"],
            ),
            ("if a; then b; else c; fi", &["a", "b", "c"]),
            ("for x in a b; do c $x; done", &["c|$x"]),
            ("while a; do b; done | c", &["a", "b", "c"]),
            ("case $x in\n a|b) c;;\n *) d\nesac\ne", &["c", "d", "e"]),
            ("f() { a; }\nfunction g { b; }", &["a", "b"]),
            ("(cd x && a) > f 2>&1; { b; }", &["cd|x", "a", "b"]),
            ("[[ -z $a && b < c ]] && d", &["d"]),
            (
                "pip install $(cat r) \"$(b \"c d\")\"",
                &["cat|r", "b|c d", "pip|install|$(cat r)|$(b \"c d\")"],
            ),
            ("bash <(curl x)", &["curl|x", "bash|<(curl x)"]),
            (
                "echo `pip install a` b",
                &["pip|install|a", "echo|`pip install a`|b"],
            ),
            (
                "a ${b:-c d} $((1 + 2)) ${{ matrix.x }} {{ y z }}",
                &["a|${b:-c d}|$((1 + 2))|${{ matrix.x }}|{{ y z }}"],
            ),
            ("a=(b c) d\ne", &["a:=(b c)|d", "e"]),
            ("! a; time b", &["a", "time|b"]),
            ("'if' a", &["if|a"]),
        ] {
            assert_eq!(read(text, Dialect::Posix), expected, "{text}");
        }
    }

    #[test]
    fn other_shells_have_other_quotes() {
        for (dialect, text, expected) in [
            (
                Dialect::PowerShell,
                "iex (iwr https://a)",
                &["iwr|https://a", "iex|(iwr https://a)"][..],
            ),
            (
                Dialect::PowerShell,
                "pip install `\n a; C:\\b\\pip c",
                &["pip|install|a", "C:\\b\\pip|c"],
            ),
            (Dialect::PowerShell, "if ($a) { pip x }", &["$a", "pip|x"]),
            (
                Dialect::Cmd,
                "pip install ^\n \"a\" & b 'c'",
                &["pip|install|a", "b|'c'"],
            ),
        ] {
            assert_eq!(read(text, dialect), expected, "{text}");
        }
    }

    #[test]
    fn here_documents_belong_to_their_command() {
        let text = "bash <<'E' && b\npip install a\nE\nc <<-F\n\td\n\tF\ne";
        let commands = simple_commands(&Spelled::plain(text, 0), Dialect::Posix);
        let heres: Vec<_> = commands
            .iter()
            .map(|one| one.here.as_ref().map(Spelled::as_str))
            .collect();
        assert_eq!(heres, [Some("pip install a\n"), None, Some("\td\n"), None]);
    }

    #[test]
    fn places_are_those_of_the_text() {
        let text = "sh -c \"pip install 'a b'\" # x";
        let outer = Spelled::plain(text, 0);
        let commands = simple_commands(&outer, Dialect::Posix);
        let script = &commands[0].words[2];
        assert_eq!(&text[script.at.clone()], "\"pip install 'a b'\"");
        let inner = simple_commands(&script.text, Dialect::Posix);
        assert_eq!(&text[inner[0].words[2].at.clone()], "'a b'");
        assert_eq!(&text[inner[0].words[2].text.at()], "a b");
    }

    #[test]
    fn nothing_makes_it_fail() {
        for text in [
            "",
            "'",
            "\"",
            "$(",
            "`",
            "${",
            "$((",
            "case x in",
            "case x in a",
            "<<E",
            "a <<",
            "(((((",
            ")))",
            "\\",
            "{{",
            "a=(",
            "f(",
            "&",
            "|",
            "é=ü 'ß",
            "$'\\",
            "[[",
            "<(",
            ">&",
            "esac",
            "function",
            "case",
        ] {
            for dialect in [Dialect::Posix, Dialect::PowerShell, Dialect::Cmd] {
                simple_commands(&Spelled::plain(text, 0), dialect);
                simple_commands(&Spelled::plain(&text.repeat(200), 0), dialect);
            }
        }
    }
}

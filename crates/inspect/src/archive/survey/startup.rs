//! What Python does with a `.pth` or `.start` file at each start (the `site` module, PEP 829): each
//! line is a folder to search, code to run, or a function to call.

use std::collections::HashMap;
use std::sync::Arc;

use portcullis_core::digest::Sha256;

use super::Survey;

/// One line that means something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StartupLine {
    /// Code: the line starts with `import`.
    Code(String),
    /// `module:function` of a `.start` file.
    Call(String),
    /// A folder that is added to the places where modules are looked for.
    Folder(String),
}

impl Survey {
    /// Every line that Python acts upon at each start: the member, the line counted from 1, and
    /// what it is.
    #[must_use]
    pub fn startup_lines(&self) -> Vec<(Arc<str>, u32, StartupLine)> {
        let lists = self
            .documents
            .iter()
            .filter(|(name, _)| super::is_startup_list(name));
        let lines = lists.filter(|_| self.is_wheel()).flat_map(|(name, bytes)| {
            let is_calls = name.to_ascii_lowercase().ends_with(".start");
            let lines = lines(bytes, is_calls).into_iter();
            lines.map(|(number, line)| (name.clone(), number, line))
        });
        lines.collect()
    }

    /// The SHA-256 of each startup list, by member.
    #[must_use]
    pub fn startup_digests(&self) -> HashMap<Arc<str>, Sha256> {
        let lists = self
            .documents
            .iter()
            .filter(|(name, _)| super::is_startup_list(name));
        lists
            .map(|(name, bytes)| (name.clone(), Sha256::of(bytes)))
            .collect()
    }
}

impl StartupLine {
    /// The text of the line.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Code(text) | Self::Call(text) | Self::Folder(text) => text,
        }
    }

    /// The SHA-256 of what is left of the line when all names of packages in it are the same, so
    /// that lines that differ in nothing else are recognised.
    #[must_use]
    pub fn shape(&self) -> Sha256 {
        Sha256::of(shape(self.text()).as_bytes())
    }
}

/// Whether Python's `str.splitlines`, with which it reads startup lists since 3.12, ends a line there.
fn is_break(c: char) -> bool {
    matches!(
        c,
        '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}'
    )
}

/// The lines of `bytes` that mean something, with the line breaks that Python knows.
pub(crate) fn lines(bytes: &[u8], is_calls: bool) -> Vec<(u32, StartupLine)> {
    let text = String::from_utf8_lossy(bytes);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let mut found = Vec::new();
    let mut number = 1u32;
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(is_break).unwrap_or(rest.len());
        let line = &rest[..end];
        if let Some(meaning) = meaning(line, is_calls) {
            found.push((number, meaning));
        }
        let after = &rest[end..];
        rest = after.strip_prefix("\r\n").unwrap_or_else(|| {
            let mut chars = after.chars();
            chars.next();
            chars.as_str()
        });
        number = number.saturating_add(1);
    }
    found
}

fn meaning(line: &str, is_calls: bool) -> Option<StartupLine> {
    let trimmed = line.trim();
    if trimmed.is_empty() || trimmed.starts_with('#') {
        return None;
    }
    if is_calls {
        return Some(StartupLine::Call(trimmed.to_owned()));
    }
    match line.starts_with("import ") || line.starts_with("import\t") {
        true => Some(StartupLine::Code(line.to_owned())),
        false => Some(StartupLine::Folder(trimmed.to_owned())),
    }
}

/// `text` with one name left of every list of names. Looks at each byte once.
fn lists_as_one(text: &str) -> String {
    const LIST: &str = "*('_'";
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(LIST) {
        let (before, list) = rest.split_at(at + LIST.len());
        out.push_str(before);
        rest = list;
        while let Some(fewer) = rest.strip_prefix(", '_'") {
            rest = fewer;
        }
    }
    out + rest
}

/// The text with every quoted dotted name replaced by `'_'`, and lists of them by one.
fn shape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.trim();
    while let Some(at) = rest.find('\'') {
        let (before, quoted) = rest.split_at(at);
        let Some(end) = quoted[1..].find('\'') else {
            break;
        };
        let name = &quoted[1..=end];
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
        out.push_str(before);
        // What the code itself names is part of its shape: only the words of the package are not.
        let is_own = matches!(name, "__path__" | "sitedir") || name.starts_with("importlib.");
        match !is_own && !name.is_empty() && name.bytes().all(is_name) {
            true => out.push_str("'_'"),
            false => out.push_str(&quoted[..end + 2]),
        }
        rest = &quoted[end + 2..];
    }
    out.push_str(rest);
    lists_as_one(&out).replace("*('_',)", "*('_')")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_code_when_it_starts_with_import() {
        let text = b"# note\nimport a; a.b()\r\n\ndemo/lib\nimporting\n  import c\nimport\td";
        let all = lines(text, false);
        assert_eq!(
            all,
            [
                (2, StartupLine::Code("import a; a.b()".to_owned())),
                (4, StartupLine::Folder("demo/lib".to_owned())),
                (5, StartupLine::Folder("importing".to_owned())),
                (6, StartupLine::Folder("import c".to_owned())),
                (7, StartupLine::Code("import\td".to_owned())),
            ]
        );
        assert_eq!(
            lines(b"a:b", true),
            [(1, StartupLine::Call("a:b".to_owned()))]
        );
    }

    #[test]
    fn a_line_ends_where_python_ends_it() {
        for code in "\n\r\u{b}\u{c}\u{1c}\u{1d}\u{1e}\u{85}\u{2028}\u{2029}".chars() {
            let text = format!("demo/lib{code}import a; a.b()");
            let second = (2, StartupLine::Code("import a; a.b()".to_owned()));
            assert_eq!(
                lines(text.as_bytes(), false).pop(),
                Some(second),
                "{code:?}"
            );
        }
    }

    #[test]
    fn only_names_of_packages_do_not_belong_to_the_shape() {
        let shape = |text| super::shape(text);
        assert_eq!(
            shape("f(*('google',));g('google')"),
            shape("f(*('a', 'b'));g('a.b')")
        );
        assert_ne!(shape("import a;f('a')"), shape("import b;f('a')"));
        assert_ne!(shape("f('a b')"), shape("f('a')"));
        assert_ne!(shape("f('__path__')"), shape("f('a')"));
    }
}

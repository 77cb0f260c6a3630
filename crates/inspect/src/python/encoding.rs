//! From the bytes of a source to its text, the way Python reads it (PEP 263): byte order mark, coding
//! cookie, the encodings people use, and those that only hide code. Never fails; what Python would
//! refuse is told beside a readable text.

use std::borrow::Cow;

/// A source's text, and what is wrong with how it is encoded.
pub(super) struct Text<'a> {
    pub(super) text: Cow<'a, str>,
    pub(super) problem: Option<String>,
}

/// The text of `bytes`. Bytes that the encoding does not have become U+FFFD, NUL becomes a space.
pub(super) fn decode(bytes: &[u8]) -> Text<'_> {
    let (bytes, marked) = match bytes.strip_prefix(b"\xEF\xBB\xBF") {
        Some(rest) => (rest, true),
        None => (bytes, false),
    };
    let cookie = cookie(bytes);
    let mut problem = None;
    let text = match cookie.as_deref().map(normalised) {
        None => utf8(bytes, "UTF-8", &mut problem),
        Some(name) if matches!(&*name, "utf-8" | "utf8" | "utf-8-sig" | "u8") => {
            utf8(bytes, "UTF-8", &mut problem)
        }
        Some(name) if marked => {
            problem = Some(format!("has a UTF-8 mark and says that it is {name}"));
            String::from_utf8_lossy(bytes)
        }
        Some(name) => by_name(&name, bytes, &mut problem),
    };
    if memchr::memchr(0, text.as_bytes()).is_none() {
        return Text { text, problem };
    }
    let problem = Some("has NUL bytes, which Python refuses".to_owned());
    Text {
        text: Cow::Owned(text.replace('\0', " ")),
        problem,
    }
}

fn by_name<'a>(name: &str, bytes: &'a [u8], problem: &mut Option<String>) -> Cow<'a, str> {
    match name {
        "ascii" | "us-ascii" => utf8(bytes, "ASCII", problem),
        "latin-1" | "latin1" | "iso-8859-1" | "iso8859-1" | "iso-8859-15" | "iso8859-15" | "l1"
        | "cp1252" | "windows-1252" => match std::str::from_utf8(bytes) {
            Ok(text) if bytes.is_ascii() => Cow::Borrowed(text),
            _ => Cow::Owned(bytes.iter().map(|byte| char::from(*byte)).collect()),
        },
        "utf-7" | "utf7" => {
            *problem = Some("is written in UTF-7, which hides code from readers".to_owned());
            Cow::Owned(utf7(bytes))
        }
        "unicode-escape" | "raw-unicode-escape" | "unicodeescape" => {
            *problem = Some(format!(
                "is written in {name}, which hides code from readers"
            ));
            Cow::Owned(unescape(&String::from_utf8_lossy(bytes)))
        }
        other => {
            if !is_known_text_encoding(other) {
                *problem = Some(format!("says that it is encoded as {other:.40}"));
            }
            String::from_utf8_lossy(bytes)
        }
    }
}

fn utf8<'a>(bytes: &'a [u8], name: &str, problem: &mut Option<String>) -> Cow<'a, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    *problem = Some(format!("is not {name} and does not say what else it is"));
    String::from_utf8_lossy(bytes)
}

/// Encodings in which ASCII reads as ASCII, so that code can be read without knowing them.
fn is_known_text_encoding(name: &str) -> bool {
    const PREFIXES: &[&str] = &[
        "iso-8859",
        "iso8859",
        "cp125",
        "windows-125",
        "koi8",
        "gb2312",
        "gbk",
        "gb18030",
        "big5",
        "euc",
        "shift",
        "sjis",
        "cp932",
        "cp949",
        "mac",
        "cp437",
        "cp850",
        "cp866",
        "utf-8",
        "latin",
    ];
    PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

fn normalised(name: &str) -> String {
    name.to_ascii_lowercase().replace('_', "-")
}

/// The name in the coding cookie of the first two lines, when there is one.
fn cookie(bytes: &[u8]) -> Option<String> {
    for line in bytes.splitn(3, |byte| *byte == b'\n').take(2) {
        let line = &line[..line.len().min(400)];
        let start = line
            .iter()
            .position(|byte| !matches!(byte, b' ' | b'\t' | 0x0c | b'\r'));
        match start.map(|at| line[at]) {
            Some(b'#') => {}
            Some(_) => return None,
            None => continue,
        }
        if let Some(name) = cookie_in(line) {
            return Some(name);
        }
    }
    None
}

fn cookie_in(comment: &[u8]) -> Option<String> {
    let at = memchr::memmem::find(comment, b"coding")? + "coding".len();
    if !matches!(comment.get(at)?, b':' | b'=') {
        return None;
    }
    let name = comment[at + 1..]
        .iter()
        .skip_while(|byte| matches!(byte, b' ' | b'\t'));
    let name: String = name
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
        .map(|byte| char::from(*byte))
        .collect();
    (!name.is_empty()).then_some(name)
}

/// The text with `\n`, `\xhh`, `\uhhhh`, `\Uhhhhhhhh` and octal escapes resolved.
pub(super) fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        if character != '\\' {
            out.push(character);
            continue;
        }
        let mut ahead = rest.clone();
        let Some(kind) = ahead.next() else { break };
        let digits = match kind {
            'x' => Some((2, 16)),
            'u' => Some((4, 16)),
            'U' => Some((8, 16)),
            _ => None,
        };
        if let Some((count, radix)) = digits {
            let number: String = ahead.clone().take(count).collect();
            let value = u32::from_str_radix(&number, radix)
                .ok()
                .and_then(char::from_u32);
            if let (Some(value), true) = (value, number.len() == count) {
                out.push(value);
                rest = ahead;
                rest.nth(count - 1);
                continue;
            }
        }
        let simple = match kind {
            'n' => Some('\n'),
            't' => Some('\t'),
            'r' => Some('\r'),
            '\\' | '\'' | '"' => Some(kind),
            '0'..='7' => octal(&mut ahead, kind),
            _ => None,
        };
        match simple {
            Some(simple) => {
                out.push(simple);
                rest = ahead;
            }
            None => out.push('\\'),
        }
    }
    out
}

fn octal(rest: &mut std::str::Chars<'_>, first: char) -> Option<char> {
    let mut value = first.to_digit(8)?;
    for _ in 0..2 {
        let Some(digit) = rest.clone().next().and_then(|next| next.to_digit(8)) else {
            break;
        };
        value = value * 8 + digit;
        rest.next();
    }
    char::from_u32(value)
}

/// UTF-7 (RFC 2152), leniently.
fn utf7(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] != b'+' {
            out.push(char::from(bytes[at]));
            at += 1;
            continue;
        }
        let length = bytes[at + 1..]
            .iter()
            .take_while(|byte| sextet(**byte).is_some())
            .count();
        let encoded = &bytes[at + 1..at + 1 + length];
        at += 1 + length;
        if bytes.get(at) == Some(&b'-') {
            at += 1;
            if encoded.is_empty() {
                out.push('+');
            }
        }
        out.push_str(&utf7_units(encoded));
    }
    out
}

fn utf7_units(encoded: &[u8]) -> String {
    let (mut bits, mut held, mut units) = (0u32, 0, Vec::new());
    for value in encoded.iter().filter_map(|byte| sextet(*byte)) {
        bits = (bits << 6) | u32::from(value);
        held += 6;
        if held >= 16 {
            held -= 16;
            units.push((bits >> held) as u16);
            bits &= (1 << held) - 1;
        }
    }
    String::from_utf16_lossy(&units)
}

fn sextet(byte: u8) -> Option<u8> {
    Some(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_read_as_python_reads_them() {
        for (bytes, text, problem) in [
            (&b"a = 1"[..], "a = 1", false),
            (b"\xEF\xBB\xBFa", "a", false),
            (
                b"# -*- coding: latin-1 -*-\na = '\xE9'",
                "# -*- coding: latin-1 -*-\na = 'é'",
                false,
            ),
            (b"a = '\xE9'", "a = '\u{FFFD}'", true),
            (b"# coding: utf-7\n+AGEAYgBj-", "# coding: utf-7\nabc", true),
            (
                b"# coding: unicode_escape\n# \\x0aexec(a)",
                "# coding: unicode_escape\n# \nexec(a)",
                true,
            ),
            (b"# coding: rot13\nrkrp()", "# coding: rot13\nrkrp()", true),
            (b"a\0b", "a b", true),
            (
                b"import x\n# coding: rot13",
                "import x\n# coding: rot13",
                false,
            ),
        ] {
            let decoded = decode(bytes);
            assert_eq!(decoded.text, text);
            assert_eq!(
                decoded.problem.is_some(),
                problem,
                "{text:?}: {:?}",
                decoded.problem
            );
        }
    }
}

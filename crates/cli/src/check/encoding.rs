//! [`decode`]: bytes of files as text, in the encodings in which people and tools write them.

/// In which encoding a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Utf8,
    /// UTF-8 behind a byte order mark, which is no part of the text.
    Utf8Marked,
    /// One that is only read: UTF-16, or one of single bytes of which only ASCII is known.
    Other,
}

const MARK: &[u8] = b"\xef\xbb\xbf";

/// The text of a file with its encoding; `None` where it is no text.
pub(super) fn decode(bytes: Vec<u8>) -> Option<(String, Encoding)> {
    if let Some((utf16, order)) = utf16(&bytes) {
        let units = utf16.chunks_exact(2).map(|pair| order([pair[0], pair[1]]));
        let text: Result<String, _> = char::decode_utf16(units).collect();
        return text.ok().map(|text| (text, Encoding::Other));
    }
    if let Some(rest) = bytes.strip_prefix(MARK) {
        let text = std::str::from_utf8(rest).ok()?.to_owned();
        return Some((text, Encoding::Utf8Marked));
    }
    match String::from_utf8(bytes) {
        Ok(text) if text.contains('\0') => None,
        Ok(text) => Some((text, Encoding::Utf8)),
        Err(error) => single_bytes(error.as_bytes()).map(|text| (text, Encoding::Other)),
    }
}

impl Encoding {
    /// The bytes of `text` in it; `None` for one that is only read.
    pub(super) fn encode(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Utf8 => Some(text.as_bytes().to_vec()),
            Self::Utf8Marked => Some([MARK, text.as_bytes()].concat()),
            Self::Other => None,
        }
    }
}

type Order = fn([u8; 2]) -> u16;

/// PowerShell writes `pip freeze > requirements.txt` so, and pip reads it.
fn utf16(bytes: &[u8]) -> Option<(&[u8], Order)> {
    match bytes {
        [0xff, 0xfe, rest @ ..] => Some((rest, u16::from_le_bytes)),
        [0xfe, 0xff, rest @ ..] => Some((rest, u16::from_be_bytes)),
        _ => None,
    }
}

/// What matters is ASCII in all of these encodings; the rest is comments and names of people.
fn single_bytes(bytes: &[u8]) -> Option<String> {
    let is_text = !bytes.contains(&0);
    is_text.then(|| bytes.iter().map(|byte| char::from(*byte)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_in_what_they_are_written() {
        for (bytes, expected) in [
            (&b"flask\n"[..], Some(("flask\n", Encoding::Utf8))),
            (b"\xef\xbb\xbfflask", Some(("flask", Encoding::Utf8Marked))),
            (b"\xff\xfef\0\n\0", Some(("f\n", Encoding::Other))),
            (b"\xfe\xff\0f\0\n", Some(("f\n", Encoding::Other))),
            (b"# caf\xe9\n", Some(("# caf\u{e9}\n", Encoding::Other))),
            (b"\x7fELF\0\xff", None),
            (b"a\0b", None),
            (b"\xff\xfe\0\xd8", None),
            (b"", Some(("", Encoding::Utf8))),
        ] {
            let found = decode(bytes.to_vec());
            let found = found
                .as_ref()
                .map(|(text, encoding)| (text.as_str(), *encoding));
            assert_eq!(found, expected, "{bytes:?}");
        }
    }

    #[test]
    fn what_is_written_back_is_what_was_read() {
        for bytes in [&b"flask\n"[..], b"\xef\xbb\xbfflask"] {
            let (text, encoding) = decode(bytes.to_vec()).unwrap();
            assert_eq!(encoding.encode(&text).as_deref(), Some(bytes));
        }
        assert_eq!(Encoding::Other.encode("x"), None);
    }
}

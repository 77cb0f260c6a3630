//! Encodings of bytes as text and of text as bytes: base 16, 32, 64, 85, hexadecimal, rot13, Python's
//! text encodings, translation tables.

use std::sync::Arc;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::super::encoding::unescape;
use super::super::value::{Kind, Value};
use super::{Fold, LARGEST, compressed};

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

pub(super) fn call(
    name: &str,
    first: Option<&Kind>,
    arguments: &[&Value],
    keywords: &[(&str, &Value)],
) -> Option<Fold> {
    if name == "builtins.dict" && arguments.is_empty() {
        let items = keywords
            .iter()
            .map(|(key, value)| (Value::text(key), (*value).clone()));
        return Fold::plain(Kind::Dict(Arc::new(items.collect())));
    }
    if name.ends_with(".maketrans") {
        return maketrans(arguments);
    }
    let (module, function) = name.rsplit_once('.')?;
    let first = first?;
    let bytes = match (module, function) {
        ("base64", function) => base(function, first.as_bytes()?)?,
        ("binascii", "a2b_base64") => base("b64decode", first.as_bytes()?)?,
        ("binascii", "unhexlify" | "a2b_hex") => hex(first.as_bytes()?)?,
        ("builtins.bytes" | "builtins.bytearray", "fromhex") => hex(first.as_text()?.as_bytes())?,
        ("codecs", "decode" | "encode") => {
            let named = keywords
                .iter()
                .find(|(key, _)| *key == "encoding")
                .map(|(_, value)| *value);
            let encoding = arguments.get(1).copied().or(named)?.kind.as_text()?;
            return match (first, function) {
                (Kind::Bytes(bytes), "decode") => Fold::decoded(decode_text(bytes, encoding)?),
                (Kind::Str(text), _) => encode_text(text, encoding),
                _ => None,
            };
        }
        ("urllib.parse", "unquote" | "unquote_plus") => {
            let bytes = percent_encoding(first.as_text()?);
            return Fold::decoded(Kind::str(String::from_utf8(bytes).ok()?));
        }
        ("socket", "inet_ntoa") => {
            let Kind::Bytes(bytes) = first else {
                return None;
            };
            let four: [u8; 4] = bytes[..].try_into().ok()?;
            return Fold::plain(Kind::str(std::net::Ipv4Addr::from(four).to_string()));
        }
        ("shlex", "split") => {
            let Kind::Str(text) = first else {
                return None;
            };
            let words = text.split_whitespace();
            let words = words.map(|word| Value::text(word.trim_matches(['"', '\''])));
            return Fold::plain(Kind::List(Arc::new(words.collect())));
        }
        ("html", "unescape") => return None,
        _ => return None,
    };
    Fold::decoded(Kind::bytes(bytes))
}

fn base(function: &str, text: &[u8]) -> Option<Vec<u8>> {
    if text.len() > LARGEST {
        return None;
    }
    match function {
        "b64decode" | "standard_b64decode" | "decodebytes" | "decodestring" => STANDARD
            .decode(only(text, |byte| {
                byte.is_ascii_alphanumeric() || b"+/".contains(&byte)
            }))
            .ok(),
        "urlsafe_b64decode" => URL_SAFE
            .decode(only(text, |byte| {
                byte.is_ascii_alphanumeric() || b"-_".contains(&byte)
            }))
            .ok(),
        "b16decode" => hex(text),
        "b32decode" => base32(text, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"),
        "b32hexdecode" => base32(text, b"0123456789ABCDEFGHIJKLMNOPQRSTUV"),
        "b85decode" => base85(text, B85),
        "z85decode" => base85(text, Z85),
        "a85decode" => ascii85(text),
        _ => None,
    }
}

fn only(text: &[u8], is_kept: impl Fn(u8) -> bool) -> Vec<u8> {
    text.iter().copied().filter(|byte| is_kept(*byte)).collect()
}

fn hex(text: &[u8]) -> Option<Vec<u8>> {
    if text.len() > LARGEST {
        return None;
    }
    hex_digits(&only(text, |byte| !byte.is_ascii_whitespace()))
}

pub(super) fn hex_digits(text: &[u8]) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16);
    text.chunks_exact(2)
        .map(|pair| Some((digit(pair[0])? * 16 + digit(pair[1])?) as u8))
        .collect()
}

fn base32(text: &[u8], alphabet: &[u8; 32]) -> Option<Vec<u8>> {
    let (mut bits, mut held, mut out) = (0u32, 0, Vec::new());
    for byte in text
        .iter()
        .filter(|byte| **byte != b'=' && !byte.is_ascii_whitespace())
    {
        let upper = byte.to_ascii_uppercase();
        let value = alphabet.iter().position(|each| *each == upper)?;
        bits = (bits << 5) | value as u32;
        held += 5;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held) as u8);
            bits &= (1 << held) - 1;
        }
    }
    Some(out)
}

const B85: &[u8; 85] =
    b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";
const Z85: &[u8; 85] =
    b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

fn base85(text: &[u8], alphabet: &[u8; 85]) -> Option<Vec<u8>> {
    let values: Option<Vec<u32>> = text
        .iter()
        .map(|byte| {
            alphabet
                .iter()
                .position(|each| each == byte)
                .map(|at| at as u32)
        })
        .collect();
    groups_of_five(&values?)
}

fn groups_of_five(values: &[u32]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(values.len() / 5 * 4 + 4);
    for group in values.chunks(5) {
        let mut sum = 0u64;
        for at in 0..5 {
            sum = sum * 85 + u64::from(group.get(at).copied().unwrap_or(84));
        }
        let bytes = u32::try_from(sum).ok()?.to_be_bytes();
        out.extend_from_slice(&bytes[..group.len() - 1]);
    }
    Some(out)
}

fn ascii85(text: &[u8]) -> Option<Vec<u8>> {
    let text = text.trim_ascii();
    let text = text.strip_prefix(b"<~").unwrap_or(text);
    let text = text.strip_suffix(b"~>").unwrap_or(text);
    let mut values = Vec::with_capacity(text.len());
    for byte in text {
        match byte {
            b'z' if values.len().is_multiple_of(5) => values.extend([0; 5]),
            b'!'..=b'u' => values.push(u32::from(byte - b'!')),
            byte if byte.is_ascii_whitespace() => {}
            _ => return None,
        }
    }
    groups_of_five(&values)
}

fn rot13(text: &str) -> String {
    let turn = |letter: char, first: u8| char::from((letter as u8 - first + 13) % 26 + first);
    text.chars()
        .map(|each| match each {
            'a'..='z' => turn(each, b'a'),
            'A'..='Z' => turn(each, b'A'),
            other => other,
        })
        .collect()
}

fn percent_encoding(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let pair = bytes
            .get(at + 1..at + 3)
            .filter(|_| bytes[at] == b'%')
            .and_then(hex_digits);
        match pair {
            Some(byte) => {
                out.extend(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    out
}

fn encoding_name(name: &str) -> String {
    name.to_ascii_lowercase().replace(['-', ' '], "_")
}

/// `bytes.decode(encoding)` and `codecs.decode(bytes, encoding)`.
pub(in super::super) fn decode_text(bytes: &[u8], encoding: &str) -> Option<Kind> {
    match &*encoding_name(encoding) {
        "utf_8" | "utf8" | "u8" | "ascii" | "us_ascii" => {
            Some(Kind::str(String::from_utf8_lossy(bytes).into_owned()))
        }
        "latin_1" | "latin1" | "iso_8859_1" | "iso8859_1" | "cp1252" | "l1" => Some(Kind::str(
            bytes
                .iter()
                .map(|byte| char::from(*byte))
                .collect::<String>(),
        )),
        "utf_16" | "utf16" | "utf_16_le" | "utf_16le" => {
            Some(Kind::str(utf16(bytes, u16::from_le_bytes)))
        }
        "utf_16_be" | "utf_16be" => Some(Kind::str(utf16(bytes, u16::from_be_bytes))),
        "unicode_escape" | "raw_unicode_escape" => {
            Some(Kind::str(unescape(&String::from_utf8_lossy(bytes))))
        }
        "rot13" | "rot_13" => Some(Kind::str(rot13(std::str::from_utf8(bytes).ok()?))),
        "hex" | "hex_codec" => hex(bytes).map(Kind::bytes),
        "base64" | "base64_codec" => base("b64decode", bytes).map(Kind::bytes),
        "zlib" | "zlib_codec" | "zip" => {
            compressed::call("zlib.decompress", &Kind::Bytes(bytes.into())).map(|fold| fold.kind)
        }
        "bz2" | "bz2_codec" => {
            compressed::call("bz2.decompress", &Kind::Bytes(bytes.into())).map(|fold| fold.kind)
        }
        _ => None,
    }
}

fn utf16(bytes: &[u8], unit: impl Fn([u8; 2]) -> u16) -> String {
    let units: Vec<u16> = bytes
        .chunks_exact(2)
        .map(|pair| unit([pair[0], pair[1]]))
        .collect();
    String::from_utf16_lossy(&units)
        .trim_start_matches('\u{FEFF}')
        .to_owned()
}

/// `text.encode(encoding)` and `codecs.encode(text, encoding)`.
pub(super) fn encode_text(text: &str, encoding: &str) -> Option<Fold> {
    if text.contains(super::super::analysis::HOLE) {
        return None;
    }
    match &*encoding_name(encoding) {
        "rot13" | "rot_13" => Fold::decoded(Kind::str(rot13(text))),
        "hex" | "hex_codec" => Fold::decoded(Kind::bytes(hex(text.as_bytes())?)),
        "base64" | "base64_codec" => {
            Fold::decoded(Kind::bytes(base("b64decode", text.as_bytes())?))
        }
        "unicode_escape" => Fold::decoded(Kind::str(unescape(text))),
        "latin_1" | "latin1" | "iso_8859_1" => {
            let bytes: Option<Vec<u8>> = text.chars().map(|each| u8::try_from(each).ok()).collect();
            Fold::plain(Kind::bytes(bytes?))
        }
        "utf_16_le" => Fold::plain(Kind::bytes(
            text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        )),
        _ => Fold::plain(Kind::bytes(text.as_bytes().to_vec())),
    }
}

/// `str.maketrans` as a dictionary of code points.
fn maketrans(arguments: &[&Value]) -> Option<Fold> {
    let code = |each: char| Value::from(Kind::Int(i64::from(u32::from(each))));
    let items: Vec<(Value, Value)> = match arguments {
        [one] => {
            let Kind::Dict(items) = &one.kind else {
                return None;
            };
            let keyed = items.iter().map(|(key, value)| {
                let mut characters = key.kind.as_text().unwrap_or_default().chars();
                let key = characters.next().map_or_else(|| key.clone(), code);
                (key, value.clone())
            });
            keyed.collect()
        }
        [from, to, ..] => {
            if let (Kind::Bytes(from), Kind::Bytes(to)) = (&from.kind, &to.kind) {
                let mut table: Vec<u8> = (0..=255).collect();
                for (from, to) in from.iter().zip(to.iter()) {
                    table[usize::from(*from)] = *to;
                }
                return Fold::plain(Kind::bytes(table));
            }
            let (from, to) = (from.kind.as_text()?, to.kind.as_text()?);
            from.chars()
                .zip(to.chars())
                .map(|(from, to)| (code(from), code(to)))
                .collect()
        }
        [] => return None,
    };
    Fold::plain(Kind::Dict(Arc::new(items)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_encoding_is_undone() {
        for (name, text, expected) in [
            ("base64.b64decode", "cGFzcw==", "pass"),
            ("base64.b64decode", "cGFz\ncw", "pass"),
            ("base64.urlsafe_b64decode", "cGFzcw", "pass"),
            ("base64.b32decode", "OBQXG4Y=", "pass"),
            ("base64.b16decode", "70617373", "pass"),
            ("base64.b85decode", "aA9+E", "pass"),
            ("base64.a85decode", "E+*g/", "pass"),
            ("binascii.unhexlify", "70617373", "pass"),
            ("builtins.bytes.fromhex", "70 61 73 73", "pass"),
        ] {
            let fold = call(name, Some(&Kind::str(text)), &[], &[]).expect(name);
            assert_eq!(fold.kind.as_bytes(), Some(expected.as_bytes()), "{name}");
            assert!(fold.is_decoded);
        }
        let rot = encode_text("cnff", "rot13").expect("folds").kind;
        assert_eq!(rot.as_text(), Some("pass"));
        assert_eq!(
            decode_text(b"\\x70ass", "unicode_escape")
                .expect("folds")
                .as_text(),
            Some("pass")
        );
    }

    #[test]
    fn broken_encodings_are_left_alone() {
        for (name, text) in [
            ("base64.b32decode", "!"),
            ("base64.b85decode", "\u{7f}\u{7f}"),
            ("base64.b85decode", "~~~~~"),
            ("binascii.unhexlify", "abc"),
            ("base64.a85decode", "\u{7f}"),
        ] {
            assert!(
                call(name, Some(&Kind::str(text)), &[], &[]).is_none(),
                "{name}"
            );
        }
    }
}

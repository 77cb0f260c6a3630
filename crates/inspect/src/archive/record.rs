//! RECORD, the list of a wheel's files with their hashes (PEP 376, PEP 427 and "Recording installed
//! projects"): reading it, and holding a member against its line.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use super::error::{ArchiveError, Problem};

/// The lines of one RECORD by path.
#[derive(Debug)]
pub(super) struct Record(HashMap<String, Line>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    hash: Option<Hash>,
    size: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hash {
    pub(super) algorithm: Algorithm,
    pub(super) digest: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    Sha256,
    Sha384,
    Sha512,
}

impl Record {
    /// Reads RECORD's bytes: UTF-8, comma separated, quoted where needed (RFC 4180).
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, ArchiveError> {
        let refuse = |line, problem| ArchiveError::Record { line, problem };
        let text = std::str::from_utf8(bytes).map_err(|_| refuse(1, "not UTF-8"))?;
        let mut lines = HashMap::new();
        for (index, text) in text
            .lines()
            .enumerate()
            .filter(|(_, text)| !text.is_empty())
        {
            let (path, line) = parse_line(text).map_err(|problem| refuse(index + 1, problem))?;
            match lines.get(&path) {
                Some(earlier) if *earlier != line => {
                    return Err(refuse(index + 1, "contradicts an earlier line"));
                }
                Some(_) => {}
                None => drop(lines.insert(path, line)),
            }
        }
        Ok(Self(lines))
    }

    /// A check for the member `name`, which is then fed its bytes.
    ///
    /// RECORD itself and its signatures need not be listed, nor folders; everything else must be,
    /// with a hash.
    pub(super) fn expect<'a>(
        &'a self,
        name: &'a str,
        exempt: Exempt,
    ) -> Result<Expectation<'a>, ArchiveError> {
        let line = self.0.get(name);
        match line.map(|line| &line.hash) {
            None if exempt == Exempt::No => Err(ArchiveError::member(name, Problem::Unlisted)),
            Some(None) if exempt == Exempt::No => Err(ArchiveError::member(
                name,
                Problem::RecordMismatch("missing hash"),
            )),
            _ => Ok(Expectation {
                name,
                line,
                hasher: line.and_then(Line::hasher),
                size: 0,
            }),
        }
    }

    /// The paths listed.
    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

/// Whether a member may be missing from RECORD, or be there without a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exempt {
    /// RECORD, RECORD.jws, RECORD.p7s and folders.
    Yes,
    /// Everything else.
    No,
}

/// What RECORD says of one member, and what has been seen of it so far.
pub(super) struct Expectation<'a> {
    name: &'a str,
    line: Option<&'a Line>,
    hasher: Option<Hasher>,
    size: u64,
}

impl Expectation<'_> {
    /// Takes the next bytes of the member in.
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.size += bytes.len() as u64;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(bytes);
        }
    }

    /// Refuses the member when its size or hash is not the one in RECORD.
    pub(super) fn finish(self) -> Result<(), ArchiveError> {
        let Some(line) = self.line else { return Ok(()) };
        let refuse = |what| {
            Err(ArchiveError::member(
                self.name,
                Problem::RecordMismatch(what),
            ))
        };
        if line.size.is_some_and(|size| size != self.size) {
            return refuse("size");
        }
        match (&line.hash, self.hasher.map(Hasher::finish)) {
            (Some(hash), Some(digest)) if hash.digest != digest => refuse("hash"),
            _ => Ok(()),
        }
    }
}

pub(super) enum Hasher {
    Sha256(Sha256),
    Sha384(Sha384),
    Sha512(Sha512),
}

impl Line {
    fn hasher(&self) -> Option<Hasher> {
        Some(Hasher::new(self.hash.as_ref()?.algorithm))
    }
}

impl Hasher {
    pub(super) fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Sha256 => Self::Sha256(Sha256::new()),
            Algorithm::Sha384 => Self::Sha384(Sha384::new()),
            Algorithm::Sha512 => Self::Sha512(Sha512::new()),
        }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::Sha384(hasher) => hasher.update(bytes),
            Self::Sha512(hasher) => hasher.update(bytes),
        }
    }

    pub(super) fn finish(self) -> Vec<u8> {
        match self {
            Self::Sha256(hasher) => hasher.finalize().to_vec(),
            Self::Sha384(hasher) => hasher.finalize().to_vec(),
            Self::Sha512(hasher) => hasher.finalize().to_vec(),
        }
    }
}

fn parse_line(text: &str) -> Result<(String, Line), &'static str> {
    let fields = split_csv(text)?;
    let [path, hash, size] = fields.as_slice() else {
        return Err("not three fields: path, hash, size");
    };
    let size = match size.as_str() {
        "" => None,
        digits => Some(digits.parse().map_err(|_| "the size is not a number")?),
    };
    let hash = match hash.as_str() {
        "" => None,
        hash => Some(parse_hash(hash)?),
    };
    Ok((path.clone(), Line { hash, size }))
}

pub(super) fn parse_hash(text: &str) -> Result<Hash, &'static str> {
    let (name, digest) = text
        .split_once('=')
        .ok_or("the hash is not algorithm=digest")?;
    let (algorithm, length) = match name {
        "sha256" => (Algorithm::Sha256, 32),
        "sha384" => (Algorithm::Sha384, 48),
        "sha512" => (Algorithm::Sha512, 64),
        _ => return Err("the hash is neither sha256 nor a longer one"),
    };
    // Writers before 2013 padded the digest, which says nothing else.
    let digest = URL_SAFE_NO_PAD.decode(digest.trim_end_matches('='));
    let digest = digest.map_err(|_| "the digest is not url-safe base64")?;
    if digest.len() != length {
        return Err("the digest has not the length of its algorithm");
    }
    Ok(Hash { algorithm, digest })
}

/// One line of RFC 4180. Members have no control characters in their names, so that a quoted line
/// break never stands for a real file.
pub(super) fn split_csv(text: &str) -> Result<Vec<String>, &'static str> {
    let mut fields = Vec::new();
    let mut rest = text;
    loop {
        let (field, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_field(quoted)?,
            None => {
                let end = rest.find(',').unwrap_or(rest.len());
                (rest[..end].to_owned(), &rest[end..])
            }
        };
        fields.push(field);
        match after.strip_prefix(',') {
            Some(more) => rest = more,
            None if after.is_empty() => return Ok(fields),
            None => return Err("text after a closing quote"),
        }
    }
}

fn quoted_field(text: &str) -> Result<(String, &str), &'static str> {
    let mut field = String::new();
    let mut rest = text;
    loop {
        let end = rest.find('"').ok_or("a quote is not closed")?;
        field.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('"') {
            Some(more) => {
                field.push('"');
                rest = more;
            }
            None => return Ok((field, rest)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The SHA-256 of nothing.
    const EMPTY: &str = "sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";

    #[test]
    fn quotes_and_commas_belong_to_paths() {
        let split = |text| split_csv(text).map(|fields| fields.join("|"));
        assert_eq!(split("a,b,c").as_deref(), Ok("a|b|c"));
        assert_eq!(split(r#""a,b",,"#).as_deref(), Ok("a,b||"));
        assert_eq!(split(r#""a""b",c,d"#).as_deref(), Ok(r#"a"b|c|d"#));
        assert!(split(r#""a"#).is_err() && split(r#""a"b,c"#).is_err());
    }

    #[test]
    fn lines_that_cannot_be_relied_on_are_refused() {
        let same = format!("a,{EMPTY},0\r\n\na,{EMPTY},0\n");
        assert_eq!(
            Record::parse(same.as_bytes())
                .expect("twice the same")
                .paths()
                .count(),
            1
        );
        let bad = [
            "a",
            "a,b",
            "a,,,",
            "a,,x",
            "a,,-1",
            "a,sha256,1",
            "a,md5=1B2M2Y8AsgTpgAmY7PhCfg,0",
            "a,sha256=AAAA,0",
            "a,sha256=+/+/,0",
            "a,,1\na,,2",
        ];
        for text in bad {
            assert!(Record::parse(text.as_bytes()).is_err(), "{text}");
        }
        assert!(Record::parse(b"\xff,,").is_err());
    }

    #[test]
    fn a_member_is_held_against_its_line() {
        let record = format!("a,{EMPTY},0\nb,{EMPTY},\nc,,\nd,{EMPTY},1\n");
        let record = Record::parse(record.as_bytes()).expect("valid");
        let check = |name, exempt, bytes: &[u8]| {
            let mut expectation = record.expect(name, exempt)?;
            expectation.update(bytes);
            expectation.finish()
        };
        for name in ["a", "b"] {
            assert!(check(name, Exempt::No, b"").is_ok());
            assert!(check(name, Exempt::No, b"x").is_err());
            assert!(check(name, Exempt::Yes, b"x").is_err());
        }
        assert!(check("c", Exempt::No, b"").is_err() && check("c", Exempt::Yes, b"x").is_ok());
        assert!(check("d", Exempt::No, b"").is_err());
        assert!(check("e", Exempt::No, b"").is_err() && check("e", Exempt::Yes, b"x").is_ok());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Record::parse(&bytes);
        }

        #[test]
        fn any_path_survives_quoting(path in r#"[ -~]{0,30}"#) {
            let quoted = format!("\"{}\",,7", path.replace('"', "\"\""));
            prop_assert_eq!(split_csv(&quoted), Ok(vec![path, String::new(), "7".to_owned()]));
        }
    }
}

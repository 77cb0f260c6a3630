//! RECORD read line by line, each on its own merits, and every member held against its line (PEP
//! 376, PEP 427). Lines that a strict reader refuses are reported and passed over.

use std::collections::{HashMap, HashSet};

use portcullis_core::digest::Sha256;

use super::flaw::{Flaw, Violations};
use crate::archive::record::{Algorithm, Hash, Hasher, parse_hash, split_csv};

/// The lines by path.
pub(super) struct RecordLines(HashMap<String, Line>);

struct Line {
    hash: Stated,
    size: Option<u64>,
}

#[derive(PartialEq, Eq)]
enum Stated {
    Nothing,
    /// One of a kind that is no longer relied on.
    Weak,
    /// One that says nothing of any file: of no known kind, or not as long as its kind.
    Unreadable,
    Hash(Hash),
}

impl RecordLines {
    /// Reads RECORD's bytes and reports the lines that cannot be read.
    pub(super) fn parse(bytes: &[u8], violations: &mut Violations) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let mut lines: HashMap<String, Line> = HashMap::new();
        for (index, text) in text
            .lines()
            .enumerate()
            .filter(|(_, text)| !text.trim().is_empty())
        {
            let (path, line) = match parse_line(text) {
                Ok(parsed) => parsed,
                Err(problem) => {
                    let evidence = format!("line {}: {problem}", index + 1);
                    violations.container(Flaw::RecordLine, evidence);
                    continue;
                }
            };
            match lines.get(&path) {
                Some(earlier) if earlier.hash != line.hash || earlier.size != line.size => {
                    violations.member(Flaw::RecordContradiction, &path, "");
                }
                Some(_) => violations.member(Flaw::RecordTwice, &path, ""),
                None => drop(lines.insert(path, line)),
            }
        }
        Self(lines)
    }

    /// A check of the member `name`, to be fed its bytes.
    pub(super) fn check(&self, name: &str, is_folder: bool) -> Check<'_> {
        let is_exempt = is_folder || is_record(name);
        let line = self.0.get(name);
        let hasher = match line.map(|line| &line.hash) {
            Some(Stated::Hash(hash)) if hash.algorithm != Algorithm::Sha256 => {
                Some(Hasher::new(hash.algorithm))
            }
            _ => None,
        };
        Check {
            name: name.to_owned(),
            line,
            is_exempt,
            hasher,
        }
    }

    /// Reports paths that are listed and not among `names`.
    pub(super) fn report_listed_only(&self, names: &HashSet<&str>, violations: &mut Violations) {
        let is_missing = |path: &&String| !names.contains(path.as_str()) && !is_record(path);
        let mut missing: Vec<&String> = self.0.keys().filter(is_missing).collect();
        missing.sort_unstable();
        for path in missing {
            violations.member(Flaw::ListedOnly, path, "");
        }
    }
}

/// RECORD and its signatures.
fn is_record(name: &str) -> bool {
    let Some((top, file)) = name.split_once('/') else {
        return false;
    };
    let is_record = matches!(file, "RECORD" | "RECORD.jws" | "RECORD.p7s");
    is_record && top.to_ascii_lowercase().ends_with(".dist-info")
}

fn parse_line(text: &str) -> Result<(String, Line), &'static str> {
    let fields = split_csv(text)?;
    let [path, hash, size] = fields.as_slice() else {
        return Err("not three fields: path, hash, size");
    };
    let size = match size.trim() {
        "" => None,
        digits => Some(digits.parse().map_err(|_| "the size is not a number")?),
    };
    let hash = match hash.trim() {
        "" => Stated::Nothing,
        hash => match parse_hash(hash) {
            Ok(hash) => Stated::Hash(hash),
            Err(_) if is_weak(hash) => Stated::Weak,
            Err(_) => Stated::Unreadable,
        },
    };
    Ok((path.clone(), Line { hash, size }))
}

/// Whether the hash is one that tools wrote before SHA-256 was asked for (PEP 376).
fn is_weak(hash: &str) -> bool {
    let kind = hash.split_once('=').map(|(kind, _)| kind);
    matches!(kind, Some("md5" | "sha1" | "sha224"))
}

/// What RECORD says of one member, while it is read.
pub(super) struct Check<'a> {
    name: String,
    line: Option<&'a Line>,
    is_exempt: bool,
    /// For the algorithms that are not computed anyway.
    hasher: Option<Hasher>,
}

impl Check<'_> {
    /// Whether the member's SHA-256 and size are all that it takes.
    pub(super) fn needs_no_bytes(&self) -> bool {
        self.hasher.is_none()
    }

    /// Takes the next bytes of the member in.
    pub(super) fn take(&mut self, piece: &[u8]) {
        if let Some(hasher) = &mut self.hasher {
            hasher.update(piece);
        }
    }

    /// Reports what RECORD says otherwise.
    pub(super) fn finish(self, sha256: &Sha256, size: u64, violations: &mut Violations) {
        let Some(line) = self.line else {
            if !self.is_exempt {
                violations.member(Flaw::Unlisted, &self.name, "");
            }
            return;
        };
        if let Some(said) = line.size.filter(|said| *said != size) {
            violations.member(
                Flaw::RecordSize,
                &self.name,
                format!("{said} and {size} bytes"),
            );
        }
        match &line.hash {
            Stated::Nothing if !self.is_exempt => {
                violations.member(Flaw::RecordNoHash, &self.name, "");
            }
            Stated::Weak => violations.member(Flaw::RecordWeakHash, &self.name, ""),
            Stated::Unreadable => violations.member(Flaw::RecordBadHash, &self.name, ""),
            Stated::Hash(hash) => {
                let digest = self.hasher.map(Hasher::finish);
                if hash.digest != digest.as_deref().unwrap_or(sha256.as_bytes()) {
                    violations.member(Flaw::RecordHash, &self.name, "");
                }
            }
            Stated::Nothing => {}
        }
    }
}

//! One header block of a tar archive (POSIX.1-1988 `ustar`, GNU and the older V7), and the
//! extension headers of GNU and pax (POSIX.1-2001). Read as Python's `tarfile` does; what others
//! read otherwise is told beside it.

use super::flaw::Flaw;

pub(super) const BLOCK: usize = 512;

/// What a header block says.
pub(super) struct Header {
    /// With the prefix.
    pub(super) path: Vec<u8>,
    pub(super) link: Vec<u8>,
    pub(super) mode: u32,
    pub(super) size: u64,
    pub(super) modified: Option<i64>,
    pub(super) kind: u8,
    /// What others could read otherwise.
    pub(super) flaws: Vec<(Flaw, &'static str)>,
}

/// Reads a block that is not all zeros.
///
/// # Errors
/// Why nobody can read it.
pub(super) fn parse(block: &[u8; BLOCK]) -> Result<Header, &'static str> {
    if !has_checksum(block) {
        return Err("its checksum is wrong");
    }
    let mut flaws = Vec::new();
    let size = number(&block[124..136]).ok_or("its size is no number")?;
    if block[124] & 0x80 == 0 && has_text_behind_nul(&block[124..136]) {
        flaws.push((Flaw::TarNumber, "its size goes on behind a NUL"));
    }
    let mode = number(&block[100..108]);
    let modified = number(&block[136..148]);
    // Owner, group and device: Python refuses the header for any of them.
    let others = [108..116, 116..124, 329..337, 337..345];
    let is_odd = others
        .into_iter()
        .any(|field| number(&block[field]).is_none());
    if mode.is_none() || modified.is_none() || is_odd {
        flaws.push((Flaw::TarNumber, "one of its numbers is none"));
    }
    let kind = block[156];
    let mut path = text(&block[..100]).to_vec();
    let prefix = text(&block[345..500]);
    let is_gnu = &block[257..263] == b"ustar ";
    if !prefix.is_empty() && !matches!(kind, b'L' | b'K' | b'S') {
        if &block[257..263] != b"ustar\0" {
            flaws.push((Flaw::TarPrefix, "it has a prefix and is not ustar"));
        }
        if !is_gnu {
            path = [prefix, b"/", &path].concat();
        }
    }
    Ok(Header {
        path,
        link: text(&block[157..257]).to_vec(),
        mode: mode.unwrap_or(0) as u32 & 0o7777,
        size,
        modified: modified.and_then(|seconds| i64::try_from(seconds).ok()),
        kind,
        flaws,
    })
}

/// The sum of all bytes, with the checksum's own taken for blanks; some writers summed signed
/// bytes.
fn has_checksum(block: &[u8; BLOCK]) -> bool {
    let Some(said) = number(&block[148..156]) else {
        return false;
    };
    let others = || block[..148].iter().chain(&block[156..]);
    let unsigned: u64 = others().map(|byte| u64::from(*byte)).sum::<u64>() + 256;
    let signed: i64 = others().map(|byte| i64::from(*byte as i8)).sum::<i64>() + 256;
    said == unsigned || i64::try_from(said) == Ok(signed)
}

fn text(field: &[u8]) -> &[u8] {
    let end = field
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(field.len());
    &field[..end]
}

fn has_text_behind_nul(field: &[u8]) -> bool {
    field[text(field).len()..]
        .iter()
        .any(|byte| !matches!(byte, 0 | b' '))
}

/// Octal digits, or a big-endian number behind a first bit of one. `None` for anything else, and
/// for numbers below zero or too large.
fn number(field: &[u8]) -> Option<u64> {
    if field[0] & 0x80 != 0 {
        let (high, low) = field[1..].split_at(field.len().saturating_sub(9));
        if field[0] != 0x80 || high.iter().any(|byte| *byte != 0) {
            return None;
        }
        let number = low
            .iter()
            .fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
        return Some(number).filter(|number| *number < 1 << 62);
    }
    let digits = text(field).trim_ascii();
    if digits.iter().any(|byte| !matches!(byte, b'0'..=b'7')) {
        return None;
    }
    Some(
        digits
            .iter()
            .fold(0, |sum, digit| sum << 3 | u64::from(digit - b'0')),
    )
}

/// What extension headers say of the member behind them.
#[derive(Default)]
pub(super) struct Extended {
    pub(super) path: Option<Vec<u8>>,
    pub(super) link: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    pub(super) is_sparse: bool,
    pub(super) seen: bool,
    pub(super) flaws: Vec<(Flaw, &'static str)>,
}

impl Extended {
    /// A GNU long name, which ends in a NUL.
    pub(super) fn take_long_name(&mut self, body: &[u8]) {
        let name = text(body).to_vec();
        set(&mut self.path, name, &mut self.flaws);
        self.seen = true;
    }

    /// A GNU long link.
    pub(super) fn take_long_link(&mut self, body: &[u8]) {
        let link = text(body).to_vec();
        set(&mut self.link, link, &mut self.flaws);
        self.seen = true;
    }

    /// The records of a pax header: `length key=value` and a line break, the length of all of it.
    pub(super) fn take_pax(&mut self, body: &[u8]) {
        self.seen = true;
        let mut rest = body;
        while !rest.is_empty() && rest[0] != 0 {
            let Some((key, value, behind)) = pax_record(rest) else {
                self.flaws.push((Flaw::TarPax, "a record cannot be read"));
                return;
            };
            self.take_record(key, value);
            rest = behind;
        }
        if rest.iter().any(|byte| *byte != 0) {
            self.flaws
                .push((Flaw::TarPax, "bytes stand behind its records"));
        }
    }

    fn take_record(&mut self, key: &[u8], value: &[u8]) {
        match key {
            b"path" => set(&mut self.path, value.to_vec(), &mut self.flaws),
            b"linkpath" => set(&mut self.link, value.to_vec(), &mut self.flaws),
            b"size" => match std::str::from_utf8(value)
                .ok()
                .and_then(|text| text.parse().ok())
            {
                Some(size) => set(&mut self.size, size, &mut self.flaws),
                None => self.flaws.push((Flaw::TarPax, "its size is no number")),
            },
            _ if key.starts_with(b"GNU.sparse.") => self.is_sparse = true,
            _ => {}
        }
    }
}

fn set<T: PartialEq>(slot: &mut Option<T>, value: T, flaws: &mut Vec<(Flaw, &'static str)>) {
    if slot.as_ref().is_some_and(|earlier| *earlier != value) {
        flaws.push((Flaw::TarExtensionTwice, "for the same member"));
    }
    *slot = Some(value);
}

fn pax_record(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let blank = bytes.iter().take(20).position(|byte| *byte == b' ')?;
    let length: usize = std::str::from_utf8(&bytes[..blank]).ok()?.parse().ok()?;
    if length <= blank + 2 {
        return None;
    }
    let (record, behind) = bytes.split_at_checked(length)?;
    let record = record[blank + 1..].strip_suffix(b"\n")?;
    let equals = record.iter().position(|byte| *byte == b'=')?;
    Some((&record[..equals], &record[equals + 1..], behind))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_octal_or_wide() {
        assert_eq!(number(b"0000644\0"), Some(0o644));
        assert_eq!(number(b"    644 "), Some(0o644));
        assert_eq!(number(b"\x80\0\0\0\0\0\0\0\0\0\x01\0"), Some(256));
        assert_eq!(number(b"\x80\0\0\0\0\0\x01\xa4"), Some(0o644));
        for field in [
            &b"0000648\0"[..],
            b"-1\0\0\0\0\0\0",
            b"\xff\xff\xff\xff\xff\xff\xff\xff",
        ] {
            assert_eq!(number(field), None);
        }
    }

    proptest! {
        #[test]
        fn no_block_or_record_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 512)) {
            let block: [u8; BLOCK] = bytes.clone().try_into().expect("512 bytes");
            let _ = parse(&block);
            Extended::default().take_pax(&bytes);
        }
    }
}

//! [`zip`]: a zip file, field by field (APPNOTE 6.3.10, sections 4.3 and 4.5). Each field is right unless a
//! choice says otherwise, and checksums and sizes are those of the data that is really there.

use std::io::Write as _;

use super::Entry;
use crate::choices::Choices;

/// How often a member or the frame is wrong: once in this many.
const RARITY: usize = 12;

/// Both headers of a member and its data.
struct Member {
    name: Vec<u8>,
    local_name: Vec<u8>,
    stored: Vec<u8>,
    method: [u16; 2],
    flags: [u16; 2],
    crc32: [u32; 2],
    packed: [u32; 2],
    size: [u32; 2],
    extra: [Vec<u8>; 2],
    mode: u32,
    needs: u16,
    before: Vec<u8>,
    after: Vec<u8>,
    moved: u64,
}

/// Which of the two headers.
const LOCAL: usize = 0;
const CENTRAL: usize = 1;

/// A zip file of `entries`.
pub(crate) fn zip(entries: &[Entry], choices: &mut Choices<'_>) -> Vec<u8> {
    let mut out = frame_bytes(choices);
    let mut directory = Vec::new();
    let mut count = entries.len() as u64;
    for entry in entries {
        let mut member = Member::of(entry, choices);
        if choices.seldom(RARITY) {
            member.spoil(choices);
        }
        out.extend(&member.before);
        directory.extend(member.central(out.len() as u64));
        out.extend(member.local());
        if choices.seldom(60) {
            directory.extend(member.central(out.len() as u64));
            count += 1;
        }
    }
    out.extend(frame_bytes(choices));
    let start = out.len() as u64;
    out.extend(&directory);
    out.extend(frame_bytes(choices));
    end(&mut out, [count, directory.len() as u64, start], choices);
    out.extend(frame_bytes(choices));
    out
}

/// Bytes where none belong, seldom.
fn frame_bytes(choices: &mut Choices<'_>) -> Vec<u8> {
    match choices.seldom(24) {
        true => choices.bytes(60).to_vec(),
        false => Vec::new(),
    }
}

/// The end record, and those of zip64 where a choice asks for them.
fn end(out: &mut Vec<u8>, [count, size, start]: [u64; 3], choices: &mut Choices<'_>) {
    let lie = |right: u64, choices: &mut Choices<'_>| match choices.seldom(40) {
        true => choices.edge(),
        false => right,
    };
    let is_wide = choices.seldom(8);
    if is_wide {
        let at = out.len() as u64;
        out.extend(b"PK\x06\x06");
        out.extend(lie(44, choices).to_le_bytes());
        out.extend([45, 3, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        for number in [count, count, size, start] {
            out.extend(lie(number, choices).to_le_bytes());
        }
        out.extend(b"PK\x06\x07\0\0\0\0");
        out.extend(lie(at, choices).to_le_bytes());
        out.extend(1u32.to_le_bytes());
    }
    let narrow = |number: u64| match is_wide {
        true => u64::MAX,
        false => number,
    };
    out.extend(b"PK\x05\x06\0\0\0\0");
    for _ in 0..2 {
        out.extend((lie(narrow(count), choices) as u16).to_le_bytes());
    }
    out.extend((lie(narrow(size), choices) as u32).to_le_bytes());
    out.extend((lie(narrow(start), choices) as u32).to_le_bytes());
    let comment = frame_bytes(choices);
    out.extend((lie(comment.len() as u64, choices) as u16).to_le_bytes());
    out.extend(comment);
}

impl Member {
    fn of(entry: &Entry, choices: &mut Choices<'_>) -> Self {
        let is_stored = choices.seldom(6);
        let stored = match is_stored {
            true => entry.data.clone(),
            false => deflate(&entry.data),
        };
        let (method, size) = (8 * u16::from(!is_stored), entry.data.len() as u32);
        let packed = stored.len() as u32;
        Self {
            local_name: entry.name.clone(),
            name: entry.name.clone(),
            stored,
            method: [method; 2],
            flags: [1 << 11; 2],
            crc32: [crc32fast::hash(&entry.data); 2],
            packed: [packed; 2],
            size: [size; 2],
            extra: [Vec::new(), Vec::new()],
            mode: 0o100_644,
            needs: 20,
            before: Vec::new(),
            after: Vec::new(),
            moved: 0,
        }
    }

    /// Makes one thing wrong.
    fn spoil(&mut self, choices: &mut Choices<'_>) {
        let which = choices.below(2);
        match choices.below(17) {
            0 => self.local_name = choices.bytes(40).to_vec(),
            1 => self.name.extend(choices.bytes(8)),
            2 => self.method[which] = choices.one_of(&[0, 1, 8, 9, 12, 14, 93, 95, 99]),
            3 => self.flags[which] ^= 1 << choices.below(16),
            4 => self.crc32[which] ^= 1 << choices.below(32),
            5 => self.packed[which] = choices.edge() as u32,
            6 => self.size[which] = choices.edge() as u32,
            7 => self.extra[which] = extra(choices),
            8 => {
                self.mode =
                    choices.one_of(&[0o120_777, 0o040_755, 0o060_644, 0o104_755, 0, 0o100_000])
            }
            9 => self.needs = choices.edge() as u16,
            10 => self.before = choices.bytes(60).to_vec(),
            11 => self.after = choices.bytes(60).to_vec(),
            12 => self.moved = choices.edge(),
            13 => self.describe(choices),
            14 => self.widen(choices),
            15 => {
                let at = choices.below(self.stored.len() + 1);
                self.stored.truncate(at);
            }
            _ => {
                let at = choices.below(self.stored.len().max(1));
                if let Some(byte) = self.stored.get_mut(at) {
                    *byte ^= 1 << choices.below(8);
                }
            }
        }
    }

    /// Writes checksum and sizes behind the data (section 4.3.9).
    fn describe(&mut self, choices: &mut Choices<'_>) {
        self.flags = self.flags.map(|flags| flags | 1 << 3);
        if !choices.seldom(4) {
            self.after.extend(b"PK\x07\x08");
        }
        self.after.extend(self.crc32[CENTRAL].to_le_bytes());
        self.after.extend(self.packed[CENTRAL].to_le_bytes());
        self.after.extend(self.size[CENTRAL].to_le_bytes());
        (self.crc32[LOCAL], self.packed[LOCAL], self.size[LOCAL]) = (0, 0, 0);
    }

    /// Moves the sizes into an extra field (section 4.5.3).
    fn widen(&mut self, choices: &mut Choices<'_>) {
        for which in [LOCAL, CENTRAL] {
            let mut field = vec![1, 0, 16, 0];
            let lie = choices.seldom(4).then(|| choices.edge());
            field.extend(lie.unwrap_or(u64::from(self.size[which])).to_le_bytes());
            field.extend(u64::from(self.packed[which]).to_le_bytes());
            self.extra[which] = field;
        }
        (self.packed, self.size) = ([u32::MAX; 2], [u32::MAX; 2]);
        self.needs = 45;
    }

    fn common(&self, which: usize, name: &[u8]) -> Vec<u8> {
        let mut out = self.flags[which].to_le_bytes().to_vec();
        out.extend(self.method[which].to_le_bytes());
        out.extend([0, 0, 0x21, 0]);
        out.extend(self.crc32[which].to_le_bytes());
        out.extend(self.packed[which].to_le_bytes());
        out.extend(self.size[which].to_le_bytes());
        out.extend((name.len() as u16).to_le_bytes());
        out.extend((self.extra[which].len() as u16).to_le_bytes());
        out
    }

    fn local(&self) -> Vec<u8> {
        let mut out = b"PK\x03\x04".to_vec();
        out.extend(self.needs.to_le_bytes());
        out.extend(self.common(LOCAL, &self.local_name));
        [
            &out[..],
            &self.local_name,
            &self.extra[LOCAL],
            &self.stored,
            &self.after,
        ]
        .concat()
    }

    fn central(&self, offset: u64) -> Vec<u8> {
        let mut out = b"PK\x01\x02\x14\x03".to_vec();
        out.extend(self.needs.to_le_bytes());
        out.extend(self.common(CENTRAL, &self.name));
        out.extend([0; 6]);
        out.extend((self.mode << 16).to_le_bytes());
        out.extend((offset.wrapping_add(self.moved) as u32).to_le_bytes());
        [&out[..], &self.name, &self.extra[CENTRAL]].concat()
    }
}

/// Extra fields, of known kinds and of any.
fn extra(choices: &mut Choices<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    for _ in 0..=choices.below(3) {
        let kind: u16 = choices.one_of(&[1, 0x5455, 0x7075, 0x7875, 0x9901, 0xcafe, 0x000a, 0]);
        let data = choices.bytes(30);
        let length = match choices.seldom(4) {
            true => choices.edge() as u16,
            false => data.len() as u16,
        };
        out.extend(kind.to_le_bytes());
        out.extend(length.to_le_bytes());
        out.extend(data);
    }
    out
}

fn deflate(data: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(data).expect("memory takes every byte");
    encoder.finish().expect("memory takes every byte")
}

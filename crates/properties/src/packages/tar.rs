//! [`tar`]: a tar file, header by header (POSIX ustar and pax, and what GNU tar adds). Checksums are right
//! unless a choice says otherwise.

use std::io::Write as _;

use super::Entry;
use crate::choices::Choices;

/// A tar file of `entries`.
pub(crate) fn tar(entries: &[Entry], choices: &mut Choices<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    for entry in entries {
        if choices.seldom(12) {
            extension(&mut out, choices);
        }
        let spoilt = choices.seldom(10);
        member(&mut out, entry, spoilt.then_some(&mut *choices));
    }
    match choices.below(12) {
        10 => {}
        11 => out.extend(choices.bytes(700)),
        _ => out.extend([0; 1024]),
    }
    out
}

/// A header, with the data and what fills its last block.
fn member(out: &mut Vec<u8>, entry: &Entry, choices: Option<&mut Choices<'_>>) {
    if entry.name.len() > 100 {
        block(out, b'L', (b"././@LongLink", &entry.name), None);
    }
    block(out, b'0', (&entry.name, &entry.data), choices);
}

fn block(
    out: &mut Vec<u8>,
    kind: u8,
    (name, data): (&[u8], &[u8]),
    choices: Option<&mut Choices<'_>>,
) {
    let mut header = [0; 512];
    let shown = &name[..name.len().min(100)];
    header[..shown.len()].copy_from_slice(shown);
    header[100..107].copy_from_slice(b"0000644");
    header[124..135].copy_from_slice(format!("{:011o}", data.len()).as_bytes());
    header[136..147].copy_from_slice(b"00000000000");
    header[156] = kind;
    header[257..265].copy_from_slice(b"ustar\x0000");
    let is_honest = choices.is_none_or(|choices| spoil(&mut header, choices));
    header[148..156].copy_from_slice(b"        ");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    let sum = sum + u32::from(!is_honest);
    header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    out.extend(header);
    out.extend(data);
    out.resize(out.len().next_multiple_of(512), 0);
}

/// Makes one thing wrong; whether the checksum is to be right.
fn spoil(header: &mut [u8; 512], choices: &mut Choices<'_>) -> bool {
    match choices.below(9) {
        0 => header[156] = choices.one_of(b"0123456789gxLKSVMD\0z"),
        1 => {
            header[156] = choices.one_of(b"12");
            let target =
                choices.one_of(&[&b"../../x"[..], b"/etc/passwd", b"demo-1.0/PKG-INFO", b"x"]);
            header[157..157 + target.len()].copy_from_slice(target);
        }
        2 => {
            // A number in base 256.
            header[124] = choices.one_of(&[0x80, 0xff, 0xc0]);
            header[128..136].copy_from_slice(&choices.edge().to_be_bytes());
        }
        3 => header[124..136].copy_from_slice(b"77777777777\0"),
        4 => header[100..108].copy_from_slice(choices.one_of(&[
            b"0004755\0",
            b"0002755\0",
            b"xxxxxxx\0",
        ])),
        5 => {
            let prefix = choices.bytes(60);
            header[345..345 + prefix.len()].copy_from_slice(prefix);
        }
        6 => header[257..265].copy_from_slice(choices.one_of(&[
            b"ustar  \0",
            b"\0\0\0\0\0\0\0\0",
            b"ustar\x0099",
        ])),
        7 => {
            let at = choices.below(512);
            header[at] = choices.number() as u8;
        }
        _ => return false,
    }
    true
}

/// A header that speaks of the next one.
fn extension(out: &mut Vec<u8>, choices: &mut Choices<'_>) {
    let kind = choices.one_of(b"xxxgLK");
    if matches!(kind, b'L' | b'K') {
        return block(out, kind, (b"././@LongLink", choices.bytes(300)), None);
    }
    let keys: [&[u8]; 10] = [
        b"path",
        b"size",
        b"linkpath",
        b"mtime",
        b"GNU.sparse.map",
        b"GNU.sparse.name",
        b"hdrcharset",
        b"GNU.sparse.realsize",
        b"comment",
        b"SCHILY.xattr.x",
    ];
    let mut records = Vec::new();
    for _ in 0..=choices.below(3) {
        let key = choices.one_of(&keys);
        let value = match choices.below(4) {
            0 => choices.bytes(40).to_vec(),
            1 => choices.edge().to_string().into_bytes(),
            2 => b"demo-1.0/demo/z.py".to_vec(),
            _ => b"demo-1.0/../../x.py".to_vec(),
        };
        records.extend(pax_record(key, &value, choices));
    }
    block(out, kind, (b"pax", &records), None);
}

fn pax_record(key: &[u8], value: &[u8], choices: &mut Choices<'_>) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let mut length = rest;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    if choices.seldom(8) {
        length = choices.edge() as usize;
    }
    [length.to_string().as_bytes(), b" ", key, b"=", value, b"\n"].concat()
}

/// `data` compressed (RFC 1952).
pub(crate) fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(data).expect("memory takes every byte");
    encoder.finish().expect("memory takes every byte")
}

/// `data` compressed with bzip2.
pub(crate) fn bzip2(data: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    encoder.write_all(data).expect("memory takes every byte");
    encoder.finish().expect("memory takes every byte")
}

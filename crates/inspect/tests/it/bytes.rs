//! Zip and tar files written byte by byte, so that tests can get every field wrong; and the wheels
//! and sdists most tests start from. Correct unless told otherwise.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portcullis_core::digest::Sha256;
use portcullis_core::pypi::filename::DistFilename;

pub(crate) const WHEEL: &str = "foo-1.0-py3-none-any.whl";
pub(crate) const METADATA: &str = "Metadata-Version: 2.1\nName: foo\nVersion: 1.0\n";

pub(crate) fn filename(text: &str) -> DistFilename {
    DistFilename::parse(text, None).expect(text)
}

/// One member of a zip file, with everything that its two headers say of it.
#[derive(Clone)]
pub(crate) struct Member {
    pub(crate) name: Vec<u8>,
    pub(crate) local_name: Vec<u8>,
    pub(crate) data: Vec<u8>,
    pub(crate) stored: Vec<u8>,
    pub(crate) method: u16,
    pub(crate) flags: u16,
    pub(crate) local_flags: u16,
    pub(crate) mode: u32,
    pub(crate) crc32: u32,
    pub(crate) local_crc32: u32,
    pub(crate) size: u32,
    pub(crate) local_size: u32,
    pub(crate) extra: Vec<u8>,
    pub(crate) local_extra: Vec<u8>,
    /// Between this member's data and the next member.
    pub(crate) after: Vec<u8>,
    /// Added to the offset in the central directory.
    pub(crate) moved: i64,
}

pub(crate) fn deflate(data: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn member(name: impl Into<Vec<u8>>, data: impl Into<Vec<u8>>) -> Member {
    let (name, data) = (name.into(), data.into());
    let crc32 = crc32fast::hash(&data);
    let size = data.len() as u32;
    Member {
        local_name: name.clone(),
        name,
        stored: deflate(&data),
        data,
        method: 8,
        flags: 1 << 11,
        local_flags: 1 << 11,
        mode: 0o100_644,
        crc32,
        local_crc32: crc32,
        size,
        local_size: size,
        extra: Vec::new(),
        local_extra: Vec::new(),
        after: Vec::new(),
        moved: 0,
    }
}

impl Member {
    pub(crate) fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// Kept as it is.
    pub(crate) fn kept_stored(self) -> Self {
        self.with(|it| {
            it.stored = it.data.clone();
            it.method = 0;
        })
    }

    /// Written as by a writer that could not seek back.
    pub(crate) fn with_descriptor(self, signature: &[u8], wide: &[u8]) -> Self {
        self.with(|it| {
            it.flags |= 1 << 3;
            it.local_flags |= 1 << 3;
            it.after = signature.to_vec();
            it.after.extend(it.crc32.to_le_bytes());
            for size in [it.stored.len() as u32, it.size] {
                it.after.extend(size.to_le_bytes());
                it.after.extend(wide);
            }
            (it.local_crc32, it.local_size) = (0, 0);
        })
    }

    fn local(&self) -> Vec<u8> {
        let compressed = if self.local_size == 0 && self.local_flags & 8 != 0 {
            0
        } else {
            self.stored.len() as u32
        };
        let mut out = b"PK\x03\x04\x14\0".to_vec();
        out.extend(self.local_flags.to_le_bytes());
        out.extend(self.method.to_le_bytes());
        out.extend([0, 0, 0x21, 0]);
        out.extend(self.local_crc32.to_le_bytes());
        out.extend(compressed.to_le_bytes());
        out.extend(self.local_size.to_le_bytes());
        out.extend((self.local_name.len() as u16).to_le_bytes());
        out.extend((self.local_extra.len() as u16).to_le_bytes());
        [
            &out[..],
            &self.local_name,
            &self.local_extra,
            &self.stored,
            &self.after,
        ]
        .concat()
    }

    fn central(&self, offset: u64) -> Vec<u8> {
        let mut out = b"PK\x01\x02\x14\x03\x14\0".to_vec();
        out.extend(self.flags.to_le_bytes());
        out.extend(self.method.to_le_bytes());
        out.extend([0, 0, 0x21, 0]);
        out.extend(self.crc32.to_le_bytes());
        out.extend((self.stored.len() as u32).to_le_bytes());
        out.extend(self.size.to_le_bytes());
        out.extend((self.name.len() as u16).to_le_bytes());
        out.extend((self.extra.len() as u16).to_le_bytes());
        out.extend([0; 6]);
        out.extend((self.mode << 16).to_le_bytes());
        out.extend(((offset as i64 + self.moved) as u32).to_le_bytes());
        [&out[..], &self.name, &self.extra].concat()
    }
}

/// A zip file and the ways in which its frame can be wrong.
#[derive(Clone, Default)]
pub(crate) struct Zip {
    pub(crate) members: Vec<Member>,
    pub(crate) prefix: Vec<u8>,
    pub(crate) before_directory: Vec<u8>,
    pub(crate) after_directory: Vec<u8>,
    pub(crate) comment: Vec<u8>,
    pub(crate) suffix: Vec<u8>,
    /// Added to the number of members.
    pub(crate) miscounted: i64,
    pub(crate) zip64: bool,
}

impl Zip {
    pub(crate) fn of(members: Vec<Member>) -> Self {
        Self {
            members,
            ..Self::default()
        }
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    pub(crate) fn build(&self) -> Vec<u8> {
        let mut out = self.prefix.clone();
        let mut directory = Vec::new();
        for member in &self.members {
            directory.extend(member.central(out.len() as u64));
            out.extend(member.local());
        }
        out.extend(&self.before_directory);
        let start = out.len() as u64;
        out.extend(&directory);
        out.extend(&self.after_directory);
        let members = (self.members.len() as i64 + self.miscounted) as u64;
        let size = directory.len() as u64;
        if self.zip64 {
            out.extend(end64(members, size, start, out.len() as u64));
        }
        let (members, size, start) = match self.zip64 {
            true => (u16::MAX, u32::MAX, u32::MAX),
            false => (members as u16, size as u32, start as u32),
        };
        out.extend(b"PK\x05\x06\0\0\0\0");
        out.extend([members.to_le_bytes(), members.to_le_bytes()].concat());
        out.extend([size.to_le_bytes(), start.to_le_bytes()].concat());
        out.extend((self.comment.len() as u16).to_le_bytes());
        [out, self.comment.clone(), self.suffix.clone()].concat()
    }
}

fn end64(members: u64, size: u64, start: u64, at: u64) -> Vec<u8> {
    let mut out = b"PK\x06\x06".to_vec();
    out.extend(44u64.to_le_bytes());
    out.extend([45, 3, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    for number in [members, members, size, start] {
        out.extend(number.to_le_bytes());
    }
    out.extend(b"PK\x06\x07\0\0\0\0");
    out.extend(at.to_le_bytes());
    out.extend(1u32.to_le_bytes());
    out
}

pub(crate) fn record_line(name: &str, data: &[u8]) -> String {
    let digest = URL_SAFE_NO_PAD.encode(Sha256::of(data).as_bytes());
    format!("{name},sha256={digest},{}\n", data.len())
}

/// The members of a good wheel called `foo`, RECORD last.
pub(crate) fn wheel_members(files: &[(&str, &str)]) -> Vec<Member> {
    let wheel = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n";
    let mut all = vec![("foo/__init__.py", "x = 1\n")];
    all.extend(files);
    let own = [
        ("foo-1.0.dist-info/METADATA", METADATA),
        ("foo-1.0.dist-info/WHEEL", wheel),
    ];
    for (name, text) in own {
        if !all.iter().any(|(other, _)| *other == name) {
            all.push((name, text));
        }
    }
    let mut record: String = all
        .iter()
        .map(|(name, data)| record_line(name, data.as_bytes()))
        .collect();
    record.push_str("foo-1.0.dist-info/RECORD,,\n");
    let mut members: Vec<Member> = all
        .iter()
        .map(|(name, data)| member(*name, *data))
        .collect();
    members.push(member("foo-1.0.dist-info/RECORD", record));
    members
}

pub(crate) fn wheel() -> Zip {
    Zip::of(wheel_members(&[]))
}

/// One tar member: header and padded data. `kind` is the type flag.
pub(crate) fn tar_member(kind: u8, name: &str, link: &str, data: &[u8]) -> Vec<u8> {
    let mut header = [0; 512];
    header[..name.len()].copy_from_slice(name.as_bytes());
    header[100..107].copy_from_slice(b"0000644");
    header[124..135].copy_from_slice(format!("{:011o}", data.len()).as_bytes());
    header[136..147].copy_from_slice(b"00000000000");
    header[156] = kind;
    header[157..157 + link.len()].copy_from_slice(link.as_bytes());
    header[257..265].copy_from_slice(b"ustar\x0000");
    header[148..156].copy_from_slice(b"        ");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    let padding = vec![0; data.len().next_multiple_of(512) - data.len()];
    [&header, data, &padding].concat()
}

pub(crate) fn pax(kind: u8, key: &str, value: &str) -> Vec<u8> {
    let mut length = key.len() + value.len() + 3;
    while length != format!("{length} {key}={value}\n").len() {
        length += 1;
    }
    tar_member(
        kind,
        "pax",
        "",
        format!("{length} {key}={value}\n").as_bytes(),
    )
}

pub(crate) fn tarball(members: &[Vec<u8>]) -> Vec<u8> {
    [members.concat(), vec![0; 1024]].concat()
}

pub(crate) fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

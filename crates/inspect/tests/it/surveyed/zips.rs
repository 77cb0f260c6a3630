//! Zip files that two readers could read in two ways.

use portcullis_inspect::archive::survey::Flaw;

use super::finds_flaw;
use crate::bytes::{Member, WHEEL, Zip, deflate, member, wheel, wheel_members};

fn with_first(change: impl FnOnce(&mut Member)) -> Vec<u8> {
    wheel().with(|zip| change(&mut zip.members[0])).build()
}

fn with_member(member: Member) -> Vec<u8> {
    wheel().with(|zip| zip.members.insert(0, member)).build()
}

/// The good wheel with bytes of its first local header replaced.
fn patched(at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut archive = wheel().build();
    archive[at..at + bytes.len()].copy_from_slice(bytes);
    archive
}

fn check(samples: Vec<(&str, Vec<u8>, Flaw)>) {
    for (what, bytes, flaw) in samples {
        finds_flaw(what, (&bytes, WHEEL), flaw);
    }
}

#[test]
fn names_that_mean_something_else_elsewhere_are_found() {
    check(vec![
        (
            "a name twice",
            with_member(member("foo/__init__.py", "y = 2\n")),
            Flaw::DuplicateName,
        ),
        (
            "a way out",
            with_member(member("../evil.py", "")),
            Flaw::Traversal,
        ),
        (
            "a way out inside",
            with_member(member("foo/../../evil.py", "")),
            Flaw::Traversal,
        ),
        (
            "an absolute name",
            with_member(member("/etc/cron.d/x", "")),
            Flaw::Absolute,
        ),
        ("a drive", with_member(member("C:/x.py", "")), Flaw::Drive),
        (
            "backslashes",
            with_member(member("..\\..\\evil.py", "")),
            Flaw::Backslash,
        ),
        (
            "a NUL",
            with_member(member("foo/a.py\0.txt", "")),
            Flaw::ControlCharacter,
        ),
        (
            "upper case",
            with_member(member("foo/__INIT__.py", "")),
            Flaw::CaseClash,
        ),
        (
            "two compositions",
            wheel()
                .with(|zip| {
                    zip.members.push(member("foo/\u{e4}.py", ""));
                    zip.members.push(member("foo/a\u{308}.py", ""));
                })
                .build(),
            Flaw::UnicodeClash,
        ),
        (
            "a file with files in it",
            with_member(member("foo", "")),
            Flaw::FileAsFolder,
        ),
        ("no name at all", with_member(member("", "")), Flaw::NoName),
        (
            "a device",
            with_member(member("foo/NUL", "")),
            Flaw::DeviceName,
        ),
        (
            "a detour",
            with_member(member("foo//a.py", "")),
            Flaw::Detour,
        ),
        (
            "a long name",
            with_member(member(vec![b'a'; 2000], "")),
            Flaw::LongName,
        ),
        (
            "another name in Unicode",
            with_first(|it| {
                it.extra = b"\x75\x70\x0c\0\x01\0\0\0\0evil.py".to_vec();
            }),
            Flaw::ExtraField,
        ),
    ]);
}

#[test]
fn headers_that_contradict_the_directory_are_found() {
    let named = with_first(|it| it.local_name = b"foo/__evil__.py".to_vec());
    check(vec![
        ("the name", named, Flaw::LocalName),
        ("the version needed", newer(), Flaw::NewerVersion),
        ("the method", patched(8, &[0, 0]), Flaw::LocalMethod),
        ("the flags", patched(6, &[1 << 4, 1 << 3]), Flaw::LocalFlags),
        (
            "the size",
            with_first(|it| it.local_size += 1),
            Flaw::LocalSize,
        ),
        (
            "the compressed size",
            patched(18, &[1, 0, 0, 0]),
            Flaw::LocalSize,
        ),
        (
            "the checksum",
            with_first(|it| it.local_crc32 ^= 1),
            Flaw::LocalChecksum,
        ),
        ("the signature", patched(0, b"XX"), Flaw::NoLocalHeader),
        (
            "the descriptor",
            with_first(|it| {
                *it = it.clone().with_descriptor(b"PK\x07\x08", b"");
                it.after[5] ^= 1;
            }),
            Flaw::Descriptor,
        ),
        (
            "two zip64 fields",
            with_first(|it| it.extra = b"\x01\0\0\0\x01\0\0\0".to_vec()),
            Flaw::ExtraField,
        ),
        (
            "a number that is nowhere",
            with_first(|it| (it.size, it.local_size) = (u32::MAX, u32::MAX)),
            Flaw::ExtraField,
        ),
    ]);
}

#[test]
fn bytes_that_belong_to_no_member_are_found() {
    let of = |change: fn(&mut Zip)| wheel().with(change).build();
    let other = Zip::of(wheel_members(&[("foo/evil.py", "x = 2\n")])).build();
    let hidden = Zip::of(vec![member("foo/evil.py", "x = 2\n")]).build();
    let hidden = hidden[..hidden.len() - 80].to_vec();
    check(vec![
        (
            "in front",
            of(|zip| zip.prefix = b"#!/bin/sh\n".to_vec()),
            Flaw::Prefix,
        ),
        (
            "in front, uncounted",
            [b"#!/bin/sh\n".to_vec(), wheel().build()].concat(),
            Flaw::Prefix,
        ),
        (
            "behind",
            of(|zip| zip.suffix = b"payload".to_vec()),
            Flaw::Trailing,
        ),
        (
            "another zip file behind",
            [wheel().build(), other.clone()].concat(),
            Flaw::Prefix,
        ),
        (
            "another zip file as comment",
            { wheel().with(|zip| zip.comment = other.clone()).build() },
            Flaw::SecondEnd,
        ),
        (
            "records in the comment",
            of(|zip| zip.comment = b"xx PK\x01\x02 xx".to_vec()),
            Flaw::CommentRecords,
        ),
        (
            "between",
            with_first(|it| it.after = b"some bytes".to_vec()),
            Flaw::Gap,
        ),
        (
            "a member between",
            with_first(|it| it.after = hidden.clone()),
            Flaw::HiddenMember,
        ),
        (
            "before the directory",
            of(|zip| zip.before_directory = b"some bytes".to_vec()),
            Flaw::Gap,
        ),
        (
            "behind the directory",
            of(|zip| zip.after_directory = b"some bytes".to_vec()),
            Flaw::DirectoryMoved,
        ),
    ]);
}

#[test]
fn frames_that_contradict_themselves_are_found() {
    let wide = wheel().with(|zip| zip.zip64 = true).build();
    let from_end = |back: usize, value: u8| {
        let mut archive = wide.clone();
        let at = archive.len() - back;
        archive[at] ^= value;
        archive
    };
    check(vec![
        (
            "one too many",
            wheel().with(|zip| zip.miscounted = 1).build(),
            Flaw::Miscounted,
        ),
        (
            "one too few",
            wheel().with(|zip| zip.miscounted = -1).build(),
            Flaw::Miscounted,
        ),
        // From the end: 22 bytes of end record, 20 of locator, 56 of the zip64 record.
        (
            "the locator points elsewhere",
            from_end(22 + 20 - 8, 1),
            Flaw::Zip64,
        ),
        (
            "the locator is on another disk",
            from_end(22 + 20 - 4, 1),
            Flaw::Zip64,
        ),
        (
            "the zip64 record counts otherwise",
            from_end(22 + 20 + 56 - 24, 1),
            Flaw::Zip64,
        ),
        (
            "two counts that differ",
            {
                let mut archive = wide.clone();
                let at = archive.len() - 22;
                archive[at + 8..at + 12].copy_from_slice(&[1, 0, 1, 0]);
                archive
            },
            Flaw::Zip64,
        ),
        (
            "a second disk",
            {
                let mut archive = wheel().build();
                let at = archive.len() - 22;
                archive[at + 4] = 1;
                archive
            },
            Flaw::ManyDisks,
        ),
        ("no end at all", b"PK\x03\x04".to_vec(), Flaw::Unreadable),
        (
            "two entries for the same bytes",
            wheel()
                .with(|zip| {
                    let first = zip.members[0].clone();
                    let length = 30 + first.name.len() + first.stored.len();
                    zip.members.insert(
                        1,
                        first.with(|it| {
                            it.name = b"foo/other.py".to_vec();
                            it.moved = -(length as i64);
                        }),
                    );
                })
                .build(),
            Flaw::Overlap,
        ),
    ]);
}

#[test]
fn members_that_cannot_be_read_or_lie_are_found() {
    let long = deflate(&b"x = 1\n".repeat(50));
    check(vec![
        (
            "a stored member with a descriptor",
            with_first(|it| {
                *it = it.clone().kept_stored().with_descriptor(b"PK\x07\x08", b"");
            }),
            Flaw::StoredDescriptor,
        ),
        ("a link", with_first(|it| it.mode = 0o120_777), Flaw::Link),
        (
            "a pipe",
            with_first(|it| it.mode = 0o010_644),
            Flaw::Special,
        ),
        ("setuid", with_first(|it| it.mode = 0o104_755), Flaw::SetId),
        (
            "encrypted",
            with_first(|it| (it.flags, it.local_flags) = (1, 1)),
            Flaw::Encrypted,
        ),
        ("bzip2", with_first(|it| it.method = 12), Flaw::Method),
        (
            "lzma is not read",
            with_first(|it| it.method = 14),
            Flaw::NotInspected,
        ),
        (
            "patched data",
            with_first(|it| (it.flags, it.local_flags) = (32, 32)),
            Flaw::Flags,
        ),
        (
            "longer",
            with_first(|it| it.stored = long.clone()),
            Flaw::DataLonger,
        ),
        (
            "shorter",
            with_first(|it| (it.size, it.local_size) = (100, 100)),
            Flaw::DataShorter,
        ),
        (
            "another checksum",
            with_first(|it| (it.crc32, it.local_crc32) = (1, 1)),
            Flaw::DataChecksum,
        ),
        (
            "no deflate stream",
            with_first(|it| it.stored = vec![7; 20]),
            Flaw::DataBroken,
        ),
        (
            "bytes behind the stream",
            with_first(|it| it.stored.extend(b"payload")),
            Flaw::DataBehindEnd,
        ),
        (
            "a folder with data",
            with_member(member("foo/sub/", "x").with(|it| it.mode = 0o040_755)),
            Flaw::FolderWithData,
        ),
        ("a bomb", bomb(), Flaw::Ratio),
    ]);
}

/// The first entry of the directory asks for version 14.8 of the format, which Python refuses.
fn newer() -> Vec<u8> {
    let mut archive = wheel().build();
    let at = archive
        .windows(4)
        .position(|four| four == b"PK\x01\x02")
        .unwrap();
    archive[at + 6] = 148;
    archive
}

/// 70 MB of zeros in some 70 KB.
fn bomb() -> Vec<u8> {
    with_member(member("foo/zeros.bin", vec![0; 70_000_000]))
}

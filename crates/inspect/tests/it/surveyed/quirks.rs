//! The ways of honest tools: nothing above information may be said of them.

use std::io::{Cursor, Write as _};

use portcullis_core::inspection::Severity::{Info, Low};
use portcullis_fixtures::wheel as fixture;

use super::{is_quiet, look};
use crate::bytes::{METADATA, WHEEL, Zip, gzip, member, pax, tar_member, tarball, wheel};
use crate::bytes::{record_line, wheel_members};

#[test]
fn zip_files_of_different_tools_are_quiet() {
    let each = |change: fn(&mut crate::bytes::Member)| {
        wheel()
            .with(|zip| zip.members.iter_mut().for_each(change))
            .build()
    };
    for (what, bytes) in [
        ("plain", wheel().build()),
        (
            "a comment",
            wheel()
                .with(|zip| zip.comment = b"made by hand".to_vec())
                .build(),
        ),
        (
            "zip64 records",
            wheel().with(|zip| zip.zip64 = true).build(),
        ),
        (
            "RECORD first",
            wheel().with(|zip| zip.members.rotate_right(1)).build(),
        ),
        ("stored", each(|it| *it = it.clone().kept_stored())),
        ("no mode", each(|it| it.mode = 0)),
        (
            "times in extra fields",
            each(|it| it.local_extra = b"UT\x05\0\x01abcd".to_vec()),
        ),
        (
            "descriptors",
            each(|it| *it = it.clone().with_descriptor(b"PK\x07\x08", b"")),
        ),
        (
            "descriptors without signature",
            each(|it| *it = it.clone().with_descriptor(b"", b"")),
        ),
        (
            "wide descriptors",
            each(|it| *it = it.clone().with_descriptor(b"PK\x07\x08", &[0; 4])),
        ),
        ("how hard it was compressed", each(|it| it.flags |= 2)),
        (
            "folders",
            wheel()
                .with(|zip| {
                    let folder = member("foo/", "")
                        .with(|it| it.mode = 0o040_755)
                        .kept_stored();
                    zip.members.insert(0, folder);
                })
                .build(),
        ),
    ] {
        is_quiet(what, (&bytes, WHEEL), Info);
    }
    let padded = wheel()
        .with(|zip| zip.members[0].after = vec![0; 3])
        .build();
    is_quiet("aligned", (&padded, WHEEL), Low);
}

/// Python writes a zip64 field into the local header when it does not know the size in advance.
#[test]
fn zip64_fields_as_python_writes_them_are_quiet() {
    let bytes = wheel()
        .with(|zip| {
            let first = &mut zip.members[0];
            let sizes = [u64::from(first.size), first.stored.len() as u64];
            let sizes: Vec<u8> = sizes.iter().flat_map(|size| size.to_le_bytes()).collect();
            first.local_extra = [b"\x01\0\x10\0".to_vec(), sizes].concat();
            first.local_size = u32::MAX;
        })
        .build();
    let mut bytes = bytes;
    bytes[18..22].copy_from_slice(&[0xff; 4]);
    is_quiet("a large file", (&bytes, WHEEL), Info);
}

#[test]
fn the_zip_crate_and_streams_are_quiet() {
    let options = zip::write::SimpleFileOptions::default().large_file(true);
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for each in wheel_members(&[]) {
        writer
            .start_file(String::from_utf8(each.name).unwrap(), options)
            .unwrap();
        writer.write_all(&each.data).unwrap();
    }
    let bytes = writer.finish().unwrap().into_inner();
    is_quiet("the zip crate", (&bytes, WHEEL), Info);
}

#[test]
fn signatures_and_build_numbers_are_quiet() {
    let built = fixture("demo", "1.0")
        .description("x")
        .build_number("1abc")
        .file("demo.py", "");
    is_quiet("a build number", (&built.build(), &built.filename()), Info);
    let mut members = wheel_members(&[]);
    members.push(member("foo-1.0.dist-info/RECORD.jws", "{}"));
    members.push(member("foo-1.0.dist-info/RECORD.p7s", "x"));
    is_quiet(
        "unlisted signatures",
        (&Zip::of(members).build(), WHEEL),
        Info,
    );
    let mut members = wheel_members(&[]);
    let signature = "foo-1.0.dist-info/RECORD.jws";
    let record = members.last_mut().unwrap();
    let text = [record.data.clone(), format!("{signature},,\n").into_bytes()].concat();
    *record = member("foo-1.0.dist-info/RECORD", text);
    members.push(member(signature, "{}"));
    is_quiet(
        "signatures without hashes",
        (&Zip::of(members).build(), WHEEL),
        Info,
    );
}

#[test]
fn record_with_other_algorithms_is_read() {
    let line = record_line("x", b"");
    assert!(line.starts_with("x,sha256="));
    let empty =
        "z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg_SpIdNs6c5H0NE8XYXysP-DGNKHfuwvY7kxvUdBeoGlODJ6-SfaPg";
    let wheel = fixture("demo", "1.0").description("x").file("demo.py", "");
    let wheel = wheel.record_line("demo.py", &format!("demo.py,sha512={empty},0"));
    is_quiet("sha512", (&wheel.build(), &wheel.filename()), Info);
}

#[test]
fn tarballs_of_different_tools_are_quiet() {
    let pkg_info = || tar_member(b'0', "foo-1.0/PKG-INFO", "", METADATA.as_bytes());
    let file = |name: &str| tar_member(b'0', name, "", b"x = 1\n");
    let long = format!("foo-1.0/{}/a.py", "d".repeat(120));
    let gnu_long = tar_member(b'L', "././@LongLink", "", format!("{long}\0").as_bytes());
    let of = |members: &[Vec<u8>]| gzip(&tarball(&[vec![pkg_info()], members.to_vec()].concat()));
    for (what, bytes) in [
        ("plain", of(&[])),
        (
            "folders twice",
            of(&[
                tar_member(b'5', "foo-1.0/", "", b""),
                tar_member(b'5', "foo-1.0/", "", b""),
                tar_member(b'5', "foo-1.0/sub", "", b""),
            ]),
        ),
        ("a long name of GNU", of(&[gnu_long, file(&long[..99])])),
        (
            "a long name of pax",
            of(&[pax(b'x', "path", &long), file(&long[..99])]),
        ),
        (
            "a name that is not ASCII",
            of(&[pax(b'x', "path", "foo-1.0/ü.py"), file("foo-1.0/?.py")]),
        ),
        (
            "times",
            of(&[pax(b'x', "mtime", "1700000000.25"), file("foo-1.0/a.py")]),
        ),
        (
            "a comment for all",
            of(&[pax(b'g', "comment", "0123abc"), file("foo-1.0/a.py")]),
        ),
        (
            "a link inside",
            of(&[tar_member(b'2', "foo-1.0/link", "PKG-INFO", b"")]),
        ),
        (
            "a dot in front",
            gzip(&tarball(&[tar_member(
                b'0',
                "./foo-1.0/PKG-INFO",
                "",
                METADATA.as_bytes(),
            )])),
        ),
        (
            "padding",
            gzip(&[tarball(&[pkg_info()]), vec![0; 20 * 512]].concat()),
        ),
    ] {
        let (survey, _) = look(&bytes, "foo-1.0.tar.gz");
        assert!(survey.is_complete(), "{what}: {:#?}", survey.violations);
        is_quiet(what, (&bytes, "foo-1.0.tar.gz"), Info);
    }
}

#[test]
fn every_compression_is_read() {
    let pkg_info = tar_member(b'0', "foo-1.0/PKG-INFO", "", METADATA.as_bytes());
    let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    bzip2.write_all(&tarball(&[pkg_info])).unwrap();
    // Written by Python's lzma module: the same sdist.
    let xz = "fd377a585a000004e6d6b4460200210116000000742fe5a3e027ff00895d00331bec5a3117f96b8b\
        fbfde19d44bb364acf988353a0641fb33acb5ab40b592d8034c03f59fef801714a8b4476b8e655c5\
        17afaaff05e920e22676e5d73a4780c5e6ff488798046419adf948eeb65236f89b4397f8abc04656\
        cb9183e835e01a635f9164c3f77139be13c7132e5b2f60291375f3f1dba69fdab362a8671a16c3e7\
        dcdadc8403a3c30000000000095a1a37d137fa330001a50180500000bbe50136b1c467fb02000000\
        0004595a";
    let digits: Vec<u8> = xz.bytes().filter(u8::is_ascii_hexdigit).collect();
    let digit = |byte: u8| char::from(byte).to_digit(16).unwrap() as u8;
    let xz: Vec<u8> = digits
        .chunks(2)
        .map(|two| digit(two[0]) << 4 | digit(two[1]))
        .collect();
    for (bytes, name) in [
        (bzip2.finish().unwrap(), "foo-1.0.tar.bz2"),
        (xz, "foo-1.0.tar.xz"),
    ] {
        let (survey, _) = look(&bytes, name);
        assert_eq!(survey.members.len(), 1, "{name}: {:#?}", survey.violations);
        is_quiet(name, (&bytes, name), Info);
    }
}

//! Source distributions: what is accepted, and a table of hostile ones.

use std::io::{Cursor, Write as _};

use portcullis_inspect::archive::{Limits, SdistContents, read_sdist};

use crate::bytes::{METADATA, Zip, filename, gzip, member, pax, tar_member, tarball};

const SDIST: &str = "foo-1.0.tar.gz";

fn read_named(bytes: Vec<u8>, name: &str) -> Result<SdistContents, String> {
    read_sdist(Cursor::new(bytes), &filename(name), &Limits::default())
        .map_err(|error| error.to_string())
}

fn pkg_info() -> Vec<u8> {
    tar_member(b'0', "foo-1.0/PKG-INFO", "", METADATA.as_bytes())
}

fn read_with(members: &[Vec<u8>]) -> Result<SdistContents, String> {
    read_named(
        gzip(&tarball(&[vec![pkg_info()], members.to_vec()].concat())),
        SDIST,
    )
}

fn accepts(members: &[Vec<u8>]) -> SdistContents {
    read_with(members).unwrap_or_else(|error| panic!("refused: {error}"))
}

fn refuses(members: &[Vec<u8>], message: &str) {
    assert_eq!(read_with(members).expect_err(message), message);
}

#[test]
fn every_container_is_read() {
    let tar = tarball(&[pkg_info(), tar_member(b'0', "foo-1.0/a.py", "", b"x = 1\n")]);
    let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    bzip2.write_all(&tar).unwrap();
    let zip = [
        member("foo-1.0/PKG-INFO", METADATA),
        member("foo-1.0/a.py", "x = 1\n"),
    ];
    for (bytes, name) in [
        (gzip(&tar), "foo-1.0.tar.gz"),
        (gzip(&tar), "foo-1.0.tgz"),
        (bzip2.finish().unwrap(), "foo-1.0.tar.bz2"),
        (Zip::of(zip.to_vec()).build(), "foo-1.0.zip"),
    ] {
        let contents = read_named(bytes, name).expect(name);
        assert_eq!(contents.pkg_info, METADATA.as_bytes(), "{name}");
        assert_eq!(
            (contents.folder.as_str(), contents.members),
            ("foo-1.0", 2),
            "{name}"
        );
    }
    for name in [
        "foo-1.0.tar.xz",
        "foo-1.0.tar.Z",
        "foo-1.0-py3-none-any.whl",
        "foo.exe",
    ] {
        let message = format!("{name} does not name a distribution that can be inspected");
        assert_eq!(read_named(gzip(&tar), name).unwrap_err(), message);
    }
}

#[test]
fn what_writers_in_the_wild_do_is_accepted() {
    let long = format!("foo-1.0/{}", "a".repeat(200));
    let file = |name| tar_member(b'0', name, "", b"x");
    accepts(&[tar_member(b'5', "foo-1.0/b/", "", b""), file("foo-1.0/b/c")]);
    accepts(&[
        tar_member(b'5', "foo-1.0/b", "", b""),
        tar_member(0, "foo-1.0/c/", "", b""),
    ]);
    accepts(&[
        tar_member(b'L', "././@LongLink", "", format!("{long}\0").as_bytes()),
        file("foo"),
    ]);
    accepts(&[pax(b'x', "path", &long), file("foo")]);
    accepts(&[
        pax(b'g', "comment", "abc"),
        pax(b'x', "mtime", "1.5"),
        file("./foo-1.0/b"),
    ]);
    accepts(&[pax(b'x', "size", "1"), file("foo-1.0/b")]);
    accepts(&[tar_member(b'2', "foo-1.0/b/link", "../PKG-INFO", b"")]);
    accepts(&[tar_member(b'2', "foo-1.0/link", "PKG-INFO", b"")]);
    accepts(&[tar_member(b'1', "foo-1.0/link", "foo-1.0/PKG-INFO", b"")]);
}

#[test]
fn everything_lies_in_the_one_folder_of_the_file_name() {
    let file = |name| [tar_member(b'0', name, "", b"")];
    for name in ["bar/a", "a", "foo-1.0", "foo-1.00/a"] {
        let message = format!("{name}: is outside the folder foo-1.0");
        refuses(&file(name), &message);
    }
    refuses(&file("../a"), "../a: unsafe name (leads outside)");
    refuses(
        &file("foo-1.0/../a"),
        "foo-1.0/../a: unsafe name (leads outside)",
    );
    refuses(&file("/etc/passwd"), "/etc/passwd: unsafe name (absolute)");
    let hidden = [
        pax(b'x', "path", "../a"),
        tar_member(b'0', "foo-1.0/a", "", b""),
    ];
    refuses(&hidden, "../a: unsafe name (leads outside)");
    let message = "foo-1.0 does not belong to bar-1.0.tar.gz";
    let tar = gzip(&tarball(&[pkg_info()]));
    assert_eq!(read_named(tar, "bar-1.0.tar.gz").unwrap_err(), message);
    let nothing = read_named(gzip(&tarball(&[])), SDIST).unwrap_err();
    assert_eq!(nothing, "there is no foo-1.0 in the archive");
    let bare = gzip(&tarball(&[tar_member(b'0', "foo-1.0/a", "", b"")]));
    let message = "there is no foo-1.0/PKG-INFO in the archive";
    assert_eq!(read_named(bare, SDIST).unwrap_err(), message);
}

#[test]
fn links_stay_inside() {
    for (kind, name, link) in [
        (b'2', "foo-1.0/a", "/etc/passwd"),
        (b'2', "foo-1.0/a", ".."),
        (b'2', "foo-1.0/a", "../bar"),
        (b'2', "foo-1.0/a/b", "../../bar"),
        (b'2', "foo-1.0/a", "b/../../c"),
        (b'2', "foo-1.0/a", "b\\c"),
        (b'2', "foo-1.0/a", ""),
        (b'1', "foo-1.0/a", "PKG-INFO"),
        (b'1', "foo-1.0/a", "../foo-1.0/b"),
        (b'1', "foo-1.0/a", "/etc/passwd"),
    ] {
        let shown = link.escape_debug();
        let message = format!("{name}: is a link to {shown}, outside the archive's folder");
        refuses(&[tar_member(kind, name, link, b"")], &message);
    }
    let through = [
        tar_member(b'2', "foo-1.0/a", "b", b""),
        tar_member(b'0', "foo-1.0/a/c", "", b"written through the link"),
    ];
    refuses(&through, "foo-1.0/a: is a file and a folder at once");
    let instead = gzip(&tarball(&[tar_member(b'2', "foo-1.0/PKG-INFO", "b", b"")]));
    let message = "there is no foo-1.0/PKG-INFO in the archive";
    assert_eq!(read_named(instead, SDIST).unwrap_err(), message);
}

#[test]
fn only_files_folders_and_links_are_let_in() {
    for kind in [b'3', b'4', b'6', b'7', b'S', b'D', b'?'] {
        let message = "foo-1.0/a: is neither a file nor a folder";
        refuses(&[tar_member(kind, "foo-1.0/a", "", b"")], message);
    }
    let sparse = [
        pax(b'x', "GNU.sparse.major", "1"),
        tar_member(b'0', "foo-1.0/a", "", b""),
    ];
    refuses(&sparse, "broken archive: a sparse file");
    refuses(&[pkg_info()], "foo-1.0/PKG-INFO: appears more than once");
    let file = tar_member(b'0', "foo-1.0/a", "", b"x");
    let global = [pax(b'g', "path", "foo-1.0/b"), file.clone()];
    refuses(&global, "broken archive: one path or size for all members");
    let twice = [
        pax(b'x', "path", "foo-1.0/b"),
        pax(b'x', "path", "foo-1.0/c"),
        file.clone(),
    ];
    refuses(
        &twice,
        "broken archive: two extension headers for the same member",
    );
    let path = pax(b'x', "path", "foo-1.0/b");
    accepts(&[path.clone(), path, file.clone()]);
    let size = [pax(b'x', "size", "0"), file];
    refuses(&size, "foo-1.0/a: its two headers disagree (size)");
    let alone = [pax(b'x', "path", "foo-1.0/b")];
    refuses(
        &alone,
        "broken archive: an extension header without its member",
    );
    let long = [tar_member(b'L', "././@LongLink", "", &[b'a'; 100_000])];
    refuses(
        &long,
        "broken archive: an extension header that is too long",
    );
}

#[test]
fn a_tarball_ends_where_it_ends() {
    let tar = tarball(&[pkg_info()]);
    let cut_short = "broken archive: the compressed tar file cannot be read to its end";
    let whole = gzip(&tar);
    assert!(read_named(whole.clone(), SDIST).is_ok());
    for length in 0..whole.len() {
        assert!(
            read_named(whole[..length].to_vec(), SDIST).is_err(),
            "{length} bytes"
        );
    }
    let message = "broken archive: bytes behind the end of the tar file";
    let second = [tar.clone(), tarball(&[pkg_info()])].concat();
    assert_eq!(read_named(gzip(&second), SDIST).unwrap_err(), message);
    let members = [gzip(&tar), gzip(&[0; 4096])].concat();
    assert!(read_named(members, SDIST).is_ok());
    let garbage = [gzip(&tar), b"hidden".to_vec()].concat();
    assert_eq!(read_named(garbage, SDIST).unwrap_err(), cut_short);
    assert_eq!(read_named(gzip(&[7; 512]), SDIST).unwrap_err(), cut_short);
    let bare = pkg_info();
    assert_eq!(
        read_named(gzip(&bare[..bare.len() - 512]), SDIST).unwrap_err(),
        "foo-1.0/PKG-INFO: broken data (cut short)"
    );
}

#[test]
fn bombs_are_refused_while_they_go_off() {
    let bomb = gzip(&tarball(&[
        pkg_info(),
        tar_member(b'0', "foo-1.0/a", "", &vec![0; 80 << 20]),
    ]));
    let message = "the archive has more than 250 bytes when inflated for each of its own";
    let limits = |bytes: &Vec<u8>, limits: &Limits| {
        let archive = Cursor::new(bytes);
        read_sdist(archive, &filename(SDIST), limits).map_err(|error| error.to_string())
    };
    assert_eq!(
        limits(
            &bomb,
            &Limits {
                ratio: 100,
                ..Limits::default()
            }
        )
        .unwrap_err(),
        message.replace("250", "100")
    );
    let small = gzip(&tarball(&[
        pkg_info(),
        tar_member(b'0', "foo-1.0/a", "", b"0123456789"),
    ]));
    for (limited, message) in [
        (
            Limits {
                members: 1,
                ..Limits::default()
            },
            "the archive has more than 1 members",
        ),
        (
            Limits {
                total_size: 2000,
                ..Limits::default()
            },
            "the archive has more than 2000 bytes when inflated",
        ),
        (
            Limits {
                member_size: 9,
                ..Limits::default()
            },
            "foo-1.0/PKG-INFO: is larger than 9 bytes",
        ),
        (
            Limits {
                metadata_size: 9,
                ..Limits::default()
            },
            "foo-1.0/PKG-INFO: is larger than 9 bytes",
        ),
        (
            Limits {
                directory_size: 20,
                ..Limits::default()
            },
            "the archive has more than 20 bytes of names",
        ),
        (
            Limits {
                name_length: 10,
                ..Limits::default()
            },
            "foo-1.0/PKG-INFO: unsafe name (too long)",
        ),
    ] {
        assert_eq!(limits(&small, &limited).unwrap_err(), message);
    }
}

#[test]
fn promised_license_files_are_in_the_sdist() {
    let metadata = METADATA.replace("2.1", "2.4") + "License-File: docs/LICENSE\n";
    let info = tar_member(b'0', "foo-1.0/PKG-INFO", "", metadata.as_bytes());
    let license = tar_member(b'0', "foo-1.0/docs/LICENSE", "", b"");
    assert!(read_named(gzip(&tarball(&[info.clone(), license])), SDIST).is_ok());
    let message = "foo-1.0/docs/LICENSE: is named as License-File but not in the archive";
    assert_eq!(
        read_named(gzip(&tarball(&[info])), SDIST).unwrap_err(),
        message
    );
}

//! Wheels: what is accepted, and a table of hostile ones with what their uploader is told.

use std::io::{Cursor, Write as _};

use portcullis_inspect::archive::{ArchiveError, Limits, WheelContents, read_wheel};

use crate::bytes::{METADATA, Member, WHEEL, Zip, filename, member, wheel, wheel_members};

pub(crate) fn read(bytes: &[u8]) -> Result<WheelContents, ArchiveError> {
    read_wheel(Cursor::new(bytes), &filename(WHEEL), &Limits::default())
}

fn accepts(zip: &Zip) -> WheelContents {
    match read(&zip.build()) {
        Ok(contents) => contents,
        Err(error) => panic!("refused: {error}"),
    }
}

fn refuses(zip: &Zip, message: &str) {
    match read(&zip.build()) {
        Ok(_) => panic!("accepted, instead of: {message}"),
        Err(error) => assert_eq!(error.to_string(), message),
    }
}

type Change = fn(&mut Member);

/// The good wheel with its first member, `foo/__init__.py`, changed.
fn with_first(change: impl FnOnce(&mut Member)) -> Zip {
    wheel().with(|zip| change(&mut zip.members[0]))
}

/// The good wheel with one more member in front.
fn with_member(member: Member) -> Zip {
    wheel().with(|zip| zip.members.insert(0, member))
}

#[test]
fn a_good_wheel_is_read() {
    let contents = accepts(&wheel());
    assert_eq!(contents.metadata, METADATA.as_bytes());
    assert!(contents.wheel.starts_with(b"Wheel-Version: 1.0\n"));
    assert_eq!(
        (contents.dist_info.as_str(), contents.members),
        ("foo-1.0.dist-info", 4)
    );
    assert!(contents.inflated_size > 100);
}

#[test]
fn what_writers_in_the_wild_do_is_accepted() {
    accepts(&wheel().with(|zip| zip.comment = b"made by hand".to_vec()));
    accepts(&wheel().with(|zip| zip.zip64 = true));
    accepts(&wheel().with(|zip| zip.members.rotate_left(2)));
    accepts(&with_first(|it| *it = it.clone().kept_stored()));
    accepts(&with_first(|it| it.mode = 0));
    accepts(&with_first(|it| {
        it.local_extra = b"UT\x05\0\x01abcd".to_vec()
    }));
    accepts(&with_member(
        member("foo/", "")
            .with(|it| it.mode = 0o040_755)
            .kept_stored(),
    ));
    for (signature, wide) in [
        (&b"PK\x07\x08"[..], &[][..]),
        (b"", b""),
        (b"PK\x07\x08", &[0; 4]),
        (b"", &[0; 4]),
    ] {
        accepts(&with_first(|it| {
            *it = it.clone().with_descriptor(signature, wide)
        }));
    }
    accepts(
        &Zip::of(
            wheel_members(&[("foo/a, \"b\" ü.py", "")])
                .into_iter()
                .collect(),
        )
        .with(|zip| {
            let record = String::from_utf8(zip.members[4].data.clone()).unwrap();
            let record = record.replacen("foo/a, \"b\" ü.py", "\"foo/a, \"\"b\"\" ü.py\"", 1);
            zip.members[4] = member("foo-1.0.dist-info/RECORD", record);
        }),
    );
}

#[test]
fn a_wheel_written_by_the_zip_crate_is_read() {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for member in wheel_members(&[]) {
        let name = String::from_utf8(member.name.clone()).unwrap();
        let options = zip::write::SimpleFileOptions::default();
        writer.start_file(name, options).unwrap();
        writer.write_all(&member.data).unwrap();
    }
    let bytes = writer.finish().unwrap().into_inner();
    assert_eq!(read(&bytes).unwrap().metadata, METADATA.as_bytes());
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    for (name, message) in [
        ("../a", "../a: unsafe name (leads outside)"),
        ("foo/../../a", "foo/../../a: unsafe name (leads outside)"),
        ("/etc/passwd", "/etc/passwd: unsafe name (absolute)"),
        ("C:/a", "C:/a: unsafe name (absolute)"),
        ("foo\\a", "foo\\\\a: unsafe name (backslash)"),
        ("foo/a\0.py", "foo/a\\0.py: unsafe name (control character)"),
        ("foo//a", "foo//a: unsafe name (empty part)"),
        ("./foo", "./foo: unsafe name (empty part)"),
        ("", ": unsafe name (empty part)"),
    ] {
        refuses(&with_member(member(name, "")), message);
    }
    refuses(
        &with_member(member(*b"foo/\xff", "")),
        "foo/\u{fffd}: unsafe name (not UTF-8)",
    );
    let long = "a".repeat(1025);
    let shown = format!("{}…: unsafe name (too long)", "a".repeat(120));
    refuses(&with_member(member(long, "")), &shown);
    let unmarked = member("foo/ü", "").with(|it| (it.flags, it.local_flags) = (0, 0));
    refuses(
        &with_member(unmarked),
        "foo/ü: unsafe name (not ASCII and not marked as UTF-8)",
    );
}

#[test]
fn one_name_means_one_member() {
    let twice = "foo/__init__.py: appears more than once";
    refuses(
        &with_member(member("foo/__init__.py", "import evil\n")),
        twice,
    );
    refuses(
        &with_member(member("foo", "")),
        "foo: is a file and a folder at once",
    );
    let folder = member("foo/__init__.py/", "").with(|it| it.mode = 0);
    refuses(
        &with_member(folder),
        "foo/__init__.py: is a file and a folder at once",
    );
}

#[test]
fn only_plain_files_and_folders_are_let_in() {
    let with_mode = |mode| with_first(|it| it.mode = mode);
    refuses(&with_mode(0o120_777), "foo/__init__.py: is a link");
    for mode in [0o010_644, 0o020_644, 0o060_644, 0o140_644] {
        refuses(
            &with_mode(mode),
            "foo/__init__.py: is neither a file nor a folder",
        );
    }
    refuses(
        &with_mode(0o040_755),
        "foo/__init__.py: is a file and a folder at once",
    );
    for flag in [1, 1 << 6, 1 << 13] {
        let encrypted = with_first(|it| (it.flags, it.local_flags) = (flag, flag));
        refuses(&encrypted, "foo/__init__.py: is encrypted");
    }
    for flag in [1 << 4, 1 << 5, 1 << 15] {
        let odd = with_first(|it| (it.flags, it.local_flags) = (flag, flag));
        refuses(&odd, "foo/__init__.py: has flags that are not supported");
    }
    for method in [9, 12, 14, 93, 99] {
        let message = format!("foo/__init__.py: compression method {method} is not supported");
        refuses(&with_first(|it| it.method = method), &message);
    }
}

#[test]
fn the_two_headers_say_the_same() {
    let changes: [(&str, Change); 7] = [
        ("name", |it| it.local_name = b"foo/__main__.py".to_vec()),
        ("flags", |it| it.local_flags = 1),
        ("size", |it| it.local_size += 1),
        ("checksum", |it| it.local_crc32 ^= 1),
        ("checksum", |it| it.local_crc32 = 0),
        ("extra field", |it| {
            it.extra = b"\x75\x70\x0e\0\x01crc_other.py".to_vec()[..14].to_vec()
        }),
        ("extra field", |it| it.size = u32::MAX),
    ];
    for (what, change) in changes {
        let message = format!("foo/__init__.py: its two headers disagree ({what})");
        match read(&with_first(change).build()) {
            Err(error) => assert_eq!(error.to_string(), message),
            Ok(_) => panic!("accepted, instead of: {message}"),
        }
    }
    let descriptor = with_first(|it| {
        *it = it.clone().with_descriptor(b"PK\x07\x08", b"");
        it.after[6] ^= 1;
    });
    refuses(
        &descriptor,
        "foo/__init__.py: its two headers disagree (data descriptor)",
    );
}

#[test]
fn every_byte_of_the_archive_has_a_purpose() {
    let frame = |change: fn(&mut Zip)| wheel().with(change);
    let gap = "foo/__init__.py: is not followed directly by the next member";
    let last_gap = "foo-1.0.dist-info/RECORD: is not followed directly by the next member";
    let moved = "the zip central directory is not where the end says";
    refuses(
        &frame(|zip| zip.prefix = b"#!/bin/sh\n".to_vec()),
        "broken archive: bytes before the first member",
    );
    refuses(&with_first(|it| it.after = b"hidden".to_vec()), gap);
    refuses(&with_first(|it| it.after = vec![0; 100]), gap);
    refuses(
        &frame(|zip| zip.before_directory = b"hidden".to_vec()),
        last_gap,
    );
    refuses(
        &frame(|zip| zip.after_directory = b"hidden".to_vec()),
        &format!("broken archive: {moved}"),
    );
    refuses(
        &frame(|zip| zip.suffix = b"hidden".to_vec()),
        "broken archive: bytes follow the end of the zip file",
    );
    refuses(
        &frame(|zip| zip.miscounted = -1),
        "broken archive: the zip central directory lists more than it counts",
    );
    refuses(
        &frame(|zip| zip.miscounted = 1),
        "broken archive: the zip central directory is cut short",
    );
    let two = wheel().build();
    refuses(
        &frame(|zip| zip.suffix = wheel().build()),
        &format!("broken archive: {moved}"),
    );
    refuses(
        &frame(|zip| zip.comment = b"PK\x05\x06 and more than twenty-two bytes".to_vec()),
        "broken archive: bytes follow the end of the zip file",
    );
    assert!(read(&[two.clone(), two].concat()).is_err());
    let overlap = wheel().with(|zip| zip.members[1].moved = -20);
    refuses(&overlap, gap);
    let same =
        wheel().with(|zip| zip.members[1].moved = -(zip.members[0].stored.len() as i64 + 45));
    refuses(&same, gap);
}

#[test]
fn data_is_what_was_announced() {
    let data = |what: &str| format!("foo/__init__.py: broken data ({what})");
    let longer = |it: &mut Member| (it.size, it.local_size) = (it.size - 1, it.size - 1);
    let shorter = |it: &mut Member| (it.size, it.local_size) = (it.size + 1, it.size + 1);
    refuses(&with_first(longer), &data("longer than announced"));
    refuses(&with_first(shorter), &data("shorter than announced"));
    refuses(
        &with_first(|it| it.stored.extend(b"hidden")),
        &data("bytes behind its end"),
    );
    refuses(
        &with_first(|it| it.stored.truncate(it.stored.len() - 1)),
        &data("cut short"),
    );
    refuses(
        &with_first(|it| it.stored = vec![0xff; 8]),
        &data("not a deflate stream"),
    );
    refuses(
        &with_first(|it| (it.crc32, it.local_crc32) = (1, 1)),
        &data("checksum"),
    );
    let stored = with_first(|it| {
        *it = it.clone().kept_stored();
        longer(it);
    });
    refuses(&stored, "foo/__init__.py: its two headers disagree (size)");
}

#[test]
fn bombs_are_refused_before_they_go_off() {
    let limits = Limits {
        members: 3,
        ..Limits::default()
    };
    let read = |zip: &Zip, limits: &Limits| {
        let archive = Cursor::new(zip.build());
        read_wheel(archive, &filename(WHEEL), limits).map_err(|error| error.to_string())
    };
    assert_eq!(
        read(&wheel(), &limits).unwrap_err(),
        "the archive has more than 3 members"
    );
    let limits = Limits {
        total_size: 100,
        ..Limits::default()
    };
    assert_eq!(
        read(&wheel(), &limits).unwrap_err(),
        "the archive has more than 100 bytes when inflated"
    );
    let limits = Limits {
        member_size: 5,
        ..Limits::default()
    };
    assert_eq!(
        read(&wheel(), &limits).unwrap_err(),
        "foo/__init__.py: is larger than 5 bytes"
    );
    let limits = Limits {
        metadata_size: 5,
        ..Limits::default()
    };
    assert_eq!(
        read(&wheel(), &limits).unwrap_err(),
        "foo-1.0.dist-info/METADATA: is larger than 5 bytes"
    );
    let limits = Limits {
        record_size: 5,
        ..Limits::default()
    };
    assert_eq!(
        read(&wheel(), &limits).unwrap_err(),
        "foo-1.0.dist-info/RECORD: is larger than 5 bytes"
    );
    let limits = Limits {
        directory_size: 100,
        ..Limits::default()
    };
    assert_eq!(
        read(&wheel(), &limits).unwrap_err(),
        "the archive has more than 100 bytes of zip central directory"
    );
    let bomb = with_member(member("foo/zeros", vec![0; 70 << 20]));
    assert_eq!(
        read(&bomb, &Limits::default()).unwrap_err(),
        "the archive has more than 250 bytes when inflated for each of its own"
    );
}

#[test]
fn record_lists_exactly_what_is_there() {
    refuses(
        &with_member(member("foo/evil.py", "")),
        "foo/evil.py: is not listed in RECORD",
    );
    let jws = member("foo-1.0.dist-info/RECORD.jws", "");
    accepts(&with_member(jws));
    let nested = member("foo/RECORD.jws", "");
    refuses(
        &with_member(nested),
        "foo/RECORD.jws: is not listed in RECORD",
    );
    let gone = wheel().with(|zip| drop(zip.members.remove(0)));
    refuses(
        &gone,
        "foo/__init__.py: is listed in RECORD but not in the archive",
    );
    let changed = wheel().with(|zip| zip.members[0] = member("foo/__init__.py", "x = 2\n"));
    refuses(
        &changed,
        "foo/__init__.py: its hash is not the one in RECORD",
    );
    let longer = wheel().with(|zip| zip.members[0] = member("foo/__init__.py", "x = 1\n\n"));
    refuses(
        &longer,
        "foo/__init__.py: its size is not the one in RECORD",
    );
    let metadata = wheel().with(|zip| {
        zip.members[1] = member("foo-1.0.dist-info/METADATA", METADATA.replace("1.0", "6.6"));
    });
    refuses(
        &metadata,
        "foo-1.0.dist-info/METADATA: its hash is not the one in RECORD",
    );
    let record =
        |text: &str| wheel().with(|zip| zip.members[3] = member("foo-1.0.dist-info/RECORD", text));
    refuses(
        &record("a\n"),
        "RECORD, line 1: not three fields: path, hash, size",
    );
    refuses(
        &record("\na,md5=x,1\n"),
        "RECORD, line 2: the hash is neither sha256 nor a longer one",
    );
    refuses(&record(""), "foo/__init__.py: is not listed in RECORD");
}

#[test]
fn the_distribution_is_the_one_in_the_file_name() {
    for (index, name) in [(1, "METADATA"), (2, "WHEEL"), (3, "RECORD")] {
        let message = format!("there is no foo-1.0.dist-info/{name} in the archive");
        let gone = wheel().with(|zip| {
            zip.members.remove(index);
            if let Some(record) = zip.members.get_mut(2) {
                let text = String::from_utf8_lossy(&record.data).into_owned();
                let lines = text.lines().filter(|line| !line.contains(name));
                let text: String = lines.map(|line| format!("{line}\n")).collect();
                if index < 3 {
                    *record = member("foo-1.0.dist-info/RECORD", text);
                }
            }
        });
        refuses(&gone, &message);
    }
    let second = member("bar-1.0.dist-info/METADATA", "");
    refuses(
        &with_member(second),
        "foo-1.0.dist-info stands beside bar-1.0.dist-info, where there must be only one",
    );
    let other = |name: &str| {
        let bytes = Cursor::new(wheel().build());
        read_wheel(bytes, &filename(name), &Limits::default()).map_err(|error| error.to_string())
    };
    assert!(other("Foo-1-py3-none-any.whl").is_ok());
    for name in ["bar-1.0-py3-none-any.whl", "foo-1.1-py3-none-any.whl"] {
        let message = format!("foo-1.0.dist-info does not belong to {name}");
        assert_eq!(other(name).unwrap_err(), message);
    }
    let message = "foo-1.0.tar.gz does not name a distribution that can be inspected";
    assert_eq!(other("foo-1.0.tar.gz").unwrap_err(), message);
}

#[test]
fn promised_license_files_are_in_the_wheel() {
    let metadata = METADATA.replace("2.1", "2.4") + "License-File: LICENSE\n";
    let name = "foo-1.0.dist-info/METADATA";
    let license = ("foo-1.0.dist-info/licenses/LICENSE", "Do as you like.\n");
    accepts(&Zip::of(wheel_members(&[(name, &metadata), license])));
    refuses(
        &Zip::of(wheel_members(&[(name, &metadata)])),
        "foo-1.0.dist-info/licenses/LICENSE: is named as License-File but not in the archive",
    );
}

#[test]
fn what_is_no_zip_file_is_refused() {
    for bytes in [
        &b""[..],
        b"PK",
        b"PK\x05\x06",
        &[0; 100_000],
        b"<html>not found</html>",
    ] {
        assert!(read(bytes).unwrap_err().blames_the_archive());
    }
    refuses(
        &Zip::default(),
        "there is no foo-1.0.dist-info in the archive",
    );
}

#[test]
fn a_failing_disk_is_not_the_archives_fault() {
    struct Failing;
    impl std::io::Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::PermissionDenied.into())
        }
    }
    impl std::io::Seek for Failing {
        fn seek(&mut self, _: std::io::SeekFrom) -> std::io::Result<u64> {
            Ok(1000)
        }
    }
    let error = read_wheel(Failing, &filename(WHEEL), &Limits::default()).unwrap_err();
    assert!(matches!(error, ArchiveError::Io(_)) && !error.blames_the_archive());
}

//! Zip files that are bombs, that lie, or that have too much of something.

use std::io::Write as _;

use portcullis_fixtures::{incompressible, wheel};

use super::{inspected, is_told};

const WHEEL: &str = "demo-1.0-py3-none-any.whl";

fn deflate(data: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(data).expect("memory takes every byte");
    encoder.finish().expect("memory takes every byte")
}

/// One member as both headers describe it: name, data as it is stored, and what is said of it.
struct Said<'a> {
    name: &'a [u8],
    stored: &'a [u8],
    method: u16,
    packed: u32,
    size: u32,
    extra: &'a [u8],
}

impl Said<'_> {
    fn header(&self, signature: &[u8], made_by: &[u8]) -> Vec<u8> {
        let mut out = [signature, made_by, b"\x2d\0\0\x08"].concat();
        out.extend(self.method.to_le_bytes());
        out.extend([0, 0, 0x21, 0, 0, 0, 0, 0]);
        out.extend(self.packed.to_le_bytes());
        out.extend(self.size.to_le_bytes());
        out.extend((self.name.len() as u16).to_le_bytes());
        out.extend((self.extra.len() as u16).to_le_bytes());
        out
    }

    fn local(&self) -> Vec<u8> {
        let header = self.header(b"PK\x03\x04", b"");
        [&header[..], self.name, self.extra, self.stored].concat()
    }

    fn central(&self, offset: u32) -> Vec<u8> {
        let mut out = self.header(b"PK\x01\x02", b"\x2d\x03");
        out.extend([0; 6]);
        out.extend((0o100_644u32 << 16).to_le_bytes());
        out.extend(offset.to_le_bytes());
        [&out[..], self.name, self.extra].concat()
    }
}

/// The end record for a directory of `count` members, `size` bytes long, at `start`.
fn end(count: u16, size: u32, start: u32) -> Vec<u8> {
    let mut out = b"PK\x05\x06\0\0\0\0".to_vec();
    out.extend([count.to_le_bytes(), count.to_le_bytes()].concat());
    out.extend([size.to_le_bytes(), start.to_le_bytes()].concat());
    out.extend([0, 0]);
    out
}

/// A zip file of what is said.
fn zip(members: &[Said<'_>]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for member in members {
        directory.extend(member.central(out.len() as u32));
        out.extend(member.local());
    }
    let (size, start) = (directory.len() as u32, out.len() as u32);
    out.extend(directory);
    out.extend(end(members.len() as u16, size, start));
    out
}

#[test]
fn what_is_claimed_costs_nothing() {
    let small = deflate(b"x = 1\n");
    let lie = |packed: u32, size: u32| {
        zip(&[Said {
            name: b"demo/a.py",
            stored: &small,
            method: 8,
            packed,
            size,
            extra: b"",
        }])
    };
    let wide: Vec<u8> = [
        &b"\x01\0\x10\0"[..],
        &[0xff; 7],
        &[0x7f],
        &[0xff; 7],
        &[0x7f],
    ]
    .concat();
    let short = b"\x01\0\xff\xff\0";
    let with_extra = |extra: &[u8]| {
        let (packed, size) = (u32::MAX, u32::MAX);
        zip(&[Said {
            name: b"demo/a.py",
            stored: &small,
            method: 8,
            packed,
            size,
            extra,
        }])
    };
    let packed = small.len() as u32;
    for (what, archive) in [
        ("four gigabytes when inflated", lie(packed, u32::MAX - 1)),
        ("four gigabytes in the archive", lie(u32::MAX - 1, 6)),
        ("four gigabytes of both", lie(u32::MAX - 1, u32::MAX - 1)),
        ("nothing when inflated", lie(packed, 0)),
        ("zip64 sizes of eight exabytes", with_extra(&wide)),
        ("a zip64 field that is cut off", with_extra(short)),
        ("no zip64 field", with_extra(b"")),
    ] {
        is_told(what, &archive, WHEEL);
    }
    for (count, size, start) in [
        (u16::MAX, 0, 0),
        (1, u32::MAX, 0),
        (1, 0, u32::MAX),
        (u16::MAX, u32::MAX, u32::MAX),
    ] {
        is_told("an end record that lies", &end(count, size, start), WHEEL);
    }
}

#[test]
fn zip64_records_that_lie_are_told() {
    let end64 = |numbers: [u64; 5], at: u64| {
        let mut out = b"PK\x06\x06".to_vec();
        out.extend(numbers[0].to_le_bytes());
        out.extend([45, 3, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        for number in [numbers[1], numbers[2], numbers[3], numbers[4]] {
            out.extend(number.to_le_bytes());
        }
        out.extend(b"PK\x06\x07\0\0\0\0");
        out.extend(at.to_le_bytes());
        out.extend(1u32.to_le_bytes());
        out.extend(end(u16::MAX, u32::MAX, u32::MAX));
        out
    };
    for (what, archive) in [
        (
            "a directory of eight exabytes",
            end64([44, 1, 1, u64::MAX / 2, 0], 0),
        ),
        (
            "all members of the world",
            end64([44, u64::MAX, u64::MAX, 46, 0], 0),
        ),
        (
            "a directory behind the end",
            end64([44, 1, 1, 46, u64::MAX], 0),
        ),
        (
            "a record of its own length",
            end64([u64::MAX, 1, 1, 46, 0], 0),
        ),
        (
            "a locator that points nowhere",
            end64([44, 0, 0, 0, 0], u64::MAX),
        ),
        (
            "a locator that points at itself",
            end64([44, 0, 0, 0, 0], 56),
        ),
        ("two counts", end64([44, 1, 2, 46, 0], 0)),
    ] {
        is_told(what, &archive, WHEEL);
    }
}

#[test]
fn bombs_go_off_within_the_limits() {
    let zeros = deflate(&vec![0; 100 << 20]);
    let (packed, size) = (zeros.len() as u32, 100 << 20);
    let bomb = zip(&[Said {
        name: b"demo/zeros",
        stored: &zeros,
        method: 8,
        packed,
        size,
        extra: b"",
    }]);
    is_told("a hundred megabytes of nothing", &bomb, WHEEL);
    let twice = deflate(&zeros);
    let nested = wheel("demo", "1.0")
        .file("demo/a.zip", &bomb)
        .file("demo/b", twice);
    inspected(&nested.build(), WHEEL);
    // Many entries of the directory that share one member's bytes.
    let shared = deflate(&vec![0; 1 << 20]);
    let names: Vec<String> = (0..3_000).map(|at| format!("demo/{at}.bin")).collect();
    let (packed, size) = (shared.len() as u32, 1 << 20);
    let member = |name| Said {
        name,
        stored: &shared,
        method: 8,
        packed,
        size,
        extra: b"",
    };
    let mut out = member(b"demo/0.bin").local();
    let start = out.len() as u32;
    let directory: Vec<u8> = names
        .iter()
        .flat_map(|name| member(name.as_bytes()).central(0))
        .collect();
    out.extend(&directory);
    out.extend(end(3_000, directory.len() as u32, start));
    let inspection = inspected(&out, WHEEL);
    assert!(!inspection.inspected.observations.is_empty());
    assert!(
        inspection.inspected.statistics.bytes <= 512 << 20,
        "{:?}",
        inspection.inspected.statistics
    );
}

#[test]
fn there_may_be_too_many_of_anything() {
    let many = (0..20_000)
        .map(|at| format!("demo/{at}.py"))
        .collect::<Vec<_>>();
    let members: Vec<Said<'_>> = many
        .iter()
        .map(|name| Said {
            name: name.as_bytes(),
            stored: b"",
            method: 0,
            packed: 0,
            size: 0,
            extra: b"",
        })
        .collect();
    is_told("twenty thousand files of nothing", &zip(&members), WHEEL);
    let same = vec![b'a'; 65_535];
    let slashes = [&b"demo"[..], &b"/".repeat(65_000)].concat();
    let parts = [&b"demo"[..], &b"/a".repeat(32_000)].concat();
    for (what, name) in [
        ("a name of 64 KiB", &same),
        ("slashes", &slashes),
        ("many folders", &parts),
    ] {
        let member = Said {
            name,
            stored: b"",
            method: 0,
            packed: 0,
            size: 0,
            extra: b"",
        };
        is_told(what, &zip(&[member]), WHEEL);
    }
    let mut comment = zip(&[]);
    comment.truncate(20);
    comment.extend(65_535u16.to_le_bytes());
    comment.extend(end(0, 0, 0).repeat(3_000).into_iter().take(65_535));
    is_told("a comment full of end records", &comment, WHEEL);
    is_told(
        "a file of local headers",
        &zip(&members[..1]).repeat(1_000),
        WHEEL,
    );
    is_told("noise", &incompressible(1 << 20), WHEEL);
}

#[test]
fn archives_in_archives_end() {
    let mut archive = wheel("demo", "1.0").file("demo/a.py", "exec(x)\n").build();
    for _ in 0..40 {
        archive = wheel("demo", "1.0")
            .file("demo/inner.whl", &archive)
            .build();
    }
    inspected(&archive, WHEEL);
}

#[test]
fn documents_of_a_wheel_may_be_enormous() {
    let lines = |line: &str, count: usize| line.repeat(count);
    for (path, text) in [
        ("demo.pth", lines("import os; os.system('a')\n", 100_000)),
        (
            "demo.pth",
            format!("import os;{}", "os.x();".repeat(50_000)),
        ),
        (
            "demo-1.0.dist-info/entry_points.txt",
            lines("[console_scripts]\na = b:c\n", 100_000),
        ),
        ("demo-1.0.dist-info/RECORD.jws", lines("{", 200_000)),
        ("demo/deep.json", lines("[", 200_000)),
        (
            "demo/image.png",
            format!("\u{89}PNG{}", "\0".repeat(200_000)),
        ),
    ] {
        println!("{path}");
        inspected(&wheel("demo", "1.0").file(path, text).build(), WHEEL);
    }
    let metadata = "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n";
    for more in [
        lines("Requires-Dist: a @ git+https://a.invalid/b\n", 50_000),
        format!(
            "Requires-Dist: a; {}x{}\n",
            "(".repeat(50_000),
            ")".repeat(50_000)
        ),
        format!("Requires-Dist: a{}\n", ",>=1".repeat(50_000)),
        format!(
            "License-Expression: {}MIT{}\n",
            "(".repeat(50_000),
            ")".repeat(50_000)
        ),
        format!("License-Expression: MIT{}\n", " OR MIT".repeat(50_000)),
        lines("Project-URL: a, https://a.invalid\n", 50_000),
        lines("X: y\n  z\n", 100_000),
        format!("Author-email: {}\n", "a@b.invalid, ".repeat(50_000)),
        format!("\n{}", "# x\n".repeat(100_000)),
    ] {
        println!("{more:.60}");
        let wheel = wheel("demo", "1.0").metadata_override(format!("{metadata}{more}"));
        inspected(&wheel.build(), WHEEL);
    }
}

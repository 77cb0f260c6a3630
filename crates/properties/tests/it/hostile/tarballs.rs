//! Tarballs that are bombs, that lie, or that have too much of something.

use std::io::Write as _;

use portcullis_fixtures::sdist;

use super::{inspected, is_told};

const SDIST: &str = "demo-1.0.tar.gz";

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(data).expect("memory takes every byte");
    encoder.finish().expect("memory takes every byte")
}

fn bzip2(data: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
    encoder.write_all(data).expect("memory takes every byte");
    encoder.finish().expect("memory takes every byte")
}

/// A member whose header says `size`, twelve bytes.
fn member(kind: u8, name: &str, size: &[u8; 12], data: &[u8]) -> Vec<u8> {
    let mut header = [0; 512];
    let shown = name.len().min(100);
    header[..shown].copy_from_slice(&name.as_bytes()[..shown]);
    header[100..107].copy_from_slice(b"0000644");
    header[124..136].copy_from_slice(size);
    header[136..147].copy_from_slice(b"00000000000");
    header[156] = kind;
    header[257..265].copy_from_slice(b"ustar\x0000");
    header[148..156].copy_from_slice(b"        ");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    let mut out = [&header[..], data].concat();
    out.resize(out.len().next_multiple_of(512), 0);
    out
}

/// A member that says of itself what is so.
fn honest(kind: u8, name: &str, data: &[u8]) -> Vec<u8> {
    let size: [u8; 12] = format!("{:011o}\0", data.len())
        .into_bytes()
        .try_into()
        .expect("twelve digits");
    member(kind, name, &size, data)
}

#[test]
fn what_is_claimed_costs_nothing() {
    let large: [u8; 12] = [
        0x80, 0, 0, 0, 0x3f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    ];
    let negative: [u8; 12] = [0xff; 12];
    for (what, size) in [
        ("eight gigabytes", *b"77777777777\0"),
        ("four exabytes", large),
        ("less than nothing", negative),
        ("no number", *b"xxxxxxxxxxxx"),
        ("no end", *b"777777777777"),
    ] {
        for kind in [b'0', b'5', b'x', b'g', b'L', b'K', b'S'] {
            let tar = member(kind, "demo-1.0/a.py", &size, b"x = 1\n");
            is_told(what, &gzip(&tar), SDIST);
        }
    }
}

#[test]
fn bombs_go_off_within_the_limits() {
    let zeros = honest(b'0', "demo-1.0/zeros", &vec![0; 100 << 20]);
    is_told("gzip", &gzip(&zeros), SDIST);
    is_told("bzip2", &bzip2(&zeros), "demo-1.0.tar.bz2");
    let streams = gzip(b"").repeat(20_000);
    is_told("streams of nothing", &streams, SDIST);
    is_told(
        "streams before the archive",
        &[streams, gzip(&honest(b'0', "demo-1.0/a", b""))].concat(),
        SDIST,
    );
}

#[test]
fn there_may_be_too_many_of_anything() {
    let many: Vec<u8> = (0..10_000)
        .flat_map(|at| honest(b'0', &format!("demo-1.0/{at}.py"), b""))
        .collect();
    is_told("ten thousand files of nothing", &gzip(&many), SDIST);
    let name = [b"demo-1.0/", &b"a/".repeat(32_000)[..]].concat();
    let long = [honest(b'L', "././@LongLink", &name), honest(b'0', "x", b"")].concat();
    is_told("a name of 64 KiB", &gzip(&long), SDIST);
    let longs = [
        honest(b'L', "././@LongLink", &name).repeat(200),
        honest(b'0', "x", b""),
    ]
    .concat();
    is_told("two hundred names", &gzip(&longs), SDIST);
    let records = b"12 a=bcdefg\n".repeat(50_000);
    let pax = [
        honest(b'x', "pax", &records),
        honest(b'0', "demo-1.0/x", b""),
    ]
    .concat();
    is_told("fifty thousand records", &gzip(&pax), SDIST);
    let lying = [
        honest(b'x', "pax", b"18446744073709551615 path=x\n"),
        honest(b'0', "demo-1.0/x", b""),
    ]
    .concat();
    is_told("a record that lies about its length", &gzip(&lying), SDIST);
    is_told("zero blocks", &gzip(&vec![0; 20 << 20]), SDIST);
    is_told("nothing", &gzip(b""), SDIST);
}

#[test]
fn archives_in_archives_end() {
    let mut archive = sdist("demo", "1.0").file("setup.py", "exec(x)\n").build();
    for _ in 0..40 {
        archive = sdist("demo", "1.0").file("inner.tar.gz", &archive).build();
    }
    inspected(&archive, SDIST);
}

#[test]
fn documents_of_an_sdist_may_be_enormous() {
    for (path, text) in [
        ("pyproject.toml", format!("a = {}", "[".repeat(100_000))),
        ("pyproject.toml", format!("{}\n", "a.".repeat(50_000))),
        ("pyproject.toml", "[[a]]\n".repeat(100_000)),
        (
            "pyproject.toml",
            format!(
                "[build-system]\nbackend-path = [{}]\nbuild-backend = 'a'\n",
                "'.',".repeat(100_000)
            ),
        ),
        (
            "setup.cfg",
            "[options.entry_points]\nconsole_scripts =\n  a = b:c\n".repeat(50_000),
        ),
        (
            "setup.py",
            format!("setup(cmdclass={}", "{'install':".repeat(50_000)),
        ),
    ] {
        inspected(&sdist("demo", "1.0").file(path, text).build(), SDIST);
    }
}

//! Tarballs that two readers could read in two ways, or that are dangerous to unpack.

use portcullis_core::inspection::Severity::{self, High, Info, Low};
use portcullis_fixtures::{Sdist, sdist};
use portcullis_inspect::archive::survey::Flaw;

use super::{finds, finds_flaw, is_quiet};
use crate::bytes::{METADATA, gzip, pax, tar_member, tarball};

const SDIST: &str = "foo-1.0.tar.gz";

fn file(name: &str) -> Vec<u8> {
    tar_member(b'0', name, "", b"x = 1\n")
}

fn pkg_info() -> Vec<u8> {
    tar_member(b'0', "foo-1.0/PKG-INFO", "", METADATA.as_bytes())
}

fn of(members: &[Vec<u8>]) -> Vec<u8> {
    gzip(&tarball(&[vec![pkg_info()], members.to_vec()].concat()))
}

/// A member with bytes of its header changed and the checksum made right again.
fn patched(mut member: Vec<u8>, at: usize, bytes: &[u8]) -> Vec<u8> {
    member[at..at + bytes.len()].copy_from_slice(bytes);
    member[148..156].copy_from_slice(b"        ");
    let sum: u32 = member[..512].iter().map(|byte| u32::from(*byte)).sum();
    member[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    member
}

fn check(samples: Vec<(&str, Vec<u8>, Flaw)>) {
    for (what, bytes, flaw) in samples {
        finds_flaw(what, (&bytes, SDIST), flaw);
    }
}

#[test]
fn members_that_are_dangerous_to_unpack_are_found() {
    let link = |kind, target| of(&[tar_member(kind, "foo-1.0/link", target, b"")]);
    check(vec![
        (
            "a link out",
            link(b'2', "../../etc/passwd"),
            Flaw::LinkOutside,
        ),
        (
            "an absolute link",
            link(b'2', "/etc/passwd"),
            Flaw::LinkOutside,
        ),
        (
            "a hard link out",
            link(b'1', "../secret"),
            Flaw::LinkOutside,
        ),
        (
            "a device",
            of(&[tar_member(b'3', "foo-1.0/null", "", b"")]),
            Flaw::Device,
        ),
        (
            "a pipe",
            of(&[tar_member(b'6', "foo-1.0/pipe", "", b"")]),
            Flaw::Device,
        ),
        (
            "setuid",
            of(&[patched(file("foo-1.0/run"), 100, b"0004755")]),
            Flaw::SetId,
        ),
        (
            "GNU sparse",
            of(&[tar_member(b'S', "foo-1.0/sparse", "", b"")]),
            Flaw::Sparse,
        ),
        (
            "pax sparse",
            of(&[pax(b'x', "GNU.sparse.name", "a"), file("foo-1.0/a")]),
            Flaw::Sparse,
        ),
        (
            "an unknown type",
            of(&[tar_member(b'Z', "foo-1.0/z", "", b"")]),
            Flaw::UnknownType,
        ),
        (
            "a contiguous file",
            of(&[tar_member(b'7', "foo-1.0/z", "", b"")]),
            Flaw::UnknownType,
        ),
        (
            "a way out",
            of(&[file("foo-1.0/../../evil.py")]),
            Flaw::Traversal,
        ),
        (
            "an absolute name",
            of(&[file("/etc/cron.d/x")]),
            Flaw::Absolute,
        ),
        (
            "a bomb",
            { of(&[tar_member(b'0', "foo-1.0/zeros", "", &vec![0; 70_000_000])]) },
            Flaw::Ratio,
        ),
    ]);
}

#[test]
fn headers_that_override_others_are_found() {
    let long = tar_member(b'L', "././@LongLink", "", b"foo-1.0/one.py\0");
    check(vec![
        (
            "another size",
            of(&[
                pax(b'x', "size", "512"),
                file("foo-1.0/a.py"),
                file("foo-1.0/b.py"),
            ]),
            Flaw::TarSizeOverride,
        ),
        (
            "another name",
            of(&[
                pax(b'x', "path", "foo-1.0/setup.py"),
                file("foo-1.0/README"),
            ]),
            Flaw::TarPathOverride,
        ),
        (
            "one name for all",
            of(&[pax(b'g', "path", "foo-1.0/evil.py"), file("foo-1.0/a.py")]),
            Flaw::TarGlobalOverride,
        ),
        (
            "two names",
            of(&[
                long,
                pax(b'x', "path", "foo-1.0/two.py"),
                file("foo-1.0/a.py"),
            ]),
            Flaw::TarExtensionTwice,
        ),
        (
            "a broken record",
            of(&[
                tar_member(b'x', "pax", "", b"99 path=a\n"),
                file("foo-1.0/a.py"),
            ]),
            Flaw::TarPax,
        ),
        (
            "no member",
            of(&[pax(b'x', "path", "foo-1.0/a")]),
            Flaw::TarExtensionAlone,
        ),
        (
            "a link with a size",
            of(&[tar_member(
                b'2',
                "foo-1.0/link",
                "PKG-INFO",
                &file("foo-1.0/evil.py"),
            )]),
            Flaw::TarSized,
        ),
        (
            "a prefix without ustar",
            of(&[patched(
                patched(file("a.py"), 257, b"\0\0\0\0\0\0\0\0"),
                345,
                b"foo-1.0",
            )]),
            Flaw::TarPrefix,
        ),
        (
            "a size with more behind it",
            of(&[patched(file("foo-1.0/a.py"), 124, b"000006\x00777\0\0")]),
            Flaw::TarNumber,
        ),
        (
            "a broken checksum",
            {
                let mut member = file("foo-1.0/a.py");
                member[148] = b'7';
                of(&[member])
            },
            Flaw::TarHeader,
        ),
        (
            "upper case",
            of(&[file("foo-1.0/a.py"), file("foo-1.0/A.py")]),
            Flaw::CaseClash,
        ),
        (
            "a file as a folder",
            of(&[file("foo-1.0/a"), file("foo-1.0/a/b.py")]),
            Flaw::FileAsFolder,
        ),
        (
            "a file that is called like a folder",
            of(&[tar_member(b'0', "foo-1.0/a/", "", b"x = 1\n")]),
            Flaw::FileAsFolder,
        ),
    ]);
}

#[test]
fn names_that_stand_for_two_things_are_found() {
    check(vec![
        (
            "a name twice",
            of(&[
                file("foo-1.0/a.py"),
                tar_member(b'0', "foo-1.0/a.py", "", b"y = 2\n"),
            ]),
            Flaw::DuplicateName,
        ),
        (
            "a name twice, as two kinds of file",
            of(&[
                file("foo-1.0/a.py"),
                tar_member(b'2', "foo-1.0/a.py", "PKG-INFO", b""),
            ]),
            Flaw::DuplicateName,
        ),
        (
            "a name thrice, with something else between",
            of(&[
                file("foo-1.0/a.py"),
                tar_member(b'0', "foo-1.0/a.py", "", b"y = 2\n"),
                file("foo-1.0/a.py"),
            ]),
            Flaw::DuplicateName,
        ),
    ]);
}

#[test]
fn the_same_file_twice_is_worth_no_more_than_a_note() {
    let bytes = of(&[file("foo-1.0/a.py"), pkg_info(), file("foo-1.0/a.py")]);
    finds_flaw("the same twice", (&bytes, SDIST), Flaw::Repeated);
    is_quiet("the same twice", (&bytes, SDIST), Low);
}

/// Each of these was read otherwise by Python's `tarfile`, which saw other members or none.
#[test]
fn what_python_reads_otherwise_is_found() {
    let long = || tar_member(b'L', "././@LongLink", "", b"foo-1.0/one.py\0");
    let mut padded = tar_member(b'L', "././@LongLink", "", b"foo-1.0/one");
    padded[512 + 11..512 + 14].copy_from_slice(b".py");
    let gnu = patched(file("a.py"), 257, b"ustar  \0");
    check(vec![
        (
            "an owner that is no number",
            of(&[patched(file("foo-1.0/a.py"), 108, b"x")]),
            Flaw::TarNumber,
        ),
        (
            "an extension header with one",
            of(&[patched(long(), 108, b"x"), file("foo-1.0/a.py")]),
            Flaw::TarNumber,
        ),
        (
            "a prefix of digits under GNU",
            of(&[patched(gnu, 345, b"00000000000")]),
            Flaw::TarPrefix,
        ),
        (
            "a long name that goes on in its padding",
            of(&[padded, file("foo-1.0/a.py")]),
            Flaw::TarPax,
        ),
        (
            "a header for all without any",
            of(&[pax(b'g', "comment", "x")]),
            Flaw::TarExtensionAlone,
        ),
    ]);
}

#[test]
fn what_stands_behind_an_end_is_found() {
    let good = tarball(&[pkg_info()]);
    let evil = tarball(&[file("foo-1.0/evil.py")]);
    let half = [
        pkg_info(),
        vec![0; 512],
        file("foo-1.0/evil.py"),
        vec![0; 1024],
    ]
    .concat();
    check(vec![
        (
            "a second tar archive",
            gzip(&[good.clone(), evil.clone()].concat()),
            Flaw::TarTrailing,
        ),
        ("a lone block of zeros", gzip(&half), Flaw::TarLoneZeroBlock),
        (
            "a second stream",
            [gzip(&good), gzip(&evil)].concat(),
            Flaw::ConcatenatedStreams,
        ),
        (
            "bytes behind the stream",
            [gzip(&good), b"payload".to_vec()].concat(),
            Flaw::Trailing,
        ),
        ("no end", gzip(&pkg_info()), Flaw::TarNoEnd),
        ("cut short", gzip(&good)[..60].to_vec(), Flaw::DataBroken),
        ("no archive", b"hello".to_vec(), Flaw::Unreadable),
        (
            "another compression",
            {
                use std::io::Write as _;
                let mut bzip2 =
                    bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
                bzip2.write_all(&good).unwrap();
                bzip2.finish().unwrap()
            },
            Flaw::OtherContainer,
        ),
    ]);
}

fn finds_in(what: &str, sdist: &Sdist, rule: &str, least: Severity) {
    finds(what, (&sdist.build(), &sdist.filename()), rule, least);
}

#[test]
fn sdists_that_fetch_from_elsewhere_or_are_another_are_found() {
    let demo = || sdist("demo", "1.0");
    let build = "[build-system]\nrequires = [\"x @ https://files.invalid/x.zip\"]\n";
    finds_in(
        "build",
        &demo().file("pyproject.toml", build),
        "DEP-001",
        High,
    );
    let links = "setup(dependency_links=[\n    'https://files.invalid/x'])\n";
    finds_in("links", &demo().file("setup.py", links), "DEP-001", High);
    let index = "os.system('pip install --index-url https://files.invalid/ x')\n";
    finds_in("index", &demo().file("setup.py", index), "DEP-001", High);
    let tree = "[build-system]\nrequires = []\nbuild-backend = \"b\"\nbackend-path = [\"../x\"]\n";
    finds_in(
        "backend outside",
        &demo().file("pyproject.toml", tree),
        "BLD-001",
        High,
    );
    let tree = tree.replace("../x", "tools");
    finds_in(
        "backend",
        &demo().file("pyproject.toml", tree),
        "BLD-001",
        Info,
    );
    let other = "Metadata-Version: 2.1\nName: requests\nVersion: 1.0\n";
    finds_in("name", &demo().metadata_override(other), "ARC-005", High);
    let renamed = demo().build();
    finds("folder", (&renamed, "other-1.0.tar.gz"), "ARC-005", Low);
    is_quiet("the sdist itself", (&renamed, &demo().filename()), Info);
}

//! What must hold for any bytes: a survey comes back, and says of whatever a strict reader refuses that
//! something is wrong.

use std::io::Cursor;
use std::sync::LazyLock;

use portcullis_inspect::archive::Limits;
use portcullis_inspect::archive::survey::{Container, survey_with_sources};
use portcullis_inspect::rules::archive::check_archive;
use proptest::prelude::*;

use crate::bytes::Zip;
use crate::bytes::{
    METADATA, WHEEL, filename, gzip, pax, tar_member, tarball, wheel, wheel_members,
};
use crate::wheels::read;

static WHEELS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let files = [
        ("foo.pth", "import foo; foo.x()\n"),
        ("foo/a.png", "\u{89}PNG"),
    ];
    let wide = Zip::of(wheel_members(&files)).with(|zip| zip.zip64 = true);
    let described = wheel().with(|zip| {
        for member in &mut zip.members {
            *member = member.clone().with_descriptor(b"PK\x07\x08", b"");
        }
    });
    vec![wheel().build(), wide.build(), described.build()]
});

static TAR: LazyLock<Vec<u8>> = LazyLock::new(|| {
    tarball(&[
        tar_member(b'5', "foo-1.0/", "", b""),
        tar_member(b'0', "foo-1.0/PKG-INFO", "", METADATA.as_bytes()),
        pax(b'x', "path", "foo-1.0/\u{fc}.py"),
        tar_member(b'0', "foo-1.0/u.py", "", b"x = 1\n"),
        tar_member(b'2', "foo-1.0/link", "PKG-INFO", b""),
    ])
});

fn looks(bytes: &[u8], name: &str) -> (Container, bool) {
    let read = survey_with_sources(Cursor::new(bytes), &filename(name), &Limits::default());
    let (survey, _) = read.expect("memory is read without errors");
    let observations = check_archive(&survey);
    (
        survey.container,
        observations.is_empty() && survey.violations.is_empty(),
    )
}

fn changed(original: &[u8], changes: Vec<(prop::sample::Index, u8)>) -> Vec<u8> {
    let mut changed = original.to_vec();
    for (index, byte) in changes {
        let at = index.index(changed.len());
        changed[at] = byte;
    }
    changed
}

fn changes() -> impl Strategy<Value = Vec<(prop::sample::Index, u8)>> {
    proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn what_the_strict_reader_refuses_is_never_clean(which in 0usize..3, changes in changes()) {
        let bytes = changed(&WHEELS[which], changes);
        let (_, is_clean) = looks(&bytes, WHEEL);
        prop_assert!(read(&bytes).is_ok() || !is_clean);
    }

    #[test]
    fn spliced_wheels_make_nothing_panic(
        which in 0usize..3,
        from in any::<prop::sample::Index>(),
        to in any::<prop::sample::Index>(),
        insert in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let original = &WHEELS[which];
        let (from, to) = (from.index(original.len()), to.index(original.len()));
        let bytes = [&original[..from.min(to)], &insert, &original[from.max(to)..]].concat();
        let (_, is_clean) = looks(&bytes, WHEEL);
        prop_assert!(read(&bytes).is_ok() || !is_clean);
    }

    #[test]
    fn changed_tarballs_make_nothing_panic(changes in changes()) {
        looks(&gzip(&changed(&TAR, changes)), "foo-1.0.tar.gz");
    }

    #[test]
    fn changed_headers_with_right_checksums_make_nothing_panic(
        which in 0usize..8,
        changes in proptest::collection::vec((0usize..512, any::<u8>()), 1..4),
    ) {
        let mut bytes = TAR.clone();
        let at = which % (bytes.len() / 512) * 512;
        let block = &mut bytes[at..at + 512];
        for (index, byte) in changes {
            block[index] = byte;
        }
        block[148..156].copy_from_slice(b"        ");
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        looks(&gzip(&bytes), "foo-1.0.tar.gz");
    }

    #[test]
    fn changed_compression_makes_nothing_panic(changes in changes()) {
        looks(&changed(&gzip(&TAR), changes), "foo-1.0.tar.gz");
    }

    #[test]
    fn any_bytes_make_nothing_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
        name in "[a-z]{1,3}-[0-9]\\.0(\\.tar\\.gz|\\.tar\\.bz2|\\.tar\\.xz|\\.zip|-py3-none-any\\.whl)",
        start in prop::sample::select(vec![&b""[..], b"PK\x03\x04", b"\x1f\x8b\x08", b"BZh9", b"\xfd7zXZ\0"]),
    ) {
        let bytes = [start, &bytes].concat();
        let (_, is_clean) = looks(&bytes, &name);
        prop_assert!(!is_clean);
    }
}

#[test]
fn no_truncation_of_a_wheel_is_clean() {
    for original in WHEELS.iter() {
        for length in 0..original.len() {
            assert!(!looks(&original[..length], WHEEL).1, "{length} bytes");
        }
    }
}

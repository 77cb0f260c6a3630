//! What must hold for any bytes: no panic, and no altered content that passes.

use std::io::{Cursor, Read as _};
use std::sync::LazyLock;

use portcullis_inspect::archive::{Limits, read_sdist};
use proptest::prelude::*;

use crate::bytes::{METADATA, Zip, filename, gzip, tar_member, tarball, wheel, wheel_members};
use crate::remote::fetch;
use crate::wheels::read;

static WHEELS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let described = wheel().with(|zip| {
        for member in &mut zip.members {
            *member = member.clone().with_descriptor(b"PK\x07\x08", b"");
        }
    });
    let files = [(
        "foo/data.txt",
        "some text that compresses, compresses, compresses",
    )];
    let larger = Zip::of(wheel_members(&files)).with(|zip| zip.zip64 = true);
    vec![wheel().build(), described.build(), larger.build()]
});

static SDIST: LazyLock<Vec<u8>> = LazyLock::new(|| {
    tarball(&[
        tar_member(b'5', "foo-1.0/", "", b""),
        tar_member(b'0', "foo-1.0/PKG-INFO", "", METADATA.as_bytes()),
        tar_member(b'2', "foo-1.0/link", "PKG-INFO", b""),
    ])
});

/// What an ordinary unpacker, the zip crate, would get out of the archive: name and bytes.
fn unpacked(bytes: &[u8]) -> zip::result::ZipResult<Vec<(String, Vec<u8>)>> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes))?;
    let mut files = Vec::new();
    for index in 0..archive.len() {
        let mut file = archive.by_index(index)?;
        let mut data = Vec::new();
        file.read_to_end(&mut data)?;
        files.push((file.name()?.into_owned(), data));
    }
    files.sort();
    Ok(files)
}

/// If the changed archive passes, it must unpack to what the original did. RECORD itself is the one
/// member that nothing vouches for, so its bytes may differ as far as they still say the same.
fn assert_unaltered(original: &[u8], changed: &[u8]) {
    let range_read = fetch(changed);
    let Ok(contents) = read(changed) else { return };
    assert_eq!(contents.metadata, METADATA.as_bytes());
    assert_eq!(
        range_read.map(|(metadata, _)| metadata).unwrap(),
        contents.metadata
    );
    let without_record = |bytes| {
        let mut files = unpacked(bytes).expect("another reader can read it");
        files.retain(|(name, _)| name != "foo-1.0.dist-info/RECORD");
        files
    };
    assert_eq!(without_record(changed), without_record(original));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn changed_bytes_never_pass_as_other_content(
        which in 0usize..3,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let original = &WHEELS[which];
        let mut changed = original.clone();
        for (index, byte) in changes {
            let at = index.index(changed.len());
            changed[at] = byte;
        }
        assert_unaltered(original, &changed);
    }

    #[test]
    fn spliced_bytes_never_pass_as_other_content(
        which in 0usize..3,
        from in any::<prop::sample::Index>(),
        to in any::<prop::sample::Index>(),
        insert in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let original = &WHEELS[which];
        let (from, to) = (from.index(original.len()), to.index(original.len()));
        let changed = [&original[..from.min(to)], &insert, &original[from.max(to)..]].concat();
        assert_unaltered(original, &changed);
    }

    #[test]
    fn any_bytes_are_refused_without_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        name in "[a-z]{1,3}-[0-9]\\.0(\\.tar\\.gz|\\.tar\\.bz2|\\.zip|-py3-none-any\\.whl)",
    ) {
        prop_assert!(read(&bytes).is_err());
        prop_assert!(fetch(&bytes).is_err());
        let limits = Limits::default();
        prop_assert!(read_sdist(Cursor::new(&bytes), &filename(&name), &limits).is_err());
    }

    #[test]
    fn changed_tarballs_never_lose_their_metadata(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut changed = SDIST.clone();
        for (index, byte) in changes {
            let at = index.index(changed.len());
            changed[at] = byte;
        }
        let archive = Cursor::new(gzip(&changed));
        if let Ok(contents) = read_sdist(archive, &filename("foo-1.0.tar.gz"), &Limits::default()) {
            prop_assert_eq!(contents.folder, "foo-1.0");
            prop_assert_eq!(contents.pkg_info.len(), METADATA.len());
        }
    }
}

#[test]
fn every_single_bit_of_a_wheel_matters_or_is_harmless() {
    for original in WHEELS.iter() {
        for at in 0..original.len() {
            for bit in 0..8 {
                let mut changed = original.clone();
                changed[at] ^= 1 << bit;
                assert_unaltered(original, &changed);
            }
        }
    }
}

#[test]
fn no_truncation_of_a_wheel_passes() {
    for original in WHEELS.iter() {
        for length in 0..original.len() {
            assert!(read(&original[..length]).is_err(), "{length} bytes");
        }
    }
}

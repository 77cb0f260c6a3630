//! METADATA by range: the same bytes as from the whole wheel, in few and small requests.

use portcullis_inspect::archive::{ArchiveError, Limits, MetadataReader, Step};

use crate::bytes::{METADATA, WHEEL, Zip, filename, member, record_line, wheel, wheel_members};
use crate::wheels::read;

/// METADATA and the number of ranges it took.
pub(crate) fn fetch(bytes: &[u8]) -> Result<(Vec<u8>, usize), ArchiveError> {
    fetch_named(bytes, WHEEL)
}

pub(crate) fn fetch_named(bytes: &[u8], name: &str) -> Result<(Vec<u8>, usize), ArchiveError> {
    let total = bytes.len() as u64;
    let mut reader = MetadataReader::start(&filename(name), total, &Limits::default())?;
    for requests in 1..=3 {
        let range = reader.range();
        match reader.feed(&bytes[range.start as usize..range.end as usize])? {
            Step::Need(next) => reader = next,
            Step::Done(metadata) => return Ok((metadata, requests)),
        }
    }
    panic!("more than three requests");
}

/// A wheel with `count` more files of `size` bytes each that do not compress.
fn large(count: usize, size: usize) -> Zip {
    let mut members = wheel_members(&[]);
    let mut record = members.pop().unwrap().data;
    let mut state = 1u32;
    for index in 0..count {
        let name = format!("foo/some_module_with_a_long_name_{index}.bin");
        let data: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .take(size)
        .collect();
        record.extend(record_line(&name, &data).into_bytes());
        members.push(member(name, data));
    }
    members.push(member("foo-1.0.dist-info/RECORD", record));
    Zip::of(members)
}

#[test]
fn it_says_the_same_as_the_whole_wheel() {
    let descriptor = wheel().with(|zip| {
        zip.members[1] = zip.members[1].clone().with_descriptor(b"PK\x07\x08", b"");
    });
    let stored = wheel().with(|zip| zip.members[1] = zip.members[1].clone().kept_stored());
    let comment = large(3, 30_000).with(|zip| zip.comment = vec![b' '; 60_000]);
    for (zip, requests) in [
        (wheel(), 1),
        (wheel().with(|zip| zip.zip64 = true), 1),
        (descriptor, 1),
        (stored, 1),
        (large(3, 30_000), 2),
        (large(3, 30_000).with(|zip| zip.zip64 = true), 2),
        (large(3, 30_000).with(|zip| zip.members.reverse()), 1),
        (comment, 2),
        (large(1500, 40), 3),
    ] {
        let bytes = zip.build();
        let (metadata, needed) = fetch(&bytes).unwrap();
        assert_eq!(metadata, read(&bytes).unwrap().metadata);
        assert_eq!(
            (metadata.as_slice(), needed),
            (METADATA.as_bytes(), requests)
        );
    }
}

#[test]
fn what_cannot_be_metadata_is_refused() {
    let text = |zip: &Zip| fetch(&zip.build()).unwrap_err().to_string();
    let broken = wheel().with(|zip| zip.members[1].crc32 ^= 1);
    assert_eq!(
        text(&broken),
        "foo-1.0.dist-info/METADATA: its two headers disagree (checksum)"
    );
    let bomb = wheel().with(|zip| {
        zip.members[1] = member("foo-1.0.dist-info/METADATA", vec![b' '; 9 << 20]);
    });
    assert_eq!(
        text(&bomb),
        "foo-1.0.dist-info/METADATA: is larger than 8388608 bytes"
    );
    let padded = large(3, 30_000).with(|zip| zip.members[1].after = vec![0; 1 << 20]);
    assert_eq!(
        text(&padded),
        "foo-1.0.dist-info/METADATA: is not followed directly by the next member"
    );
    let gone = wheel().with(|zip| drop(zip.members.remove(1)));
    assert_eq!(
        text(&gone),
        "there is no foo-1.0.dist-info/METADATA in the archive"
    );
}

#[test]
fn a_server_that_lies_about_ranges_is_found_out() {
    let bytes = large(3, 30_000).build();
    let start = || MetadataReader::start(&filename(WHEEL), bytes.len() as u64, &Limits::default());
    for answer in [&bytes[..], &bytes[..10], b""] {
        let error = start().unwrap().feed(answer).unwrap_err();
        assert!(matches!(
            error,
            ArchiveError::RangeLength { wanted: 65_536, .. }
        ));
        assert!(!error.blames_the_archive());
    }
    let other_bytes = start().unwrap().feed(&bytes[..65_536]).unwrap_err();
    assert!(matches!(other_bytes, ArchiveError::Broken(_)));
    assert!(MetadataReader::start(&filename("foo-1.0.zip"), 9, &Limits::default()).is_err());
}

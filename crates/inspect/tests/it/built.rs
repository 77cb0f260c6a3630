//! Wheels and sdists as the house's own builders make them for every other test: they pass, and the
//! two ways to METADATA agree on any of them.

use std::io::Cursor;

use portcullis_fixtures::{sdist, wheel};
use portcullis_inspect::archive::{Limits, read_sdist, read_wheel};
use proptest::prelude::*;

use crate::bytes::filename;
use crate::remote::fetch_named;

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn both_ways_to_metadata_agree(
        name in "[A-Za-z][A-Za-z0-9]{0,9}([._-][a-z0-9]{1,5})?",
        version in "[0-9]{1,2}(\\.[0-9]{1,2}){0,2}(rc1|\\.post2|\\.dev3)?",
        description in "\\PC{0,300}",
        files in 0usize..40,
        payload in 0usize..200_000,
    ) {
        let mut wheel = wheel(&name, &version).description(&description).payload(payload);
        let mut sdist = sdist(&name, &version).file("setup.py", "pass\n");
        for index in 0..files {
            wheel = wheel.file(&format!("data/{index}.txt"), "text ".repeat(index * 50));
            sdist = sdist.file(&format!("data/{index}.txt"), "text ".repeat(index * 50));
        }
        let (bytes, file, limits) = (wheel.build(), wheel.filename(), Limits::default());
        let contents = read_wheel(Cursor::new(&bytes), &filename(&file), &limits);
        let contents = contents.map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(&contents.metadata, &wheel.metadata());
        let (fetched, requests) = fetch_named(&bytes, &file).unwrap();
        prop_assert_eq!(fetched, contents.metadata);
        prop_assert!(requests <= 2, "{requests} requests");
        let contents = read_sdist(Cursor::new(sdist.build()), &filename(&sdist.filename()), &limits);
        let contents = contents.map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(contents.pkg_info, sdist.metadata());
    }
}

#[test]
fn a_wheel_that_its_builder_got_wrong_is_refused() {
    let wheel = wheel("foo", "1.0").file("foo/__init__.py", "");
    let file = filename(&wheel.filename());
    let read = |bytes: Vec<u8>| {
        let contents = read_wheel(Cursor::new(bytes), &file, &Limits::default());
        contents.map(|_| ()).map_err(|error| error.to_string())
    };
    assert_eq!(read(wheel.build()), Ok(()));
    assert_eq!(
        read(wheel.clone().without_record().build()),
        Err("there is no foo-1.0.dist-info/RECORD in the archive".to_owned())
    );
    let other = portcullis_fixtures::wheel("foo", "1.1").build();
    assert_eq!(
        read(other),
        Err("foo-1.1.dist-info does not belong to foo-1.0-py3-none-any.whl".to_owned())
    );
}

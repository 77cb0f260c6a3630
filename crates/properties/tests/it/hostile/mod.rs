//! Input that is made to break readers: deep, long, many, large, and lying about it. It is refused or
//! survived, within the bounds of the product, and what was not looked at is told.

mod documents;
mod python;
mod tarballs;
mod zips;

use std::io::Cursor;

use portcullis_core::pypi::filename::DistFilename;
use portcullis_inspect::inspection::{Budget, Inspection, inspect_archive};

/// What the product makes of `archive`, called `name`.
fn inspected(archive: &[u8], name: &str) -> Inspection {
    let filename = DistFilename::parse(name, None).expect("a file name");
    let inspection = inspect_archive(Cursor::new(archive), &filename, &Budget::default());
    inspection.expect("memory is read without errors")
}

/// Fails unless something at least is said of `archive`.
fn is_told(what: &str, archive: &[u8], name: &str) {
    let inspected = inspected(archive, name).inspected;
    assert!(
        !inspected.observations.is_empty(),
        "{what}: nothing is said"
    );
}

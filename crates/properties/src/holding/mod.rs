//! What must hold of every inspection, whatever was inspected.

mod contents;
mod inspected;

pub(crate) use contents::contents_hold;
pub(crate) use inspected::inspected_holds;

use std::fmt::Debug;
use std::time::Duration;

use portcullis_inspect::archive::Limits;
use portcullis_inspect::inspection::Budget;
use portcullis_inspect::python;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// How much an inspection may cost here: less than in the product, so that work that grows too fast shows;
/// and bounded by steps instead of time, so that two inspections of the same bytes give the same answer.
pub(crate) fn budget() -> Budget {
    Budget {
        archive: limits(),
        python: python::Budget {
            source_bytes: 1 << 20,
            nodes_per_source: 300_000,
            traces: 20_000,
            layer_bytes: 1 << 20,
            folded_bytes: 64 << 20,
            time_per_source: Duration::from_secs(600),
            time: Duration::from_secs(600),
            longest: Duration::from_secs(3_600),
            ..python::Budget::default()
        },
        ..Budget::default()
    }
}

/// The part of [`budget`] for archives.
pub(crate) fn limits() -> Limits {
    Limits {
        members: 2_000,
        member_size: 16 << 20,
        total_size: 32 << 20,
        directory_size: 4 << 20,
        ..Limits::default()
    }
}

/// What is written as JSON and read again is the same.
pub(crate) fn survives_json<T>(value: &T)
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
{
    let text = serde_json::to_vec(value).expect("it can be written as JSON");
    let again: T = serde_json::from_slice(&text).expect("it can be read as JSON");
    assert_eq!(&again, value, "written as JSON and read again");
}

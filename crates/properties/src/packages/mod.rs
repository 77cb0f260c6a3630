//! Packages made of choices: [`Distribution`], what is in one, and how it is packed. Headers, checksums and
//! RECORD are right unless a choice makes one of them wrong, so that what lies behind them is reached.

mod contents;
mod tar;
mod zip;

pub(crate) use contents::{Distribution, METADATA, WHEEL};
pub(crate) use tar::{bzip2, gzip, tar};
pub(crate) use zip::zip;

/// One member of an archive.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) name: Vec<u8>,
    pub(crate) data: Vec<u8>,
}

impl Entry {
    pub(crate) fn new(name: impl Into<Vec<u8>>, data: impl Into<Vec<u8>>) -> Self {
        let (name, data) = (name.into(), data.into());
        Self { name, data }
    }
}

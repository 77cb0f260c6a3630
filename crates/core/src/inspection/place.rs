//! [`Place`], where code stands, and [`Step`], one link of a chain from a source of data to what is done
//! with it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A place in a source.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The member of the archive.
    pub file: Arc<str>,
    /// Counted from 1. Inside a layer, the line of the decoded code.
    pub line: u32,
    /// In characters, counted from 1.
    pub column: u32,
    /// Decodings between the file and this code.
    pub layer: u8,
}

/// One step of a chain, in plain words.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Step {
    /// Where it happens.
    pub place: Place,
    /// What happens, for example `decoded by base64.b64decode`.
    pub text: String,
}

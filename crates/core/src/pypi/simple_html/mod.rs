//! The HTML form of the simple repository API (PEP 503 and what came after it), frozen at version
//! 1.4 by PEP 833: [`parse`] and [`render`] for pages, [`parse_list`] and [`render_list`] for the
//! list of projects. HTML carries no `versions` and no unknown keys, so both are lost in it.

mod anchor;
mod document;
mod read;
mod write;

pub use read::{parse, parse_list};
pub use write::{render, render_list};

/// The version of the API that HTML pages are written in (PEP 629, PEP 833).
pub const API_VERSION: &str = "1.4";

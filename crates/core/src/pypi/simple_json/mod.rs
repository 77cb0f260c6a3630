//! The JSON form of the simple repository API (PEP 691 and what came after it, up to version 1.4,
//! or 1.5 where the server has namespaces): [`parse`] and [`render`] for pages, [`parse_list`] and
//! [`render_list`] for the list of projects, and the bodies of the namespace endpoints (PEP 752).

mod namespaces;
mod read;
mod read_file;
mod write;

pub use namespaces::{
    NamespaceDetail, Namespaces, ProjectNamespace, render_namespace, render_namespaces,
};
pub(super) use read::is_known_version;
pub use read::{parse, parse_list};
pub(super) use read_file::is_listable_url;
pub use write::{render, render_list};

/// The version of the API that pages are written in (PEP 629).
pub const API_VERSION: &str = "1.4";

/// The version of the API on a server that speaks of namespaces (PEP 752).
pub const API_VERSION_WITH_NAMESPACES: &str = "1.5";

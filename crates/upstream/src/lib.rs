//! The outside world: remote simple indexes and folders as sources of pages and files, and what
//! this machine's installers use today.
//!
//! **Invariant:** every request goes through [`client::HttpClient`], and so past its guard: no
//! address inside the organisation is asked unless the configuration names it, and credentials go
//! to the source's own origin only. **Invariant:** absent, refused and unreachable are three
//! answers: absence is `None` or an `Absent` variant, the others are [`error::UpstreamError`].
//! Nothing is kept here, except what is needed to ask better: breakers, and hashes of local files.

pub mod environment;
pub mod redact;
pub mod error;
mod networks;
pub mod guard;
pub mod credentials;
pub mod proxy;
pub mod tls;
pub mod breaker;
pub mod line;
pub mod client;
pub mod look;
pub mod post;
pub mod ask;
mod body;
pub mod source;
pub mod simple_index;
mod project_api;
pub mod files;
pub mod folder;
pub mod single_flight;
pub mod discover;
pub mod feeds;
pub mod signals;

pub use body::ByteStream;
pub use error::{Trouble, UpstreamError};

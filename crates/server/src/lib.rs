//! The gatehouse: a running gateway. Configuration, the flows that gather facts and act on decisions,
//! and HTTP around them. Nothing is decided in here; that is `portcullis_core`'s.

pub mod config;
pub mod error;
pub mod names;
pub mod approvals;
pub mod knowledge;
pub mod feeds;
pub mod policies;
pub mod source_page;
pub mod sources;
pub mod rendered;
pub mod identity;
pub mod limits;
pub mod discovery;
pub mod inspection;
pub mod disk;
pub mod cache;
pub mod offline;
pub mod figures;
pub mod app;
pub mod flow;
pub mod http;
pub mod jobs;
pub mod notify;
pub mod statistics;
pub mod tls;
pub mod serve;

pub use app::App;
pub use config::Config;

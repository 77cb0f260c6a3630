//! Data flow: the tables of sources, decoders and sinks, and how data travelled between them.

pub(super) mod commands;
pub(super) mod decoders;
pub(super) mod paths;
pub(super) mod sinks;
pub(super) mod sources;
pub(super) mod tables;
pub(super) mod trace;
pub(super) mod watched;

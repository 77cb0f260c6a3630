//! The inspection: what a distribution archive holds, read without trusting, unpacking or executing
//! any of it. It knows archives and core's vocabulary, and neither the vault nor the network.
//!
//! **Invariant:** nothing in here writes to the file system, starts a process or opens a socket.
//! Every function blocks on the reader it is given: call it where blocking is allowed.

pub mod archive;
pub mod compare;
pub mod inspection;
pub mod licence_text;
pub mod own_rules;
pub mod python;
pub mod rules;

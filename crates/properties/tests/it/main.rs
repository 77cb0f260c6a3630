//! Every property, checked with its seeds, with what once broke it, and with inputs made of them. The same
//! input is made each time; `cargo xtask fuzz` looks further.
// A test that hangs is known by what it printed last.
#![allow(clippy::print_stdout, missing_docs)]

mod hostile;
mod kept;
mod random;

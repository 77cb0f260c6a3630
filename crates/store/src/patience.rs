//! [`Patience`]: how long the vault waits for what it is kept in. It is set when a database or blobs are
//! opened; how an outage is told to whoever asked is not decided here.

use std::time::Duration;

/// How long is waited for a database and for an object store before what was asked is given up. Whoever
/// asked is told, and asks again: nobody is kept waiting for longer than installers wait for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// For a connection to the database.
    pub turn: Duration,
    /// For the next piece of an answer, of a database as of an object store, and for the turn of whoever
    /// writes to a database.
    pub answer: Duration,
    /// For an object store to keep as many bytes as are sent to it at once.
    pub kept: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            turn: Duration::from_secs(5),
            answer: Duration::from_secs(10),
            kept: Duration::from_secs(60),
        }
    }
}

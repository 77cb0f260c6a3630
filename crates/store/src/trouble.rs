//! [`Trouble`]: what is the matter with what the vault is kept in, as far as an error tells, so that whoever is
//! told can do something about it. What to do is not said here.

use std::io;

use crate::blobs::BlobError;
use crate::error::StoreError;

/// What is the matter with a database, an object store or a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It cannot be reached, breaks off, or takes too long.
    Unanswered,
    /// Another program holds it.
    Locked,
    /// There is no room on its disk.
    Full,
    /// It can be read and not written.
    ReadOnly,
    /// Something else, which asking again may not mend.
    Other,
}

impl Trouble {
    /// One word, for figures.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unanswered => "unanswered",
            Self::Locked => "locked",
            Self::Full => "full",
            Self::ReadOnly => "read-only",
            Self::Other => "other",
        }
    }
}

/// The trouble that a file system has.
impl From<&io::Error> for Trouble {
    fn from(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => Self::Full,
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly,
            _ => Self::Other,
        }
    }
}

impl From<&StoreError> for Trouble {
    fn from(error: &StoreError) -> Self {
        match error {
            StoreError::Database(error) => of_database(error),
            _ => Self::Other,
        }
    }
}

impl From<&BlobError> for Trouble {
    fn from(error: &BlobError) -> Self {
        match error {
            BlobError::Io { source, .. } => source.into(),
            BlobError::Store(_)
            | BlobError::Silent(_)
            | BlobError::BrokenOff { .. }
            | BlobError::NotKept(_) => Self::Unanswered,
            _ => Self::Other,
        }
    }
}

fn of_database(error: &sqlx::Error) -> Trouble {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => Trouble::Unanswered,
        sqlx::Error::Database(error) => match error.code() {
            Some(code) if code.len() == 5 => of_postgres(&code),
            Some(code) => of_sqlite(&code),
            None => Trouble::Other,
        },
        _ => Trouble::Other,
    }
}

/// The trouble behind an SQLSTATE.
fn of_postgres(code: &str) -> Trouble {
    match code {
        // disk_full
        "53100" => Trouble::Full,
        // read_only_sql_transaction
        "25006" => Trouble::ReadOnly,
        // lock_not_available, deadlock_detected
        "55P03" | "40P01" => Trouble::Locked,
        // too_many_connections, admin_shutdown, crash_shutdown, cannot_connect_now, and a transaction or
        // session that the server ended because it was left alone
        "53300" | "57P01" | "57P02" | "57P03" | "57P05" | "25P03" => Trouble::Unanswered,
        _ => Trouble::Other,
    }
}

/// The trouble behind a result code of SQLite, whose lowest byte is its kind.
fn of_sqlite(code: &str) -> Trouble {
    match code.parse::<u32>().unwrap_or_default() & 0xff {
        // SQLITE_BUSY, SQLITE_LOCKED
        5 | 6 => Trouble::Locked,
        // SQLITE_READONLY
        8 => Trouble::ReadOnly,
        // SQLITE_FULL
        13 => Trouble::Full,
        // SQLITE_IOERR, SQLITE_CANTOPEN
        10 | 14 => Trouble::Unanswered,
        _ => Trouble::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_engines_say_is_understood() {
        for (code, trouble) in [
            ("53100", Trouble::Full),
            ("25006", Trouble::ReadOnly),
            ("55P03", Trouble::Locked),
            ("57P01", Trouble::Unanswered),
            ("23505", Trouble::Other),
        ] {
            assert_eq!(of_postgres(code), trouble, "{code}");
        }
        for (code, trouble) in [
            ("5", Trouble::Locked),
            ("261", Trouble::Locked),
            ("8", Trouble::ReadOnly),
            ("1032", Trouble::ReadOnly),
            ("13", Trouble::Full),
            ("778", Trouble::Unanswered),
            ("2067", Trouble::Other),
        ] {
            assert_eq!(of_sqlite(code), trouble, "{code}");
        }
        let full = io::Error::from(io::ErrorKind::StorageFull);
        assert_eq!(Trouble::from(&full), Trouble::Full);
        assert_eq!(of_database(&sqlx::Error::PoolTimedOut), Trouble::Unanswered);
    }
}

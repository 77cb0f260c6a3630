//! [`StoreError`], what can go wrong with the database. Blobs have their own
//! [`BlobError`](crate::blobs::BlobError).

use portcullis_core::ledger::Broken;

/// The database could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database does not answer, or refused.
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
    /// The database's tables could not be brought up to date.
    #[error("the database could not be brought up to date: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// The tables were made by a newer version, and this one cannot work with them.
    #[error(
        "the database was made by a newer version of Portcullis (it asks for tables of version {oldest}, \
         and this one knows {known}): run that version, or restore a backup of before"
    )]
    Newer {
        /// The oldest migration that a program has to know.
        oldest: i64,
        /// The newest that this one knows.
        known: i64,
    },
    /// The location is neither a file nor a PostgreSQL URL. The location is not repeated, as it may
    /// hold a password.
    #[error("not a database location (a path, sqlite:path, or postgres://…): {0}")]
    Location(&'static str),
    /// The folder of the database file could not be made.
    #[error("cannot make the folder {path}: {source}")]
    Folder {
        /// The folder.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The ledger, or the rows that it vouches for, were altered.
    #[error(transparent)]
    Ledger(#[from] Broken),
    /// A decision's id was given to another decision before.
    #[error("the decision id {0:?} is taken by another decision")]
    DecisionIdTaken(String),
    /// A number does not fit the database's 64 bits.
    #[error("{0} does not fit 63 bits")]
    TooLarge(u64),
}

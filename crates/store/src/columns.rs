//! What columns hold and how it becomes the house's types again: rows derive `FromRow` with
//! `try_from` one of these. Also the one place that makes text from outside fit to be stored.

use portcullis_core::access::Scopes;
use portcullis_core::approval::{ApprovalOrigin, UnknownOrigin};
use portcullis_core::digest::{InvalidDigest, Sha256};
use portcullis_core::index::{IndexName, InvalidLabel, OwnedBy};
use portcullis_core::ledger::{Kind, UnknownKind};
use portcullis_core::policy::Effect;
use portcullis_core::pypi::name::{InvalidName, NamePattern, ProjectName};
use portcullis_core::pypi::version::VersionSpecifiers;
use portcullis_core::time::Timestamp;

use crate::error::StoreError;

/// A hash column.
#[derive(sqlx::Type)]
#[sqlx(transparent)]
pub struct Hash(Vec<u8>);

/// A hash column that may be null.
#[derive(sqlx::Type)]
#[sqlx(transparent)]
pub struct MaybeHash(Option<Vec<u8>>);

/// A column of milliseconds.
#[derive(sqlx::Type)]
#[sqlx(transparent)]
pub struct Millis(i64);

/// A column of milliseconds that may be null.
#[derive(sqlx::Type)]
#[sqlx(transparent)]
pub struct MaybeMillis(Option<i64>);

/// A column of text with a meaning.
#[derive(sqlx::Type)]
#[sqlx(transparent)]
pub struct Word(pub String);

/// A column of any number of hashes, one after the other.
#[derive(sqlx::Type)]
#[sqlx(transparent)]
pub struct Digests(Vec<u8>);

impl TryFrom<Digests> for Vec<Sha256> {
    type Error = InvalidDigest;

    fn try_from(column: Digests) -> Result<Self, Self::Error> {
        column.0.chunks(32).map(Sha256::from_slice).collect()
    }
}

impl TryFrom<Hash> for Sha256 {
    type Error = InvalidDigest;

    fn try_from(column: Hash) -> Result<Self, Self::Error> {
        Sha256::from_slice(&column.0)
    }
}

impl TryFrom<MaybeHash> for Option<Sha256> {
    type Error = InvalidDigest;

    fn try_from(column: MaybeHash) -> Result<Self, Self::Error> {
        column.0.map(|bytes| Sha256::from_slice(&bytes)).transpose()
    }
}

impl From<Millis> for Timestamp {
    fn from(column: Millis) -> Self {
        Self::from_millis(column.0)
    }
}

impl From<MaybeMillis> for Option<Timestamp> {
    fn from(column: MaybeMillis) -> Self {
        column.0.map(Timestamp::from_millis)
    }
}

impl TryFrom<Word> for ProjectName {
    type Error = InvalidName;

    fn try_from(column: Word) -> Result<Self, Self::Error> {
        Self::new(&column.0)
    }
}

impl TryFrom<Word> for NamePattern {
    type Error = InvalidName;

    fn try_from(column: Word) -> Result<Self, Self::Error> {
        column.0.parse()
    }
}

impl TryFrom<Word> for VersionSpecifiers {
    type Error = UnknownWord;

    fn try_from(column: Word) -> Result<Self, Self::Error> {
        column.0.parse().map_err(|_| UnknownWord {
            what: "version specifiers",
            text: column.0,
        })
    }
}

impl TryFrom<Word> for IndexName {
    type Error = InvalidLabel;

    fn try_from(column: Word) -> Result<Self, Self::Error> {
        column.0.parse()
    }
}

impl TryFrom<Word> for ApprovalOrigin {
    type Error = UnknownOrigin;

    fn try_from(column: Word) -> Result<Self, Self::Error> {
        column.0.parse()
    }
}

impl TryFrom<Word> for Kind {
    type Error = UnknownKind;

    fn try_from(column: Word) -> Result<Self, Self::Error> {
        column.0.parse()
    }
}

impl TryFrom<Word> for Scopes {
    type Error = portcullis_core::access::InvalidScope;

    fn try_from(column: Word) -> Result<Self, Self::Error> {
        column.0.parse()
    }
}

/// The text in a column is none of the words that the column holds.
#[derive(Debug, thiserror::Error)]
#[error("not {what}: {text:?}")]
pub struct UnknownWord {
    /// What the column holds.
    pub what: &'static str,
    /// What was found.
    pub text: String,
}

impl TryFrom<Word> for Effect {
    type Error = UnknownWord;

    fn try_from(column: Word) -> Result<Self, Self::Error> {
        column.0.parse().map_err(|_| UnknownWord {
            what: "an effect",
            text: column.0,
        })
    }
}

impl TryFrom<Word> for OwnedBy {
    type Error = UnknownWord;

    fn try_from(column: Word) -> Result<Self, Self::Error> {
        let all = [Self::Config, Self::Admin, Self::Published];
        all.into_iter()
            .find(|origin| origin.to_string() == column.0)
            .ok_or(UnknownWord {
                what: "an origin of ownership",
                text: column.0,
            })
    }
}

/// A count or size as the database keeps it.
pub(crate) fn to_column(number: u64) -> Result<i64, StoreError> {
    i64::try_from(number).map_err(|_| StoreError::TooLarge(number))
}

/// The longest free text that is kept, in bytes.
const MAX_FREE_TEXT: usize = 1024;

/// Free text from outside, fit to be stored: PostgreSQL refuses NUL, and nobody may fill the disk
/// with a header.
pub(crate) fn free_text(text: &str) -> String {
    let mut kept = String::with_capacity(text.len().min(MAX_FREE_TEXT));
    for character in text.chars() {
        let character = if character == '\0' {
            '\u{fffd}'
        } else {
            character
        };
        if kept.len() + character.len_utf8() > MAX_FREE_TEXT {
            break;
        }
        kept.push(character);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_text_is_short_and_without_nul() {
        assert_eq!(free_text("a\0b\n"), "a\u{fffd}b\n");
        assert!(free_text(&"é".repeat(2000)).len() <= MAX_FREE_TEXT);
        assert!(free_text(&"\0".repeat(2000)).len() <= MAX_FREE_TEXT);
    }
}

//! [`code_hash`]: the hash of Python code that stays the same when the code is laid out, quoted, commented
//! or documented differently. It is made of tokens, without a syntax tree, so that it is cheap enough for
//! every file of a distribution.
//!
//! What two tools may write differently is left out: comments, blank lines, line breaks inside brackets,
//! the width of an indentation, the kind of quotes, escaped quotes, a comma before a bracket that closes on
//! a line of its own, statements that are nothing but a string. Strings of the latter kind count where the
//! source mentions `__doc__`. Parentheses that change nothing do count.
//!
//! **Invariant:** nothing else that Python could run is left out. What is not understood to the last byte is
//! hashed as text without white space instead.

mod scanner;
mod strings;
mod emit;

use portcullis_core::inspection::CodeHash;
use sha2::{Digest as _, Sha256};

use super::encoding;
pub(super) use scanner::IS_PART;

/// The hash of the code of `source`, the bytes of a file.
#[must_use]
pub fn code_hash(source: &[u8]) -> CodeHash {
    let decoded = encoding::decode(source);
    let understood = match decoded.problem {
        None => scanner::scan(decoded.text.as_bytes()),
        Some(_) => None,
    };
    understood.unwrap_or_else(|| text_hash(source))
}

/// The hash of a source that is not understood: of its bytes without white space.
fn text_hash(source: &[u8]) -> CodeHash {
    let mut hasher = Sha256::new();
    hasher.update(b"text\0");
    for word in source.split(u8::is_ascii_whitespace) {
        hasher.update(word);
    }
    CodeHash::of(hasher)
}

#[cfg(test)]
mod tests;

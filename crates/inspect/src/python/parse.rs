//! The only place that parses Python. A source is parsed with error recovery, and refused before
//! anything recursive touches it when it nests or chains too deeply. Callers run on a thread with a
//! large stack and drop the tree there.

use ruff_python_ast::{ModModule, PySourceType};
use ruff_python_parser::{Mode, Parsed, lexer, parse_unchecked_source};
use ruff_text_size::Ranged;

use super::depth::Depth;

/// A source larger than this is counted before it is parsed: the tree of a smaller one can be dropped
/// on the thread's stack however deep it is.
const COUNTED_FIRST: usize = 128 << 10;

/// A parsed source that can be walked.
pub(super) struct Tree {
    parsed: Parsed<ModModule>,
}

/// A source that is deeper than may be walked.
#[derive(Debug)]
pub(super) struct TooDeep {
    /// At least so deep.
    pub(super) depth: u32,
}

/// The tree of `text`, unless it is deeper than `limit`.
pub(super) fn parse(text: &str, limit: u32) -> Result<Tree, TooDeep> {
    if text.len() > COUNTED_FIRST {
        count(text, limit)?;
    }
    let parsed = parse_unchecked_source(text, PySourceType::Python);
    let mut depth = Depth::default();
    // No token adds more than two levels.
    let is_shallow = parsed.tokens().len() < limit as usize / 2;
    let counted = if is_shallow {
        &[]
    } else {
        &parsed.tokens()[..]
    };
    for token in counted {
        let deepest = depth.take(token.kind());
        if deepest > limit {
            return Err(TooDeep { depth: deepest });
        }
    }
    Ok(Tree { parsed })
}

/// Only counts, over the bare tokens.
pub(super) fn count(text: &str, limit: u32) -> Result<(), TooDeep> {
    let mut depth = Depth::default();
    let mut lexer = lexer::lex(text, Mode::Module);
    loop {
        let token = lexer.next_token();
        let deepest = depth.take(token);
        if deepest > limit {
            return Err(TooDeep { depth: deepest });
        }
        if token.is_eof() {
            return Ok(());
        }
    }
}

impl Tree {
    /// The module.
    pub(super) fn module(&self) -> &ModModule {
        self.parsed.syntax()
    }

    /// The first syntax error: its offset and what is wrong there.
    pub(super) fn first_error(&self) -> Option<(usize, String)> {
        let error = self.parsed.errors().first()?;
        Some((error.range().start().to_usize(), error.error.to_string()))
    }
}

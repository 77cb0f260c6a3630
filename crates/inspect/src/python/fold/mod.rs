//! Constant folding: what an operation, a method or a well-known function yields when everything it is
//! given is known. Pure and bounded: nothing is executed, and no result is larger than [`LARGEST`].

mod compressed;
mod encoded;
mod format;
mod methods;
mod numbers;
mod operators;
mod sequence;

pub(super) use encoded::decode_text;
pub(super) use format::{concatenated, percent};
pub(super) use methods::method;
pub(super) use operators::{binary, compared, unary};
pub(super) use sequence::{items, slice, subscript};

use super::value::{Kind, Value};

/// No folded value has more bytes, characters or items.
pub(super) const LARGEST: usize = 4 << 20;

/// A folded value, and whether folding it made something readable that could not be read before.
pub(super) struct Fold {
    pub(super) kind: Kind,
    pub(super) is_decoded: bool,
}

impl Fold {
    fn plain(kind: Kind) -> Option<Self> {
        Some(Self {
            kind,
            is_decoded: false,
        })
    }

    fn decoded(kind: Kind) -> Option<Self> {
        Some(Self {
            kind,
            is_decoded: true,
        })
    }
}

/// What the function `name` returns for constant arguments; `None` when it is not a function that is
/// folded, or not for these arguments.
pub(super) fn call(name: &str, arguments: &[&Value], keywords: &[(&str, &Value)]) -> Option<Fold> {
    let first = arguments.first().map(|value| &value.kind);
    encoded::call(name, first, arguments, keywords)
        .or_else(|| compressed::call(name, first?))
        .or_else(|| numbers::call(name, arguments))
        .or_else(|| sequence::call(name, arguments))
}

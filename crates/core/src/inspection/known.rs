//! [`ContentFacts`]: what a rule may know of the bytes of a file. Until they are here nothing is known of
//! them, and that is another thing than not being able to look.

use std::borrow::Cow;
use std::sync::Arc;

use super::{Changes, Differences, Inspected};
use crate::fact::Fact;

/// What is known of the bytes of the file that is judged.
#[derive(Clone, Debug, Default)]
pub struct ContentFacts {
    /// What the inspection saw in them.
    pub inspection: Knowledge<Arc<Inspected>>,
    /// What they change against the file of the version before that was let through. Ahead as long as there
    /// is nothing to compare with.
    pub since: Knowledge<Arc<Changes>>,
    /// What a wheel has that the sdist of its release does not account for. Ahead as long as there is
    /// nothing to compare with.
    pub sdist: Knowledge<Arc<Differences>>,
}

/// Something that is learned only from the bytes of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Knowledge<T> {
    /// Nobody has looked yet, since nobody has received the file yet. It will be looked at before anybody
    /// does: a decision that rests on this lets no bytes through, see [`crate::gate::clear`].
    #[default]
    Ahead,
    /// Known, or looked for and not known.
    Learned(Fact<T>),
}

impl<T> Knowledge<T> {
    /// It is known.
    pub fn of(value: T) -> Self {
        Self::Learned(Fact::Known(value))
    }

    /// It could not be learned, and why: one clause for people.
    pub fn not_learned(why: impl Into<Cow<'static, str>>) -> Self {
        Self::Learned(Fact::Unknown(why.into()))
    }

    /// The value when it is known.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Ahead => None,
            Self::Learned(fact) => fact.known(),
        }
    }

    /// Whether nobody has looked yet.
    pub fn is_ahead(&self) -> bool {
        matches!(self, Self::Ahead)
    }
}

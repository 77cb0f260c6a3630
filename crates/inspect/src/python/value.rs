//! [`Value`]: what is known of a Python value while the code is followed, and [`Kind`], its shape.

use std::sync::Arc;

use super::analysis::{Folded, HOLE, Reached};
use super::symbols::{Sym, Symbols};
use super::taint::trace::Taint;

/// A function of the distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct FunctionId(pub(super) u32);

/// A class of the distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct ClassId(pub(super) u32);

/// A value: its shape and what it carries.
#[derive(Clone, Debug, Default)]
pub(super) struct Value {
    pub(super) kind: Kind,
    pub(super) taint: Taint,
}

/// The shape of a value.
#[derive(Clone, Debug, Default)]
pub(super) enum Kind {
    #[default]
    Unknown,
    None,
    Bool(bool),
    Int(i64),
    /// Text, with [`HOLE`]s for what is not known.
    Str(Arc<str>),
    Bytes(Arc<[u8]>),
    /// A list, tuple, set or iterator whose items are known one by one.
    List(Arc<Vec<Value>>),
    Dict(Arc<Vec<(Value, Value)>>),
    /// A `pathlib` path.
    Path(Arc<str>),
    /// Something with a dotted name, and how that name was reached.
    Symbol(Sym, Reached),
    Function(FunctionId),
    /// A method of an instance.
    Bound(FunctionId, ClassId),
    Class(ClassId),
    Instance(ClassId),
    /// The dictionary of the module's names.
    Globals,
    /// An open file.
    Handle(Arc<Handle>),
    /// `operator.attrgetter`, `itemgetter` or `methodcaller`.
    Getter(Arc<Getter>),
    /// `functools.partial`.
    Partial(Arc<(Value, Vec<Passed>)>),
    /// One of several, never nested.
    OneOf(Arc<[Kind]>),
}

/// An open file: its path as far as it is known, and the variable that held the path.
#[derive(Clone, Debug)]
pub(super) struct Handle {
    pub(super) path: Kind,
    pub(super) variable: Option<(usize, Arc<str>)>,
}

/// What a getter gets.
#[derive(Clone, Debug)]
pub(super) enum Getter {
    Attribute(String),
    Item(Value),
    Method(String, Vec<Passed>),
}

/// The keyword of a mapping whose items nobody knows: `**options`.
pub(super) const SPREAD: &str = "**";

/// An argument on its way into a call.
#[derive(Clone, Debug)]
pub(super) struct Passed {
    pub(super) keyword: Option<Arc<str>>,
    pub(super) value: Value,
    pub(super) is_starred: bool,
}

/// Alternatives that a value keeps apart; beyond them it is unknown.
const ALTERNATIVES: usize = 6;
/// Items of containers, and of containers in them, that one question looks at.
const LOOKED_AT: usize = 1 << 20;
/// How deep containers are looked into.
const DEEPEST: u8 = 100;
/// Items of a container that a rule is shown.
const SHOWN: usize = 64;
/// Items of containers, and of containers in them, that a rule is shown altogether.
const SHOWN_IN_ALL: usize = 4_096;
/// Items of containers, and of containers in them, whose labels are gathered.
const GATHERED: usize = 1 << 11;

impl Value {
    pub(super) fn unknown(taint: Taint) -> Self {
        Self {
            kind: Kind::Unknown,
            taint,
        }
    }

    pub(super) fn text(text: &str) -> Self {
        Kind::Str(text.into()).into()
    }

    /// This value or the other: what two branches leave behind.
    pub(super) fn join(&mut self, other: &Self) {
        self.taint.join(&other.taint);
        if !self.kind.same(&other.kind) {
            let own = std::mem::take(&mut self.kind);
            self.kind = own.or(&other.kind);
        }
    }

    /// Whether joining `other` would change it.
    pub(super) fn lacks(&self, other: &Self) -> bool {
        let own = self.kind.alternatives();
        let mut kinds = other.kind.alternatives().iter();
        self.taint.lacks(&other.taint) || kinds.any(|kind| !own.iter().any(|held| held.same(kind)))
    }

    /// Everything it and its items carry.
    pub(super) fn whole_taint(&self) -> Taint {
        let mut taint = self.taint.clone();
        if self.kind.holds_values() {
            self.kind.gather(&mut taint, 0, &mut GATHERED.clone());
        }
        taint
    }
}

impl From<Kind> for Value {
    #[inline]
    fn from(kind: Kind) -> Self {
        Self {
            kind,
            taint: Taint::default(),
        }
    }
}

impl Kind {
    pub(super) fn bytes(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes.into())
    }

    pub(super) fn str(text: impl Into<Arc<str>>) -> Self {
        Self::Str(text.into())
    }

    /// Whether the value is fully known.
    pub(super) fn is_constant(&self) -> bool {
        match self {
            Self::Str(text) => !text.contains(HOLE),
            Self::None | Self::Bool(_) | Self::Int(_) | Self::Bytes(_) => true,
            Self::List(_) => self.is_constant_list(&mut LOOKED_AT.clone(), 0),
            _ => false,
        }
    }

    /// Whether the items of a list are, and theirs. Each look costs: a list may hold itself many times
    /// over without taking any room.
    fn is_constant_list(&self, left: &mut usize, depth: u8) -> bool {
        let Self::List(items) = self else {
            return self.is_constant();
        };
        items.iter().all(|item| {
            *left = left.saturating_sub(1);
            *left > 0 && depth < DEEPEST && item.kind.is_constant_list(left, depth + 1)
        })
    }

    /// The bytes that it takes by itself, what it shares with other values not counted.
    pub(super) fn room(&self) -> usize {
        match self {
            Self::Str(text) | Self::Path(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
            Self::List(items) => items.len() * size_of::<Value>(),
            Self::Dict(items) => items.len() * size_of::<(Value, Value)>(),
            _ => 0,
        }
    }

    /// Whether it can be called.
    pub(super) fn is_callable(&self) -> bool {
        matches!(
            self,
            Self::Symbol(..)
                | Self::Function(_)
                | Self::Bound(..)
                | Self::Class(_)
                | Self::Partial(_)
                | Self::Getter(_)
        )
    }

    /// The text, when it is known without holes.
    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Str(text) if !text.contains(HOLE) => Some(text),
            _ => None,
        }
    }

    /// Its bytes, when it is constant bytes or ASCII text.
    pub(super) fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::Str(text) if text.is_ascii() => Some(text.as_bytes()),
            _ => None,
        }
    }

    pub(super) fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            Self::Bool(value) => Some(i64::from(*value)),
            _ => None,
        }
    }

    /// Its alternatives; itself when there is only one.
    pub(super) fn alternatives(&self) -> &[Kind] {
        match self {
            Self::OneOf(kinds) => kinds,
            single => std::slice::from_ref(single),
        }
    }

    pub(super) fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Unknown, Self::Unknown)
            | (Self::None, Self::None)
            | (Self::Globals, Self::Globals) => true,
            (Self::Bool(one), Self::Bool(two)) => one == two,
            (Self::Int(one), Self::Int(two)) => one == two,
            (Self::Str(one), Self::Str(two)) | (Self::Path(one), Self::Path(two)) => one == two,
            (Self::Bytes(one), Self::Bytes(two)) => one == two,
            (Self::Symbol(one, _), Self::Symbol(two, _)) => one == two,
            (Self::Function(one), Self::Function(two)) => one == two,
            (Self::Bound(one, _), Self::Bound(two, _)) => one == two,
            (Self::Class(one), Self::Class(two)) | (Self::Instance(one), Self::Instance(two)) => {
                one == two
            }
            (Self::List(one), Self::List(two)) => Arc::ptr_eq(one, two),
            (Self::Dict(one), Self::Dict(two)) => Arc::ptr_eq(one, two),
            (Self::OneOf(one), Self::OneOf(two)) => Arc::ptr_eq(one, two),
            _ => false,
        }
    }

    fn or(self, other: &Self) -> Self {
        let mut kinds: Vec<Kind> = self.alternatives().to_vec();
        for kind in other.alternatives() {
            if !kinds.iter().any(|held| held.same(kind)) {
                kinds.push(kind.clone());
            }
        }
        if kinds.len() > ALTERNATIVES {
            kinds.retain(Self::is_callable);
            kinds.truncate(ALTERNATIVES);
        }
        Self::one_of(kinds)
    }

    /// One of `kinds`; unknown when there is none.
    pub(super) fn one_of(mut kinds: Vec<Self>) -> Self {
        match kinds.len() {
            0 => Self::Unknown,
            1 => kinds.remove(0),
            _ => Self::OneOf(kinds.into()),
        }
    }

    /// Whether it is made of other values.
    #[inline]
    fn holds_values(&self) -> bool {
        matches!(self, Self::List(_) | Self::Dict(_) | Self::Partial(_))
    }

    fn gather(&self, taint: &mut Taint, depth: u8, left: &mut usize) {
        if depth > 4 {
            return;
        }
        match self {
            Self::List(items) => {
                for item in items.iter() {
                    if *left == 0 {
                        return;
                    }
                    *left -= 1;
                    taint.join(&item.taint);
                    if item.kind.holds_values() {
                        item.kind.gather(taint, depth + 1, left);
                    }
                }
            }
            Self::Dict(items) => {
                for (key, value) in items.iter() {
                    if *left == 0 {
                        return;
                    }
                    *left -= 1;
                    taint.join(&key.taint);
                    taint.join(&value.taint);
                    value.kind.gather(taint, depth + 1, left);
                }
            }
            Self::Partial(partial) => {
                for passed in &partial.1 {
                    taint.join(&passed.value.taint);
                }
            }
            _ => {}
        }
    }

    /// The value as rules see it; `function` names functions and classes.
    pub(super) fn folded(&self, symbols: &Symbols, depth: u8) -> Folded {
        self.shown(symbols, depth, &mut SHOWN_IN_ALL.clone())
    }

    fn shown(&self, symbols: &Symbols, depth: u8, left: &mut usize) -> Folded {
        if depth > 4 || *left == 0 {
            return Folded::Unknown;
        }
        *left -= 1;
        let mut each = |kind: &Kind| kind.shown(symbols, depth + 1, left);
        match self {
            Self::None => Folded::None,
            Self::Bool(value) => Folded::Bool(*value),
            Self::Int(number) => Folded::Int(*number),
            Self::Str(text) | Self::Path(text) => Folded::Str(text.clone()),
            Self::Bytes(bytes) => Folded::Bytes(bytes.clone()),
            Self::List(items) => Folded::List(
                items
                    .iter()
                    .take(SHOWN)
                    .map(|item| each(&item.kind))
                    .collect(),
            ),
            Self::Dict(items) => {
                let items = items.iter().take(SHOWN);
                Folded::Dict(
                    items
                        .map(|(key, value)| (each(&key.kind), each(&value.kind)))
                        .collect(),
                )
            }
            Self::Symbol(sym, _) => Folded::Name(symbols.name(*sym).clone()),
            Self::Handle(handle) => each(&handle.path),
            Self::OneOf(kinds) => Folded::OneOf(kinds.iter().map(each).collect()),
            _ => Folded::Unknown,
        }
    }
}

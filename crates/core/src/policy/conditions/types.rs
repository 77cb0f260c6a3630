//! The types of what a condition may say, named as CEL names them. What there is of each type is `facts`'
//! business.

use std::fmt;

/// A single value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scalar {
    /// `true` or `false`.
    Bool,
    /// A whole number of 64 bits.
    Int,
    /// A number with a fraction (IEEE 754).
    Double,
    /// Text.
    String,
}

/// One field of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name, after the dot.
    pub name: &'static str,
    /// What it holds.
    pub of: Scalar,
    /// What it means.
    pub doc: &'static str,
}

/// What a list holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    /// Single values.
    Scalar(Scalar),
    /// Records of these fields. A record may lack a field that nobody knows.
    Record(&'static [Field]),
}

/// The type of an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// A single value.
    Scalar(Scalar),
    /// A record of these fields.
    Record(&'static [Field]),
    /// A list; of anything when it is written as `[]`.
    List(Option<Item>),
}

impl Type {
    /// `true` or `false`.
    pub const BOOL: Self = Self::Scalar(Scalar::Bool);
    /// A whole number.
    pub const INT: Self = Self::Scalar(Scalar::Int);
    /// A number with a fraction.
    pub const DOUBLE: Self = Self::Scalar(Scalar::Double);
    /// Text.
    pub const STRING: Self = Self::Scalar(Scalar::String);
    /// A list of texts.
    pub const STRINGS: Self = Self::List(Some(Item::Scalar(Scalar::String)));

    /// Whether it is a number.
    pub fn is_number(self) -> bool {
        matches!(self, Self::Scalar(Scalar::Int | Scalar::Double))
    }

    /// The type as that of a list's items; lists of lists are not had.
    pub fn as_item(self) -> Option<Item> {
        match self {
            Self::Scalar(scalar) => Some(Item::Scalar(scalar)),
            Self::Record(fields) => Some(Item::Record(fields)),
            Self::List(_) => None,
        }
    }

    /// The type of what is one or the other; none where they differ.
    pub fn or(self, other: Self) -> Option<Self> {
        match (self, other) {
            (Self::List(None), list @ Self::List(_)) | (list @ Self::List(_), Self::List(None)) => {
                Some(list)
            }
            _ => (self == other).then_some(self),
        }
    }

    /// Whether values of both types can be equal: the same, two numbers, or lists of which one is empty.
    pub fn is_comparable_with(self, other: Self) -> bool {
        match (self, other) {
            (Self::List(None), Self::List(_)) | (Self::List(_), Self::List(None)) => true,
            (Self::Record(_), _) | (_, Self::Record(_)) => false,
            _ => self == other || (self.is_number() && other.is_number()),
        }
    }
}

impl From<Item> for Type {
    fn from(item: Item) -> Self {
        match item {
            Item::Scalar(scalar) => Self::Scalar(scalar),
            Item::Record(fields) => Self::Record(fields),
        }
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Double => "double",
            Self::String => "string",
        })
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scalar(scalar) => scalar.fmt(f),
            Self::Record(_) => f.write_str("record"),
            Self::List(None) => f.write_str("list"),
            Self::List(Some(Item::Scalar(scalar))) => write!(f, "list({scalar})"),
            Self::List(Some(Item::Record(_))) => f.write_str("list(record)"),
        }
    }
}

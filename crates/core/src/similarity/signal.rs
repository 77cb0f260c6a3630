//! The kinds of resemblance, in words for people.

use std::fmt;

/// One way in which a name resembles its target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signal {
    /// They differ in separators only.
    Separators,
    /// They differ in characters that look the same: the skeletons are equal.
    SameLook,
    /// One character stands for one that looks like it: meant, written.
    LooksTheSame(char, char),
    /// Two neighbouring characters are swapped.
    Swapped,
    /// A character stands a little before or behind its place.
    Moved(char),
    /// A character is doubled.
    Doubled(char),
    /// A doubled character is written once.
    Undoubled(char),
    /// A character is added.
    Added(char),
    /// A character is left out.
    Omitted(char),
    /// An `s` at the end is added or left out.
    Plural,
    /// A key beside the right one: meant, written.
    Neighbour(char, char),
    /// Another vowel: meant, written.
    Vowel(char, char),
    /// Another character: meant, written.
    Replaced(char, char),
    /// The same words in another order.
    WordOrder,
    /// Words such as `py` or `utils` are added.
    AffixAdded(String),
    /// Words such as `py` or `utils` are left out.
    AffixOmitted(String),
    /// Two well-known names in one; this is the other one.
    GluedWith(String),
    /// The word that differs is a word of other well-known projects.
    CommonWord(String),
    /// It begins like this prefix, which is owned.
    BesidePrefix(String),
    /// It has the name of an owned prefix in it.
    Contains(String),
    /// It is a module of Python's standard library.
    StandardLibrary,
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Separators => write!(f, "separators only"),
            Self::SameLook => write!(f, "looks the same"),
            Self::LooksTheSame(meant, written) => {
                write!(f, "looks the same ({written} for {meant})")
            }
            Self::Swapped => write!(f, "letters swapped"),
            Self::Moved(letter) => write!(f, "{letter} moved"),
            Self::Doubled(letter) => write!(f, "{letter} doubled"),
            Self::Undoubled(letter) => write!(f, "double {letter} written once"),
            Self::Added(letter) => write!(f, "{letter} added"),
            Self::Omitted(letter) => write!(f, "{letter} left out"),
            Self::Plural => write!(f, "singular and plural"),
            Self::Neighbour(meant, written) => {
                write!(f, "neighbouring key ({written} for {meant})")
            }
            Self::Vowel(meant, written) => write!(f, "another vowel ({written} for {meant})"),
            Self::Replaced(meant, written) => {
                write!(f, "another character ({written} for {meant})")
            }
            Self::WordOrder => write!(f, "word order"),
            Self::AffixAdded(affix) => write!(f, "affix '{affix}' added"),
            Self::AffixOmitted(affix) => write!(f, "affix '{affix}' left out"),
            Self::GluedWith(other) => write!(f, "glued with the well-known name {other}"),
            Self::CommonWord(word) => write!(f, "'{word}' is a common word"),
            Self::BesidePrefix(prefix) => write!(f, "beside the owned prefix {prefix}"),
            Self::Contains(stem) => write!(f, "has the owned name '{stem}' in it"),
            Self::StandardLibrary => write!(f, "a module of the standard library"),
        }
    }
}

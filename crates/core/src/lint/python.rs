//! Calls with literal arguments in Python source, as the one crate that has a parser tells them: `setup(…)`
//! in a setup.py, `session.install(…)` in a noxfile. Nothing is evaluated.

use super::contents::Span;

/// A call whose function is a name or a dotted name.
#[derive(Clone, Debug, PartialEq)]
pub struct PythonCall {
    /// The function as it is spelled: `setup`, `setuptools.setup`, `session.install`.
    pub function: String,
    /// The place of the whole call.
    pub at: Span,
    /// The positional arguments.
    pub arguments: Vec<PythonValue>,
    /// The keyword arguments; `None` is the name of `**`.
    pub keywords: Vec<(Option<String>, PythonValue)>,
}

/// A value in source, with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct PythonValue {
    /// What it is.
    pub is: PythonLiteral,
    /// Its place.
    pub at: Span,
}

/// As much of a value as can be told without evaluating anything. Names of a module that are assigned one
/// literal once stand for it.
#[derive(Clone, Debug, PartialEq)]
pub enum PythonLiteral {
    /// A string, concatenations of literals joined.
    Text(String),
    /// A list, tuple or set.
    List(Vec<PythonValue>),
    /// A dictionary whose keys are strings; other entries are left out.
    Table(Vec<(String, PythonValue)>),
    /// `True` or `False`.
    Boolean(bool),
    /// `None`.
    Nothing,
    /// Anything else.
    Other,
}

impl PythonValue {
    /// The text, where it is one.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.is {
            PythonLiteral::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl PythonCall {
    /// The keyword argument `name`.
    #[must_use]
    pub fn keyword(&self, name: &str) -> Option<&PythonValue> {
        let mut keywords = self.keywords.iter();
        let found = keywords.find(|(keyword, _)| keyword.as_deref() == Some(name));
        found.map(|(_, value)| value)
    }

    /// The last part of the function's name.
    #[must_use]
    pub fn last_name(&self) -> &str {
        self.function.rsplit('.').next().unwrap_or_default()
    }
}

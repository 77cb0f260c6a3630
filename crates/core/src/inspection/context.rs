//! When code runs: the earlier and the less asked for, the more it weighs.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The strictest circumstance in which a piece of code runs, from the mildest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Context {
    /// Tests, documentation and examples.
    Test,
    /// Library code that runs when somebody calls it.
    Call,
    /// What a console script or plugin runs.
    Entry,
    /// What `import` of the module runs.
    Import,
    /// What each start of the interpreter runs.
    Startup,
    /// What building or installing runs.
    Install,
}

impl Context {
    /// Every context, from the mildest.
    pub const ALL: [Self; 6] = [
        Self::Test,
        Self::Call,
        Self::Entry,
        Self::Import,
        Self::Startup,
        Self::Install,
    ];

    /// When that is, in words that continue "it runs".
    #[must_use]
    pub fn when(self) -> &'static str {
        match self {
            Self::Install => "when it is built or installed",
            Self::Startup => "at each start of Python",
            Self::Import => "when it is imported",
            Self::Entry => "when one of its commands is run",
            Self::Call => "when something calls it",
            Self::Test => "in tests, documentation or examples",
        }
    }

    /// The share of a finding's confidence that is left in this context.
    #[must_use]
    pub fn weight(self) -> f32 {
        match self {
            Self::Install | Self::Startup => 1.0,
            Self::Import => 0.8,
            Self::Entry => 0.5,
            Self::Call => 0.25,
            Self::Test => 0.05,
        }
    }

    /// Whether the code runs without anybody having asked for what it does.
    #[must_use]
    pub fn is_unasked(self) -> bool {
        self >= Self::Import
    }
}

impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Test => "test",
            Self::Call => "call",
            Self::Entry => "entry",
            Self::Import => "import",
            Self::Startup => "startup",
            Self::Install => "install",
        })
    }
}

/// A text that names no context.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a context (test, call, entry, import, startup, install)")]
pub struct UnknownContext(String);

impl FromStr for Context {
    type Err = UnknownContext;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut all = Self::ALL.into_iter();
        all.find(|context| context.to_string() == text)
            .ok_or_else(|| UnknownContext(text.to_owned()))
    }
}

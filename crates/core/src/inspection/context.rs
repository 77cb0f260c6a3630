//! When code runs: the earlier and the less asked for, the more it weighs.

use std::fmt;

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

//! How commands end: the exit codes that scripts rely on, and errors that say what to do.

use std::process::ExitCode;

/// How a command has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// There is nothing to object to.
    Clean,
    /// Something was found that the command looks for.
    Findings,
    /// The command line cannot be understood, or the command failed.
    Error,
    /// A source or a fact was out of reach, so that nobody knows.
    Undecided,
}

impl Exit {
    /// 0, 1, 2 and 3.
    pub const fn code(self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::Findings => 1,
            Self::Error => 2,
            Self::Undecided => 3,
        }
    }

    /// [`Exit::Findings`] where there are any.
    pub fn for_findings(count: usize) -> Self {
        match count {
            0 => Self::Clean,
            _ => Self::Findings,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// An error in one line, with what to do about it in the next.
pub fn failure(what: impl AsRef<str>, remedy: impl AsRef<str>) -> anyhow::Error {
    anyhow::anyhow!("{}\n  what to do: {}", what.as_ref(), remedy.as_ref())
}

/// Whether whoever reads our output has gone, which is no failure of ours.
pub fn reader_has_gone(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
    })
}

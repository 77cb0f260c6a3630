//! [`Capability`]: what code is able to do, which by itself speaks against nobody. Together they are the
//! capability manifest of a file.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Context;

/// Something the code is able to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capability {
    /// What.
    pub kind: CapabilityKind,
    /// The strictest context of the calls counted.
    pub context: Context,
    /// The member of the archive.
    pub file: Arc<str>,
    /// The line of the first call.
    pub line: u32,
    /// The name first called.
    pub example: Arc<str>,
    /// How many calls.
    pub count: u32,
}

/// The kinds of capability, as the manifest names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CapabilityKind {
    /// Speaks to the network.
    Network,
    /// Starts processes.
    Process,
    /// Writes files.
    FileWrite,
    /// Deletes files.
    FileDelete,
    /// Reads the environment.
    Environment,
    /// Loads native code or calls it by address.
    Native,
    /// Runs code that it makes.
    DynamicCode,
    /// Runs when the distribution is built or installed.
    InstallHook,
    /// Reads the clipboard, the keyboard, the screen or a camera.
    Spying,
}

impl CapabilityKind {
    /// Every kind, in the order in which they are shown.
    pub const ALL: [Self; 9] = [
        Self::Network,
        Self::Process,
        Self::FileWrite,
        Self::FileDelete,
        Self::Environment,
        Self::Native,
        Self::DynamicCode,
        Self::InstallHook,
        Self::Spying,
    ];

    /// As the manifest writes it, for example `file-write`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Process => "process",
            Self::FileWrite => "file-write",
            Self::FileDelete => "file-delete",
            Self::Environment => "environment",
            Self::Native => "native",
            Self::DynamicCode => "dynamic-code",
            Self::InstallHook => "install-hook",
            Self::Spying => "spying",
        }
    }
}

impl fmt::Display for CapabilityKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

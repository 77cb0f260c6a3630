//! [`Capability`]: what code is able to do, which by itself speaks against nobody. Together they are the
//! capability manifest of a file.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Context, UnknownContext};

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

/// What the code is able to do, and when, written `network@import`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CapabilityEntry {
    /// What.
    pub kind: CapabilityKind,
    /// When.
    pub context: Context,
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

impl Capability {
    /// Its entry of the manifest without places.
    #[must_use]
    pub fn entry(&self) -> CapabilityEntry {
        CapabilityEntry {
            kind: self.kind,
            context: self.context,
        }
    }
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

impl fmt::Display for CapabilityEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.kind, self.context)
    }
}

/// A text that is no entry of the capability manifest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCapabilityEntry {
    /// It has not both parts.
    #[error("{0:?} is not of the form network@import")]
    Form(String),
    /// Its first part is no kind of capability.
    #[error(transparent)]
    Kind(#[from] UnknownCapability),
    /// Its second part is no context.
    #[error(transparent)]
    Context(#[from] UnknownContext),
}

impl FromStr for CapabilityEntry {
    type Err = InvalidCapabilityEntry;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text.split_once('@');
        let (kind, context) = parts.ok_or_else(|| InvalidCapabilityEntry::Form(text.to_owned()))?;
        Ok(Self {
            kind: kind.parse()?,
            context: context.parse()?,
        })
    }
}

/// A text that names no kind of capability.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a capability (network, process, file-write, file-delete, environment, native, \
     dynamic-code, install-hook, spying)"
)]
pub struct UnknownCapability(String);

impl FromStr for CapabilityKind {
    type Err = UnknownCapability;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut all = Self::ALL.into_iter();
        all.find(|kind| kind.as_str() == text)
            .ok_or_else(|| UnknownCapability(text.to_owned()))
    }
}

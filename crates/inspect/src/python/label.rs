//! [`Label`]: what data is or where it came from, and sets of them.

use std::fmt;

/// What a value carries with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Label {
    /// It was decoded, decompressed, decrypted or put together from numbers.
    Decoded,
    /// It came from the network.
    Net,
    /// It names or is a file that was written from the network.
    Dropped,
    /// It was read from a file that is code or data of the distribution itself, other than Python.
    OwnFile,
    /// It was read from some other file.
    File,
    /// It was read from a file that holds credentials: the place's `what` says which.
    SecretFile,
    /// One environment variable with an ordinary name.
    Env,
    /// One environment variable whose name says that it is secret.
    EnvSecret,
    /// The whole environment.
    EnvAll,
    /// Host name, user name, working directory, hardware or network address.
    HostInfo,
    /// The clipboard.
    Clipboard,
    /// Key strokes.
    Keys,
    /// The screen, a camera or a microphone.
    Screen,
    /// What a person typed when asked.
    UserInput,
    /// The output of a command.
    Output,
    /// A code object or a serialised object graph.
    Code,
    /// The result of decrypting with a key that stands in the code.
    Decrypted,
    /// The answer of a cloud machine's metadata service.
    CloudMetadata,
    /// A constant of the code. Only on arguments of calls; constants do not start flows.
    Const,
}

/// A set of labels.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Labels(u32);

const ALL: [Label; 19] = [
    Label::Decoded,
    Label::Net,
    Label::Dropped,
    Label::OwnFile,
    Label::File,
    Label::SecretFile,
    Label::Env,
    Label::EnvSecret,
    Label::EnvAll,
    Label::HostInfo,
    Label::Clipboard,
    Label::Keys,
    Label::Screen,
    Label::UserInput,
    Label::Output,
    Label::Code,
    Label::Decrypted,
    Label::CloudMetadata,
    Label::Const,
];

impl Labels {
    /// No labels.
    pub const NONE: Self = Self(0);

    /// The set of these labels.
    #[must_use]
    pub const fn of(labels: &[Label]) -> Self {
        let mut bits = 0;
        let mut at = 0;
        while at < labels.len() {
            bits |= 1 << labels[at] as u32;
            at += 1;
        }
        Self(bits)
    }

    /// Whether `label` is in the set.
    #[must_use]
    pub const fn has(self, label: Label) -> bool {
        self.0 & (1 << label as u32) != 0
    }

    /// Whether the two sets share a label.
    #[must_use]
    pub const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Both sets together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Adds one label.
    pub fn insert(&mut self, label: Label) {
        self.0 |= 1 << label as u32;
    }

    /// The labels, in order.
    pub fn iter(self) -> impl Iterator<Item = Label> {
        ALL.into_iter().filter(move |label| self.has(*label))
    }
}

impl Label {
    /// What the label means, as it reads in a chain: "data from the network".
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Decoded => "decoded data",
            Self::Net => "data from the network",
            Self::Dropped => "a file written from the network",
            Self::OwnFile => "data of a file in the distribution",
            Self::File => "data of a file",
            Self::SecretFile => "a file with credentials",
            Self::Env => "an environment variable",
            Self::EnvSecret => "a secret environment variable",
            Self::EnvAll => "the whole environment",
            Self::HostInfo => "a fact about the machine",
            Self::Clipboard => "the clipboard",
            Self::Keys => "key strokes",
            Self::Screen => "a picture or recording",
            Self::UserInput => "what a person typed",
            Self::Output => "the output of a command",
            Self::Code => "a code object",
            Self::Decrypted => "data decrypted with a key from the code",
            Self::CloudMetadata => "the cloud's metadata service",
            Self::Const => "a constant",
        }
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl FromIterator<Label> for Labels {
    fn from_iter<I: IntoIterator<Item = Label>>(labels: I) -> Self {
        let mut set = Self::NONE;
        for label in labels {
            set.insert(label);
        }
        set
    }
}

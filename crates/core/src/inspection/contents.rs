//! [`Contents`]: what is inside a distribution, for comparing it with another one: its files by the place
//! where they are installed, and what its documents say. Nothing of what its files hold is kept but hashes.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256 as Hasher};

use crate::digest::Sha256;

/// What is inside a distribution.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Contents {
    /// Wheel or sdist.
    pub form: Form,
    /// Its files, sorted by area and path. Links and folders are not among them.
    pub members: Vec<Member>,
    /// `Requires-Dist`, verbatim.
    pub requires: Vec<String>,
    /// Its entry points, in the order given.
    pub entry_points: Vec<EntryPoint>,
    /// The names of modules and packages directly in `site-packages`, or below the sdist's folder or its
    /// `src`; sorted.
    pub modules: Vec<String>,
    /// What Python runs at each start because of it.
    pub startup: Vec<StartupCode>,
    /// How an sdist is built. `None` for a wheel.
    pub build: Option<Build>,
    /// What its core metadata says of it, when that can be read.
    pub essentials: Option<Essentials>,
    /// Whether it says that it is the same on every platform.
    pub is_pure: bool,
}

/// The two forms of a distribution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// PEP 427.
    #[default]
    Wheel,
    /// PEP 625.
    Sdist,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Where an installer puts it.
    pub area: Area,
    /// Its path there, with `/`; below the sdist's folder for an sdist.
    pub path: Arc<str>,
    /// In bytes, unpacked.
    pub size: u64,
    /// Of its bytes; `None` when they were not read.
    pub sha256: Option<Sha256>,
    /// What it is.
    pub kind: FileKind,
    /// Of its code, for Python that was read whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<CodeHash>,
}

/// Where installers put files (PEP 427, "Spread").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Area {
    /// `site-packages`.
    Site,
    /// Beside the interpreter, as commands.
    Scripts,
    /// The installation's root.
    Data,
    /// The headers of C.
    Headers,
    /// The `.dist-info` folder.
    DistInfo,
    /// Nowhere: it is a file of an sdist.
    Sdist,
}

/// What a file is, by its content first and its name second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileKind {
    /// Python.
    Python,
    /// Types of Python without code (PEP 484).
    Stub,
    /// What Python reads at each start: `.pth`, `.start`, `sitecustomize`.
    Startup,
    /// Programs and libraries of a processor or a virtual machine.
    Native,
    /// Compiled Python.
    Compiled,
    /// A program of another interpreter.
    Script,
    /// A packed file.
    Archive,
    /// A picture or sound.
    Media,
    /// Text.
    Text,
    /// Anything else.
    Data,
}

/// One line that Python acts upon at each start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartupCode {
    /// The list it stands in, below `site-packages`.
    pub file: Arc<str>,
    /// The line, at most 400 characters of it.
    pub line: String,
    /// Of the whole line.
    pub sha256: Sha256,
    /// Whether it is one of those that packaging tools write for many projects.
    pub is_known: bool,
}

/// An entry point (the entry points specification).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct EntryPoint {
    /// For example `console_scripts`.
    pub group: String,
    /// The name it is known by.
    pub name: String,
    /// `module:attribute` or `module`.
    pub target: String,
}

/// How an sdist is built (PEP 517, PEP 518).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Build {
    /// `build-backend`; `None` for the one that tools assume.
    pub backend: Option<String>,
    /// `requires`.
    pub requires: Vec<String>,
    /// `backend-path`: folders of the sdist that the backend is imported from.
    pub paths: Vec<String>,
}

/// What core metadata says of a distribution, as far as comparing wants to know.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Essentials {
    /// `Name`, as written.
    pub name: String,
    /// `Version`, as written.
    pub version: String,
    /// The addresses of authors and maintainers, in lower case, sorted.
    pub addresses: Vec<String>,
}

/// The hash of Python code, the same however it is laid out, quoted, commented and documented: the first
/// 16 bytes of a SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CodeHash([u8; 16]);

impl Contents {
    /// The file at `path` of `area`.
    #[must_use]
    pub fn member(&self, area: Area, path: &str) -> Option<&Member> {
        let at = self
            .members
            .binary_search_by(|member| (member.area, &*member.path).cmp(&(area, path)));
        at.ok().map(|at| &self.members[at])
    }

    /// All its files together, in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.members.iter().map(|member| member.size).sum()
    }
}

impl Member {
    /// The last part of its path.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// Whether `other` holds the same: byte for byte, or the same code.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        let same = self.sha256.is_some() && self.sha256 == other.sha256;
        same || (self.code.is_some() && self.code == other.code)
    }
}

impl CodeHash {
    /// What `hasher` was given, cut to 16 bytes.
    #[must_use]
    pub fn of(hasher: Hasher) -> Self {
        let digest: [u8; 32] = hasher.finalize().into();
        let mut cut = [0; 16];
        cut.copy_from_slice(&digest[..16]);
        Self(cut)
    }
}

impl fmt::Display for CodeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for CodeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for CodeHash {
    type Err = hex::FromHexError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 16];
        hex::decode_to_slice(text, &mut bytes)?;
        Ok(Self(bytes))
    }
}

impl Serialize for CodeHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for CodeHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn member(area: Area, path: &str, code: Option<CodeHash>) -> Member {
        Member {
            area,
            path: path.into(),
            size: 1,
            sha256: Some(Sha256::of(path.as_bytes())),
            kind: FileKind::Python,
            code,
        }
    }

    #[test]
    fn contents_survive_being_stored() {
        let code = CodeHash::of(Hasher::new());
        let contents = Contents {
            members: vec![
                member(Area::Site, "a.py", Some(code)),
                member(Area::Data, "x", None),
            ],
            startup: vec![StartupCode {
                file: "a.pth".into(),
                line: "import a".to_owned(),
                sha256: Sha256::of(b"import a"),
                is_known: false,
            }],
            build: Some(Build::default()),
            essentials: Some(Essentials::default()),
            ..Contents::default()
        };
        let text = serde_json::to_string(&contents).unwrap();
        assert_eq!(serde_json::from_str::<Contents>(&text).unwrap(), contents);
        let nothing: Contents = serde_json::from_str("{}").unwrap();
        assert_eq!(nothing, Contents::default());
    }

    #[test]
    fn the_same_code_is_alike_whatever_its_bytes() {
        let code = CodeHash::of(Hasher::new());
        let (a, b) = (
            member(Area::Site, "a.py", Some(code)),
            member(Area::Site, "b.py", Some(code)),
        );
        assert!(a.is_like(&b));
        let (a, b) = (
            member(Area::Site, "a.py", None),
            member(Area::Site, "b.py", None),
        );
        assert!(!a.is_like(&b));
        assert!(a.is_like(&a));
        let unread = Member { sha256: None, ..a };
        assert!(!unread.is_like(&unread), "not knowing is not being alike");
    }
}

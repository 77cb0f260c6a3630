//! What is asked of a worker and what it answers, and the inspection itself between the two. A worker is
//! trusted with nothing: whoever reads an [`Answer`] checks whether it is about what was asked.

use std::fmt;
use std::io::{self, Read, Seek};
use std::path::PathBuf;
use std::time::Duration;

use portcullis_core::inspection::Contents;
use portcullis_core::pypi::filename::{DistFilename, InvalidFilename};
use portcullis_core::pypi::name::ProjectName;
use portcullis_inspect::archive::{Arrival, Arrived};
use portcullis_inspect::inspection::{Budget, Inspection, REVISION, inspect_archive};
use portcullis_inspect::own_rules::OwnRules;
use serde::{Deserialize, Serialize};

use crate::config::InspectionSettings;

/// The hidden command that a worker is started with, before the [`Request`] as JSON.
pub const COMMAND: &str = "inspect-worker";

/// The flag of that command which asks for a [`Confinement`] instead.
pub const PROBE: &str = "--probe";

/// The flag of that command which names a file with rules of the organisation's own, before the file.
pub const OWN_RULES: &str = "--own-rules";

/// What a worker is asked: to look into the file that is its standard input, or into one that is arriving.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Request {
    /// The name of the file.
    pub filename: String,
    /// The project that it belongs to, where that is known: names of sdists are ambiguous.
    pub project: Option<ProjectName>,
    /// How long it may take, in milliseconds.
    pub millis: u64,
    /// How much address space it may take, in bytes.
    pub memory: u64,
    /// The file, where it is still arriving. The standard input has [`Arrivals`] then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arriving: Option<ArrivingFile>,
}

/// A file that is arriving.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ArrivingFile {
    /// Where it arrives.
    pub path: PathBuf,
    /// How many bytes it will have.
    pub total: u64,
}

/// How a worker is told how far its file has arrived: a letter and a number of bytes, nine bytes a message.
#[derive(Debug)]
pub struct Arrivals<R>(pub R);

const SO_FAR: u8 = b's';
const WHOLE: u8 = b'w';

/// A message as [`Arrivals`] reads it.
#[must_use]
pub fn message(arrived: Arrived) -> [u8; 9] {
    let (letter, bytes) = match arrived {
        Arrived::SoFar(bytes) => (SO_FAR, bytes),
        Arrived::Whole(bytes) => (WHOLE, bytes),
    };
    let mut message = [letter; 9];
    message[1..].copy_from_slice(&bytes.to_le_bytes());
    message
}

impl<R: Read> Arrival for Arrivals<R> {
    fn wait(&mut self) -> io::Result<Arrived> {
        let mut message = [0; 9];
        self.0.read_exact(&mut message)?;
        let [letter, bytes @ ..] = message;
        let bytes = u64::from_le_bytes(bytes);
        match letter {
            SO_FAR => Ok(Arrived::SoFar(bytes)),
            WHOLE => Ok(Arrived::Whole(bytes)),
            _ => Err(io::Error::from(io::ErrorKind::InvalidData)),
        }
    }
}

/// What a worker answers, as one JSON value.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "came-to", rename_all = "kebab-case")]
pub enum Answer {
    /// This is what is in the file.
    Inspected {
        /// What was seen.
        inspection: Box<Inspection>,
        /// The most memory that was in use, in bytes; `None` where that is not told.
        peak: Option<u64>,
    },
    /// The file could not be read, which says nothing about what it holds.
    Unreadable {
        /// Why.
        why: String,
    },
}

/// What holds a worker back. It has tried out itself whether it does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Confinement {
    /// The revision of the engine in the worker.
    pub revision: u32,
    /// Bounds on time, memory, files and output.
    pub limits: bool,
    /// The version of Landlock that takes every right to files and addresses, where there is one.
    pub landlock: Option<u32>,
    /// Whether system calls that no inspection makes are refused or end it.
    pub seccomp: bool,
    /// What it could do although nothing of the sort is left to it.
    pub holes: Vec<String>,
}

impl fmt::Display for Confinement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if self.limits {
            parts.push("limits".to_owned());
        }
        parts.extend(self.landlock.map(|abi| format!("Landlock {abi}")));
        if self.seccomp {
            parts.push("seccomp".to_owned());
        }
        match parts.is_empty() {
            true => f.write_str("nothing")?,
            false => f.write_str(&parts.join(", "))?,
        }
        match self.holes.is_empty() {
            true => Ok(()),
            false => write!(f, "; open to it: {}", self.holes.join(", ")),
        }
    }
}

impl Request {
    /// To look into a file of this name, as `settings` allow.
    #[must_use]
    pub fn new(
        filename: &str,
        project: Option<&ProjectName>,
        settings: &InspectionSettings,
    ) -> Self {
        Self {
            filename: filename.to_owned(),
            project: project.cloned(),
            millis: u64::try_from(settings.time.as_millis()).unwrap_or(u64::MAX),
            memory: settings.memory,
            arriving: None,
        }
    }

    /// The name, understood.
    ///
    /// # Errors
    /// [`InvalidFilename`] when it is that of no distribution.
    pub fn distribution(&self) -> Result<DistFilename, InvalidFilename> {
        DistFilename::parse(&self.filename, self.project.as_ref())
    }

    /// How long it may take.
    #[must_use]
    pub fn time(&self) -> Duration {
        Duration::from_millis(self.millis)
    }

    /// How much may be spent: the analysis gives up a good while before it would be ended, so that what it
    /// has seen until then counts.
    #[must_use]
    pub fn budget(&self) -> Budget {
        let mut budget = Budget::default();
        budget.python.longest = budget.python.longest.min(self.time().mul_f32(0.6));
        budget.python.time = budget.python.time.min(budget.python.longest);
        budget
    }
}

/// The inspection of `archive` as `request` asks for it. Blocks, and never writes anything.
pub fn inspect(archive: impl Read + Seek + Send, request: &Request) -> Answer {
    inspect_with(archive, request, &OwnRules::default())
}

/// The same, with rules of the organisation's own.
pub fn inspect_with(
    archive: impl Read + Seek + Send,
    request: &Request,
    own_rules: &OwnRules,
) -> Answer {
    let unreadable = |why: String| Answer::Unreadable { why };
    let filename = match request.distribution() {
        Ok(filename) => filename,
        Err(error) => return unreadable(error.to_string()),
    };
    let budget = Budget {
        own_rules: own_rules.clone(),
        ..request.budget()
    };
    match inspect_archive(archive, &filename, &budget) {
        Ok(inspection) => Answer::Inspected {
            inspection: Box::new(inspection),
            peak: None,
        },
        Err(error) => unreadable(error.to_string()),
    }
}

/// The revision of the engine that this program has.
#[must_use]
pub fn revision() -> u32 {
    REVISION
}

/// Fast, and as good as slower ones for text of this size.
const LEVEL: i32 = 3;

/// The most that packed contents may unpack to, in bytes.
const UNPACKED: usize = 64 << 20;

/// Contents as they are kept: JSON, compressed. `None` for those that would be too large to be read again.
pub(super) fn pack(contents: &Contents) -> Option<Vec<u8>> {
    let text = serde_json::to_vec(contents).expect("names, numbers and digests are JSON");
    match text.len() <= UNPACKED {
        true => zstd::bulk::compress(&text, LEVEL).ok(),
        false => None,
    }
}

/// Contents that were packed; `None` when they are not any more what this program packs.
pub(super) fn unpack(packed: &[u8]) -> Option<Contents> {
    let text = zstd::bulk::decompress(packed, UNPACKED).ok()?;
    serde_json::from_slice(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(millis: u64) -> Request {
        Request {
            filename: "demo-1.0.tar.gz".to_owned(),
            project: None,
            millis,
            memory: 1,
            arriving: None,
        }
    }

    #[test]
    fn the_analysis_gives_up_before_it_is_ended() {
        assert_eq!(request(1_000).budget().python.time.as_millis(), 600);
        assert_eq!(request(1_000).budget().python.longest.as_millis(), 600);
        let generous = request(3_600_000).budget();
        assert_eq!(generous.python.time, Budget::default().python.time);
        assert_eq!(generous.python.longest, Budget::default().python.longest);
    }

    #[test]
    fn a_worker_hears_what_it_is_told_and_nothing_else() {
        let said = [
            Arrived::SoFar(0),
            Arrived::SoFar(u64::MAX),
            Arrived::Whole(7),
        ];
        let mut heard = Arrivals(io::Cursor::new(said.map(message).concat()));
        for expected in said {
            assert_eq!(heard.wait().expect("a message"), expected);
        }
        let end = heard.wait().expect_err("nothing more is said");
        assert_eq!(end.kind(), io::ErrorKind::UnexpectedEof);
        let nonsense = Arrivals(&b"nonsense!"[..]).wait().expect_err("no message");
        assert_eq!(nonsense.kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn contents_survive_packing_and_nonsense_is_nothing() {
        let contents = Contents::default();
        let packed = pack(&contents).expect("small");
        assert_eq!(unpack(&packed), Some(contents));
        assert_eq!(unpack(b"nonsense"), None);
        assert_eq!(unpack(&packed[..packed.len() / 2]), None);
    }

    #[test]
    fn what_holds_a_worker_back_is_told_in_one_line() {
        let all = Confinement {
            revision: 1,
            limits: true,
            landlock: Some(4),
            seccomp: true,
            holes: Vec::new(),
        };
        assert_eq!(all.to_string(), "limits, Landlock 4, seccomp");
        let leaky = Confinement {
            limits: false,
            landlock: None,
            seccomp: false,
            holes: vec!["opening files".to_owned()],
            ..all
        };
        assert_eq!(leaky.to_string(), "nothing; open to it: opening files");
    }
}

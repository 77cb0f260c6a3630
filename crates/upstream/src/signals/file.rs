//! Signals out of a file, for networks that reach nobody: JSON lines such as
//! `{"project": "flask", "scorecard": 7.1, "stars": 68000}`.

use std::collections::HashMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, ready};
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::signals::SignalKind;
use serde_json::{Map, Value};

use super::{Measurements, SignalProvider, Subject};
use crate::error::UpstreamError;

/// The longest file that is read, in bytes.
const LONGEST: u64 = 256 << 20;

/// What a file says, by project.
pub type ByProject = HashMap<ProjectName, Measurements>;

/// The provider: the file as it was when it was opened.
#[derive(Debug)]
pub struct SignalFile {
    by_project: ByProject,
}

/// A line of a file is no signal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct InvalidLine {
    /// The line, 1-based.
    pub line: usize,
    /// What is wrong with it.
    pub reason: String,
}

/// Why a file of signals cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SignalFileError {
    /// It cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// It is longer than any honest one.
    #[error("{} is longer than {LONGEST} bytes", .0.display())]
    TooLarge(PathBuf),
    /// A line is no signal.
    #[error("{}: {source}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Which line, and what is wrong with it.
        source: InvalidLine,
    },
}

impl SignalFile {
    /// Reads a file. Blocks while it does.
    ///
    /// # Errors
    /// [`SignalFileError`]: the first line at fault, since half a file would be a wrong answer.
    pub fn open(path: &Path) -> Result<Self, SignalFileError> {
        let failed = |source| SignalFileError::Io {
            path: path.to_path_buf(),
            source,
        };
        let file = std::fs::File::open(path).map_err(failed)?;
        let mut text = String::new();
        let read = file.take(LONGEST + 1).read_to_string(&mut text);
        if read.map_err(failed)? as u64 > LONGEST {
            return Err(SignalFileError::TooLarge(path.to_path_buf()));
        }
        let by_project = parse_lines(&text).map_err(|source| SignalFileError::Line {
            path: path.to_path_buf(),
            source,
        })?;
        Ok(Self { by_project })
    }

    /// Everything that it says.
    pub fn by_project(&self) -> &ByProject {
        &self.by_project
    }
}

/// Reads JSON lines. Of two lines about one project the later one counts for what it says; empty lines
/// are passed over.
///
/// # Errors
/// [`InvalidLine`]: no JSON object, no project, an unknown signal, or a value that it cannot have.
pub fn parse_lines(text: &str) -> Result<ByProject, InvalidLine> {
    let mut by_project = ByProject::new();
    for (at, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let invalid = |reason: String| InvalidLine {
            line: at + 1,
            reason,
        };
        let (project, measurements) = parse_line(line).map_err(invalid)?;
        let known = by_project.entry(project).or_default();
        for (kind, value) in measurements {
            known.retain(|(other, _)| *other != kind);
            known.push((kind, value));
        }
    }
    Ok(by_project)
}

fn parse_line(line: &str) -> Result<(ProjectName, Measurements), String> {
    let mut object: Map<String, Value> =
        serde_json::from_str(line).map_err(|error| format!("not a JSON object: {error}"))?;
    let project = object.remove("project");
    let project = project.as_ref().and_then(Value::as_str);
    let project = project.ok_or("it has no \"project\"")?;
    let project = ProjectName::new(project).map_err(|error| error.to_string())?;
    let mut measurements = Measurements::new();
    for (key, value) in object {
        let kind: SignalKind = key
            .parse()
            .map_err(|_| format!("there is no signal {key:?}"))?;
        let number = match &value {
            Value::Bool(flag) => Some(f64::from(u8::from(*flag))),
            other => other.as_f64(),
        };
        let number = number.filter(|number| kind.admits(*number));
        let number = number.ok_or_else(|| format!("{kind} cannot be {value}"))?;
        measurements.push((kind, number));
    }
    Ok((project, measurements))
}

impl SignalProvider for SignalFile {
    fn fetch<'a>(
        &'a self,
        subject: &'a Subject,
    ) -> BoxFuture<'a, Result<Measurements, UpstreamError>> {
        let known = self.by_project.get(&subject.project);
        ready(Ok(known.cloned().unwrap_or_default())).boxed()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn lines_are_read_and_later_ones_count() {
        let text = "{\"project\": \"Flask\", \"scorecard\": 7.1, \"stars\": 68000}\n\n\
                    {\"project\": \"flask\", \"scorecard\": 6}\n\
                    {\"project\": \"rich\", \"archived\": true}\n";
        let read = parse_lines(text).unwrap();
        let flask = &read[&ProjectName::new("flask").unwrap()];
        assert_eq!(
            flask,
            &[(SignalKind::Stars, 68000.0), (SignalKind::Scorecard, 6.0)]
        );
        let rich = &read[&ProjectName::new("rich").unwrap()];
        assert_eq!(rich, &[(SignalKind::Archived, 1.0)]);
    }

    #[test]
    fn what_is_no_signal_is_refused_at_its_line() {
        for (line, reason) in [
            ("nonsense", "not a JSON object"),
            ("[]", "not a JSON object"),
            ("{}", "it has no \"project\""),
            ("{\"project\": \"\"}", ""),
            (
                "{\"project\": \"x\", \"scorecard\": 11}",
                "scorecard cannot be 11",
            ),
            (
                "{\"project\": \"x\", \"scorecard\": \"high\"}",
                "scorecard cannot be",
            ),
            (
                "{\"project\": \"x\", \"score\": 1}",
                "there is no signal \"score\"",
            ),
        ] {
            let error = parse_lines(&format!("\n{line}")).unwrap_err();
            assert_eq!(error.line, 2, "{line}");
            assert!(error.reason.starts_with(reason), "{line}: {error}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in proptest::prelude::any::<String>()) {
            let _ = parse_lines(&text);
        }
    }
}

//! [`Inspected`]: everything that one inspection saw in one file, folder or source.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Capability, Observation, effect_of};
use crate::digest::Sha256;
use crate::policy::Effect;

/// Everything seen in one wheel, sdist, folder or file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inspected {
    /// Of the file. Of a folder: of the lines `{sha256}  {path}` of the files given, sorted by path.
    pub sha256: Sha256,
    /// The revision of the engine and its rules. A later one may see more.
    pub revision: u32,
    /// What rules saw, the worst first, each once.
    pub observations: Vec<Observation>,
    /// The lines that observations and their chains point at, by file and line.
    pub excerpts: Vec<Excerpt>,
    /// What the code is able to do.
    pub capabilities: Vec<Capability>,
    /// How much there was.
    pub statistics: Statistics,
    /// Whether all of it was looked at. What was not is among the observations.
    pub complete: bool,
}

/// A line of a file, or the part of a long line around the place of an observation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Excerpt {
    /// The member of the archive.
    pub file: Arc<str>,
    /// Counted from 1.
    pub line: u32,
    /// The text, without its line break, and with everything in it that the file has.
    pub text: String,
    /// Characters of the line that stand before the text.
    pub skipped: u32,
}

/// How much there was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Statistics {
    /// Files.
    pub files: usize,
    /// Python sources, startup lists included.
    pub modules: usize,
    /// Of Python, in bytes.
    pub python_bytes: u64,
    /// All files when unpacked, in bytes.
    pub bytes: u64,
    /// Layers of code that decoding brought to light.
    pub layers: usize,
}

impl Inspected {
    /// What everything that was found weighs together, leaving aside what was not looked at.
    #[must_use]
    pub fn found(&self) -> Effect {
        let found = self.observations.iter();
        let found = found.filter(|seen| !seen.is_about_completeness());
        found.map(effect_of).max().unwrap_or(Effect::Allow)
    }

    /// The same, and hold at least where something was not looked at: not knowing is never permission.
    #[must_use]
    pub fn effect(&self) -> Effect {
        let all = self.observations.iter().map(effect_of).max();
        let all = all.unwrap_or(Effect::Allow);
        match self.complete {
            true => all,
            false => all.max(Effect::Hold),
        }
    }

    /// The line `line` of `file`, where it was kept.
    #[must_use]
    pub fn excerpt(&self, file: &str, line: u32) -> Option<&Excerpt> {
        let at = self
            .excerpts
            .binary_search_by(|kept| (&*kept.file, kept.line).cmp(&(file, line)));
        at.ok().map(|at| &self.excerpts[at])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nothing() -> Inspected {
        Inspected {
            sha256: Sha256::of(b""),
            revision: 1,
            observations: Vec::new(),
            excerpts: Vec::new(),
            capabilities: Vec::new(),
            statistics: Statistics::default(),
            complete: true,
        }
    }

    #[test]
    fn ignorance_is_never_permission() {
        assert_eq!(nothing().effect(), Effect::Allow);
        let partly = Inspected {
            complete: false,
            ..nothing()
        };
        assert_eq!(
            (partly.effect(), partly.found()),
            (Effect::Hold, Effect::Allow)
        );
    }
}

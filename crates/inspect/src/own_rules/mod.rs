//! [`OwnRules`]: YARA rules of the organisation's own, over every member of an archive. They are compiled by
//! the crate `boreal`, in builds with the Cargo feature `yara`; without it there are none, and asking for
//! some is a mistake.
//!
//! **Invariant:** rule files are read when they are compiled and never after that, so that a worker that has
//! given up its rights can apply them.

#[cfg(feature = "yara")]
mod compiled;
#[cfg(feature = "yara")]
mod members;
#[cfg(not(feature = "yara"))]
#[path = "absent.rs"]
mod compiled;

use std::fmt;
use std::io::{Read, Seek};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use portcullis_core::inspection::Observation;
use portcullis_core::pypi::filename::DistFilename;

use compiled::Compiled;

/// What stands in front of the name of a rule in an observation: `yara:RULE`.
pub const SCANNER: &str = "yara";

/// Compiled rules; none by default. Cheap to clone.
#[derive(Clone, Default)]
pub struct OwnRules {
    compiled: Option<Arc<Compiled>>,
}

/// Rules that cannot be compiled: `FILE:LINE:COLUMN: error: …`, or why there are no rules in this build.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidRules(String);

/// What the rules saw in an archive.
#[derive(Clone, Debug, Default)]
pub struct Looked {
    /// One for each rule and member.
    pub observations: Vec<Observation>,
    /// What was left out, where something was: one clause.
    pub left_out: Option<String>,
}

impl fmt::Debug for OwnRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&PathBuf> = self.compiled.iter().flat_map(|all| all.files()).collect();
        f.debug_tuple("OwnRules").field(&names).finish()
    }
}

impl OwnRules {
    /// Reads and compiles the rules in `files`; without files there are none.
    ///
    /// # Errors
    /// [`InvalidRules`].
    pub fn compile(files: &[PathBuf]) -> Result<Self, InvalidRules> {
        if files.is_empty() {
            return Ok(Self::default());
        }
        let compiled = Compiled::new(files).map_err(InvalidRules)?;
        Ok(Self {
            compiled: Some(Arc::new(compiled)),
        })
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.compiled.is_none()
    }

    /// Applies the rules to the members of `archive`, for at most `time`.
    #[must_use]
    pub fn look(
        &self,
        archive: impl Read + Seek,
        filename: &DistFilename,
        time: Duration,
    ) -> Looked {
        match &self.compiled {
            Some(compiled) => compiled.look(archive, filename, time),
            None => Looked::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_files_there_are_no_rules_and_nothing_is_looked_at() {
        let rules = OwnRules::compile(&[]).expect("nothing to compile");
        assert!(rules.is_empty());
        let filename = DistFilename::parse("demo-1.0.tar.gz", None).expect("a name");
        let looked = rules.look(std::io::empty(), &filename, Duration::ZERO);
        assert!(looked.observations.is_empty() && looked.left_out.is_none());
    }

    #[test]
    #[cfg(not(feature = "yara"))]
    fn a_build_without_them_says_so() {
        let error = OwnRules::compile(&["a.yar".into()]).expect_err("not there");
        assert!(error.to_string().contains("--features yara"), "{error}");
    }
}

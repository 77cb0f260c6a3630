//! [`Inspection`]: everything seen in one wheel, sdist, folder or file, and the [`Verdict`] that it adds
//! up to. What an organisation makes of it is the policy's; nothing here knows of policies.
//!
//! Read the modules in this order: archives, loose files, what the engine itself has to say, the lines
//! that findings are about, the verdict, and the manuals of rules.

mod archived;
mod loose;
mod engine;
mod excerpt;
mod verdict;
mod manual;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use portcullis_core::digest::Sha256;

use crate::archive::Limits;
use crate::observation::Observation;
use crate::python::{self, Analysis, Capability};
use crate::rules;

pub use archived::inspect_archive;
pub use excerpt::Excerpt;
pub use loose::{LooseFile, inspect_files, inspect_source};
pub use manual::{Manual, manual, manuals};
pub use verdict::{Verdict, of_observation};

/// How much may be spent on one inspection.
#[derive(Clone, Debug, Default)]
pub struct Budget {
    /// On reading the archive.
    pub archive: Limits,
    /// On following its Python.
    pub python: python::Budget,
}

/// Everything seen in one wheel, sdist, folder or file.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// Of the file. Of a folder: of the lines `{sha256}  {path}` of the files given, sorted by path.
    pub sha256: Sha256,
    /// What all of it adds up to.
    pub verdict: Verdict,
    /// What rules saw, the worst first, each once.
    pub observations: Vec<Observation>,
    /// The lines that observations and their chains point at, by file and line.
    pub excerpts: BTreeMap<(Arc<str>, u32), Excerpt>,
    /// What the code is able to do.
    pub capabilities: Vec<Capability>,
    /// How much there was.
    pub statistics: Statistics,
    /// Whether all of it was looked at. What was not is among the observations.
    pub complete: bool,
}

/// How much there was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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

impl Inspection {
    /// The verdict on what was found, leaving aside what was not looked at: the difference to
    /// [`Inspection::verdict`] is not knowing.
    #[must_use]
    pub fn found(&self) -> Verdict {
        let says_something = |seen: &&Observation| !engine::is_about_completeness(seen.rule);
        let found = self.observations.iter().filter(says_something);
        found.map(of_observation).max().unwrap_or(Verdict::Allow)
    }
}

/// What an inspection is made of: the parts that archives and loose files have in common.
struct Gathered<'a> {
    sha256: Sha256,
    analysis: Analysis,
    /// What rules over the archive saw.
    observations: Vec<Observation>,
    /// The files that observations may point into.
    texts: Vec<(Arc<str>, &'a [u8])>,
    files: usize,
    bytes: u64,
    complete: bool,
}

fn conclude(gathered: Gathered<'_>) -> Inspection {
    let Gathered {
        sha256,
        analysis,
        mut observations,
        texts,
        files,
        bytes,
        complete,
    } = gathered;
    observations.extend(rules::check_all(&analysis));
    sort(&mut observations);
    let complete = complete && engine::is_complete(&analysis);
    let statistics = Statistics {
        files,
        modules: analysis.statistics.sources,
        python_bytes: analysis.statistics.bytes,
        bytes,
        layers: analysis.statistics.layers,
    };
    Inspection {
        sha256,
        verdict: verdict::of_all(&observations, complete),
        excerpts: excerpt::excerpts(&observations, &texts),
        observations,
        capabilities: analysis.capabilities,
        statistics,
        complete,
    }
}

/// The worst first, then by place; the same thing seen twice at one place counts once.
fn sort(observations: &mut Vec<Observation>) {
    observations.sort_by(|a, b| {
        let worse = (of_observation(b), b.severity).cmp(&(of_observation(a), a.severity));
        let place = |seen: &Observation| (seen.file.clone(), seen.line, seen.column, seen.layer);
        worse
            .then_with(|| a.rule.cmp(b.rule))
            .then_with(|| place(a).cmp(&place(b)))
    });
    observations.dedup_by(|a, b| {
        (a.rule, &a.file, a.line, a.column, a.layer) == (b.rule, &b.file, b.line, b.column, b.layer)
            && a.message == b.message
    });
}

//! The inspection of one wheel, sdist, folder or file: what it gives is an [`Inspected`]. What an
//! organisation makes of it is the policy's; nothing here knows of policies.
//!
//! Read the modules in this order: archives, what is inside them, loose files, what the engine itself has
//! to say, the lines that findings are about, and the manuals of rules.

mod archived;
mod contents;
mod loose;
mod engine;
mod excerpt;
mod manual;
mod plain;
mod together;

#[cfg(test)]
mod tests;

use portcullis_core::digest::Sha256;
use portcullis_core::inspection::{Contents, Inspected, Observation, Statistics, effect_of};

use crate::archive::Limits;
use serde::{Deserialize, Serialize};

use crate::own_rules::OwnRules;
use crate::python::{self, Analysis};
use crate::rules;

use excerpt::Texts;

pub use archived::inspect_archive;
pub use loose::{LooseFile, inspect_files, inspect_source};
pub use manual::{Manual, manual, manuals};

/// The revision of the engine and of its rules. Whoever changes what they see adds one, so that what was
/// inspected before is inspected again.
pub const REVISION: u32 = 2;

/// How much may be spent on one inspection.
#[derive(Clone, Debug, Default)]
pub struct Budget {
    /// On reading the archive.
    pub archive: Limits,
    /// On following its Python.
    pub python: python::Budget,
    /// What is looked for beside what the engine knows.
    pub own_rules: OwnRules,
}

/// An inspection of an archive, and what is inside it for comparing it with another one.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Inspection {
    /// Everything seen.
    pub inspected: Inspected,
    /// What there is, whether it is worth a word or not.
    pub contents: Contents,
}

/// What an inspection is made of: the parts that archives and loose files have in common.
struct Gathered<'a> {
    sha256: Sha256,
    analysis: Analysis,
    /// What rules over the archive saw.
    observations: Vec<Observation>,
    texts: &'a mut dyn Texts,
    files: usize,
    bytes: u64,
    complete: bool,
}

fn conclude(gathered: Gathered<'_>) -> Inspected {
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
    together::together(&mut observations);
    observations.iter_mut().for_each(plain::plain);
    sort(&mut observations);
    let complete = complete && engine::is_complete(&analysis);
    let statistics = Statistics {
        files,
        modules: analysis.statistics.sources,
        python_bytes: analysis.statistics.bytes,
        bytes,
        layers: analysis.statistics.layers,
    };
    Inspected {
        sha256,
        revision: REVISION,
        excerpts: excerpt::excerpts(&observations, texts),
        observations,
        capabilities: analysis.capabilities,
        statistics,
        complete,
    }
}

/// The worst first, then by place; the same thing seen twice at one place counts once.
fn sort(observations: &mut Vec<Observation>) {
    observations.sort_by(|a, b| {
        let worse = (effect_of(b), b.severity).cmp(&(effect_of(a), a.severity));
        let place = |seen: &Observation| (seen.file.clone(), seen.line, seen.column, seen.layer);
        worse
            .then_with(|| a.rule.cmp(&b.rule))
            .then_with(|| place(a).cmp(&place(b)))
    });
    observations.dedup_by(|a, b| {
        let place = |seen: &Observation| (seen.line, seen.column, seen.layer);
        (&a.rule, &a.file, &a.message) == (&b.rule, &b.file, &b.message) && place(a) == place(b)
    });
}

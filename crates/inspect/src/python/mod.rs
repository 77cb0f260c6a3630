//! The analysis of Python: from the bytes of a distribution's sources to facts that rules can ask.
//!
//! `text` looks at bytes, `prefilter` says what is followed, `encoding` and `parse` make trees, `walk`
//! follows them with `fold`, `symbols` and `taint`, `graph` says when code runs, `finish` tells it all.
//! Nothing is imported or executed, and nothing here decides.
//!
//! **Invariant:** trees are parsed, walked and dropped on a thread with a large stack, and none is
//! walked that is deeper than the budget says.

mod analysis;
mod aside;
mod bodies;
mod callers;
mod clock;
mod depth;
mod encoding;
mod engine;
mod finish;
mod fold;
mod following;
mod graph;
mod label;
mod large;
mod large_stack;
mod literal_calls;
mod names_in_text;
mod normal;
mod parse;
mod places;
mod prefilter;
mod source;
mod source_bytes;
mod special;
mod symbols;
mod taint;
mod text;
mod users;
mod value;
mod walk;

#[cfg(test)]
mod tests;

use std::panic::{AssertUnwindSafe, catch_unwind};

pub use portcullis_core::inspection::{Capability, CapabilityKind, Context, Place, Step};

pub use analysis::{
    Analysis, Argument, Call, Class, EngineFinding, EngineFindingKind, Flow, Folded, HOLE,
    HandedOn, Import, Inspected, Literal, Module, Patch, Reached, SinkKind, Statistics,
};
pub use label::{Label, Labels};
pub(crate) use large_stack::{LargeStack, on_large_stack};
pub use literal_calls::{NoCalls, literal_calls};
pub use normal::code_hash;
pub use source::{Budget, EntryPoint, Package, Role, Source};
pub(crate) use source_bytes::Packer;
pub use source_bytes::{SourceBytes, Unpacker};
pub use text::{TextFact, TextFactKind};

/// What calling something of this dotted name makes a package capable of, as far as the tables know.
pub(crate) fn capability_of(name: &str) -> Option<CapabilityKind> {
    taint::tables::known(name).capability
}

/// Everything known about the Python of `package`, within `budget`. Never fails: what could not be
/// looked at is among [`Analysis::findings`]. Blocks, on a thread of its own.
#[must_use]
pub fn analyse(package: &Package, budget: &Budget) -> Analysis {
    on_large_stack(budget, |stack| analyse_on(stack, package, budget))
}

/// As [`analyse`], on the thread at hand.
pub(crate) fn analyse_on(
    stack: Result<&LargeStack, &str>,
    package: &Package,
    budget: &Budget,
) -> Analysis {
    let run = |_: &LargeStack| {
        let mut engine = engine::Engine::new(budget, package);
        following::follow_package(&mut engine, package);
        finish::finish(engine, package)
    };
    match stack.map(|stack| catch_unwind(AssertUnwindSafe(|| run(stack)))) {
        Ok(Ok(analysis)) => analysis,
        Ok(Err(_)) => nothing(package, "the analysis failed"),
        Err(why) => nothing(package, why),
    }
}

/// The analysis of a distribution that could not be looked at: incomplete, file by file.
fn nothing(package: &Package, why: &str) -> Analysis {
    let findings = package.sources.iter().map(|source| EngineFinding {
        kind: EngineFindingKind::Incomplete,
        file: source.path.clone(),
        line: 0,
        layer: 0,
        context: graph::top_context(source.role),
        message: why.to_owned(),
    });
    Analysis {
        findings: findings.collect(),
        ..Analysis::default()
    }
}

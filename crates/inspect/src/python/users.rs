//! [`Users`]: sources that name nothing by themselves, but that use a function which matters. Found by
//! their bytes: a source is parsed for it only when it names the function and its module.

use std::sync::Arc;

use memchr::memmem::Finder;
use rustc_hash::FxHashSet;

use super::engine::Engine;
use super::following::gives_labels;
use super::source::{Package, Role};
use super::source_bytes::Unpacker;
use super::value::FunctionId;

/// With more functions that matter than this, users are not looked for.
const NAMES: usize = 400;

/// A function's name, and the last part of its module's.
type Name = (Arc<str>, Arc<str>);

/// What was looked for in the sources that are not followed.
#[derive(Default)]
pub(super) struct Users {
    asked: FxHashSet<Name>,
}

impl Users {
    /// Sources not followed so far that name both a function that matters and the module it stands in.
    /// They were asked for other names before: whoever had one of those is followed.
    pub(super) fn find(
        &mut self,
        engine: &Engine<'_>,
        package: &Package,
        followed: &FxHashSet<u32>,
        unpacker: &mut Unpacker,
    ) -> Vec<u32> {
        let names = names(engine);
        if names.len() >= NAMES {
            return Vec::new();
        }
        let new: Vec<Name> = names
            .into_iter()
            .filter(|name| !self.asked.contains(name))
            .collect();
        let finders: Vec<(Finder<'_>, Finder<'_>)> = new
            .iter()
            .map(|(function, module)| (Finder::new(&**function), Finder::new(&**module)))
            .collect();
        let mut users = Vec::new();
        for (index, source) in (0..).zip(&package.sources) {
            let is_library = !matches!(source.role, Role::Test | Role::Doc);
            let is_whole = source.bytes.len() <= engine.budget.source_bytes;
            if finders.is_empty() || followed.contains(&index) || !is_library || !is_whole {
                continue;
            }
            let bytes = unpacker.read(&source.bytes);
            let is_user = finders.iter().any(|(function, module)| {
                function.find(bytes).is_some() && module.find(bytes).is_some()
            });
            if is_user {
                users.push(index);
            }
        }
        self.asked.extend(new);
        users
    }
}

/// The functions that matter to whoever calls them.
fn names(engine: &Engine<'_>) -> FxHashSet<Name> {
    let mut names = FxHashSet::default();
    for (at, function) in engine.functions.iter().enumerate() {
        let module = &engine.modules[function.module as usize];
        let is_test = matches!(module.facts.role, Role::Test | Role::Doc);
        if is_test
            || function.name.contains(['<', '.'])
            || !gives_labels(engine, FunctionId(at as u32))
        {
            continue;
        }
        let module = module.name.rsplit('.').next().unwrap_or_default();
        names.insert((function.name.clone(), module.into()));
    }
    names
}

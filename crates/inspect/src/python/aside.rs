//! [`Aside`]: tests and documentation, which nobody runs who installs a distribution. The first of them are
//! followed like everything else; in large distributions the rest only where other code reaches it.

use rustc_hash::FxHashSet;

use super::analysis::Inspected;
use super::engine::Engine;
use super::source::{Package, Role, Source};
use super::source_bytes::Unpacker;
use super::value::FunctionId;

/// So many bytes of tests and documentation are followed whoever uses them.
const WELCOME: usize = 1 << 20;

/// What is not followed unless it is asked for.
#[derive(Default)]
pub(super) struct Aside {
    taken: usize,
    left: FxHashSet<u32>,
    /// Words of lines that import from tests, in sources that are not followed themselves.
    words: Option<FxHashSet<String>>,
}

impl Aside {
    /// Whether this source waits for somebody to ask for it.
    pub(super) fn takes(&mut self, index: u32, source: &Source) -> bool {
        if !is_aside(source.role) {
            return false;
        }
        self.taken += source.bytes.len();
        let waits = self.taken > WELCOME;
        if waits {
            self.left.insert(index);
        }
        waits
    }

    /// The sources that code from elsewhere imports, or runs by their paths; each is given once.
    pub(super) fn asked_for(
        &mut self,
        engine: &Engine<'_>,
        package: &Package,
        unpacker: &mut Unpacker,
    ) -> Vec<u32> {
        if self.left.is_empty() {
            return Vec::new();
        }
        let words = self
            .words
            .get_or_insert_with(|| words_of_imports(engine, package, unpacker));
        let is_outside = |function: &FunctionId| {
            let module = engine.functions[function.0 as usize].module as usize;
            !is_aside(engine.modules[module].facts.role)
        };
        let mut names: FxHashSet<&str> = FxHashSet::default();
        for (function, sym) in &engine.import_edges {
            if is_outside(function) {
                let name = &**engine.symbols.name(*sym);
                let ends = name.match_indices('.').map(|(at, _)| at);
                names.extend(ends.chain([name.len()]).map(|end| &name[..end]));
            }
        }
        let paths = engine.path_edges.iter();
        let files: FxHashSet<&str> = paths
            .filter(|(function, _)| is_outside(function))
            .map(|(_, path)| path.rsplit(['/', '>']).next().unwrap_or(path))
            .collect();
        let is_asked = |index: &u32| {
            let source = &package.sources[*index as usize];
            let file = source.path.rsplit('/').next().unwrap_or(&source.path);
            let module = source.module.rsplit('.').next().unwrap_or_default();
            names.contains(&*source.module) || files.contains(file) || words.contains(module)
        };
        let asked: Vec<u32> = self.left.iter().copied().filter(is_asked).collect();
        self.left.retain(|index| !asked.contains(index));
        asked
    }
}

/// The words of lines that import something and name a folder of tests or documentation, in sources that
/// name nothing else and are not followed. They may be more than the names that are imported.
fn words_of_imports(
    engine: &Engine<'_>,
    package: &Package,
    unpacker: &mut Unpacker,
) -> FxHashSet<String> {
    let mut words = FxHashSet::default();
    let is_part = |each: char| each.is_alphanumeric() || each == '_';
    for (source, module) in package.sources.iter().zip(&engine.modules) {
        if is_aside(source.role) || module.facts.depth == Inspected::Whole {
            continue;
        }
        let bytes = unpacker.read(&source.bytes);
        for line in bytes.split(|byte| *byte == b'\n') {
            let line = line.trim_ascii_start();
            let imports = line.starts_with(b"import ") || line.starts_with(b"from ");
            let named = |word: &&str| memchr::memmem::find(line, word.as_bytes()).is_some();
            if imports && FOLDERS.iter().any(named) {
                let line = String::from_utf8_lossy(line);
                words.extend(line.split(|each| !is_part(each)).map(str::to_owned));
            }
        }
    }
    words
}

/// What folders and files of tests and documentation are called, in part.
const FOLDERS: &[&str] = &["test", "doc", "example", "sample", "benchmark", "tutorial"];

fn is_aside(role: Role) -> bool {
    matches!(role, Role::Test | Role::Doc)
}

//! What is given to the analysis: the Python sources of one distribution, what each is there for, and
//! how much work may be spent on them.

use std::sync::Arc;
use std::time::Duration;

use super::source_bytes::SourceBytes;

/// Why a Python source is in a distribution, which says when it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// `setup.py` of an sdist: runs when it is built.
    Install,
    /// A module below `backend-path` that is the `build-backend` (PEP 517).
    BuildBackend,
    /// An `import` line of a `.pth` file, `sitecustomize` or `usercustomize`: runs at each start of
    /// the interpreter.
    Startup,
    /// An importable module.
    Module,
    /// A script that is installed into `bin`.
    EntryPoint,
    /// A test of the project.
    Test,
    /// Documentation, examples, benchmarks.
    Doc,
}

/// One Python source, as it stands in the archive.
#[derive(Clone, Debug)]
pub struct Source {
    /// The member's name inside the archive, with `/`.
    pub path: Arc<str>,
    /// The dotted name by which the distribution's own code imports it, for example `demo.client`;
    /// empty when nothing can import it.
    pub module: Arc<str>,
    /// The bytes, undecoded.
    pub bytes: SourceBytes,
    /// What it is there for.
    pub role: Role,
}

/// A function that is run by name: a console script, a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryPoint {
    /// For example `console_scripts`.
    pub group: String,
    /// The name it is known by, for example `demo`.
    pub name: String,
    /// `module:attribute` or `module`, as the distribution says it.
    pub target: String,
}

/// The Python of one distribution.
#[derive(Clone, Debug, Default)]
pub struct Package {
    /// All sources, in the order of the archive.
    pub sources: Vec<Source>,
    /// All entry points.
    pub entry_points: Vec<EntryPoint>,
}

/// How much may be spent. What does not fit is reported as `ENG-002`, never passed over in silence.
#[derive(Clone, Debug)]
pub struct Budget {
    /// Bytes of one source; a larger one is not parsed.
    pub source_bytes: usize,
    /// Nesting or chaining of one expression; a deeper source is not walked.
    pub depth: u32,
    /// Syntax nodes visited in one source, repeated visits counted.
    pub nodes_per_source: u64,
    /// Steps of data flow remembered in one distribution.
    pub traces: usize,
    /// Bytes of code that decoding may yield in one distribution, all layers together.
    pub layer_bytes: usize,
    /// Bytes of values that folding may make in one distribution, all together. Small values are not
    /// counted.
    pub folded_bytes: usize,
    /// Layers of decoding that are followed.
    pub layers: u8,
    /// Time the analysis computes on one source, as its thread counts it: what else the machine does
    /// does not. Six times as much may pass.
    pub time_per_source: Duration,
    /// Time the analysis computes on the distribution, counted likewise.
    pub time: Duration,
    /// Time that may pass for the distribution, whatever else the machine does.
    pub longest: Duration,
    /// Bytes of stack of the thread that walks; reserved, not used, unless a source nests deeply.
    pub stack_bytes: usize,
}

impl Source {
    /// A source at `path` with `role`. Its dotted name is the path without `.py`, without a leading
    /// `src/` and without `/__init__`.
    #[must_use]
    pub fn new(path: &str, bytes: impl Into<SourceBytes>, role: Role) -> Self {
        Self {
            path: path.into(),
            module: module_name(path).into(),
            bytes: bytes.into(),
            role,
        }
    }
}

fn module_name(path: &str) -> String {
    let path = path.strip_prefix("src/").unwrap_or(path);
    let path = path
        .strip_suffix(".py")
        .or_else(|| path.strip_suffix(".pyw"))
        .unwrap_or(path);
    let path = path.strip_suffix("/__init__").unwrap_or(path);
    path.replace('/', ".")
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            source_bytes: 8 << 20,
            depth: 6_000,
            nodes_per_source: 12_000_000,
            traces: 200_000,
            layer_bytes: 8 << 20,
            folded_bytes: 256 << 20,
            layers: 5,
            time_per_source: Duration::from_millis(2_000),
            time: Duration::from_secs(10),
            longest: Duration::from_secs(60),
            stack_bytes: 512 << 20,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_named_as_it_is_imported() {
        for (path, name) in [
            ("demo/__init__.py", "demo"),
            ("demo/client.py", "demo.client"),
            ("src/demo/client.py", "demo.client"),
            ("setup.py", "setup"),
        ] {
            assert_eq!(module_name(path), name);
        }
    }
}

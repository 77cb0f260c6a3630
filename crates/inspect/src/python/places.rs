//! From byte offsets to lines and columns.

use super::engine::ModuleState;
use portcullis_core::inspection::Place;

/// The offset at which each line of `text` begins.
pub(super) fn line_starts(text: &str) -> Vec<u32> {
    let ends = memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at as u32 + 1);
    std::iter::once(0).chain(ends).collect()
}

/// The place of `offset` in `module`.
pub(super) fn place(module: &ModuleState, offset: u32) -> Place {
    let line = module
        .line_starts
        .partition_point(|start| *start <= offset)
        .max(1);
    let start = module.line_starts.get(line - 1).copied().unwrap_or(0) as usize;
    let before = module
        .text
        .as_deref()
        .and_then(|text| text.get(start..offset as usize));
    let column = before.map_or(0, |before| before.chars().count()) as u32 + 1;
    Place {
        file: module.facts.path.clone(),
        line: line as u32,
        column,
        layer: module.facts.layer,
    }
}

//! The tables in which uv, poetry, pdm, hatch and pipenv keep their own indexes and settings in
//! `pyproject.toml`. What the project wants is `pyproject`'s.

use crate::lint::contents::Contents;
use crate::lint::syntax::Node;

/// Reads those tables of the document `root`.
pub(super) fn read(root: &Node, contents: &mut Contents) {
    let _ = (root, contents);
}

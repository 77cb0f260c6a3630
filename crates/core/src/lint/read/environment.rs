//! Variables of the environment by which installers are set: `PIP_*`, `UV_*`, `POETRY_*`, `PDM_*`, `PIPENV_*`.

use crate::lint::contents::{Contents, InvocationId, Span};

/// Takes the variable `name`, which is set to `value`. `at` is the place of both.
pub(super) fn variable(
    (name, value): (&str, &str),
    (at, value_at): (Span, Span),
    by: Option<InvocationId>,
    contents: &mut Contents,
) {
    let _ = (name, value, at, value_at, by, contents);
}

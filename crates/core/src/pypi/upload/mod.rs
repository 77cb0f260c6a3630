//! The legacy upload form, `POST /legacy/`, as a typed model: [`FormCollector`] and [`UploadForm`]
//! read its fields within bounds, [`agree`] holds form, file name, METADATA and digests against
//! each other. Receiving bytes, authentication and policy are elsewhere.
//!
//! What the errors print is one line of ASCII for people, since it becomes the reason phrase of an
//! HTTP/1.1 answer, the only thing that most upload tools show.

mod agree;
mod digests;
mod form;

pub use agree::{Agreed, Disagreement, Witness, agree};
pub use digests::{ClaimedDigests, ComputedDigests};
pub use form::{Filetype, FormCollector, FormError, UploadForm, field_limit};

/// `text` as it may stand in a reason phrase: printable ASCII, and short.
fn in_reason_phrase(text: &str) -> String {
    const LONGEST: usize = 80;
    let printable = |c: char| {
        if c == ' ' || c.is_ascii_graphic() {
            c
        } else {
            '?'
        }
    };
    let mut shown: String = text.chars().take(LONGEST).map(printable).collect();
    if text.chars().nth(LONGEST).is_some() {
        shown.push_str("...");
    }
    shown
}

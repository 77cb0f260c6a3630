//! Reviews: somebody asks for what is refused (or wants something stopped), a reviewer looks at the case
//! and says yes or no. What was said is a fact for the rules; nothing here lets anything through.

use std::sync::Arc;

use portcullis_core::pypi::version::VersionSpecifiers;
use portcullis_store::reviews::{self, Review};

use crate::app::App;
use crate::error::FlowError;
use crate::identity::Caller;

pub mod in_force;
mod judgement;
pub mod told;
pub mod request;
pub mod queue;
pub mod evidence;
mod compare;
mod dependents;
pub mod decide;

/// Who asks or decides.
#[derive(Clone, Debug)]
pub struct Person {
    /// Who: a token's name, or what is known of somebody without one.
    pub who: String,
    /// What the client says of itself.
    pub client: Option<String>,
    /// The client's address.
    pub address: Option<String>,
}

/// The longest name that somebody without a token may give, in characters.
const MAX_NAME: usize = 60;

impl Person {
    /// The caller of a request. Where there is no token, `name` is what they say that they are called;
    /// it is told apart from a name that was proved by their address.
    pub fn of(caller: &Caller, name: Option<&str>) -> Self {
        let address = caller.address.map(|address| address.to_string());
        let name = name.map(str::trim).filter(|name| !name.is_empty());
        let who = caller.token_name().unwrap_or_else(|| {
            let name: String = name.unwrap_or("somebody").chars().take(MAX_NAME).collect();
            let place = address.as_deref().unwrap_or("an unknown address");
            format!("{name} at {place}")
        });
        Self {
            who,
            client: caller.user_agent_text(),
            address,
        }
    }

    /// Somebody at this machine's command line.
    pub fn here(who: String) -> Self {
        Self {
            who,
            client: Some("portcullis".to_owned()),
            address: None,
        }
    }
}

/// One review as it is kept.
async fn find(app: &App, id: i64) -> Result<Review, FlowError> {
    let found = reviews::find(&app.db, id).await?;
    found.ok_or_else(|| FlowError::Absent(format!("there is no review {id}")))
}

/// A reason that was given, fit to be kept.
fn reason_of(reason: &str) -> Result<&str, FlowError> {
    match reason.trim() {
        "" => Err(FlowError::Invalid(
            "give a reason: it is kept, and shown to those whom it concerns".to_owned(),
        )),
        reason => Ok(reason),
    }
}

/// Specifiers as they are kept: sorted and without white space, so that equal ones have equal texts.
pub fn specifiers_text(specifiers: &VersionSpecifiers) -> String {
    let each = specifiers
        .iter()
        .map(|one| one.to_string().replace(' ', ""));
    let mut texts: Vec<String> = each.collect();
    texts.sort_unstable();
    texts.dedup();
    texts.join(",")
}

/// Specifiers out of what is kept; `None` means every version.
fn kept_specifiers(text: &str) -> Result<Option<VersionSpecifiers>, FlowError> {
    if text.is_empty() {
        return Ok(None);
    }
    let unreadable = |error| FlowError::Job(format!("a review keeps {text:?}: {error}"));
    text.parse().map(Some).map_err(unreadable)
}

/// The index that a review is about, as it is configured now.
fn index_of<'a>(
    app: &'a App,
    review: &Review,
) -> Result<&'a Arc<portcullis_core::index::Index>, FlowError> {
    app.index(Some(&review.index))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_specifiers_have_equal_texts() {
        for (text, expected) in [
            (">=3,<4", "<4,>=3"),
            ("< 4, >= 3, <4", "<4,>=3"),
            ("==3.1.3", "==3.1.3"),
        ] {
            let specifiers = text.parse().expect(text);
            assert_eq!(specifiers_text(&specifiers), expected);
        }
        assert_eq!(specifiers_text(&VersionSpecifiers::empty()), "");
        assert!(matches!(kept_specifiers(""), Ok(None)));
    }
}

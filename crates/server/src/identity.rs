//! Who is asking: the token that a request shows and what the client says of itself. What a token may
//! do is decided by `portcullis_core::access`.

use std::net::IpAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, USER_AGENT};
use http::{HeaderMap, HeaderValue};
use portcullis_core::access::{Action, TOKEN_PREFIX, TokenText};
use portcullis_core::digest::Sha256;
use portcullis_store::tokens::{self, Token};

use crate::app::App;
use crate::config::Reading;
use crate::error::FlowError;
use crate::http::user_agent::kept;

/// Who is asking.
#[derive(Clone, Debug, Default)]
pub struct Caller {
    /// The token that was shown, if any.
    pub token: Option<Token>,
    /// What the client calls itself: the user part of its credentials, where it is not the usual
    /// `__token__`. CI jobs name themselves so. Nobody has proved it.
    pub job: Option<String>,
    /// The address of the connection.
    pub address: Option<IpAddr>,
    /// The User-Agent, as it was sent.
    pub user_agent: Option<HeaderValue>,
}

const NO_CREDENTIALS: &str = "a token is needed: user __token__, password the token";
const BAD_CREDENTIALS: &str = "the token is unknown, expired or revoked";

impl Caller {
    /// Reads who is asking from the headers of a request.
    ///
    /// # Errors
    /// [`FlowError::Unauthenticated`] when credentials are shown that are not a live token's: they
    /// are never ignored, so that a typing error does not look like a missing right.
    pub async fn of(
        app: &Arc<App>,
        headers: &HeaderMap,
        address: Option<IpAddr>,
    ) -> Result<Self, FlowError> {
        let (token, job) = match headers.get(AUTHORIZATION) {
            None => (None, None),
            Some(value) => {
                let shown = value.to_str().ok().and_then(credentials);
                let Some(shown) = shown else {
                    app.limits.may_show(address, None)?;
                    app.limits.note_failed(address);
                    return Err(FlowError::Unauthenticated(BAD_CREDENTIALS));
                };
                let token = authenticate(app, &shown.secret, address).await?;
                let token = token.ok_or(FlowError::Unauthenticated(BAD_CREDENTIALS))?;
                (Some(token), shown.job)
            }
        };
        Ok(Self {
            token,
            job,
            address,
            user_agent: headers.get(USER_AGENT).cloned(),
        })
    }

    /// The same from memory alone, for what tells nobody who asked: the token, if one is shown, was looked up
    /// a moment ago and is live. `None` where it takes more than that, or something has to be said.
    pub fn at_hand(app: &App, headers: &HeaderMap) -> Option<Self> {
        let mut caller = Self::default();
        if let Some(value) = headers.get(AUTHORIZATION) {
            let shown = credentials(value.to_str().ok()?)?;
            let hash = TokenText::parse(&shown.secret).ok()?.hash();
            let now = app.now();
            let token = app.tokens.get(&hash)?.filter(|token| token.is_live(now))?;
            app.last_used.note(token.id, now);
            caller.token = Some(token);
        }
        Some(caller)
    }

    /// The User-Agent as text, cut to what is kept.
    pub fn user_agent_text(&self) -> Option<String> {
        let text = String::from_utf8_lossy(self.user_agent.as_ref()?.as_bytes());
        Some(kept(&text).to_owned())
    }

    /// The name of the token, for records.
    pub fn token_name(&self) -> Option<String> {
        self.token.as_ref().map(|token| token.name.clone())
    }

    /// That the caller may read.
    ///
    /// # Errors
    /// [`FlowError::Unauthenticated`] without a token where one is needed, [`FlowError::Forbidden`]
    /// with one that may not read.
    pub fn may_read(&self, app: &App) -> Result<(), FlowError> {
        match (&self.token, app.config.reading) {
            (None, Reading::Anonymous) => Ok(()),
            _ => self.may(Action::Read),
        }
    }

    /// That the caller may do `action`.
    ///
    /// # Errors
    /// [`FlowError::Unauthenticated`] without a token, [`FlowError::Forbidden`] with one that does
    /// not reach that far.
    pub fn may(&self, action: Action<'_>) -> Result<(), FlowError> {
        let Some(token) = &self.token else {
            return Err(FlowError::Unauthenticated(NO_CREDENTIALS));
        };
        if token.scopes.allows(action) {
            return Ok(());
        }
        let what = match action {
            Action::Read => "read".to_owned(),
            Action::Upload(project) => format!("publish {project}"),
            Action::Review => "review".to_owned(),
            Action::Admin => "administer".to_owned(),
        };
        Err(FlowError::Forbidden(format!(
            "token {} may not {what}: its scopes are {}",
            token.name, token.scopes
        )))
    }
}

/// What an Authorization header shows.
struct Shown {
    /// What should be a token.
    secret: String,
    /// What the client calls itself.
    job: Option<String>,
}

/// The longest name of a job that is kept, in characters.
const MAX_JOB: usize = 200;

/// The user name as the name of a job. One that looks like a token is a slip, and never kept.
fn job_name(user: &str) -> Option<String> {
    let user = user.trim();
    if user.is_empty() || user == "__token__" || user.contains(TOKEN_PREFIX) {
        return None;
    }
    let kept = user.chars().take(MAX_JOB);
    Some(
        kept.map(|c| if c.is_control() { '\u{fffd}' } else { c })
            .collect(),
    )
}

/// The token in an Authorization header: Basic with any user name, as installers send it, or Bearer.
fn credentials(header: &str) -> Option<Shown> {
    let (scheme, rest) = header.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(Shown {
            secret: rest.trim().to_owned(),
            job: None,
        });
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    Some(Shown {
        secret: password.to_owned(),
        job: job_name(user),
    })
}

/// The digest of the token that a request shows, whether there is such a token or not.
pub(crate) fn shown_token(headers: &HeaderMap) -> Option<Sha256> {
    let shown = credentials(headers.get(AUTHORIZATION)?.to_str().ok()?)?;
    Some(TokenText::parse(&shown.secret).ok()?.hash())
}

async fn authenticate(
    app: &Arc<App>,
    text: &str,
    address: Option<IpAddr>,
) -> Result<Option<Token>, FlowError> {
    let text = TokenText::parse(text).ok();
    let hash = text.as_ref().map(TokenText::hash);
    app.limits.may_show(address, hash.as_ref())?;
    let live = match text.zip(hash) {
        Some((text, hash)) => look_up(app, &text, hash).await?,
        None => None,
    };
    if live.is_none() {
        app.limits.note_failed(address);
    }
    Ok(live)
}

async fn look_up(
    app: &Arc<App>,
    text: &TokenText,
    hash: Sha256,
) -> Result<Option<Token>, FlowError> {
    let now = app.now();
    let known = match app.tokens.get(&hash) {
        Some(known) => known,
        None => {
            let found = tokens::authenticate(&app.db, text, now).await?;
            app.tokens.insert(hash, found.clone());
            found
        }
    };
    let live = known.filter(|token| token.is_live(now));
    if let Some(token) = &live {
        app.last_used.note(token.id, now);
        app.limits.note_proven(hash);
    }
    Ok(live)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_taken_from_basic_and_bearer() {
        let secret = |header: &str| credentials(header).map(|shown| shown.secret);
        let basic = format!("Basic {}", STANDARD.encode("__token__:pc_x"));
        assert_eq!(secret(&basic).as_deref(), Some("pc_x"));
        assert_eq!(secret("bearer pc_x").as_deref(), Some("pc_x"));
        for header in ["", "Basic", "Basic !!", "Digest a", "Basic YQ=="] {
            assert_eq!(secret(header), None, "{header}");
        }
    }

    #[test]
    fn a_job_is_what_the_client_calls_itself() {
        let long = "a".repeat(300);
        for (user, expected) in [
            ("payments-build-4412", Some("payments-build-4412")),
            ("__token__", None),
            ("", None),
            ("pc_x", None),
            ("a\nb", Some("a\u{fffd}b")),
            (&long, Some(&long[..200])),
        ] {
            let header = format!("Basic {}", STANDARD.encode(format!("{user}:pc_x")));
            let shown = credentials(&header).expect("credentials");
            assert_eq!(shown.job.as_deref(), expected, "{user:?}");
        }
    }
}

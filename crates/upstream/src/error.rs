//! [`UpstreamError`]: what can go wrong between us and a source. That a source does not have
//! something is not in here, because it is an answer.

use std::time::Duration;

use reqwest::StatusCode;
use url::Url;

use crate::guard::ForbiddenAddress;
use crate::redact::redacted;

/// Why a source could not give an answer. URLs in it are redacted, and causes are kept as text, so
/// that it can be printed, logged and handed to many waiters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UpstreamError {
    /// No answer that counts: try later. An outage says nothing about what the source has.
    #[error("{place} cannot be reached: {trouble}")]
    Unreachable {
        /// The redacted URL, or a folder's path.
        place: String,
        /// What happened.
        trouble: Trouble,
        /// How long to wait, where the source or the breaker says so.
        retry_after: Option<Duration>,
    },
    /// The source answered that we may not have it (401, 403, 407, 451).
    #[error("{place} refuses the request: HTTP {status}")]
    Refused {
        /// The redacted URL.
        place: String,
        /// The status code.
        status: u16,
    },
    /// The answer is not what the protocol asks for.
    #[error("{place} answered something unusable: {problem}")]
    Invalid {
        /// The redacted URL, or a folder's path.
        place: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The address is one that we do not ask: a scheme, a downgrade or a network that the guard
    /// keeps closed.
    #[error("{place} must not be asked: {reason}")]
    Forbidden {
        /// The redacted URL, or a folder's path.
        place: String,
        /// Which rule, and what would allow it.
        reason: String,
    },
}

/// What kept a source from answering.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// No connection: refused, reset, no route, no such host, TLS.
    #[error("no connection ({0})")]
    Connect(String),
    /// It took too long.
    #[error("{0}")]
    Timeout(String),
    /// A status that says "not now": 408, 425, 429 or 5xx.
    #[error("HTTP {0}")]
    Status(u16),
    /// The connection broke in the middle of an answer.
    #[error("the answer broke off ({0})")]
    Broken(String),
    /// Bytes came, but fewer per second than the configured minimum.
    #[error("slower than {0} bytes per second")]
    TooSlow(u64),
    /// It failed several times in a row and is not asked for a while.
    #[error("it failed repeatedly and is not asked again for {} s", .0.as_secs().max(1))]
    Paused(Duration),
    /// The local disk or the operating system.
    #[error("{0}")]
    Io(String),
    /// No request may leave.
    #[error("the gateway is offline and asks nobody")]
    Offline,
}

impl UpstreamError {
    pub(crate) fn unreachable(url: &Url, trouble: Trouble) -> Self {
        Self::Unreachable {
            place: redacted(url),
            trouble,
            retry_after: None,
        }
    }

    pub(crate) fn invalid(url: &Url, problem: impl Into<String>) -> Self {
        Self::Invalid {
            place: redacted(url),
            problem: problem.into(),
        }
    }

    pub(crate) fn forbidden(url: &Url, reason: impl Into<String>) -> Self {
        Self::Forbidden {
            place: redacted(url),
            reason: reason.into(),
        }
    }

    /// What a status means that is neither a success, nor a redirect, nor absence.
    pub(crate) fn from_status(
        url: &Url,
        status: StatusCode,
        retry_after: Option<Duration>,
    ) -> Self {
        let place = redacted(url);
        match status.as_u16() {
            status @ (401 | 403 | 407 | 451) => Self::Refused { place, status },
            status @ (408 | 425 | 429 | 500..=599) => Self::Unreachable {
                place,
                trouble: Trouble::Status(status),
                retry_after,
            },
            status => Self::Invalid {
                place,
                problem: format!("HTTP {status}"),
            },
        }
    }

    /// What the HTTP client could not do. The client's own text would carry the URL unredacted.
    pub(crate) fn from_transport(url: &Url, error: reqwest::Error) -> Self {
        if let Some(forbidden) = find_cause::<ForbiddenAddress>(&error) {
            return Self::forbidden(url, forbidden.to_string());
        }
        let is_timeout = error.is_timeout();
        let is_connect = error.is_connect();
        // The client calls every failure of a body "decoding"; only a decoder's own complaint is
        // about what the source sent, as opposed to how far it got.
        let is_nonsense = find_cause::<std::io::Error>(&error)
            .is_some_and(|cause| cause.kind() == std::io::ErrorKind::InvalidData);
        let text = chain(&error.without_url());
        let trouble = match () {
            () if is_connect && !is_timeout => Trouble::Connect(text),
            () if is_connect => Trouble::Timeout("no connection in time".to_owned()),
            () if is_timeout => Trouble::Timeout("no data in time".to_owned()),
            () if is_nonsense => return Self::invalid(url, text),
            () => Trouble::Broken(text),
        };
        Self::unreachable(url, trouble)
    }

    /// Whether asking again at once may help: the connection failed, or a gateway in front of the
    /// source did, and nobody asked us to wait.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable {
                trouble,
                retry_after: None,
                ..
            } => {
                matches!(trouble, Trouble::Connect(_) | Trouble::Status(502..=504))
            }
            _ => false,
        }
    }

    /// How long the source, or the breaker in front of it, asks us to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unreachable { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Whether this is an outage, as opposed to an answer.
    pub fn is_outage(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
    }
}

fn find_cause<'e, E: std::error::Error + 'static>(
    error: &'e (dyn std::error::Error + 'static),
) -> Option<&'e E> {
    let chain = std::iter::successors(Some(error), |error| error.source());
    chain
        .into_iter()
        .find_map(|error| error.downcast_ref::<E>())
}

/// The messages of an error and its causes, each once, outermost left out where it only repeats.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut messages: Vec<String> = Vec::new();
    for error in std::iter::successors(Some(error), |error| error.source()) {
        let message = error.to_string();
        if !messages.iter().any(|known| known.contains(&message)) {
            messages.push(message);
        }
    }
    messages.join(": ")
}

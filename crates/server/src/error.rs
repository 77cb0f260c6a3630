//! [`FlowError`], everything that can keep a flow from its end. A refusal is one of them only so that
//! flows can return early; it is a value, with its decision. Status codes are in `http/problem.rs`.

use std::sync::Arc;
use std::time::Duration;

use portcullis_core::digest::Sha256;
use portcullis_core::gate::Refusal;
use portcullis_core::index::SourceName;
use portcullis_store::blobs::BlobError;
use portcullis_store::recorder::RecordError;
use portcullis_store::references::DeleteError;
use portcullis_store::{StoreError, Trouble};
use portcullis_upstream::UpstreamError;

/// Why a flow has not come to its end.
#[derive(Clone, Debug, thiserror::Error)]
pub enum FlowError {
    /// No source that may be asked has it.
    #[error("{0}")]
    Absent(String),
    /// The policy holds or denies it.
    #[error("{}", .0.decision.sentence())]
    Refused(Refusal),
    /// A source could not be asked, so that nobody knows whether it has it.
    #[error("source {source_name} cannot be used now: {error}")]
    Unreachable {
        /// The source.
        source_name: SourceName,
        /// What went wrong.
        error: UpstreamError,
    },
    /// A source of our own could not be read.
    #[error("source {source_name} cannot be used now: {error}")]
    SourceFailed {
        /// The source.
        source_name: SourceName,
        /// What went wrong.
        error: Arc<StoreError>,
    },
    /// What a source sent is not what its page announced.
    #[error("source {source_name} sent something else than announced: {what}")]
    Mismatch {
        /// The source.
        source_name: SourceName,
        /// What differs.
        what: String,
    },
    /// A source is up and will not give a file, or gives none that can be used. Asking again is in vain,
    /// which is why it is told apart from an outage: installers repeat those and lose the reason.
    #[error("source {source_name} cannot be used for this file: {error}")]
    Unusable {
        /// The source.
        source_name: SourceName,
        /// What went wrong.
        error: UpstreamError,
    },
    /// A file's content is not what it was when it was first seen.
    #[error("the file has sha256 {now}, it was first seen with {first}")]
    Replaced {
        /// The digest that it had first.
        first: Sha256,
        /// The digest that it has now.
        now: Sha256,
    },
    /// The request cannot be understood or contradicts itself.
    #[error("{0}")]
    Invalid(String),
    /// The file is larger than what may be published, in bytes.
    #[error("the file is larger than {0} bytes, the largest that may be published here")]
    TooLarge(u64),
    /// None of the forms that the client accepts is one of ours.
    #[error("{0}")]
    NotAcceptable(String),
    /// What was once understood is no longer.
    #[error("{0}")]
    Gone(String),
    /// The name belongs to somebody else here (PEP 752).
    #[error("{0}")]
    ForeignName(String),
    /// What is asked contradicts what is.
    #[error("{0}")]
    Conflict(String),
    /// The body of the request is in a form that is not read here.
    #[error("{0}")]
    UnknownForm(String),
    /// Somebody asks for more than one may ask for at a time.
    #[error("{0}")]
    TooMany(String),
    /// A client asks more often than it may.
    #[error("{what}")]
    TooFast {
        /// What it did too often, and what the limit is.
        what: String,
        /// When it may ask again.
        after: Duration,
    },
    /// The address of a request is longer than any that there is, in bytes.
    #[error("the address is longer than {0} bytes, and nothing here has such a long one")]
    TargetTooLong(usize),
    /// The disk has no room for an upload.
    #[error("no room for an upload of {needed} bytes: {free} bytes are free on the disk")]
    NoRoom {
        /// How many bytes were announced.
        needed: u64,
        /// How many are free.
        free: u64,
    },
    /// Nobody has proved who they are.
    #[error("{0}")]
    Unauthenticated(&'static str),
    /// The token does not reach that far.
    #[error("{0}")]
    Forbidden(String),
    /// The database failed.
    #[error("{0}")]
    Store(Arc<StoreError>),
    /// The blobs failed.
    #[error("{0}")]
    Blob(Arc<BlobError>),
    /// The local disk failed.
    #[error("{0}")]
    Disk(Arc<std::io::Error>),
    /// Work beside requests failed for a reason of its own.
    #[error("{0}")]
    Job(String),
    /// The server is stopping.
    #[error("the server is stopping")]
    Stopping,
}

/// How long clients are asked to wait in an outage. pip and poetry sleep as long as they are told, five
/// times in a row and without a word to their user, so what an upstream asks of us is not passed on.
const WAIT: Duration = Duration::from_secs(2);

impl FlowError {
    /// The same for an answer about a file: only an outage is worth asking again.
    #[must_use]
    pub fn about_a_file(self) -> Self {
        match self {
            Self::Unreachable { source_name, error } if !error.is_outage() => {
                Self::Unusable { source_name, error }
            }
            other => other,
        }
    }

    /// Whether database, vault or disk do not answer, which will pass. That a blob is not kept is an answer.
    pub fn is_outage_of_ours(&self) -> bool {
        match self {
            Self::Store(_) | Self::Disk(_) => true,
            Self::Blob(error) => !matches!(**error, BlobError::Missing(_)),
            _ => false,
        }
    }

    /// What is the matter with database, vault or disk, where that is why.
    pub fn trouble(&self) -> Option<Trouble> {
        match self {
            Self::Store(error) | Self::SourceFailed { error, .. } => Some((&**error).into()),
            Self::Blob(error) if !matches!(**error, BlobError::Missing(_)) => {
                Some((&**error).into())
            }
            Self::Disk(error) => Some((&**error).into()),
            _ => None,
        }
    }

    /// How long the client should wait before it asks again; `None` where asking again is in vain.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unreachable { error, .. } => error.is_outage().then_some(WAIT),
            Self::SourceFailed { .. } | Self::Store(_) | Self::Blob(_) | Self::Disk(_) => {
                Some(WAIT)
            }
            Self::TooFast { after, .. } => Some(*after),
            _ => None,
        }
    }
}

impl From<StoreError> for FlowError {
    fn from(error: StoreError) -> Self {
        Self::Store(Arc::new(error))
    }
}

impl From<RecordError> for FlowError {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::Failed(error) => Self::Store(error),
            RecordError::Stopped => Self::Stopping,
        }
    }
}

impl From<BlobError> for FlowError {
    fn from(error: BlobError) -> Self {
        Self::Blob(Arc::new(error))
    }
}

impl From<DeleteError> for FlowError {
    fn from(error: DeleteError) -> Self {
        match error {
            DeleteError::Store(error) => error.into(),
            DeleteError::Blob(error) => error.into(),
        }
    }
}

impl From<std::io::Error> for FlowError {
    fn from(error: std::io::Error) -> Self {
        Self::Disk(Arc::new(error))
    }
}

impl From<Refusal> for FlowError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

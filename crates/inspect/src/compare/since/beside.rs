//! [`Beside`]: what is known of two releases beside their files.

use std::collections::BTreeSet;

use portcullis_core::fact::PublisherStanding;
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::time::Timestamp;

/// What is known of two releases beside their files. What is not known changes nothing.
#[derive(Clone, Debug, Default)]
pub struct Beside {
    /// The release that was let through.
    pub before: Release,
    /// The release that is looked at.
    pub now: Release,
    /// Who published the one, compared with who published the other, where their attestations were asked
    /// for.
    pub publisher: Option<PublisherStanding>,
    /// Names among [`super::new_dependencies`] that nobody here has ever asked for.
    pub never_seen: BTreeSet<ProjectName>,
}

/// What the page of a project says of one release.
#[derive(Clone, Copy, Debug, Default)]
pub struct Release {
    /// When its first file was uploaded.
    pub uploaded: Option<Timestamp>,
    /// Whether it has an sdist.
    pub has_sdist: Option<bool>,
}

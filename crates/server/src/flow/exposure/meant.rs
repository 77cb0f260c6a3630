//! [`meant`]: from what people ask about to the projects and versions that it stands for.

use std::str::FromStr as _;
use std::sync::Arc;

use portcullis_core::advisory::{Advisory, AdvisoryIndex};
use portcullis_core::digest::Sha256;
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::pypi::version::{Version, VersionSpecifiers, admits};
use portcullis_store::exposure::{self, Exposed};
use portcullis_store::{Db, StoreError};

use super::subject::Subject;

/// One part of what is asked about.
#[derive(Clone, Debug)]
pub enum Meant {
    /// Versions of a project.
    Releases {
        /// The project.
        project: ProjectName,
        /// Which versions.
        which: Which,
        /// Those of them that were ever downloaded; of no use when all are meant.
        downloaded: Vec<String>,
    },
    /// One content.
    Content(Sha256),
    /// Everything.
    Everything,
}

/// Which versions of a project.
#[derive(Clone, Debug)]
pub enum Which {
    /// All, and files whose version is not known.
    All,
    /// Those that specifiers admit.
    Admitted(VersionSpecifiers),
    /// Those that an advisory affects.
    Affected(Arc<Advisory>),
}

impl Which {
    /// Whether the version that is spelled so is meant.
    pub fn means(&self, version: Option<&str>) -> bool {
        match (self, version) {
            (Self::All, _) => true,
            (_, None) => false,
            (Self::Admitted(specifiers), Some(text)) => {
                Version::from_str(text).is_ok_and(|version| admits(specifiers, &version))
            }
            (Self::Affected(advisory), Some(text)) => advisory.affects_spelled(text),
        }
    }
}

impl Meant {
    /// The same for the vault.
    pub fn exposed(&self) -> Exposed<'_> {
        match self {
            Self::Releases {
                project,
                which: Which::All,
                ..
            } => Exposed::Project(project),
            Self::Releases {
                project,
                downloaded,
                ..
            } => Exposed::Releases(project, downloaded),
            Self::Content(sha256) => Exposed::Content(sha256),
            Self::Everything => Exposed::Anything,
        }
    }
}

/// Why nothing can be said about a subject.
#[derive(Debug, thiserror::Error)]
pub enum NothingMeant {
    /// No advisories were loaded.
    #[error("no advisories have been loaded yet, so that nobody knows what {0} is about")]
    NoAdvisories(Box<str>),
    /// No advisory has this id.
    #[error("no advisory that is loaded is called {0}")]
    UnknownAdvisory(Box<str>),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What `subject` stands for.
///
/// # Errors
/// [`NothingMeant`].
pub async fn meant(
    db: &Db,
    subject: &Subject,
    advisories: Option<&AdvisoryIndex>,
) -> Result<Vec<Meant>, NothingMeant> {
    match subject {
        Subject::Everything => Ok(vec![Meant::Everything]),
        Subject::Content(sha256) => Ok(vec![Meant::Content(*sha256)]),
        Subject::Releases(requirement) => {
            let which = match requirement.specifiers.is_empty() {
                true => Which::All,
                false => Which::Admitted(requirement.specifiers.clone()),
            };
            Ok(vec![releases(db, &requirement.name, which).await?])
        }
        Subject::Advisory(id) => {
            let advisories = advisories.ok_or_else(|| NothingMeant::NoAdvisories(id.clone()))?;
            let mut found = Vec::new();
            for (project, advisory) in called(advisories, id) {
                found.push(releases(db, project, Which::Affected(advisory)).await?);
            }
            match found.is_empty() {
                true => Err(NothingMeant::UnknownAdvisory(id.clone())),
                false => Ok(found),
            }
        }
    }
}

/// Versions of a project, with those of them that were downloaded.
pub(crate) async fn releases(
    db: &Db,
    project: &ProjectName,
    which: Which,
) -> Result<Meant, StoreError> {
    let mut downloaded = match which {
        Which::All => Vec::new(),
        _ => exposure::versions(db, project).await?,
    };
    downloaded.retain(|version| which.means(Some(version)));
    Ok(Meant::Releases {
        project: project.clone(),
        which,
        downloaded,
    })
}

/// The advisories that are called `id`, or have it for an alias, with the project that each is about.
fn called<'a>(advisories: &'a AdvisoryIndex, id: &str) -> Vec<(&'a ProjectName, Arc<Advisory>)> {
    let is_called = |advisory: &&Arc<Advisory>| {
        let record = advisory.record();
        *record.id == *id || record.aliases.iter().any(|alias| **alias == *id)
    };
    let of_project = |project: &'a ProjectName| {
        let found = advisories.of(project).iter().filter(is_called);
        found.map(move |advisory| (project, Arc::clone(advisory)))
    };
    advisories.projects().flat_map(of_project).collect()
}

//! Learning what is in the bytes of one file, before it is cleared or published: once, however many wait for
//! it. Whatever cannot be learned in time stays unknown, and the policy says what that means.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use portcullis_core::digest::Sha256;
use portcullis_core::fact::FileFacts;
use portcullis_core::index::Index;
use portcullis_core::inspection::{ContentFacts, Inspected, Knowledge};
use portcullis_core::policy::Effect;
use portcullis_core::pypi::filename::DistFilename;
use portcullis_core::pypi::name::ProjectName;

use super::beside;
use super::news::{self, Finding};
use crate::app::App;
use crate::error::FlowError;
use crate::flow::gather::Gathered;
use crate::inspection::{self, Look, Place, Subject};

/// What is known of the bytes `sha256` of a file that is in the vault; `None` where the policy of the index
/// does not look into files. Waits no longer than the configured patience.
///
/// # Errors
/// [`FlowError`] when database or vault do not answer.
pub async fn learn(
    app: &Arc<App>,
    gathered: &Arc<Gathered>,
    facts: &FileFacts,
    sha256: Sha256,
) -> Result<Option<ContentFacts>, FlowError> {
    let origin = gathered.facts.origin.as_ref();
    let Some(origin) = origin.filter(|_| app.policy(&gathered.facts.index).looks_inside()) else {
        return Ok(None);
    };
    let source = origin.source.clone();
    let project = gathered.facts.project.clone();
    let key = (source, project, facts.filename.to_string());
    if let Some(learned) = app.contents.learned.get(&(key.clone(), sha256)) {
        return Ok(Some(learned));
    }
    let learning = Learning {
        app: Arc::clone(app),
        gathered: Arc::clone(gathered),
        facts: facts.clone(),
        sha256,
    };
    let start = || async move { learning.learn().await };
    match app.contents.flights.run(key.clone(), start).await {
        Ok(learned) => {
            let learned = learned?;
            if learned.inspection.known().is_some() {
                app.contents.learned.insert((key, sha256), learned.clone());
            }
            Ok(Some(learned))
        }
        Err(_) => Ok(Some(ContentFacts {
            inspection: Knowledge::not_learned("its inspection ended without a result"),
            ..ContentFacts::default()
        })),
    }
}

/// What is known of the bytes of a file that is being published, and is in scratch space; `None` where the
/// policy does not look into files.
///
/// # Errors
/// [`FlowError`] when database or vault do not answer.
pub async fn learn_of_upload(
    app: &Arc<App>,
    index: &Index,
    upload: Upload<'_>,
) -> Result<Option<ContentFacts>, FlowError> {
    if !app.policy(&index.name).looks_inside() {
        return Ok(None);
    }
    let subject = Subject {
        sha256: upload.sha256,
        filename: upload.filename.clone(),
        size: upload.size,
        place: Place::Scratch(upload.path),
    };
    let look = inspection::look(app, &subject, app.config.inspection.patience).await;
    Ok(Some(ContentFacts {
        inspection: knowledge(look)?,
        ..ContentFacts::default()
    }))
}

/// A file that is being published.
pub struct Upload<'a> {
    /// Its name.
    pub filename: &'a DistFilename,
    /// The digest of its bytes.
    pub sha256: Sha256,
    /// Its size in bytes.
    pub size: u64,
    /// Where it is in scratch space.
    pub path: PathBuf,
}

/// One file, from its bytes to what is known of them.
struct Learning {
    app: Arc<App>,
    gathered: Arc<Gathered>,
    facts: FileFacts,
    sha256: Sha256,
}

impl Learning {
    async fn learn(self) -> Result<ContentFacts, FlowError> {
        let inspection = self.look().await?;
        let Some(inspected) = inspection.known().cloned() else {
            return Ok(ContentFacts {
                inspection,
                ..ContentFacts::default()
            });
        };
        let subject = beside::Subject {
            gathered: &self.gathered,
            facts: &self.facts,
            sha256: self.sha256,
            inspected: &inspected,
        };
        let content = beside::compare(&self.app, &subject).await;
        self.tell(&inspected).await;
        let project = &self.gathered.facts.project;
        self.app.contents.forget(project);
        if is_remarkable(&content) {
            self.app.forget_rendered(project);
        }
        Ok(content)
    }

    async fn look(&self) -> Result<Knowledge<Arc<Inspected>>, FlowError> {
        let project = &self.gathered.facts.project;
        let Some(subject) = subject(project, &self.facts, self.sha256) else {
            return Ok(Knowledge::not_learned(
                "its name is that of no distribution",
            ));
        };
        let patience = self.app.config.inspection.patience;
        knowledge(inspection::look(&self.app, &subject, patience).await)
    }

    async fn tell(&self, inspected: &Inspected) {
        let finding = Finding {
            source: self.gathered.facts.origin.as_ref().map(|from| &from.source),
            project: &self.gathered.facts.project,
            filename: &self.facts.filename,
            inspected,
        };
        news::tell(&self.app, &finding).await;
    }
}

/// Whether the page of its project may have to show it otherwise than one of which nothing is known.
fn is_remarkable(content: &ContentFacts) -> bool {
    let inspected = content.inspection.known();
    let since = content.since.known();
    let sdist = content.sdist.known();
    inspected.is_none_or(|inspected| inspected.effect() > Effect::Allow)
        || since.is_some_and(|since| !since.changes.is_empty())
        || sdist.is_some_and(|sdist| !sdist.differences.is_empty())
}

/// What the inspection is asked to look into, for a file that is in the vault.
pub(super) fn subject(project: &ProjectName, facts: &FileFacts, sha256: Sha256) -> Option<Subject> {
    let filename = DistFilename::parse(&facts.filename, Some(project)).ok()?;
    Some(Subject {
        sha256,
        filename,
        size: facts.size.known().copied().unwrap_or(0),
        place: Place::Vault,
    })
}

/// What looking came to, as rules know it.
///
/// # Errors
/// What does not answer.
pub(super) fn knowledge(look: Look) -> Result<Knowledge<Arc<Inspected>>, FlowError> {
    Ok(match look {
        Look::Seen(inspected) => Knowledge::of(inspected),
        Look::UnderWay { retry_after } => Knowledge::not_learned(format!(
            "it is being inspected; ask again in {} s",
            seconds(retry_after)
        )),
        Look::Failed { why } => Knowledge::not_learned(why),
        Look::Unavailable(error) => return Err(error),
    })
}

fn seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_too_early_is_told_when_to_come_again() {
        let look = Look::UnderWay {
            retry_after: Duration::from_millis(2_100),
        };
        let expected = Knowledge::not_learned("it is being inspected; ask again in 3 s");
        assert_eq!(knowledge(look).expect("it is under way"), expected);
    }
}

//! A file beside others: the one before it that was let through, and for a wheel the sdist of its release.
//! What there is to compare with is chosen here; comparing is the crate `inspect`'s.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use portcullis_core::digest::Sha256;
use portcullis_core::fact::{Fact, FileFacts, PublisherStanding};
use portcullis_core::inspection::{
    Candidate, CapabilityKind, Changes, ContentFacts, Contents, Differences, Inspected, Knowledge,
    baseline,
};
use portcullis_core::policy::rule::Need;
use portcullis_core::pypi::filename::{DistFilename, DistKind};
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::time::Timestamp;
use portcullis_inspect::compare::{self, Beside, Release};
use portcullis_inspect::inspection::REVISION;
use portcullis_store::comparisons::{self, Comparison, ComparisonKind};
use portcullis_store::{holdings, inspections};
use serde::Serialize;
use tracing::warn;

use super::ahead::obtain;
use super::learn::{knowledge, subject as to_look_at};
use crate::app::App;
use crate::error::FlowError;
use crate::flow::gather::Gathered;
use crate::flow::publisher;
use crate::flow::releases::candidate_of;
use crate::inspection;

/// The largest sdist that is fetched only to compare a wheel with it, in bytes.
const LARGEST_SDIST: u64 = 25 << 20;

/// Up to which age of a release it is asked who published it.
const YOUNG: i64 = 30 * Timestamp::DAY;

/// How long attestations are waited for.
const ATTESTATIONS: Duration = Duration::from_secs(3);

/// A file whose bytes were looked into.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) gathered: &'a Arc<Gathered>,
    pub(super) facts: &'a FileFacts,
    pub(super) sha256: Sha256,
    pub(super) inspected: &'a Arc<Inspected>,
}

/// What is known of the file's bytes, together with what they are beside others. What cannot be compared is
/// as if there were nothing to compare with; what could be and was not in time stays unknown.
pub(super) async fn compare(app: &Arc<App>, subject: &Subject<'_>) -> ContentFacts {
    let mut content = ContentFacts {
        inspection: Knowledge::of(Arc::clone(subject.inspected)),
        ..ContentFacts::default()
    };
    let contents = match inspection::contents_of(app, &subject.sha256).await {
        Ok(Some(contents)) => contents,
        // Its inspection crashed; there is a finding that says so.
        Ok(None) => return content,
        Err(error) => {
            warn!(
                "what is inside {} is unknown: {error}",
                subject.facts.filename
            );
            return content;
        }
    };
    let file = Side {
        subject,
        contents: &contents,
    };
    match file.since(app).await {
        Ok(Some(changes)) => content.since = Knowledge::of(Arc::new(changes)),
        Ok(None) => {}
        Err(error) => content.since = Knowledge::not_learned(error.to_string()),
    }
    content.sdist = file.with_sdist(app).await;
    content
}

/// A file and what is inside it.
struct Side<'a> {
    subject: &'a Subject<'a>,
    contents: &'a Contents,
}

/// Another file that was looked into.
struct Other {
    filename: String,
    inspected: Arc<Inspected>,
    contents: Contents,
}

impl Side<'_> {
    /// What it changes against the file before it that the index lets through; `None` where there is none.
    async fn since(&self, app: &Arc<App>) -> Result<Option<Changes>, FlowError> {
        let Some(before) = self.before(app).await? else {
            return Ok(None);
        };
        let never_seen = self.never_seen(app, &before).await?;
        let beside = Beside {
            before: self.release(&before.filename),
            now: self.release(&self.subject.facts.filename),
            publisher: self.publisher(app).await,
            never_seen,
        };
        let now = (&**self.subject.inspected, self.contents);
        let changes = compare::since((&*before.inspected, &before.contents), now, &beside);
        self.keep(app, ComparisonKind::Before, &before, &changes)
            .await;
        Ok(Some(changes))
    }

    /// The file before it that was looked into and passes now.
    async fn before(&self, app: &Arc<App>) -> Result<Option<Other>, FlowError> {
        let gathered = self.subject.gathered;
        let project = &gathered.facts.project;
        let file = DistFilename::parse(&self.subject.facts.filename, Some(project));
        let (Some(page), Ok(file)) = (&gathered.page, file) else {
            return Ok(None);
        };
        let source = page.origin.source.as_str();
        let looked_into = inspections::files_of_project(&app.db, source, project).await?;
        let candidates = looked_into.iter().filter_map(|other| {
            let (_, listed) = page.file(&other.filename)?;
            let filename = DistFilename::parse(&other.filename, Some(project)).ok()?;
            let passes = other.complete && gathered.judge_file(app, listed).lets_through();
            Some(Candidate {
                filename,
                sha256: other.sha256,
                was_let_through: passes,
            })
        });
        let candidates: Vec<Candidate> = candidates.collect();
        match baseline(&file, &candidates) {
            Some(found) => other(app, found.filename.as_str(), &found.sha256).await,
            None => Ok(None),
        }
    }

    /// Whether the release comes from whom the release before it came from, by their attestations. Asked for
    /// young releases only: whoever takes over a project publishes now.
    async fn publisher(&self, app: &Arc<App>) -> Option<PublisherStanding> {
        let page = self.subject.gathered.page.as_ref()?;
        let version = self.subject.facts.version.known()?;
        let uploaded = *page.release(version)?.first_upload.known()?;
        if uploaded < app.now().plus_millis(-YOUNG) {
            return None;
        }
        let standing = publisher::standing(app, page, version);
        let standing = tokio::time::timeout(ATTESTATIONS, standing).await;
        standing.ok()?.known().cloned()
    }

    fn release(&self, filename: &str) -> Release {
        let page = self.subject.gathered.page.as_ref();
        let listed = page.and_then(|page| Some((page, page.file(filename)?.1)));
        let Some((page, listed)) = listed else {
            return Release::default();
        };
        let version = listed.version.known();
        let release = version.and_then(|version| page.release(version));
        Release {
            uploaded: release.and_then(|release| release.first_upload.known().copied()),
            has_sdist: Some(listed.release.sdists > 0),
        }
    }

    /// The names that it requires and the one before did not, that are not popular, and of which nothing was
    /// ever received here.
    async fn never_seen(
        &self,
        app: &App,
        before: &Other,
    ) -> Result<BTreeSet<ProjectName>, FlowError> {
        let mut never_seen = BTreeSet::new();
        for name in compare::new_dependencies(&before.contents, self.contents) {
            let is_known = app.knowledge.is_popular(&name)
                || app.names.load().owned.ownership(&name).is_some()
                || !holdings::files(&app.db, &name).await?.is_empty();
            if !is_known {
                never_seen.insert(name);
            }
        }
        Ok(never_seen)
    }

    /// What a wheel has that the sdist of its release does not account for. The sdist is fetched where the
    /// policy wants to know and the wheel does anything unasked that matters: a difference that does
    /// nothing would change nothing.
    async fn with_sdist(&self, app: &Arc<App>) -> Knowledge<Arc<Differences>> {
        let gathered = self.subject.gathered;
        let policy = app.policy(&gathered.facts.index);
        if !policy.needs(Need::Sdist) || !does_something_unasked(self.subject.inspected) {
            return Knowledge::Ahead;
        }
        let Some(sdist) = self.sdist() else {
            return Knowledge::Ahead;
        };
        let patience = app.config.inspection.patience;
        let wait = self.sdist_beside(app, sdist, patience);
        match tokio::time::timeout(patience, wait).await {
            Ok(differences) => differences,
            Err(_) => Knowledge::not_learned("its sdist did not arrive in time"),
        }
    }

    /// The sdist of the same release, where there is one that is not too large.
    fn sdist(&self) -> Option<&FileFacts> {
        let facts = self.subject.facts;
        let page = self.subject.gathered.page.as_ref()?;
        if !matches!(facts.kind, DistKind::Wheel(_)) {
            return None;
        }
        let version = facts.version.known()?;
        let sdists = page.facts.iter().filter(|other| {
            other.kind == DistKind::Sdist && other.version.known() == Some(version)
        });
        let mut small =
            sdists.filter(|sdist| sdist.size.known().is_none_or(|size| *size <= LARGEST_SDIST));
        small.next()
    }

    async fn sdist_beside(
        &self,
        app: &Arc<App>,
        sdist: &FileFacts,
        patience: Duration,
    ) -> Knowledge<Arc<Differences>> {
        let gathered = self.subject.gathered;
        let Some(candidate) = candidate_of(app, gathered, &sdist.filename) else {
            return Knowledge::Ahead;
        };
        let sha256 = match obtain(app, &candidate).await {
            Ok(sha256) => sha256,
            Err(error) => return Knowledge::not_learned(format!("its sdist: {error}")),
        };
        let Some(wanted) = to_look_at(&gathered.facts.project, sdist, sha256) else {
            return Knowledge::Ahead;
        };
        let look = inspection::look(app, &wanted, patience).await;
        match knowledge(look) {
            Ok(Knowledge::Learned(Fact::Unknown(why))) => {
                return Knowledge::not_learned(format!("its sdist: {why}"));
            }
            Err(error) => return Knowledge::not_learned(format!("its sdist: {error}")),
            Ok(Knowledge::Learned(Fact::Known(_)) | Knowledge::Ahead) => {}
        }
        match other(app, &sdist.filename, &sha256).await {
            Ok(Some(other)) => {
                let wheel = (&**self.subject.inspected, self.contents);
                let differences = compare::with_sdist(wheel, (&*other.inspected, &other.contents));
                self.keep(app, ComparisonKind::Sdist, &other, &differences)
                    .await;
                Knowledge::of(Arc::new(differences))
            }
            Ok(None) => Knowledge::not_learned("its sdist could not be read"),
            Err(error) => Knowledge::not_learned(format!("its sdist: {error}")),
        }
    }

    /// Keeps what a comparison came to, so that pages agree with downloads after a restart and on every
    /// replica. Where it cannot be kept it is made again.
    async fn keep(
        &self,
        app: &App,
        kind: ComparisonKind,
        other: &Other,
        record: &(impl Serialize + Sync),
    ) {
        let gathered = self.subject.gathered;
        let Some(origin) = &gathered.facts.origin else {
            return;
        };
        let comparison = Comparison {
            filename: self.subject.facts.filename.to_string(),
            kind,
            sha256: self.subject.sha256,
            other: other.inspected.sha256,
            other_filename: other.filename.clone(),
            revision: REVISION,
            record: serde_json::to_string(record).expect("comparisons are plain data"),
        };
        let (source, project) = (origin.source.as_str(), &gathered.facts.project);
        let kept = comparisons::keep(&app.db, source, project, &comparison, app.now()).await;
        if let Err(error) = kept {
            let filename = &comparison.filename;
            warn!("what comparing {filename} came to was not kept: {error}");
        }
    }
}

async fn other(app: &App, filename: &str, sha256: &Sha256) -> Result<Option<Other>, FlowError> {
    let inspected = inspection::known(app, sha256).await?;
    let contents = inspection::contents_of(app, sha256).await?;
    Ok(inspected.zip(contents).map(|(inspected, contents)| Other {
        filename: filename.to_owned(),
        inspected,
        contents,
    }))
}

/// Whether a wheel does anything unasked that a difference from its sdist could be about.
fn does_something_unasked(inspected: &Inspected) -> bool {
    let matters = |kind| {
        matches!(
            kind,
            CapabilityKind::Network
                | CapabilityKind::Process
                | CapabilityKind::DynamicCode
                | CapabilityKind::FileDelete
                | CapabilityKind::Spying
        )
    };
    inspected
        .capabilities
        .iter()
        .any(|one| one.context.is_unasked() && matters(one.kind))
}

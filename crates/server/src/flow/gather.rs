//! Gathering: which source has a project, and what is known of it and its files. The next step,
//! judging, cannot fetch; so everything that rules may look at is here afterwards.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use portcullis_core::digest::Sha256;
use portcullis_core::fact::{
    Fact, Facts, FileFacts, ProjectFacts, PublisherStanding, ReleaseFacts,
};
use portcullis_core::index::{Index, Route};
use portcullis_core::inspection::ContentFacts;
use portcullis_core::policy::{Decision, Policy, judge};
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::pypi::version::Version;
use portcullis_core::release_metadata::ReleaseMetadata;
use portcullis_core::time::Timestamp;

use super::contents::{self, Seen};
use super::publisher;
use super::releases::{self, Known};
use super::source_pages::{known_page, source_page};
use crate::app::App;
use crate::error::FlowError;
use crate::source_page::SourcePage;

/// What is known of a project as one index sees it.
#[derive(Clone, Debug)]
pub struct Gathered {
    /// The facts of the project.
    pub facts: ProjectFacts,
    /// Its page; `None` when no source that may be asked has it.
    pub page: Option<Arc<SourcePage>>,
    /// Which sources were to be asked, and which were spared.
    pub route: Route,
    /// The epoch under which this was gathered.
    pub epoch: u64,
    /// Who published the releases for which that matters.
    publishers: HashMap<Version, Fact<PublisherStanding>>,
    /// What the metadata of its releases says, where the policy looks at it.
    known: Option<Arc<Known>>,
    /// What was seen in its files, where the policy looks into them.
    seen: Option<Arc<Seen>>,
}

/// Asks the sources of `index` for `project` in the order of the routing law. The first that has it
/// gives it whole.
///
/// # Errors
/// The [`FlowError`] of the first source that could not be asked: an outage never makes the next
/// source win.
pub async fn gather(
    app: &Arc<App>,
    index: &Index,
    project: &ProjectName,
) -> Result<Gathered, FlowError> {
    let mut gathered = first_that_has(app, index, project, Asking::Everybody).await?;
    if releases::is_needed(&app.policy(&index.name)) {
        gathered.learn_releases(app).await?;
    }
    if app.policy(&index.name).looks_inside() {
        gathered.learn_contents(app).await?;
    }
    gathered.learn_publishers(app).await;
    Ok(gathered)
}

/// The same without asking anybody outside: what is published here, lies in a folder, or was kept of an
/// upstream, however old. For looking back, not for serving.
///
/// # Errors
/// [`FlowError`] when the database or a folder fails.
pub async fn gather_known(
    app: &Arc<App>,
    index: &Index,
    project: &ProjectName,
) -> Result<Gathered, FlowError> {
    let mut gathered = first_that_has(app, index, project, Asking::NobodyOutside).await?;
    // Some other policy than the one in force may be judged under.
    gathered.learn_releases(app).await?;
    gathered.learn_contents(app).await?;
    Ok(gathered)
}

/// Who may be asked for a page.
#[derive(Clone, Copy, Debug)]
enum Asking {
    /// Every source that the route names.
    Everybody,
    /// What is here already.
    NobodyOutside,
}

/// What the first source that has the project gives, in the order of the routing law.
async fn first_that_has(
    app: &Arc<App>,
    index: &Index,
    project: &ProjectName,
    asking: Asking,
) -> Result<Gathered, FlowError> {
    let epoch = app.epoch();
    let names = app.names.load_full();
    let route = index.route(project, &names.owned);
    let mut found = None;
    for source in &route.ask {
        let source = app.source(&source.name);
        found = match asking {
            Asking::Everybody => source_page(app, source, project).await?,
            Asking::NobodyOutside => known_page(app, source, project).await?,
        };
        if found.is_some() {
            break;
        }
    }
    Ok(Gathered::from_page(
        app,
        project,
        (index, route, epoch),
        found,
    ))
}

/// How many releases are asked for their publisher at most, the newest first: those that are held back
/// are few.
const PUBLISHERS_ASKED: usize = 5;

impl Gathered {
    fn from_page(
        app: &App,
        project: &ProjectName,
        (index, route, epoch): (&Index, Route, u64),
        page: Option<Arc<SourcePage>>,
    ) -> Self {
        let mut facts = ProjectFacts {
            origin: page.as_ref().map(|page| page.origin.clone()),
            ownership: route.ownership.clone(),
            prohibition: app.names.load().prohibition(project),
            ..ProjectFacts::named(index.name.clone(), project.clone())
        };
        if let Some(page) = &page {
            facts.maintenance = Arc::clone(&page.maintenance);
        }
        app.knowledge.of_project(&mut facts);
        Self {
            facts,
            page,
            route,
            epoch,
            publishers: HashMap::new(),
            known: None,
            seen: None,
        }
    }

    /// Judges every file of the page, in the order of the page.
    pub fn judge_files(&self, app: &App) -> Vec<Arc<Decision>> {
        let policy = app.policy(&self.facts.index);
        let now = app.now();
        let mut releases: HashMap<&Version, Option<ReleaseFacts>> = HashMap::new();
        let files = self.page.iter().flat_map(|page| &page.facts);
        let one = |file| {
            let release = release_key(file).and_then(|version| {
                let known = || self.release(app, version);
                releases.entry(version).or_insert_with(known).as_ref()
            });
            let facts = Facts {
                project: &self.facts,
                release,
                file: Some(file),
                content: self.content_of(file),
            };
            Arc::new(judge(facts, &policy, now))
        };
        files.map(one).collect()
    }

    /// Judges one file of the page.
    pub fn judge_file(&self, app: &App, file: &FileFacts) -> Arc<Decision> {
        self.judge_file_under(app, file, &app.policy(&self.facts.index), app.now())
    }

    /// Judges one file of the page under some policy, at some moment.
    pub fn judge_file_under(
        &self,
        app: &App,
        file: &FileFacts,
        policy: &Policy,
        now: Timestamp,
    ) -> Arc<Decision> {
        self.judge_content(app, (file, self.content_of(file)), policy, now)
    }

    fn judge_content(
        &self,
        app: &App,
        (file, content): (&FileFacts, Option<&ContentFacts>),
        policy: &Policy,
        now: Timestamp,
    ) -> Arc<Decision> {
        let release = release_key(file).and_then(|version| self.release(app, version));
        let facts = Facts {
            project: &self.facts,
            release: release.as_ref(),
            file: Some(file),
            content,
        };
        Arc::new(judge(facts, policy, now))
    }

    /// Judges one file with what is known by now of its bytes, and beside its page: time has passed since it
    /// was gathered.
    pub fn judge_file_anew(
        &self,
        app: &App,
        file: &FileFacts,
        content: Option<&ContentFacts>,
    ) -> Arc<Decision> {
        let names = app.names.load();
        let mut facts = self.facts.clone();
        facts.ownership = names.owned.ownership(&facts.project);
        facts.prohibition = names.prohibition(&facts.project);
        app.knowledge.of_project(&mut facts);
        let anew = Self {
            facts,
            page: self.page.clone(),
            route: self.route.clone(),
            epoch: self.epoch,
            publishers: self.publishers.clone(),
            known: self.known.clone(),
            seen: self.seen.clone(),
        };
        let policy = app.policy(&anew.facts.index);
        anew.judge_content(app, (file, content), &policy, app.now())
    }

    /// What was seen in its files so far.
    ///
    /// # Errors
    /// [`FlowError`] when the database fails.
    async fn learn_contents(&mut self, app: &App) -> Result<(), FlowError> {
        if let Some(page) = &self.page {
            self.seen = Some(contents::known(app, page).await?);
        }
        Ok(())
    }

    /// What is known of these bytes, if anybody has looked into them.
    pub fn content(&self, sha256: &Sha256) -> Option<&ContentFacts> {
        self.seen.as_ref()?.of(sha256)
    }

    /// What is known of the bytes that a file has by its page.
    pub fn content_of(&self, file: &FileFacts) -> Option<&ContentFacts> {
        self.content(file.sha256.known()?)
    }

    /// Learns what is kept of the metadata of its releases, and what others measured of it.
    ///
    /// # Errors
    /// [`FlowError`] when the database fails.
    pub async fn learn_releases(&mut self, app: &App) -> Result<(), FlowError> {
        let Some(page) = &self.page else {
            return Ok(());
        };
        let known = releases::known(app, page).await?;
        self.facts.signals = Arc::clone(known.signals());
        self.known = Some(known);
        Ok(())
    }

    /// What the metadata of a release says, where that was learned.
    pub fn metadata(&self, version: &Version) -> Option<&Arc<ReleaseMetadata>> {
        self.known.as_ref()?.release(version)
    }

    /// Whether the metadata of a release is known.
    pub fn knows_release(&self, version: &Version) -> bool {
        self.metadata(version).is_some()
    }

    /// Learns who published the releases that are refused although they fix a vulnerability: the policy
    /// may let them through for whom they come from.
    async fn learn_publishers(&mut self, app: &Arc<App>) {
        let days = app.policy(&self.facts.index).publisher_matters_for();
        let (Some(page), Some(advisories)) = (&self.page, app.knowledge.advisories()) else {
            return;
        };
        if days == 0 || advisories.groups(&self.facts.project).is_empty() {
            return;
        }
        let since = app.now().plus_millis(days.saturating_mul(-Timestamp::DAY));
        let is_young = |version: &Version| {
            let release = page.release(version);
            let upload = release.and_then(|release| release.first_upload.known());
            upload.is_none_or(|upload| *upload >= since)
        };
        let is_refused = |version: &Version| {
            let file = page.file_of(version);
            file.is_some_and(|file| !self.judge_file(app, file).lets_through())
        };
        let fixing = page.fixing_releases(&advisories);
        let asked: BTreeSet<&Version> = fixing
            .1
            .iter()
            .filter(|version| is_young(version) && is_refused(version))
            .collect();
        let mut learned = HashMap::new();
        for version in asked.into_iter().rev().take(PUBLISHERS_ASKED) {
            let standing = publisher::standing(app, page, version).await;
            learned.insert(version.clone(), standing);
        }
        self.publishers = learned;
    }

    /// Judges the name alone.
    pub fn judge_name(&self, app: &App) -> Arc<Decision> {
        self.judge_name_under(&app.policy(&self.facts.index), app.now())
    }

    /// Judges the name alone under some policy, at some moment.
    pub fn judge_name_under(&self, policy: &Policy, now: Timestamp) -> Arc<Decision> {
        let facts = Facts {
            project: &self.facts,
            release: None,
            file: None,
            content: None,
        };
        Arc::new(judge(facts, policy, now))
    }

    /// What is known of a release: by its page, and beside it.
    fn release(&self, app: &App, version: &Version) -> Option<ReleaseFacts> {
        let mut facts = self.page.as_ref()?.release(version)?.clone();
        app.knowledge.of_release(&self.facts, &mut facts);
        if let Some(metadata) = self.metadata(version) {
            facts.metadata = Fact::Known(Arc::clone(metadata));
        }
        if let Some(standing) = self.publishers.get(version) {
            facts.publisher = standing.clone();
        }
        Some(facts)
    }
}

fn release_key(file: &FileFacts) -> Option<&Version> {
    file.version.known()
}

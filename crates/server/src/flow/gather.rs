//! Gathering: which source has a project, and what is known of it and its files. The next step,
//! judging, cannot fetch; so everything that rules may look at is here afterwards.

use std::collections::HashMap;
use std::sync::Arc;

use portcullis_core::fact::{Facts, FileFacts, ProjectFacts, ReleaseFacts};
use portcullis_core::index::{Index, Route};
use portcullis_core::policy::{Decision, judge};
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::pypi::version::Version;

use super::source_pages::source_page;
use crate::app::App;
use crate::error::FlowError;
use crate::source_page::SourcePage;

/// What is known of a project as one index sees it.
#[derive(Debug)]
pub struct Gathered {
    /// The facts of the project.
    pub facts: ProjectFacts,
    /// Its page; `None` when no source that may be asked has it.
    pub page: Option<Arc<SourcePage>>,
    /// Which sources were to be asked, and which were spared.
    pub route: Route,
    /// The epoch under which this was gathered.
    pub epoch: u64,
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
    let epoch = app.epoch();
    let names = app.names.load_full();
    let route = index.route(project, &names.owned);
    let mut found = None;
    for source in &route.ask {
        found = source_page(app, app.source(&source.name), project).await?;
        if found.is_some() {
            break;
        }
    }
    let mut facts = ProjectFacts {
        origin: found.as_ref().map(|page| page.origin.clone()),
        ownership: route.ownership.clone(),
        prohibition: names.prohibition(project),
        ..ProjectFacts::named(index.name.clone(), project.clone())
    };
    app.knowledge.of_project(&mut facts);
    Ok(Gathered {
        facts,
        page: found,
        route,
        epoch,
    })
}

impl Gathered {
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
            };
            Arc::new(judge(facts, &policy, now))
        };
        files.map(one).collect()
    }

    /// Judges one file of the page.
    pub fn judge_file(&self, app: &App, file: &FileFacts) -> Arc<Decision> {
        let release = release_key(file).and_then(|version| self.release(app, version));
        let facts = Facts {
            project: &self.facts,
            release: release.as_ref(),
            file: Some(file),
        };
        Arc::new(judge(facts, &app.policy(&self.facts.index), app.now()))
    }

    /// Judges one file with what is known by now beside its page: time has passed since it was gathered.
    pub fn judge_file_anew(&self, app: &App, file: &FileFacts) -> Arc<Decision> {
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
        };
        anew.judge_file(app, file)
    }

    /// Judges the name alone.
    pub fn judge_name(&self, app: &App) -> Arc<Decision> {
        let policy = app.policy(&self.facts.index);
        let facts = Facts {
            project: &self.facts,
            release: None,
            file: None,
        };
        Arc::new(judge(facts, &policy, app.now()))
    }

    /// What is known of a release: by its page, and beside it.
    fn release(&self, app: &App, version: &Version) -> Option<ReleaseFacts> {
        let mut facts = self.page.as_ref()?.release(version)?.clone();
        app.knowledge.of_release(&self.facts, &mut facts);
        Some(facts)
    }
}

fn release_key(file: &FileFacts) -> Option<&Version> {
    file.version.known()
}

//! Gathering: which source has a project, and what is known of it and its files. The next step,
//! judging, cannot fetch; so everything that rules may look at is here afterwards.

use std::sync::Arc;

use portcullis_core::fact::{Facts, ProjectFacts};
use portcullis_core::index::{Index, Route};
use portcullis_core::policy::{Decision, judge};
use portcullis_core::pypi::name::ProjectName;

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
    let facts = ProjectFacts {
        index: index.name.clone(),
        project: project.clone(),
        origin: found.as_ref().map(|page| page.origin.clone()),
        ownership: route.ownership.clone(),
        prohibition: names.prohibition(project),
    };
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
        let files = self.page.iter().flat_map(|page| &page.facts);
        let one = |file| {
            Arc::new(judge(
                Facts {
                    project: &self.facts,
                    file: Some(file),
                },
                &policy,
                now,
            ))
        };
        files.map(one).collect()
    }

    /// Judges the name alone.
    pub fn judge_name(&self, app: &App) -> Arc<Decision> {
        let policy = app.policy(&self.facts.index);
        Arc::new(judge(
            Facts {
                project: &self.facts,
                file: None,
            },
            &policy,
            app.now(),
        ))
    }
}

//! `META-006`: the project points at the repository of another one.

use super::{ArchiveRule, Seen, project, taken_names};
use crate::archive::survey::Survey;
use portcullis_core::inspection::{Observation, Severity};
use portcullis_core::pypi::name::ProjectName;

/// The rule.
pub(super) struct AnothersRepository;

impl ArchiveRule for AnothersRepository {
    fn id(&self) -> &'static str {
        "META-006"
    }

    fn severity(&self) -> Severity {
        Severity::Info
    }

    fn title(&self) -> &'static str {
        "the project points at the repository of another one"
    }

    fn manual(&self) -> &'static str {
        "A link of the metadata leads to a repository with the name of a well-known project, \
         which this one is not.\n\n\
         Borrowed stars make a copy look trustworthy. Plugins and parts of one repository do \
         the same in good faith, so that by itself this is information."
    }

    fn check(&self, survey: &Survey, observations: &mut Vec<Observation>) {
        let Some(own) = project(survey).filter(|name| !taken_names::is_popular(name)) else {
            return;
        };
        let Some((file, metadata)) = survey.metadata() else {
            return;
        };
        let links = metadata
            .labelled_urls()
            .map(|(_, url)| url)
            .chain(metadata.home_page.as_deref());
        let mut seen: Vec<ProjectName> = links.filter_map(repository).collect();
        seen.sort_unstable();
        seen.dedup();
        for name in seen
            .iter()
            .filter(|name| *name != own && taken_names::is_popular(name))
        {
            let message = format!("it says that its repository is {name}'s");
            let seen = Seen::file(file).marked(name.as_str());
            observations.push(seen.observe(self, Severity::Info, 50, message));
        }
    }
}

/// The name of the repository that a link to a forge leads to.
fn repository(url: &str) -> Option<ProjectName> {
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))?;
    let mut parts = rest.split('/');
    let host = parts.next()?.trim_start_matches("www.");
    if !matches!(
        host,
        "github.com" | "gitlab.com" | "bitbucket.org" | "codeberg.org"
    ) {
        return None;
    }
    let name = parts.nth(1)?.split(['#', '?']).next()?;
    ProjectName::new(name.strip_suffix(".git").unwrap_or(name)).ok()
}

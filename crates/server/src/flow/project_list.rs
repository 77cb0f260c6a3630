//! The list of projects of an index: what is hosted here. An upstream is never asked for its list, which
//! is both huge and a list of everything that nobody here has asked for.

use portcullis_core::index::Index;
use portcullis_core::pypi::name::ProjectName;
use portcullis_store::hosted;

use crate::app::App;
use crate::error::FlowError;
use crate::sources::Source;

/// The names of the projects that the hosted and folder sources of `index` have, sorted.
///
/// # Errors
/// [`FlowError`] when the database or a folder cannot be read.
pub async fn projects(app: &App, index: &Index) -> Result<Vec<ProjectName>, FlowError> {
    let mut names = Vec::new();
    for source in index.sources() {
        match &**app.source(&source.name) {
            Source::Hosted(name) => {
                let projects = hosted::projects(&app.db, name.as_str()).await?;
                names.extend(projects.into_iter().map(|project| project.name));
            }
            Source::Folder(folder) => {
                let projects = folder.source.projects().await;
                names.extend(projects.map_err(|error| folder.failed(error))?);
            }
            Source::Upstream(_) => {}
        }
    }
    names.sort();
    names.dedup();
    Ok(names)
}

//! Python packaging formats: whole documents, properties, and agreement with Python's own library.

mod metadata;
mod oracle;
mod pages;
mod project_json;
mod simple_html;
mod simple_json;
mod upload;

use portcullis_core::pypi::name::ProjectName;

fn name(text: &str) -> ProjectName {
    ProjectName::new(text).expect(text)
}

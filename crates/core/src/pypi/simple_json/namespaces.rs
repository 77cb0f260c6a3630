//! What PEP 752 adds to the JSON form: the namespaces of a project on its page, and the bodies of
//! `GET /namespaces` and `GET /namespace/<namespace>`. Who owns what is decided elsewhere.

use serde::{Deserialize, Serialize};

use crate::pypi::name::ProjectName;

/// What a project page says of namespaces.
#[derive(Clone, Copy, Debug)]
pub enum Namespaces<'a> {
    /// Nothing: the page is written as version 1.4, without the key.
    Unsupported,
    /// The namespaces that the project's name lies in, none of them written as null; the page is
    /// written as version 1.5.
    Of(&'a [ProjectNamespace]),
}

/// A reserved namespace that a project's name lies in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectNamespace {
    /// The namespace, normalised: `acme` for `acme-*`.
    pub name: ProjectName,
    /// Whether the project belongs to the owner of the namespace.
    pub owned: bool,
}

/// The body of `GET /namespace/<namespace>`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamespaceDetail {
    /// The namespace, normalised.
    pub name: ProjectName,
    /// The closest reserved namespace that this one lies in.
    pub parent: Option<ProjectName>,
    /// The reserved namespaces directly within this one.
    pub children: Vec<ProjectName>,
    /// Who reserved it; left out where that is nobody's business.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
}

#[derive(Serialize)]
struct NamespaceEntry<'a> {
    name: &'a ProjectName,
}

/// The body of `GET /namespaces`: every reserved namespace that may be shown.
pub fn render_namespaces(namespaces: &[ProjectName]) -> Vec<u8> {
    let entries: Vec<_> = namespaces
        .iter()
        .map(|name| NamespaceEntry { name })
        .collect();
    serde_json::to_vec(&entries).expect("names are strings")
}

/// The body of `GET /namespace/<namespace>`.
pub fn render_namespace(namespace: &NamespaceDetail) -> Vec<u8> {
    serde_json::to_vec(namespace).expect("names are strings")
}

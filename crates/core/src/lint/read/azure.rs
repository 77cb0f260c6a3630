//! Pipelines of Azure: scripts and tasks wherever they stand, variables, containers and templates of others.

use super::commands;
use super::environment;
use super::images;
use super::not_readable;
use super::shell::Dialect;
use crate::lint::contents::{Contents, Reference, ReferenceKind, Runs, User};
use crate::lint::syntax::{Node, Spelled, yaml};

const RUNS: Runs = Runs {
    user: User::Unknown,
    unattended: true,
    in_environment: false,
};

/// Reads a pipeline.
pub(super) fn read(text: &str) -> Contents {
    let documents = match yaml::parse(text) {
        Ok(documents) => documents,
        Err(error) => return not_readable(error),
    };
    let mut contents = Contents::default();
    for root in &documents {
        walk(root, Dialect::Posix, &mut contents);
    }
    contents
}

/// Looks at a node and all below it; the parser bounds how deep that is.
fn walk(node: &Node, script: Dialect, contents: &mut Contents) {
    let pool = node.path(&["pool", "vmImage"]).and_then(Node::text);
    let script = match pool {
        Some(image) if image.starts_with("windows") => Dialect::Cmd,
        Some(_) => Dialect::Posix,
        None => script,
    };
    for (key, dialect) in [
        ("script", script),
        ("bash", Dialect::Posix),
        ("pwsh", Dialect::PowerShell),
        ("powershell", Dialect::PowerShell),
    ] {
        if let Some(spelled) = node.get(key).and_then(Node::spelled) {
            commands::script(spelled, dialect, RUNS, contents);
        }
    }
    commands::variables(node.get("env"), contents);
    take_variables(node.get("variables"), contents);
    take_resources(node, contents);
    for entry in node
        .entries()
        .iter()
        .filter(|entry| !matches!(entry.key.as_str(), "env" | "variables"))
    {
        walk(&entry.value, script, contents);
    }
    for item in node.items() {
        walk(item, script, contents);
    }
}

/// Variables are a table, or a list of names and values.
fn take_variables(variables: Option<&Node>, contents: &mut Contents) {
    commands::variables(variables, contents);
    for one in variables.map(Node::items).unwrap_or_default() {
        let (Some(name), Some(value)) = (one.text_of("name"), one.get("value")) else {
            continue;
        };
        let text = value.scalar().unwrap_or_default();
        let value_at = value.spelled().map_or(value.at.clone(), Spelled::at);
        environment::variable((name, text), (one.at.clone(), value_at), None, contents);
    }
}

fn take_resources(node: &Node, contents: &mut Contents) {
    let image = match node.get("container") {
        Some(container) => container.get("image").or(Some(container)),
        None => None,
    };
    let containers = node.path(&["resources", "containers"]);
    let declared = containers.map(Node::items).unwrap_or_default();
    let declared = declared.iter().filter_map(|one| one.get("image"));
    for spelled in image.into_iter().chain(declared).filter_map(Node::spelled) {
        // The name of a declared container is no image.
        if spelled.as_str().contains([':', '/', '@']) {
            contents
                .references
                .extend(images::reference(spelled.as_str(), spelled.at()));
        }
    }
    let repositories = node.path(&["resources", "repositories"]);
    for one in repositories.map(Node::items).unwrap_or_default() {
        let is_foreign = matches!(
            one.text_of("type"),
            Some("github" | "githubenterprise" | "bitbucket")
        );
        let (true, Some(name)) = (is_foreign, one.text_of("name")) else {
            continue;
        };
        let revision = one.text_of("ref").map(|name| {
            let short = name
                .strip_prefix("refs/tags/")
                .or(name.strip_prefix("refs/heads/"));
            short.unwrap_or(name).to_owned()
        });
        contents.references.push(Reference {
            kind: ReferenceKind::Action,
            target: name.to_owned(),
            revision,
            at: one.at.clone(),
        });
    }
}

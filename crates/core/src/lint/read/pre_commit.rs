//! `.pre-commit-config.yaml`: the repositories of hooks, and what hooks written in Python want besides.

use super::not_readable;
use super::requirement::{self, Purpose};
use crate::lint::contents::{Contents, Reference, ReferenceKind, Role, Tool};
use crate::lint::syntax::{Node, yaml};

/// Reads the configuration.
pub(super) fn read(text: &str) -> Contents {
    let documents = match yaml::parse(text) {
        Ok(documents) => documents,
        Err(error) => return not_readable(error),
    };
    let mut contents = Contents::default();
    for root in &documents {
        // Before version 1 the list stood at the top.
        let repositories = root.get("repos").unwrap_or(root);
        for repository in repositories.items() {
            take_repository(repository, &mut contents);
        }
    }
    contents
}

fn take_repository(repository: &Node, contents: &mut Contents) {
    let url = repository.text_of("repo").unwrap_or_default();
    if !matches!(url, "" | "local" | "meta" | "builtin") {
        let revision = repository.get("rev").or_else(|| repository.get("sha"));
        let spelled = revision.and_then(Node::spelled);
        let place = spelled.map(|rev| rev.at());
        let name = repository
            .get("repo")
            .and_then(Node::spelled)
            .map(|url| url.at());
        contents.references.push(Reference {
            kind: ReferenceKind::Hook,
            target: url.to_owned(),
            revision: revision.and_then(Node::scalar).map(str::to_owned),
            at: place.or(name).unwrap_or(repository.at.clone()),
        });
    }
    let is_of_others = [
        "prettier",
        "eslint",
        "stylelint",
        "markdownlint",
        "golang",
        "htmlhint",
    ];
    let is_of_others = is_of_others.iter().any(|name| url.contains(name));
    for hook in repository.get("hooks").map(Node::items).unwrap_or_default() {
        let language = hook.text_of("language");
        if !is_of_others && language.is_none_or(|one| one.starts_with("python")) {
            take_dependencies(hook, contents);
        }
    }
}

fn take_dependencies(hook: &Node, contents: &mut Contents) {
    let purpose = Purpose {
        role: Role::Development,
        tool: Tool::PreCommit,
        by: None,
    };
    for one in hook
        .get("additional_dependencies")
        .map(Node::items)
        .unwrap_or_default()
    {
        let Some(spelled) = one.spelled() else {
            continue;
        };
        let text = spelled.as_str();
        // `name@version` is npm's, and a path with slashes Go's.
        let is_url = text.contains("://");
        let is_of_others =
            !is_url && (text.contains('@') || text.contains('/')) && !text.starts_with('.');
        if !is_of_others && !text.starts_with('-') {
            contents.wanted.push(requirement::wanted(spelled, purpose));
        }
    }
}

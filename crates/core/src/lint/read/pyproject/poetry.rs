//! The dependencies of `[tool.poetry]`: a version, a table, or several tables of which markers choose one.

use super::poetry_versions::specifiers;
use super::sources::direct_origin;
use crate::lint::contents::{Contents, Origin, Role, Setting, Tool, Wanted};
use crate::lint::syntax::{Entry, Node};
use crate::pypi::name::ProjectName;
use crate::pypi::version::VersionSpecifiers;

/// Takes what the tables of poetry want.
pub(super) fn read(root: &Node, contents: &mut Contents) {
    let Some(poetry) = root.path(&["tool", "poetry"]) else {
        return;
    };
    let is_standard = root.path(&["project", "dependencies"]).is_some();
    let entries = |table: Option<&Node>| table.map(Node::entries).unwrap_or_default().to_vec();
    for entry in entries(poetry.get("dependencies")) {
        // The Python itself is not installed.
        if entry.key.eq_ignore_ascii_case("python") || is_standard && adds_to(&entry, contents) {
            continue;
        }
        dependency(&entry, Role::Runtime, contents);
    }
    for entry in entries(poetry.get("dev-dependencies")) {
        dependency(&entry, Role::Development, contents);
    }
    for group in entries(poetry.get("group")) {
        for entry in entries(group.value.get("dependencies")) {
            dependency(&entry, Role::Development, contents);
        }
    }
}

/// Beside `[project] dependencies`, an entry says only where one of those comes from.
fn adds_to(entry: &Entry, contents: &mut Contents) -> bool {
    let name = ProjectName::new(&entry.key).ok();
    let Some(table) = entry.value.one_or_more().first() else {
        return false;
    };
    let wanted = contents.wanted.iter_mut();
    let meant = wanted.filter(|one| one.role == Role::Runtime && one.name == name);
    let mut adds = false;
    for wanted in meant {
        adds = true;
        if let Some(source) = table.text_of("source") {
            wanted.index = Some(source.to_owned());
        }
        if let Some(origin) = direct_origin(table) {
            wanted.origin = origin;
        }
    }
    adds
}

fn dependency(entry: &Entry, role: Role, contents: &mut Contents) {
    let alternatives = entry.value.one_or_more();
    for one in alternatives {
        let at = match alternatives.len() {
            1 => entry.at(),
            _ => one.at.clone(),
        };
        contents
            .settings
            .extend(one.entry("allow-prereleases").map(pre_releases));
        let (origin, spelled) = origin(&entry.key, one);
        let marker = one.text_of("markers").map(str::to_owned);
        let name = ProjectName::new(&entry.key);
        contents.wanted.push(Wanted {
            spelled,
            at,
            origin: match &name {
                Ok(_) => origin,
                Err(_) => Origin::Unknown("its name is no project name".to_owned()),
            },
            name: name.ok(),
            hashes: Vec::new(),
            role,
            tool: Tool::Poetry,
            index: one.text_of("source").map(str::to_owned),
            partly_known: false,
            marker,
            by: None,
        });
    }
}

/// That pre-releases of one dependency count as releases.
fn pre_releases(entry: &Entry) -> Setting {
    Setting {
        tool: Tool::Poetry,
        key: entry.key.clone(),
        value: entry.value.scalar().unwrap_or_default().to_owned(),
        at: entry.at(),
        value_at: entry.value.at.clone(),
        by: None,
    }
}

/// Where one alternative comes from, and how people would write it.
fn origin(key: &str, value: &Node) -> (Origin, String) {
    if let Some(origin) = direct_origin(value) {
        let address = ["git", "url", "path", "file"]
            .into_iter()
            .find_map(|name| value.text_of(name));
        return (origin, format!("{key} @ {}", address.unwrap_or_default()));
    }
    let version = value
        .text()
        .or_else(|| value.text_of("version"))
        .unwrap_or("*");
    let origin = match specifiers(version) {
        Some(specifiers) => Origin::Index(specifiers),
        None if version.contains("||") || version.contains('|') => {
            Origin::Index(VersionSpecifiers::empty())
        }
        None => Origin::Unknown(format!("`{version}` is no version constraint of poetry")),
    };
    (origin, format!("{key} {version}"))
}

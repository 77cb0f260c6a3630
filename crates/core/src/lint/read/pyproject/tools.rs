//! What the tables of pdm, hatch, uv, flit and setuptools want beside the standard ones.

use super::standard::{list, lists};
use crate::lint::contents::{Contents, Included, Role, Tool};
use crate::lint::read::requirement::Purpose;
use crate::lint::read::requirements::line;
use crate::lint::syntax::Node;

/// Takes what those tables of `root` want.
pub(super) fn read(root: &Node, contents: &mut Contents) {
    let Some(tools) = root.get("tool") else {
        return;
    };
    uv(tools.get("uv"), contents);
    pdm(tools.get("pdm"), contents);
    hatch(tools.get("hatch"), contents);
    flit(tools.path(&["flit", "metadata"]), contents);
    dynamic(tools.path(&["setuptools", "dynamic"]), contents);
}

const fn purpose(tool: Tool, role: Role) -> Purpose {
    Purpose {
        role,
        tool,
        by: None,
    }
}

fn uv(table: Option<&Node>, contents: &mut Contents) {
    let Some(table) = table else { return };
    for (key, role) in [
        ("dev-dependencies", Role::Development),
        ("constraint-dependencies", Role::Constraint),
        ("override-dependencies", Role::Constraint),
        ("build-constraint-dependencies", Role::Constraint),
    ] {
        list(table.get(key), purpose(Tool::Uv, role), contents);
    }
    let build = table.get("extra-build-dependencies");
    lists(build, purpose(Tool::Uv, Role::Build), contents);
}

/// pdm's lists for development may have `-e` in front of a requirement.
fn pdm(table: Option<&Node>, contents: &mut Contents) {
    let groups = table.and_then(|table| table.get("dev-dependencies"));
    let groups = groups.map(Node::entries).unwrap_or_default().iter();
    for spelled in groups
        .flat_map(|group| group.value.items())
        .filter_map(Node::spelled)
    {
        line(spelled, purpose(Tool::Pdm, Role::Development), contents);
    }
}

fn hatch(table: Option<&Node>, contents: &mut Contents) {
    let Some(table) = table else { return };
    let environments = table.get("envs").map(Node::entries).unwrap_or_default();
    for environment in environments {
        for key in ["dependencies", "extra-dependencies"] {
            let found = environment.value.get(key);
            list(found, purpose(Tool::Hatch, Role::Development), contents);
        }
    }
    let Some(build) = table.get("build") else {
        return;
    };
    let hooks = |node: &Node| -> Vec<Node> {
        let hooks = node.get("hooks").map(Node::entries).unwrap_or_default();
        hooks.iter().map(|hook| hook.value.clone()).collect()
    };
    let targets = build.get("targets").map(Node::entries).unwrap_or_default();
    let mut builders = vec![build.clone()];
    builders.extend(hooks(build));
    for target in targets {
        builders.push(target.value.clone());
        builders.extend(hooks(&target.value));
    }
    for builder in builders {
        list(
            builder.get("dependencies"),
            purpose(Tool::Hatch, Role::Build),
            contents,
        );
    }
}

fn flit(table: Option<&Node>, contents: &mut Contents) {
    let Some(table) = table else { return };
    let runtime = purpose(Tool::Flit, Role::Runtime);
    list(table.get("requires"), runtime, contents);
    lists(table.get("requires-extra"), runtime, contents);
    let development = purpose(Tool::Flit, Role::Development);
    list(table.get("dev-requires"), development, contents);
}

/// Files from which setuptools takes the dependencies.
fn dynamic(table: Option<&Node>, contents: &mut Contents) {
    let Some(table) = table else { return };
    let extras = table.get("optional-dependencies").map(Node::entries);
    let extras = extras.unwrap_or_default().iter().map(|extra| &extra.value);
    let lists = table.get("dependencies").into_iter().chain(extras);
    let files = lists
        .filter_map(|one| one.get("file"))
        .flat_map(Node::one_or_more);
    for spelled in files.filter_map(Node::spelled) {
        contents.included.push(Included {
            path: spelled.as_str().to_owned(),
            at: spelled.at(),
            role: Role::Runtime,
            by: None,
        });
    }
}

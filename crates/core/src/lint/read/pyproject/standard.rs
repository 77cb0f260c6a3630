//! The standard tables: `[build-system]` (PEP 518), `[project]` (PEP 621), `[dependency-groups]` (PEP 735), and
//! the dependencies of a script (PEP 723).

use crate::lint::contents::{Contents, Role, Tool, Unread};
use crate::lint::read::requirement::{Purpose, wanted};
use crate::lint::syntax::{Is, Node};

/// Takes what the standard tables of `root` want; `tool` installs it.
pub(super) fn read(root: &Node, tool: Tool, contents: &mut Contents) {
    let of = |role| Purpose {
        role,
        tool,
        by: None,
    };
    let build = Purpose {
        role: Role::Build,
        tool: Tool::Pip,
        by: None,
    };
    list(root.path(&["build-system", "requires"]), build, contents);
    list(
        root.path(&["project", "dependencies"]),
        of(Role::Runtime),
        contents,
    );
    lists(
        root.path(&["project", "optional-dependencies"]),
        of(Role::Runtime),
        contents,
    );
    lists(
        root.get("dependency-groups"),
        of(Role::Development),
        contents,
    );
}

/// Takes what a script wants, which only uv and its like install.
pub(super) fn read_script(root: &Node, contents: &mut Contents) {
    let purpose = Purpose {
        role: Role::Runtime,
        tool: Tool::Uv,
        by: None,
    };
    list(root.get("dependencies"), purpose, contents);
}

/// Takes a table of lists of requirements.
pub(super) fn lists(table: Option<&Node>, purpose: Purpose, contents: &mut Contents) {
    for entry in table.map(Node::entries).unwrap_or_default() {
        list(Some(&entry.value), purpose, contents);
    }
}

/// Takes a list of requirements. Tables in it name other lists of the same file, which are read by themselves.
pub(super) fn list(list: Option<&Node>, purpose: Purpose, contents: &mut Contents) {
    let Some(list) = list else { return };
    if !matches!(list.is, Is::List(_)) {
        contents.unread.push(Unread {
            at: Some(list.at.clone()),
            why: "it is no list of requirements".to_owned(),
        });
        return;
    }
    let spelled = list.items().iter().filter_map(Node::spelled);
    let found = spelled.map(|spelled| wanted(spelled, purpose));
    contents.wanted.extend(found);
}

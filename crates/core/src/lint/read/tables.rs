//! What the readers of configuration have in common: taking values of tables as options, and passwords as
//! secrets. Which tables and keys there are is known to each of them.

use super::options::{Given, option};
use crate::lint::address::{is_secret, token_kind};
use crate::lint::contents::{Contents, Place, PlaceRole, Secret, Setting, Tool};
use crate::lint::syntax::{Entry, Node};

/// Takes an entry of a table as options of `tool`: one for each item where its value is a list.
pub(super) fn entry_as_options(tool: Tool, entry: &Entry, contents: &mut Contents) {
    let key = entry.key.replace('_', "-");
    for value in entry.value.one_or_more() {
        let Some(text) = value.scalar() else {
            continue;
        };
        let value_at = value
            .spelled()
            .map_or_else(|| value.at.clone(), |text| text.at());
        option(
            Given {
                tool,
                key: &key,
                value: text,
                at: entry.at(),
                value_at,
                by: None,
            },
            contents,
        );
    }
}

/// Takes an entry of a table as a setting called `key`, whatever it is.
pub(super) fn entry_as_setting(tool: Tool, key: &str, entry: &Entry, contents: &mut Contents) {
    for value in entry.value.one_or_more() {
        if let Some(text) = value.scalar() {
            contents.settings.push(Setting {
                tool,
                key: key.to_owned(),
                value: text.to_owned(),
                at: entry.at(),
                value_at: value.at.clone(),
                by: None,
            });
        }
    }
}

/// Takes the table of an index, which has its URL under `url`.
pub(super) fn index_table(tool: Tool, table: &Node, role: PlaceRole, contents: &mut Contents) {
    let Some(url) = table.get("url").and_then(Node::spelled) else {
        return;
    };
    contents.places.push(Place {
        url: url.as_str().to_owned(),
        url_at: url.at(),
        at: table.at.clone(),
        role,
        name: table.text_of("name").map(str::to_owned),
        tool,
        by: None,
    });
}

/// Takes the password or token under `key` of `table`, which is what `what` says.
pub(super) fn secret(table: &Node, key: &str, what: &str, contents: &mut Contents) {
    let Some(value) = table.get(key).and_then(Node::spelled) else {
        return;
    };
    let text = value.as_str();
    if !is_secret(text) {
        return;
    }
    let kind = token_kind(text);
    contents.secrets.push(Secret {
        what: kind.map_or_else(|| what.to_owned(), |kind| format!("{what}, {kind}")),
        at: value.at(),
    });
}

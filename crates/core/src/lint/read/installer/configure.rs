//! Configuration that is changed by a command: `pip config set`, `poetry source add`, `pdm config`.

use super::grammar::VerbGrammar;
use crate::lint::contents::{Contents, InvocationId, Place, PlaceRole, Setting, Tool};
use crate::lint::read::environment::named_or_not;
use crate::lint::read::options::Given;
use crate::lint::read::shell::ShellWord;

/// Takes the arguments of such a command.
pub(super) fn take(
    (tool, verb): (Tool, &VerbGrammar),
    words: &[&ShellWord],
    by: InvocationId,
    contents: &mut Contents,
) {
    let [key, rest @ ..] = words else {
        return;
    };
    let Some(value) = rest.last() else {
        return;
    };
    let name = key.as_str();
    let at = key.at.start..value.at.end.max(key.at.start);
    let place = |role: PlaceRole| Place {
        url: value.as_str().to_owned(),
        url_at: value.text.at(),
        at: at.clone(),
        role,
        name: Some(name.rsplit('.').next().unwrap_or_default().to_owned()),
        tool,
        by: Some(by),
    };
    if verb.words == ["source", "add"] {
        let settings = contents.settings.iter();
        let mut own = settings.filter(|one| one.by == Some(by));
        let priority = own.find(|one| one.key == "priority");
        let role = priority_role(priority);
        contents.places.push(place(role));
        return;
    }
    match tool {
        Tool::Poetry if name.starts_with("repositories.") => {
            contents.places.push(place(PlaceRole::Upload));
        }
        Tool::Pdm if name == "pypi.url" => contents.places.push(Place {
            name: None,
            ..place(PlaceRole::Default)
        }),
        _ if is_secret(name) => contents.settings.push(Setting {
            tool,
            key: "password".to_owned(),
            value: value.as_str().to_owned(),
            at,
            value_at: value.text.at(),
            by: Some(by),
        }),
        _ => {
            let key = match tool {
                Tool::Pip => name.rsplit('.').next().unwrap_or_default(),
                _ => name,
            };
            let given = Given {
                tool,
                key,
                value: value.as_str(),
                at,
                value_at: value.text.at(),
                by: Some(by),
            };
            named_or_not(given, contents);
        }
    }
}

fn is_secret(key: &str) -> bool {
    key.starts_with("pypi-token.") || key.starts_with("http-basic.") || key.ends_with(".password")
}

/// How a source of poetry is used: `primary` unless it is said.
fn priority_role(priority: Option<&Setting>) -> PlaceRole {
    match priority.map(|one| one.value.as_str()) {
        Some("explicit") => PlaceRole::Explicit,
        Some("supplemental" | "secondary") => PlaceRole::Supplemental,
        _ => PlaceRole::Default,
    }
}

//! Options of installers, wherever they stand: on a command line, in a requirements file, in a configuration
//! file, in a variable of the environment. All of them end up in [`option`].

use crate::lint::contents::{
    Contents, Included, InvocationId, Place, PlaceRole, Role, Setting, Span, Tool,
};

/// An option with its value.
#[derive(Clone, Debug)]
pub(super) struct Given<'g> {
    /// Whose it is.
    pub(super) tool: Tool,
    /// Its long name in kebab case, without dashes before it.
    pub(super) key: &'g str,
    /// Its value as it is spelled, without quotes; `true` for an option without one.
    pub(super) value: &'g str,
    /// The place of option and value.
    pub(super) at: Span,
    /// The place of the value.
    pub(super) value_at: Span,
    /// The invocation that it is an option of.
    pub(super) by: Option<InvocationId>,
}

/// The long name of a short option of pip, uv or pip-compile.
pub(super) fn long_name(short: &str) -> Option<&'static str> {
    match short {
        "-i" => Some("index-url"),
        "-f" => Some("find-links"),
        "-r" => Some("requirement"),
        "-c" => Some("constraint"),
        "-e" => Some("editable"),
        "-U" => Some("upgrade"),
        "-t" => Some("target"),
        _ => None,
    }
}

/// Takes an option: a place where packages come from, a file that is read, or a setting. Values with several
/// words, as pip's lists have them, are for the caller to take one by one.
pub(super) fn option(given: Given<'_>, contents: &mut Contents) {
    if given.value.is_empty() {
        return;
    }
    if let Some(role) = place_role(given.tool, given.key) {
        contents.places.push(Place {
            url: given.value.to_owned(),
            url_at: given.value_at,
            at: given.at,
            role,
            name: None,
            tool: given.tool,
            by: given.by,
        });
        return;
    }
    if let Some(role) = included_role(given.key) {
        contents.included.push(Included {
            path: given.value.to_owned(),
            at: given.value_at,
            role,
            by: given.by,
        });
        return;
    }
    contents.settings.push(Setting {
        tool: given.tool,
        key: given.key.to_owned(),
        value: given.value.to_owned(),
        at: given.at,
        value_at: given.value_at,
        by: given.by,
    });
}

fn place_role(tool: Tool, key: &str) -> Option<PlaceRole> {
    match (tool, key) {
        (_, "index-url" | "pypi-url" | "default-index" | "pypi-mirror") => Some(PlaceRole::Default),
        (Tool::Uv, "index" | "extra-index-url") => Some(PlaceRole::Ordered),
        (_, "extra-index-url" | "pip-args-extra-index-url") => Some(PlaceRole::Merged),
        (_, "find-links") => Some(PlaceRole::FindLinks),
        (_, "publish-url" | "repository-url") => Some(PlaceRole::Upload),
        _ => None,
    }
}

fn included_role(key: &str) -> Option<Role> {
    match key {
        "requirement" | "requirements" | "with-requirements" => Some(Role::Runtime),
        "constraint" | "constraints" | "override" | "overrides" => Some(Role::Constraint),
        "build-constraint" | "build-constraints" => Some(Role::Constraint),
        _ => None,
    }
}

//! pdm: the source named `pypi`, in `pyproject.toml` (`[[tool.pdm.source]]`) or in the user's `config.toml`
//! (`[pypi]`), takes the place of PyPI. Every other source is asked beside it, those of the user's
//! configuration included.

use std::path::PathBuf;

use toml_edit::{Item, TableLike, Value};

use super::aim::Aim;
use super::machine::{Found, Machine};
use super::plan::{How, Look, Plan};
use super::toml_text::{self, Keep, TomlText, entries, text};
use super::{Scope, no_scope};

/// The name that takes the place of the default.
const DEFAULT: &str = "pypi";

const MERGED: &str = "pdm mixes the versions of all sources";
const OTHERS: &str = "it was for the index before";

/// Points pdm at the gateway.
pub(super) fn plan(scope: Scope, aim: &Aim, machine: &Machine) -> anyhow::Result<Plan> {
    let mut plan = Plan::default();
    match scope {
        Scope::Project => of_project(aim, machine, &mut plan)?,
        Scope::User => {
            let path = user_file(machine)?;
            of_configuration(path, aim, &mut plan)?;
        }
        Scope::System => {
            let folders = machine.shared_configuration();
            let folder = folders.into_iter().next().unwrap_or_default();
            of_configuration(folder.join("pdm/config.toml"), aim, &mut plan)?;
        }
        Scope::Environment => {
            aim.without_token("a shell's export line", &token_help())?;
            let variables = [("PDM_PYPI_URL", aim.simple())];
            plan.printed = Some(super::exports(&variables, &[]));
            return Ok(plan);
        }
        Scope::Site => {
            return Err(no_scope(
                "pdm has no configuration file in a virtual environment",
                "--scope project writes into the project, --scope user for all of yours",
            ));
        }
    }
    plan.remark(token_help());
    Ok(plan)
}

fn of_project(aim: &Aim, machine: &Machine, plan: &mut Plan) -> anyhow::Result<()> {
    let path = machine.upwards("pyproject.toml");
    let (path, before) = Found::of_project(path, "pyproject.toml")?;
    let mut file = TomlText::parse(&path, &before)?;
    // pdm expands variables in the credentials of a source.
    let url = aim.simple_with(|variable| format!("${{{variable}}}"));
    point(file.table_mut(&["tool", "pdm"])?, &url, plan);
    let after = file.text();
    plan.change(path, Some(before), after);
    let stored = stored_sources(machine)?;
    for (name, url, place) in stored.iter().filter(|(name, ..)| name != DEFAULT) {
        let url = super::show::masked(url);
        plan.remark(format!(
            "The source {name} ({url}) in {place} is asked beside the gateway: take it out, or set \
             `pdm config --local pypi.ignore_stored_index true`."
        ));
    }
    Ok(())
}

fn point(pdm: &mut dyn TableLike, url: &str, plan: &mut Plan) {
    let mut is_there = false;
    let mut visit = |source: &mut dyn TableLike| {
        let name = text(source, "name").unwrap_or_default().to_owned();
        let old = text(source, "url").unwrap_or_default().to_owned();
        if !is_there && name == DEFAULT {
            is_there = true;
            if old != url {
                for key in ["username", "password", "verify_ssl", "ca_certs", "type"] {
                    if source.remove(key).is_some() {
                        plan.remove(format!("{key} of the source {name}"), OTHERS);
                    }
                }
                toml_text::set(source, "url", url);
            }
            return Keep::Yes;
        }
        if is_only_for_named(source) {
            return Keep::Yes;
        }
        let shown = format!("source {name} {old}");
        if source.get("include_packages").is_some() {
            plan.remove(
                shown,
                "it stays for its include_packages, and for nothing else",
            );
            let all: toml_edit::Array = ["*"].into_iter().collect();
            source.insert("exclude_packages", Item::Value(Value::Array(all)));
            return Keep::Yes;
        }
        plan.remove(shown, MERGED);
        Keep::No
    };
    if let Some(list) = pdm.get_mut("source") {
        toml_text::revise(list, &mut visit);
    }
    if !is_there {
        let fields = [("name", DEFAULT.into()), ("url", url.into())];
        toml_text::add(pdm, "source", &fields);
    }
}

/// A source that is asked for what it includes, and for nothing else.
fn is_only_for_named(source: &dyn TableLike) -> bool {
    let list = |key: &str| source.get(key).and_then(Item::as_array);
    let excludes = list("exclude_packages").into_iter().flatten();
    let mut excludes = excludes.filter_map(Value::as_str);
    list("include_packages").is_some() && excludes.any(|pattern| pattern == "*")
}

fn of_configuration(path: PathBuf, aim: &Aim, plan: &mut Plan) -> anyhow::Result<()> {
    aim.without_token("pdm", &token_help())?;
    let found = Found::read(path)?;
    let before = found.text.as_deref().unwrap_or_default();
    let mut file = TomlText::parse(&found.path, before)?;
    let pypi = file.table_mut(&["pypi"])?;
    let others = pypi.iter().filter(|(_, item)| is_source(item));
    let others: Vec<String> = others.map(|(name, _)| name.to_owned()).collect();
    for name in others {
        let shown = pypi.get(&name).map(toml_text::shown).unwrap_or_default();
        plan.remove(format!("pypi.{name} {shown}"), MERGED);
        pypi.remove(&name);
    }
    if text(pypi, "url") != Some(&aim.simple()) {
        for key in ["username", "password", "verify_ssl", "ca_certs"] {
            if pypi.remove(key).is_some() {
                plan.remove(format!("pypi.{key}"), OTHERS);
            }
        }
        toml_text::set(pypi, "url", aim.simple());
    }
    let after = file.text();
    plan.change(found.path, found.text, after);
    Ok(())
}

fn is_source(item: &Item) -> bool {
    item.as_table_like()
        .is_some_and(|table| table.get("url").is_some())
}

/// What pdm would ask.
pub(super) fn look(_: &Aim, machine: &Machine) -> anyhow::Result<Look> {
    let mut look = Look::default();
    let mut names = Vec::new();
    let mut ignores_stored = false;
    if let Some(path) = machine.upwards("pyproject.toml") {
        let found = Found::read(path)?;
        let content = found.text.unwrap_or_default();
        let file = TomlText::parse(&found.path, &content)?;
        let pdm = file.table(&["tool", "pdm"]);
        for source in entries(pdm.and_then(|pdm| pdm.get("source"))) {
            let name = text(source, "name").unwrap_or_default();
            let url = text(source, "url").unwrap_or_default();
            let line = toml_text::line_of(&content, url).unwrap_or(1);
            let place = format!("{}:{line}", found.path.display());
            look.asks(
                how(name, is_only_for_named(source)),
                format!("source {name}"),
                url,
                place,
            );
            names.push(name.to_owned());
        }
        let local = Found::read(found.path.with_file_name("pdm.toml"))?;
        let local_text = local.text.unwrap_or_default();
        let settings = TomlText::parse(&local.path, &local_text)?;
        let pypi = settings.table(&["pypi"]);
        ignores_stored = pypi.is_some_and(|pypi| toml_text::is_true(pypi, "ignore_stored_index"));
    }
    ignores_stored |= machine
        .variable("PDM_IGNORE_STORED_INDEX")
        .is_some_and(|value| matches!(value, "1" | "true"));
    if ignores_stored {
        return Ok(look);
    }
    if let Some(url) = machine.variable("PDM_PYPI_URL")
        && !names.iter().any(|name| name == DEFAULT)
    {
        look.asks(How::Index, "PDM_PYPI_URL", url, "PDM_PYPI_URL");
        names.push(DEFAULT.to_owned());
    }
    for (name, url, place) in stored_sources(machine)? {
        if !names.contains(&name) {
            look.asks(how(&name, false), format!("pypi.{name}"), url, place);
            names.push(name);
        }
    }
    Ok(look)
}

fn how(name: &str, is_only_for_named: bool) -> How {
    match (name, is_only_for_named) {
        (DEFAULT, _) => How::Index,
        (_, true) => How::Named,
        _ => How::Beside,
    }
}

/// The sources of the configuration files, the most important first: name, URL, place.
fn stored_sources(machine: &Machine) -> anyhow::Result<Vec<(String, String, String)>> {
    let project = machine.upwards("pyproject.toml");
    let mut paths: Vec<PathBuf> = project
        .iter()
        .map(|path| path.with_file_name("pdm.toml"))
        .collect();
    if machine.home.is_some() {
        paths.push(user_file(machine)?);
    }
    let shared = machine.shared_configuration();
    paths.extend(shared.iter().map(|folder| folder.join("pdm/config.toml")));
    let mut found = Vec::new();
    for path in paths {
        let read = Found::read(path)?;
        let Some(content) = &read.text else { continue };
        let file = TomlText::parse(&read.path, content)?;
        let Some(pypi) = file.table(&["pypi"]) else {
            continue;
        };
        let place = |url: &str| {
            let line = toml_text::line_of(content, url).unwrap_or(1);
            format!("{}:{line}", read.path.display())
        };
        if let Some(url) = text(pypi, "url") {
            found.push((DEFAULT.to_owned(), url.to_owned(), place(url)));
        }
        for (name, item) in pypi.iter().filter(|(_, item)| is_source(item)) {
            let url = item.as_table_like().and_then(|table| text(table, "url"));
            let url = url.unwrap_or_default();
            found.push((name.to_owned(), url.to_owned(), place(url)));
        }
    }
    Ok(found)
}

fn user_file(machine: &Machine) -> anyhow::Result<PathBuf> {
    match machine.variable("PDM_CONFIG_FILE") {
        Some(file) => Ok(file.into()),
        None => Ok(machine.platform_configuration("pdm")?.join("config.toml")),
    }
}

fn token_help() -> String {
    "Where the gateway asks for a token: PDM_PYPI_USERNAME=__token__ and PDM_PYPI_PASSWORD in the environment, \
     or --token-from-env NAME, with which the project's source says `${NAME}` and pdm expands it."
        .to_owned()
}

//! poetry: `[[tool.poetry.source]]` in `pyproject.toml`, the only place where poetry takes an index from. As
//! soon as one source is primary, PyPI is not asked.

use toml_edit::{Item, TableLike};

use super::aim::{Aim, NAME};
use super::machine::{Found, Machine};
use super::plan::{How, Look, Plan};
use super::toml_text::{self, Keep, TomlText, entries, text};
use super::{Scope, no_scope};

const MERGED: &str = "poetry mixes the versions of primary sources";
const SUPPLEMENTAL: &str = "it is asked whenever the gateway has nothing";

/// Points poetry at the gateway.
pub(super) fn plan(scope: Scope, aim: &Aim, machine: &Machine) -> anyhow::Result<Plan> {
    if scope != Scope::Project {
        return Err(no_scope(
            "poetry takes its index from each project only",
            "run it in the project, with --scope project",
        ));
    }
    let mut plan = Plan::default();
    aim.without_token("poetry", &token_help())?;
    let path = machine.upwards("pyproject.toml");
    let (path, before) = Found::of_project(path, "pyproject.toml")?;
    let mut file = TomlText::parse(&path, &before)?;
    let named = named_sources(&file);
    point(file.table_mut(&["tool", "poetry"])?, aim, &named, &mut plan);
    let after = file.text();
    let locked = path.with_file_name("poetry.lock").is_file();
    plan.change(path, Some(before), after);
    if locked && !plan.changes.is_empty() {
        plan.remark("Run `poetry lock` next: the lock says of which sources it was made.");
    }
    plan.remark(token_help());
    Ok(plan)
}

fn point(poetry: &mut dyn TableLike, aim: &Aim, named: &[String], plan: &mut Plan) {
    let mut is_there = false;
    let mut visit = |source: &mut dyn TableLike| {
        let name = text(source, "name").unwrap_or_default().to_owned();
        let url = text(source, "url").unwrap_or_default().to_owned();
        let priority = priority_of(source);
        if !is_there && (name == NAME || aim.is_simple(&url)) {
            is_there = true;
            toml_text::set(source, "url", aim.simple());
            toml_text::set(source, "priority", "primary");
            return Keep::Yes;
        }
        if priority == "explicit" {
            return Keep::Yes;
        }
        let shown = format!("source {name} {url}");
        if named.contains(&name) {
            plan.remove(shown, "it stays for what names it, and for nothing else");
            toml_text::set(source, "priority", "explicit");
            return Keep::Yes;
        }
        let why = match priority.as_str() {
            "supplemental" => SUPPLEMENTAL,
            _ => MERGED,
        };
        plan.remove(shown.trim(), why);
        Keep::No
    };
    if let Some(list) = poetry.get_mut("source") {
        toml_text::revise(list, &mut visit);
    }
    if !is_there {
        let fields = [
            ("name", NAME.into()),
            ("url", aim.simple().into()),
            ("priority", "primary".into()),
        ];
        toml_text::add(poetry, "source", &fields);
    }
}

/// What poetry would ask.
pub(super) fn look(_: &Aim, machine: &Machine) -> anyhow::Result<Look> {
    let mut look = Look::default();
    let (path, content) = Found::of_project(machine.upwards("pyproject.toml"), "pyproject.toml")?;
    let file = TomlText::parse(&path, &content)?;
    let poetry = file.table(&["tool", "poetry"]);
    let mut has_primary = false;
    for source in entries(poetry.and_then(|poetry| poetry.get("source"))) {
        let name = text(source, "name").unwrap_or_default();
        let url = text(source, "url").unwrap_or("PyPI");
        let line = toml_text::line_of(&content, if url == "PyPI" { name } else { url });
        let place = format!("{}:{}", path.display(), line.unwrap_or(1));
        let how = match priority_of(source).as_str() {
            "explicit" => How::Named,
            "supplemental" => How::Beside,
            _ if has_primary => How::Beside,
            _ => {
                has_primary = true;
                How::Index
            }
        };
        look.asks(how, format!("source {name}"), url, place);
    }
    Ok(look)
}

fn priority_of(source: &dyn TableLike) -> String {
    let old = |key: &str| source.get(key).and_then(Item::as_bool) == Some(true);
    match text(source, "priority") {
        Some(priority) => priority.to_ascii_lowercase(),
        None if old("secondary") => "supplemental".to_owned(),
        None => "primary".to_owned(),
    }
}

/// The sources that dependencies name.
fn named_sources(file: &TomlText) -> Vec<String> {
    let Some(poetry) = file.table(&["tool", "poetry"]) else {
        return Vec::new();
    };
    let tables = ["dependencies", "dev-dependencies", "group"];
    let items = tables.into_iter().filter_map(|table| poetry.get(table));
    items
        .flat_map(|item| toml_text::named_below(item, "source"))
        .collect()
}

fn token_help() -> String {
    format!(
        "Where the gateway asks for a token: `poetry config http-basic.{NAME} __token__ TOKEN` keeps it in the \
         keyring, or POETRY_HTTP_BASIC_{0}_USERNAME and _PASSWORD in the environment.",
        NAME.to_uppercase()
    )
}

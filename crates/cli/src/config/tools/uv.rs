//! uv: `[[index]]` in `uv.toml` or `[[tool.uv.index]]` in `pyproject.toml`, and variables `UV_…`. uv asks
//! the first index that has a project, so that whatever stands before the gateway is asked before it.

use std::path::{Path, PathBuf};

use toml_edit::{Item, TableLike};

use super::aim::{Aim, NAME};
use super::machine::{Found, Machine};
use super::plan::{How, Look, Plan};
use super::toml_text::{self, Keep, TomlText, entries, is_true, text};
use super::{Scope, no_scope};

const BEFORE: &str = "uv asks it before the gateway";
const STRATEGY: &str = "versions of all indexes are mixed";
const PASSES_BY: &str = "what uv finds there never passes the gateway";

/// Points uv at the gateway.
pub(super) fn plan(scope: Scope, aim: &Aim, machine: &Machine) -> anyhow::Result<Plan> {
    let mut plan = Plan::default();
    aim.without_token("uv", &token_help(aim))?;
    let path = match scope {
        Scope::Environment => {
            plan.printed = Some(super::exports(
                &[("UV_DEFAULT_INDEX", aim.simple())],
                &[
                    "UV_INDEX",
                    "UV_INDEX_URL",
                    "UV_EXTRA_INDEX_URL",
                    "UV_FIND_LINKS",
                    "UV_NO_INDEX",
                    "UV_INDEX_STRATEGY",
                ],
            ));
            return Ok(plan);
        }
        Scope::User => machine.configuration()?.join("uv/uv.toml"),
        Scope::System => machine.at_root("etc/uv/uv.toml"),
        Scope::Project => {
            let path = project_file(machine);
            Found::of_project(path, "pyproject.toml")?.0
        }
        Scope::Site => {
            return Err(no_scope(
                "uv has no configuration file in a virtual environment",
                "--scope project writes into the project, --scope user for all of yours",
            ));
        }
    };
    let found = Found::read(path)?;
    let before = found.text.as_deref().unwrap_or_default();
    let mut file = TomlText::parse(&found.path, before)?;
    let named = named_indexes(&file, machine)?;
    let root = root_of(&found.path);
    let settings = file.table_mut(root)?;
    take_out(settings, "", &mut plan);
    if let Some(pip) = settings.get_mut("pip").and_then(Item::as_table_like_mut) {
        take_out(pip, "pip.", &mut plan);
    }
    point(settings, aim, &named, &mut plan);
    let after = file.text();
    plan.change(found.path, found.text, after);
    if scope == Scope::Project && !plan.changes.is_empty() {
        plan.remark("Run `uv lock` next: the lock names the index that each file comes from.");
    }
    plan.remark(token_help(aim));
    Ok(plan)
}

/// Takes the settings out that lead past the gateway.
fn take_out(settings: &mut dyn TableLike, prefix: &str, plan: &mut Plan) {
    for (key, why) in [
        ("index-url", "the gateway takes its place"),
        ("extra-index-url", BEFORE),
        ("find-links", PASSES_BY),
        ("no-index", "no index is asked at all"),
        ("index-strategy", STRATEGY),
    ] {
        let leads_past = settings.get(key).is_some_and(|item| match key {
            "no-index" => item.as_bool() == Some(true),
            "index-strategy" => item.as_str() != Some("first-index"),
            _ => true,
        });
        if let Some(item) = settings.get(key).filter(|_| leads_past) {
            plan.remove(format!("{prefix}{key} = {}", toml_text::shown(item)), why);
            settings.remove(key);
        }
    }
}

/// Makes the gateway the default index and the only one that is asked without being named.
fn point(settings: &mut dyn TableLike, aim: &Aim, named: &[String], plan: &mut Plan) {
    let mut is_there = false;
    let mut visit = |index: &mut dyn TableLike| {
        let url = text(index, "url").unwrap_or_default().to_owned();
        let name = text(index, "name").unwrap_or_default().to_owned();
        let shown = format!("index {name} {url}");
        if !is_there && (name == NAME || aim.is_simple(&url)) {
            is_there = true;
            toml_text::set(index, "url", aim.simple());
            toml_text::set(index, "default", true);
            for (key, why) in [
                ("explicit", "the default index is asked for everything"),
                ("format", "the gateway serves the simple API"),
                ("ignore-error-codes", "a refusal is an answer"),
            ] {
                if let Some(item) = index.remove(key) {
                    plan.remove(format!("{key} = {}", toml_text::shown(&item)), why);
                }
            }
            return Keep::Yes;
        }
        if named.contains(&name) {
            let was_default = index.remove("default").is_some();
            if was_default || !is_true(index, "explicit") {
                plan.remove(shown, "it stays for what names it, and for nothing else");
                toml_text::set(index, "explicit", true);
            }
            return Keep::Yes;
        }
        match is_true(index, "explicit") {
            true => Keep::Yes,
            false => {
                plan.remove(shown, BEFORE);
                Keep::No
            }
        }
    };
    if let Some(list) = settings.get_mut("index") {
        toml_text::revise(list, &mut visit);
    }
    if !is_there {
        let fields = [
            ("name", NAME.into()),
            ("url", aim.simple().into()),
            ("default", true.into()),
        ];
        toml_text::add(settings, "index", &fields);
    }
}

/// What uv would ask.
pub(super) fn look(_: &Aim, machine: &Machine) -> anyhow::Result<Look> {
    let mut look = Look::default();
    let variable = |name: &str| machine.variable(name).map(str::to_owned);
    let mut has_default = false;
    for name in ["UV_DEFAULT_INDEX", "UV_INDEX_URL"] {
        if let Some(url) = variable(name).filter(|_| !has_default) {
            look.asks(How::Index, name, unnamed(&url), name);
            has_default = true;
        }
    }
    for name in ["UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS"] {
        for url in variable(name)
            .iter()
            .flat_map(|value| value.split([' ', ',']))
        {
            if !url.is_empty() {
                look.asks(How::Beside, name, unnamed(url), name);
            }
        }
    }
    let mut strategy =
        variable("UV_INDEX_STRATEGY").map(|value| (value, "UV_INDEX_STRATEGY".to_owned()));
    for path in files(machine)? {
        let found = Found::read(path)?;
        let Some(text) = &found.text else { continue };
        let file = TomlText::parse(&found.path, text)?;
        let Some(settings) = file.table(root_of(&found.path)) else {
            continue;
        };
        let shown = found.path.display().to_string();
        let place = |needle: &str| match toml_text::line_of(text, needle) {
            Some(line) => format!("{shown}:{line}"),
            None => shown.clone(),
        };
        has_default |= look_into(settings, has_default, &place, &mut look);
        if strategy.is_none() {
            let value = toml_text::text(settings, "index-strategy");
            strategy = value.map(|value| (value.to_owned(), place("index-strategy")));
        }
    }
    if let Some((value, place)) = strategy.filter(|(value, _)| value != "first-index") {
        let message = format!("index-strategy is {value}: {STRATEGY}");
        look.find("index-strategy", place, message, "take it out");
    }
    if variable("UV_NO_INDEX").is_some() {
        look.find(
            "no-index",
            "UV_NO_INDEX",
            "no index is asked at all",
            "unset UV_NO_INDEX",
        );
    }
    Ok(look)
}

/// The indexes of one file; `has_default` where a more important place has named the default one.
fn look_into(
    settings: &dyn TableLike,
    has_default: bool,
    place: &dyn Fn(&str) -> String,
    look: &mut Look,
) -> bool {
    let mut found = has_default;
    for index in entries(settings.get("index")) {
        let url = text(index, "url").unwrap_or_default();
        let key = match text(index, "name") {
            Some(name) => format!("index {name}"),
            None => "index".to_owned(),
        };
        match (is_true(index, "default"), is_true(index, "explicit")) {
            (_, true) => look.asks(How::Named, key, url, place(url)),
            (true, _) if found => {}
            (true, _) => {
                found = true;
                look.asks(How::Index, key, url, place(url));
            }
            (false, _) => look.asks(How::Beside, key, url, place(url)),
        }
    }
    if let Some(url) = text(settings, "index-url").filter(|_| !found) {
        found = true;
        look.asks(How::Index, "index-url", url, place("index-url"));
    }
    let pip = settings.get("pip").and_then(Item::as_table_like);
    for table in [Some(settings), pip].into_iter().flatten() {
        for key in ["extra-index-url", "find-links"] {
            let list = table.get(key).and_then(Item::as_array);
            for url in list.into_iter().flatten().filter_map(|url| url.as_str()) {
                look.asks(How::Beside, key, url, place(url));
            }
        }
        if is_true(table, "no-index") {
            look.find(
                "no-index",
                place("no-index"),
                "no index is asked at all",
                "take it out",
            );
        }
    }
    if let Some(url) = pip.and_then(|pip| text(pip, "index-url")) {
        look.asks(How::Beside, "pip.index-url", url, place(url));
    }
    found
}

fn token_help(aim: &Aim) -> String {
    format!(
        "Where the gateway asks for a token: UV_INDEX_{0}_USERNAME=__token__ and UV_INDEX_{0}_PASSWORD in the \
         environment, or `machine {1} login __token__ password TOKEN` in ~/.netrc (mode 0600).",
        NAME.to_uppercase(),
        aim.host()
    )
}

/// `NAME=URL` as uv takes it in variables.
fn unnamed(text: &str) -> &str {
    match text.split_once('=') {
        Some((name, url)) if !name.contains("://") => url,
        _ => text,
    }
}

/// Where uv's settings begin in a file.
fn root_of(path: &Path) -> &'static [&'static str] {
    match path.ends_with("pyproject.toml") {
        true => &["tool", "uv"],
        false => &[],
    }
}

/// The file with a project's settings: `uv.toml` counts before `pyproject.toml` beside it, and the root of a
/// workspace before its members.
fn project_file(machine: &Machine) -> Option<PathBuf> {
    let mut folders = machine.folder.ancestors();
    let is_workspace = |folder: &&Path| {
        let text = std::fs::read_to_string(folder.join("pyproject.toml"));
        text.is_ok_and(|text| text.contains("[tool.uv.workspace]"))
    };
    let root = folders
        .find(is_workspace)
        .map(|folder| folder.join("pyproject.toml"));
    let project = root.or_else(|| machine.upwards("pyproject.toml"));
    let beside = project.as_ref().map(|path| path.with_file_name("uv.toml"));
    let own = beside.filter(|path| path.is_file());
    own.or(project).or_else(|| machine.upwards("uv.toml"))
}

/// The files that uv reads, the most important first.
fn files(machine: &Machine) -> anyhow::Result<Vec<PathBuf>> {
    if machine.variable("UV_NO_CONFIG").is_some() {
        return Ok(Vec::new());
    }
    if let Some(file) = machine.variable("UV_CONFIG_FILE") {
        return Ok(vec![file.into()]);
    }
    let mut files: Vec<PathBuf> = project_file(machine).into_iter().collect();
    if machine.home.is_some() {
        files.push(machine.configuration()?.join("uv/uv.toml"));
    }
    let shared = machine.shared_configuration().into_iter();
    let mut shared: Vec<PathBuf> = shared.map(|folder| folder.join("uv/uv.toml")).collect();
    shared.push(machine.at_root("etc/uv/uv.toml"));
    files.extend(shared.into_iter().find(|path| path.is_file()));
    Ok(files)
}

/// The names that `tool.uv.sources` uses, here or in the `pyproject.toml` beside an `uv.toml`.
fn named_indexes(file: &TomlText, machine: &Machine) -> anyhow::Result<Vec<String>> {
    let mut named = sources_of(file);
    if let Some(path) = machine.upwards("pyproject.toml") {
        let found = Found::read(path)?;
        let text = found.text.unwrap_or_default();
        named.extend(sources_of(&TomlText::parse(&found.path, &text)?));
    }
    Ok(named)
}

fn sources_of(file: &TomlText) -> Vec<String> {
    let settings = file.table(&["tool", "uv"]);
    let sources = settings.and_then(|settings| settings.get("sources"));
    sources.map_or_else(Vec::new, |sources| toml_text::named_below(sources, "index"))
}

//! pipenv: the first `[[source]]` of the Pipfile. Packages without an `index` come from it; a Pipfile that asks
//! for it lets all sources compete.

use toml_edit::{Item, TableLike};

use super::aim::{Aim, NAME};
use super::machine::{Found, Machine};
use super::plan::{How, Look, Plan};
use super::toml_text::{self, Keep, TomlText, entries, text};
use super::{Scope, no_scope};

const MIRROR: &str = "PIPENV_PYPI_MIRROR";
const ALL_SOURCES: &str = "install_search_all_sources";

/// Points pipenv at the gateway.
pub(super) fn plan(scope: Scope, aim: &Aim, machine: &Machine) -> anyhow::Result<Plan> {
    let mut plan = Plan::default();
    match scope {
        Scope::Project => {}
        Scope::Environment => {
            aim.without_token("a shell's export line", &token_help())?;
            plan.printed = Some(super::exports(&[(MIRROR, aim.simple())], &[]));
            return Ok(plan);
        }
        _ => {
            return Err(no_scope(
                "pipenv takes its index from the Pipfile or from PIPENV_PYPI_MIRROR",
                "--scope project for the Pipfile, --scope environment for the variable",
            ));
        }
    }
    let (path, before) = Found::of_project(pipfile(machine), "Pipfile")?;
    let mut file = TomlText::parse(&path, &before)?;
    let named = named_sources(&file);
    // pipenv expands variables in the URLs of sources.
    let url = aim.simple_with(|variable| format!("${{{variable}}}"));
    point(file.document.as_table_mut(), &url, &named, &mut plan);
    let settings = file
        .document
        .get_mut("pipenv")
        .and_then(Item::as_table_like_mut);
    if let Some(item) = settings.and_then(|pipenv| pipenv.remove(ALL_SOURCES)) {
        let shown = format!("{ALL_SOURCES} = {}", toml_text::shown(&item));
        plan.remove(shown, "versions of all sources are mixed");
    }
    let after = file.text();
    let locked = path.with_file_name("Pipfile.lock").is_file();
    plan.change(path, Some(before), after);
    if locked && !plan.changes.is_empty() {
        plan.remark("Run `pipenv lock` next: the lock says of which sources it was made.");
    }
    plan.remark(token_help());
    Ok(plan)
}

/// Makes the first source the gateway, under the name that packages may have for it.
fn point(root: &mut dyn TableLike, url: &str, named: &[String], plan: &mut Plan) {
    let mut is_first = true;
    let mut visit = |source: &mut dyn TableLike| {
        let name = text(source, "name").unwrap_or_default().to_owned();
        if is_first {
            is_first = false;
            toml_text::set(source, "url", url);
            toml_text::set(source, "verify_ssl", true);
            return Keep::Yes;
        }
        match named.contains(&name) {
            true => Keep::Yes,
            false => {
                let old = text(source, "url").unwrap_or_default();
                plan.remove(format!("source {name} {old}"), "no package names it");
                Keep::No
            }
        }
    };
    if let Some(list) = root.get_mut("source") {
        toml_text::revise(list, &mut visit);
    }
    if is_first {
        let fields = [
            ("url", url.into()),
            ("verify_ssl", true.into()),
            ("name", NAME.into()),
        ];
        toml_text::add(root, "source", &fields);
    }
}

/// What pipenv would ask.
pub(super) fn look(aim: &Aim, machine: &Machine) -> anyhow::Result<Look> {
    let mut look = Look::default();
    let mirror = machine.variable(MIRROR);
    let Some(path) = pipfile(machine) else {
        if let Some(url) = mirror {
            look.asks(How::Index, MIRROR, url, MIRROR);
        }
        look.remarks
            .push("There is no Pipfile in this folder or above.".to_owned());
        return Ok(look);
    };
    let (path, content) = Found::of_project(Some(path), "Pipfile")?;
    let file = TomlText::parse(&path, &content)?;
    let all = file
        .table(&["pipenv"])
        .is_some_and(|pipenv| toml_text::is_true(pipenv, ALL_SOURCES));
    for (position, source) in entries(file.document.get("source")).into_iter().enumerate() {
        let name = text(source, "name").unwrap_or_default();
        let url = text(source, "url").unwrap_or_default();
        let line = toml_text::line_of(&content, url).unwrap_or(1);
        let place = format!("{}:{line}", path.display());
        let how = match position {
            0 => How::Index,
            _ if all => How::Beside,
            _ => How::Named,
        };
        look.asks(how, format!("source {name}"), url, place);
    }
    if let Some(url) = mirror.filter(|url| !aim.is_simple(url)) {
        look.asks(How::Beside, MIRROR, url, MIRROR);
    }
    Ok(look)
}

fn pipfile(machine: &Machine) -> Option<std::path::PathBuf> {
    let named = machine.variable("PIPENV_PIPFILE").map(Into::into);
    named.or_else(|| machine.upwards("Pipfile"))
}

/// The sources that packages name.
fn named_sources(file: &TomlText) -> Vec<String> {
    let sections = file.document.iter();
    let sections = sections.filter(|(name, _)| !matches!(*name, "source" | "pipenv" | "requires"));
    sections
        .flat_map(|(_, item)| toml_text::named_below(item, "index"))
        .collect()
}

fn token_help() -> String {
    "Where the gateway asks for a token: --token-from-env NAME writes `${NAME}`, which pipenv expands; or \
     ~/.netrc (mode 0600)."
        .to_owned()
}

//! pip: `pip.conf` of the machine, the user and the virtual environment, and variables `PIP_…`. conda's `pip`
//! section, pip-tools, tox and nox end up here too. Requirements files are a project's, and belong to
//! `portcullis check`.

use std::path::{Path, PathBuf};

use super::aim::Aim;
use super::ini::{Entry, Ini};
use super::machine::{Found, Machine};
use super::plan::{How, Look, Plan};
use super::{Scope, no_scope};
use crate::exit::failure;

/// Commands of pip that ask an index; `[install]` counts before `[global]`.
const COMMANDS: [&str; 5] = ["install", "download", "wheel", "lock", "index"];

const MERGED: &str = "pip takes the highest version of all indexes";
const PASSES_BY: &str = "what pip finds there never passes the gateway";
const OVERRIDES: &str = "a command's own section counts before [global]";

/// Points pip at the gateway.
pub(super) fn plan(scope: Scope, aim: &Aim, machine: &Machine) -> anyhow::Result<Plan> {
    let mut plan = Plan::default();
    aim.without_token("pip", &token_help(aim))?;
    let path = match scope {
        Scope::Environment => {
            plan.printed = Some(super::exports(
                &[("PIP_INDEX_URL", aim.simple())],
                &["PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX"],
            ));
            return Ok(plan);
        }
        Scope::User => machine.user_file()?,
        Scope::System => machine.at_root("etc/pip.conf"),
        Scope::Site => machine.site_file()?,
        Scope::Project => {
            return Err(no_scope(
                "pip has no configuration file for a project",
                "--scope site writes into its virtual environment; `portcullis check --fix` corrects \
                 requirements files",
            ));
        }
    };
    let found = Found::read(path)?;
    let mut ini = parse(&found)?;
    for entry in ini.entries() {
        take_out(&mut ini, &entry, &mut plan);
    }
    ini.set("global", "index-url", &aim.simple());
    plan.change(found.path, found.text, ini.text());
    plan.remark(token_help(aim));
    Ok(plan)
}

/// Takes an entry out where it leads past `[global] index-url`.
fn take_out(ini: &mut Ini, entry: &Entry, plan: &mut Plan) {
    let is_global = entry.section == "global";
    if !is_global && !COMMANDS.contains(&entry.section.as_str()) {
        return;
    }
    let why = match entry.key.as_str() {
        "extra-index-url" => MERGED,
        "find-links" => PASSES_BY,
        "no-index" => "no index is asked at all",
        "index-url" | "pypi-url" if !is_global => OVERRIDES,
        "pypi-url" => "it is another name of index-url",
        _ => return,
    };
    let value = entry.value.replace('\n', " ");
    plan.remove(format!("[{}] {} = {value}", entry.section, entry.key), why);
    ini.remove(&entry.section, &entry.key);
}

/// What pip would ask.
pub(super) fn look(aim: &Aim, machine: &Machine) -> anyhow::Result<Look> {
    let mut look = Look::default();
    let settings = Settings::read(machine)?;
    for (how, keys) in [
        (How::Index, &["index-url", "pypi-url"][..]),
        (How::Beside, &["extra-index-url"]),
        (How::Beside, &["find-links"]),
    ] {
        let found = keys.iter().find_map(|key| settings.value("install", key));
        let Some(value) = found else { continue };
        for url in value.text.split_whitespace() {
            look.asks(how, value.key.as_str(), url, value.place.as_str());
        }
    }
    for command in &COMMANDS[1..] {
        for key in ["index-url", "extra-index-url", "find-links"] {
            let own = settings.of_section(command, key);
            for url in own.iter().flat_map(|value| value.text.split_whitespace()) {
                let place = own.as_ref().map_or("", |value| &value.place);
                look.asks(How::Beside, format!("[{command}] {key}"), url, place);
            }
        }
    }
    if let Some(value) = settings.value("install", "no-index").filter(Value::is_on) {
        let remedy = format!("take it out of {}", value.place);
        look.find(
            "no-index",
            value.place,
            "no-index is on: no index is asked",
            remedy,
        );
    }
    let trusted = settings.value("install", "trusted-host");
    let is_ours = |value: &Value| {
        let mut hosts = value.text.split_whitespace();
        hosts.any(|host| host.split(':').next() == Some(&aim.host()))
    };
    if let Some(value) = trusted.filter(|value| is_ours(value) && aim.simple().starts_with("https"))
    {
        let remedy = format!("take it out of {}", value.place);
        let message = "trusted-host names the gateway: its certificate is not checked";
        look.find("trusted-host", value.place, message, remedy);
    }
    Ok(look)
}

/// Where pip finds a token.
pub(super) fn token_help(aim: &Aim) -> String {
    format!(
        "Where the gateway asks for a token: `machine {} login __token__ password TOKEN` in ~/.netrc (mode 0600), \
         or a keyring; pip reads both.",
        aim.host()
    )
}

/// pip's way of comparing keys.
pub(super) fn normal(key: &str) -> String {
    let key = key.to_lowercase().replace('_', "-");
    key.strip_prefix("--").map(str::to_owned).unwrap_or(key)
}

fn parse(found: &Found) -> anyhow::Result<Ini> {
    let text = found.text.as_deref().unwrap_or_default();
    Ini::parse(text, normal).map_err(|why| {
        failure(
            format!("pip cannot read {}: {why}", found.path.display()),
            "repair it first; nothing was written",
        )
    })
}

/// A value and where it comes from.
struct Value {
    key: String,
    text: String,
    place: String,
}

impl Value {
    fn is_on(&self) -> bool {
        matches!(
            self.text.to_lowercase().as_str(),
            "y" | "yes" | "t" | "true" | "on" | "1"
        )
    }
}

/// Everything that pip reads, in pip's order.
struct Settings<'machine> {
    machine: &'machine Machine,
    /// The least important first.
    files: Vec<(PathBuf, Vec<Entry>)>,
}

impl<'machine> Settings<'machine> {
    fn read(machine: &'machine Machine) -> anyhow::Result<Self> {
        let mut files = Vec::new();
        for path in paths(machine)? {
            let found = Found::read(path)?;
            if found.text.is_some() {
                let entries = parse(&found)?.entries();
                files.push((found.path, entries));
            }
        }
        Ok(Self { machine, files })
    }

    /// What counts for a command: the environment, its own section, `[global]`.
    fn value(&self, command: &str, key: &str) -> Option<Value> {
        let variable = format!("PIP_{}", key.to_uppercase().replace('-', "_"));
        let set = self.machine.variable(&variable).map(|text| Value {
            key: variable.clone(),
            text: text.to_owned(),
            place: variable.clone(),
        });
        set.or_else(|| self.of_section(command, key))
            .or_else(|| self.of_section("global", key))
    }

    fn of_section(&self, section: &str, key: &str) -> Option<Value> {
        self.files.iter().rev().find_map(|(path, entries)| {
            let is_meant = |entry: &&Entry| {
                entry.section == section && entry.key == key && !entry.value.is_empty()
            };
            let entry = entries.iter().find(is_meant)?;
            Some(Value {
                key: key.to_owned(),
                text: entry.value.clone(),
                place: format!("{}:{}", path.display(), entry.line),
            })
        })
    }
}

/// The files that pip reads, the least important first.
fn paths(machine: &Machine) -> anyhow::Result<Vec<PathBuf>> {
    let named = machine.variable("PIP_CONFIG_FILE").map(PathBuf::from);
    if named.as_deref() == Some(Path::new("/dev/null")) {
        return Ok(Vec::new());
    }
    let shared = machine.shared_configuration();
    let mut paths: Vec<PathBuf> = shared
        .iter()
        .map(|folder| folder.join("pip/pip.conf"))
        .collect();
    paths.push(machine.at_root("etc/pip.conf"));
    // A file that is named by the environment takes the place of the user's own.
    let replaces = named.as_deref().is_some_and(Path::exists);
    if !replaces && let Some(home) = &machine.home {
        paths.push(home.join(".pip/pip.conf"));
        paths.push(machine.user_file()?);
    }
    if let Some(environment) = machine.virtual_environment() {
        paths.push(environment.join("pip.conf"));
    }
    paths.extend(named);
    Ok(paths)
}

impl Machine {
    /// The user's `pip.conf`, where pip itself would write it.
    fn user_file(&self) -> anyhow::Result<PathBuf> {
        // On macOS pip takes the usual place only where it is there already.
        let folder = self.platform_configuration("pip")?;
        let folder = match folder.is_dir() {
            true => folder,
            false => self.configuration()?.join("pip"),
        };
        Ok(folder.join("pip.conf"))
    }

    /// The `pip.conf` of the virtual environment.
    fn site_file(&self) -> anyhow::Result<PathBuf> {
        let environment = self.virtual_environment().ok_or_else(|| {
            failure(
                "no virtual environment is active, and there is none in .venv",
                "activate the one that is meant",
            )
        })?;
        Ok(environment.join("pip.conf"))
    }
}

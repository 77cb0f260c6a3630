//! twine, and everything else that reads `.pypirc`: a server named `portcullis`. What `twine upload` does without
//! `-r` stays as it is, because a token for PyPI that stands there must not be sent to anybody else.

use std::path::PathBuf;

use super::aim::{Aim, NAME};
use super::ini::Ini;
use super::machine::{Found, Machine};
use super::plan::{How, Look, Plan, Readers};
use super::{Scope, no_scope};
use crate::exit::failure;

/// Points twine at the gateway.
pub(super) fn plan(scope: Scope, aim: &Aim, machine: &Machine) -> anyhow::Result<Plan> {
    let mut plan = Plan::default();
    aim.without_token("twine", &token_help(aim))?;
    match scope {
        Scope::User => {}
        Scope::Environment => {
            let variables = [
                ("TWINE_REPOSITORY_URL", aim.upload()),
                ("TWINE_USERNAME", "__token__".to_owned()),
            ];
            plan.printed = Some(super::exports(&variables, &["TWINE_REPOSITORY"]));
            return Ok(plan);
        }
        _ => {
            return Err(no_scope(
                "twine reads the user's .pypirc and the environment",
                "--scope user for the file, --scope environment for variables",
            ));
        }
    }
    let found = Found::read(file(machine)?)?;
    let mut ini = parse(&found)?;
    let servers = ini.entry("distutils", "index-servers");
    let servers = servers.map_or("pypi testpypi".to_owned(), |entry| entry.value);
    if !servers.split_whitespace().any(|server| server == NAME) {
        let mut all: Vec<&str> = servers.split_whitespace().collect();
        all.insert(0, NAME);
        ini.set("distutils", "index-servers", &all.join(" "));
    }
    let old = ini.entry(NAME, "repository").map(|entry| entry.value);
    if old.is_some_and(|old| !aim.is_upload(&old)) && ini.entry(NAME, "password").is_some() {
        plan.remove(
            format!("password of [{NAME}]"),
            "it was for the repository before",
        );
        ini.remove(NAME, "password");
    }
    ini.set(NAME, "repository", &aim.upload());
    ini.set(NAME, "username", "__token__");
    plan.change_read_by(found.path, found.text, ini.text(), Readers::Owner);
    plan.remark(format!(
        "`twine upload -r {NAME} dist/*` publishes there; set TWINE_REPOSITORY={NAME} where nothing may be \
         published elsewhere."
    ));
    plan.remark(token_help(aim));
    Ok(plan)
}

/// Where twine would publish.
pub(super) fn look(aim: &Aim, machine: &Machine) -> anyhow::Result<Look> {
    let mut look = Look::default();
    if let Some(url) = machine.variable("TWINE_REPOSITORY_URL") {
        look.asks(
            How::Index,
            "TWINE_REPOSITORY_URL",
            url,
            "TWINE_REPOSITORY_URL",
        );
        return Ok(look);
    }
    let server = machine.variable("TWINE_REPOSITORY");
    let found = Found::read(file(machine)?)?;
    let ini = parse(&found)?;
    let place = |line: usize| format!("{}:{line}", found.path.display());
    let name = server.unwrap_or("pypi");
    if let Some(entry) = ini.entry(name, "repository") {
        look.asks(
            How::Index,
            format!("[{name}] repository"),
            entry.value,
            place(entry.line),
        );
    }
    let ours = ini.entry(NAME, "repository");
    let ours = ours.filter(|entry| server.is_none() && aim.is_upload(&entry.value));
    if let Some(entry) = ours {
        let place = place(entry.line);
        look.asks(
            How::Index,
            format!("[{NAME}] repository"),
            entry.value,
            place,
        );
        look.remarks.push(format!(
            "`twine upload` without `-r {NAME}` publishes on PyPI; set TWINE_REPOSITORY={NAME} where that must not \
             happen."
        ));
    }
    Ok(look)
}

fn file(machine: &Machine) -> anyhow::Result<PathBuf> {
    match machine.variable("TWINE_CONFIG_FILE") {
        Some(file) => Ok(file.into()),
        None => Ok(machine.home()?.join(".pypirc")),
    }
}

fn parse(found: &Found) -> anyhow::Result<Ini> {
    let text = found.text.as_deref().unwrap_or_default();
    Ini::parse(text, str::to_lowercase).map_err(|why| {
        failure(
            format!("twine cannot read {}: {why}", found.path.display()),
            "repair it first; nothing was written",
        )
    })
}

fn token_help(aim: &Aim) -> String {
    format!(
        "The token: TWINE_PASSWORD in the environment, or `keyring set {} __token__`.",
        aim.upload()
    )
}

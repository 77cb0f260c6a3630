//! Workflows and composite actions of GitHub: actions, images, variables, and what `run` runs.

use super::commands;
use super::images;
use super::not_readable;
use super::shell::Dialect;
use crate::lint::contents::{Contents, Reference, ReferenceKind, Runs, Setting, Span, Tool, User};
use crate::lint::syntax::{Node, Spelled, yaml};

/// Reads a workflow or an action.
pub(super) fn read(text: &str) -> Contents {
    let documents = match yaml::parse(text) {
        Ok(documents) => documents,
        Err(error) => return not_readable(error),
    };
    let mut contents = Contents::default();
    for root in &documents {
        commands::variables(root.get("env"), &mut contents);
        let shell = root
            .path(&["defaults", "run"])
            .and_then(|run| run.text_of("shell"));
        for job in root.get("jobs").map(Node::entries).unwrap_or_default() {
            take_job(&job.value, shell, &mut contents);
        }
        if let Some(runs) = root.get("runs") {
            take_action(runs, &mut contents);
        }
    }
    contents
}

fn take_action(runs: &Node, contents: &mut Contents) {
    let image = runs
        .get("image")
        .filter(|image| image.text().is_some_and(|name| name.starts_with("docker:")));
    take_image(image, contents);
    let place = Runs {
        user: User::Unknown,
        unattended: true,
        in_environment: false,
    };
    take_steps(runs, (None, Dialect::Posix), place, contents);
}

fn take_job(job: &Node, shell: Option<&str>, contents: &mut Contents) {
    commands::variables(job.get("env"), contents);
    if let Some(uses) = job.get("uses") {
        take_uses(uses, contents);
    }
    let container = job.get("container");
    let image = container.and_then(|one| one.get("image")).or(container);
    take_image(image, contents);
    commands::variables(container.and_then(|one| one.get("env")), contents);
    for service in job.get("services").map(Node::entries).unwrap_or_default() {
        take_image(service.value.get("image"), contents);
    }
    let own = job
        .path(&["defaults", "run"])
        .and_then(|run| run.text_of("shell"));
    let is_windows = job.get("runs-on").is_some_and(|on| {
        let mut names = on.one_or_more().iter().filter_map(Node::text);
        names.any(|name| name.starts_with("windows"))
    });
    let default = match is_windows {
        true => Dialect::PowerShell,
        false => Dialect::Posix,
    };
    let place = Runs {
        // The machines that GitHub hosts have a user; containers have whichever they want.
        user: match image {
            Some(image) => images::user_of(image.text().unwrap_or_default()),
            None => User::Other,
        },
        unattended: true,
        in_environment: false,
    };
    take_steps(job, (own.or(shell), default), place, contents);
}

fn take_steps(
    of: &Node,
    (shell, default): (Option<&str>, Dialect),
    runs: Runs,
    contents: &mut Contents,
) {
    for step in of.get("steps").map(Node::items).unwrap_or_default() {
        commands::variables(step.get("env"), contents);
        if let Some(uses) = step.get("uses") {
            take_uses(uses, contents);
            take_inputs(uses.text().unwrap_or_default(), step.get("with"), contents);
        }
        let shell = step.text_of("shell").or(shell);
        if let (Some(run), Some(dialect)) = (step.get("run"), dialect(shell, default)) {
            commands::scripts(run, dialect, runs, contents);
        }
    }
}

/// The rules of quoting of `shell`; `None` for what is no shell, such as Python.
fn dialect(shell: Option<&str>, default: Dialect) -> Option<Dialect> {
    let Some(shell) = shell else {
        return Some(default);
    };
    let name = shell.split_whitespace().next().unwrap_or_default();
    match name {
        "pwsh" | "powershell" => Some(Dialect::PowerShell),
        "cmd" => Some(Dialect::Cmd),
        "python" | "python3" | "node" | "perl" => None,
        _ => Some(Dialect::Posix),
    }
}

fn take_image(image: Option<&Node>, contents: &mut Contents) {
    if let Some(spelled) = image.and_then(Node::spelled) {
        contents
            .references
            .extend(images::reference(spelled.as_str(), spelled.at()));
    }
}

/// Takes what `uses` names: an action, a workflow or an image of somebody else.
fn take_uses(uses: &Node, contents: &mut Contents) {
    let Some(spelled) = uses.spelled() else {
        return;
    };
    let text = spelled.as_str().trim();
    if text.starts_with("docker://") {
        contents
            .references
            .extend(images::reference(text, spelled.at()));
        return;
    }
    if text.is_empty() || text.starts_with("./") || text.starts_with("../") || text.contains("${{")
    {
        return;
    }
    let (target, revision) = match text.split_once('@') {
        Some((target, revision)) => (target, Some(revision.to_owned())),
        None => (text, None),
    };
    contents.references.push(Reference {
        kind: ReferenceKind::Action,
        target: target.to_owned(),
        revision,
        at: spelled.at(),
    });
}

/// The inputs of the action that publishes to an index are settings of twine, which it runs.
fn take_inputs(uses: &str, with: Option<&Node>, contents: &mut Contents) {
    if !uses.starts_with("pypa/gh-action-pypi-publish") {
        return;
    }
    for entry in with.map(Node::entries).unwrap_or_default() {
        let Some(value) = entry.value.spelled() else {
            continue;
        };
        let value_at: Span = value.at();
        let key = entry.key.replace('_', "-");
        let setting = Setting {
            tool: Tool::Twine,
            key,
            value: Spelled::as_str(value).to_owned(),
            at: entry.at(),
            value_at,
            by: None,
        };
        match setting.key.as_str() {
            "repository-url" => super::options::option(
                super::options::Given {
                    tool: Tool::Twine,
                    key: "repository-url",
                    value: &setting.value,
                    at: setting.at,
                    value_at: setting.value_at,
                    by: None,
                },
                contents,
            ),
            _ => contents.settings.push(setting),
        }
    }
}

//! GitHub's workflows and GitLab's pipeline: variables for every job, `env:` there and `variables:` here. What
//! a job or step sets for itself counts before, and is told.

use std::path::PathBuf;

use super::aim::Aim;
use super::lines;
use super::machine::{Found, Machine};
use super::plan::{How, Look, Plan, Unnamed};
use super::{Scope, no_scope};
use crate::exit::failure;

/// A service that runs pipelines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    /// `.github/workflows/*.yml`.
    GitHub,
    /// `.gitlab-ci.yml`.
    GitLab,
}

/// The variables that point installers somewhere.
pub(super) const POINTING: [&str; 4] = [
    "PIP_INDEX_URL",
    "UV_DEFAULT_INDEX",
    "PDM_PYPI_URL",
    "PIPENV_PYPI_MIRROR",
];

/// The variables that lead past it, and why.
pub(super) const PAST: [(&str, &str); 7] = [
    (
        "PIP_EXTRA_INDEX_URL",
        "pip takes the highest version of all indexes",
    ),
    (
        "PIP_FIND_LINKS",
        "what pip finds there never passes the gateway",
    ),
    ("UV_INDEX", "uv asks it before the gateway"),
    ("UV_INDEX_URL", "it is the old name of UV_DEFAULT_INDEX"),
    ("UV_EXTRA_INDEX_URL", "uv asks it before the gateway"),
    (
        "UV_FIND_LINKS",
        "what uv finds there never passes the gateway",
    ),
    ("UV_INDEX_STRATEGY", "versions of all indexes are mixed"),
];

/// Words that say that a file installs Python packages.
const INSTALLERS: [&str; 7] = ["pip", "uv", "poetry", "pdm", "pipenv", "python", "tox"];

impl Service {
    fn name(self) -> &'static str {
        match self {
            Self::GitHub => "github",
            Self::GitLab => "gitlab",
        }
    }

    /// The key with the variables of every job.
    fn key(self) -> &'static str {
        match self {
            Self::GitHub => "env",
            Self::GitLab => "variables",
        }
    }

    /// How a token is referred to.
    fn reference(self, variable: &str) -> String {
        match self {
            Self::GitHub => format!("${{{{ secrets.{variable} }}}}"),
            Self::GitLab => format!("${{{variable}}}"),
        }
    }

    fn files(self, machine: &Machine) -> anyhow::Result<Vec<PathBuf>> {
        let root = machine.upwards(".git/HEAD").and_then(|head| {
            let root = head.parent()?.parent()?;
            Some(root.to_owned())
        });
        let root = root.unwrap_or_else(|| machine.folder.clone());
        let files = match self {
            Self::GitLab => vec![root.join(".gitlab-ci.yml")],
            Self::GitHub => workflows(&root.join(".github/workflows")),
        };
        let files: Vec<PathBuf> = files.into_iter().filter(|path| path.is_file()).collect();
        match files.is_empty() {
            false => Ok(files),
            true => Err(failure(
                match self {
                    Self::GitHub => "there are no workflows in .github/workflows",
                    Self::GitLab => "there is no .gitlab-ci.yml",
                },
                "run the command in the repository; --scope environment prints the lines",
            )),
        }
    }
}

fn workflows(folder: &std::path::Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let is_yaml = |path: &PathBuf| {
        let ending = path.extension().and_then(|ending| ending.to_str());
        matches!(ending, Some("yml" | "yaml"))
    };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_yaml).collect();
    files.sort();
    files
}

/// Points the jobs of a service at the gateway.
pub(super) fn plan(
    service: Service,
    scope: Scope,
    aim: &Aim,
    machine: &Machine,
) -> anyhow::Result<Plan> {
    let mut plan = Plan::default();
    let url = aim.simple_with(|variable| service.reference(variable));
    let wanted = POINTING.map(|name| (name, url.clone()));
    match scope {
        Scope::Project => {}
        Scope::Environment => {
            let key = service.key();
            let lines = wanted.map(|(name, url)| format!("  {name}: \"{url}\"\n"));
            plan.printed = Some(format!("{key}:\n{}", lines.concat()));
            return Ok(plan);
        }
        _ => {
            return Err(no_scope(
                format!("{} is configured in the repository", service.name()),
                "--scope project changes the files, --scope environment prints the lines",
            ));
        }
    }
    for path in service.files(machine)? {
        let found = Found::read(path)?;
        let before = found.text.unwrap_or_default();
        if !installs_packages(&before) {
            continue;
        }
        let refused = |why: String| {
            failure(
                format!("{} is not understood: {why}", found.path.display()),
                "put in what --scope environment prints; nothing was written",
            )
        };
        if !lines::is_yaml(&before) {
            return Err(refused("it is no YAML".to_owned()));
        }
        for pair in lines::pairs(&before, service.key())
            .map_err(&refused)?
            .unwrap_or_default()
        {
            if let Some((name, why)) = PAST.iter().find(|(name, _)| *name == pair.key) {
                plan.remove(format!("{name}: {}", pair.value), why);
            }
        }
        let past = PAST.map(|(name, _)| name);
        let is_jobs = |line: &str| service == Service::GitHub && line.starts_with("jobs:");
        let after = lines::set_pairs(&before, service.key(), &wanted, &past, is_jobs);
        let after = after.map_err(&refused)?;
        if !lines::is_yaml(&after) {
            return Err(refused("the lines would not fit".to_owned()));
        }
        plan.change(found.path, Some(before), after);
    }
    if aim.token.is_none() {
        plan.remark(format!(
            "Where the gateway asks for a token: keep it as a secret of {} and name it with --token-from-env NAME.",
            service.name()
        ));
    }
    plan.remark(
        "poetry takes its index from pyproject.toml only: `portcullis config write poetry`.",
    );
    Ok(plan)
}

/// What the jobs would ask.
pub(super) fn look(service: Service, aim: &Aim, machine: &Machine) -> anyhow::Result<Look> {
    let mut look = Look {
        unnamed: Unnamed::ByFile,
        ..Look::default()
    };
    for path in service.files(machine)? {
        let found = Found::read(path)?;
        let text = found.text.unwrap_or_default();
        if !installs_packages(&text) {
            continue;
        }
        let path = found.path.display().to_string();
        let shared = lines::pairs(&text, service.key());
        let shared =
            shared.map_err(|why| failure(format!("{path}: {why}"), "look at it yourself"))?;
        let shared = shared.unwrap_or_default();
        for pair in &shared {
            let place = format!("{path}:{}", pair.line + 1);
            if POINTING.contains(&pair.key.as_str()) {
                look.asks(How::Index, pair.key.as_str(), pair.value.as_str(), place);
            }
        }
        if !shared.iter().any(|pair| pair.key == "PIP_INDEX_URL") {
            let message = "its jobs ask PyPI: no PIP_INDEX_URL for all of them";
            let remedy = format!("portcullis config write {}", service.name());
            look.find("default-index", path.as_str(), message, remedy);
        }
        overrides(&path, &text, &shared, aim, &mut look);
    }
    if look.asked.is_empty() && look.findings.is_empty() {
        look.remarks
            .push("No file installs Python packages.".to_owned());
    }
    Ok(look)
}

/// Variables that a job or step sets for itself, and options that name another index.
fn overrides(path: &str, text: &str, shared: &[lines::Pair], aim: &Aim, look: &mut Look) {
    for (number, line) in text.lines().enumerate() {
        let line = line.trim_start_matches([' ', '\t', '-']);
        if line.starts_with('#') || shared.iter().any(|pair| pair.line == number) {
            continue;
        }
        if names_other_index(line, aim) {
            let place = format!("{path}:{}", number + 1);
            let message = format!(
                "goes past the gateway: {}",
                super::show::masked(line.trim())
            );
            look.find("override", place, message, "take it out");
        }
    }
    for pair in shared {
        if let Some((name, why)) = PAST.iter().find(|(name, _)| *name == pair.key) {
            let place = format!("{path}:{}", pair.line + 1);
            look.find(
                "beside",
                place,
                format!("{name} is set: {why}"),
                "take it out",
            );
        }
    }
}

/// Whether a line sets a variable or gives an option that leads an installer elsewhere.
pub(super) fn names_other_index(line: &str, aim: &Aim) -> bool {
    let options = [
        "--extra-index-url",
        "--find-links",
        "--index-url",
        "--default-index",
    ];
    let mut urls = line
        .split([' ', '=', '"', '\'', ','])
        .filter(|word| word.contains("://"));
    let names_gateway = urls.clone().next().is_some() && urls.all(|url| aim.is_simple(url));
    let variables = POINTING
        .iter()
        .copied()
        .chain(PAST.iter().map(|(name, _)| *name));
    let mut words = options.into_iter().chain(variables);
    let is_named = |word: &str| {
        let mut rest = line.match_indices(word);
        rest.any(|(at, _)| {
            let next = line[at + word.len()..].chars().next();
            next.is_none_or(|next| matches!(next, ' ' | '=' | ':'))
        })
    };
    !names_gateway && words.any(is_named)
}

/// Whether a file has to do with Python packages at all.
fn installs_packages(text: &str) -> bool {
    let mut words = text.split(|character: char| !character.is_ascii_alphanumeric());
    words.any(|word| INSTALLERS.contains(&word))
}

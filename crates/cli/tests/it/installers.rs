//! pip old and new, uv, poetry and pdm, each asked in its own way to install one thing into an empty
//! place.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::program::{Clients, Desk, Shown};

/// An installer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Installer {
    OldPip,
    Pip,
    Uv,
    Poetry,
    Pdm,
}

use Installer::{OldPip, Pdm, Pip, Poetry, Uv};

/// All of them.
pub(crate) const ALL: [Installer; 5] = [OldPip, Pip, Uv, Poetry, Pdm];

/// What came of it.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) installer: Installer,
    pub(crate) requirement: String,
    pub(crate) shown: Shown,
    /// Projects and versions that are there now.
    pub(crate) received: BTreeMap<String, String>,
}

impl Outcome {
    pub(crate) fn succeeded(&self) -> bool {
        self.shown.code == 0
    }

    /// That it succeeded with exactly these projects and versions.
    #[track_caller]
    pub(crate) fn received_exactly(&self, expected: &[(&str, &str)]) {
        let received: Vec<(&str, &str)> = self
            .received
            .iter()
            .map(|(project, version)| (project.as_str(), version.as_str()))
            .collect();
        assert!(self.succeeded() && received == expected, "{self}");
    }

    /// That it failed and nothing is there.
    #[track_caller]
    pub(crate) fn received_nothing(&self) {
        assert!(!self.succeeded() && self.received.is_empty(), "{self}");
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (name, requirement) = (self.installer.name(), &self.requirement);
        let (shown, received) = (&self.shown, &self.received);
        let code = shown.code;
        writeln!(
            f,
            "{name} installing {requirement}: exit {code}, received {received:?}"
        )?;
        f.write_str(&shown.text)
    }
}

impl Installer {
    pub(crate) fn name(self) -> &'static str {
        match self {
            OldPip => "pip 23.2",
            Pip => "pip",
            Uv => "uv",
            Poetry => "poetry",
            Pdm => "pdm",
        }
    }

    /// Installs a requirement of one project from an index into an empty place.
    pub(crate) fn install(self, clients: &Clients, index: &str, requirement: &str) -> Outcome {
        let desk = Desk::new();
        let (shown, site) = match self {
            OldPip => with_pip(clients, "pip-23.2", &desk, index, &[requirement]),
            Pip => with_pip(clients, "pip", &desk, index, &[requirement]),
            Uv => with_uv(clients, &desk, index, &[requirement]),
            Poetry => with_poetry(clients, &desk, index, requirement),
            Pdm => with_pdm(clients, &desk, index, requirement),
        };
        Outcome {
            installer: self,
            requirement: requirement.to_owned(),
            shown,
            received: Desk::received(&site),
        }
    }
}

/// The same requirement with each of these installers, all at once, in their order.
pub(crate) fn each(
    installers: &[Installer],
    clients: &Clients,
    index: &str,
    requirement: &str,
) -> Vec<Outcome> {
    std::thread::scope(|scope| {
        let start = |installer: &Installer| {
            let installer = *installer;
            scope.spawn(move || installer.install(clients, index, requirement))
        };
        let running: Vec<_> = installers.iter().map(start).collect();
        let ended = running.into_iter().map(|run| run.join().unwrap());
        ended.collect()
    })
}

/// pip of one environment, with arguments after `pip install`. Without retries: a refusal is final,
/// and an outage need not be waited for.
pub(crate) fn pip(clients: &Clients, environment: &str, desk: &Desk, index: &str) -> Command {
    let mut pip = desk.program(&clients.program(environment, "python"));
    pip.args(["-m", "pip", "install", "--index-url", index, "--target"]);
    pip.arg(desk.path("site"));
    pip.args(["--no-cache-dir", "--progress-bar", "off", "--retries", "0"]);
    pip.args(["--disable-pip-version-check", "--no-input"]);
    pip.env("PIP_ROOT_USER_ACTION", "ignore")
        .env("PIP_CONFIG_FILE", "/dev/null");
    pip
}

fn with_pip(
    clients: &Clients,
    environment: &str,
    desk: &Desk,
    index: &str,
    what: &[&str],
) -> (Shown, PathBuf) {
    let shown = desk.run(pip(clients, environment, desk, index).args(what));
    (shown, desk.path("site"))
}

/// uv with the words of one of its commands, for example `pip`, `install`.
pub(crate) fn uv(clients: &Clients, desk: &Desk, index: &str, words: &[&str]) -> Command {
    let mut uv = desk.program(&clients.program("uv", "uv"));
    uv.args(words).args(["--default-index", index]);
    uv.args(["--no-config", "--no-cache", "--no-progress"])
        .env("UV_NO_WRAP", "1");
    uv.env("UV_PYTHON_DOWNLOADS", "never")
        .env("UV_HTTP_RETRIES", "0");
    uv.env("UV_PYTHON", clients.python())
        .env("UV_LINK_MODE", "copy");
    uv
}

fn with_uv(clients: &Clients, desk: &Desk, index: &str, what: &[&str]) -> (Shown, PathBuf) {
    let mut uv = uv(clients, desk, index, &["pip", "install"]);
    uv.arg("--target").arg(desk.path("site")).args(what);
    (desk.run(&mut uv), desk.path("site"))
}

const PROJECT: &str = "[project]\nname = \"throw-away\"\nversion = \"0\"\n\
                       requires-python = \">=3.10\"\n";

fn with_poetry(clients: &Clients, desk: &Desk, index: &str, requirement: &str) -> (Shown, PathBuf) {
    let site = environment(clients, desk);
    let project = format!(
        "{PROJECT}dependencies = [\"{requirement}\"]\n\
         [tool.poetry]\npackage-mode = false\n\
         [[tool.poetry.source]]\nname = \"gateway\"\nurl = \"{index}\"\npriority = \"primary\"\n"
    );
    desk.write("pyproject.toml", project);
    let mut poetry = desk.program(&clients.program("poetry", "poetry"));
    poetry.args(["install", "--no-interaction", "--no-ansi"]);
    poetry
        .env("POETRY_VIRTUALENVS_IN_PROJECT", "true")
        .env("POETRY_REQUESTS_MAX_RETRIES", "0")
        .env("POETRY_KEYRING_ENABLED", "false");
    (desk.run(&mut poetry), site)
}

fn with_pdm(clients: &Clients, desk: &Desk, index: &str, requirement: &str) -> (Shown, PathBuf) {
    let site = environment(clients, desk);
    let project = format!(
        "{PROJECT}dependencies = [\"{requirement}\"]\n\
         [tool.pdm]\ndistribution = false\n\
         [[tool.pdm.source]]\nname = \"pypi\"\nurl = \"{index}\"\n"
    );
    desk.write("pyproject.toml", project);
    let python = desk.path("project/.venv/bin/python");
    desk.write(".pdm-python", python.to_str().unwrap());
    let mut pdm = desk.program(&clients.program("pdm", "pdm"));
    pdm.args(["--non-interactive", "install", "--no-self"])
        .env("PDM_CHECK_UPDATE", "0");
    (desk.run(&mut pdm), site)
}

/// An empty virtual environment in the project, where poetry and pdm look for one. Returns its folder
/// of packages.
pub(crate) fn environment(clients: &Clients, desk: &Desk) -> PathBuf {
    let folder = desk.path("project/.venv");
    let mut venv = desk.program(&clients.python());
    let made = desk.run(venv.args(["-m", "venv", "--without-pip"]).arg(&folder));
    assert_eq!(made.code, 0, "{}", made.text);
    let lib = std::fs::read_dir(folder.join("lib")).unwrap();
    let python = lib.map(|entry| entry.unwrap().path()).next().unwrap();
    site_packages(&python)
}

fn site_packages(python: &Path) -> PathBuf {
    python.join("site-packages")
}

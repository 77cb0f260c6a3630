//! `portcullis config write|check|restore`: the real pip, uv, poetry, pdm, pipenv and twine ask somebody else before,
//! the gateway and nobody else after, and have their files back to the byte in the end.

use std::path::Path;
use std::process::Command;

use portcullis_fixtures::{FixtureIndex, wheel};

use crate::gateway::{self, Gateway};
use crate::installers::environment;
use crate::program::{Clients, Desk, Shown};

/// A gateway with `leaf` 2.0 behind it, and an index elsewhere that has a higher version and sees every request
/// that leaves this machine.
struct Stage {
    gateway: Gateway,
    behind: FixtureIndex,
    elsewhere: FixtureIndex,
    clients: Clients,
    desk: Desk,
}

/// The decoy in a file that a tool is configured with.
const ELSEWHERE: &str = "ELSEWHERE";

impl Stage {
    /// With a file of the user or the project, in which [`ELSEWHERE`] stands for the decoy.
    fn with(file: &str, text: &str) -> Option<Self> {
        let clients = Clients::find()?;
        let behind = FixtureIndex::start_blocking();
        behind.add(wheel("leaf", "2.0").file("leaf.py", "version = 2\n"));
        let elsewhere = FixtureIndex::start_blocking();
        elsewhere.add(wheel("leaf", "99.0").file("leaf.py", "version = 99\n"));
        let gateway = gateway::before(&behind).start();
        let desk = Desk::new();
        let path = desk.path(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text.replace(ELSEWHERE, &elsewhere.simple_url())).unwrap();
        Some(Self {
            gateway,
            behind,
            elsewhere,
            clients,
            desk,
        })
    }

    /// A program in the project. What it asks of other hosts goes to the decoy, which sees it.
    fn program(&self, environment: &str, program: &str) -> Command {
        let mut command = self
            .desk
            .program(&self.clients.program(environment, program));
        for name in ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"] {
            command.env(name, self.elsewhere.url());
        }
        command
            .env("NO_PROXY", "127.0.0.1")
            .env("no_proxy", "127.0.0.1");
        command
    }

    /// `portcullis config …` as the user of the desk.
    fn config(&self, arguments: &[&str]) -> Shown {
        let program = Path::new(env!("CARGO_BIN_EXE_portcullis"));
        let mut command = self.desk.program(program);
        command.env("PORTCULLIS_URL", self.gateway.url());
        let shown = self.desk.run(command.arg("config").args(arguments));
        assert!(!shown.text.contains("panicked"), "{}", shown.text);
        shown
    }

    fn config_must(&self, arguments: &[&str]) -> String {
        let shown = self.config(arguments);
        assert_eq!(shown.code, 0, "{arguments:?}: {}", shown.text);
        shown.text
    }

    fn read(&self, file: &str) -> Option<String> {
        std::fs::read_to_string(self.desk.path(file)).ok()
    }

    /// The whole story: `install` asks the decoy, is pointed, asks the gateway alone, and is restored.
    #[track_caller]
    fn is_pointed_and_restored(
        &self,
        tool: &str,
        scope: &str,
        file: &str,
        install: impl Fn(&Self),
    ) {
        let before = self.read(file);
        let gateway_url = self.gateway.simple_url();
        assert_eq!(self.config(&["check", tool]).code, 1, "{tool} asks others");
        install(self);
        assert!(
            !self.elsewhere.requests().is_empty(),
            "{tool} asks the decoy"
        );
        self.elsewhere.forget_requests();

        let without = self.config(&["write", tool, "--scope", scope]);
        assert_eq!(without.code, 2, "{}", without.text);
        assert!(without.text.contains("--yes"), "{}", without.text);
        assert_eq!(self.read(file), before, "nobody said yes");

        let written = self.config_must(&["write", tool, "--scope", scope, "--yes"]);
        assert!(written.contains(&format!("+++ [desk]/{file}")), "{written}");
        assert!(!written.contains("What still leads"), "{written}");
        let after = self.read(file);
        let again = self.config_must(&["write", tool, "--scope", scope, "--yes"]);
        assert!(again.contains("already"), "{again}");
        assert_eq!(self.read(file), after);
        let checked = self.config_must(&["check", tool]);
        assert!(checked.contains(&gateway_url), "{checked}");

        self.behind.forget_requests();
        install(self);
        let asked: Vec<String> = self
            .elsewhere
            .requests()
            .into_iter()
            .map(|asked| asked.path)
            .collect();
        assert!(asked.is_empty(), "{tool} asked elsewhere: {asked:?}");
        assert!(
            !self.behind.paths_containing("leaf").is_empty(),
            "{tool} did not ask the gateway"
        );

        // Somebody's own change is not undone with ours, unless they say so.
        let changed = format!("{}\n# mine\n", after.clone().unwrap());
        std::fs::write(self.desk.path(file), &changed).unwrap();
        let refused = self.config(&["restore", tool, "--scope", scope]);
        assert_eq!(refused.code, 2, "{}", refused.text);
        assert_eq!(self.read(file), Some(changed));
        std::fs::write(self.desk.path(file), after.unwrap()).unwrap();
        self.config_must(&["restore", tool, "--scope", scope]);
        assert_eq!(self.read(file), before);
        let nothing = self.config(&["restore", tool, "--scope", scope]);
        assert_eq!(nothing.code, 2, "{}", nothing.text);
    }
}

fn empty_again(folder: &Path) {
    let _ = std::fs::remove_dir_all(folder);
}

const PROJECT: &str = "[project]\nname = \"throw-away\"\nversion = \"0\" # kept\nrequires-python = \
                       \">=3.10\"\ndependencies = [\"leaf\"]\n";

#[test]
fn pip_old_and_new_ask_the_gateway_and_nothing_else() {
    for version in ["pip-23.2", "pip"] {
        let text = "# mine\n[global]\ntimeout = 5\nextra-index-url = ELSEWHERE\n";
        let file = "home/.config/pip/pip.conf";
        let Some(stage) = Stage::with(file, text) else {
            return;
        };
        stage.is_pointed_and_restored("pip", "user", file, |stage| {
            empty_again(&stage.desk.path("site"));
            let mut pip = stage.program(version, "python");
            pip.args([
                "-m",
                "pip",
                "install",
                "--no-cache-dir",
                "--retries",
                "0",
                "--target",
            ]);
            pip.arg(stage.desk.path("site")).arg("leaf");
            stage
                .desk
                .run(pip.args(["--disable-pip-version-check", "--no-input"]));
        });
    }
}

#[test]
fn pip_of_a_virtual_environment_asks_the_gateway() {
    let Some(stage) = Stage::with("project/readme", "") else {
        return;
    };
    environment(&stage.clients, &stage.desk);
    stage.config_must(&["write", "pip", "--scope", "site", "--yes"]);
    let mut pip = stage.program("pip", "python");
    let site = stage.desk.path("project/.venv/bin/python");
    pip.args(["-m", "pip", "--python"]).arg(site);
    pip.args([
        "install",
        "--no-cache-dir",
        "--retries",
        "0",
        "--no-input",
        "leaf",
    ]);
    let shown = stage.desk.run(&mut pip);
    assert_eq!(shown.code, 0, "{}", shown.text);
    assert!(stage.elsewhere.requests().is_empty());
    stage.config_must(&["restore", "pip", "--scope", "site"]);
    assert_eq!(stage.read("project/.venv/pip.conf"), None);
}

fn uv(stage: &Stage) -> Command {
    let mut uv = stage.program("uv", "uv");
    uv.env("UV_PYTHON_DOWNLOADS", "never")
        .env("UV_HTTP_RETRIES", "0");
    uv.env("UV_PYTHON", stage.clients.python())
        .env("UV_LINK_MODE", "copy");
    uv.args(["--no-cache", "--no-progress"]);
    uv
}

#[test]
fn uv_asks_the_gateway_and_nothing_else() {
    let text = "# mine\nindex-strategy = \"unsafe-best-match\"\n\n[[index]]\nname = \"other\"\nurl = \"ELSEWHERE\"\n";
    let file = "home/.config/uv/uv.toml";
    let Some(stage) = Stage::with(file, text) else {
        return;
    };
    stage.is_pointed_and_restored("uv", "user", file, |stage| {
        empty_again(&stage.desk.path("site"));
        let mut uv = uv(stage);
        uv.args(["pip", "install", "--target"])
            .arg(stage.desk.path("site"));
        stage.desk.run(uv.arg("leaf"));
    });
}

#[test]
fn a_project_of_uv_is_locked_from_the_gateway() {
    let text = format!("{PROJECT}\n[[tool.uv.index]]\nurl = \"ELSEWHERE\"\n");
    let file = "project/pyproject.toml";
    let Some(stage) = Stage::with(file, &text) else {
        return;
    };
    stage.is_pointed_and_restored("uv", "project", file, |stage| {
        let _ = std::fs::remove_file(stage.desk.path("project/uv.lock"));
        stage.desk.run(uv(stage).arg("lock"));
    });
    let lock = stage.read("project/uv.lock").unwrap();
    assert!(lock.contains(&stage.gateway.simple_url()), "{lock}");
}

#[test]
fn a_project_of_poetry_is_locked_from_the_gateway() {
    let text = format!(
        "{PROJECT}\n[tool.poetry]\npackage-mode = false\n\n[[tool.poetry.source]]\nname = \"other\"\nurl = \"ELSEWHERE\"\n"
    );
    let file = "project/pyproject.toml";
    let Some(stage) = Stage::with(file, &text) else {
        return;
    };
    stage.is_pointed_and_restored("poetry", "project", file, |stage| {
        let _ = std::fs::remove_file(stage.desk.path("project/poetry.lock"));
        let mut poetry = stage.program("poetry", "poetry");
        poetry.args(["lock", "--no-interaction", "--no-cache"]);
        poetry
            .env("POETRY_REQUESTS_MAX_RETRIES", "0")
            .env("POETRY_KEYRING_ENABLED", "false");
        stage.desk.run(&mut poetry);
    });
    let lock = stage.read("project/poetry.lock").unwrap();
    assert!(lock.contains("version = \"2.0\""), "{lock}");
}

fn lock_with_pdm(stage: &Stage) {
    let _ = std::fs::remove_file(stage.desk.path("project/pdm.lock"));
    let python = stage.clients.python();
    stage.desk.write(".pdm-python", python.to_str().unwrap());
    let mut pdm = stage.program("pdm", "pdm");
    pdm.args(["--non-interactive", "lock"])
        .env("PDM_CHECK_UPDATE", "0");
    pdm.env("PDM_CACHE_DIR", stage.desk.path("pdm-cache"));
    empty_again(&stage.desk.path("pdm-cache"));
    stage.desk.run(&mut pdm);
}

#[test]
fn a_project_of_pdm_is_locked_from_the_gateway() {
    let text = format!("{PROJECT}\n[[tool.pdm.source]]\nname = \"other\"\nurl = \"ELSEWHERE\"\n");
    let file = "project/pyproject.toml";
    let Some(stage) = Stage::with(file, &text) else {
        return;
    };
    stage.is_pointed_and_restored("pdm", "project", file, lock_with_pdm);
    let lock = stage.read("project/pdm.lock").unwrap();
    assert!(lock.contains("version = \"2.0\""), "{lock}");
}

#[test]
fn pdm_of_a_user_asks_the_gateway() {
    let file = "home/.config/pdm/config.toml";
    let Some(stage) = Stage::with(file, "[pypi]\nurl = \"ELSEWHERE\"\n") else {
        return;
    };
    stage.desk.write("pyproject.toml", PROJECT);
    stage.is_pointed_and_restored("pdm", "user", file, lock_with_pdm);
    let lock = stage.read("project/pdm.lock").unwrap();
    assert!(lock.contains("version = \"2.0\""), "{lock}");
}

#[test]
fn a_project_of_pipenv_is_locked_from_the_gateway() {
    let text = "[[source]]\nname = \"pypi\"\nurl = \"ELSEWHERE\"\nverify_ssl = false\n\n[packages]\nleaf = \"*\"\n";
    let file = "project/Pipfile";
    let Some(stage) = Stage::with(file, text) else {
        return;
    };
    environment(&stage.clients, &stage.desk);
    stage.is_pointed_and_restored("pipenv", "project", file, |stage| {
        let _ = std::fs::remove_file(stage.desk.path("project/Pipfile.lock"));
        let mut pipenv = stage.program("pipenv", "pipenv");
        pipenv.arg("lock").env("PIPENV_VENV_IN_PROJECT", "1");
        pipenv.env("PIPENV_CACHE_DIR", stage.desk.path("pipenv-cache"));
        empty_again(&stage.desk.path("pipenv-cache"));
        pipenv.env("PIPENV_YES", "1").env("PIPENV_NOSPIN", "1");
        stage.desk.run(&mut pipenv);
    });
    let lock = stage.read("project/Pipfile.lock").unwrap();
    assert!(lock.contains("==2.0"), "{lock}");
}

#[test]
fn twine_publishes_to_the_server_that_was_written() {
    let text = "[distutils]\nindex-servers = pypi\n\n[pypi]\nrepository = ELSEWHERE\nusername = me\npassword = secret\n";
    let Some(stage) = Stage::with("home/.pypirc", text) else {
        return;
    };
    let written = stage.config_must(&["write", "twine", "--yes"]);
    assert!(!written.contains("secret"), "{written}");
    let built = portcullis_fixtures::ListedFile::from(wheel("parcel", "1.0").file("parcel.py", ""));
    let path = stage.desk.path("dist").join("parcel-1.0-py3-none-any.whl");
    std::fs::write(&path, built.bytes()).unwrap();
    let mut twine = stage.program("twine", "twine");
    twine
        .args(["upload", "-r", "portcullis", "--non-interactive"])
        .arg(&path);
    let token = stage.gateway.token("ci", "upload");
    let shown = stage.desk.run(twine.env("TWINE_PASSWORD", token));
    assert_eq!(shown.code, 0, "{}", shown.text);
    assert!(stage.elsewhere.requests().is_empty());
    assert_eq!(stage.gateway.get("/simple/parcel/").status, 200);
    stage.config_must(&["restore", "twine"]);
    let expected = text.replace(ELSEWHERE, &stage.elsewhere.simple_url());
    assert_eq!(stage.read("home/.pypirc"), Some(expected));
}

#[test]
fn what_was_written_for_two_tools_is_undone_in_the_right_order() {
    let Some(stage) = Stage::with("project/pyproject.toml", PROJECT) else {
        return;
    };
    stage.config_must(&["write", "uv", "pdm", "--scope", "project", "--yes"]);
    let refused = stage.config(&["restore", "uv", "--scope", "project"]);
    assert_eq!(refused.code, 2);
    assert!(
        refused.text.contains("restore pdm first"),
        "{}",
        refused.text
    );
    stage.config_must(&["restore", "uv", "pdm", "--scope", "project"]);
    assert_eq!(
        stage.read("project/pyproject.toml").as_deref(),
        Some(PROJECT)
    );

    stage.config_must(&["write", "uv", "--scope", "project", "--yes"]);
    stage.desk.write("pyproject.toml", "mine = 1\n");
    let forced = stage.config_must(&["restore", "uv", "--scope", "project", "--force"]);
    assert!(forced.contains("is kept in"), "{forced}");
    assert_eq!(
        stage.read("project/pyproject.toml").as_deref(),
        Some(PROJECT)
    );
    let made = stage.config_must(&["write", "pip", "--yes"]);
    assert!(made.contains("--- /dev/null"), "{made}");
    stage.config_must(&["restore", "pip"]);
    assert!(
        !stage.desk.path("home/.config").exists(),
        "the folder was made for it"
    );
}

#[test]
fn variables_are_printed_for_a_shell_that_pip_then_obeys() {
    let Some(stage) = Stage::with(
        "home/.config/pip/pip.conf",
        "[global]\nindex-url = ELSEWHERE\n",
    ) else {
        return;
    };
    let lines = stage.config_must(&["write", "pip", "--scope", "environment"]);
    stage.desk.write("env.sh", &lines);
    let python = stage.clients.program("pip", "python");
    let script = format!(
        ". ./env.sh; exec {} -m pip download --no-cache-dir --retries 0 --no-input leaf",
        python.display()
    );
    let mut shell = stage.desk.program(Path::new("/bin/sh"));
    let shown = stage.desk.run(shell.arg("-c").arg(script));
    assert_eq!(shown.code, 0, "{}", shown.text);
    assert!(stage.elsewhere.requests().is_empty());
}

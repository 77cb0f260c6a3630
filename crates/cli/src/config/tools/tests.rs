//! Each tool's configuration, written and looked at on machines that are only folders.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::Scope::{Project, Site, User};
use super::Tool::{Conda, Docker, GitHub, GitLab, Pdm, Pip, Pipenv, Poetry, Twine, Uv};
use super::aim::{Aim, Gateway};
use super::backup::Backups;
use super::machine::Machine;
use super::plan::Plan;
use super::{Scope, Tool, show};

/// A machine with a home, a project in it, and these files, whose paths begin there.
struct Desk {
    folder: TempDir,
    machine: Machine,
    token: Option<&'static str>,
}

impl Desk {
    fn with(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |path: &str| folder.path().join(path);
        for path in ["home", "project", "root"] {
            std::fs::create_dir(at(path)).expect("a folder");
        }
        let machine = Machine {
            root: at("root"),
            home: Some(at("home")),
            folder: at("project"),
            ..Machine::default()
        };
        for (path, text) in files {
            let path = at(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, text).expect("a file");
        }
        Self {
            folder,
            machine,
            token: None,
        }
    }

    fn set(mut self, name: &str, value: &str) -> Self {
        let variables = &mut self.machine.variables;
        variables.insert(name.to_owned(), value.to_owned());
        self
    }

    fn token(mut self, name: &'static str) -> Self {
        self.token = Some(name);
        self
    }

    fn aim(&self) -> Aim {
        let gateway = Gateway {
            gateway: Some("http://gw.example".to_owned()),
            index: None,
        };
        let token = self.token.map(|name| name.parse().expect("a name"));
        Aim::new(&gateway, token, &self.machine).expect("an address")
    }

    fn plan(&self, tool: Tool, scope: Scope) -> Plan {
        let plan = tool.plan(scope, &self.aim(), &self.machine);
        plan.unwrap_or_else(|error| panic!("{error}"))
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn text(&self, path: &str) -> String {
        std::fs::read_to_string(self.path(path)).expect(path)
    }

    /// Writes, sees that writing again changes nothing and that the tool asks the gateway only, and
    /// returns what was taken out.
    #[track_caller]
    fn write(&self, tool: Tool, scope: Scope) -> Vec<String> {
        let plan = self.plan(tool, scope);
        let backups = Backups::of(&self.machine).expect("a home");
        for change in &plan.changes {
            backups
                .write(change, tool, scope, &self.machine)
                .expect("written");
        }
        let again = self.plan(tool, scope);
        assert!(again.changes.is_empty(), "{:#?}", again.changes);
        assert!(again.removed.is_empty(), "{:#?}", again.removed);
        let left = self.findings(tool);
        assert!(left.is_empty(), "{left:#?}");
        plan.removed
            .into_iter()
            .map(|removed| removed.what)
            .collect()
    }

    fn findings(&self, tool: Tool) -> Vec<String> {
        let aim = self.aim();
        let look = tool.look(&aim, &self.machine);
        let look = look.unwrap_or_else(|error| panic!("{error}"));
        let found = look.judged(&tool.to_string(), &aim).into_iter();
        let here = self.folder.path().display().to_string();
        found
            .map(|one| {
                format!(
                    "{} {}: {}",
                    one.kind,
                    one.place.replace(&here, ""),
                    one.message
                )
            })
            .collect()
    }
}

const PIP: &str = "home/.config/pip/pip.conf";

#[test]
fn pip_asks_the_gateway_and_keeps_its_other_settings() {
    let before = "# company\n[global]\ntimeout = 60\nIndex_URL = https://old.example/simple\nextra-index-url =\n    \
                  https://x.example/simple\n    https://y.example/simple\n[install]\nfind-links = /wheels\n\
                  no-compile = yes\n";
    let desk = Desk::with(&[(PIP, before)]);
    let removed = desk.write(Pip, User);
    assert_eq!(
        removed,
        [
            "[global] extra-index-url = https://x.example/simple https://y.example/simple",
            "[install] find-links = /wheels"
        ]
    );
    insta::assert_snapshot!(desk.text(PIP), @r"
    # company
    [global]
    timeout = 60
    Index_URL = http://gw.example/simple/
    [install]
    no-compile = yes
    ");
}

#[test]
fn pip_is_seen_to_ask_others() {
    let desk = Desk::with(&[
        (PIP, "[global]\nindex-url = http://gw.example/simple/\n"),
        (
            "root/etc/pip.conf",
            "[global]\nextra-index-url = https://x.example/simple\n",
        ),
        ("project/.venv/pyvenv.cfg", ""),
        (
            "project/.venv/pip.conf",
            "[install]\nindex-url = https://me:pw@y.example/simple\n",
        ),
    ]);
    assert_eq!(
        desk.findings(Pip),
        [
            "other-index /project/.venv/pip.conf:2: index-url is not the gateway: https://***@y.example/simple",
            "beside /root/etc/pip.conf:2: extra-index-url is asked beside the gateway: https://x.example/simple",
        ]
    );
    let desk = desk.set("PIP_INDEX_URL", "http://gw.example/simple");
    let desk = desk.set("PIP_NO_INDEX", "1");
    let found = desk.findings(Pip);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[1].starts_with("no-index PIP_NO_INDEX"), "{found:?}");
    // Whoever says that no file counts, means it.
    let desk = desk
        .set("PIP_CONFIG_FILE", "/dev/null")
        .set("PIP_NO_INDEX", "");
    assert!(desk.findings(Pip).is_empty());
    let nothing = Desk::with(&[]);
    assert_eq!(nothing.findings(Pip).len(), 1);
}

#[test]
fn uv_asks_the_gateway_first_and_alone() {
    let before = "# mine\ncache-dir = \"/cache\"\nindex-strategy = \"unsafe-best-match\"\nextra-index-url = \
                  [\"https://x.example/\"]\n\n[pip]\nno-index = true\n\n# torch\n[[index]]\nname = \"torch\"\nurl = \
                  \"https://t.example/\"\nexplicit = true\n\n[[index]]\nurl = \"https://y.example/\"\n";
    let path = "home/.config/uv/uv.toml";
    let desk = Desk::with(&[(path, before)]);
    assert_eq!(desk.write(Uv, User).len(), 4);
    insta::assert_snapshot!(desk.text(path), @r#"
    # mine
    cache-dir = "/cache"

    [pip]

    # torch
    [[index]]
    name = "torch"
    url = "https://t.example/"
    explicit = true

    [[index]]
    name = "portcullis"
    url = "http://gw.example/simple/"
    default = true
    "#);
}

#[test]
fn uv_keeps_an_index_for_what_names_it() {
    let before = "[project]\nname = \"a\"\n\n[tool.uv.sources]\nacme = { index = \"acme\" }\n\n[[tool.uv.index]]\nname = \
                  \"acme\"\nurl = \"https://acme.example/\"\ndefault = true\n";
    let path = "project/pyproject.toml";
    let desk = Desk::with(&[(path, before)]);
    assert_eq!(desk.write(Uv, Project).len(), 1);
    insta::assert_snapshot!(desk.text(path), @r#"
    [project]
    name = "a"

    [tool.uv.sources]
    acme = { index = "acme" }

    [[tool.uv.index]]
    name = "acme"
    url = "https://acme.example/"
    explicit = true

    [[tool.uv.index]]
    name = "portcullis"
    url = "http://gw.example/simple/"
    default = true
    "#);
    let desk = desk.set("UV_INDEX", "x=https://x.example/simple");
    assert_eq!(
        desk.findings(Uv),
        ["beside UV_INDEX: UV_INDEX is asked beside the gateway: https://x.example/simple"]
    );
}

#[test]
fn poetry_has_one_primary_source() {
    let before = "[tool.poetry]\nname = \"a\"\n\n[tool.poetry.dependencies]\nacme = { version = \"^1\", source = \"acme\" }\n\n\
                  [[tool.poetry.source]]\nname = \"acme\"\nurl = \"https://acme.example/\"\n\n[[tool.poetry.source]]\n\
                  name = \"PyPI\"\npriority = \"supplemental\"\n\n[build-system]\nrequires = []\n";
    let path = "project/pyproject.toml";
    let desk = Desk::with(&[(path, before), ("project/poetry.lock", "")]);
    assert_eq!(desk.findings(Poetry).len(), 2);
    let plan = desk.plan(Poetry, Project);
    assert!(
        plan.remarks[0].contains("poetry lock"),
        "{:?}",
        plan.remarks
    );
    assert_eq!(
        desk.write(Poetry, Project),
        ["source acme https://acme.example/", "source PyPI"]
    );
    insta::assert_snapshot!(desk.text(path));
}

#[test]
fn pdm_asks_one_source_in_the_project_and_in_the_users_configuration() {
    let before = "[project]\nname = \"a\"\n\n[[tool.pdm.source]]\nname = \"pypi\"\nurl = \"https://old.example/\"\nverify_ssl = \
                  false\nusername = \"u\"\n\n[[tool.pdm.source]]\nname = \"torch\"\nurl = \"https://t.example/\"\n\
                  include_packages = [\"torch\"]\n\n[[tool.pdm.source]]\nname = \"x\"\nurl = \"https://x.example/\"\n";
    let path = "project/pyproject.toml";
    let desk = Desk::with(&[(path, before)]);
    assert_eq!(desk.write(Pdm, Project).len(), 4);
    insta::assert_snapshot!("pdm_project", desk.text(path));
    let path = "home/.config/pdm/config.toml";
    let text = "check_update = false\n\n[pypi]\nurl = \"https://old.example/\"\npassword = \"p\"\n\n[pypi.x]\nurl = \
                \"https://x.example/\"\n";
    let desk = Desk::with(&[(path, text)]);
    assert_eq!(desk.findings(Pdm).len(), 2);
    assert_eq!(desk.write(Pdm, User).len(), 2);
    insta::assert_snapshot!("pdm_user", desk.text(path));
}

#[test]
fn tokens_are_named_where_a_tool_expands_variables_and_refused_elsewhere() {
    let project = "[project]\nname = \"a\"\n";
    let files = [
        ("project/pyproject.toml", project),
        ("project/Pipfile", "[packages]\n"),
        (
            "project/environment.yml",
            "dependencies:\n  - pip:\n    - flask\n",
        ),
        ("project/.github/workflows/ci.yml", "jobs:\n  a: pip\n"),
        (
            "project/.gitlab-ci.yml",
            "test:\n  script: pip install flask\n",
        ),
        ("project/Dockerfile", "FROM python\n"),
    ];
    let desk = Desk::with(&files).token("GW");
    for (tool, path, expected) in [
        (
            Pdm,
            "pyproject.toml",
            "url = \"http://__token__:${GW}@gw.example/simple/\"",
        ),
        (
            Pipenv,
            "Pipfile",
            "url = \"http://__token__:${GW}@gw.example/simple/\"",
        ),
        (
            Conda,
            "environment.yml",
            "    - --index-url http://__token__:${GW}@gw.example/simple/\n    - flask",
        ),
        (
            GitHub,
            ".github/workflows/ci.yml",
            "PIP_INDEX_URL: \"http://__token__:${{ secrets.GW }}@gw.example/simple/\"",
        ),
        (
            GitLab,
            ".gitlab-ci.yml",
            "PIP_INDEX_URL: \"http://__token__:${GW}@gw.example/simple/\"",
        ),
    ] {
        assert_eq!(desk.write(tool, Project), [""; 0], "{tool}");
        let text = desk.text(&format!("project/{path}"));
        assert!(text.contains(expected), "{text}");
    }
    for tool in [Pip, Uv, Poetry, Twine, Docker] {
        let scope = tool.usual_scope();
        let refused = tool.plan(scope, &desk.aim(), &desk.machine);
        let error = refused.expect_err("no variable").to_string();
        assert!(error.contains("does not expand"), "{error}");
    }
}

#[test]
fn pipenv_keeps_the_name_of_its_first_source() {
    let before = "[[source]]\nurl = \"https://old.example/simple\" # why\nverify_ssl = false\nname = \"pypi\"\n\n[[source]]\nurl = \
                  \"https://acme.example/\"\nname = \"acme\"\n\n[[source]]\nurl = \"https://x.example/\"\nname = \"x\"\n\n\
                  [packages]\nacme = {version = \"*\", index = \"acme\"}\n\n[pipenv]\ninstall_search_all_sources = true\n";
    let desk = Desk::with(&[("project/Pipfile", before)]);
    assert_eq!(desk.findings(Pipenv).len(), 3);
    assert_eq!(desk.write(Pipenv, Project).len(), 2);
    insta::assert_snapshot!(desk.text("project/Pipfile"));
}

#[test]
fn twine_gets_a_server_and_keeps_its_passwords_to_itself() {
    let before = "[distutils]\nindex-servers =\n    pypi\n    acme\n\n[pypi]\nusername = __token__\npassword = pypi-secret\n";
    let desk = Desk::with(&[("home/.pypirc", before)]);
    assert!(desk.write(Twine, User).is_empty());
    let text = desk.text("home/.pypirc");
    insta::assert_snapshot!(text, @r"
    [distutils]
    index-servers = portcullis pypi acme

    [pypi]
    username = __token__
    password = pypi-secret

    [portcullis]
    repository = http://gw.example/legacy/
    username = __token__
    ");
    let plan = Desk::with(&[("home/.pypirc", before)]).plan(Twine, User);
    assert!(!show::plan(&plan).contains("secret"));
    let other = "[distutils]\nindex-servers = portcullis\n[portcullis]\nrepository = https://old.example/\npassword = old\n";
    let desk = Desk::with(&[("home/.pypirc", other)]);
    assert_eq!(desk.write(Twine, User), ["password of [portcullis]"]);
}

#[test]
fn jobs_are_pointed_and_what_steps_set_is_told() {
    let workflow = "on: push\nenv:\n  PIP_EXTRA_INDEX_URL: https://x.example/\njobs:\n  test:\n    steps:\n      - run: pip install .\n";
    let files = [
        (".git/HEAD", ""),
        (".github/workflows/ci.yml", workflow),
        (
            ".github/workflows/docs.yml",
            "on: push\njobs:\n  a:\n    runs-on: x\n",
        ),
    ];
    let files = files.map(|(path, text)| (format!("project/{path}"), text));
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (path.as_str(), *text))
        .collect();
    let desk = Desk::with(&files);
    assert_eq!(
        desk.write(GitHub, Project),
        ["PIP_EXTRA_INDEX_URL: https://x.example/"]
    );
    insta::assert_snapshot!(desk.text("project/.github/workflows/ci.yml"));
    let pipeline = "test:\n  variables:\n    UV_INDEX_URL: https://x.example/\n  script:\n    - pip install \
                    --extra-index-url https://y.example/ .\n    - pip install --index-url http://gw.example/simple/ .\n";
    let desk = Desk::with(&[("project/.gitlab-ci.yml", pipeline)]);
    let found = desk.findings(GitLab);
    assert_eq!(found.len(), 3, "{found:#?}");
    assert!(
        found[1].contains(".yml:3") && found[2].contains(".yml:5"),
        "{found:#?}"
    );
}

#[test]
fn what_overrides_a_build_argument_is_told() {
    let text = "FROM python\nENV A=1 PIP_INDEX_URL=https://x.example/\nRUN pip install \\\n  --extra-index-url https://y.example/ a\n";
    let desk = Desk::with(&[
        ("project/Dockerfile", text),
        ("project/Dockerfile.dockerignore", "x"),
    ]);
    let found = desk.findings(Docker);
    assert_eq!(found.len(), 3, "{found:#?}");
    assert!(found[1].contains("Dockerfile:4"), "{found:#?}");
}

#[test]
fn a_scope_that_a_tool_does_not_have_says_which_it_has() {
    let desk = Desk::with(&[("project/pyproject.toml", "")]);
    for (tool, scope) in [
        (Pip, Project),
        (Pip, Site),
        (Uv, Site),
        (Poetry, User),
        (Pipenv, User),
        (Twine, Project),
        (Docker, User),
        (GitHub, Site),
    ] {
        let error = tool
            .plan(scope, &desk.aim(), &desk.machine)
            .expect_err("none");
        assert!(error.to_string().contains("what to do"), "{error}");
    }
}

#[test]
fn files_that_cannot_be_read_are_left_alone() {
    for (tool, scope, path, text) in [
        (Pip, User, PIP, "index-url = https://x.example\n"),
        (Uv, User, "home/.config/uv/uv.toml", "index = [\n"),
        (
            Uv,
            User,
            "home/.config/uv/uv.toml",
            "pip = 1\nindex = 2\n[tool\n",
        ),
        (Poetry, Project, "project/pyproject.toml", "tool = 1\n"),
        (Twine, User, "home/.pypirc", "[a]\n[a]\n"),
        (
            GitHub,
            Project,
            "project/.github/workflows/a.yml",
            "env: {A: pip}\n",
        ),
    ] {
        let desk = Desk::with(&[(path, text)]);
        let refused = tool.plan(scope, &desk.aim(), &desk.machine);
        assert!(refused.is_err(), "{tool} {text}");
    }
}

#[test]
fn line_breaks_of_other_systems_stay() {
    let path = "project/pyproject.toml";
    let desk = Desk::with(&[(path, "\u{feff}[project]\r\nname = \"a\"\r\n")]);
    desk.write(Poetry, Project);
    let text = desk.text(path);
    assert!(text.starts_with("\u{feff}[project]\r\nname"), "{text:?}");
    assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
}

#[cfg(unix)]
#[test]
fn rights_links_and_backups_are_kept() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let desk = Desk::with(&[
        ("home/dotfiles/pip.conf", "[global]\n"),
        ("home/.pypirc", ""),
    ]);
    let mode = |path: &Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
    let link = desk.path(PIP);
    std::fs::create_dir_all(link.parent().expect("a folder")).expect("a folder");
    symlink(desk.path("home/dotfiles/pip.conf"), &link).expect("a link");
    let shared = std::fs::Permissions::from_mode(0o640);
    std::fs::set_permissions(desk.path("home/.pypirc"), shared).expect("rights");
    desk.write(Pip, User);
    desk.write(Twine, User);
    assert!(
        std::fs::symlink_metadata(&link)
            .expect("there")
            .is_symlink()
    );
    assert!(desk.text("home/dotfiles/pip.conf").contains("gw.example"));
    assert_eq!(mode(&desk.path("home/.pypirc")), 0o640);
    let state = desk.path("home/.local/state/portcullis/config");
    assert_eq!(mode(&state), 0o700);
    let backups: Vec<_> = std::fs::read_dir(&state).expect("there").collect();
    assert_eq!(backups.len(), 2);
    for backup in backups {
        assert_eq!(mode(&backup.expect("a backup").path()), 0o600);
    }
    let fresh = Desk::with(&[]);
    fresh.write(Twine, User);
    assert_eq!(mode(&fresh.path("home/.pypirc")), 0o600);
}

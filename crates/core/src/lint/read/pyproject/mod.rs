//! What a `pyproject.toml` wants: PEP 518, 621 and 735, and the tables of poetry, pdm, hatch, uv, flit and
//! setuptools. Indexes and settings of those tools are `pyproject_tools`'s.

mod poetry;
mod poetry_versions;
mod sources;
mod standard;
mod tools;

use super::{not_readable, pyproject_tools};
use crate::lint::contents::{Contents, Tool};
use crate::lint::syntax::{Node, toml};

/// What the document `text` says.
pub(super) fn read(text: &str) -> Contents {
    let root = match toml::parse(text) {
        Ok(root) => root,
        Err(error) => return not_readable(error),
    };
    let mut contents = Contents::default();
    standard::read(&root, installer(&root), &mut contents);
    poetry::read(&root, &mut contents);
    tools::read(&root, &mut contents);
    sources::apply(&root, &mut contents);
    pyproject_tools::read(&root, &mut contents);
    contents
}

/// What the inline metadata of a script (PEP 723) says, given as the document `root`.
pub(super) fn read_script(root: &Node) -> Contents {
    let mut contents = Contents::default();
    standard::read_script(root, &mut contents);
    tools::read(root, &mut contents);
    sources::apply(root, &mut contents);
    pyproject_tools::read(root, &mut contents);
    contents
}

/// Who installs what the standard tables want, by the tables beside them; pip where none tells.
fn installer(root: &Node) -> Tool {
    let has = |path: &[&str]| root.path(path).is_some();
    if has(&["tool", "uv"]) {
        Tool::Uv
    } else if has(&["tool", "poetry"]) {
        Tool::Poetry
    } else if has(&["tool", "pdm"]) {
        Tool::Pdm
    } else if has(&["tool", "hatch", "envs"]) {
        Tool::Hatch
    } else {
        Tool::Pip
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::lint::contents::{Origin, Role, Wanted};

    fn told(text: &str, wanted: &Wanted) -> String {
        let name = wanted.name.as_ref().map_or("-", |name| name.as_str());
        let origin = match &wanted.origin {
            Origin::Index(specifiers) => specifiers.to_string(),
            Origin::Url { url } => format!("url {url}"),
            Origin::Vcs {
                kind,
                url,
                reference,
            } => {
                format!("{kind} {url}@{}", reference.as_deref().unwrap_or("-"))
            }
            Origin::Path(path) => format!("path {path}"),
            Origin::Unknown(why) => format!("unknown: {why}"),
        };
        let index = wanted.index.iter().map(|index| format!(" from {index}"));
        let index: String = index.collect();
        let at = &text[wanted.at.clone()];
        format!(
            "{} {:?} {name} {origin}{index} [{at}]",
            wanted.tool, wanted.role
        )
    }

    fn check(text: &str, expected: &[&str]) {
        let contents = read(text);
        let told: Vec<String> = contents.wanted.iter().map(|one| told(text, one)).collect();
        assert_eq!(told, expected, "{text}");
    }

    #[test]
    fn the_standard_tables_are_read() {
        check(
            "[build-system]\nrequires = ['hatchling>=1']\n[project]\ndependencies = [\"flask>=3\"]\n\
             [project.optional-dependencies]\nx = ['six']\n[dependency-groups]\ndev = ['pytest', \
             {include-group = 'lint'}]\nlint = ['ruff==0.1']\n",
            &[
                "pip Build hatchling >=1 [hatchling>=1]",
                "pip Runtime flask >=3 [flask>=3]",
                "pip Runtime six  [six]",
                "pip Development pytest  [pytest]",
                "pip Development ruff ==0.1 [ruff==0.1]",
            ],
        );
    }

    #[test]
    fn poetry_is_read() {
        check(
            "[tool.poetry.dependencies]\npython = '^3.9'\nflask = '^3.0'\nacme = {version = '~1.2', source = \
             'acme', extras = ['x']}\nweb = {git = 'https://a.example/w.git', branch = 'main'}\nt = {git = \
             'https://a.example/t', tag = 'v1'}\nurl = {url = 'https://a.example/u.whl'}\np = {path = '../p'}\n\
             many = [{version = '1.0', markers = \"python_version < '3'\"}, {version = '*'}]\n\
             [tool.poetry.group.dev.dependencies]\npytest = '>=7 <9'\n[tool.poetry.dev-dependencies]\nx = \
             '1.* || 2.*'\n",
            &[
                "poetry Runtime flask >=3.0, <4 [flask = '^3.0']",
                "poetry Runtime acme >=1.2, <1.3 from acme [acme = {version = '~1.2', source = 'acme', extras = ['x']}]",
                "poetry Runtime web git https://a.example/w.git@refs/heads/main [web = {git = 'https://a.example/w.git', branch = 'main'}]",
                "poetry Runtime t git https://a.example/t@refs/tags/v1 [t = {git = 'https://a.example/t', tag = 'v1'}]",
                "poetry Runtime url url https://a.example/u.whl [url = {url = 'https://a.example/u.whl'}]",
                "poetry Runtime p path ../p [p = {path = '../p'}]",
                "poetry Runtime many ==1.0 [{version = '1.0', markers = \"python_version < '3'\"}]",
                "poetry Runtime many  [{version = '*'}]",
                "poetry Development x  [x = '1.* || 2.*']",
                "poetry Development pytest >=7, <9 [pytest = '>=7 <9']",
            ],
        );
    }

    #[test]
    fn poetry_adds_where_a_standard_dependency_comes_from() {
        check(
            "[project]\ndependencies = ['acme>=1', 'flask']\n[tool.poetry.dependencies]\nacme = {source = 'acme'}\n",
            &[
                "poetry Runtime acme >=1 from acme [acme>=1]",
                "poetry Runtime flask  [flask]",
            ],
        );
    }

    #[test]
    fn uv_pdm_hatch_and_setuptools_are_read() {
        check(
            "[project]\ndependencies = ['acme', 'web', 'six']\n[tool.uv]\ndev-dependencies = ['pytest']\n\
             constraint-dependencies = ['lxml<5']\noverride-dependencies = ['urllib3==2']\n\
             build-constraint-dependencies = ['setuptools==60']\n[tool.uv.sources]\nacme = {index = 'acme'}\n\
             web = [{git = 'https://a.example/w', tag = 'v1', marker = 'x'}]\nsix = {workspace = true}\n",
            &[
                "uv Runtime acme  from acme [acme]",
                "uv Runtime web git https://a.example/w@refs/tags/v1 [web]",
                "uv Runtime six path . [six]",
                "uv Development pytest  [pytest]",
                "uv Constraint lxml <5 [lxml<5]",
                "uv Constraint urllib3 ==2 [urllib3==2]",
                "uv Constraint setuptools ==60 [setuptools==60]",
            ],
        );
        check(
            "[tool.pdm.dev-dependencies]\ntest = ['pytest', '-e file:///x#egg=x']\n[[tool.pdm.source]]\nname = \
             'acme'\ninclude_packages = ['acme*', 'py?est']\n",
            &[
                "pdm Development pytest  from acme [pytest]",
                "pdm Development x path file:///x [file:///x#egg=x]",
            ],
        );
        check(
            "[tool.hatch.envs.test]\ndependencies = ['pytest']\nextra-dependencies = ['x @ {root:uri}/x']\n\
             [tool.hatch.build.hooks.vcs]\ndependencies = ['hatch-vcs']\n",
            &[
                "hatch Development pytest  [pytest]",
                "hatch Development x path {root:uri}/x [x @ {root:uri}/x]",
                "hatch Build hatch-vcs  [hatch-vcs]",
            ],
        );
        let dynamic = "[tool.setuptools.dynamic]\ndependencies = {file = ['requirements.txt']}\n\
                       optional-dependencies.x = {file = 'x.txt'}\n";
        let included = read(dynamic).included;
        let included: Vec<_> = included.iter().map(|one| (&*one.path, one.role)).collect();
        assert_eq!(
            included,
            [
                ("requirements.txt", Role::Runtime),
                ("x.txt", Role::Runtime)
            ]
        );
    }

    #[test]
    fn what_is_no_toml_is_said() {
        let contents = read("[project\n");
        assert!(contents.unread[0].at.is_some());
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(
            text in any::<String>(),
            table in "(tool\\.(poetry\\.dependencies|uv\\.sources|pdm\\.dev-dependencies)|project|dependency-groups)",
            rest in "([a-z]{1,3} = (\\[\\]|\\['[a-z^~*=>.0-9 |,]{0,9}'\\]|'[a-z^~*=>.0-9 |,]{0,9}'|\\{(git|path|version|index) = '[a-z]?'\\}|\\{\\}|1)\n){0,4}",
        ) {
            for text in [text, format!("[{table}]\n{rest}")] {
                for wanted in read(&text).wanted {
                    prop_assert!(text.get(wanted.at.clone()).is_some());
                }
            }
        }
    }
}

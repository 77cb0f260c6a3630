//! When code runs.

use super::*;

fn context_of(path: &str, code: &str) -> Context {
    let analysis = analysed(path, code);
    let call = analysis
        .calls()
        .find(|call| &*call.target == "os.system")
        .expect(code);
    call.context
}

#[test]
#[allow(clippy::too_many_lines, reason = "it is a table")]
fn code_runs_when_what_reaches_it_runs() {
    use Context::*;
    for (path, code, context) in [
        ("setup.py", "import os\nos.system('a')", Install),
        ("setup.py", "import os\ndef f():\n    os.system('a')", Call),
        (
            "setup.py",
            "import os\ndef f():\n    os.system('a')\nf()",
            Install,
        ),
        (
            "setup.py",
            "import os\nif __name__ == '__main__':\n    os.system('a')",
            Install,
        ),
        (
            "setup.py",
            "import os\nfrom setuptools import setup\nfrom setuptools.command.install import install\nclass I(install):\n    def run(self):\n        os.system('a')\nsetup(cmdclass={'install': I})",
            Install,
        ),
        (
            "setup.py",
            "import os\nfrom setuptools import setup\nclass I:\n    def run(self):\n        self.go()\n    def go(self):\n        os.system('a')\nc = {}\nc['install'] = I\nsetup(cmdclass=c)",
            Install,
        ),
        (
            "setup.py",
            "import os, atexit\ndef f():\n    os.system('a')\natexit.register(f)",
            Install,
        ),
        ("a.pth", "import os; os.system('a')", Startup),
        (
            "demo.py",
            "import os\ndef keep(f):\n    kept.append(f)\n    return f\n@keep\ndef g():\n    os.system('a')",
            Call,
        ),
        (
            "demo.py",
            "import os\ndef wrap(f):\n    def inner(*given):\n        return f(*given)\n    return inner\n@wrap\ndef g():\n    os.system('a')",
            Call,
        ),
        (
            "demo.py",
            "import os\ndef named(f):\n    shown = f.__name__.strip()\n    return f\n@named\ndef g():\n    os.system('a')",
            Call,
        ),
        (
            "demo.py",
            "import os\ndef now(f):\n    f()\n    return f\n@now\ndef g():\n    os.system('a')",
            Import,
        ),
        (
            "demo.py",
            "import os\ndef all_of(*tasks):\n    for task in tasks:\n        one(task)\ndef one(task):\n    return task()\ndef g():\n    os.system('a')\nall_of(g)",
            Import,
        ),
        (
            "demo.py",
            "import os, threading\ndef later(f, unknown):\n    threading.Thread(target=f).start()\ndef g():\n    os.system('a')\nlater(g, unknown.name)",
            Import,
        ),
        ("demo.py", "import os\nos.system('a')", Import),
        ("demo.py", "import os\ndef f():\n    os.system('a')", Call),
        (
            "demo.py",
            "import os\ndef f():\n    g()\ndef g():\n    os.system('a')\nf()",
            Import,
        ),
        ("demo.py", "import os\nclass A:\n    os.system('a')", Import),
        (
            "demo.py",
            "import os\nclass A:\n    def m(self):\n        os.system('a')",
            Call,
        ),
        (
            "demo.py",
            "import os\nclass A:\n    def __init__(self):\n        os.system('a')\nA()",
            Import,
        ),
        (
            "demo.py",
            "import os\ndef d(f):\n    os.system('a')\n    return f\n@d\ndef g(): pass",
            Import,
        ),
        (
            "demo.py",
            "import os\ndef g(x=os.system('a')): pass",
            Import,
        ),
        (
            "demo.py",
            "import os, threading\ndef f():\n    os.system('a')\nthreading.Thread(target=f).start()",
            Import,
        ),
        (
            "demo.py",
            "import os, threading\nclass T(threading.Thread):\n    def run(self):\n        os.system('a')\nT().start()",
            Import,
        ),
        ("demo.py", "import os\n(lambda: os.system('a'))()", Import),
        ("demo.py", "import os\nf = lambda: os.system('a')", Call),
        (
            "demo.py",
            "import os\nif __name__ == '__main__':\n    os.system('a')",
            Entry,
        ),
        (
            "demo.py",
            "import os, sys\nif sys.platform != 'win32' and __name__ == '__main__':\n    os.system('a')",
            Entry,
        ),
        (
            "demo.py",
            "import os\nif __name__ == '__main__' or True:\n    os.system('a')",
            Import,
        ),
        (
            "demo.py",
            "import os\nif os.system('a') and __name__ == '__main__':\n    pass",
            Import,
        ),
        (
            "demo.py",
            "import os\nif __name__ == '__main__':\n    pass\nelif os.system('a'):\n    pass",
            Import,
        ),
        ("tests/test_a.py", "import os\nos.system('a')", Test),
    ] {
        assert_eq!(context_of(path, code), context, "{path}\n{code}");
    }
}

#[test]
fn capabilities_have_their_context() {
    let analysis = analysed(
        "demo.py",
        "import os, requests, ctypes\nrequests.get('https://a.invalid')\ndef f():\n    os.system('a')\n    requests.get('https://a.invalid')",
    );
    let found: Vec<(CapabilityKind, Context)> = analysis
        .capabilities
        .iter()
        .map(|each| (each.kind, each.context))
        .collect();
    assert_eq!(
        found,
        [
            (CapabilityKind::Network, Context::Call),
            (CapabilityKind::Network, Context::Import),
            (CapabilityKind::Process, Context::Call),
        ]
    );
}

#[test]
fn importing_a_function_runs_its_module_and_not_the_function() {
    let module = "import os\nos.system('top')\ndef f():\n    os.system('inside')\nclass A:\n    def __init__(self):\n        os.system('made')\n";
    let of = |user: &str| {
        let sources = vec![
            Source::new("demo/inner.py", module.as_bytes(), Role::Module),
            Source::new("bin/run.py", user.as_bytes(), Role::EntryPoint),
        ];
        let package = Package {
            sources,
            ..Package::default()
        };
        let analysis = analyse(&package, &Budget::default());
        let calls = analysis.calls().filter(|call| &*call.target == "os.system");
        calls.map(|call| call.context).collect::<Vec<_>>()
    };
    use Context::{Call, Entry, Import};
    for (user, contexts) in [
        ("from demo.inner import f, A", [Import, Call, Call]),
        ("from demo import inner as i", [Import, Call, Call]),
        (
            "__import__('demo.inner', fromlist=['f'])",
            [Import, Call, Call],
        ),
        (
            "from demo.inner import f, A as B\nf()\nB()",
            [Import, Entry, Entry],
        ),
        ("from demo import inner\ninner.f()", [Import, Entry, Call]),
        ("import demo.inner\ndemo.inner.A()", [Import, Call, Entry]),
    ] {
        assert_eq!(of(user), contexts, "{user}");
    }
}

#[test]
fn what_a_module_does_to_others_is_written_down() {
    let code = "import requests, builtins\ndef spy(*a, **k): pass\nrequests.get = spy\nsetattr(builtins, 'print', spy)";
    let analysis = analysed("demo.py", code);
    let patches: Vec<&str> = analysis.modules[0]
        .patches
        .iter()
        .map(|each| &*each.target)
        .collect();
    assert_eq!(patches, ["requests.get", "builtins.print"]);
    assert_eq!(
        analysis.modules[0].patches[0].value,
        Folded::Name("spy".into())
    );
}

#[test]
fn literals_worth_reading_are_written_down() {
    let blob = "QUJD".repeat(100);
    let code = format!(
        "import base64, os\n'''a docstring of curl | sh'''\nu = 'https://a.invalid/x'\nbase64.b64decode('{blob}')\nname = 'short'"
    );
    let analysis = analysed("demo.py", &code);
    let literals = &analysis.modules[0].literals;
    assert_eq!(literals.len(), 2, "{literals:#?}");
    assert!(!literals[0].decoded && literals[1].decoded);
    assert_eq!((literals[1].length, literals[1].place.line), (400, 4));
}

#[test]
fn guards_of_a_call_are_told() {
    let code = "import os, platform\nif platform.system() == 'Linux' and os.environ.get('CI'):\n    os.system('a')";
    let analysis = analysed("demo.py", code);
    let call = analysis
        .calls()
        .find(|call| &*call.target == "os.system")
        .unwrap();
    let guards: Vec<&str> = call.guards.iter().map(|guard| &**guard).collect();
    assert_eq!(guards, ["platform.system", "os.environ.get"]);
}

//! Input that is made to break parsers: it is refused or survived, and always reported.

use super::*;
use proptest::prelude::*;

fn kinds(analysis: &Analysis) -> Vec<EngineFindingKind> {
    analysis
        .findings
        .iter()
        .map(|finding| finding.kind)
        .collect()
}

#[test]
fn bombs_are_refused_before_anything_recurses() {
    for code in [
        format!("exec\nx = {}1", "1+".repeat(200_000)),
        format!("exec\nx = a{}", ".b".repeat(200_000)),
        format!("exec\nx = f{}", "()".repeat(200_000)),
        format!("exec\nx = {}{}", "(".repeat(50_000), ")".repeat(50_000)),
        format!("exec\nx = {}{}", "[".repeat(50_000), "]".repeat(50_000)),
        format!("exec\nx = {}1", "-".repeat(100_000)),
        format!("exec\nx = {}1", "not ".repeat(100_000)),
        format!("exec\nx = {}1", "lambda: ".repeat(50_000)),
        format!("exec\nx = {}1", "a if b else ".repeat(50_000)),
        format!("exec\nx = {}1", "2**".repeat(100_000)),
        format!("x = {}1", "1+".repeat(20_000)),
        format!("exec\nx = a{}", "[0]".repeat(40_000)),
        format!("exec\nx = {}", "{1:".repeat(30_000)),
        format!("exec\nx = {}", "f'{".repeat(8_000)),
    ] {
        let found = kinds(&analysed("demo.py", &code));
        assert!(
            found.contains(&EngineFindingKind::ParserBomb),
            "{:.40} {found:?}",
            code
        );
    }
}

#[test]
fn small_bombs_are_refused_too() {
    // Below the size at which tokens are counted first, the tree exists and has to be dropped.
    for code in [
        format!("exec\nx = {}1", "1+".repeat(60_000)),
        format!("exec\nx = a{}", ".b".repeat(60_000)),
        format!("exec\nx = f{}", "()".repeat(60_000)),
        format!("exec\nx = {}1", "-".repeat(100_000)),
    ] {
        assert!(kinds(&analysed("demo.py", &code)).contains(&EngineFindingKind::ParserBomb));
    }
}

#[test]
fn what_is_not_python_three_is_told_and_still_looked_into() {
    for (code, finds) in [
        (&b"import os\nprint 'x'\nos.system('a')\n"[..], true),
        (b"import os\nexec 'pass'\nos.system('a')\n", true),
        (b"import os\0\nos.system('a')\n", true),
        (b"# coding: rot13\nimport os\nos.system('a')\n", true),
        (
            b"# coding: utf-7\nimport os\nos.system(+ACI-a+ACI-)\n",
            true,
        ),
        (
            b"# coding: unicode_escape\n# \\x0aimport os\\x0aos.system('a')\n",
            true,
        ),
        (b"import os\nx = '\xff'\nos.system('a')\n", true),
        (b"import os\nos.system('a'\n", false),
        (b"import os\nif x:\nos.system('a')\n", false),
    ] {
        let sources = vec![Source::new("demo.py", code, Role::Module)];
        let analysis = analyse(
            &Package {
                sources,
                ..Package::default()
            },
            &Budget::default(),
        );
        assert!(
            kinds(&analysis).contains(&EngineFindingKind::Unparsable),
            "{code:?}"
        );
        let found = analysis.calls().any(|call| &*call.target == "os.system");
        assert!(found || !finds, "{}", String::from_utf8_lossy(code));
    }
}

#[test]
fn a_spent_budget_is_admitted() {
    let code = "import os\nos.system('a')\n".repeat(2_000);
    let sources = vec![Source::new("demo.py", code.as_bytes(), Role::Module)];
    let package = Package {
        sources,
        ..Package::default()
    };
    for budget in [
        Budget {
            nodes_per_source: 1_000,
            ..Budget::default()
        },
        Budget {
            source_bytes: 1_000,
            ..Budget::default()
        },
        Budget {
            time: std::time::Duration::ZERO,
            ..Budget::default()
        },
    ] {
        assert_eq!(
            kinds(&analyse(&package, &budget)),
            [EngineFindingKind::Incomplete]
        );
    }
}

#[test]
fn layers_end_somewhere() {
    let mut code = "import os; os.system('a')".to_owned();
    for _ in 0..8 {
        code = format!("exec({code:?})");
    }
    let analysis = analysed("demo.py", &code);
    assert!(kinds(&analysis).contains(&EngineFindingKind::Incomplete));
    assert!(analysis.modules.iter().all(|module| module.layer <= 5));
}

#[test]
fn recursion_in_the_code_is_not_recursion_here() {
    for code in [
        "def f(x):\n    return f(x)\nexec(f('a'))",
        "def f(x):\n    return g(x)\ndef g(x):\n    return f(x)\nexec(f('a'))",
        "f = lambda g: g(g)\nexec(f(f))",
        "class A(A): pass\nA().x()\nexec(A)",
        "class A: pass\nclass B(A): pass\nA.b = B\nB.a = A\nexec(A().b().a())",
        "from demo import x\nfrom demo import y as x\nexec(x)",
        "x = exec\nx = x\ny = x\nx = y\nx('a')",
        "from .demo import exec\nexec('a')",
        "exec('exec(\"exec(1)\")')",
        "def f(n):\n    return f(n + 1)\nexec(str(f(0)))",
        "x = []\nx.append(x)\nexec(x)",
        "d = {}\nd['d'] = d\nexec(d)",
    ] {
        analysed("demo.py", code);
    }
}

const PIECES: &[&str] = &[
    "exec",
    "eval",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ":",
    ",",
    ".",
    " ",
    "\n",
    "\n    ",
    "def f(x):",
    "class A(B):",
    "return ",
    "x",
    "y",
    "f",
    "=",
    "+=",
    "+",
    "%",
    "^",
    "'a'",
    "b'\\xff'",
    "f'{x}'",
    "import os",
    "from . import x",
    "os.system",
    "lambda x: ",
    "for x in y:",
    "if x:",
    "else:",
    "while x:",
    "try:",
    "except E as e:",
    "with x as y:",
    "*",
    "**",
    "-",
    "1",
    "0x7fffffffffffffff",
    "base64.b64decode",
    "getattr",
    "__import__",
    "globals()",
    "''.join",
    "[::-1]",
    "chr",
    "yield ",
    "await ",
    "async ",
    "match x:",
    "case ",
    "@",
    "global x",
    "del x",
    "not ",
    "é",
    "\u{202E}",
    "\t",
    "requests.get",
    "open",
    ".read()",
    "map",
    "zip",
    "range",
    ":=",
    "...",
    "None",
    "True",
    "raise ",
];

#[test]
fn a_file_outlives_the_function_that_opened_it() {
    let code = "import requests\ndef a(p):\n    def b(p):\n        def c(p):\n            return open(p, 'wb')\n        return c(p)\n    return b(p)\nf = a(name())\nf.write(requests.get('https://a.invalid').content)";
    let analysis = analysed("demo.py", code);
    assert!(analysis.findings.is_empty(), "{:?}", analysis.findings);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let mut code = b"exec\n".to_vec();
        code.extend(bytes);
        let sources = vec![Source::new("demo.py", code, Role::Install)];
        let analysis = analyse(&Package { sources, ..Package::default() }, &small());
        prop_assert!(analysis.findings.iter().all(|each| !each.message.contains("failed")));
    }

    #[test]
    fn no_code_makes_it_panic(pieces in proptest::collection::vec(0..PIECES.len(), 0..80)) {
        let code: String = pieces.iter().map(|piece| PIECES[*piece]).collect();
        let sources = vec![Source::new("setup.py", code.as_bytes(), Role::Install)];
        let analysis = analyse(&Package { sources, ..Package::default() }, &small());
        prop_assert!(
            analysis.findings.iter().all(|each| !each.message.contains("failed")),
            "{}\n{:?}", code, analysis.findings
        );
    }
}

fn small() -> Budget {
    Budget {
        nodes_per_source: 20_000,
        stack_bytes: 64 << 20,
        ..Budget::default()
    }
}

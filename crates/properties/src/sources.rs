//! Python sources by themselves and together, and startup lists.

use std::collections::BTreeSet;

use portcullis_fixtures::techniques::Content;
use portcullis_fixtures::wheel;
use portcullis_inspect::inspection::{LooseFile, inspect_files, inspect_source};
use portcullis_inspect::python::code_hash;

use crate::Property;
use crate::archives::{archive_holds, named};
use crate::choices::{Choices, rows_of_choices};
use crate::holding::{budget, inspected_holds};
use crate::python_text::{PIECES, python, samples};

/// One source.
pub(crate) static PYTHON_SOURCE: Property = Property {
    name: "python_source",
    what: "any bytes called Python are followed, twice alike, wherever they stand",
    check: |bytes| {
        // Where it stands says when it runs; one place an input is enough, and three times as fast.
        let places = ["setup.py", "demo.py", "tests/test_demo.py"];
        source_holds(places[bytes.len() % places.len()], bytes);
        assert_eq!(code_hash(bytes), code_hash(bytes), "not the same twice");
    },
    seeds: || {
        let spellings = samples().into_iter().flat_map(|one| one.spellings);
        let files = spellings.flat_map(|spelling| spelling.files);
        let python = files.filter(|(path, _)| path.ends_with(".py"));
        python.map(|(_, content)| content.bytes()).collect()
    },
    words: PIECES,
};

/// Several modules that import each other.
pub(crate) static PYTHON_PACKAGE: Property = Property {
    name: "python_package",
    what: "modules that import each other are followed, twice alike, in any order",
    check: |bytes| {
        let mut choices = Choices::new(bytes);
        let mut files = package(&mut choices);
        files_hold(&files);
        let forwards = inspect_files(files.clone(), &budget());
        files.reverse();
        let backwards = inspect_files(files, &budget());
        assert_eq!(forwards, backwards, "the order of the files matters");
    },
    seeds: rows_of_choices,
    words: &[],
};

/// A startup list, loose and in a wheel.
pub(crate) static PTH: Property = Property {
    name: "pth",
    what: "any bytes of a startup list are told line by line, and as if installed",
    check: |bytes| {
        source_holds("demo.pth", bytes);
        let file = if bytes.first() == Some(&b'\n') {
            "demo.start"
        } else {
            "demo.pth"
        };
        let archive = wheel("demo", "1.0").file(file, bytes).build();
        let inspection = archive_holds(&archive, &named("demo-1.0-py3-none-any.whl"));
        // `site` decodes leniently and may see fewer lines than bytes suggest, never lines of nothing.
        for line in &inspection.contents.startup {
            assert!(!line.line.trim().is_empty(), "{line:?}");
        }
        if file == "demo.pth" && has_plain_code(bytes) {
            assert!(
                !inspection.contents.startup.is_empty(),
                "code at startup was not seen"
            );
        }
    },
    seeds: || {
        let pths = samples().into_iter().flat_map(|one| one.spellings);
        let files = pths.flat_map(|spelling| spelling.files);
        let lists = files.filter(|(path, _)| path.ends_with(".pth"));
        let mut seeds: Vec<Vec<u8>> = lists
            .map(|(_, content): &(_, Content)| content.bytes())
            .collect();
        seeds.push(b"../demo\n# no code\nimport demo; demo.start()\n".to_vec());
        seeds
    },
    words: &[
        "import ",
        "import\t",
        "import os; os.system('a')",
        "\u{feff}",
        "\u{85}",
        "\u{2028}",
        "\x0c",
        "\r",
        ";",
        "exec(",
        "#",
        "../",
    ],
};

/// Whether a list has a line that Python runs (the `site` module: it starts with `import` and a space or
/// tab).
fn has_plain_code(bytes: &[u8]) -> bool {
    let is_code = |line: &[u8]| line.starts_with(b"import ") || line.starts_with(b"import\t");
    // Where `str.splitlines` ends a line.
    let breaks = "\n\r\u{b}\u{c}\u{1c}\u{1d}\u{1e}\u{85}\u{2028}\u{2029}";
    let Ok(text) = std::str::from_utf8(bytes) else {
        return false;
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = text.split(|c| breaks.contains(c)).map(str::as_bytes);
    bytes.len() < 4096 && lines.any(is_code)
}

fn source_holds(path: &str, bytes: &[u8]) {
    let inspected = inspect_source(path, bytes.to_vec(), &budget());
    let again = inspect_source(path, bytes.to_vec(), &budget());
    assert_eq!(inspected, again, "not the same twice");
    inspected_holds(&inspected, &BTreeSet::from([path.to_owned()]));
}

fn files_hold(files: &[LooseFile]) {
    let inspected = inspect_files(files.to_vec(), &budget());
    let names = files.iter().map(|file| file.path.clone());
    inspected_holds(&inspected, &names.collect());
}

fn package(choices: &mut Choices<'_>) -> Vec<LooseFile> {
    const PATHS: &[&str] = &[
        "demo/__init__.py",
        "demo/a.py",
        "demo/b.py",
        "demo/c/__init__.py",
        "demo/c/d.py",
        "setup.py",
        "demo.pth",
        "sitecustomize.py",
        "tests/test_a.py",
        "backend.py",
    ];
    const LINKS: &[&str] = &[
        "from . import a\n",
        "from .a import *\n",
        "from .b import f as g, x\n",
        "from .c.d import y\n",
        "from demo import a, b\n",
        "import demo.a as a, demo.b\n",
        "a.f(x)\n",
        "x = a.g(b.x)\n",
        "b.x = exec\n",
        "exec(a.x)\n",
        "def f(x):\n    return b.f(x)\n",
        "class A(b.B):\n    def run(self):\n        a.f(self.x)\n",
        "demo.b.f(demo.a.y)\n",
        "import setup\n",
    ];
    let mut files = vec![LooseFile {
        path: "pyproject.toml".to_owned(),
        bytes: b"[build-system]\nbuild-backend = 'backend'\nbackend-path = ['.']\n".to_vec(),
    }];
    for path in PATHS {
        if choices.seldom(4) {
            continue;
        }
        let mut text = String::new();
        for _ in 0..choices.below(5) {
            text.push_str(choices.one_of(LINKS));
        }
        text.push_str(&python(choices));
        files.push(LooseFile {
            path: (*path).to_owned(),
            bytes: text.into_bytes(),
        });
    }
    files
}

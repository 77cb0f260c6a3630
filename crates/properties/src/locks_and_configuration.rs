//! Locks and the configuration of installers, as `portcullis check` reads and judges them.

use portcullis_core::lint::{FileKind, Project, ProjectFile, check};

use crate::Property;

/// Locks of every tool.
pub(crate) static LINT_LOCKS: Property = Property {
    name: "lint_locks",
    what: "locks are read and judged whatever they say, and every place is within the text",
    check: |bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else {
            return;
        };
        let kinds = [
            FileKind::Pylock,
            FileKind::UvLock,
            FileKind::PoetryLock,
            FileKind::PdmLock,
            FileKind::PipfileLock,
        ];
        for kind in kinds {
            is_read_and_judged(kind, text);
        }
    },
    seeds: || {
        let texts = [
            "lock-version = \"1.0\"\n[[packages]]\nname = \"a\"\nversion = \"1\"\nindex = \"https://u:p4ss@a.invalid/\"\n[[packages.wheels]]\nurl = \"http://b.invalid/a.whl\"\nhashes = {md5 = \"00\"}\n",
            "version = 1\n[[package]]\nname = \"a\"\nsource = { editable = \".\" }\n[package.metadata]\nrequires-dist = [{ name = \"b\", specifier = \">=1\" }]\n[[package]]\nname = \"b\"\nversion = \"1\"\nsource = { git = \"https://a.invalid/b#x\" }\n",
            "[[package]]\nname = \"a\"\nversion = \"1\"\nfiles = [{file = \"a.whl\", hash = \"sha256:00\"}]\n[package.source]\ntype = \"url\"\nurl = \"http://a.invalid/\"\n[metadata]\nlock-version = \"2.1\"\ncontent-hash = \"é\"\n",
            "[metadata]\nlock_version = \"4.5.0\"\ncontent_hash = \"sha256:00\"\n[metadata.files]\n\"a 1\" = [{url = \"https://a.invalid/a.whl\"}]\n[[package]]\nname = \"a\"\nversion = \"1\"\n",
            "{\"_meta\": {\"hash\": {\"sha256\": \"0\"}, \"pipfile-spec\": 6, \"sources\": [{\"url\": \"http://a.invalid\"}]}, \"default\": {\"a\": {\"version\": \"==1\", \"hashes\": [\"md5:0\"]}, \"b\": {\"git\": \"x\"}}}",
        ];
        texts.iter().map(|text| text.as_bytes().to_vec()).collect()
    },
    words: &[
        "[[package]]\n",
        "[[packages]]\n",
        "[metadata]\n",
        "source = { registry = \"http://a.invalid/\" }",
        "hash = \"md5:",
        "requires-dist = [",
        "\"\"\"",
        "'''",
        "\\u00e9",
        "\\\n",
        "\u{feff}",
        "\"_meta\": {",
        "\"hashes\": [",
        "://",
        "@",
        "#",
        "[[[[",
    ],
};

/// The configuration of pip, uv, poetry, pdm, pipenv and twine, and passwords by host.
pub(crate) static LINT_CONFIGURATION: Property = Property {
    name: "lint_configuration",
    what: "configuration is read and judged whatever it says, and every place is within the text",
    check: |bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else {
            return;
        };
        let kinds = [
            FileKind::PipConfig,
            FileKind::UvConfig,
            FileKind::PoetryConfig,
            FileKind::PdmConfig,
            FileKind::Pypirc,
            FileKind::Netrc,
            FileKind::Pipfile,
            FileKind::Pyproject,
        ];
        for kind in kinds {
            is_read_and_judged(kind, text);
        }
    },
    seeds: || {
        let texts = [
            "[global]\nindex-url = http://u:p4ss@a.invalid/simple\nextra-index-url =\n  https://b.invalid/\n  https://é.invalid/\n",
            "index-strategy = \"unsafe-best-match\"\n[[index]]\nurl = \"https://a.invalid/\"\nignore-error-codes = [403]\n",
            "[http-basic.a]\npassword = \"x\\u00e9yz\"\n[certificates.a]\ncert = false\n",
            "[pypi]\nurl = \"https://a.invalid\"\nverify_ssl = false\n[pypi.b]\nurl = \"http://b.invalid\"\n",
            "[a]\nrepository: http://a.invalid\npassword: pypi-aaaaaaaaaaaaaaaaaaaaaaaa\n",
            "machine a.invalid login b password \"c d\"\nmacdef init\n\ndefault password é\n",
            "[[source]]\nurl = \"https://a.invalid\"\n[packages]\na = {version = \"*\", index = \"b\"}\n[pipenv]\ninstall_search_all_sources = true\n",
            "[project]\nname = \"a\"\ndependencies = [\"b>=1\"]\n[[tool.poetry.source]]\nname = \"c\"\nurl = \"https://c.invalid\"\n[tool.pdm.resolution]\nx = 1.5\n",
        ];
        texts.iter().map(|text| text.as_bytes().to_vec()).collect()
    },
    words: &[
        "[global]\n",
        "extra-index-url = ",
        "--extra-index-url",
        "[[tool.uv.index]]\n",
        "[[source]]\n",
        "[tool.pip-tools]\n",
        "password = ",
        "machine ",
        "macdef ",
        "https://u:p@",
        "${TOKEN}",
        "%TOKEN%",
        "\n  ",
        "\"\"\"",
        "'''",
        " # ",
        "é",
        "\r",
        "= false\n",
    ],
};

fn is_read_and_judged(kind: FileKind, text: &str) {
    let file = ProjectFile::read("file", kind, text.to_owned(), &[]);
    for at in file.contents.spans() {
        assert!(text.get(at.clone()).is_some(), "{kind}: {at:?} is no place");
    }
    let mut project = Project {
        files: vec![file],
        ..Project::default()
    };
    project.organisation.indexes = vec!["https://index.invalid/simple".to_owned()];
    for finding in check(&project).findings {
        let fixes = finding.fix.iter().flat_map(|fix| &fix.edits);
        let places = fixes.map(|edit| &edit.at).chain(&finding.also);
        for at in places.chain([&finding.at]) {
            assert!(
                text.get(at.clone()).is_some(),
                "{}: {at:?} is no place",
                finding.rule
            );
        }
        for text in [&finding.message, &finding.why, &finding.help] {
            assert!(!text.is_empty() && !text.contains('\n'), "{finding:?}");
        }
    }
}

//! Files that run commands, as `portcullis check` reads them: scripts, recipes, images and pipelines.

use std::ops::Range;

use portcullis_core::lint::{Contents, FileKind, Project, ProjectFile, check};

use crate::Property;

/// Shell text, wherever it stands by itself.
pub(crate) static SHELL: Property = Property {
    name: "lint_shell",
    what: "shell text is read to its end, and everything in it has its place",
    check: |bytes| {
        for (path, kind) in [
            ("a.sh", FileKind::Shell),
            ("Makefile", FileKind::Makefile),
            ("justfile", FileKind::Makefile),
            ("Jenkinsfile", FileKind::Jenkinsfile),
            ("tox.ini", FileKind::Tox),
            (".env", FileKind::EnvironmentFile),
            (".envrc", FileKind::EnvironmentFile),
        ] {
            holds(path, kind, bytes);
        }
    },
    seeds: || {
        let seeds = [
            "#!/bin/sh\nset -e\nif a; then pip install -r r.txt --hash=sha256:ab; fi\ncurl -k https://a.example/i | sudo bash -\n",
            "all: x\n\t@$(PIP) install 'a>1' $$B\nPIP := venv/bin/pip\n",
            "case $x in a|b) uv sync;; *) bash -c \"pip install 'é'\" ;; esac <<E\n$(a `b`)\nE\n",
            "pipeline { environment { TWINE_PASSWORD = 'x' }\n steps { sh \"\"\"pip install ${a}\n\\n b\"\"\" } }",
            "[testenv]\ndeps =\n  py311: a>1\n  -r b.txt\ncommands = pip install x \\\n  y\nsetenv =\n  PIP_INDEX_URL=https://a.example\n",
            "UV_INDEX=a=https://b.example c\nexport TWINE_PASSWORD='s'\n",
        ];
        seeds.iter().map(|seed| seed.as_bytes().to_vec()).collect()
    },
    words: WORDS,
};

/// Dockerfiles.
pub(crate) static DOCKERFILE: Property = Property {
    name: "lint_dockerfile",
    what: "a Dockerfile is read to its end, and everything in it has its place",
    check: |bytes| holds("Dockerfile", FileKind::Dockerfile, bytes),
    seeds: || {
        let seeds = [
            "# escape=`\nARG V=3.12\nFROM python:${V} AS a\nRUN pip install `\n # c\n b\nUSER 1\nFROM a\nCOPY --from=b:1 /x /y\n",
            "FROM debian\nENV PATH=/opt/venv/bin:$PATH A=\"b c\"\nRUN --mount=type=cache,from=c <<EOF\npip install d\nEOF\n",
            "SHELL [\"pwsh\", \"-c\"]\nRUN [\"pip\", \"install\", \"\\u00e9\"]\nONBUILD RUN bash <<'A' <<B\nx\nA\ny\nB\n",
        ];
        seeds.iter().map(|seed| seed.as_bytes().to_vec()).collect()
    },
    words: WORDS,
};

/// Pipelines and hooks in YAML, and notebooks.
pub(crate) static YAML_PIPELINES: Property = Property {
    name: "lint_yaml_pipelines",
    what: "pipelines, hooks and notebooks are read or said to be unreadable, and everything has its place",
    check: |bytes| {
        for (path, kind) in [
            (".github/workflows/a.yml", FileKind::GithubWorkflow),
            (".gitlab-ci.yml", FileKind::GitlabCi),
            ("azure-pipelines.yml", FileKind::AzurePipeline),
            (".pre-commit-config.yaml", FileKind::PreCommit),
            ("a.ipynb", FileKind::Notebook),
        ] {
            holds(path, kind, bytes);
        }
    },
    seeds: || {
        let seeds = [
            "on: pull_request_target\njobs:\n  a:\n    container: b:1\n    steps:\n    - uses: actions/checkout@v4\n      with: {ref: '${{ github.head_ref }}'}\n    - run: |\n        pip install -e . \\\n          é\n      env: {TWINE_PASSWORD: x}\n",
            "image: {name: a:1}\nvariables: {PIP_INDEX_URL: {value: 'https://a.example'}}\nx:\n  before_script: [. venv/bin/activate]\n  script:\n  - >-\n    pip install\n    b\ninclude: [{project: a/b, ref: main}]\n",
            "resources: {containers: [{image: a:1}]}\nvariables: [{name: UV_INDEX, value: a}]\nsteps: [{script: pip install a}, {pwsh: \"iex (iwr b)\"}]\n",
            "repos:\n- repo: https://a.example/b\n  rev: main\n  hooks: [{id: c, additional_dependencies: [d==1, 'e@2']}]\n",
            "{\"cells\": [{\"cell_type\": \"code\", \"source\": [\"%pip install a\\n\", \"!pip install \\u00e9\"]}, {\"cell_type\": \"code\", \"source\": \"%%bash\\nuv sync\"}]}",
        ];
        seeds.iter().map(|seed| seed.as_bytes().to_vec()).collect()
    },
    words: WORDS,
};

const WORDS: &[&str] = &[
    "pip install ",
    "uv pip install ",
    "uvx ",
    "-r ",
    "--index-url ",
    "=",
    "'",
    "\"",
    "\\",
    "\n",
    "\r\n",
    "\\\n",
    "`",
    "$(",
    "${",
    "${{ ",
    " }}",
    "{{",
    ")",
    "}",
    "<<EOF\n",
    "EOF\n",
    "<(",
    "| sh",
    "&& ",
    "; ",
    "#",
    "case x in ",
    "esac",
    "[[",
    "(( ",
    "bash -c '",
    "sudo ",
    "FROM ",
    "RUN ",
    "ENV ",
    "  ",
    "\t",
    "- run: |\n",
    "é",
    "\u{2028}",
];

/// Reads a file and judges it.
fn holds(path: &str, kind: FileKind, bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let file = ProjectFile::read(path, kind, text.to_owned(), &[]);
    for at in places(&file.contents) {
        assert!(at.start <= at.end, "{path}: {at:?}");
        assert!(
            text.get(at.clone()).is_some(),
            "{path}: {at:?} is no part of {text:?}"
        );
    }
    // A script may be read once for each script around it, of which only some are followed.
    let most = 16 * text.len() + 16;
    assert!(
        file.contents.commands.len() <= most,
        "{path}: too many commands"
    );
    assert!(
        file.contents.wanted.len() <= most,
        "{path}: too much is wanted"
    );
    for command in &file.contents.commands {
        assert!(!command.words.is_empty(), "{path}: a command without words");
        assert!(
            command
                .reads_from
                .is_none_or(|from| from < file.contents.commands.len())
        );
    }
    for invocation in &file.contents.invocations {
        assert!(
            kind == FileKind::EnvironmentFile || invocation.command < file.contents.commands.len()
        );
    }
    let project = Project {
        files: vec![file],
        ..Project::default()
    };
    for finding in check(&project).findings {
        let places = std::iter::once(&finding.at).chain(&finding.also);
        for at in places {
            assert!(text.get(at.clone()).is_some(), "{}: {at:?}", finding.rule);
        }
        for edit in finding.fix.iter().flat_map(|fix| &fix.edits) {
            assert!(
                text.get(edit.at.clone()).is_some(),
                "{}: {edit:?}",
                finding.rule
            );
        }
    }
}

/// Every place in what a file says.
fn places(contents: &Contents) -> Vec<Range<usize>> {
    let mut all = Vec::new();
    for one in &contents.wanted {
        all.push(one.at.clone());
        all.extend(one.hashes.iter().map(|hash| hash.at.clone()));
    }
    all.extend(
        contents
            .places
            .iter()
            .flat_map(|one| [one.at.clone(), one.url_at.clone()]),
    );
    all.extend(
        contents
            .settings
            .iter()
            .flat_map(|one| [one.at.clone(), one.value_at.clone()]),
    );
    all.extend(contents.included.iter().map(|one| one.at.clone()));
    for one in &contents.commands {
        all.push(one.at.clone());
        all.extend(one.words.iter().map(|word| word.at.clone()));
    }
    all.extend(
        contents
            .invocations
            .iter()
            .flat_map(|one| [one.at.clone(), one.verb_at.clone()]),
    );
    all.extend(contents.secrets.iter().map(|one| one.at.clone()));
    all.extend(contents.references.iter().map(|one| one.at.clone()));
    all.extend(contents.unread.iter().filter_map(|one| one.at.clone()));
    all
}

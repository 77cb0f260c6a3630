//! Files of every format that runs commands, and what is taken of them.

use super::read;
use crate::lint::contents::{Contents, User};
use crate::lint::file::FileKind;
use crate::lint::python::{PythonCall, PythonLiteral, PythonValue};

/// What is wanted, named and run: `wanted; references; places`, each as it is spelled in the file.
fn told(path: &str, text: &str) -> String {
    let kind = FileKind::of(path).expect("a file that matters");
    let contents = read(path, kind, text, &[]);
    spelled(&contents, text)
}

fn spelled(contents: &Contents, text: &str) -> String {
    let wanted: Vec<_> = contents
        .wanted
        .iter()
        .map(|one| &text[one.at.clone()])
        .collect();
    let references = contents.references.iter();
    let references: Vec<_> = references
        .map(|one| format!("{}@{}", one.target, one.revision.as_deref().unwrap_or("?")))
        .collect();
    let places: Vec<_> = contents
        .places
        .iter()
        .map(|one| &text[one.url_at.clone()])
        .collect();
    format!(
        "{}; {}; {}",
        wanted.join(","),
        references.join(","),
        places.join(",")
    )
}

#[test]
fn pipelines_are_read() {
    for (path, text, expected) in [
        (
            ".github/workflows/a.yml",
            "env: {PIP_INDEX_URL: 'https://a.example'}\njobs:\n  a:\n    container: b:1\n    services: {x: {image: c}}\n    \
             steps:\n    - uses: d/e@v1\n    - uses: docker://f:2\n    - shell: python\n      run: pip install no\n    - run: |\n        \
             pip install g\n        pip install 'h'\n  r:\n    uses: o/w/.github/workflows/x.yml@main\n",
            "g,h; b@1,c@?,d/e@v1,f@2,o/w/.github/workflows/x.yml@main; https://a.example",
        ),
        (
            "action.yml",
            "runs:\n  using: composite\n  steps:\n  - run: pip install a\n    shell: bash\n  - uses: b/c@d\n",
            "a; b/c@d; ",
        ),
        (
            ".gitlab-ci.yml",
            "image: {name: a:1}\nservices: [b:2]\nvariables: {PIP_INDEX_URL: {value: https://c.example}}\n\
             include:\n- {project: d/e, ref: f}\n- local: x.yml\nj:\n  image: g\n  before_script: [pip install h]\n  \
             script:\n  - - pip install i\n",
            "h,i; a@1,b@2,d/e@f,g@?; https://c.example",
        ),
        (
            "azure-pipelines.yml",
            "resources:\n  containers: [{container: x, image: a:1}]\n  repositories: [{type: github, name: b/c, ref: refs/tags/v1}]\n\
             variables: [{name: UV_INDEX, value: https://d.example}]\njobs:\n- steps:\n  - script: pip install e\n  \
             - task: Bash@3\n    inputs: {script: pip install f}\n",
            "e,f; a@1,b/c@v1; https://d.example",
        ),
        (
            "Jenkinsfile",
            "// sh 'pip install no'\npipeline { agent { docker { image 'a:1' } }\n environment { PIP_INDEX_URL = \"https://b.example\" }\n \
             steps { sh 'pip install c'; sh(script: \"\"\"\n  pip install d\n\"\"\", returnStatus: true); bat \"pip install e\" } }",
            "c,d,e; a@1; https://b.example",
        ),
        (
            ".pre-commit-config.yaml",
            "repos:\n- repo: https://a.example/b\n  rev: v1\n  hooks:\n  - id: c\n    additional_dependencies: [d==1, 'eslint@8', '.[x]']\n\
             - repo: local\n  hooks: [{id: e, language: node, additional_dependencies: [f]}]\n",
            "d==1,.[x]; https://a.example/b@v1; ",
        ),
    ] {
        assert_eq!(told(path, text), expected, "{path}");
    }
}

#[test]
fn recipes_environments_and_notebooks_are_read() {
    for (path, text, expected) in [
        (
            "Makefile",
            "PIP := $(VENV)/bin/pip\nexport PIP_INDEX_URL = https://a.example\nx: y\n\t@$(PIP) install b \\\n\t  c\n\t-pip install $$D \"e\"\n",
            "b,c,$$D,e; ; https://a.example",
        ),
        ("justfile", "x:\n    @pip install {{a}} b\n", "{{a}},b; ; "),
        (
            "tox.ini",
            "[tox]\nrequires = a>1\n[testenv]\ndeps =\n  py311,!win: b\n  {[x]deps}\n  --index-url=https://c.example\n  -e .\n\
             setenv =\n  UV_INDEX = https://d.example\ncommands =\n  - pip install e \\\n    f\n",
            "a>1,b,.,e,f; ; https://c.example,https://d.example",
        ),
        (
            "a.ipynb",
            r#"{"cells": [{"cell_type": "code", "source": ["%pip install a\n", "!{sys.executable} -m pip install b\n", "x = '%pip install no'"]},
                {"cell_type": "code", "source": "%%bash\npip install c"}, {"cell_type": "markdown", "source": ["!pip install no"]}]}"#,
            "a,b,c; ; ",
        ),
        (
            ".env",
            "A=don't\nPIP_INDEX_URL=https://a.example\n",
            "; ; https://a.example",
        ),
        (
            ".envrc",
            "export UV_INDEX=\"https://a.example\"\n",
            "; ; https://a.example",
        ),
    ] {
        assert_eq!(told(path, text), expected, "{path}");
    }
}

#[test]
fn sessions_of_nox_are_told_by_their_calls() {
    let text = "session.install('-r', 'a.txt', 'b>1')\nsession.run('pip', 'install', 'c')\n";
    let literal = |word: &str| {
        let start = text.find(&format!("'{word}'")).expect("there");
        PythonValue {
            is: PythonLiteral::Text(word.to_owned()),
            at: start..start + word.len() + 2,
        }
    };
    let call = |function: &str, words: &[&str]| PythonCall {
        function: function.to_owned(),
        at: text.find(function).expect("there")..text.len(),
        arguments: words.iter().map(|word| literal(word)).collect(),
        keywords: Vec::new(),
    };
    let calls = [
        call("session.install", &["-r", "a.txt", "b>1"]),
        call("session.run", &["pip", "install", "c"]),
    ];
    let contents = read("noxfile.py", FileKind::Noxfile, text, &calls);
    assert_eq!(spelled(&contents, text), "b>1,c; ; ");
    assert_eq!(&text[contents.included[0].at.clone()], "a.txt");
    assert!(contents.commands.iter().all(|one| one.runs.in_environment));
}

#[test]
fn what_runs_is_told_by_where_it_stands() {
    let text = "jobs:\n  a:\n    steps: [{run: pip install a}]\n  b:\n    container: python:3\n    steps: [{run: pip install b}]\n";
    let contents = read(
        ".github/workflows/a.yml",
        FileKind::GithubWorkflow,
        text,
        &[],
    );
    let runs: Vec<_> = contents
        .commands
        .iter()
        .map(|one| (one.runs.user, one.runs.unattended))
        .collect();
    assert_eq!(runs, [(User::Other, true), (User::Root, true)]);
    let text = "x:\n  before_script: [. venv/bin/activate]\n  script: [pip install a]\n";
    let contents = read(".gitlab-ci.yml", FileKind::GitlabCi, text, &[]);
    assert!(contents.commands[1].runs.in_environment);
}

#[test]
fn a_variable_stands_where_its_name_is_written_whatever_is_behind_it() {
    let text = "P = \u{e9}\u{335e}\nx:\n\tpip install $(P)\u{1f600} $(P) b\u{e9}\n";
    let contents = super::makefile::read("Makefile", text);
    crate::lint::testing::places_hold(text, &contents);
    assert_eq!(contents.commands.len(), 1);
    for word in &contents.commands[0].words {
        assert!(text.get(word.at.clone()).is_some(), "{word:?}");
    }
    assert_eq!(&text[contents.commands[0].words[3].at.clone()], "$(P)");
}

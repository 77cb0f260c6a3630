//! Commands of every installer, and what is taken of them.

use crate::lint::contents::{Contents, Origin, Runs, Wanted};
use crate::lint::read::commands;
use crate::lint::read::shell::Dialect;
use crate::lint::syntax::Spelled;

fn read(text: &str) -> Contents {
    let mut contents = Contents::default();
    commands::script(
        &Spelled::plain(text, 0),
        Dialect::Posix,
        Runs::default(),
        &mut contents,
    );
    contents
}

fn wanted(one: &Wanted) -> String {
    let name = one.name.as_ref().map_or("?", |name| name.as_str());
    match &one.origin {
        Origin::Index(specifiers) => format!("{name}{specifiers}"),
        Origin::Path(path) => format!("path {path}"),
        Origin::Url { .. } => format!("{name} url"),
        Origin::Vcs { kind, .. } => format!("{name} {kind}"),
        Origin::Unknown(_) => format!("{name} unknown"),
    }
}

/// `tool verb: wanted; places; files; settings` of every invocation.
fn told(text: &str) -> Vec<String> {
    let contents = read(text);
    let one = |(id, invocation): (usize, &crate::lint::contents::Invocation)| {
        let wants: Vec<_> = contents.wanted_by(id).map(wanted).collect();
        let places = contents.places.iter().filter(|one| one.by == Some(id));
        let places: Vec<_> = places
            .map(|one| format!("{:?} {}", one.role, one.url))
            .collect();
        let files: Vec<_> = contents
            .included_by(id)
            .map(|one| one.path.clone())
            .collect();
        let settings = contents.settings_of(id);
        let settings: Vec<_> = settings
            .map(|one| format!("{}={}", one.key, one.value))
            .collect();
        let all = [wants, places, files, settings].map(|part| part.join(","));
        let all = format!(
            "{} {:?}: {}",
            invocation.tool,
            invocation.verb,
            all.join("; ")
        );
        all.trim_end_matches([';', ' ']).to_owned()
    };
    contents.invocations.iter().enumerate().map(one).collect()
}

fn all_are_told(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(told(text), [*expected], "{text}");
    }
}

#[test]
fn pip_and_uv_are_understood() {
    all_are_told(&[
        (
            "pip install flask==3.1.0 six",
            "pip Install: flask==3.1.0,six",
        ),
        (
            "python3.11 -m pip --no-cache-dir install -r a.txt",
            "pip Install: ; ; a.txt",
        ),
        (
            "py -3 -m pip install -U pip",
            "pip Install: pip; ; ; upgrade=true",
        ),
        (
            "pip3.12 install -qr a.txt -ca.c",
            "pip Install: ; ; a.txt,a.c",
        ),
        ("sudo -H pip install x", "pip Install: x"),
        ("env A=b C=d pip install x", "pip Install: x"),
        ("$PYTHON -m pip install -e '.[test]'", "pip Install: path ."),
        (
            "/opt/venv/bin/pip install --target lib x",
            "pip Install: x; ; ; target=lib",
        ),
        (
            "pip install -i https://a.example --extra-index-url=https://b.example x",
            "pip Install: x; Default https://a.example,Merged https://b.example",
        ),
        (
            "pip install git+https://h.example/a.git@main#egg=a",
            "pip Install: a git",
        ),
        ("pip download -d out x", "pip Download: x; ; ; dest=out"),
        (
            "pip install --extra https://b.example --trusted=h x",
            "pip Install: x; Merged https://b.example; ; trusted-host=h",
        ),
        ("pip lock -o p.toml x", "pip Lock: x; ; ; output=p.toml"),
        ("pip list", "pip Other:"),
        (
            "uv pip install --system -r a.txt",
            "uv Install: ; ; a.txt; system=true",
        ),
        ("uv pip sync a.txt", "uv Sync: ; ; a.txt"),
        (
            "uv pip compile a.in -o a.txt",
            "uv Lock: ; ; a.in; output-file=a.txt",
        ),
        (
            "uv sync --locked --no-dev",
            "uv Sync: ; ; ; locked=true,no-dev=true",
        ),
        ("uv --directory x sync", "uv Sync:"),
        ("uv run --script a.py", "uv Sync: ; ; ; script=true"),
        ("uv add httpx", "uv Add: httpx"),
        (
            "uv run --with six,flask pytest -x --with y",
            "uv Sync: six,flask",
        ),
        ("uvx ruff@0.5.0 check --fix", "uv Run: ruff==0.5.0"),
        (
            "uvx --from build==1.2 pyproject-build x",
            "uv Run: build==1.2",
        ),
        ("uv tool run black .", "uv Run: black"),
        ("uv publish -t abc", "uv Publish: ; ; ; token=abc"),
        (
            "uv pip install --index acme=https://a.example x",
            "uv Install: x; Ordered https://a.example",
        ),
    ]);
}

#[test]
fn every_other_installer_is_understood() {
    all_are_told(&[
        (
            "pipx run --spec black==24.1.0 black .",
            "pipx Run: black==24.1.0",
        ),
        (
            "pipx inject poetry poetry-plugin-export",
            "pipx Run: poetry-plugin-export",
        ),
        ("pipx install -f nox", "pipx Run: nox"),
        (
            "pipx install --lock pylock.toml --fetch-missing-python nox",
            "pipx Run: nox; ; ; lock=pylock.toml,fetch-missing-python=true",
        ),
        (
            "poetry install --no-root --with dev",
            "poetry Sync: ; ; ; no-root=true,with=dev",
        ),
        (
            "poetry add flask@^3 -G dev six@1.16.0",
            "poetry Add: flask unknown,six==1.16.0; ; ; group=dev",
        ),
        (
            "poetry source add --priority=explicit acme https://a.example",
            "poetry Configure: ; Explicit https://a.example; ; priority=explicit",
        ),
        (
            "poetry config pypi-token.pypi hunter2",
            "poetry Configure: ; ; ; password=hunter2",
        ),
        (
            "pip config set global.extra-index-url https://a.example",
            "pip Configure: ; Merged https://a.example",
        ),
        (
            "pdm install --frozen-lockfile -G dev",
            "pdm Sync: ; ; ; frozen-lockfile=true,group=dev",
        ),
        (
            "pdm config pypi.url https://a.example",
            "pdm Configure: ; Default https://a.example",
        ),
        (
            "pipenv install --deploy --system",
            "pipenv Sync: ; ; ; deploy=true,system=true",
        ),
        ("pipenv install flask", "pipenv Add: flask"),
        (
            "pip-compile --generate-hashes a.in",
            "pip-compile Lock: ; ; a.in; generate-hashes=true",
        ),
        (
            "python -m piptools sync a.txt",
            "pip-compile Sync: ; ; a.txt",
        ),
        (
            "conda install -y -c conda-forge numpy=1.2",
            "conda Install: ; ; ; channel=conda-forge",
        ),
        (
            "twine upload -u me -p hunter2 dist/*",
            "twine Publish: ; ; ; username=me,password=hunter2",
        ),
        (
            "flit publish --repository acme",
            "flit Publish: ; ; ; repository=acme",
        ),
        ("hatch publish -a tok", "hatch Publish: ; ; ; auth=tok"),
        ("easy_install x", "setuptools Install: x"),
        ("python setup.py develop", "setuptools RunSetup:"),
        (
            "./setup.py install --prefix /usr",
            "setuptools RunSetup: ; ; ; prefix=/usr",
        ),
        ("tox -e py311", "tox Other: ; ; ; env=py311"),
        ("poetry run pip install x", "pip Install: x"),
        ("bash -lc 'cd a && pip install \"b>1\"'", "pip Install: b>1"),
        ("xargs -n 1 pip install x", "pip Install: x"),
        (
            "PIP_INDEX_URL=https://a.example pip install x",
            "pip Install: x; Default https://a.example",
        ),
    ]);
}

#[test]
fn what_installs_nothing_is_no_invocation() {
    for text in [
        "apt-get install -y python3-pip",
        "echo pip install x",
        "python app.py",
        "npm install pip",
    ] {
        assert_eq!(told(text), [""; 0], "{text}");
    }
}

#[test]
fn one_installer_may_run_another() {
    let both = told("uv run --frozen pip install x");
    assert_eq!(both, ["uv Sync: ; ; ; frozen=true", "pip Install: x"]);
}

#[test]
fn places_are_exact() {
    let text = "pip install --index-url=\"https://a.example/s\" 'flask>=3' -rfile.txt";
    let contents = read(text);
    assert_eq!(
        &text[contents.places[0].url_at.clone()],
        "https://a.example/s"
    );
    assert_eq!(&text[contents.wanted[0].at.clone()], "flask>=3");
    assert_eq!(&text[contents.included[0].at.clone()], "file.txt");
    assert_eq!(&text[contents.invocations[0].verb_at.clone()], "install");
    let inside = "sh -c \"pip install --trusted-host 'h'\"";
    let contents = read(inside);
    assert_eq!(&inside[contents.settings[0].value_at.clone()], "h");
}

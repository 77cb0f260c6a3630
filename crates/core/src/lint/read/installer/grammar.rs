//! What each installer's arguments mean: its verbs, and which of its options have a value, so that no value is
//! taken for a requirement. A test compares it with the programs' own parsers.

use super::program::Program;
use crate::lint::contents::{Role, Tool, Verb};

/// How the arguments of a program are read.
#[derive(Debug)]
pub(super) struct Grammar {
    pub(super) program: &'static str,
    pub(super) tool: Tool,
    /// Options with a value that may stand before the verb.
    pub(super) values: &'static str,
    pub(super) verbs: &'static [VerbGrammar],
}

/// How the arguments behind a verb are read.
#[derive(Debug)]
pub(super) struct VerbGrammar {
    /// The words of the verb; none for a program that has only one.
    pub(super) words: &'static [&'static str],
    pub(super) verb: Verb,
    pub(super) takes: Takes,
    /// Options with a value, with spaces between. A short one stands beside its long name: `-i=index-url`.
    pub(super) values: &'static str,
}

/// What arguments that are no options are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    /// What is to be installed.
    Requirements,
    /// The same, with the constraints of poetry behind `@`.
    PoetryRequirements,
    /// Files with requirements.
    Files(Role),
    /// A requirement, and then the arguments of the program that it brings (`uvx`).
    Tool,
    /// A command that is run (`uv run`).
    Command,
    /// Key and value of a configuration.
    Configuration,
    /// Nothing that is about packages.
    Nothing,
}

const PIP: &str = "--abi --all-releases --build-constraint --cache-dir --cert --client-cert \
    --config-settings -C=config-settings -c=constraint --constraint --default-timeout -d=dest --dest \
    --destination-dir --destination-directory -e=editable --editable --exists-action --extra-index-url \
    -f=find-links --find-links --global-option --group --implementation -i=index-url --index-url \
    --install-option --keyring-provider --local-log --log --log-file --no-binary --only-binary \
    --only-final --platform --prefix --progress-bar --proxy --pypi-url --python --python-version \
    --refresh-package --report -r=requirement --requirement --requirements-from-script --resume-retries \
    --retries --root --root-user-action --source --source-dir --source-directory --src -t=target --target \
    --timeout --trusted-host --upgrade-strategy --uploaded-prior-to --use-deprecated --use-feature \
    -w=wheel-dir --wheel-dir -o=output --output --build-option";

const UV: &str = "--allow-insecure-host --annotation-style --bounds --branch -b=build-constraints \
    --build-constraint --build-constraints --cache-dir --cert --check-url --color --config-file \
    -C=config-setting --config-setting --config-settings --config-settings-package -c=constraints \
    --constraint --constraints --custom-compile-command --default-index --directory --env-file --excludes \
    --exclude-newer --exclude-newer-package --extra --extra-index-url -f=find-links --find-links \
    --fork-strategy --format --from --group --index -i=index-url --index-url --index-strategy \
    --keyring-provider --link-mode --marker --no-binary-package --no-build-isolation-package \
    --no-build-package --no-editable-package --no-emit-package --no-extra --no-group --no-install-package \
    --no-sources-package --only-group --optional -o=output-file --out-dir --output-file --output-format \
    --override --overrides --package --prefix --prerelease --prerelease-package --project --publish-url \
    --python --python-platform --python-version --refresh-package --reinstall-package --resolution \
    -r=requirements --requirement --requirements --rev --tag --target --torch-backend --trusted-publishing \
    --upgrade-group -P=upgrade-package --upgrade-package -w=with --with --with-editable \
    --with-executables-from --with-requirements";
const UV_PYTHON: &str = "-p=python";
const UV_PROJECT: &str = "-p=python --script";
const UV_COMPILE: &str = "-p=python --no-binary --only-binary";
const UV_PIP: &str = "-p=python -t=target -e=editable --editable --no-binary --only-binary";
const UV_PUBLISH: &str =
    "-u=username --username -p=password --password -t=token --token --index --publish-url";
const POETRY: &str = "-C=directory --directory -P=project --project --without --with --only -E=extras --extras \
    -G=group --group --optional --python --platform --markers --source -p=priority --priority";
const POETRY_PUBLISH: &str = "-C=directory --directory -P=project --project -r=repository --repository \
    -u=username --username -p=password --password --cert --client-cert --dist-dir";
const PDM: &str = "-p=project --project -L=lockfile --lockfile --override -k=skip --skip -G=group --group --with \
    -C=config-setting --config-setting -e=editable --editable -S=strategy --strategy --exclude-newer \
    --exclude-newer-override --python --platform --implementation --without";
const PDM_PUBLISH: &str = "-p=project --project -k=skip --skip -r=repository --repository -u=username --username \
    -P=password --password -i=identity --identity -c=comment --comment -d=dest --dest --ca-certs";
const PIPENV: &str = "--python -i=index --index --pypi-mirror -r=requirements --requirements \
    --extra-pip-args -e=editable --editable --categories --index-url --extra-index-url --config-settings \
    --extras --resolver --backend";
const PIPX: &str = "--spec --python --suffix -i=index-url --index-url --pip-args --preinstall --with \
    --backend --app --cooldown --fetch-python --include-resources-from --lock --output --upgrade-strategy \
    --python-args -r=requirement --requirement";
const PIPTOOLS: &str = "--annotation-style --build-deps-for --cache-dir --cert --client-cert --config \
    -c=constraint --constraint --extra --extra-index-url -f=find-links --find-links --group -i=index-url \
    --index-url --max-rounds --newline -o=output-file --output-file --pip-args -P=upgrade-package \
    --upgrade-package --resolver --trusted-host --unsafe-package --python-executable --uploaded-prior-to";
const CONDA: &str = "-n=name --name -p=prefix --prefix -c=channel --channel -f=file --file --solver \
    --repodata-fn --subdir --platform -r=root-prefix --root-prefix --clone --console \
    --environment-specifier --exclude-newer --experimental --format --revision";
const TWINE: &str = "-r=repository --repository --repository-url --sign-with -i=identity --identity \
    -u=username --username -p=password --password -c=comment --comment --config-file --cert --client-cert";
const HATCH: &str = "-r=repo --repo -u=user --user -a=auth --auth --ca-cert --client-cert --client-key \
    -p=publisher --publisher -o=option --option";
const EASY_INSTALL: &str = "-i=index-url --index-url -f=find-links --find-links -d=install-dir --install-dir \
    -s=script-dir --script-dir -H=allow-hosts --allow-hosts -b=build-directory --build-directory --prefix";
const SETUP: &str = "--prefix --root --home --install-lib --repository -r=repository --index-url --find-links \
    --egg-path --install-dir";
const FLIT: &str = "-f=ini-file --ini-file --repository --pypirc --format --python --deps --extras \
    --only-extras";

const TOX: &str = "--colored -c=conf --conf --devenv --discover -e=env --exit-and-dump-after --force-dep --hashseed \
    --installpkg -x=override --override --result-json --root --runner --skip-env --stderr-color --workdir \
    -m=label -f=factor -k=keys --output-file --format";
const NOX: &str = "-db=default-venv-backend --default-venv-backend --download-python --envdir \
    -fb=force-venv-backend --force-venv-backend -k=keywords --keywords -f=noxfile --noxfile -j=parallel \
    --parallel --report --reuse-venv --script-mode --script-venv-backend -s=session --session --usage";

const fn on(
    words: &'static [&'static str],
    verb: Verb,
    takes: Takes,
    values: &'static str,
) -> VerbGrammar {
    VerbGrammar {
        words,
        verb,
        takes,
        values,
    }
}

const fn grammar(
    program: &'static str,
    tool: Tool,
    values: &'static str,
    verbs: &'static [VerbGrammar],
) -> Grammar {
    Grammar {
        program,
        tool,
        values,
        verbs,
    }
}

const INPUTS: Takes = Takes::Files(Role::Runtime);

static GRAMMARS: &[Grammar] = &[
    grammar(
        "pip",
        Tool::Pip,
        PIP,
        &[
            on(&["install"], Verb::Install, Takes::Requirements, PIP),
            on(&["download"], Verb::Download, Takes::Requirements, PIP),
            on(&["wheel"], Verb::Download, Takes::Requirements, PIP),
            on(&["lock"], Verb::Lock, Takes::Requirements, PIP),
            on(
                &["config", "set"],
                Verb::Configure,
                Takes::Configuration,
                PIP,
            ),
        ],
    ),
    grammar(
        "uv",
        Tool::Uv,
        UV,
        &[
            on(
                &["pip", "install"],
                Verb::Install,
                Takes::Requirements,
                UV_PIP,
            ),
            on(&["pip", "sync"], Verb::Sync, INPUTS, UV_PIP),
            on(&["pip", "compile"], Verb::Lock, INPUTS, UV_COMPILE),
            on(&["sync"], Verb::Sync, Takes::Nothing, UV_PROJECT),
            on(&["lock"], Verb::Lock, Takes::Nothing, UV_PROJECT),
            on(
                &["add"],
                Verb::Add,
                Takes::Requirements,
                "-p=python -m=marker --script",
            ),
            on(&["run"], Verb::Sync, Takes::Command, UV_PYTHON),
            on(&["tool", "run"], Verb::Run, Takes::Tool, UV_PYTHON),
            on(&["tool", "install"], Verb::Run, Takes::Tool, UV_PYTHON),
            on(&["publish"], Verb::Publish, Takes::Nothing, UV_PUBLISH),
            on(&["build"], Verb::Other, Takes::Nothing, UV_PYTHON),
        ],
    ),
    grammar(
        "uvx",
        Tool::Uv,
        "",
        &[on(&[], Verb::Run, Takes::Tool, UV_PYTHON)],
    ),
    grammar(
        "poetry",
        Tool::Poetry,
        "-C -P --directory --project",
        &[
            on(&["install"], Verb::Sync, Takes::Nothing, POETRY),
            on(&["sync"], Verb::Sync, Takes::Nothing, POETRY),
            on(&["add"], Verb::Add, Takes::PoetryRequirements, POETRY),
            on(&["lock"], Verb::Lock, Takes::Nothing, POETRY),
            on(&["update"], Verb::Lock, Takes::Nothing, POETRY),
            on(&["publish"], Verb::Publish, Takes::Nothing, POETRY_PUBLISH),
            on(&["config"], Verb::Configure, Takes::Configuration, POETRY),
            on(
                &["source", "add"],
                Verb::Configure,
                Takes::Configuration,
                POETRY,
            ),
            on(
                &["self", "add"],
                Verb::Install,
                Takes::PoetryRequirements,
                POETRY,
            ),
        ],
    ),
    grammar(
        "pdm",
        Tool::Pdm,
        "-c --config",
        &[
            on(&["install"], Verb::Sync, Takes::Nothing, PDM),
            on(&["sync"], Verb::Sync, Takes::Nothing, PDM),
            on(&["add"], Verb::Add, Takes::Requirements, PDM),
            on(&["lock"], Verb::Lock, Takes::Nothing, PDM),
            on(&["update"], Verb::Lock, Takes::Nothing, PDM),
            on(&["publish"], Verb::Publish, Takes::Nothing, PDM_PUBLISH),
            on(&["config"], Verb::Configure, Takes::Configuration, PDM),
        ],
    ),
    grammar(
        "pipenv",
        Tool::Pipenv,
        "--python --pypi-mirror",
        &[
            on(&["install"], Verb::Sync, Takes::Requirements, PIPENV),
            on(&["sync"], Verb::Sync, Takes::Nothing, PIPENV),
            on(&["update"], Verb::Lock, Takes::Nothing, PIPENV),
            on(&["upgrade"], Verb::Lock, Takes::Nothing, PIPENV),
            on(&["lock"], Verb::Lock, Takes::Nothing, PIPENV),
        ],
    ),
    grammar(
        "pipx",
        Tool::Pipx,
        "",
        &[
            on(&["install"], Verb::Run, Takes::Tool, PIPX),
            on(&["run"], Verb::Run, Takes::Tool, PIPX),
            on(&["inject"], Verb::Run, Takes::Requirements, PIPX),
        ],
    ),
    grammar(
        "pip-compile",
        Tool::PipTools,
        "",
        &[on(&[], Verb::Lock, INPUTS, PIPTOOLS)],
    ),
    grammar(
        "pip-sync",
        Tool::PipTools,
        "",
        &[on(&[], Verb::Sync, INPUTS, PIPTOOLS)],
    ),
    grammar(
        "piptools",
        Tool::PipTools,
        "",
        &[
            on(&["compile"], Verb::Lock, INPUTS, PIPTOOLS),
            on(&["sync"], Verb::Sync, INPUTS, PIPTOOLS),
        ],
    ),
    grammar("conda", Tool::Conda, "", CONDA_VERBS),
    grammar("mamba", Tool::Conda, "", CONDA_VERBS),
    grammar("micromamba", Tool::Conda, "", CONDA_VERBS),
    grammar(
        "twine",
        Tool::Twine,
        "",
        &[on(&["upload"], Verb::Publish, Takes::Nothing, TWINE)],
    ),
    grammar(
        "hatch",
        Tool::Hatch,
        "-e --env -p --project -v",
        &[on(&["publish"], Verb::Publish, Takes::Nothing, HATCH)],
    ),
    grammar(
        "flit",
        Tool::Flit,
        FLIT,
        &[
            on(&["publish"], Verb::Publish, Takes::Nothing, FLIT),
            on(&["install"], Verb::Other, Takes::Nothing, FLIT),
        ],
    ),
    grammar(
        "easy_install",
        Tool::Setuptools,
        "",
        &[on(&[], Verb::Install, Takes::Requirements, EASY_INSTALL)],
    ),
    grammar(
        "setup.py",
        Tool::Setuptools,
        "",
        &[
            on(&["install"], Verb::RunSetup, Takes::Nothing, SETUP),
            on(&["develop"], Verb::RunSetup, Takes::Nothing, SETUP),
            on(&["easy_install"], Verb::RunSetup, Takes::Nothing, SETUP),
            on(&["upload"], Verb::Publish, Takes::Nothing, SETUP),
        ],
    ),
    grammar(
        "tox",
        Tool::Tox,
        "",
        &[on(&[], Verb::Other, Takes::Nothing, TOX)],
    ),
    grammar(
        "nox",
        Tool::Nox,
        "",
        &[on(&[], Verb::Other, Takes::Nothing, NOX)],
    ),
];

/// Names of conda's packages are not those of PyPI, and are not looked at.
const CONDA_VERBS: &[VerbGrammar] = &[
    on(&["install"], Verb::Install, Takes::Nothing, CONDA),
    on(&["create"], Verb::Install, Takes::Nothing, CONDA),
    on(&["env", "create"], Verb::Install, Takes::Nothing, CONDA),
    on(&["env", "update"], Verb::Install, Takes::Nothing, CONDA),
    on(&["config"], Verb::Configure, Takes::Nothing, CONDA),
];

/// How the arguments of `program` are read.
pub(super) fn of(program: &Program) -> Option<&'static Grammar> {
    GRAMMARS
        .iter()
        .find(|grammar| grammar.program == program.name)
}

impl Grammar {
    /// Whether the option `spelled` has a value before the verb.
    pub(super) fn has_value(&self, spelled: &str) -> bool {
        self.values.split_whitespace().any(|one| {
            let short = one.split_once('=').map_or(one, |(short, _)| short);
            short == spelled
        })
    }

    /// The long name of an option with a value behind `verb`, without dashes.
    pub(super) fn value_name<'o>(&self, verb: &VerbGrammar, spelled: &'o str) -> Option<&'o str>
    where
        'static: 'o,
    {
        let own = verb.values.split_whitespace();
        let of_all = match self.tool {
            Tool::Uv if verb.verb == Verb::Publish => PUBLISHING_UV,
            Tool::Uv => UV,
            _ => "",
        };
        let mut all = own.chain(of_all.split_whitespace());
        let written = all.find_map(|one| match one.split_once('=') {
            Some((short, long)) => (short == spelled).then_some(long),
            None => (one == spelled).then(|| spelled.trim_start_matches('-')),
        });
        written.or_else(|| self.abbreviated(spelled))
    }

    /// The option that pip takes `spelled` for, which is only its beginning.
    fn abbreviated(&self, spelled: &str) -> Option<&'static str> {
        let is_meant = |(least, long): &&(&str, &str)| {
            let name = spelled.strip_prefix("--").unwrap_or_default();
            name.starts_with(least) && long.starts_with(name)
        };
        let meant = ABBREVIATED.iter().find(is_meant)?;
        (self.tool == Tool::Pip).then_some(meant.1)
    }
}

/// How little of an option is enough for pip to know it among its others: of those that say where packages come
/// from and whether they are checked.
const ABBREVIATED: &[(&str, &str)] = &[
    ("ext", "extra-index-url"),
    ("in", "index-url"),
    ("fi", "find-links"),
    ("tr", "trusted-host"),
    ("cons", "constraint"),
    ("ed", "editable"),
    ("no-bi", "no-binary"),
    ("only-b", "only-binary"),
    ("ce", "cert"),
    ("prox", "proxy"),
];

const PUBLISHING_UV: &str = "--allow-insecure-host --cache-dir --check-url --color --config-file --directory \
    --keyring-provider --project --trusted-publishing";

//! [`FileKind`]: which files of a project matter, and what each of them is by its path.

use std::fmt;

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FileKind {
    /// `requirements*.txt`, `*.in`, `constraints*.txt`: what pip reads behind `-r` and `-c`.
    Requirements,
    /// `pyproject.toml` (PEP 518, 621 and 735, and the tables of poetry, pdm, hatch and uv).
    Pyproject,
    /// `setup.cfg` of setuptools.
    SetupCfg,
    /// `setup.py`, as far as its calls are literal.
    SetupPy,
    /// A script with inline metadata (PEP 723).
    Script,
    /// `pylock.toml` and `pylock.NAME.toml` (PEP 751).
    Pylock,
    /// `uv.lock`.
    UvLock,
    /// `poetry.lock`.
    PoetryLock,
    /// `pdm.lock`.
    PdmLock,
    /// `Pipfile`.
    Pipfile,
    /// `Pipfile.lock`.
    PipfileLock,
    /// A conda environment (`environment.yml`), of which the pip section matters.
    CondaEnvironment,
    /// pip's configuration: `pip.conf`, `pip.ini`.
    PipConfig,
    /// uv's configuration: `uv.toml`.
    UvConfig,
    /// poetry's configuration: `poetry.toml`, and `pypoetry/config.toml` of a user.
    PoetryConfig,
    /// pdm's configuration: `pdm.toml`, `.pdm.toml`, and `pdm/config.toml` of a user.
    PdmConfig,
    /// `.pypirc`, from which twine and others take where to upload and with which password.
    Pypirc,
    /// `.netrc`, from which installers take passwords.
    Netrc,
    /// `tox.ini`, and `[tox]` in others' place.
    Tox,
    /// `noxfile.py`.
    Noxfile,
    /// A Dockerfile or Containerfile.
    Dockerfile,
    /// A shell script.
    Shell,
    /// A Makefile or justfile.
    Makefile,
    /// A workflow or an action of GitHub.
    GithubWorkflow,
    /// `.gitlab-ci.yml` and what it includes.
    GitlabCi,
    /// A pipeline of Azure.
    AzurePipeline,
    /// A Jenkinsfile.
    Jenkinsfile,
    /// `.pre-commit-config.yaml`.
    PreCommit,
    /// A Jupyter notebook.
    Notebook,
    /// Variables of an environment, `.env` and `*.env`.
    EnvironmentFile,
}

impl FileKind {
    /// What a file is by its path, with `/` between its parts; `None` where it does not matter here. Scripts
    /// with inline metadata are told by their text: [`FileKind::of_python`].
    #[must_use]
    pub fn of(path: &str) -> Option<Self> {
        let name = path.rsplit('/').next().unwrap_or_default();
        let lower = name.to_ascii_lowercase();
        by_whole_name(&lower)
            .or_else(|| by_folder(path, &lower))
            .or_else(|| by_shape(&lower))
    }

    /// What a file ending in `.py` is: one of the known names, or a script with inline metadata (PEP 723).
    #[must_use]
    pub fn of_python(path: &str, text: &str) -> Option<Self> {
        let has_block = || text.lines().any(|line| line.trim_end() == "# /// script");
        Self::of(path).or_else(|| has_block().then_some(Self::Script))
    }

    /// Whether it is a lock: what has been settled, rather than what is wanted.
    #[must_use]
    pub const fn is_lock(self) -> bool {
        matches!(
            self,
            Self::Pylock | Self::UvLock | Self::PoetryLock | Self::PdmLock | Self::PipfileLock
        )
    }

    /// Whether it is Python, of which the literal calls matter.
    #[must_use]
    pub const fn is_python(self) -> bool {
        matches!(self, Self::SetupPy | Self::Noxfile | Self::Script)
    }

    /// What people call such a file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requirements => "requirements",
            Self::Pyproject => "pyproject.toml",
            Self::SetupCfg => "setup.cfg",
            Self::SetupPy => "setup.py",
            Self::Script => "script",
            Self::Pylock => "pylock.toml",
            Self::UvLock => "uv.lock",
            Self::PoetryLock => "poetry.lock",
            Self::PdmLock => "pdm.lock",
            Self::Pipfile => "Pipfile",
            Self::PipfileLock => "Pipfile.lock",
            Self::CondaEnvironment => "conda environment",
            Self::PipConfig => "pip configuration",
            Self::UvConfig => "uv configuration",
            Self::PoetryConfig => "poetry configuration",
            Self::PdmConfig => "pdm configuration",
            Self::Pypirc => ".pypirc",
            Self::Netrc => ".netrc",
            Self::Tox => "tox.ini",
            Self::Noxfile => "noxfile.py",
            Self::Dockerfile => "Dockerfile",
            Self::Shell => "shell script",
            Self::Makefile => "Makefile",
            Self::GithubWorkflow => "GitHub workflow",
            Self::GitlabCi => "GitLab pipeline",
            Self::AzurePipeline => "Azure pipeline",
            Self::Jenkinsfile => "Jenkinsfile",
            Self::PreCommit => "pre-commit configuration",
            Self::Notebook => "notebook",
            Self::EnvironmentFile => "environment file",
        }
    }
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

fn by_whole_name(name: &str) -> Option<FileKind> {
    let kind = match name {
        "pyproject.toml" => FileKind::Pyproject,
        "setup.cfg" => FileKind::SetupCfg,
        "setup.py" => FileKind::SetupPy,
        "noxfile.py" => FileKind::Noxfile,
        "pylock.toml" => FileKind::Pylock,
        "uv.lock" => FileKind::UvLock,
        "poetry.lock" => FileKind::PoetryLock,
        "pdm.lock" => FileKind::PdmLock,
        "pipfile" => FileKind::Pipfile,
        "pipfile.lock" => FileKind::PipfileLock,
        "pip.conf" | "pip.ini" => FileKind::PipConfig,
        "uv.toml" => FileKind::UvConfig,
        "poetry.toml" => FileKind::PoetryConfig,
        "pdm.toml" | ".pdm.toml" => FileKind::PdmConfig,
        ".pypirc" => FileKind::Pypirc,
        ".netrc" | "_netrc" => FileKind::Netrc,
        "tox.ini" => FileKind::Tox,
        "makefile" | "gnumakefile" | "justfile" | ".justfile" => FileKind::Makefile,
        "dockerfile" | "containerfile" => FileKind::Dockerfile,
        "jenkinsfile" => FileKind::Jenkinsfile,
        ".pre-commit-config.yaml" | ".pre-commit-config.yml" => FileKind::PreCommit,
        ".gitlab-ci.yml" | ".gitlab-ci.yaml" => FileKind::GitlabCi,
        "azure-pipelines.yml" | "azure-pipelines.yaml" => FileKind::AzurePipeline,
        "action.yml" | "action.yaml" => FileKind::GithubWorkflow,
        ".env" | ".envrc" => FileKind::EnvironmentFile,
        _ => return None,
    };
    Some(kind)
}

fn by_folder(path: &str, name: &str) -> Option<FileKind> {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let is_in = |ending: &str| folder == ending || folder.ends_with(&format!("/{ending}"));
    let is_yaml = name.ends_with(".yml") || name.ends_with(".yaml");
    let is_text = name.ends_with(".txt") || name.ends_with(".in");
    match name {
        "config.toml" if is_in("pypoetry") => Some(FileKind::PoetryConfig),
        "config.toml" if is_in("pdm") => Some(FileKind::PdmConfig),
        _ if is_yaml && is_in(".github/workflows") => Some(FileKind::GithubWorkflow),
        _ if is_yaml && is_in(".gitlab/ci") => Some(FileKind::GitlabCi),
        _ if is_yaml && is_in(".azure-pipelines") => Some(FileKind::AzurePipeline),
        _ if is_text && is_in("requirements") => Some(FileKind::Requirements),
        _ => None,
    }
}

fn by_shape(name: &str) -> Option<FileKind> {
    let ends_with = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
    let names_requirements = name.contains("requirements") || name.contains("constraints");
    let is_kind_of = |kind: &str| {
        let front = name.strip_prefix(kind);
        front.is_some_and(|rest| rest.starts_with(['.', '-', '_']))
            || ends_with(&[&format!(".{kind}")])
    };
    if names_requirements && ends_with(&[".txt", ".in"]) {
        Some(FileKind::Requirements)
    } else if name.starts_with("pylock.") && ends_with(&[".toml"]) {
        Some(FileKind::Pylock)
    } else if name.starts_with("environment") && ends_with(&[".yml", ".yaml"]) {
        Some(FileKind::CondaEnvironment)
    } else if is_kind_of("dockerfile") || is_kind_of("containerfile") {
        Some(FileKind::Dockerfile)
    } else if is_kind_of("jenkinsfile") {
        Some(FileKind::Jenkinsfile)
    } else if name.starts_with("azure-pipelines") && ends_with(&[".yml", ".yaml"]) {
        Some(FileKind::AzurePipeline)
    } else if ends_with(&[".gitlab-ci.yml", ".gitlab-ci.yaml"]) {
        Some(FileKind::GitlabCi)
    } else if ends_with(&[".sh", ".bash", ".zsh", ".ksh"]) {
        Some(FileKind::Shell)
    } else if ends_with(&[".mk"]) || name.starts_with("makefile.") {
        Some(FileKind::Makefile)
    } else if ends_with(&[".ipynb"]) {
        Some(FileKind::Notebook)
    } else if ends_with(&[".env"]) || name.starts_with(".env.") {
        Some(FileKind::EnvironmentFile)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_by_their_paths() {
        for (path, expected) in [
            ("requirements.txt", Some(FileKind::Requirements)),
            ("requirements/dev.txt", Some(FileKind::Requirements)),
            ("ci/dev-requirements.in", Some(FileKind::Requirements)),
            ("notes.txt", None),
            ("a/pyproject.toml", Some(FileKind::Pyproject)),
            ("pylock.dev.toml", Some(FileKind::Pylock)),
            ("Pipfile", Some(FileKind::Pipfile)),
            ("docker/Dockerfile.prod", Some(FileKind::Dockerfile)),
            ("api.Dockerfile", Some(FileKind::Dockerfile)),
            ("dockerfiles.md", None),
            (".github/workflows/ci.yml", Some(FileKind::GithubWorkflow)),
            ("workflows/ci.yml", None),
            (".config/pypoetry/config.toml", Some(FileKind::PoetryConfig)),
            ("src/config.toml", None),
            ("build.sh", Some(FileKind::Shell)),
            ("environment-gpu.yml", Some(FileKind::CondaEnvironment)),
            (".env.production", Some(FileKind::EnvironmentFile)),
            ("src/app.py", None),
        ] {
            assert_eq!(FileKind::of(path), expected, "{path}");
        }
        let block = "#!/usr/bin/env python\n# /// script\n# dependencies = []\n# ///\n";
        assert_eq!(
            FileKind::of_python("tool.py", block),
            Some(FileKind::Script)
        );
        assert_eq!(FileKind::of_python("tool.py", "import os\n"), None);
    }
}

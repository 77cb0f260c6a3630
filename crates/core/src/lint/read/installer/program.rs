//! [`find`]: which installer a command runs, whatever stands before its name.

use crate::lint::read::shell::ShellWord;

/// An installer in a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Program {
    /// Its name without folder, version and `.exe`: `pip`, `uvx`, `setup.py`.
    pub(super) name: String,
    /// The word that names it.
    pub(super) at: usize,
    /// The first word of its arguments.
    pub(super) arguments: usize,
    /// Whether it is run as the super-user.
    pub(super) is_root: bool,
    /// Whether it is one of a virtual environment.
    pub(super) in_environment: bool,
}

/// What is left of a command without its wrappers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lint::read) struct Unwrapped {
    /// The word that names the program; past the last where there is none.
    pub(in crate::lint::read) at: usize,
    /// Whether it is run as the super-user.
    pub(in crate::lint::read) is_root: bool,
    in_environment: bool,
}

/// A program that runs another one, with those of its options that have a value and the number of its own
/// arguments.
struct Wrapper {
    name: &'static str,
    values: &'static [&'static str],
    arguments: usize,
}

const fn wrapper(name: &'static str, values: &'static [&'static str], arguments: usize) -> Wrapper {
    Wrapper {
        name,
        values,
        arguments,
    }
}

static WRAPPERS: &[Wrapper] = &[
    wrapper(
        "sudo",
        &[
            "-u", "-g", "-h", "-p", "-C", "-r", "-t", "-U", "-D", "-R", "-T", "--user", "--group",
        ],
        0,
    ),
    wrapper("doas", &["-u", "-C"], 0),
    wrapper("env", &["-u", "-C", "--unset", "--chdir"], 0),
    wrapper("exec", &["-a"], 0),
    wrapper("time", &["-f", "-o"], 0),
    wrapper("nohup", &[], 0),
    wrapper("command", &[], 0),
    wrapper("builtin", &[], 0),
    wrapper("call", &[], 0),
    wrapper("nice", &["-n"], 0),
    wrapper("ionice", &["-c", "-n"], 0),
    wrapper("stdbuf", &["-i", "-o", "-e"], 0),
    wrapper("timeout", &["-s", "-k", "--signal", "--kill-after"], 1),
    wrapper("gosu", &[], 1),
    wrapper("su-exec", &[], 1),
    wrapper("chroot", &[], 1),
    wrapper("arch", &[], 0),
    wrapper(
        "xargs",
        &["-n", "-I", "-P", "-d", "-L", "-a", "-s", "-E"],
        0,
    ),
    wrapper("retry", &[], 0),
    wrapper("travis_retry", &[], 0),
    wrapper("xvfb-run", &[], 0),
];

/// Programs that run another one in an environment of theirs behind the verb `run`.
static ENVIRONMENTS: &[(&str, &[&str])] = &[
    ("poetry", &["-C", "-P", "--directory", "--project"]),
    ("pipenv", &["--python"]),
    ("pdm", &["-p", "--project", "--env-file", "--venv"]),
    ("rye", &[]),
    ("hatch", &["-e", "--env", "-p", "--project"]),
    ("conda", &["-n", "-p", "--name", "--prefix", "--cwd"]),
    ("mamba", &["-n", "-p", "--name", "--prefix", "--cwd"]),
    ("micromamba", &["-n", "-p", "-r", "--name", "--prefix"]),
];

/// Installers by the names of their programs and modules.
static INSTALLERS: &[&str] = &[
    "pip",
    "uv",
    "uvx",
    "poetry",
    "pdm",
    "pipenv",
    "pipx",
    "hatch",
    "conda",
    "mamba",
    "micromamba",
    "pip-compile",
    "pip-sync",
    "twine",
    "flit",
    "easy_install",
    "tox",
    "nox",
];

/// What is left of a command without `sudo`, `env`, `poetry run` and the like.
pub(in crate::lint::read) fn unwrapped(words: &[ShellWord]) -> Unwrapped {
    unwrapped_from(words, 0)
}

fn unwrapped_from(words: &[ShellWord], from: usize) -> Unwrapped {
    let mut left = Unwrapped {
        at: from,
        is_root: false,
        in_environment: false,
    };
    while let Some(word) = words.get(left.at) {
        let name = base_name(word.as_str());
        let behind = if let Some(wrapper) = WRAPPERS.iter().find(|one| one.name == name) {
            let at = behind_options(words, left.at + 1, wrapper.values);
            let user = other_user(&words[left.at + 1..at], name);
            left.is_root |= matches!(name, "sudo" | "doas") && !user;
            behind_assignments(words, at + wrapper.arguments)
        } else if let Some(at) = behind_environment(words, left.at) {
            left.in_environment = true;
            at
        } else {
            break;
        };
        left.at = behind;
    }
    left
}

/// Whether `sudo` names another user than root.
fn other_user(options: &[ShellWord], name: &str) -> bool {
    let mut options = options.iter().map(ShellWord::as_str);
    matches!(name, "sudo" | "doas")
        && options.any(|option| option.starts_with("-u") && option != "-uroot")
}

fn behind_options(words: &[ShellWord], mut at: usize, values: &[&str]) -> usize {
    while let Some(word) = words.get(at).map(ShellWord::as_str) {
        if word == "--" {
            return at + 1;
        }
        if !word.starts_with('-') || word.len() == 1 {
            break;
        }
        at += 1 + usize::from(values.contains(&word));
    }
    at.min(words.len())
}

fn behind_assignments(words: &[ShellWord], mut at: usize) -> usize {
    let is_assignment = |word: &ShellWord| {
        let name = word.as_str().split_once('=').map_or("", |(name, _)| name);
        !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    while words.get(at).is_some_and(is_assignment) {
        at += 1;
    }
    at.min(words.len())
}

fn behind_environment(words: &[ShellWord], at: usize) -> Option<usize> {
    let name = base_name(words[at].as_str());
    let (_, values) = ENVIRONMENTS.iter().find(|(one, _)| *one == name)?;
    let verb = behind_options(words, at + 1, values);
    let is_run = words.get(verb)?.as_str() == "run";
    is_run.then(|| behind_options(words, verb + 1, values))
}

/// The installer that `words` run from the word `from` on.
pub(super) fn find(words: &[ShellWord], from: usize) -> Option<Program> {
    let left = unwrapped_from(words, from);
    let word = words.get(left.at)?;
    let named = |name: &str, at: usize| Program {
        name: name.to_owned(),
        at,
        arguments: at + 1,
        is_root: left.is_root,
        in_environment: left.in_environment || is_of_environment(word.as_str()),
    };
    let name = without_version(base_name(word.as_str()));
    if let Some(known) = INSTALLERS.iter().find(|known| **known == name) {
        return Some(named(known, left.at));
    }
    if name == "setup.py" {
        return Some(named(name, left.at));
    }
    if is_python(word) {
        let (name, at) = run_by_python(words, left.at)?;
        return Some(named(name, at));
    }
    None
}

fn is_python(word: &ShellWord) -> bool {
    let name = base_name(word.as_str()).to_ascii_lowercase();
    let is_version = |rest: &str| {
        rest.bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.')
    };
    let starts = ["python", "pypy", "py"];
    let is_plain = starts
        .iter()
        .any(|start| name.strip_prefix(start).is_some_and(is_version));
    is_plain || word.has_variables || name.contains("python") || name.contains("{sys.executable}")
}

/// The module or `setup.py` that an interpreter is told to run.
fn run_by_python(words: &[ShellWord], python: usize) -> Option<(&'static str, usize)> {
    let mut at = python + 1;
    loop {
        let word = words.get(at)?.as_str();
        match word {
            "-m" => {
                let module = words.get(at + 1)?.as_str();
                return installer_of_module(module).map(|name| (name, at + 1));
            }
            "-X" | "-W" => at += 2,
            "-c" => return None,
            _ if word.starts_with('-') => at += 1,
            _ => return (base_name(word) == "setup.py").then_some(("setup.py", at)),
        }
    }
}

fn installer_of_module(module: &str) -> Option<&'static str> {
    match module {
        "piptools" => Some("piptools"),
        "easy_install" | "setuptools.command.easy_install" => Some("easy_install"),
        "pip._internal" | "pip.__main__" => Some("pip"),
        _ => INSTALLERS.iter().copied().find(|known| *known == module),
    }
}

/// The name of a program without its folder and `.exe`.
pub(in crate::lint::read) fn base_name(word: &str) -> &str {
    let name = word.rsplit(['/', '\\']).next().unwrap_or_default();
    name.strip_suffix(".exe").unwrap_or(name)
}

/// `pip3.11` is `pip`.
fn without_version(name: &str) -> &str {
    let bare = name.trim_end_matches(|part: char| part.is_ascii_digit() || part == '.');
    let bare = bare.strip_suffix('-').unwrap_or(bare);
    match bare {
        "pip" | "easy_install" => bare,
        _ => name,
    }
}

/// Whether a path to a program is into a virtual environment.
fn is_of_environment(path: &str) -> bool {
    let Some((folder, _)) = path.rsplit_once(['/', '\\']) else {
        return false;
    };
    let is_system = [
        "/usr",
        "/bin",
        "/opt/python",
        "/opt/conda",
        "/opt/miniconda",
        "/root/miniconda",
    ];
    !is_system.iter().any(|system| folder.starts_with(system))
        && (folder.ends_with("bin") || folder.ends_with("Scripts"))
}

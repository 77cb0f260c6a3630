//! `PRC-004`: a command that builds nothing is started on installation.

use portcullis_core::inspection::{Confidence, Observation, Severity};

use super::sent::{command_lines, program};
use super::{Rule, in_context, observe_call};
use crate::python::{Analysis, Argument, Call, Context, HOLE, Label, Labels};

/// The rule.
pub(super) struct InstallCommands;

impl Rule for InstallCommands {
    fn id(&self) -> &'static str {
        "PRC-004"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn title(&self) -> &'static str {
        "installing starts a command that builds nothing"
    }

    fn manual(&self) -> &'static str {
        "Building or installing starts a program that is neither a compiler nor one of \
         the usual tools of building. A command that was decoded first counts more.\n\n\
         Installing should put files in place. Whatever else it starts runs with the \
         rights of whoever installs.\n\n\
         Mistaken for it: unusual tools of building; compare with the version before."
    }

    fn check(&self, analysis: &Analysis, observations: &mut Vec<Observation>) {
        for call in analysis
            .calls()
            .filter(|call| call.context == Context::Install && !is_told(call))
        {
            let lines = command_lines(call);
            let is_hidden = call.labels.meets(HIDDEN);
            let odd = lines.iter().filter(|line| !builds(line)).count();
            if odd == 0 && !is_hidden || call.sink != Some(crate::python::SinkKind::Command) {
                continue;
            }
            let severity = in_context(worst(call, &lines), call.context);
            // A command that was hidden is no oversight of whoever wrote it.
            let sure = match call.labels.meets(DECODED) {
                true => 90,
                false => 60,
            };
            let confidence = Confidence::of(sure).in_context(call.context);
            let message = format!("{} starts a command on installation", call.target);
            observations.push(observe_call(self, call, (severity, confidence), message));
        }
    }
}

/// Whether the call tells a program that runs already something: the program was judged where it began.
fn is_told(call: &Call) -> bool {
    call.target.ends_with(".communicate") || call.target.ends_with(".write")
}

const DECODED: Labels = Labels::of(&[Label::Decoded, Label::Decrypted]);

pub(super) const HIDDEN: Labels = Labels::of(&[Label::Decoded, Label::Decrypted, Label::Dropped]);

fn worst(call: &Call, lines: &[String]) -> Severity {
    let is_unknown = lines.iter().all(|line| program(line).is_empty());
    match () {
        () if call.labels.meets(HIDDEN) => Severity::High,
        // A program that the distribution brings along, left running.
        () if lines.iter().any(|line| line.starts_with("<here>")) && is_left(call) => {
            Severity::High
        }
        () if is_strange(call, lines) => Severity::High,
        () if is_unknown => Severity::Low,
        () => Severity::Medium,
    }
}

/// Whether the call starts something that goes on by itself.
fn is_left(call: &Call) -> bool {
    [
        "start_new_session=True",
        "setsid",
        "DETACHED_PROCESS",
        "nohup",
    ]
    .iter()
    .any(|way| call.code.contains(way))
}

/// Programs that neither building nor importing has a use for: they change who may do what, what runs by
/// itself and what is watched, or they fetch, record and give away.
const STRANGERS: &[&str] = &[
    "powershell",
    "pwsh",
    "cmd",
    "mshta",
    "rundll32",
    "regsvr32",
    "certutil",
    "bitsadmin",
    "wscript",
    "cscript",
    "schtasks",
    "reg",
    "sc",
    "netsh",
    "vssadmin",
    "bcdedit",
    "wmic",
    "useradd",
    "adduser",
    "usermod",
    "passwd",
    "chpasswd",
    "systemctl",
    "service",
    "launchctl",
    "crontab",
    "iptables",
    "ufw",
    "setenforce",
    "osascript",
    "security",
    "ssh",
    "scp",
    "nc",
    "ncat",
    "socat",
    "ssh-copy-id",
    "killall",
    "pkill",
    "chattr",
    "setcap",
    "insmod",
    "modprobe",
    "ffmpeg",
    "arecord",
    "parecord",
    "scrot",
    "screencapture",
    "trufflehog",
    "gitleaks",
    "printenv",
    "gcloud",
    "kubectl",
    "aws",
    "az",
    "gh",
    "curl",
    "wget",
    "aria2c",
    "claude",
    "gemini",
    "codex",
    "javaw",
    "start",
    "xattr",
    "dscl",
    "history",
];

/// Whether a command starts a program that has no business where nobody asked, or a shell with words that
/// nobody can read.
pub(super) fn is_strange(call: &Call, lines: &[String]) -> bool {
    let is_shell = |name: &str| matches!(name, "sh" | "bash" | "zsh" | "dash" | "ksh" | "cmd");
    let told = |line: &str| {
        let words = line.split_once(" -c ").map(|(_, words)| words.trim());
        words.is_some_and(|words| words.starts_with(HOLE))
    };
    let is_fed = || {
        let given = |each: &Argument| matches!(&*each.keyword, "input" | "stdin");
        call.arguments
            .iter()
            .any(|each| given(each) && !each.labels.has(Label::Const))
    };
    lines.iter().any(|line| {
        let parts = line.split(['|', ';', '&', '\n', '(', '`']);
        let names: Vec<String> = parts.map(started).collect();
        let is_bare = line.split_whitespace().nth(1).is_none();
        names
            .iter()
            .any(|name| STRANGERS.contains(&name.as_str()) || name.starts_with('$'))
            || is_shell(&program(line)) && (told(line) || is_bare && is_fed())
    })
}

/// Programs that building starts: compilers, tools that ask about the system, and package tools.
const BUILDERS: &[&str] = &[
    "gcc",
    "g++",
    "cc",
    "c++",
    "clang",
    "clang++",
    "cl",
    "ld",
    "ar",
    "ranlib",
    "strip",
    "nvcc",
    "hipcc",
    "icc",
    "icpx",
    "ifort",
    "gfortran",
    "mpicc",
    "mpicxx",
    "make",
    "gmake",
    "nmake",
    "cmake",
    "ctest",
    "ninja",
    "meson",
    "bazel",
    "bazelisk",
    "scons",
    "git",
    "hg",
    "svn",
    "pkg-config",
    "pkgconf",
    "cargo",
    "rustc",
    "rustup",
    "go",
    "swig",
    "cython",
    "cython3",
    "protoc",
    "uname",
    "sw_vers",
    "xcrun",
    "xcode-select",
    "xcodebuild",
    "ldconfig",
    "ldd",
    "llvm-config",
    "pg_config",
    "mysql_config",
    "mariadb_config",
    "xml2-config",
    "xslt-config",
    "net-snmp-config",
    "curl-config",
    "krb5-config",
    "gdal-config",
    "geos-config",
    "nc-config",
    "sdl2-config",
    "python-config",
    "python3-config",
    "cups-config",
    "freetype-config",
    "npm",
    "npx",
    "node",
    "yarn",
    "pnpm",
    "bower",
    "java",
    "javac",
    "mvn",
    "ant",
    "gradle",
    "qmake",
    "moc",
    "rcc",
    "lrelease",
    "lupdate",
    "pyuic5",
    "which",
    "where",
    "lsb_release",
    "file",
    "install_name_tool",
    "otool",
    "patchelf",
    "dpkg-architecture",
    "dpkg-buildflags",
    "brew",
    "configure",
    "autogen.sh",
    "autoreconf",
    "autoconf",
    "automake",
    "libtoolize",
    "bison",
    "flex",
    "yacc",
    "lex",
    "ragel",
    "re2c",
    "perl",
    "patch",
    "msgfmt",
    "pybabel",
    "sphinx-build",
    "vswhere",
    "vcvarsall.bat",
    "msbuild",
    "nasm",
    "yasm",
    "sys.executable",
    "python",
    "python2",
    "python3",
    "nproc",
    "sysctl",
    "rpm",
    "dpkg",
    "help2man",
    "pandoc",
    "true",
    "cp",
    "mv",
    "mkdir",
    "ls",
    "cat",
    "echo",
    "touch",
    "tar",
    "unzip",
    "gzip",
    "sed",
    "grep",
    "test",
    "rocminfo",
    "nvidia-smi",
    "conda",
    "twine",
    "black",
    "ruff",
    "pytest",
    "tox",
    "mypy",
    "flake8",
    "isort",
    "doxygen",
    "f2py",
];

/// Whether a command starts one of the programs of building, in each of its parts.
pub(super) fn builds(command: &str) -> bool {
    let parts = command
        .split(['|', ';', '&', '\n'])
        .filter(|part| !part.trim().is_empty());
    let mut names = parts.map(started).filter(|name| name != "cd");
    names.all(|name| BUILDERS.contains(&name.as_str()) || name.starts_with("python3."))
        && !command.contains("://")
        && !command.contains(" -c exec")
}

/// The program that a command starts: of `sh configure`, what the shell runs.
fn started(command: &str) -> String {
    let name = program(command);
    if !matches!(&*name, "sh" | "bash" | "dash") {
        return name;
    }
    let is_shell = |word: &&str| program(word) != name;
    let script = command.split_whitespace().skip_while(is_shell).nth(1);
    let script = script.filter(|word| !word.starts_with('-'));
    script.map_or(name, program)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, quiet};

    #[test]
    fn odd_commands_on_installation_are_seen() {
        for (path, code) in [
            ("setup.py", "import os\nos.system('./run-me --now')"),
            (
                "setup.py",
                "import subprocess\nsubprocess.Popen(['calc.exe'])",
            ),
            (
                "setup.py",
                "import subprocess\nsubprocess.Popen(['sh'], stdin=subprocess.PIPE).communicate(b'./run-me')",
            ),
            ("setup.py", "import os\nos.system('sh ./run-me configure')"),
            ("setup.py", "import os\nos.system('sh -c ./run-me')"),
            (
                "setup.py",
                "from setuptools import setup\nfrom setuptools.command.install import install as I\nimport subprocess\nclass C(I):\n    def run(self):\n        subprocess.call('crontab -l', shell=True)\nsetup(cmdclass={'install': C})",
            ),
            (
                "setup.py",
                "import os, base64\nos.system(base64.b64decode('aWQ=').decode())",
            ),
        ] {
            found("PRC-004", path, code);
        }
    }

    #[test]
    fn building_is_not() {
        for (path, code) in [
            (
                "setup.py",
                "import subprocess\nsubprocess.check_output(['git', 'describe', '--tags'])",
            ),
            (
                "setup.py",
                "import subprocess, sys\nsubprocess.check_call([sys.executable, 'tools/gen.py'])",
            ),
            ("setup.py", "import os\nos.system('cd src && make -j4')"),
            (
                "setup.py",
                "import subprocess\nsubprocess.run(['/bin/sh', 'autogen.sh'], check=True)",
            ),
            (
                "setup.py",
                "import subprocess\ncc = subprocess.Popen(['cc', '-x', 'c++', '-'], stdin=subprocess.PIPE)\ncc.communicate(input=b'int main() { return 0; }')",
            ),
            ("demo/__init__.py", "import os\nos.system('./run-me')"),
        ] {
            quiet("PRC-004", path, code);
        }
    }
}

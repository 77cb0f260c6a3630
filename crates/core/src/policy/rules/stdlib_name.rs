//! `stdlib-name`: names of standard-library modules, which nobody needs to install.

use crate::fact::Facts;
use crate::policy::rule::{Check, Defaults, Example, Found, Outcome, Rule};
use crate::policy::{Effect, Mode};
use crate::settings::Table;
use crate::time::Timestamp;

/// The rule.
#[derive(Debug)]
pub struct StdlibName;

/// Importable names of the standard library: CPython 3.10 to 3.13, and those of CPython 2.7 that
/// people still look for. Normalised and sorted.
pub(crate) const MODULES: &[&str] = &[
    "abc",
    "aifc",
    "anydbm",
    "argparse",
    "array",
    "ast",
    "asynchat",
    "asyncio",
    "asyncore",
    "atexit",
    "audioop",
    "base64",
    "basehttpserver",
    "bdb",
    "binascii",
    "binhex",
    "bisect",
    "builtins",
    "bz2",
    "calendar",
    "cgi",
    "cgihttpserver",
    "cgitb",
    "chunk",
    "cmath",
    "cmd",
    "code",
    "codecs",
    "codeop",
    "collections",
    "colorsys",
    "compileall",
    "concurrent",
    "configparser",
    "contextlib",
    "contextvars",
    "cookielib",
    "copy",
    "copyreg",
    "cpickle",
    "cprofile",
    "crypt",
    "cstringio",
    "csv",
    "ctypes",
    "curses",
    "dataclasses",
    "datetime",
    "dbm",
    "decimal",
    "difflib",
    "dis",
    "distutils",
    "doctest",
    "email",
    "encodings",
    "ensurepip",
    "enum",
    "errno",
    "faulthandler",
    "fcntl",
    "filecmp",
    "fileinput",
    "fnmatch",
    "fractions",
    "ftplib",
    "functools",
    "gc",
    "genericpath",
    "getopt",
    "getpass",
    "gettext",
    "glob",
    "graphlib",
    "grp",
    "gzip",
    "hashlib",
    "heapq",
    "hmac",
    "html",
    "htmllib",
    "http",
    "httplib",
    "imaplib",
    "imghdr",
    "imp",
    "importlib",
    "inspect",
    "io",
    "ipaddress",
    "itertools",
    "json",
    "keyword",
    "lib2to3",
    "linecache",
    "locale",
    "logging",
    "lzma",
    "mailbox",
    "mailcap",
    "markupbase",
    "marshal",
    "math",
    "md5",
    "mimetypes",
    "mmap",
    "modulefinder",
    "msilib",
    "msvcrt",
    "multiprocessing",
    "netrc",
    "nis",
    "nntplib",
    "nt",
    "ntpath",
    "nturl2path",
    "numbers",
    "opcode",
    "operator",
    "optparse",
    "os",
    "ossaudiodev",
    "pathlib",
    "pdb",
    "pickle",
    "pickletools",
    "pipes",
    "pkgutil",
    "platform",
    "plistlib",
    "popen2",
    "poplib",
    "posix",
    "posixpath",
    "pprint",
    "profile",
    "pstats",
    "pty",
    "pwd",
    "py-compile",
    "pyclbr",
    "pydoc",
    "pydoc-data",
    "pyexpat",
    "queue",
    "quopri",
    "random",
    "re",
    "readline",
    "reprlib",
    "resource",
    "rlcompleter",
    "robotparser",
    "runpy",
    "sched",
    "secrets",
    "select",
    "selectors",
    "sgmllib",
    "sha",
    "shelve",
    "shlex",
    "shutil",
    "signal",
    "simplehttpserver",
    "site",
    "smtpd",
    "smtplib",
    "sndhdr",
    "socket",
    "socketserver",
    "spwd",
    "sqlite3",
    "sre-compile",
    "sre-constants",
    "sre-parse",
    "ssl",
    "stat",
    "statistics",
    "string",
    "stringio",
    "stringprep",
    "struct",
    "subprocess",
    "sunau",
    "symtable",
    "sys",
    "sysconfig",
    "syslog",
    "tabnanny",
    "tarfile",
    "telnetlib",
    "tempfile",
    "termios",
    "textwrap",
    "threading",
    "time",
    "timeit",
    "tkinter",
    "token",
    "tokenize",
    "tomllib",
    "trace",
    "traceback",
    "tracemalloc",
    "tty",
    "turtle",
    "turtledemo",
    "types",
    "typing",
    "unicodedata",
    "unittest",
    "urllib",
    "urllib2",
    "urlparse",
    "userdict",
    "uu",
    "uuid",
    "venv",
    "warnings",
    "wave",
    "weakref",
    "webbrowser",
    "winreg",
    "winsound",
    "wsgiref",
    "xdrlib",
    "xml",
    "xmlrpc",
    "xmlrpclib",
    "zipapp",
    "zipfile",
    "zipimport",
    "zlib",
    "zoneinfo",
];

/// Projects that carry a module's name and are what they say: backports and old homes of the module
/// that many projects still require.
pub(crate) const LEGITIMATE: &[&str] = &[
    "argparse",
    "asyncio",
    "configparser",
    "contextvars",
    "dataclasses",
    "datetime",
    "importlib",
    "ipaddress",
    "multiprocessing",
    "pathlib",
    "statistics",
    "typing",
    "uuid",
    "wsgiref",
];

impl Rule for StdlibName {
    fn id(&self) -> &'static str {
        "stdlib-name"
    }

    fn summary(&self) -> &'static str {
        "stops projects that are named like a module of Python's standard library"
    }

    fn manual(&self) -> &'static str {
        "Whoever runs `pip install urllib` has mistaken a module that comes with Python for a project. \
         Attackers register such names and wait. The rule denies them when they would come from \
         outside; what is published here may be called as its owner likes. Backports that many \
         projects require (`dataclasses`, `typing`, `argparse` and others) are exempt. A further one \
         is let through by an exception in the policy."
    }

    fn defaults(&self) -> Defaults {
        Defaults {
            mode: Mode::Enforce,
            effect: Effect::Deny,
            on_unknown: Effect::Allow,
        }
    }

    fn example(&self) -> Example {
        Example {
            settings: "",
            facts: r#"project = "urllib""#,
        }
    }

    fn configure(&self, _table: &mut Table<'_>) -> Box<dyn Check> {
        Box::new(Self)
    }
}

impl Check for StdlibName {
    fn check(&self, facts: Facts<'_>, _now: Timestamp) -> Outcome {
        let name = facts.project.project.as_str();
        let is_module = MODULES.binary_search(&name).is_ok() && !LEGITIMATE.contains(&name);
        if !is_module || !facts.is_public_name() {
            return Outcome::Pass;
        }
        Outcome::Found(
            Found::new(
                format!("{name} is a module of Python's standard library"),
                format!(
                    "nothing needs to be installed to `import {}`: drop the requirement",
                    name.replace('-', "_")
                ),
            )
            .because("module", name),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::rules::testing::{Case, effect_of};

    #[test]
    fn module_names_from_outside_are_denied() {
        for name in ["urllib", "json", "pwd", "crypt", "urllib2", "XML"] {
            assert_eq!(
                effect_of(&StdlibName, "", &Case::upstream(name)),
                Effect::Deny,
                "{name}"
            );
            assert_eq!(
                effect_of(&StdlibName, "", &Case::nowhere(name)),
                Effect::Deny,
                "{name}"
            );
        }
    }

    #[test]
    fn backports_other_names_and_our_own_pass() {
        for name in ["dataclasses", "DateTime", "typing", "urllib3", "jsonschema"] {
            assert_eq!(
                effect_of(&StdlibName, "", &Case::upstream(name)),
                Effect::Allow,
                "{name}"
            );
        }
        assert_eq!(
            effect_of(&StdlibName, "", &Case::hosted("json")),
            Effect::Allow
        );
    }

    #[test]
    fn the_tables_are_sorted_and_normalised() {
        assert!(MODULES.is_sorted() && LEGITIMATE.is_sorted());
        for name in MODULES.iter().chain(LEGITIMATE) {
            let parsed = crate::pypi::name::ProjectName::new(name).expect("a valid name");
            assert_eq!(parsed.as_str(), *name);
        }
    }
}

//! However a name is spelled, it is the same name.

use super::*;

/// Code, and a name that it calls.
const SPELLINGS: &[(&str, &str)] = &[
    ("import os\nos.system('a')", "os.system"),
    ("import os as o\no.system('a')", "os.system"),
    ("from os import system as s\ns('a')", "os.system"),
    ("from os import *\nsystem('a')", "os.system"),
    ("import posix\nposix.system('a')", "os.system"),
    ("import os\ns = os.system\ns('a')", "os.system"),
    ("import os\na, b = os.system, 1\na('a')", "os.system"),
    ("import os\nif (f := os.system): f('a')", "os.system"),
    ("import os\ngetattr(os, 'system')('a')", "os.system"),
    ("import os\ngetattr(os, 'sys' + 'tem')('a')", "os.system"),
    ("import os\ngetattr(os, 'metsys'[::-1])('a')", "os.system"),
    ("import os\nos.__dict__['system']('a')", "os.system"),
    ("import os\nvars(os)['system']('a')", "os.system"),
    ("import os\nos.__getattribute__('system')('a')", "os.system"),
    ("__import__('os').system('a')", "os.system"),
    ("__import__('so'[::-1]).system('a')", "os.system"),
    (
        "import importlib\nimportlib.import_module('os').system('a')",
        "os.system",
    ),
    (
        "from importlib import import_module as i\ni('os').system('a')",
        "os.system",
    ),
    ("import sys\nsys.modules['os'].system('a')", "os.system"),
    (
        "import operator, os\noperator.attrgetter('system')(os)('a')",
        "os.system",
    ),
    (
        "from operator import methodcaller\nimport os\nmethodcaller('system', 'a')(os)",
        "os.system",
    ),
    (
        "import functools, os\nfunctools.partial(os.system, 'a')()",
        "os.system",
    ),
    (
        "import os\nclass A:\n    run = os.system\nA.run('a')",
        "os.system",
    ),
    (
        "import os\nclass A:\n    def __init__(self):\n        self.r = os.system\n    def go(self):\n        self.r('a')\nA().go()",
        "os.system",
    ),
    (
        "import os\nx = os.system if a else os.popen\nx('a')",
        "os.popen",
    ),
    ("import os\nd = {'k': os.system}\nd['k']('a')", "os.system"),
    ("import os\n[os.system][0]('a')", "os.system"),
    ("import os\n(lambda f: f('a'))(os.system)", "os.system"),
    (
        "import os\ndef call(f, x):\n    f(x)\ncall(os.system, 'a')",
        "os.system",
    ),
    ("exec('pass')", "builtins.exec"),
    ("e = exec\ne('pass')", "builtins.exec"),
    ("ｅｘｅｃ('pass')", "builtins.exec"),
    ("import builtins\nbuiltins.exec('pass')", "builtins.exec"),
    ("__builtins__.exec('pass')", "builtins.exec"),
    ("__builtins__['exec']('pass')", "builtins.exec"),
    (
        "getattr(__builtins__, 'e' + 'xec')('pass')",
        "builtins.exec",
    ),
    ("globals()['__builtins__']['exec']('pass')", "builtins.exec"),
    (
        "globals()['__builtins__'].__dict__['exec']('pass')",
        "builtins.exec",
    ),
    ("import os\nglobals()['os'].system('a')", "os.system"),
    (
        "(lambda: 0).__globals__['__builtins__']['exec']('pass')",
        "builtins.exec",
    ),
    ("eval('exec')('pass')", "builtins.exec"),
    ("list(map(exec, ['pass']))", "builtins.exec"),
    ("[f('pass') for f in [exec]]", "builtins.exec"),
    (
        "import socket\ns = socket.socket()\ns.sendall(b'')",
        "socket.socket().sendall",
    ),
    (
        "import requests\nwith requests.Session() as s:\n    s.post('u')",
        "requests.Session().post",
    ),
    (
        "import requests\nrequests.session().post('u')",
        "requests.Session().post",
    ),
    (
        "import os\ntry:\n    import subprocess as s\nexcept ImportError:\n    s = os\ns.call(['a'])",
        "subprocess.call",
    ),
    (
        "import os\nfor n in ('system',):\n    getattr(os, n)('a')",
        "os.system",
    ),
    (
        "import os\nclass T:\n    def __call__(self, x):\n        os.system(x)\nT()('a')",
        "os.system",
    ),
    ("@exec\n@input\nclass X: pass", "builtins.exec"),
];

#[test]
fn every_way_to_spell_a_call_is_one_name() {
    for (code, target) in SPELLINGS {
        let all = targets(code);
        assert!(all.iter().any(|each| each == target), "{code}\n{all:?}");
    }
}

#[test]
fn a_name_of_ones_own_is_not_the_builtin() {
    for code in [
        "def exec(x): pass\nexec('a')",
        "class A:\n    def system(self, x): pass\nA().system('a')",
        "from demo.tools import eval\neval('a')",
        "cursor.execute('a')\ndb.exec('a')",
        "import re\nre.compile('a')",
    ] {
        let all = targets(code);
        let is_bad = |each: &String| each.starts_with("builtins.e") || each.starts_with("os.");
        assert!(!all.iter().any(is_bad), "{code}\n{all:?}");
    }
}

#[test]
fn hidden_names_are_told_from_open_ones() {
    for (code, reached) in [
        ("import os\nos.system('a')", Reached::Plainly),
        ("import os\ngetattr(os, 'system')('a')", Reached::ByName),
        (
            "import os\ngetattr(os, 'sys' + 'tem')('a')",
            Reached::ByHiddenName,
        ),
        (
            "getattr(__import__('o' + 's'), 'system')('a')",
            Reached::ByHiddenName,
        ),
    ] {
        let analysis = analysed("demo.py", code);
        let call = analysis
            .calls()
            .find(|call| &*call.target == "os.system")
            .expect(code);
        assert_eq!(call.reached, reached, "{code}");
    }
}

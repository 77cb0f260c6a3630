//! Python made of choices: a technique's text or nothing, and pieces put in, taken out and moved.

use portcullis_fixtures::techniques::{Content, Technique, held_out, look_alikes, techniques};

use crate::choices::Choices;

/// What Python is made of where data travels from sources to sinks.
pub(crate) const PIECES: &[&str] = &[
    "exec(",
    "eval(",
    "compile(",
    ")",
    "(",
    "[",
    "]",
    "{",
    "}",
    ":",
    ",",
    ".",
    " ",
    "\n",
    "\n    ",
    "\n\n",
    "\\\n",
    "#",
    "def f(x, *a, **k):\n    ",
    "def g(y=f):\n    ",
    "class A(B):\n    ",
    "class B(A):\n    ",
    "return ",
    "x",
    "y",
    "f",
    "g",
    "A",
    "self",
    "=",
    "+=",
    "+",
    "%",
    "^",
    "*",
    "**",
    "-",
    "not ",
    "~",
    "'a'",
    "b'\\xff\\x00'",
    "'ZXhlYygxKQ=='",
    "f'{x!r:>{y}}'",
    "rb'\\'",
    "'''",
    "\"\"\"",
    "u''",
    "import os\n",
    "from . import x\n",
    "from .. import *\n",
    "from a import b as exec\n",
    "import base64, zlib, marshal\n",
    "import requests as r\n",
    "import subprocess\n",
    "import socket\n",
    "os.system(",
    "os.environ",
    "os.environ.get('AWS_SECRET_ACCESS_KEY')",
    "subprocess.run(",
    "socket.socket()",
    ".connect(('a.invalid', 1))",
    "base64.b64decode(",
    "zlib.decompress(",
    "codecs.decode(x, 'rot13')",
    "bytes.fromhex(",
    "marshal.loads(",
    "pickle.loads(",
    "requests.get('https://a.invalid/b').text",
    "urllib.request.urlopen(",
    "r.post(",
    "data=",
    "json=",
    "open('/etc/passwd')",
    "open(os.path.expanduser('~/.ssh/id_rsa')).read()",
    ".read()",
    ".write(x)",
    "getattr(",
    "setattr(",
    "__import__(",
    "globals()",
    "locals()",
    "vars()",
    "__builtins__",
    "importlib.import_module(",
    "sys.modules[",
    "''.join(",
    "[::-1]",
    "chr(",
    "ord(",
    "map(",
    "zip(",
    "range(10**9)",
    "lambda x: ",
    "lambda *a: a",
    "for x in y:\n    ",
    "if x:\n    ",
    "elif y:\n    ",
    "else:\n    ",
    "while x:\n    ",
    "try:\n    ",
    "except* E as e:\n    ",
    "finally:\n    ",
    "with x as y, z:\n    ",
    "yield ",
    "yield from ",
    "await ",
    "async ",
    "match x:\n    case ",
    "case [A(b=c), *_] if d:\n    ",
    "@f\n",
    "global x\n",
    "nonlocal y\n",
    "del x\n",
    "raise ",
    "assert ",
    "pass\n",
    "1",
    "0x7fffffffffffffff",
    "1e999",
    "1j",
    "0o7",
    "10**100",
    "True",
    "None",
    "...",
    "é",
    "ｅｘｅｃ",
    "\u{202E}",
    "\u{200B}",
    "\u{FE00}",
    "\t",
    "\u{C}",
    "\r",
    "\0",
    "\u{FEFF}",
    ":=",
    "->",
    "if __name__ == '__main__':\n    ",
    "type X[T: int] = T\n",
    "def f[T](x: T): ...\n",
    "print 'x'\n",
    "exec 'x'\n",
    "`x`",
    "<>",
    "# -*- coding: utf-7 -*-\n",
    "# coding: rot13\n",
    "# coding: latin-1\n",
    "setup(cmdclass={'install': A})\n",
    "from setuptools import setup\n",
    "[x for x in y if z]",
    "{x: y for x in z}",
    "x ^ 7",
    ".replace('a', 'b')",
    ".format(x, y=y)",
    "'%s%%' % x",
    ".split(',')",
    "bytes([1, 2, 3])",
    "int('12', 16)",
    "str(x)[1:]",
    "threading.Thread(target=f).start()",
    "atexit.register(f)",
    "time.sleep(99)",
    "ctypes.CDLL(x)",
    "hashlib.sha256(x).hexdigest()",
    "Fernet(b'k').decrypt(x)",
    "ImageGrab.grab()",
    "shutil.rmtree('/')",
];

/// Every sample that fixtures have.
pub(crate) fn samples() -> Vec<&'static Technique> {
    [techniques(), held_out(), look_alikes()].concat()
}

/// The Python text of a sample that was chosen, or nothing.
pub(crate) fn sample(choices: &mut Choices<'_>) -> String {
    let samples = samples();
    let technique = samples[choices.below(samples.len())];
    let spelling = &technique.spellings[choices.below(technique.spellings.len())];
    let (_, content) = &spelling.files[choices.below(spelling.files.len())];
    match content {
        Content::Text(text) => (*text).to_owned(),
        Content::Made(make) => String::from_utf8_lossy(&make()).into_owned(),
    }
}

/// Python: a sample as often as not, changed in a few places.
pub(crate) fn python(choices: &mut Choices<'_>) -> String {
    let mut text = match choices.below(2) {
        0 => String::new(),
        _ => sample(choices),
    };
    for _ in 0..choices.below(12) {
        change(&mut text, choices);
    }
    text
}

/// One change of `text`.
pub(crate) fn change(text: &mut String, choices: &mut Choices<'_>) {
    let at = boundary(text, choices);
    match choices.below(10) {
        0..5 => text.insert_str(at, choices.one_of(PIECES)),
        5 => {
            let length = choices.below(80);
            let end = text.floor_char_boundary((at + length).min(text.len()));
            text.replace_range(at..end.max(at), "");
        }
        6 => {
            let length = choices.below(200);
            let end = text.floor_char_boundary((at + length).min(text.len()));
            let again = text[at..end.max(at)].repeat(1 + choices.below(4));
            let to = boundary(text, choices);
            text.insert_str(to, &again);
        }
        7 => text.insert_str(at, &choices.text(40)),
        8 => {
            let piece = choices.one_of(PIECES).repeat(1 + choices.below(60));
            text.insert_str(at, &piece);
        }
        _ => {
            let line = text[..at].rfind('\n').map_or(0, |end| end + 1);
            text.insert_str(
                line,
                choices.one_of(&["    ", "\t", "async ", "@f\n", "if x: "]),
            );
        }
    }
}

/// A place between two characters of `text`.
fn boundary(text: &str, choices: &mut Choices<'_>) -> usize {
    text.floor_char_boundary(choices.below(text.len() + 1))
}

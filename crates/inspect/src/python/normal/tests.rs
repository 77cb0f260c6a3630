//! What changes the hash of code and what does not, by hand and held against the parser's own tokens.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use ruff_python_ast::PySourceType;
use ruff_python_ast::token::TokenKind;
use ruff_python_parser::parse_unchecked_source;
use ruff_text_size::Ranged as _;

use super::*;

fn is_same(one: &str, other: &str) -> bool {
    code_hash(one.as_bytes()) == code_hash(other.as_bytes())
}

fn is_understood(text: &str) -> bool {
    scanner::scan(text.as_bytes()).is_some()
}

#[test]
fn layout_quotes_comments_and_documentation_do_not_matter() {
    for (one, other) in [
        ("x=1", "x = 1  # one\n"),
        ("x = 1\n\n\n\ny = 2\n", "x = 1\r\ny = 2\r\n"),
        ("x = 1; y = 2;", "x = 1\ny = 2\n"),
        (
            "def f():\n  return 1\n",
            "def f():\n\n    # why\n    return 1",
        ),
        ("def f():\n\treturn 1\n", "def f():\n        return 1\n"),
        (
            "def f():\n    'Says one.'\n    return 1\n",
            "def f():\n    return 1\n",
        ),
        ("\"\"\"Module.\"\"\"\nx = 1", "x = 1"),
        ("'one' 'two'\nx = 1", "x = 1"),
        ("x = 'a'", "x = \"a\""),
        ("x = 'a'", "x = \"\"\"a\"\"\""),
        ("x = 'it\\'s'", "x = \"it's\""),
        ("x = u'a'", "x = 'a'"),
        ("x = r'a'", "x = 'a'"),
        ("x = Rb'a'", "x = b'a'"),
        ("x = f'{a}b'", "x = F\"\"\"{ a }b\"\"\""),
        ("x = f'{a!r:>{w}} {{ {b}'", "x = f\"{a!r:>{ w }} {{ {b}\""),
        ("f(a, b)", "f(\n    a,\n    b,  # last\n)"),
        ("x = a + \\\n    b", "x = a + b"),
        ("x = (a\n     + b)", "x = (a + b)"),
        ("'''a\r\nb'''.c", "'''a\nb'''.c"),
        ("\u{feff}x = 1", "x = 1"),
        ("# -*- coding: latin-1 -*-\nx = 1", "x = 1"),
    ] {
        assert!(
            is_understood(one) && is_understood(other),
            "{one:?} {other:?}"
        );
        assert!(is_same(one, other), "{one:?} {other:?}");
    }
}

#[test]
fn everything_that_runs_matters() {
    for (one, other) in [
        ("x = 1", "x = 2"),
        ("x = 1", "x = 1\nx = 1"),
        ("x = 'a'", "x = b'a'"),
        ("x = 'a'", "x = f'a'"),
        ("x = '{a}'", "x = f'{a}'"),
        ("x = '\\n'", "x = r'\\n'"),
        ("x = 'a' 'b'", "x = 'a', 'b'"),
        ("not x", "notx"),
        ("if a:\n    b\nc", "if a:\n    b\n    c"),
        ("# x\rimport a", "# x"),
        ("x = 'a#'\nimport a", "x = 'a#'"),
        ("x = f'{a}'", "x = f'{b}'"),
        ("x = f'{a[\"#\"]}'\nimport a", "x = f'{a[\"#\"]}'"),
        ("x = f'{a['#']}'; import a", "x = f'{a['#']}'"),
        ("f'{run()}'\nx", "x"),
        ("x = '\\\\'\nimport a", "x = '\\\\'"),
        ("x = r'\\'#'\nimport a", "x = r'\\'#'"),
        ("x = f'\\{a}'", "x = f'\\{b}'"),
        ("x = f'\\N{BULLET}{a}'", "x = f'\\N{BULLET}{b}'"),
        ("x = rf'\\N{a}'", "x = rf'\\N{b}'"),
        ("'''a'''\nexec(__doc__)", "'''b'''\nexec(__doc__)"),
        ("x = ''''a'''", "x = '''a'''"),
        ("x = '''a\\'''#'''\nimport a", "x = '''a\\'''#'''"),
        ("x = f'{a:#x}'; import a", "x = f'{a:#x}'"),
        ("x = f'{a:{b:#}}'; import a", "x = f'{a:{b:#}}'"),
        ("x = f'{{#'; import a", "x = f'{{#'"),
    ] {
        assert!(!is_same(one, other), "{one:?} {other:?}");
    }
}

#[test]
fn what_is_not_understood_is_hashed_as_text() {
    for text in [
        "x = 'a",
        "x = '''a",
        "x = (1",
        "x = 1)",
        "x = f'{a'",
        "x = f'}'",
        "if a:\n        b\n    c",
        "x = '\u{5}.\u{1}import a\u{1}y=\u{5}s'",
        "x = \\y",
    ] {
        assert!(!is_understood(text), "{text:?}");
        assert!(is_same(text, &format!("{text}\n\n")), "{text:?}");
        assert!(!is_same(text, &format!("{text}\n#")), "{text:?}");
    }
    assert!(!is_understood(&"(".repeat(100_000)));
    let deep = format!("x = {}a{}", "f'{".repeat(100_000), "}'".repeat(100_000));
    assert!(!is_understood(&deep));
}

/// Code that has everything in it.
const EVERYTHING: &str = r##"#!/usr/bin/env python
# -*- coding: utf-8 -*-
"""What it is."""
from __future__ import annotations
import os, sys as system
from . import a
from ... import (b,
    c,)  # both

@decorator(name='x', **{"a": 1})
class A[T: int](Base, metaclass=Meta):
    '''Documented "here".'''
    field: dict[str, int] = {}

    async def f(self, /, x, *args: int, y=1_000, **kwargs) -> None:
        """Says."""
        async with x as y, z: pass
        total = x @ y // 0xFF ** -1.5e-3 if not x else ~1j
        text = f"{x!r:>{y}} {{}} {x['#']:%H:%M} {'#' + f'{y}'} {x = }" rb'\d#'
        data = b"\x00'#'" "it's" u'#'
        while (n := len(x)) > 1: n -= 1; continue
        else:
            return lambda k=1, *a: (yield from k)
        match x:
            case {"a": [1, *_]} | A(b=2): raise E from e
        s = '''
# no comment
''' + """ ' " \""" # """  # comment
        return x[1:2, ..., ::-1]
	
type X = int
print(t'{x}', end='')
if x: y
elif y:
	z
"##;

/// Where the parser sees tokens of these kinds.
fn ranges(text: &str, wanted: fn(TokenKind) -> bool) -> Vec<std::ops::Range<usize>> {
    let parsed = parse_unchecked_source(text, PySourceType::Python);
    let tokens = parsed.tokens().iter().filter(|token| wanted(token.kind()));
    tokens
        .map(|token| token.range().start().to_usize()..token.range().end().to_usize())
        .collect()
}

/// Comments can go and every name counts, as the parser sees them.
fn agrees_with_the_parser(text: &str) {
    let whole = code_hash(text.as_bytes());
    let mut bare = text.to_owned();
    for comment in ranges(text, |kind| kind == TokenKind::Comment)
        .into_iter()
        .rev()
    {
        bare.replace_range(comment, "");
    }
    assert_eq!(
        code_hash(bare.as_bytes()),
        whole,
        "comments matter in {text}"
    );
    let counts = |kind| {
        matches!(
            kind,
            TokenKind::Name | TokenKind::Int | TokenKind::FStringMiddle
        )
    };
    for range in ranges(text, counts) {
        let mut changed = text.to_owned();
        changed.insert(range.end, '0');
        assert_ne!(
            code_hash(changed.as_bytes()),
            whole,
            "{:?} at {range:?}",
            &text[range.clone()]
        );
    }
}

#[test]
fn comments_and_names_are_those_of_the_parser() {
    assert!(is_understood(EVERYTHING));
    agrees_with_the_parser(EVERYTHING);
}

proptest! {
    #[test]
    fn any_bytes_have_a_hash(bytes: Vec<u8>) {
        prop_assert_eq!(code_hash(&bytes), code_hash(&bytes));
    }

    #[test]
    fn pieces_of_code_in_any_order_agree_with_the_parser(
        lines in proptest::collection::vec(0..EVERYTHING.lines().count(), 0..12),
    ) {
        let all: Vec<&str> = EVERYTHING.lines().collect();
        let text: String = lines.iter().map(|line| format!("{}\n", all[*line].trim())).collect();
        // Of what is no Python, the parser and others may think what they like.
        let parsed = parse_unchecked_source(&text, PySourceType::Python);
        if parsed.has_no_syntax_errors() && is_understood(&text) {
            agrees_with_the_parser(&text);
        }
    }
}

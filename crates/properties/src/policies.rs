//! Policies, what is expected of them, and their conditions. They are written by operators, and some of
//! them are pasted from elsewhere.

use std::sync::LazyLock;

use portcullis_core::policy::Policy;
use portcullis_core::policy::expectations::{Expectation, parse, run};
use portcullis_core::time::Timestamp;

use crate::Property;

const NOW: Timestamp = Timestamp::from_millis(1_795_000_000_000);
const POLICY_TEXT: &str = include_str!("../../../examples/policy.toml");
const EXPECTATIONS: &str = include_str!("../../../examples/policy.tests.toml");

static EXPECTED: LazyLock<Vec<Expectation>> =
    LazyLock::new(|| parse("policy.tests.toml", EXPECTATIONS, NOW).expect("the example"));

/// A policy's file, and one of expectations.
pub(crate) static POLICY: Property = Property {
    name: "policy",
    what: "a policy is read or its mistakes are shown, and one that is read decides the same twice",
    check: |bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else {
            return;
        };
        if let Ok(expected) = parse("x.toml", text, NOW) {
            let _ = run(&expected, &Policy::built_in()).len();
        }
        match Policy::parse("policy.toml", text) {
            Ok(policy) => decides(&policy),
            Err(mistakes) => {
                assert!(mistakes.count() > 0);
                assert!(!mistakes.to_string().is_empty());
            }
        }
    },
    seeds: || {
        vec![
            POLICY_TEXT.into(),
            EXPECTATIONS.into(),
            b"[rules.too-young]\nmin-age = '3 days'\n".to_vec(),
        ]
    },
    words: &[
        "[rules.",
        "[conditions.",
        "[[exceptions]]\n",
        "[[expect]]\n",
        "mode = \"observe\"\n",
        "effect = \"hold\"\n",
        "on-unknown = ",
        "when = '''",
        "project = \"a-*\"\n",
        "expires = 2030-01-01\n",
        "= 9223372036854775807",
        "= nan",
        "= [[[[",
        "\"\"\"",
        "days",
    ],
};

/// A condition in CEL, in a policy that is right in everything else.
pub(crate) static CONDITION: Property = Property {
    name: "condition",
    what: "a condition is checked or its mistakes are shown, and one that passes is evaluated in bounds",
    check: |bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else {
            return;
        };
        let mut table = toml::Table::new();
        let condition = toml::Table::from_iter([("when".to_owned(), text.into())]);
        let conditions =
            toml::Table::from_iter([("tried".to_owned(), toml::Value::Table(condition))]);
        table.insert("conditions".to_owned(), toml::Value::Table(conditions));
        let written = toml::to_string(&table).expect("a table can be written");
        match Policy::parse("policy.toml", &written) {
            Ok(policy) => decides(&policy),
            Err(mistakes) => assert!(!mistakes.to_string().is_empty()),
        }
    },
    seeds: || {
        let texts = [
            "outside && project_age_days < 30 && !approved",
            "licence in [\"AGPL-3.0-only\"] && !project.startsWith(\"acme-\")",
            "version == \"1.0\" ? size > 10 * 2 : false",
            "classifiers.exists(c, c.contains(\"Django\"))",
            "has(project) || -1 - 2 % 3 >= 1u",
        ];
        texts.iter().map(|text| text.as_bytes().to_vec()).collect()
    },
    words: &[
        "&&",
        "||",
        "!",
        "?",
        ":",
        "==",
        "!=",
        "<=",
        ">=",
        " in ",
        "+",
        "-",
        "*",
        "/",
        "%",
        "(",
        ")",
        "[",
        "]",
        ".",
        "\"",
        "'''",
        "true",
        "false",
        "null",
        "9223372036854775807",
        "-9223372036854775808",
        "1u",
        "1.0e308",
        "project",
        "version",
        "size",
        ".size()",
        ".matches(",
        ".all(x, ",
        ".map(x, ",
        "has(",
        "duration(",
        "b'\\xff'",
        "r\"",
        "{",
        "}",
        "\\u{110000}",
    ],
};

/// Two runs of every example under `policy` come to the same.
fn decides(policy: &Policy) {
    let effects = || {
        let outcomes = run(&EXPECTED, policy).into_iter();
        outcomes
            .map(|one| one.decision.effect())
            .collect::<Vec<_>>()
    };
    assert_eq!(effects(), effects(), "not the same twice");
    assert!(!policy.rules().is_empty());
}

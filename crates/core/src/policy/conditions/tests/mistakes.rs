//! What stands against conditions at load, and what cannot harm.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::super::parse::parse;
use super::*;

/// The conditions with one mistake each, or several.
const MISTAKEN: &[&str] = &[
    "",
    "licnce == 'MIT'",
    "project == 'é' && licnce in ['MIT']",
    "age_days > 'three'",
    "project",
    "age_days + 1",
    "project && outside",
    "!project",
    "project < 'flask'",
    "version >= '2.0'",
    "licence == ['MIT']",
    "platform_tags == 'any'",
    "'manylinux' in filename",
    "platform_tags in ['any']",
    "1 + 1.0 == 2.0",
    "project + 'x' == 'y'",
    "outside ? 1 : 'a'",
    "[1, 'a'].size() == 2",
    "[[1]].size() == 1",
    "-project == 'x'",
    "project[0] == 'f'",
    "platform_tags['any'] == 'any'",
    "project.matches('^f.*')",
    "startsWith(project, 'f')",
    "project.startsWith(1)",
    "project.startsWith('a', 'b')",
    "project.frobnicate()",
    "version.satisfies('>=1,,')",
    "version.satisfies(project)",
    "size(newer) == 1",
    "advisories.exists(a, a.csvv > 7)",
    "advisories.exists(a, a.severity > 7)",
    "advisories.exists(project, true)",
    "project.exists(c, true)",
    "platform_tags.exists(tag, tag)",
    "platform_tags.exists(tag)",
    "project.name == 'x'",
    "has(project)",
    "null == project",
    "{'a': 1}.a == 1",
    "b'x' == b'x'",
    "1u == 1u",
    "a.?b",
    "platform_tags.all(a, python_tags.all(b, abi_tags.exists(c, c == a || c == b)))",
    "outside &&",
    "(outside",
    "outside outside",
    "outside && 'open",
    "licnce == 'a' ||\n  versoin == 'b'",
    "@result == 1",
];

#[test]
fn every_mistake_is_shown_at_its_place() {
    let mut said = String::new();
    for when in MISTAKEN {
        let mistakes = Policy::parse("policy.toml", &written(when)).expect_err(when);
        let _ = writeln!(said, "{mistakes}\n");
    }
    insta::assert_snapshot!(said);
}

#[test]
fn mistakes_around_a_condition_are_shown_too() {
    let text = "[conditions.Bad_Id]\nwhen = 'true'\n[conditions.too-young]\nwhen = 'true'\n\
                [conditions.empty]\n[conditions.modes]\nwhen = \"project == 'x' \\u0026& nmae == ''\"\n\
                mode = 'on'\neffect = 'drop'\ncolour = 1\nmessage = ''\n\
                [[exceptions]]\nproject = 'x'\nrule = 'no-such'\nreason = 'r'\nowner = 'o'\n";
    let mistakes = Policy::parse("policy.toml", text).expect_err("mistakes");
    insta::assert_snapshot!(mistakes.to_string());
}

fn first_message(when: &str) -> String {
    let mistakes = parse(when).expect_err("a mistake");
    mistakes.into_iter().next().expect("one").message
}

#[test]
fn hostile_conditions_are_refused_and_nothing_falls_over() {
    let many = |unit: &str, count: usize| unit.repeat(count);
    let deep = [
        format!("{}true{}", many("(", 2000), many(")", 2000)),
        format!("{}{}", many("[", 2000), many("]", 2000)),
        format!("{} == 1", vec!["1"; 2000].join("+")),
        format!("project{} == 1", many("[0]", 1300)),
        format!("project{}", many(".a", 2000)),
        format!("project{}", many(".a()", 1000)),
        many("a?b:", 1000) + "c",
        format!("{}true{}", many("python_tags.all(x,", 200), many(")", 200)),
        many("(", 4096),
        many("a<b>(", 800),
    ];
    for when in &deep {
        let message = first_message(when);
        let expected = message.contains("levels deep") || message.contains("not CEL");
        assert!(
            expected || message.contains("no variable"),
            "{message}: {:.40}",
            when
        );
    }
    for when in [
        "@#$", "'\\", "é'ü", "\u{0}", "\u{202e}", "\"\"\"", "0x", "1e", "/*", "//",
    ] {
        assert!(parse(&when.repeat(300)).is_err(), "{when:?}");
    }
    assert!(first_message(&"x".repeat(MAX_LENGTH + 1)).contains("longer than"));
    assert!(parse(&format!("project in ['{}']", "x".repeat(MAX_LENGTH - 40))).is_ok());
    assert!(parse(&vec!["outside"; 300].join(" && ")).is_ok());
    assert!(parse(&format!("{}outside", many("!", 2001))).is_ok());
    let nested = "platform_tags.all(a, python_tags.all(b, a != b))";
    assert!(first_message(nested).contains("steps"), "{nested}");
    let chained = format!("platform_tags{}.size() == 0", many(".map(x, x)", 30));
    let message = first_message(&chained);
    assert!(
        message.contains("steps") || message.contains("deep"),
        "{message}"
    );
}

#[test]
fn the_deepest_condition_that_is_allowed_fits_on_a_small_stack() {
    let when = format!("{}outside{}", "(".repeat(27), ")".repeat(27));
    assert!(parse(&when).is_ok());
    let deep = (0..14).fold("newer".to_owned(), |inner, _| format!("1 + (2 * {inner})"));
    let when = format!("{deep} > 0");
    let text = written(&when);
    let judged = std::thread::Builder::new()
        .stack_size(1 << 20)
        .spawn(move || {
            let policy = Policy::parse("policy.toml", &text).unwrap_or_else(|e| panic!("{e}"));
            judge(known().facts(), &policy, NOW).effect()
        });
    let judged = judged.expect("a thread").join().expect("an answer");
    assert_eq!(judged, Effect::Deny);
}

#[test]
fn a_fact_that_is_too_large_is_not_known() {
    let tags = vec!["a"; MAX_ITEMS + 1].join(".");
    let many = known().with_file(|file| {
        if let crate::pypi::filename::DistKind::Wheel(wheel) = &mut file.kind {
            wheel.platform = tags.into();
        }
    });
    assert_eq!(answer("'a' in platform_tags", &many), "unknown");
    let long = known().with_file(|file| file.filename = "x".repeat(MAX_TEXT + 1).into());
    assert_eq!(answer("filename.contains('x')", &long), "unknown");
}

/// Text that is often nearly a condition.
fn nearly() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "project",
        "outside",
        "age_days",
        "platform_tags",
        "advisories",
        "licence",
        "'a'",
        "1",
        "2.5",
        "true",
        "(",
        ")",
        "[",
        "]",
        ".",
        ",",
        "==",
        "!=",
        "<",
        "in",
        "&&",
        "||",
        "!",
        "-",
        "+",
        "*",
        "/",
        "?",
        ":",
        "size",
        "exists",
        "all",
        "map",
        "startsWith",
        "x",
        "x.cvss",
        "has",
        "{",
        "}",
        "null",
        "\n",
        "'",
        "\"",
    ]);
    prop::collection::vec(words, 0..24).prop_map(|words| words.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_it_panic(text in prop_oneof![any::<String>(), nearly()]) {
        let cases = [known(), licensed("MIT"), Case::hosted("x"), Case::nowhere("x")];
        match parse(&text) {
            Err(mistakes) => {
                prop_assert!(!mistakes.is_empty());
                for mistake in mistakes {
                    prop_assert!(mistake.at.start <= mistake.at.end);
                    prop_assert!(mistake.at.end <= text.len());
                    prop_assert!(text.is_char_boundary(mistake.at.start));
                    prop_assert!(text.is_char_boundary(mistake.at.end));
                }
            }
            Ok(_) => {
                let condition = format!("[conditions.tried]\nwhen = {}", toml::Value::from(text));
                let policy = Policy::parse("policy.toml", &condition).expect("it was sound");
                for case in &cases {
                    judge(case.facts(), &policy, NOW);
                }
            }
        }
    }
}

//! `docs/rules.md` is derived from the rules themselves.

use std::fmt::Write as _;
use std::path::Path;

use portcullis_core::policy::rules::RULES;

#[test]
fn the_reference_of_rules_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/rules.md");
    let text = reference();
    if std::env::var_os("PORTCULLIS_UPDATE_DOCS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        found, text,
        "refresh docs/rules.md: PORTCULLIS_UPDATE_DOCS=1 cargo test -p portcullis-core reference"
    );
}

fn reference() -> String {
    let mut text = String::from(
        "# Rules\n\nWhat a policy can say, rule by rule. This page is derived from the program; \
         `portcullis rules RULE` prints the same.\n\n\
         | rule | what it does | mode | effect | on-unknown |\n|---|---|---|---|---|\n",
    );
    for rule in RULES {
        let defaults = rule.defaults();
        let _ = writeln!(
            text,
            "| [`{id}`](#{id}) | {} | {} | {} | {} |",
            rule.summary(),
            defaults.mode,
            defaults.effect,
            defaults.on_unknown,
            id = rule.id(),
        );
    }
    text.push_str(
        "\nModes: `off`, `observe` (findings are recorded and shown, and change nothing), `enforce`. \
         Effects: `allow` < `warn` < `hold` < `deny`; the strictest finding decides. `on-unknown` is \
         the effect where a fact that the rule needs is not known.\n",
    );
    for rule in RULES {
        let _ = write!(text, "\n## {}\n\n{}\n", rule.id(), rule.manual());
        if rule.is_law() {
            text.push_str(
                "\nThis rule states a promise: it cannot be switched off, weakened or excepted.\n",
            );
            continue;
        }
        let defaults = rule.defaults();
        let _ = write!(
            text,
            "\n```toml\n[rules.{}]\nmode = \"{}\"\neffect = \"{}\"\non-unknown = \"{}\"\n",
            rule.id(),
            defaults.mode,
            defaults.effect,
            defaults.on_unknown
        );
        for option in rule.options() {
            let _ = writeln!(
                text,
                "{} = {}    # {}",
                option.key, option.default, option.meaning
            );
        }
        text.push_str("```\n");
    }
    text
}

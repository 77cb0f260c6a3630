//! `docs/rules.md` is derived from the rules themselves.

use std::fmt::Write as _;
use std::path::Path;

use portcullis_core::inspection::{INSPECTION_RULES, InspectionRule};
use portcullis_core::policy::conditions::{
    FUNCTIONS, Item, MAX_DEPTH, MAX_ITEMS, MAX_LENGTH, MAX_STEPS, Subject, Type, VARIABLES,
};
use portcullis_core::policy::examples::judged;
use portcullis_core::policy::rule::Rule;
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
    text.push_str(
        "\nEach rule has an example: facts, and what is said of them where the rule is enforced, first in \
         the one line that pip and poetry have room for, then as uv shows a refusal. The facts have the form in \
         which a policy is tested; see [policy.md](policy.md).\n",
    );
    for rule in RULES {
        let _ = write!(text, "\n## {}\n\n{}\n", rule.id(), rule.manual());
        settings(&mut text, *rule);
        example(&mut text, *rule);
    }
    findings(&mut text);
    conditions(&mut text);
    text
}

/// The ids of the inspection, by the rule that rests on them.
fn findings(text: &mut String) {
    text.push_str(FINDINGS);
    let ids: Vec<InspectionRule> = INSPECTION_RULES
        .iter()
        .map(|id| id.parse().expect("it is one"))
        .collect();
    for rule in RULES {
        let own = ids.iter().filter(|id| rule.rests_on(id));
        let own: Vec<String> = own.map(|id| format!("`{id}`")).collect();
        if !own.is_empty() {
            let _ = write!(text, "\n- `{}`: {}\n", rule.id(), own.join(", "));
        }
    }
}

const FINDINGS: &str = "\n## Findings of the inspection\n\n\
What an inspection sees has an id, which exceptions (`finding`), the setting `off` and conditions can name. \
`portcullis scan` tells what each of them means where it is found.\n";

fn settings(text: &mut String, rule: &dyn Rule) {
    if rule.is_law() {
        text.push_str(
            "\nThis rule states a promise: it cannot be switched off, weakened or excepted.\n",
        );
        return;
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
        let _ = writeln!(text, "{option}");
    }
    text.push_str("```\n");
}

/// What the rule answers in its example.
fn example(text: &mut String, rule: &dyn Rule) {
    let judged = judged(rule).unwrap_or_else(|mistakes| panic!("{}: {mistakes}", rule.id()));
    let settings: Vec<String> = judged
        .policy
        .lines()
        .skip(1)
        .map(|line| format!("`{line}`"))
        .collect();
    let under = match rule.is_law() {
        true => String::new(),
        false => format!(" with {}", settings.join(", ")),
    };
    let _ = write!(
        text,
        "\nExample{under}:\n\n```toml\n{}```\n\n```text\n{}\n{}```\n",
        judged.expectation,
        wrapped(&judged.sentence()),
        wrapped(&judged.message()),
    );
}

/// The text in lines of at most 100 characters, where its words allow.
fn wrapped(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is a line");
        match line.chars().count() + word.chars().count() {
            _ if line.is_empty() => line.push_str(word),
            length if length < 100 => line.extend([" ", word]),
            _ => lines.push(word.to_owned()),
        }
    }
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn conditions(text: &mut String) {
    let _ = write!(
        text,
        "\n## Conditions\n\n{CONDITIONS}\nA condition has at most {MAX_LENGTH} bytes, is nested at most \
         {MAX_DEPTH} levels deep and takes at most {MAX_STEPS} steps, counted before it is ever evaluated; \
         a list of more than {MAX_ITEMS} items is not known to it.\n\n\
         | variable | type | about | meaning |\n|---|---|---|---|\n"
    );
    for variable in VARIABLES {
        let about = match variable.about {
            Subject::Project => "project",
            Subject::File => "file",
        };
        let (name, of, doc) = (variable.name, variable.of, variable.doc);
        let _ = writeln!(text, "| `{name}` | {of} | {about} | {doc} |");
    }
    for variable in VARIABLES {
        let Type::List(Some(Item::Record(fields))) = variable.of else {
            continue;
        };
        let _ = write!(
            text,
            "\nThe records of `{}`:\n\n| field | type | meaning |\n|---|---|---|\n",
            variable.name
        );
        for field in fields {
            let _ = writeln!(text, "| `{}` | {} | {} |", field.name, field.of, field.doc);
        }
    }
    text.push_str("\n| function | meaning |\n|---|---|\n");
    for function in FUNCTIONS {
        let _ = writeln!(text, "| `{}` | {} |", function.form, function.meaning);
    }
}

const CONDITIONS: &str = "A policy can define rules of its own, in CEL (the Common Expression Language):\n\n\
```toml\n\
[conditions.no-agpl]\n\
when = 'licence in [\"AGPL-3.0-only\"] && !project.startsWith(\"acme-\")'\n\
effect = \"deny\"         # the default\n\
mode = \"enforce\"        # the default; off, observe or enforce\n\
on-unknown = \"hold\"     # the default\n\
message = \"AGPL is not for products\"\n\
remedy = \"ask legal@acme.example\"\n\
```\n\n\
A condition is listed among the rules, and exceptions can name it. It is checked when the policy is read: \
a name that does not exist, operands that do not fit and anything that is not a `bool` is a mistake with \
its place. Where a fact is not known and the answer hangs on it, the finding is `on-unknown`; where it does \
not, as in `false && …` and `true || …`, it does not matter. What else has no answer, such as an item that \
a list does not have, is not known either. A condition that reads something about a file judges files; one \
that reads only what is about the project judges names, too. It holds for every source: write `outside && …` \
for what comes from outside alone. Operators are CEL's: `&& || ! ?: == != < <= > >= in + - * / %`, `[…]` for \
lists and `[n]` for an item. Regular expressions, maps and time zones are left out.\n";

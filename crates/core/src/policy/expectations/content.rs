//! What an expectation says that the inspection of a file saw. Where nothing is said of it, it was looked
//! into, and nothing was seen.

use std::borrow::Cow;
use std::sync::Arc;

use crate::digest::Sha256;
use crate::fact::FileFacts;
use crate::inspection::{
    Capability, CapabilityEntry, Confidence, ContentFacts, Context, Inspected, InspectionRule,
    Knowledge, Observation, Place, Severity, Statistics, Step, fingerprint,
};
use crate::settings::{Located, Table, resembles};

/// The words of `inspection` that are not the reason why there is nothing to tell.
const COMPLETE: &str = "complete";
const INCOMPLETE: &str = "incomplete";
const AHEAD: &str = "ahead";

/// Reads what is said of the bytes of `file`; `None` while only the name is judged.
pub(super) fn read(table: &mut Table<'_>, file: Option<&FileFacts>) -> Option<ContentFacts> {
    let findings = table.tables("findings").into_iter();
    let findings: Vec<Observation> = findings.filter_map(finding).collect();
    let capabilities = table
        .list::<CapabilityEntry>("capabilities")
        .unwrap_or_default();
    let inspection = table.text("inspection");
    let is_told = !findings.is_empty() || !capabilities.is_empty();
    if let Some(inspection) = &inspection {
        check_outcome(table, inspection, is_told);
    }
    let compared = super::compared::read(table);
    let sha256 = file?.sha256.known().copied();
    let outcome = inspection.as_ref().map_or(COMPLETE, |said| &said.value);
    let inspection = match outcome {
        AHEAD => Knowledge::Ahead,
        COMPLETE | INCOMPLETE => Knowledge::of(Arc::new(Inspected {
            sha256: sha256.unwrap_or_else(|| Sha256::of(b"")),
            revision: 1,
            observations: findings,
            excerpts: Vec::new(),
            capabilities: capabilities
                .into_iter()
                .map(|one| capability(one.value))
                .collect(),
            statistics: Statistics::default(),
            complete: outcome == COMPLETE,
        })),
        why => Knowledge::not_learned(why.to_owned()),
    };
    Some(ContentFacts {
        inspection,
        ..compared
    })
}

/// Reports a word that looks like a slip, and findings of an inspection that told nothing.
fn check_outcome(table: &Table<'_>, inspection: &Located<String>, is_told: bool) {
    let said = inspection.value.as_str();
    let words = [COMPLETE, INCOMPLETE, AHEAD];
    if words.contains(&said) && (said != AHEAD || !is_told) {
        return;
    }
    if let Some(meant) = words
        .iter()
        .find(|word| said != **word && resembles(word, said))
    {
        let help = format!("did you mean {meant:?}?");
        table.mistake(inspection, format!("{said:?} is no reason"), Some(&help));
    } else if said.trim().is_empty() {
        let help = "say complete, incomplete, ahead, or why there is nothing to tell";
        table.mistake(inspection, "`inspection` says nothing", Some(help));
    } else if is_told {
        let message = "an inspection that told nothing has neither findings nor capabilities";
        table.mistake(
            inspection,
            message,
            Some("say \"incomplete\" where it left something out"),
        );
    }
}

/// `{ id = "NET-001", severity = "critical", … }`.
fn finding(mut table: Table<'_>) -> Option<Observation> {
    let id = table.parsed::<InspectionRule>("id");
    if !table.keys().iter().any(|key| key == "id") {
        table.mistake_here(
            "this finding has no `id`",
            Some("for example id = \"NET-001\""),
        );
    }
    let severity = table.parsed::<Severity>("severity");
    let context = table.parsed::<Context>("context");
    let confidence = table.integer("confidence", 0..101);
    let file = table.text("file");
    let line = table.integer("line", 1..1_000_000);
    let message = table.text("message");
    let chain = table.list::<String>("chain").unwrap_or_default();
    table.finish();
    let id = id?.value;
    let context = context.map_or(Context::Import, |context| context.value);
    let confidence = confidence.and_then(|confidence| u8::try_from(confidence.value).ok());
    let place = Place {
        file: file.map_or_else(|| "demo/__init__.py".into(), |file| file.value.into()),
        line: line
            .and_then(|line| u32::try_from(line.value).ok())
            .unwrap_or(0),
        column: 0,
        layer: 0,
    };
    let message = message.map_or_else(|| format!("what {id} is about"), |text| text.value);
    let code: Vec<&str> = chain.iter().map(|step| step.value.as_str()).collect();
    let code_hash = match code.last() {
        Some(sink) => fingerprint(id.as_str(), sink),
        None => fingerprint(id.as_str(), &message),
    };
    Some(Observation {
        rule: Cow::Owned(id.to_string()),
        severity: severity.map_or(Severity::High, |severity| severity.value),
        confidence: confidence
            .map_or_else(|| Confidence::CERTAIN.in_context(context), Confidence::of),
        file: Arc::clone(&place.file),
        line: place.line,
        column: 0,
        layer: 0,
        context,
        message,
        chain: code.iter().map(|text| step(&place, text)).collect(),
        code_hash,
    })
}

fn step(place: &Place, text: &str) -> Step {
    Step {
        place: place.clone(),
        text: text.to_owned(),
    }
}

fn capability(entry: CapabilityEntry) -> Capability {
    Capability {
        kind: entry.kind,
        context: entry.context,
        file: "demo/__init__.py".into(),
        line: 1,
        example: entry.kind.as_str().into(),
        count: 1,
    }
}

#[cfg(test)]
mod tests {
    use crate::policy::Policy;
    use crate::policy::expectations::{parse, run};
    use crate::policy::rules::testing::NOW;

    const POLICY: &str = "[rules.malicious-code]\n[rules.broken-archive]\n\
        [conditions.talks]\nwhen = \"'network@install' in capabilities\"\n\
        on-unknown = 'allow'\n";

    fn decided(facts: &str) -> String {
        let text = format!("[[expect]]\nproject = 'flask'\neffect = 'deny'\n{facts}\n");
        let expectations = parse("t", &text, NOW).unwrap_or_else(|error| panic!("{error}"));
        let policy = Policy::parse("p", POLICY).unwrap_or_else(|error| panic!("{error}"));
        let outcomes = run(&expectations, &policy);
        let decision = &outcomes[0].decision;
        match decision.decisive() {
            Some(finding) => format!("{} by {}", decision.effect(), finding.rule),
            None => decision.effect().to_string(),
        }
    }

    #[test]
    fn what_the_inspection_saw_can_be_described() {
        for (facts, expected) in [
            ("", "allow"),
            ("version = '1'", "allow"),
            ("version = '1'\ninspection = 'complete'", "allow"),
            ("version = '1'\ninspection = 'ahead'", "allow"),
            (
                "version = '1'\ninspection = 'incomplete'",
                "hold by malicious-code",
            ),
            (
                "version = '1'\ninspection = 'timed out: 30 s'",
                "hold by malicious-code",
            ),
            (
                "version = '1'\nfindings = [{ id = 'NET-001' }]",
                "deny by malicious-code",
            ),
            (
                "version = '1'\nfindings = [{ id = 'ARC-003' }]",
                "deny by broken-archive",
            ),
            (
                "version = '1'\nfindings = [{ id = 'NET-001', context = 'call' }]",
                "hold by malicious-code",
            ),
            (
                "version = '1'\nfindings = [{ id = 'NET-001', confidence = 60 }]",
                "hold by malicious-code",
            ),
            (
                "version = '1'\nfindings = [{ id = 'NET-001', severity = 'medium' }]",
                "warn by malicious-code",
            ),
            (
                "version = '1'\nsource = 'hosted'\n\
                 findings = [{ id = 'NET-001', confidence = 60 }]",
                "warn by malicious-code",
            ),
            (
                "version = '1'\nfindings = [{ id = 'NET-001' }]\n\
                 waived = [{ rule = 'malicious-code', reason = 'our own' }]",
                "allow",
            ),
            (
                "version = '1'\ncapabilities = ['network@install']",
                "deny by talks",
            ),
            ("version = '1'\ncapabilities = ['network@import']", "allow"),
        ] {
            assert_eq!(decided(facts), expected, "{facts}");
        }
    }

    #[test]
    fn mistakes_in_what_the_inspection_saw_are_shown_at_their_place() {
        let text = r#"
[[expect]]
project = "flask"
version = "1"
effect = "deny"
inspection = "incompelte"
capabilities = ["network", "network@impotr", "netwrk@import"]
findings = [
  { severity = "critical" },
  { id = "NET-01" },
  { id = "NET-001", severity = "bad", context = "later", confidence = 101, line = 0, colour = 3 },
]

[[expect]]
project = "flask"
version = "1"
effect = "deny"
inspection = "timed out"
findings = [{ id = "NET-001" }]

[[expect]]
project = "flask"
version = "1"
effect = "deny"
inspection = ""

[[expect]]
project = "flask"
effect = "deny"
capabilities = ["network@import"]
"#;
        let mistakes = parse("policy.tests.toml", text, NOW).expect_err("mistakes");
        insta::assert_snapshot!(mistakes.to_string());
    }
}

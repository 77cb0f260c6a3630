//! What a scanner answers: one JSON object with `findings`, or findings one after the other. A scanner looks
//! at hostile files and is trusted with nothing: everything is bounded, what is no finding is a failure, and
//! what was told before a failure counts.

use std::cmp::Reverse;

use portcullis_core::inspection::{
    Confidence, Context, Observation, Severity, fingerprint, is_scanner_rule,
};
use serde::Deserialize;
use serde_json::{Deserializer, Value};

use super::Asked;

/// The longest answer that is read, in bytes.
pub(super) const LONGEST: usize = 4 << 20;

/// The most findings of one scanner that are kept. The worst are.
const MOST_FINDINGS: usize = 1_000;

/// The longest path and the longest message of a finding, in characters.
const LONGEST_FILE: usize = 1_024;
const LONGEST_MESSAGE: usize = 500;

/// The longest reason why something failed, in characters.
const LONGEST_REASON: usize = 200;

/// What a scanner told, and what kept it from telling all.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Answered {
    pub(super) findings: Vec<Found>,
    pub(super) failure: Option<String>,
}

/// One finding, as a scanner tells it.
#[derive(Debug, Deserialize, PartialEq)]
pub(super) struct Found {
    id: String,
    severity: Severity,
    /// In per cent, before the context weighs it.
    confidence: u8,
    message: String,
    /// The member of the archive; the archive itself where it is absent.
    #[serde(default)]
    file: Option<String>,
    #[serde(default)]
    line: Option<u32>,
    /// When the code runs that it is about.
    #[serde(default = "at_import")]
    context: Context,
}

fn at_import() -> Context {
    Context::Import
}

impl Answered {
    pub(super) fn failed(why: impl Into<String>) -> Self {
        Self {
            findings: Vec::new(),
            failure: Some(shortened(&why.into(), LONGEST_REASON)),
        }
    }

    /// Reads an answer.
    pub(super) fn read(bytes: &[u8]) -> Self {
        let mut answered = Self::default();
        let bytes = match bytes.get(..LONGEST) {
            Some(first) if bytes.len() > LONGEST => {
                answered.fail(format!("its answer is longer than {LONGEST} bytes"));
                first
            }
            _ => bytes,
        };
        for value in Deserializer::from_slice(bytes).into_iter::<Value>() {
            match value {
                Ok(value) => answered.take(value),
                Err(error) => answered.fail(format!("its answer is not JSON: {error}")),
            }
        }
        answered
            .findings
            .sort_by_key(|found| Reverse(found.severity));
        if answered.findings.len() > MOST_FINDINGS {
            answered.findings.truncate(MOST_FINDINGS);
            answered.fail(format!("it told more than {MOST_FINDINGS} findings"));
        }
        answered
    }

    fn take(&mut self, mut value: Value) {
        if let Some(error) = value.get("error") {
            let said = error
                .as_str()
                .map_or_else(|| error.to_string(), str::to_owned);
            self.fail(format!("it says: {said}"));
        }
        match value.get_mut("findings").map(Value::take) {
            Some(Value::Array(findings)) => findings.into_iter().for_each(|one| self.add(one)),
            Some(_) => self.fail("`findings` is no list"),
            None if value.get("error").is_some() => {}
            None => self.add(value),
        }
    }

    fn add(&mut self, value: Value) {
        match serde_json::from_value::<Found>(value) {
            Ok(found) if !is_scanner_rule(&found.id) => {
                self.fail(format!("it told a finding with the id {:?}", found.id));
            }
            Ok(found) if found.confidence > 100 => {
                let sure = found.confidence;
                self.fail(format!("it told a finding with a confidence of {sure} %"));
            }
            Ok(found) => self.findings.push(found),
            Err(error) => self.fail(format!("it told something that is no finding: {error}")),
        }
    }

    /// The first reason is the one that is told.
    pub(super) fn fail(&mut self, why: impl Into<String>) {
        let why = shortened(&why.into(), LONGEST_REASON);
        self.failure.get_or_insert(why);
    }
}

impl Found {
    /// The finding of the scanner `name` as it is kept. Its fingerprint is of these very bytes: what a scanner
    /// goes by is not known, so that approving it in one file approves it in no other.
    pub(super) fn observation(self, name: &str, asked: Asked<'_>) -> Observation {
        let rule = format!("{name}:{}", self.id);
        let file = self.file.as_deref().filter(|file| !file.is_empty());
        let file = shortened(file.unwrap_or(asked.filename), LONGEST_FILE);
        let message = shortened(&self.message, LONGEST_MESSAGE);
        let line = self.line.unwrap_or(0);
        let place = format!("{} {file} {line} {message}", asked.sha256);
        Observation {
            code_hash: fingerprint(&rule, &place),
            rule: rule.into(),
            severity: self.severity,
            confidence: Confidence::of(self.confidence).in_context(self.context),
            file: file.into(),
            line,
            column: 0,
            layer: 0,
            context: self.context,
            message,
            chain: Vec::new(),
        }
    }
}

/// `text` in one line of at most `most` characters, without what steers a terminal or turns text around.
fn shortened(text: &str, most: usize) -> String {
    let visible = |character: char| match character {
        '\n' | '\r' | '\t' => ' ',
        '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}'
        | '\u{feff}' => char::REPLACEMENT_CHARACTER,
        control if control.is_control() => char::REPLACEMENT_CHARACTER,
        other => other,
    };
    text.chars().take(most).map(visible).collect()
}

#[cfg(test)]
mod tests {
    use portcullis_core::digest::Sha256;
    use proptest::prelude::*;

    use super::*;

    const ONE: &str = r#"{"id":"Stealer","severity":"high","confidence":90,"message":"a stealer"}"#;

    fn asked() -> Asked<'static> {
        Asked {
            filename: "demo-1.0.tar.gz",
            sha256: Sha256::of(b"demo"),
        }
    }

    fn read(text: &str) -> (usize, Option<String>) {
        let answered = Answered::read(text.as_bytes());
        (answered.findings.len(), answered.failure)
    }

    #[test]
    fn findings_come_in_one_object_or_one_after_the_other() {
        for (text, number) in [
            (String::new(), 0),
            ("{\"findings\": []}".to_owned(), 0),
            (
                format!("{{\"findings\": [{ONE}, {ONE}], \"version\": 3}}"),
                2,
            ),
            (ONE.to_owned(), 1),
            (format!("{ONE}\n{ONE}\n\n{ONE}\n"), 3),
        ] {
            assert_eq!(read(&text), (number, None), "{text}");
        }
    }

    #[test]
    fn what_is_no_finding_is_a_failure_and_the_rest_counts() {
        let with = |from: &str, to: &str| ONE.replace(from, to);
        for (text, number, why) in [
            ("nonsense".to_owned(), 0, "not JSON"),
            (
                format!("{ONE}\nTraceback (most recent call last):"),
                1,
                "not JSON",
            ),
            (format!("{ONE}\n[1]"), 1, "no finding"),
            (with("\"high\"", "\"awful\""), 0, "awful"),
            (with("90", "101"), 0, "101 %"),
            (with("90", "-1"), 0, "no finding"),
            (with("90", "1e99"), 0, "no finding"),
            (with("Stealer", "a b"), 0, "a b"),
            (with("Stealer", "../x"), 0, "../x"),
            (with("\"id\":\"Stealer\",", ""), 0, "id"),
            ("{\"findings\": {}}".to_owned(), 0, "no list"),
            (
                format!("{{\"error\": \"no rules\", \"findings\": [{ONE}]}}"),
                1,
                "no rules",
            ),
            ("[".repeat(100_000), 0, "not JSON"),
            (format!("{ONE}\n").repeat(1_001), 1_000, "more than 1000"),
            (format!("{ONE}{}", " ".repeat(LONGEST)), 1, "longer"),
        ] {
            let (found, failure) = read(&text);
            let start: String = text.chars().take(80).collect();
            assert_eq!(found, number, "{start}");
            assert!(failure.expect(&start).contains(why), "{start}");
        }
    }

    #[test]
    fn the_worst_are_kept_of_too_many() {
        let mild = ONE.replace("high", "low");
        let text = format!("{}\n{ONE}", format!("{mild}\n").repeat(1_000));
        let answered = Answered::read(text.as_bytes());
        assert_eq!(answered.findings[0].severity, Severity::High);
    }

    #[test]
    fn a_finding_is_kept_under_the_scanners_name_and_as_its_context_weighs_it() {
        let hostile = ONE.replace("a stealer", "a\\u001b[31m\\u202estealer\\n");
        let found = Answered::read(hostile.as_bytes()).findings.remove(0);
        let seen = found.observation("yara", asked());
        assert_eq!(
            (&*seen.rule, &*seen.file),
            ("yara:Stealer", "demo-1.0.tar.gz")
        );
        assert_eq!(
            (seen.confidence.per_cent(), seen.context),
            (72, Context::Import)
        );
        assert_eq!(seen.message, "a\u{fffd}[31m\u{fffd}stealer ");
        let placed = ONE.replace(
            '{',
            "{\"file\":\"demo/a.py\",\"line\":3,\"context\":\"install\",",
        );
        let found = Answered::read(placed.as_bytes()).findings.remove(0);
        let seen = found.observation("yara", asked());
        assert_eq!(
            (&*seen.file, seen.line, seen.confidence.per_cent()),
            ("demo/a.py", 3, 90)
        );
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(bytes in any::<Vec<u8>>(), text in ".{0,60}") {
            let _ = Answered::read(&bytes);
            let answered = Answered::read(ONE.replace("a stealer", &text).as_bytes());
            for found in answered.findings {
                let seen = found.observation("x", asked());
                prop_assert!(!seen.message.chars().any(char::is_control));
            }
        }
    }
}

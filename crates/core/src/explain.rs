//! The words of a refusal for each place that can show some: the reason phrase of HTTP/1.1 (pip,
//! poetry), a problem document (RFC 9457; uv shows its title and detail), and JSON for programs.

use serde_json::{Map, Value, json};

use crate::policy::rules::is_law;
use crate::policy::{Decision, Finding, Standing};

/// The longest reason phrase, in bytes.
pub const MAX_REASON_PHRASE: usize = 200;

/// One line for the status line of an answer: what, why, the decision's id, and where to read more.
/// Printable ASCII, at most [`MAX_REASON_PHRASE`] bytes; the sentence is shortened, never the address.
pub fn reason_phrase(decision: &Decision, why_url: &str) -> String {
    let tail = format!(" [{}] {why_url}", decision.id());
    let room = MAX_REASON_PHRASE.saturating_sub(tail.len()).max(40);
    one_line(&format!(
        "{}{}",
        shortened(&decision.sentence(), room),
        tail
    ))
}

/// `text` as it may stand in a status line: printable ASCII, anything else replaced by `?`, at most
/// [`MAX_REASON_PHRASE`] bytes.
pub fn one_line(text: &str) -> String {
    let printable = |c: char| match c {
        ' '..='~' => c,
        '\n' | '\r' | '\t' => ' ',
        _ => '?',
    };
    let line: String = text.chars().map(printable).collect();
    shortened(&line, MAX_REASON_PHRASE)
}

fn shortened(text: &str, room: usize) -> String {
    if text.len() <= room {
        return text.to_owned();
    }
    let mut end = room.saturating_sub(3);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}...", text[..end].trim_end())
}

/// The title of a refusal: `Portcullis denies flask 3.1.3`.
pub fn title(decision: &Decision) -> String {
    format!(
        "Portcullis {} {}",
        decision.effect().verb(),
        decision.subject().title()
    )
}

/// The rest of a refusal in sentences: why, by which rule and policy line, and what to do now.
pub fn detail(decision: &Decision, why_url: &str) -> String {
    let Some(finding) = decision.decisive() else {
        return format!("Nothing speaks against it. See {why_url}");
    };
    let evidence: Vec<String> = finding
        .evidence
        .iter()
        .map(|(label, value)| format!("{label}: {value}"))
        .collect();
    let evidence = match evidence.is_empty() {
        true => String::new(),
        false => format!(" {}.", evidence.join("; ")),
    };
    let more = match is_law(&finding.rule) {
        true => "More",
        false => "Ask for a review",
    };
    format!(
        "{}: {}{evidence} Rule at {}. What to do: {} {more}: {why_url}",
        finding.rule,
        sentence(&finding.message),
        finding.line,
        sentence(&finding.remedy),
    )
}

/// A clause with a full stop, unless it ends a sentence already.
fn sentence(clause: &str) -> String {
    match clause.ends_with(['.', '?', '!']) {
        true => clause.to_owned(),
        false => format!("{clause}."),
    }
}

/// A problem document (RFC 9457) for a refusal answered with `status`.
pub fn problem(decision: &Decision, why_url: &str, status: u16) -> Value {
    let finding = decision.decisive();
    json!({
        "type": why_url,
        "title": title(decision),
        "status": status,
        "detail": detail(decision, why_url),
        "decision": decision.id(),
        "effect": decision.effect(),
        "rule": finding.map(|finding| &*finding.rule),
        "evidence": finding.map(evidence),
        "policy-line": finding.map(|finding| finding.line.to_string()),
        "until": finding.and_then(|finding| finding.until),
        "remedy": finding.map(|finding| &finding.remedy),
        "why": why_url,
    })
}

/// A decision with everything that was found, for `why` and the API.
pub fn decision(decision: &Decision) -> Value {
    let subject = decision.subject();
    json!({
        "decision": decision.id(),
        "index": subject.index,
        "project": subject.project,
        "version": subject.version.as_ref().map(ToString::to_string),
        "filename": subject.filename,
        "sha256": subject.sha256,
        "effect": decision.effect(),
        "sentence": decision.sentence(),
        "findings": decision.findings().iter().map(finding).collect::<Vec<_>>(),
        "policy": decision.policy(),
        "changes-at": decision.changes_at(),
    })
}

fn finding(finding: &Finding) -> Value {
    let standing = match &finding.standing {
        Standing::Enforced => "enforced",
        Standing::Observed => "observed",
        Standing::Excepted(_) => "excepted",
        Standing::Waived(_) => "waived",
    };
    json!({
        "rule": finding.rule,
        "effect": finding.effect,
        "standing": standing,
        "message": finding.message,
        "evidence": evidence(finding),
        "about": finding.about,
        "policy-line": finding.line.to_string(),
        "remedy": finding.remedy,
        "until": finding.until,
        "exception": lifted_by(&finding.standing),
    })
}

/// What lifts a finding: an exception in the policy, or a reviewer's waiver.
fn lifted_by(standing: &Standing) -> Value {
    match standing {
        Standing::Enforced | Standing::Observed => Value::Null,
        Standing::Excepted(exception) => json!({
            "reason": exception.reason,
            "owner": exception.owner,
            "expires": exception.expires,
            "policy-line": exception.line.to_string(),
        }),
        Standing::Waived(waiver) => json!({
            "reason": waiver.reason,
            "owner": waiver.owner,
            "expires": waiver.expires,
            "review": waiver.review,
        }),
    }
}

fn evidence(finding: &Finding) -> Map<String, Value> {
    let pair = |(label, value): &(&str, String)| ((*label).to_owned(), Value::from(value.as_str()));
    finding.evidence.iter().map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::rules::testing::{Case, NOW, decide};
    use crate::policy::rules::too_young::TooYoung;
    use proptest::prelude::*;

    fn held() -> Decision {
        decide(
            &TooYoung,
            "days = 3",
            &Case::upstream("flask").uploaded(NOW),
        )
    }

    #[test]
    fn a_refusal_says_what_why_which_line_and_what_now() {
        let decision = held();
        insta::assert_snapshot!(reason_phrase(&decision, "http://gw.example/why/flask"));
        insta::assert_snapshot!(
            serde_json::to_string_pretty(&problem(&decision, "http://gw.example/why/flask", 403))
                .expect("a JSON value")
        );
    }

    #[test]
    fn a_long_reason_is_shortened_and_keeps_its_address() {
        let name = "n".repeat(150);
        let decision = decide(&TooYoung, "", &Case::upstream(&name).uploaded(NOW));
        let url = "http://gw.example/why/n";
        let phrase = reason_phrase(&decision, url);
        assert!(phrase.len() <= MAX_REASON_PHRASE, "{}", phrase.len());
        assert!(phrase.ends_with(url), "{phrase}");
    }

    proptest! {
        #[test]
        fn any_text_becomes_one_printable_line(text in any::<String>()) {
            let line = one_line(&text);
            prop_assert!(line.len() <= MAX_REASON_PHRASE);
            prop_assert!(line.bytes().all(|b| (b' '..=b'~').contains(&b)));
        }
    }
}

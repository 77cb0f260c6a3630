//! A check for programs: one JSON document.

use portcullis_core::inspection::Severity;
use portcullis_core::lint::Fix;
use serde_json::{Map, Value, json};

use super::answer::{Answer, Lines, Place, Shown};

/// The document.
pub(super) fn document(answer: &Answer<'_>) -> String {
    let ignored = answer.ignored.iter().map(|(shown, ignored)| {
        let mut object = finding(shown);
        object["reason"] = json!(ignored.reason);
        object
    });
    let unchecked = answer.unchecked.iter().map(|one| {
        let mut object = json!({ "path": one.path });
        if let Some(line) = one.line {
            object["line"] = json!(line);
        }
        object["why"] = json!(one.why);
        object
    });
    let document = json!({
        "findings": answer.findings.iter().map(finding).collect::<Vec<_>>(),
        "ignored": ignored.collect::<Vec<_>>(),
        "checked": answer.checked,
        "unchecked": unchecked.collect::<Vec<_>>(),
        "summary": summary(answer),
    });
    format!("{document:#}\n")
}

fn summary(answer: &Answer<'_>) -> Value {
    let mut counts = Map::new();
    for severity in Severity::ALL.into_iter().rev() {
        counts.insert(severity.to_string(), json!(answer.count_of(severity)));
    }
    json!({
        "findings": answer.findings.len(),
        "by_severity": counts,
        "failing": answer.findings.iter().filter(|one| answer.counts(one.finding)).count(),
        "fail_on": answer.fail_on.to_string(),
        "ignored": answer.ignored.len(),
        "checked": answer.checked.len(),
        "unchecked": answer.unchecked.len(),
        "seconds": (answer.elapsed.as_secs_f64() * 10_000.0).round() / 10_000.0,
    })
}

fn finding(shown: &Shown<'_>) -> Value {
    let finding = shown.finding;
    let mut object = json!({
        "id": finding.rule,
        "severity": finding.severity.to_string(),
        "path": shown.path,
    });
    add(&mut object, place(shown.place));
    add(
        &mut object,
        json!({
            "message": finding.message,
            "why": finding.why,
            "help": finding.help,
        }),
    );
    if !shown.also.is_empty() {
        object["also"] = shown.also.iter().copied().map(place).collect();
    }
    if let Some(known) = &finding.fix {
        object["fix"] = fix(known, shown.text);
    }
    if let Some(why) = &finding.unmended {
        object["unmended"] = json!(why);
    }
    object
}

fn fix(fix: &Fix, text: &str) -> Value {
    let lines = Lines::of(text);
    let edits = fix.edits.iter().map(|edit| {
        let mut object = place(lines.place(&edit.at));
        object["with"] = json!(edit.with);
        object
    });
    json!({ "what": fix.what, "edits": edits.collect::<Vec<_>>() })
}

fn place(place: Place) -> Value {
    json!({
        "line": place.line,
        "column": place.column,
        "end_line": place.end_line,
        "end_column": place.end_column,
    })
}

fn add(object: &mut Value, more: Value) {
    if let (Value::Object(object), Value::Object(more)) = (object, more) {
        object.extend(more);
    }
}

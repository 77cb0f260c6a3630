//! The rows of an exposure as JSON and as CSV, written while they are read.

use std::io::{BufWriter, Write};

use portcullis_server::flow::exposure::{Exposure, Received};
use portcullis_store::Db;
use portcullis_store::downloads::Download;
use serde_json::{Value, json};

use super::{Question, each};
use crate::output::print_json;

/// The columns of the CSV form.
const COLUMNS: [&str; 17] = [
    "at",
    "index",
    "source",
    "project",
    "version",
    "filename",
    "sha256",
    "size",
    "token",
    "job",
    "address",
    "client",
    "client-version",
    "python",
    "system",
    "ci",
    "decision",
];

/// The same, with one row for each file and identity.
const RECEIPT_COLUMNS: [&str; 15] = [
    "first-at",
    "last-at",
    "times",
    "index",
    "source",
    "project",
    "version",
    "filename",
    "sha256",
    "who",
    "token",
    "job",
    "address",
    "client",
    "client-version",
];

fn head(question: &Question, found: &Exposure) -> Value {
    let mut head = json!({
        "subject": question.subject.to_string(),
        "from": question.span.from,
        "to": question.span.to,
    });
    if let (Some(head), Value::Object(found)) = (head.as_object_mut(), found.to_json()) {
        head.extend(found);
    }
    head
}

pub(super) fn receipts_json(question: &Question, found: &Exposure) -> anyhow::Result<()> {
    print_json(&head(question, found))
}

pub(super) async fn json(db: &Db, question: &Question, found: &Exposure) -> anyhow::Result<()> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut head = head(question, found);
    if let Some(head) = head.as_object_mut() {
        head.shift_remove("receipts");
        head.shift_remove("receipts-in-all");
    }
    let head = serde_json::to_string_pretty(&head)?;
    let head = head.strip_suffix("\n}").unwrap_or(&head);
    write!(out, "{head},\n  \"downloads\": [")?;
    let mut separator = "\n";
    each(db, question, |download| {
        write!(out, "{separator}    {}", as_json(download))?;
        separator = ",\n";
        Ok(())
    })
    .await?;
    let end = if separator == "\n" { "]" } else { "\n  ]" };
    writeln!(out, "{end}\n}}")?;
    Ok(out.flush()?)
}

fn as_json(download: &Download) -> Value {
    json!({
        "at": download.at,
        "index": download.index,
        "source": download.source,
        "project": download.project,
        "version": download.version,
        "filename": download.filename,
        "sha256": download.sha256,
        "size": download.size,
        "token": download.token,
        "job": download.job,
        "address": download.client_addr,
        "client": download.installer,
        "client-version": download.installer_version,
        "python": download.python,
        "system": download.distro,
        "ci": download.ci,
        "user-agent": download.user_agent,
        "decision": download.decision,
    })
}

pub(super) async fn csv(db: &Db, question: &Question) -> anyhow::Result<()> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    write!(out, "{}\r\n", COLUMNS.join(","))?;
    each(db, question, |download| {
        write!(out, "{}\r\n", line(&as_json(download), &COLUMNS))
    })
    .await?;
    Ok(out.flush()?)
}

pub(super) fn receipts_csv(found: &Exposure) -> anyhow::Result<()> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    write!(out, "{}\r\n", RECEIPT_COLUMNS.join(","))?;
    for received in found.receipts.iter().map(Received::to_json) {
        write!(out, "{}\r\n", line(&received, &RECEIPT_COLUMNS))?;
    }
    Ok(out.flush()?)
}

fn line(value: &Value, columns: &[&str]) -> String {
    let cells: Vec<String> = columns.iter().map(|column| cell(&value[column])).collect();
    cells.join(",")
}

/// A value as CSV has it. What clients say of themselves must not become a formula in somebody's
/// spreadsheet, so such a text gets an apostrophe in front, as spreadsheets do it themselves.
fn cell(value: &Value) -> String {
    let text = match value {
        Value::Null => return String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let looks_like_a_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = match looks_like_a_formula {
        true => format!("'{text}"),
        false => text,
    };
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_quoted_where_it_must_be_and_never_a_formula() {
        for (value, expected) in [
            (json!("flask-1.0.tar.gz"), "flask-1.0.tar.gz"),
            (json!("a,b"), "\"a,b\""),
            (json!("say \"no\""), "\"say \"\"no\"\"\""),
            (json!("=1+1"), "'=1+1"),
            (json!("@x\ny"), "\"'@x\ny\""),
            (json!(null), ""),
            (json!(true), "true"),
            (json!(7), "7"),
        ] {
            assert_eq!(cell(&value), expected);
        }
    }
}

//! The rows of an exposure as a table, as JSON and as CSV; the last two written while they are read.

use std::io::{BufWriter, Write};

use portcullis_store::Db;
use portcullis_store::downloads::{Download, RecordedDownload};
use serde_json::{Value, json};

use super::{Asked, Go, Span, Summary, each, identity, is_received};
use crate::output::{print, table};

/// The columns of the CSV form.
const COLUMNS: [&str; 16] = [
    "at",
    "index",
    "source",
    "project",
    "version",
    "filename",
    "sha256",
    "size",
    "token",
    "address",
    "client",
    "client-version",
    "python",
    "system",
    "ci",
    "decision",
];

pub(super) async fn text(
    db: &Db,
    subject: &Asked,
    span: Span,
    summary: &Summary,
    limit: usize,
) -> anyhow::Result<()> {
    let mut rows: Vec<[String; 6]> = Vec::new();
    if limit > 0 && summary.downloads() > 0 {
        each(db, subject, span, |row| {
            if is_received(row) {
                rows.push(cells(row));
            }
            Ok(match rows.len() < limit {
                true => Go::On,
                false => Go::Enough,
            })
        })
        .await?;
    }
    print(&summary.text(subject))?;
    let shown = rows.len() as u64;
    if !rows.is_empty() {
        let head = ["when (UTC)", "who", "client", "python", "ci", "file"];
        print(&format!("\n{}", table(head, rows)))?;
    }
    if shown < summary.downloads() {
        let more = summary.downloads() - shown;
        print(&format!(
            "\n{more} more:  --limit N, or all of them with --format csv"
        ))?;
    }
    Ok(())
}

fn cells(row: &RecordedDownload) -> [String; 6] {
    let download = &row.download;
    let at = download.at.to_minute();
    [
        at.trim_end_matches(" UTC").to_owned(),
        identity(row).to_owned(),
        client(download),
        download.python.clone().unwrap_or_default(),
        download
            .ci
            .map_or("", |ci| if ci { "yes" } else { "no" })
            .to_owned(),
        download.filename.clone(),
    ]
}

fn client(download: &Download) -> String {
    match (&download.installer, &download.installer_version) {
        (Some(installer), Some(version)) => format!("{installer} {version}"),
        (Some(installer), None) => installer.clone(),
        (None, _) => {
            let said = download.user_agent.as_deref().unwrap_or_default();
            said.split_whitespace()
                .next()
                .unwrap_or_default()
                .to_owned()
        }
    }
}

pub(super) async fn json(
    db: &Db,
    subject: &Asked,
    span: Span,
    summary: &Summary,
) -> anyhow::Result<()> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    let head = json!({
        "subject": subject.to_string(),
        "from": span.from,
        "to": span.to,
        "summary": summary.json(),
    });
    let head = serde_json::to_string_pretty(&head)?;
    let head = head.strip_suffix("\n}").unwrap_or(&head);
    write!(out, "{head},\n  \"downloads\": [")?;
    let mut separator = "\n";
    each(db, subject, span, |row| {
        if is_received(row) {
            write!(out, "{separator}    {}", as_json(&row.download))?;
            separator = ",\n";
        }
        Ok(Go::On)
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

pub(super) async fn csv(db: &Db, subject: &Asked, span: Span) -> anyhow::Result<()> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    write!(out, "{}\r\n", COLUMNS.join(","))?;
    each(db, subject, span, |row| {
        if is_received(row) {
            let value = as_json(&row.download);
            let cells = COLUMNS.map(|column| cell(&value[column]));
            write!(out, "{}\r\n", cells.join(","))?;
        }
        Ok(Go::On)
    })
    .await?;
    Ok(out.flush()?)
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

//! `portcullis stats`: what was asked for and what was refused, at a glance.

use std::io::{BufWriter, Write as _};

use clap::{Args, ValueEnum};
use portcullis_core::time::Timestamp;
use portcullis_server::statistics::{Inquiry, Order, Report, date};
use portcullis_store::statistics::{By, Total};

use crate::context::{Absence, Place, now, wait_for};
use crate::exit::Exit;
use crate::moment;
use crate::output::{paragraph, print, print_json, table};

/// Show what was asked for and what was refused
///
/// Counts installs that were let through (downloads), held, denied, or asked for what nobody has. A
/// page and the file that is asked for after it count once. Kept for 400 days.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  portcullis stats --by name --refused --from 2026-11-01")]
pub struct Stats {
    #[command(flatten)]
    place: Place,
    /// By what the counts are told apart
    #[arg(long, value_enum, default_value_t)]
    by: Grouping,
    /// From this date or RFC 3339 time on [default: 30 days up to the end]
    #[arg(long, value_name = "TIME", value_parser = moment::beginning)]
    from: Option<Timestamp>,
    /// Up to this date (the whole day) or RFC 3339 time [default: now]
    #[arg(long, value_name = "TIME", value_parser = moment::end)]
    to: Option<Timestamp>,
    /// Only of this index
    #[arg(long, value_name = "INDEX")]
    index: Option<String>,
    /// Only what was refused, the most often refused first
    #[arg(long)]
    refused: bool,
    /// At most so many rows
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: u32,
    /// The form of the answer
    #[arg(long, value_enum, default_value_t)]
    format: Form,
}

/// By what counts are told apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Grouping {
    /// The rule that decided
    #[default]
    Rule,
    /// The project's name
    Name,
    /// The installer
    Client,
    /// The day (UTC)
    Day,
    /// The token
    Token,
    /// The index
    Index,
}

impl From<Grouping> for By {
    fn from(grouping: Grouping) -> Self {
        match grouping {
            Grouping::Rule => Self::Rule,
            Grouping::Name => Self::Name,
            Grouping::Client => Self::Client,
            Grouping::Day => Self::Day,
            Grouping::Token => Self::Token,
            Grouping::Index => Self::Index,
        }
    }
}

/// The form of the answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For people
    #[default]
    Text,
    /// One JSON document, for programs
    Json,
    /// Comma-separated values with a head (RFC 4180)
    Csv,
}

impl Stats {
    /// Answers.
    pub fn run(self) -> anyhow::Result<Exit> {
        wait_for(self.answer())
    }

    async fn answer(self) -> anyhow::Result<Exit> {
        let opened = self.place.database(Absence::Refused).await?;
        let inquiry = Inquiry {
            by: self.by.into(),
            from: self.from,
            to: self.to,
            index: self.index,
            order: match self.refused {
                true => Order::RefusedOnly,
                false => Order::All,
            },
            limit: self.limit,
        };
        let report = inquiry.answer(&opened.db, now()).await?;
        opened.db.close().await;
        match self.format {
            Form::Text => print(&text(&report))?,
            Form::Json => print_json(&report.to_json())?,
            Form::Csv => csv(&report)?,
        }
        Ok(Exit::Clean)
    }
}

fn text(report: &Report) -> String {
    let overall = &report.overall;
    let last = date(report.to.plus_millis(-1));
    let span = format!("{} to {last} (UTC)", date(report.from));
    if overall.asked() == 0 {
        return format!("Nothing was asked for, {span}.");
    }
    let mut text = paragraph(
        0,
        &format!(
            "{} installs refused ({} denied, {} held), {} let through, {} asked for what nobody \
             has; {span}.",
            grouped(overall.refused()),
            grouped(overall.denied),
            grouped(overall.held),
            grouped(overall.allowed + overall.warned),
            grouped(overall.absent),
        ),
    );
    let head = [
        report.by.as_str(),
        "refused",
        "denied",
        "held",
        "passed",
        "absent",
    ];
    text += "\n";
    text += &table(head, report.rows.iter().map(cells));
    if report.more > 0 {
        text += &format!("\n{} more:  --limit N\n", report.more);
    }
    text
}

fn cells(row: &Total) -> [String; 6] {
    let key = match row.key.as_str() {
        "" => "-".to_owned(),
        key => key.to_owned(),
    };
    let counts = [
        row.refused(),
        row.denied,
        row.held,
        row.allowed + row.warned,
        row.absent,
    ];
    let [refused, denied, held, passed, absent] = counts.map(|count| match count {
        0 => String::new(),
        count => grouped(count),
    });
    [key, refused, denied, held, passed, absent]
}

/// `7,500`.
fn grouped(number: i64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn csv(report: &Report) -> anyhow::Result<()> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    let by = report.by;
    write!(
        out,
        "{by},asked,refused,allowed,warned,held,denied,absent\r\n"
    )?;
    for row in &report.rows {
        let counts = [
            row.asked(),
            row.refused(),
            row.allowed,
            row.warned,
            row.held,
            row.denied,
            row.absent,
        ];
        let counts = counts.map(|count| count.to_string()).join(",");
        write!(out, "{},{counts}\r\n", cell(&row.key))?;
    }
    Ok(out.flush()?)
}

/// A key as CSV has it. What clients say of themselves must not become a formula in somebody's
/// spreadsheet, so such a text gets an apostrophe in front.
fn cell(key: &str) -> String {
    let text = match key.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => format!("'{key}"),
        false => key.to_owned(),
    };
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let row = |key: &str, denied, allowed| Total {
            key: key.to_owned(),
            denied,
            allowed,
            ..Total::default()
        };
        let rows = vec![row("stdlib-name", 7500, 0), row("", 0, 1234567)];
        Report {
            by: By::Rule,
            from: "2026-11-18".parse().expect("a date"),
            to: "2026-11-22".parse().expect("a date"),
            overall: row("", 7500, 1234567),
            rows,
            more: 3,
        }
    }

    #[test]
    fn what_was_refused_is_seen_at_a_glance_in_80_columns() {
        let text = text(&report());
        assert!(text.lines().all(|line| line.chars().count() <= 80));
        insta::assert_snapshot!(text);
    }

    #[test]
    fn numbers_are_grouped_and_keys_are_no_formulas() {
        for (number, expected) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (7654321, "7,654,321"),
        ] {
            assert_eq!(grouped(number), expected);
        }
        assert_eq!(cell("=1+1"), "'=1+1");
        assert_eq!(cell("a,\"b"), "\"a,\"\"b\"");
    }
}

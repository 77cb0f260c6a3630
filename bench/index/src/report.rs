//! What a run came to, in Markdown for people and as JSON for programs.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::figures::{Bound, Figures, Verdict};
use crate::work::Extent;

/// The tables: figures beside their limits, then every median.
pub(crate) fn markdown(figures: &Figures, verdicts: &[Verdict], extent: &Extent) -> String {
    let mut text = format!(
        "{} rounds, {} s a cell, load at the end {}.\n\n\
         | work | part | quantity | figure | limit | reached |\n|---|---|---|---|---|---|\n",
        extent.rounds,
        extent.seconds,
        load()
    );
    for verdict in verdicts {
        let limit = verdict.limit;
        let (bound, reached) = match (limit.bound, verdict.holds()) {
            _ if limit.limit == 0.0 && limit.bound == Bound::AtLeast => ("–".to_owned(), ""),
            _ if limit.limit.is_infinite() => ("–".to_owned(), ""),
            (Bound::AtLeast, holds) => (format!("≥ {}", limit.limit), word(holds)),
            (Bound::AtMost, holds) => (format!("≤ {}", limit.limit), word(holds)),
        };
        let what = &verdict.what;
        let _ = writeln!(
            text,
            "| {} | {} | {} {} | {} | {bound} | {reached} |",
            what.work,
            what.part,
            what.quantity,
            verdict.beside,
            number(verdict.median),
        );
    }
    text.push_str("\n| work | part | quantity | medians |\n|---|---|---|---|\n");
    for (what, servers) in figures.all() {
        let medians = servers.keys().filter_map(|who| {
            let median = figures.median(what, *who)?;
            Some(format!("{} {}", who.name(), number(median)))
        });
        let medians: Vec<String> = medians.collect();
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} |",
            what.work,
            what.part,
            what.quantity,
            medians.join("; ")
        );
    }
    text
}

fn word(holds: bool) -> &'static str {
    match holds {
        true => "yes",
        false => "**no**",
    }
}

/// Three digits that count.
fn number(value: f64) -> String {
    let decimals = match value.abs() {
        0.0 => 0,
        small if small < 0.1 => 4,
        small if small < 1.0 => 3,
        small if small < 10.0 => 2,
        small if small < 100.0 => 1,
        _ => 0,
    };
    format!("{value:.decimals$}")
}

/// The machine's load over the last minute.
fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}

/// Everything, with what each limit came to.
pub(crate) fn json(figures: &Figures, verdicts: &[Verdict], extent: &Extent) -> Value {
    let verdicts: Vec<Value> = verdicts
        .iter()
        .map(|verdict| {
            json!({
                "work": verdict.what.work,
                "part": verdict.what.part,
                "quantity": verdict.what.quantity,
                "beside": verdict.beside,
                "median": verdict.median,
                "limit": verdict.limit.limit,
                "reached": verdict.holds(),
            })
        })
        .collect();
    json!({
        "rounds": extent.rounds,
        "seconds": extent.seconds,
        "load": load(),
        "limits": verdicts,
        "figures": figures.to_json(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_digits_that_count() {
        for (value, expected) in [
            (0.0, "0"),
            (0.0123, "0.0123"),
            (0.5, "0.500"),
            (1.234, "1.23"),
            (12.34, "12.3"),
            (1234.5, "1234"),
            (-2.0, "-2.00"),
        ] {
            assert_eq!(number(value), expected);
        }
    }
}

//! A scan for people: each finding as a compiler shows an error, with its line, how the data travelled,
//! why it matters and what to do. Information is only counted.

use std::ops::Range;
use std::time::Duration;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use portcullis_core::inspection::{Context, Inspected, Observation};
use portcullis_core::policy::Effect;
use portcullis_inspect::inspection::manual;

use super::Scanned;
use super::verdict::Judge;
use crate::output::{Look, count, visible};

/// Findings of one input that are shown in full.
const SHOWN: usize = 20;
/// The width of prose below a finding, in columns.
const PROSE: usize = 62;
/// As much of a line of source as is shown, in characters.
const LINE: usize = 80;
/// As much of it as is shown before the place of a finding.
const BEFORE: usize = 24;
/// More than all of this together, so that nothing is cut by the renderer.
const WIDTH: usize = 200;

/// All of it, which took `elapsed`.
pub(super) fn all(scanned: &[Scanned], judge: &Judge, elapsed: Duration, look: Look) -> String {
    let renderer = look.renderer(WIDTH);
    let mut text = String::new();
    for one in scanned {
        match &one.outcome {
            Ok(inspection) => text.push_str(&input(one, inspection, judge, &renderer)),
            Err(error) => {
                let error = format!("unknown  {error:#}");
                for line in error.lines() {
                    text.push_str(&folded(&visible(line)));
                }
                text.push('\n');
            }
        }
    }
    text.push_str(&summary(scanned, judge, elapsed));
    text
}

fn input(scanned: &Scanned, inspection: &Inspected, judge: &Judge, renderer: &Renderer) -> String {
    let file = scanned.filename.as_ref();
    let verdict = judge.effect(file, inspection);
    let from = scanned.from.as_ref().map(|from| format!(" ({from})"));
    let named = format!("{}{}", scanned.path, from.unwrap_or_default());
    let mut text = format!("{verdict:<5}  {}\n", visible(&named));
    let observations = inspection.observations.iter();
    let judged = observations.map(|seen| (seen, judge.of_one(file, inspection, seen)));
    let counted = |(_, verdict): &(&Observation, Effect)| *verdict > Effect::Allow;
    let findings: Vec<(&Observation, Effect)> = judged.filter(counted).collect();
    for (seen, verdict) in findings.iter().take(SHOWN) {
        text.push('\n');
        text.push_str(&finding(inspection, seen, *verdict, renderer));
        text.push('\n');
    }
    let hidden = findings.len().saturating_sub(SHOWN);
    let notes = inspection.observations.len() - findings.len();
    let mut more = Vec::new();
    if hidden > 0 {
        more.push(format!("{} more", count(hidden as u64, "finding")));
    }
    if notes > 0 {
        more.push(format!(
            "{} that nothing speaks against",
            count(notes as u64, "observation")
        ));
    }
    if !more.is_empty() {
        let gap = if findings.is_empty() { "" } else { "\n" };
        text.push_str(&format!("{gap}       {}: --format json\n", more.join(", ")));
    }
    if !inspection.complete {
        text.push_str(
            "       not all of it could be inspected, so nobody knows what the rest does\n",
        );
    }
    text.push('\n');
    text
}

/// One finding, as a compiler shows an error.
fn finding(
    inspection: &Inspected,
    seen: &Observation,
    verdict: Effect,
    renderer: &Renderer,
) -> String {
    let level = match verdict {
        Effect::Deny => Level::ERROR,
        Effect::Hold | Effect::Warn => Level::WARNING,
        Effect::Allow => Level::INFO,
    };
    let level = level.with_name(verdict.to_string());
    let group = level.primary_title(visible(&seen.message)).id(&*seen.rule);
    let group = place(inspection, seen, group.elements(Vec::<Origin<'_>>::new()));
    let circumstances = format!("{}, {} % sure", when(seen), seen.confidence.per_cent());
    let mut notes = vec![(seen.severity.to_string(), circumstances)];
    if seen.chain.len() > 1 {
        notes.push(("how".to_owned(), chain(seen)));
    }
    if let Some(manual) = manual(&seen.rule) {
        notes.push(("why".to_owned(), wrapped(manual.why())));
    }
    notes.push((
        "what to do".to_owned(),
        wrapped(&advice(verdict, &seen.rule)),
    ));
    let notes = notes
        .into_iter()
        .map(|(name, note)| Level::NOTE.with_name(name).message(note));
    renderer.render(&[group.elements(notes)]).to_string()
}

/// Adds where it is: the line where there is one, else the file.
fn place<'a>(inspection: &Inspected, seen: &Observation, group: Group<'a>) -> Group<'a> {
    let file = match seen.layer {
        0 => visible(&seen.file),
        1 => format!("{} (decoded)", visible(&seen.file)),
        layers => format!("{} (decoded {layers} times)", visible(&seen.file)),
    };
    let Some((line, marked)) = line(inspection, seen) else {
        let origin = Origin::path(file);
        return group.element(match seen.line {
            0 => origin,
            line => origin.line(line as usize),
        });
    };
    let snippet = Snippet::source(line)
        .line_start(seen.line as usize)
        .path(file)
        .fold(false);
    group.element(snippet.annotation(AnnotationKind::Primary.span(marked)))
}

/// The line that a finding is about and what is marked in it, in bytes. The text of decoded layers is
/// not kept.
fn line(inspection: &Inspected, seen: &Observation) -> Option<(String, Range<usize>)> {
    if seen.layer > 0 {
        return None;
    }
    let excerpt = inspection.excerpt(&seen.file, seen.line)?;
    let text = visible(&excerpt.text.replace('\t', " "));
    let indent = text
        .chars()
        .take_while(|character| *character == ' ')
        .count();
    let place = seen
        .column
        .saturating_sub(1)
        .saturating_sub(excerpt.skipped) as usize;
    let place = if seen.column == 0 { indent } else { place };
    let skipped = match text.chars().nth(LINE) {
        Some(_) => place.saturating_sub(BEFORE),
        None => 0,
    };
    let shown: String = text.chars().skip(skipped).take(LINE).collect();
    let start = shown
        .char_indices()
        .nth(place - skipped)
        .map(|(at, _)| at)?;
    let length = match seen.column {
        0 => shown[start..].trim_end().len(),
        _ => expression(&shown[start..]),
    };
    (length > 0).then_some((shown, start..start + length))
}

/// The bytes of `code` up to the parenthesis that closes its first call; all of it where none does, as
/// in a call that goes on in the next line.
fn expression(code: &str) -> usize {
    let mut depth = 0;
    for (at, character) in code.char_indices() {
        match character {
            '(' => depth += 1,
            ')' if depth == 1 => return at + 1,
            ')' => depth -= 1,
            _ => {}
        }
    }
    code.trim_end().len()
}

/// Each step on a line of its own, with its place.
fn chain(seen: &Observation) -> String {
    let steps = seen.chain.iter().map(|step| {
        let place = &step.place;
        let what: String = visible(&step.text).chars().take(PROSE).collect();
        match place.layer {
            0 => format!("{what} ({}:{})", visible(&place.file), place.line),
            _ => format!("{what} (decoded, line {})", place.line),
        }
    });
    steps.collect::<Vec<_>>().join("\n→ ")
}

fn when(seen: &Observation) -> &'static str {
    match seen.context {
        Context::Install => "when it is built or installed",
        Context::Startup => "at each start of Python",
        Context::Import => "when it is imported",
        Context::Entry => "when one of its commands is run",
        Context::Call => "when something calls it",
        Context::Test => "in tests, documentation or examples",
    }
}

fn advice(verdict: Effect, rule: &str) -> String {
    let what = match verdict {
        Effect::Deny => {
            "do not install it. Where it was installed, treat every secret that the machine could read \
             as known to others"
        }
        Effect::Hold => "have somebody read the code shown before it is used",
        Effect::Warn | Effect::Allow => {
            "read the code shown, and compare it with the version before"
        }
    };
    match manual(rule) {
        Some(_) => format!("{what}. The manual: portcullis rules {rule}"),
        None => what.to_owned(),
    }
}

/// A line in as many as fit into 80 columns, those after the first where the text of the first begins.
fn folded(line: &str) -> String {
    let (head, text) = match line.split_once(' ') {
        Some((head @ "unknown", text)) => (format!("{head}  "), text),
        _ => ("  ".to_owned(), line),
    };
    let mut folded = String::new();
    let mut row = head.clone();
    for word in text.split_whitespace() {
        let is_first = row.chars().count() <= head.chars().count();
        if !is_first && row.chars().count() + 1 + word.chars().count() > LINE {
            folded.push_str(row.trim_end());
            folded.push('\n');
            row = " ".repeat(head.chars().count());
        } else if !is_first {
            row.push(' ');
        }
        row.push_str(word);
    }
    folded.push_str(row.trim_end());
    folded.push('\n');
    folded
}

fn wrapped(text: &str) -> String {
    crate::output::wrapped(text, PROSE)
}

/// The last line: how much there was, how long it took, and the verdicts.
fn summary(scanned: &[Scanned], judge: &Judge, elapsed: Duration) -> String {
    let inspections = || scanned.iter().filter_map(|one| one.outcome.as_ref().ok());
    let modules: usize = inspections().map(|one| one.statistics.modules).sum();
    let seconds = elapsed.as_secs_f64();
    let mut parts = vec![format!(
        "{}, {}, {seconds:.2} s",
        count(scanned.len() as u64, "input"),
        count(modules as u64, "module"),
    )];
    let mut findings = Vec::new();
    let mut worst = Effect::Allow;
    for one in scanned {
        let Ok(inspection) = &one.outcome else {
            continue;
        };
        let file = one.filename.as_ref();
        let observations = inspection.observations.iter();
        findings.extend(observations.map(|seen| judge.of_one(file, inspection, seen)));
        worst = worst.max(judge.effect(file, inspection));
    }
    for verdict in Effect::ALL
        .into_iter()
        .rev()
        .filter(|verdict| *verdict > Effect::Allow)
    {
        let number = findings.iter().filter(|one| **one == verdict).count();
        if number > 0 {
            parts.push(format!("{number} {verdict}"));
        }
    }
    let unknown = scanned.len() - inspections().count();
    if unknown > 0 {
        parts.push(format!("{unknown} not inspected"));
    }
    let verdict = if unknown > 0 {
        worst.max(Effect::Hold)
    } else {
        worst
    };
    parts.push(format!("verdict {verdict}"));
    format!("{}\n", parts.join(" · "))
}

//! A check for people: each finding as a compiler shows an error, with its line, what can happen and what to
//! do. Passwords in a line are covered up, because what a build shows is read by more people than its files.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Level, Origin, Renderer, Snippet};
use portcullis_core::inspection::Severity;

use super::answer::{Answer, Place, Shown};
use crate::output::{Look, count, visible, wrapped};

/// The columns beside a line of source, for its number and the frame.
const MARGIN: usize = 10;
/// The columns beside a note, for the frame and the longest name of one.
const NOTE_MARGIN: usize = 16;
/// As much of a line of source as is shown before the place of a finding, in characters.
const BEFORE: usize = 24;
/// Runs of further lines that are listed.
const RUNS: usize = 8;

/// All of it, `width` columns wide.
pub(super) fn all(answer: &Answer<'_>, look: Look, width: usize) -> String {
    // Lines are cut here, around what is marked; the renderer cuts nothing.
    let renderer = look.renderer(4 * width.max(80));
    let mut text = String::new();
    for shown in &answer.findings {
        text.push_str(&finding(shown, &renderer, width));
        text.push_str("\n\n");
    }
    text.push_str(&unchecked(answer, width));
    text.push_str(&summary(answer));
    text
}

fn finding(shown: &Shown<'_>, renderer: &Renderer, width: usize) -> String {
    let finding = shown.finding;
    let level = match finding.severity {
        Severity::Critical | Severity::High => Level::ERROR,
        Severity::Medium | Severity::Low => Level::WARNING,
        Severity::Info => Level::INFO,
    };
    let level = level.with_name(finding.severity.to_string());
    let title = visible(&finding.message);
    let group = level.primary_title(title).id(finding.rule);
    let path = visible(&shown.path);
    let group = match line(shown, width.saturating_sub(MARGIN)) {
        Some((line, marked)) => group.element(
            Snippet::source(line)
                .line_start(shown.place.line)
                .path(path)
                .fold(false)
                .annotation(AnnotationKind::Primary.span(marked)),
        ),
        None => group.element(Origin::path(path).line(shown.place.line)),
    };
    let prose = width.saturating_sub(NOTE_MARGIN);
    let notes = notes(shown).into_iter().map(|(name, note)| {
        let note = wrapped(&visible(&note), prose);
        Level::NOTE.with_name(name).message(note)
    });
    renderer.render(&[group.elements(notes)]).to_string()
}

fn notes(shown: &Shown<'_>) -> Vec<(&'static str, String)> {
    let finding = shown.finding;
    let mut notes = Vec::new();
    if !shown.also.is_empty() {
        notes.push(("also", runs(&shown.also)));
    }
    if !finding.why.is_empty() {
        notes.push(("why", finding.why.clone()));
    }
    if !finding.help.is_empty() {
        notes.push(("help", finding.help.clone()));
    }
    if let Some(fix) = &finding.fix {
        notes.push(("fix", format!("{} (portcullis check --fix)", fix.what)));
    }
    if let Some(why) = &finding.unmended {
        notes.push(("fix", why.clone()));
    }
    notes.push(("more", format!("portcullis rules {}", finding.rule)));
    notes
}

/// Lines as they are told: `lines 8, 10-31 and 4 more`.
fn runs(places: &[Place]) -> String {
    let mut lines: Vec<usize> = places.iter().map(|place| place.line).collect();
    lines.sort_unstable();
    lines.dedup();
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for line in lines {
        match runs.last_mut().filter(|(_, last)| *last + 1 == line) {
            Some((_, last)) => *last = line,
            None => runs.push((line, line)),
        }
    }
    let is_one = matches!(runs[..], [(first, last)] if first == last);
    let shown = runs
        .iter()
        .take(RUNS)
        .map(|(first, last)| match first == last {
            true => first.to_string(),
            false => format!("{first}-{last}"),
        });
    let shown: Vec<String> = shown.collect();
    let name = if is_one { "line" } else { "lines" };
    let more = match runs.len().saturating_sub(RUNS) {
        0 => String::new(),
        more => format!(" and {}", count(more as u64, "more place")),
    };
    format!("{name} {}{more}", shown.join(", "))
}

/// The line that a finding begins in, cut to `width`, and what is marked in it, in bytes.
fn line(shown: &Shown<'_>, width: usize) -> Option<(String, Range<usize>)> {
    let text = shown.text;
    let at = shown.finding.at.start.min(text.len());
    let start = text.get(..at)?.rfind('\n').map_or(0, |end| end + 1);
    let end = text[start..]
        .find('\n')
        .map_or(text.len(), |end| start + end);
    let line = text[start..end].trim_end_matches('\r');
    if line.trim().is_empty() {
        return None;
    }
    // Every character stays one, so that places in the line can be told by their number.
    let characters = line.char_indices().map(|(offset, character)| {
        let place = start + offset;
        let is_secret = shown.secrets.iter().any(|secret| secret.contains(&place));
        match is_secret {
            true => '*',
            false => visible_one(character),
        }
    });
    let mut characters: Vec<char> = characters.collect();
    let from = shown.place.column - 1;
    let marked_end = match shown.place.end_line == shown.place.line {
        true => shown.place.end_column - 1,
        false => characters.len(),
    };
    let skipped = match characters.len() > width {
        true => from.saturating_sub(BEFORE),
        false => 0,
    };
    let end = characters.len().min(skipped + width);
    if end < characters.len() {
        characters[end - 1] = '…';
    }
    if skipped > 0 {
        characters[skipped] = '…';
    }
    let part = |from: usize, to: usize| -> String {
        characters
            .get(from..to)
            .unwrap_or_default()
            .iter()
            .collect()
    };
    let before = part(skipped, from).len();
    let marked = part(from, marked_end.min(end)).trim_end().len();
    Some((part(skipped, end), before..before + marked))
}

fn visible_one(character: char) -> char {
    match character {
        '\t' => ' ',
        character => visible(character.encode_utf8(&mut [0; 4]))
            .chars()
            .next()
            .unwrap_or('\u{fffd}'),
    }
}

/// What was not checked, and why, in as many lines as it takes.
fn unchecked(answer: &Answer<'_>, width: usize) -> String {
    let mut text = String::new();
    for one in &answer.unchecked {
        let line = one.line.map(|line| format!(":{line}")).unwrap_or_default();
        text.push_str(&format!("not checked  {}{line}\n", visible(&one.path)));
        let why = wrapped(&visible(&one.why), width.saturating_sub(13));
        for line in why.lines() {
            text.push_str(&format!("             {line}\n"));
        }
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

/// The last line: how much there was, and how long it took.
fn summary(answer: &Answer<'_>) -> String {
    let mut by_severity = Vec::new();
    for severity in Severity::ALL.into_iter().rev() {
        match answer.count_of(severity) {
            0 => {}
            number => by_severity.push(format!("{number} {severity}")),
        }
    }
    let mut files: Vec<&str> = answer
        .findings
        .iter()
        .map(|one| one.path.as_str())
        .collect();
    files.sort_unstable();
    files.dedup();
    let checked = answer.checked.len() as u64;
    let found = match answer.findings.len() as u64 {
        0 => format!("No findings in {}", count(checked, "file")),
        number => format!(
            "{} ({}) in {} of {}",
            count(number, "finding"),
            by_severity.join(", "),
            files.len(),
            count(checked.max(files.len() as u64), "file"),
        ),
    };
    let mut parts = vec![found];
    if !answer.ignored.is_empty() {
        parts.push(format!("{} ignored", answer.ignored.len()));
    }
    if !answer.unchecked.is_empty() {
        parts.push(format!("{} not checked", answer.unchecked.len()));
    }
    parts.push(format!("{:.2} s", answer.elapsed.as_secs_f64()));
    format!("{}\n", parts.join(" · "))
}

#[cfg(test)]
mod tests;

//! The words of a finding over observations. Names and messages come out of the archive, so that they are
//! made short and printable here; the worst comes first, since some clients show one line.

use std::collections::BTreeSet;

use super::{Concern, Part};
use crate::digest::Sha256;
use crate::inspection::{Observation, Place, Step};
use crate::policy::Effect;
use crate::policy::rule::Found;

/// The longest name of a file in a message, and in evidence; and the longest text in both, in characters.
const FILE: usize = 60;
const LONG_FILE: usize = 240;
const TEXT: usize = 160;

/// How many steps of a chain are told at its beginning, and how many at its end.
const FIRST_STEPS: usize = 3;
const LAST_STEPS: usize = 4;

/// How many findings are named beside the worst.
const NAMED: usize = 5;

/// How many things a waiver remembers one by one. More are remembered as one thing: all of them together.
const REMEMBERED: usize = 200;

/// What is found, the worst of `concerns` first.
pub(super) fn found(part: Part, concerns: &[Concern<'_>]) -> Found {
    let Some((worst, others)) = concerns.split_first() else {
        return Found::new("nothing was found", "nothing needs to be done");
    };
    let found = Found::new(message(worst, others.len()), remedy(part, worst));
    let Some(seen) = worst.seen else {
        return with_others(found, others);
    };
    let mut found = found.because("finding", format!("{} ({})", id(seen), seen.severity));
    if !seen.chain.is_empty() {
        found = found.because("chain", chain(&seen.chain));
    }
    if !seen.is_about_completeness() {
        if part == Part::Code {
            found = found.because("runs", seen.context.when());
        }
        found = found.because("confidence", format!("{} %", seen.confidence.per_cent()));
    }
    with_others(found, others)
}

/// `demo/__init__.py line 3: secrets are sent to https://collect.invalid (NET-001); 2 more findings`.
fn message(worst: &Concern<'_>, more: usize) -> String {
    let first = match worst.seen {
        None => "not all of it could be looked at".to_owned(),
        Some(seen) => {
            let not_all = match seen.is_about_completeness() {
                true => "not all of it could be looked at: ",
                false => "",
            };
            let what = plain(&seen.message, TEXT);
            format!("{not_all}{}: {what} ({})", place(seen), id(seen))
        }
    };
    match more {
        0 => first,
        1 => format!("{first}; 1 more finding"),
        more => format!("{first}; {more} more findings"),
    }
}

fn remedy(part: Part, worst: &Concern<'_>) -> &'static str {
    match (part, worst.effect) {
        _ if worst.is_about_completeness() => {
            "use another version, or have a reviewer look at what was not inspected"
        }
        (Part::Code, Effect::Deny) => {
            "do not install it; where it was installed, treat machine and secrets as compromised"
        }
        (Part::Code, _) => "use an earlier version, or have a reviewer look at the place",
        (Part::Archive, _) => {
            "use another file or version of it, and tell whoever publishes it to build it anew"
        }
    }
}

fn with_others(found: Found, others: &[Concern<'_>]) -> Found {
    if others.is_empty() {
        return found;
    }
    let mut named: Vec<String> = others.iter().take(NAMED).map(in_short).collect();
    if others.len() > NAMED {
        named.push(format!("and {} more", others.len() - NAMED));
    }
    found.because("others", named.join(", "))
}

fn in_short(concern: &Concern<'_>) -> String {
    match concern.seen {
        Some(seen) => format!("{} {}", id(seen), at(&seen.file, seen.line, seen.layer)),
        None => "a part that was not looked at".to_owned(),
    }
}

/// The steps from source to sink, each with its place; of a long chain its beginning and its end.
fn chain(steps: &[Step]) -> String {
    let told = |step: &Step| {
        let Place {
            file, line, layer, ..
        } = &step.place;
        format!("{} ({})", plain(&step.text, TEXT), at(file, *line, *layer))
    };
    let mut parts: Vec<String> = Vec::new();
    match steps.len() > FIRST_STEPS + LAST_STEPS {
        false => parts.extend(steps.iter().map(told)),
        true => {
            let left_out = steps.len() - FIRST_STEPS - LAST_STEPS;
            parts.extend(steps[..FIRST_STEPS].iter().map(told));
            parts.push(format!("{left_out} more steps"));
            parts.extend(steps[steps.len() - LAST_STEPS..].iter().map(told));
        }
    }
    parts.join(" → ")
}

/// `demo/__init__.py line 3`.
fn place(seen: &Observation) -> String {
    let file = tail(&seen.file, FILE);
    match (seen.line, seen.layer) {
        (0, _) => file,
        (line, 0) => format!("{file} line {line}"),
        (line, _) => format!("{file}, decoded, line {line}"),
    }
}

/// `demo/__init__.py:3`.
fn at(file: &str, line: u32, layer: u8) -> String {
    let file = tail(file, LONG_FILE);
    match (line, layer) {
        (0, _) => file,
        (line, 0) => format!("{file}:{line}"),
        (line, _) => format!("{file}, decoded:{line}"),
    }
}

fn id(seen: &Observation) -> String {
    plain(&seen.rule, 36)
}

/// What waivers remember of `concerns`, in a fixed order.
pub(super) fn identities(concerns: &[Concern<'_>]) -> Vec<String> {
    let all: BTreeSet<String> = concerns.iter().map(Concern::identity).collect();
    if all.len() <= REMEMBERED {
        return all.into_iter().collect();
    }
    let mut together = String::new();
    for one in &all {
        together.push_str(one);
        together.push('\n');
    }
    vec![format!(
        "{} findings:{}",
        all.len(),
        Sha256::of(together.as_bytes())
    )]
}

/// `text` in one line of at most `most` characters without any that steer a terminal or turn text around.
pub(super) fn plain(text: &str, most: usize) -> String {
    let mut shown: String = text.chars().take(most).map(visible).collect();
    if text.chars().nth(most).is_some() {
        shown.push_str("...");
    }
    shown
}

/// The same of a path, of which the end says more than the beginning.
fn tail(path: &str, most: usize) -> String {
    let length = path.chars().count();
    match length > most {
        false => plain(path, most),
        true => {
            let end: String = path.chars().skip(length - most).map(visible).collect();
            format!("...{end}")
        }
    }
}

fn visible(character: char) -> char {
    match character {
        '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}'
        | '\u{feff}' => char::REPLACEMENT_CHARACTER,
        '\n' | '\r' | '\t' => ' ',
        control if control.is_control() => char::REPLACEMENT_CHARACTER,
        other => other,
    }
}

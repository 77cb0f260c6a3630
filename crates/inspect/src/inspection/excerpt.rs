//! Excerpts: the line that a finding is about, for people who read findings. Only lines of files as
//! they stand: a decoded layer is not kept.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use portcullis_core::inspection::{Excerpt, Observation};

/// As much of a line as is kept, in characters.
const KEPT: usize = 240;
/// As much as is kept of what stands before the place, where the line is longer.
const BEFORE: usize = 60;

/// The files that observations may point into.
pub(super) trait Texts {
    /// The bytes of the file of this name, as it stands; `None` when it was not kept.
    fn text(&mut self, name: &str) -> Option<&[u8]>;
}

/// The lines that `observations` and their chains point at.
pub(super) fn excerpts(observations: &[Observation], texts: &mut dyn Texts) -> Vec<Excerpt> {
    let mut wanted: BTreeMap<Arc<str>, BTreeSet<(u32, u32)>> = BTreeMap::new();
    let mut want = |file: &Arc<str>, line, column, layer| {
        if layer == 0 && line > 0 {
            wanted
                .entry(file.clone())
                .or_default()
                .insert((line, column));
        }
    };
    for seen in observations {
        want(&seen.file, seen.line, seen.column, seen.layer);
        for step in &seen.chain {
            let place = &step.place;
            want(&place.file, place.line, place.column, place.layer);
        }
    }
    let mut found = Vec::new();
    for (file, places) in wanted {
        let Some(text) = texts.text(&file) else {
            continue;
        };
        let mut places = places.into_iter().peekable();
        for (number, line) in (1u32..).zip(text.split(|byte| *byte == b'\n')) {
            let Some((_, column)) = places.next_if(|(wanted, _)| *wanted == number) else {
                continue;
            };
            found.push(excerpt((&file, number), line, column));
            while places.next_if(|(wanted, _)| *wanted == number).is_some() {}
            if places.peek().is_none() {
                break;
            }
        }
    }
    found
}

fn excerpt((file, number): (&Arc<str>, u32), line: &[u8], column: u32) -> Excerpt {
    let line = String::from_utf8_lossy(line);
    let line = line.trim_end();
    let before = (column as usize).saturating_sub(1 + BEFORE);
    let skipped = match line.chars().nth(KEPT) {
        Some(_) => before,
        None => 0,
    };
    Excerpt {
        file: Arc::clone(file),
        line: number,
        text: line.chars().skip(skipped).take(KEPT).collect(),
        skipped: skipped as u32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_is_cut_around_the_place() {
        let excerpt = |line: &[u8], column| super::excerpt((&"a.py".into(), 1), line, column);
        let short = excerpt(b"x = 1\r", 5);
        assert_eq!((&*short.text, short.skipped), ("x = 1", 0));
        let line = format!("{}exec(data)", " ".repeat(1_000));
        let cut = excerpt(line.as_bytes(), 1_001);
        assert_eq!(cut.skipped, 940);
        assert!(cut.text.ends_with("exec(data)") && cut.text.len() == BEFORE + 10);
        assert_eq!(
            excerpt("é".repeat(500).as_bytes(), 1).text.chars().count(),
            KEPT
        );
    }
}

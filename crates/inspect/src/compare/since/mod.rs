//! [`since`]: what a version does or brings that the one before it did not.
//!
//! Read the modules in this order: what is known beside the files, what code is able to do, what was found
//! in it, files, what documents say, what is more together, and what the release's page says.

mod beside;
mod code;
mod findings;
mod files;
mod documents;
mod combined;
mod release;

#[cfg(test)]
mod tests;

use portcullis_core::inspection::{Change, ChangeKind, Changes, Weight};

use super::seen::{Abilities, Seen};

pub use beside::{Beside, Release};
pub use documents::new_dependencies;

/// How many changes are kept, the weightiest first.
const MOST: usize = 200;

/// What `now` changes against `before`, an earlier file of the same project and form. `beside` is what is
/// known of the two releases besides; what is not known there changes nothing.
#[must_use]
pub fn since<'a>(
    before: impl Into<Seen<'a>>,
    now: impl Into<Seen<'a>>,
    beside: &Beside,
) -> Changes {
    let sides = Sides {
        before: before.into(),
        now: now.into(),
    };
    let mut found = Found::default();
    code::compare(sides, &mut found);
    let known = findings::compare(sides, &mut found);
    files::compare(sides, &mut found);
    documents::compare(sides, beside, &mut found);
    combined::compare(sides, &mut found);
    release::compare(sides, beside, &mut found);
    let mut changes = found.0;
    changes.sort_by(|a, b| {
        let weight = b.weight.cmp(&a.weight);
        weight.then_with(|| (a.kind, &a.subject, &a.detail).cmp(&(b.kind, &b.subject, &b.detail)))
    });
    changes.dedup();
    changes.truncate(MOST);
    let before = sides.before.contents.essentials.as_ref();
    Changes {
        before: before
            .map(|essentials| essentials.version.clone())
            .unwrap_or_default(),
        changes,
        known,
    }
}

/// The two files that are compared.
#[derive(Clone, Copy)]
struct Sides<'a> {
    before: Seen<'a>,
    now: Seen<'a>,
}

impl<'a> Sides<'a> {
    fn abilities(self) -> (Abilities<'a>, Abilities<'a>) {
        (Abilities::of(self.before), Abilities::of(self.now))
    }
}

/// What was found so far.
#[derive(Default)]
struct Found(Vec<Change>);

impl Found {
    fn add(&mut self, kind: ChangeKind, subject: &str, detail: impl Into<String>, weight: Weight) {
        self.0.push(Change {
            kind,
            subject: shown(subject),
            detail: detail.into(),
            weight,
        });
    }
}

/// A name from a package as it can be shown: without control characters, and not endless.
fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(200).collect()
}

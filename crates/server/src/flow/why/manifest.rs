//! What the files of a release are able to do, as their inspection saw it: the capability manifest, for
//! people. By itself it speaks against nobody.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use portcullis_core::inspection::{Capability, CapabilityKind, Context};

/// The most lines that are shown.
const SHOWN: usize = 12;

/// How much of a place and a name is shown, in characters.
const PLACE: usize = 40;

/// Appends the manifest of `title` to `text`: a line for each kind of capability and circumstance, the
/// earliest circumstance first. Nothing where there is nothing to tell.
pub(super) fn manifest<'c>(
    text: &mut String,
    title: &str,
    capabilities: impl Iterator<Item = &'c Capability>,
) {
    let mut rows: BTreeMap<(std::cmp::Reverse<Context>, CapabilityKind), (&Capability, u64)> =
        BTreeMap::new();
    for capability in capabilities.filter(|one| one.context > Context::Test) {
        let key = (std::cmp::Reverse(capability.context), capability.kind);
        let row = rows.entry(key).or_insert((capability, 0));
        row.1 += u64::from(capability.count);
    }
    if rows.is_empty() {
        return;
    }
    let _ = writeln!(text, "\nWhat {title} is able to do:");
    for ((context, kind), (first, calls)) in rows.iter().take(SHOWN) {
        let place = format!("{}:{} {}", first.file, first.line, first.example);
        let place = shortened(&place);
        let more = match calls {
            0 | 1 => String::new(),
            calls => format!("  {calls} calls"),
        };
        let context = circumstance(context.0);
        let _ = writeln!(text, "  {context:<12} {kind:<13} {place}{more}");
    }
    if rows.len() > SHOWN {
        let _ = writeln!(text, "  and {} more kinds", rows.len() - SHOWN);
    }
}

/// When code runs, in a word or two.
fn circumstance(context: Context) -> &'static str {
    match context {
        Context::Install => "on install",
        Context::Startup => "on startup",
        Context::Import => "on import",
        Context::Entry => "as command",
        Context::Call => "when called",
        Context::Test => "in tests",
    }
}

/// The end of a long place says more than its beginning.
fn shortened(place: &str) -> String {
    let visible: String = place.chars().map(super::text::visible).collect();
    match visible.chars().count().checked_sub(PLACE) {
        None | Some(0) => visible,
        Some(over) => format!("…{}", visible.chars().skip(over + 1).collect::<String>()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_circumstance_is_told_first_and_once_for_each_kind() {
        let one = |context, kind, line, example: &str| Capability {
            kind,
            context,
            file: "demo/very/long/path/to/a/module/of/the/package/client.py".into(),
            line,
            example: example.into(),
            count: 2,
        };
        let all = [
            one(Context::Call, CapabilityKind::Network, 3, "requests.get"),
            one(
                Context::Install,
                CapabilityKind::Process,
                5,
                "os.system\u{1b}[2J",
            ),
            one(Context::Call, CapabilityKind::Network, 9, "requests.post"),
            one(Context::Test, CapabilityKind::Network, 9, "requests.post"),
        ];
        let mut text = String::new();
        manifest(&mut text, "demo 1.0", all.iter());
        assert_eq!(
            text,
            "\nWhat demo 1.0 is able to do:\n  \
             on install   process       …f/the/package/client.py:5 os.system\u{fffd}[2J  2 calls\n  \
             when called  network       …of/the/package/client.py:3 requests.get  4 calls\n"
        );
        assert!(text.lines().all(|line| line.chars().count() <= 80));
        let mut nothing = String::new();
        manifest(&mut nothing, "demo 1.0", all[3..].iter());
        assert!(nothing.is_empty());
    }
}

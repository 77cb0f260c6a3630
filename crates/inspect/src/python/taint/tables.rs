//! The tables as one index: what is known of a dotted name.

use std::sync::LazyLock;

use rustc_hash::{FxHashMap, FxHashSet};

use portcullis_core::inspection::CapabilityKind;

use super::super::analysis::SinkKind;
use super::super::label::Label;
use super::decoders::DECODERS;
use super::sinks::SINKS;
use super::sources::SOURCES;
use super::watched::{CALL_BACK, CAPABILITIES, CLEAN, READERS, TEXTS, WATCHED};

/// Whether a name is a source by itself, or what it returns is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Gives {
    /// The name itself: `os.environ`.
    Value,
    /// What calling it returns.
    Result,
}

/// What the tables know of one name.
#[derive(Clone, Copy, Debug, Default)]
pub(in super::super) struct Known {
    /// What data it gives.
    pub(in super::super) source: Option<(Label, Gives)>,
    /// What it does with its arguments.
    pub(in super::super) sink: Option<Sink>,
    /// The label that its result has beside those of its arguments.
    pub(in super::super) decoder: Option<Label>,
    /// What calling it makes a package capable of.
    pub(in super::super) capability: Option<CapabilityKind>,
    /// Whether its calls are recorded.
    pub(in super::super) is_watched: bool,
    /// Whether it calls the functions it is given.
    pub(in super::super) calls_back: bool,
    /// Whether its result says nothing that its arguments say.
    pub(in super::super) is_clean: bool,
    /// Whether it reads the files whose paths it is given.
    pub(in super::super) reads_files: bool,
    /// The text that it is.
    pub(in super::super) text: Option<&'static str>,
}

/// A sink's kind, and which arguments count.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Sink {
    pub(in super::super) kind: SinkKind,
    takes: &'static str,
}

static TABLE: LazyLock<FxHashMap<String, Known>> = LazyLock::new(build);
static ROOTS: LazyLock<FxHashSet<&'static str>> =
    LazyLock::new(|| WATCHED.iter().copied().collect());

/// What the tables know of `name`.
pub(in super::super) fn known(name: &str) -> Known {
    let mut known = TABLE.get(name).copied().unwrap_or_default();
    known.capability = known.capability.or_else(|| capability(name));
    let root = name.split(['.', '(']).next().unwrap_or(name);
    known.is_watched = known.sink.is_some()
        || known.source.is_some()
        || known.decoder.is_some()
        || (ROOTS.contains(root) && root != "builtins");
    known
}

fn capability(name: &str) -> Option<CapabilityKind> {
    name.match_indices(['.', '('])
        .rev()
        .find_map(|(end, _)| TABLE.get(&name[..end])?.capability)
}

fn build() -> FxHashMap<String, Known> {
    let mut table: FxHashMap<String, Known> = FxHashMap::default();
    let mut each = |pattern: &str, set: &dyn Fn(&mut Known)| {
        for name in expand(pattern) {
            set(table.entry(name).or_default());
        }
    };
    for (pattern, label, gives) in SOURCES {
        each(pattern, &|known| known.source = Some((*label, *gives)));
    }
    for (pattern, kind, takes) in SINKS {
        each(pattern, &|known| {
            known.sink = Some(Sink { kind: *kind, takes })
        });
    }
    for (pattern, label) in DECODERS {
        each(pattern, &|known| known.decoder = Some(*label));
    }
    for (pattern, kind) in CAPABILITIES {
        each(pattern, &|known| known.capability = Some(*kind));
    }
    for pattern in CALL_BACK {
        each(pattern, &|known| known.calls_back = true);
    }
    for pattern in READERS {
        each(pattern, &|known| known.reads_files = true);
    }
    for (pattern, text) in TEXTS {
        each(pattern, &|known| known.text = Some(text));
    }
    for pattern in CLEAN {
        each(pattern, &|known| known.is_clean = true);
    }
    table
}

/// All names that a pattern with `{a,b}` stands for.
fn expand(pattern: &str) -> Vec<String> {
    let Some((before, rest)) = pattern.split_once('{') else {
        return vec![pattern.to_owned()];
    };
    let (choices, after) = rest
        .split_once('}')
        .expect("braces in the tables are closed");
    let tails = expand(after);
    let choices = choices.split(',');
    choices
        .flat_map(|choice| {
            tails
                .iter()
                .map(move |tail| format!("{before}{choice}{tail}"))
        })
        .collect()
}

impl Sink {
    /// Whether the argument at `position`, or with `keyword`, counts.
    pub(in super::super) fn takes(self, position: usize, keyword: Option<&str>) -> bool {
        if self.takes == "*" {
            return true;
        }
        let Some((at, names)) = self.takes.split_once(':') else {
            return false;
        };
        match keyword {
            Some(keyword) => names.split(',').any(|name| keyword == name),
            None => at.parse() == Ok(position),
        }
    }

    /// Whether the object that the method belongs to counts.
    pub(in super::super) fn takes_self(self) -> bool {
        self.takes == "self"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_stand_for_each() {
        assert_eq!(expand("a.{b,c}().{d,e}").len(), 4);
        assert!(known("smtplib.SMTP_SSL().sendmail").sink.is_some());
        assert_eq!(
            known("os.environ").source,
            Some((Label::EnvAll, Gives::Value))
        );
    }

    #[test]
    fn a_sink_takes_what_its_row_says() {
        let run = known("subprocess.run").sink.expect("a sink");
        assert!(run.takes(0, None) && run.takes(3, Some("args")));
        assert!(!run.takes(1, None) && !run.takes(0, Some("env")));
    }

    #[test]
    fn what_is_below_a_name_shares_its_capability() {
        assert_eq!(
            known("socket.socket().bind").capability,
            Some(CapabilityKind::Network)
        );
        assert_eq!(known("os.path.join").capability, None);
        assert!(known("pynput.keyboard.Listener").is_watched);
    }
}

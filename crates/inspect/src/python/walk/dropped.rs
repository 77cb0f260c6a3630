//! Files and folders that came from the network: where they were written, and what names them later.

use super::super::analysis::HOLE;
use super::super::label::Label;
use super::super::symbols::Sym;
use super::super::taint::trace::{Origin, Taint};
use super::super::value::{Kind, Passed};
use super::Walker;

impl<'a> Walker<'a, '_, '_> {
    /// A file at a path carries what was written to it from the network.
    pub(super) fn drop_to_file(&mut self, sym: Sym, passed: &[Passed], taint: &Taint) {
        let is_download = matches!(
            &**self.engine.symbols.name(sym),
            "urllib.request.urlretrieve" | "wget.download" | "urllib.request.URLopener().retrieve"
        );
        if !is_download {
            return;
        }
        if let Some(path) = passed.get(1) {
            self.drop_at(&path.value.kind, taint);
        }
    }

    /// Remembers that data from the network was written to the path `kind`.
    pub(super) fn drop_at(&mut self, kind: &Kind, taint: &Taint) {
        if let Kind::OneOf(kinds) = kind {
            return kinds.iter().for_each(|kind| self.drop_at(kind, taint));
        }
        let (Kind::Str(path) | Kind::Path(path)) = kind else {
            return;
        };
        let trace = taint.iter().find_map(|carried| match carried.what {
            Origin::Label(Label::Net | Label::Dropped | Label::Decoded) => Some(carried.trace),
            _ => None,
        });
        let name = path.rsplit('/').next().unwrap_or_default();
        // What is not known of a name tells no file from another.
        let known = name.chars().filter(|each| *each != HOLE).count();
        let is_kept = known > 2 && self.engine.dropped.len() < 256;
        if let Some(trace) = trace.filter(|_| is_kept) {
            self.engine.dropped.push((name.into(), trace));
        }
    }

    /// Remembers that an archive from the network was unpacked into the folder `kind`.
    pub(super) fn unpack_to(&mut self, kind: &Kind, taint: &Taint) {
        let trace = taint.iter().find_map(|carried| match carried.what {
            Origin::Label(Label::Net | Label::Dropped) => Some(carried.trace),
            _ => None,
        });
        let is_telling =
            |path: &str| path.chars().filter(|each| each.is_alphanumeric()).count() > 3;
        if let (Some(trace), Kind::Str(path) | Kind::Path(path)) = (trace, kind)
            && is_telling(path)
            && self.engine.unpacked.len() < 64
        {
            self.engine.unpacked.push((path.clone(), trace));
        }
    }

    /// What was unpacked where the program lies that `kind` starts, or where it is imported from.
    pub(super) fn unpacked_in(&self, kind: &Kind) -> Option<Taint> {
        let starts = |text: &str| {
            let mut found = self.engine.unpacked.iter();
            let found = found.find(|(path, _)| text.trim_start().starts_with(&**path))?;
            Some(Taint::of(Origin::Label(Label::Dropped), found.1))
        };
        match kind {
            Kind::Str(text) | Kind::Path(text) => starts(text),
            // `python main.py` starts the second word.
            Kind::List(items) => items.iter().take(2).find_map(|item| match &item.kind {
                Kind::Str(text) | Kind::Path(text) => starts(text),
                _ => None,
            }),
            _ => None,
        }
    }

    /// What was written from elsewhere to the path that `kind` names.
    pub(super) fn dropped_in(&self, kind: &Kind) -> Option<Taint> {
        if self.engine.dropped.is_empty() {
            return None;
        }
        let names = |text: &str| {
            let found = self
                .engine
                .dropped
                .iter()
                .find(|(name, _)| text.contains(&**name));
            found.map(|(_, trace)| Taint::of(Origin::Label(Label::Dropped), *trace))
        };
        match kind {
            Kind::Str(text) | Kind::Path(text) => names(text),
            Kind::OneOf(kinds) => kinds.iter().find_map(|kind| self.dropped_in(kind)),
            Kind::List(items) => {
                let first = items.first().map(|item| &item.kind);
                let starts = first.is_some_and(|first| starts_others(first, &self.engine.symbols));
                let count = if starts { items.len() } else { 1 };
                items
                    .iter()
                    .take(count)
                    .find_map(|item| self.dropped_in(&item.kind))
            }
            _ => None,
        }
    }

    /// What was written from elsewhere to a file that is imported as `kind` names it.
    pub(super) fn dropped_module(&self, kind: &Kind) -> Option<Taint> {
        let Kind::Str(name) = kind else {
            return None;
        };
        let name = name.rsplit('.').next()?;
        let is_it = |file: &str| {
            let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
            stem == name && name.chars().filter(|each| *each != HOLE).count() > 2
        };
        let found = self.engine.dropped.iter().find(|(file, _)| is_it(file));
        found.map(|(_, trace)| Taint::of(Origin::Label(Label::Dropped), *trace))
    }
}

/// Whether the program starts what it is given: `sh`, `python`, `chmod`.
fn starts_others(program: &Kind, symbols: &super::super::symbols::Symbols) -> bool {
    let name = match program {
        Kind::Str(text) | Kind::Path(text) => text.to_string(),
        Kind::Symbol(sym, _) => symbols.name(*sym).to_string(),
        _ => return true,
    };
    if name.contains([HOLE, '(']) {
        return true;
    }
    let name = name
        .rsplit(['/', '\\'])
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let name = name.strip_suffix(".exe").unwrap_or(&name);
    let known = [
        "sh",
        "bash",
        "zsh",
        "dash",
        "cmd",
        "start",
        "open",
        "xdg-open",
        "chmod",
        "msiexec",
        "rundll32",
        "regsvr32",
        "sudo",
        "nohup",
        "env",
        "wscript",
        "cscript",
        "java",
        "node",
        "perl",
        "ruby",
        "wine",
        "sys.executable",
        "mono",
        "dotnet",
        "explorer",
        "setsid",
        "screen",
        "tmux",
        "pip",
        "pip3",
    ];
    known.contains(&name) || name.starts_with("python") || name.starts_with("powershell")
}

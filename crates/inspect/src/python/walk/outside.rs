//! Calls of what comes from outside the distribution: sources, decoders and sinks by the tables, and a
//! record of the call for rules.

use ruff_python_ast::Expr;
use ruff_text_size::TextRange;

use super::super::analysis::{Reached, SinkKind};
use super::super::fold;
use super::super::label::Label;
use super::super::symbols::Sym;
use super::super::taint::commands;
use super::super::taint::tables::{Gives, Known};
use super::super::taint::trace::{Origin, Taint, Trace};
use super::super::value::{Kind, Passed, Value};
use super::Walker;
use super::call::{split, whole};
use super::callbacks::is_server;
use super::record::Recorded;

/// What a method belongs to, when it is one, and what is passed.
pub(super) type Given<'g> = (Option<&'g Value>, &'g [Passed]);

impl<'a> Walker<'a, '_, '_> {
    /// Calls something with a dotted name; `place` is the expression that names it.
    pub(super) fn outside_at(
        &mut self,
        sym: Sym,
        reached: Reached,
        (receiver, passed): Given<'_>,
        (range, place): (TextRange, &'a Expr),
    ) -> Value {
        let known = self.engine.symbols.known(sym);
        self.asks_metadata |=
            known.sink.is_some() && passed.iter().any(|each| is_metadata(&each.value.kind));
        let is_own = self.engine.symbols.is_own(sym);
        if is_own {
            self.engine.named_edges.insert((self.frame.function, sym));
        }
        if is_own && !known.is_watched {
            let is_given = passed.iter().any(|each| each.value.taint.has_label());
            let module = &mut self.engine.modules[self.module as usize];
            module.unresolved.insert(sym);
            if is_given {
                module.wanted.insert(sym);
            }
        }
        let own = receiver
            .filter(|value| !value.taint.is_empty() || !matches!(value.kind, Kind::Symbol(..)));
        let recorded = (known.is_watched || known.capability.is_some()).then(|| {
            self.record(
                sym,
                Recorded {
                    reached,
                    own,
                    passed,
                    range,
                    known,
                },
            )
        });
        let opened: Vec<Passed>;
        let passed = match known.reads_files {
            true => {
                opened = passed.iter().map(|each| self.opened(each, range)).collect();
                &*opened
            }
            false => passed,
        };
        if let (Some(sink), Some(call)) = (known.sink, recorded) {
            self.reach_sink(sink, (sym, call), (own, passed), range);
        }
        if let Some(call) = recorded.filter(|_| makes_spec(self.engine.symbols.name(sym))) {
            for each in passed {
                self.loaded_by(&each.value, (sym, call), (range, place));
            }
        }
        self.run_handlers(sym);
        if is_server(self.engine.symbols.name(sym)) {
            self.serve(passed, (range, place));
        }
        let name = self.engine.symbols.name(sym);
        if name.starts_with("sys.meta_path.") || name.starts_with("sys.path_hooks.") {
            passed.iter().for_each(|each| self.installed(&each.value));
        }
        if known.calls_back {
            self.call_backs(sym, passed, (place, range));
        }
        if let Some(value) = self.special(sym, (receiver, passed), (range, place)) {
            return value;
        }
        let mut taint = receiver
            .map(|value| value.whole_taint())
            .unwrap_or_default();
        let (arguments, keywords) = split(passed);
        let name = self.engine.symbols.name(sym).clone();
        if let Some(fold) = fold::call(&name, &arguments, &keywords) {
            taint.join(&whole(passed));
            // One character is nothing; what is put together from many is decoded where it is.
            if fold.is_decoded && &*name != "builtins.chr" {
                self.decoded_constant(&name, &arguments, &mut taint, range);
                self.offer_layer(&fold.kind, range);
            }
            return Value {
                kind: fold.kind,
                taint,
            };
        }
        self.unpack_archive(&name, receiver, passed);
        if known.reads_files {
            return self.read_into((sym, known), (taint, passed), range);
        }
        self.result(sym, known, (taint, passed), range)
    }

    /// What unpacking an archive leaves in a folder.
    fn unpack_archive(&mut self, name: &str, receiver: Option<&Value>, passed: &[Passed]) {
        if name == "shutil.unpack_archive" {
            let packed = passed
                .first()
                .map(|each| each.value.clone())
                .unwrap_or_default();
            let mut unpacked = packed.whole_taint();
            unpacked.join(&self.dropped_in(&packed.kind).unwrap_or_default());
            if let Some(folder) = passed.get(1) {
                self.unpack_to(&folder.value.kind, &unpacked);
            }
        }
        if name.ends_with(".extractall") || name.ends_with(".extract") {
            let unpacked = receiver
                .map(|value| value.whole_taint())
                .unwrap_or_default();
            let at = usize::from(name.ends_with(".extract"));
            if let Some(folder) = passed.get(at) {
                self.unpack_to(&folder.value.kind, &unpacked);
            }
        }
    }

    /// What reads files gives, or leaves at the path that it is told to: copies and archives.
    fn read_into(
        &mut self,
        (sym, known): (Sym, Known),
        (taint, passed): (Taint, &[Passed]),
        range: TextRange,
    ) -> Value {
        let name = self.engine.symbols.name(sym).clone();
        let content = whole(passed);
        let at = |position: usize| passed.get(position).map(|each| each.value.kind.clone());
        match name.strip_prefix("shutil.") {
            Some("make_archive") => {
                let (Some(Kind::Str(base)), Some(format)) = (at(0), at(1)) else {
                    return self.result(sym, known, (taint, passed), range);
                };
                let ending = format.as_text().unwrap_or("zip");
                let path = Kind::str(format!("{base}.{ending}"));
                self.store_at(&path, &content);
                Value {
                    kind: path,
                    taint: content,
                }
            }
            Some(_) => {
                let destination = at(1).unwrap_or_default();
                self.store_at(&destination, &content);
                Value {
                    kind: destination,
                    taint: content,
                }
            }
            None => self.result(sym, known, (taint, passed), range),
        }
    }

    /// An argument that carries what stands in the file that it is the path of.
    fn opened(&mut self, passed: &Passed, range: TextRange) -> Passed {
        let mut passed = passed.clone();
        let content = self.content_of(&passed.value, &range);
        passed.value.taint.join(&content);
        passed
    }

    /// The value of a call that is not folded.
    fn result(
        &mut self,
        sym: Sym,
        known: Known,
        (mut taint, passed): (Taint, &[Passed]),
        range: TextRange,
    ) -> Value {
        let made = Kind::Symbol(self.engine.symbols.made_by(sym), Reached::Plainly);
        let name = self.engine.symbols.name(sym).clone();
        if known.is_clean {
            return Value::default();
        }
        match known.source {
            Some((label, Gives::Result)) => {
                let words = format!("gets {} from {name}", label.words());
                let label = self.source_label(label, passed);
                let mut from = self.begin(label, &words, &range);
                // What was sent to get it does not come back with it.
                if known.sink.is_none() {
                    from.join(&taint);
                }
                if known.decoder.is_some() {
                    from.join(&whole(passed));
                    from.join(&self.begin(Label::Decoded, &format!("decoded by {name}"), &range));
                }
                self.drop_to_file(sym, passed, &from);
                return Value {
                    kind: made,
                    taint: from,
                };
            }
            Some((_, Gives::Value)) | None => {}
        }
        // What a connection, response or file gives carries what it carries; what is sent does not.
        if !matches!(known.sink, Some(sink) if sink.kind == SinkKind::Send) {
            taint.join(&whole(passed));
        }
        if let Some(label) = known.decoder {
            let words = format!("decoded by {name}");
            taint = self.stepped(&taint, &words, &range);
            taint.join(&self.begin(label, &words, &range));
        }
        let text = self.source(range);
        if &*name == "builtins.chr"
            && (text.contains(['^', '-', '%', '~']) || text.contains("ord("))
        {
            taint.join(&self.begin(Label::Decoded, "put together from numbers by chr", &range));
        }
        let is_plain = name.starts_with("builtins.") && !name.starts_with("builtins.open");
        Value {
            kind: if is_plain { Kind::Unknown } else { made },
            taint,
        }
    }

    /// What a source gives here: the output of a command is what the command shows, and the cloud's
    /// metadata service answers with credentials.
    fn source_label(&self, label: Label, passed: &[Passed]) -> Label {
        if label == Label::Output {
            let line = passed.first().and_then(|each| {
                each.value
                    .kind
                    .folded(&self.engine.symbols, 0)
                    .command_line()
            });
            return line.map_or(label, |line| commands::label_of_output(&line));
        }
        let is_asked = label == Label::Net
            && passed.iter().any(|each| match &each.value.kind {
                Kind::Symbol(sym, _) => {
                    self.asks_metadata && self.engine.symbols.name(*sym).contains("Request()")
                }
                other => is_metadata(other),
            });
        if is_asked {
            Label::CloudMetadata
        } else {
            label
        }
    }

    fn decoded_constant(
        &mut self,
        name: &str,
        arguments: &[&Value],
        taint: &mut Taint,
        range: TextRange,
    ) {
        let Some(first) = arguments.first() else {
            return;
        };
        let length = match &first.kind {
            Kind::Str(text) => text.len(),
            Kind::Bytes(bytes) => bytes.len(),
            Kind::List(items) => items.len(),
            _ => 1,
        };
        self.mark_decoded(&first.kind);
        let words = format!("decoded by {name} from a constant of length {length}");
        if taint.has(Label::Decoded) {
            *taint = self.stepped(taint, &format!("decoded by {name}"), &range);
        } else {
            taint.join(&self.begin(Label::Decoded, &words, &range));
        }
    }

    /// What a loader of the distribution gives out as a module runs as one.
    fn loaded_by(
        &mut self,
        loader: &Value,
        (sym, call): (Sym, u32),
        (range, place): (TextRange, &'a Expr),
    ) {
        self.installed(loader);
        let (Kind::Instance(class) | Kind::Class(class)) = loader.kind else {
            return;
        };
        for method in ["get_data", "get_source", "get_code"] {
            let found = self.engine.class_attribute(class, method);
            if let Some((
                Value {
                    kind: Kind::Function(function),
                    ..
                },
                _,
            )) = found
            {
                let own = Value::from(Kind::Instance(class));
                let given = self.call_function(function, Some(own), Vec::new(), place);
                let key = (self.module, call);
                self.sink_argument(SinkKind::Exec, (sym, key), (&given, "loader".into()), range);
            }
        }
    }

    /// The value of one environment variable.
    pub(super) fn environment_variable(
        &mut self,
        name: &str,
        node: &impl ruff_text_size::Ranged,
    ) -> Value {
        let is_secret = super::super::taint::sources::is_secret_variable(name);
        let label = if is_secret {
            Label::EnvSecret
        } else {
            Label::Env
        };
        let trace = self.engine.traces.add(
            Trace::START,
            self.at(node),
            format!("reads os.environ[{name:?}]"),
        );
        self.engine.modules[self.module as usize].has_sources = true;
        let taint = Taint::of(Origin::Label(label), trace);
        // Where these lead is known well enough to tell what is below.
        let kind = match name {
            "HOME" | "USERPROFILE" | "HOMEPATH" => Kind::str("~"),
            "APPDATA" => Kind::str("~/AppData/Roaming"),
            "LOCALAPPDATA" => Kind::str("~/AppData/Local"),
            "XDG_CONFIG_HOME" => Kind::str("~/.config"),
            "TMPDIR" | "TEMP" | "TMP" => Kind::str("/tmp"),
            _ => Kind::Unknown,
        };
        Value { kind, taint }
    }
}

/// Whether a text is an address of the metadata service of a cloud.
fn is_metadata(kind: &Kind) -> bool {
    let hosts = [
        "169.254.169.254",
        "169.254.170.2",
        "100.100.100.200",
        "fd00:ec2::",
        "metadata.google.internal",
        "metadata.azure.internal",
        "://metadata/",
        "://2852039166",
        "://0xa9fea9fe",
    ];
    matches!(kind, Kind::Str(text) if hosts.iter().any(|host| text.contains(host)))
}

/// Whether it ties a module to what loads it.
fn makes_spec(name: &str) -> bool {
    matches!(
        name,
        "importlib.util.spec_from_loader" | "importlib.machinery.ModuleSpec"
    )
}

//! [`Analysis`]: what rules ask about the Python of a distribution: calls, flows, literals, classes,
//! patches, capabilities. Facts only; what they mean is the rules' to say.

use std::sync::Arc;

use portcullis_core::inspection::{Capability, Context, Place, Step};

use super::label::{Label, Labels};
use super::source::Role;
use super::text::TextFact;

/// Marks, inside a folded text, a part that is not known before the code runs: `U+FFFC`.
pub const HOLE: char = '\u{FFFC}';

/// Everything known about the Python of one distribution.
#[derive(Clone, Debug, Default)]
pub struct Analysis {
    /// One for each source in the order given, then one for each decoded layer.
    pub modules: Vec<Module>,
    /// Data that travels from a source to a sink, deduplicated.
    pub flows: Vec<Flow>,
    /// What callers pass to functions of the distribution that send it.
    pub handed_on: Vec<HandedOn>,
    /// What the engine itself has to say: parser bombs, unfinished work, unparsable sources.
    pub findings: Vec<EngineFinding>,
    /// What the code is able to do, one for each kind, context and module.
    pub capabilities: Vec<Capability>,
    /// How much was looked at.
    pub statistics: Statistics,
}

/// One source, or one layer that was decoded out of one.
#[derive(Clone, Debug)]
pub struct Module {
    /// The member of the archive.
    pub path: Arc<str>,
    /// What the source is there for. A layer has the role of its source.
    pub role: Role,
    /// 0 for the source itself, n for code that was decoded n times.
    pub layer: u8,
    /// Where the layer was decoded, for a layer.
    pub unwrapped_at: Option<Place>,
    /// Of a layer: whether it was decoded, rather than run as the text that it is.
    pub is_hidden: bool,
    /// How deeply it was looked into.
    pub depth: Inspected,
    /// When its top level runs; of a layer, when whatever decodes it does.
    pub context: Context,
    /// Calls of names that the tables know, see [`Call`], in the order of the text.
    pub calls: Vec<Call>,
    /// Literals that are long, or that look like an address, a path or a key.
    pub literals: Vec<Literal>,
    /// What is imported, wherever the statement stands.
    pub imports: Vec<Import>,
    /// Assignments to attributes of modules and classes from elsewhere.
    pub patches: Vec<Patch>,
    /// Classes that derive from something outside, or that `cmdclass` names.
    pub classes: Vec<Class>,
    /// What the text shows without being parsed: long lines, invisible characters, foreign letters.
    pub text: Vec<TextFact>,
}

/// How deeply a source was looked into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inspected {
    /// It names nothing that could do harm: only its text was looked at.
    Text,
    /// It is too deep, too large or not Python: only its tokens were looked at.
    Tokens,
    /// Parsed and followed.
    Whole,
}

/// How a called name was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reached {
    /// As everybody writes it, aliases included.
    Plainly,
    /// By a constant string: `getattr(os, "system")`, `__import__("os")`, `sys.modules["os"]`.
    ByName,
    /// By a string that had to be put together or decoded first.
    ByHiddenName,
}

/// A call of something from outside the distribution that a table or a watched module knows. Reading a
/// name that is a source by itself, `os.environ`, is written down as a call without arguments.
#[derive(Clone, Debug)]
pub struct Call {
    /// The canonical dotted name: `subprocess.Popen`, `builtins.exec`, `socket.socket().send` (a
    /// method of what `socket.socket` made), `?.sendall` (a method of something unknown).
    pub target: Arc<str>,
    /// How the name was reached.
    pub reached: Reached,
    /// Its arguments, in the order written.
    pub arguments: Vec<Argument>,
    /// The object the method belongs to, as far as it is known: for a file or path, its path.
    pub own: Folded,
    /// The labels of all arguments and of the object the method belongs to.
    pub labels: Labels,
    /// Where the call stands.
    pub place: Place,
    /// The strictest context in which it runs.
    pub context: Context,
    /// The function it stands in, qualified inside the module; empty at the top level.
    pub function: Arc<str>,
    /// Names that enclosing conditions ask, for example `platform.system`.
    pub guards: Vec<Arc<str>>,
    /// What kind of sink it is, when it is one.
    pub sink: Option<SinkKind>,
    /// Whether nothing is done with what it gives: it begins a statement of its own.
    pub is_discarded: bool,
    /// The text of the call, at most 400 characters: for messages and fingerprints.
    pub code: Arc<str>,
}

/// An argument of a call.
#[derive(Clone, Debug)]
pub struct Argument {
    /// The keyword; empty for a positional argument, `**` for a mapping of keywords nobody knows.
    pub keyword: Arc<str>,
    /// Its value, as far as it is known.
    pub value: Folded,
    /// What it carries.
    pub labels: Labels,
}

/// A value, as far as it is known before the code runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Folded {
    /// Not known.
    #[default]
    Unknown,
    /// `None`.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// An integer that fits.
    Int(i64),
    /// Text; unknown parts are [`HOLE`].
    Str(Arc<str>),
    /// Bytes.
    Bytes(Arc<[u8]>),
    /// A list, tuple or set.
    List(Vec<Folded>),
    /// A dictionary with the keys that are known.
    Dict(Vec<(Folded, Folded)>),
    /// Something named, for example `subprocess.DEVNULL`, or a function of the distribution.
    Name(Arc<str>),
    /// One of several.
    OneOf(Vec<Folded>),
}

/// What a sink does with what reaches it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SinkKind {
    /// Runs it as Python: `exec`, `eval`, `compile`, code objects.
    Exec,
    /// Turns it into objects, which can run code: `pickle`, `marshal`, `shelve`.
    Deserialise,
    /// Imports it by name or path.
    Import,
    /// Runs it as a command.
    Command,
    /// Sends it over the network.
    Send,
    /// Asks a name server for it.
    Resolve,
    /// Writes it to a file.
    Write,
    /// Loads it as native code, or writes it where it will run.
    Native,
    /// Deletes it.
    Delete,
    /// Makes a file executable.
    Executable,
    /// Installs or publishes packages.
    Publish,
}

/// Data that travels from a source to a sink.
#[derive(Clone, Debug)]
pub struct Flow {
    /// What travels.
    pub label: Label,
    /// Where it comes from.
    pub source: Place,
    /// What was asked for there: `os.environ`, `~/.ssh/id_rsa`, `requests.get`.
    pub what: Arc<str>,
    /// Every other label of the value that reaches the sink.
    pub beside: Labels,
    /// The whole chain, from source to sink, both included.
    pub steps: Vec<Step>,
    /// How many calls of the distribution's own functions it crosses: the more, the less it is the
    /// work of one hand.
    pub hops: usize,
    /// What it does there.
    pub kind: SinkKind,
    /// The module of the sink's call, as an index into [`Analysis::modules`].
    pub module: usize,
    /// The sink's call, as an index into that module's calls.
    pub call: usize,
    /// The keyword of the argument it arrives in; its position in digits when it has no keyword;
    /// `self` when the method belongs to it.
    pub argument: Arc<str>,
    /// The strictest context in which source and sink meet.
    pub context: Context,
}

/// A parameter of a function of the distribution that reaches something which sends it.
#[derive(Clone, Debug)]
pub struct HandedOn {
    /// The function, qualified inside its module.
    pub function: Arc<str>,
    /// The module that it stands in, as an index into [`Analysis::modules`].
    pub module: usize,
    /// The parameter.
    pub parameter: Arc<str>,
    /// Dotted names of the bases from outside that the function's class derives from.
    pub bases: Vec<Arc<str>>,
    /// The module of the call that sends it, and the call's index there.
    pub sink: (usize, usize),
    /// The keyword or the position in digits under which it is sent.
    pub argument: Arc<str>,
    /// Functions of the distribution's own that lie in between.
    pub hops: u8,
}

/// A literal worth looking at.
#[derive(Clone, Debug)]
pub struct Literal {
    /// The text; bytes are read as Latin-1. At most 4,096 characters of it.
    pub text: Arc<str>,
    /// Whether it is a bytes literal.
    pub is_bytes: bool,
    /// Its whole length, in characters or bytes.
    pub length: usize,
    /// Shannon entropy, in bits a character, of at most its first 64 KiB.
    pub entropy: f32,
    /// Where it stands.
    pub place: Place,
    /// The strictest context of the function it stands in.
    pub context: Context,
    /// The function it stands in; empty at the top level.
    pub function: Arc<str>,
    /// Whether some decoder was given it.
    pub decoded: bool,
}

/// One imported name.
#[derive(Clone, Debug)]
pub struct Import {
    /// The absolute dotted name of module or attribute: `os.path.join`.
    pub name: Arc<str>,
    /// Where it stands.
    pub place: Place,
}

/// An assignment to an attribute of something from elsewhere: `requests.get = spy`.
#[derive(Clone, Debug)]
pub struct Patch {
    /// The dotted name of the attribute.
    pub target: Arc<str>,
    /// What it becomes, as far as it is known.
    pub value: Folded,
    /// Where it happens.
    pub place: Place,
    /// When it happens.
    pub context: Context,
    /// The text of the statement, at most 400 characters.
    pub code: Arc<str>,
    /// Calls that send something in the distribution's functions that it becomes, or that those call: the
    /// module and the call's index there.
    pub behind: Vec<(usize, usize)>,
}

/// A class that derives from something outside.
#[derive(Clone, Debug)]
pub struct Class {
    /// Its qualified name inside the module.
    pub name: Arc<str>,
    /// Dotted names of its bases, as far as they are known.
    pub bases: Vec<Arc<str>>,
    /// The `cmdclass` commands it is given for, for example `install`.
    pub commands: Vec<Arc<str>>,
    /// Names of its methods.
    pub methods: Vec<Arc<str>>,
    /// Where it stands.
    pub place: Place,
}

/// What the engine has to say about a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineFinding {
    /// What it is.
    pub kind: EngineFindingKind,
    /// The member of the archive.
    pub file: Arc<str>,
    /// Counted from 1; 0 for the file as a whole.
    pub line: u32,
    /// The layer it was found in.
    pub layer: u8,
    /// When the source runs.
    pub context: Context,
    /// One sentence in plain words.
    pub message: String,
}

/// The kinds of what the engine has to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EngineFindingKind {
    /// `ENG-001`: built to exhaust parsers.
    ParserBomb,
    /// `ENG-002`: not looked at to the end.
    Incomplete,
    /// `OBF-007`: not Python 3, or not in the encoding it claims.
    Unparsable,
}

/// How much was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Sources given.
    pub sources: usize,
    /// Sources that were parsed and followed.
    pub followed: usize,
    /// Bytes given.
    pub bytes: u64,
    /// Bytes parsed, repeated parsing counted.
    pub parsed_bytes: u64,
    /// Syntax nodes visited, repeated visits counted.
    pub nodes: u64,
    /// Layers that decoding brought to light.
    pub layers: usize,
}

impl Analysis {
    /// The call that `flow` ends in.
    #[must_use]
    pub fn sink(&self, flow: &Flow) -> &Call {
        &self.modules[flow.module].calls[flow.call]
    }

    /// All calls of all modules and layers.
    pub fn calls(&self) -> impl Iterator<Item = &Call> {
        self.modules.iter().flat_map(|module| &module.calls)
    }
}

impl Call {
    /// The positional argument at `position`, or the one given as `keyword`.
    #[must_use]
    pub fn argument(&self, position: usize, keyword: &str) -> Option<&Argument> {
        let by_keyword = self
            .arguments
            .iter()
            .find(|argument| &*argument.keyword == keyword);
        by_keyword.or_else(|| {
            let mut positional = self.arguments.iter().filter(|each| each.keyword.is_empty());
            positional.nth(position)
        })
    }
}

impl Folded {
    /// Every text in the value, at any depth: alternatives, list items, dictionary values. Bytes are
    /// read as UTF-8 where they are.
    #[must_use]
    pub fn texts(&self) -> Vec<&str> {
        let mut found = Vec::new();
        let mut open = vec![self];
        while let Some(value) = open.pop() {
            match value {
                Self::Str(text) => found.push(&**text),
                Self::Bytes(bytes) => found.extend(std::str::from_utf8(bytes)),
                Self::List(values) | Self::OneOf(values) => open.extend(values.iter().rev()),
                Self::Dict(items) => open.extend(items.iter().rev().map(|(_, value)| value)),
                _ => {}
            }
        }
        found
    }

    /// The words of a command: a text as it is, a list joined with spaces; `None` when nothing of it
    /// is known. Unknown words are [`HOLE`].
    #[must_use]
    pub fn command_line(&self) -> Option<String> {
        match self {
            Self::Str(text) => Some(text.to_string()),
            Self::Bytes(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
            Self::List(words) => {
                let words: Vec<String> = words.iter().map(Self::word).collect();
                Some(words.join(" "))
            }
            Self::OneOf(values) => {
                let lines: Vec<String> = values.iter().filter_map(Self::command_line).collect();
                (!lines.is_empty()).then(|| lines.join("\n"))
            }
            _ => None,
        }
    }

    fn word(&self) -> String {
        match self {
            Self::Str(_) | Self::Bytes(_) | Self::OneOf(_) => self.command_line(),
            Self::Name(name) => Some(name.to_string()),
            Self::Int(number) => Some(number.to_string()),
            _ => None,
        }
        .unwrap_or_else(|| HOLE.to_string())
    }
}

//! What stands beside each other where nobody asks for anything: the parts of an attack whose data could
//! not be followed from one to the other. Enough to hold something, never to deny it.

use portcullis_core::inspection::{CapabilityKind, Confidence};

use super::evidence::shipped;
use super::sent::{foreign_hosts, sends};
use crate::python::{
    Analysis, Call, Context, Flow, Folded, Label, Labels, Module, SinkKind, capability_of,
};

/// How sure a rule is of parts that stand beside each other.
pub(super) const BESIDE: Confidence = Confidence::of(60);

/// Modules of the distribution and layers out of them, without tests.
fn modules(analysis: &Analysis) -> impl Iterator<Item = &Module> {
    analysis.modules.iter()
}

fn unasked(module: &Module) -> impl Iterator<Item = &Call> {
    module.calls.iter().filter(|call| call.context.is_unasked())
}

/// Calls that run what is not known, each in a module that decodes something.
pub(super) fn decoded_and_run(analysis: &Analysis) -> impl Iterator<Item = &Call> {
    modules(analysis).filter_map(|module| {
        let run = unasked(module).find(|call| runs_unknown(call))?;
        unasked(module).any(decodes).then_some(run)
    })
}

/// Calls that start a program, each in a module that fetches something from a foreign address and writes
/// something.
pub(super) fn fetched_and_started(analysis: &Analysis) -> impl Iterator<Item = &Call> {
    modules(analysis).filter_map(|module| {
        let starts = |call: &&Call| {
            let is_run = matches!(
                &*call.target,
                "runpy.run_path" | "importlib.util.spec_from_file_location"
            );
            (is_run
                || matches!(
                    call.sink,
                    Some(SinkKind::Command | SinkKind::Native | SinkKind::Executable)
                ))
                && call
                    .arguments
                    .iter()
                    .any(|each| !each.labels.has(Label::Const))
        };
        // What is built from sources that are fetched looks just like it.
        let is_install = |call: &&Call| call.context == Context::Install;
        let started = unasked(module)
            .find(starts)
            .filter(|call| !is_install(call))?;
        let here = |call: &&Call| call.function == started.function;
        let fetches = unasked(module).filter(here).any(is_abroad);
        let writes = unasked(module).filter(here).any(|call| {
            let is_variable = call
                .arguments
                .iter()
                .any(|each| !each.labels.has(Label::Const));
            call.sink == Some(SinkKind::Write) && is_variable
                || call.target.ends_with("urlretrieve")
        });
        (fetches && writes).then_some(started)
    })
}

/// Calls that send something that is not constant to a foreign address, in a distribution that holds
/// secrets in its hands elsewhere.
pub(super) fn held_and_sent(analysis: &Analysis) -> Option<&Call> {
    let holds = |call: &Call| call.labels.meets(SECRETS) && call.sink != Some(SinkKind::Send);
    modules(analysis)
        .flat_map(unasked)
        .find(|call| holds(call))?;
    modules(analysis).flat_map(unasked).find(|call| {
        let data = call.arguments.iter().skip(1);
        let is_variable = data.into_iter().any(|each| !each.labels.has(Label::Const));
        call.sink == Some(SinkKind::Send) && is_abroad(call) && is_variable
    })
}

/// Calls that run a command or code that nobody can read, each in a module that answers somebody else, or
/// asks them what to do, as soon as it is imported.
pub(super) fn asked_and_run(analysis: &Analysis) -> impl Iterator<Item = &Call> {
    modules(analysis).filter_map(|module| {
        let loaded = || unasked(module).filter(|call| call.context != Context::Install);
        let run = loaded().find(|call| runs_unknown(call) || starts_unknown(call))?;
        loaded().any(is_conversation).then_some(run)
    })
}

/// Calls that run code that nobody can read, each in a module that fetches from a foreign address.
pub(super) fn fetched_and_run(analysis: &Analysis) -> impl Iterator<Item = &Call> {
    modules(analysis).filter_map(|module| {
        let run = unasked(module).find(|call| runs_unknown(call))?;
        unasked(module).any(is_abroad).then_some(run)
    })
}

/// Whether a command is started of which not even the program is known.
fn starts_unknown(call: &Call) -> bool {
    let first = call.arguments.first();
    call.sink == Some(SinkKind::Command)
        && !call.target.contains("().")
        && first.is_some_and(|each| each.value == Folded::Unknown && !each.labels.has(Label::Const))
}

/// Whether `call` opens something through which somebody else is talked with.
fn is_conversation(call: &Call) -> bool {
    let name = call.target.rsplit('.').next().unwrap_or_default();
    let is_socket = call.target.starts_with("socket.")
        && matches!(name, "accept" | "create_server" | "listen" | "recv");
    is_socket
        || CONVERSATIONS
            .iter()
            .any(|start| call.target.starts_with(start))
}

/// Servers, and clients that are told things.
const CONVERSATIONS: &[&str] = &[
    "socketserver.",
    "http.server.",
    "xmlrpc.",
    "wsgiref.simple_server.",
    "asyncio.start_server",
    "asyncio.open_connection",
    "websocket.WebSocketApp",
    "websocket.create_connection",
    "websockets.connect",
    "websockets.serve",
    "paho.mqtt.client.Client",
    "discord.Client",
    "discord.ext.commands.Bot",
    "telebot.TeleBot",
    "telegram.",
    "imaplib.",
    "poplib.",
    "paramiko.SSHClient().connect",
    "paramiko.Transport",
    "asyncssh.",
    "multiprocessing.connection.",
    "zmq.Context",
    "pika.",
    "redis.Redis().pubsub",
    "socketio.Client",
];

/// Whether `flow` ends at a host that stands in the code: in the call itself, or where its function
/// connects.
pub(super) fn leads_abroad(analysis: &Analysis, flow: &Flow) -> bool {
    let sink = analysis.sink(flow);
    let here = analysis.modules[flow.module].calls.iter();
    let mut here = here.filter(|call| call.function == sink.function);
    is_abroad(sink) || here.any(|call| speaks(call) && is_abroad(call))
}

/// Whether `call` makes a connection or sends something.
pub(super) fn speaks(call: &Call) -> bool {
    call.sink.is_some_and(sends) || capability_of(&call.target) == Some(CapabilityKind::Network)
}

/// Calls that send something that is not constant to a foreign address, each in a module in which
/// `is_held` finds what nobody gives away, whoever calls it.
pub(super) fn named_and_sent(
    analysis: &Analysis,
    is_held: impl Fn(&Module) -> bool,
) -> impl Iterator<Item = &Call> {
    shipped(analysis).filter_map(move |module| {
        let is_variable = |call: &&Call| {
            let mut arguments = call.arguments.iter();
            arguments.any(|each| !each.labels.has(Label::Const))
        };
        let sent = module
            .calls
            .iter()
            .filter(|call| call.sink == Some(SinkKind::Send));
        let abroad = || {
            module
                .calls
                .iter()
                .any(|call| speaks(call) && is_abroad(call))
        };
        let sent = sent.filter(is_variable).max_by_key(|call| call.context)?;
        (abroad() && is_held(module)).then_some(sent)
    })
}

const SECRETS: Labels = Labels::of(&[
    Label::SecretFile,
    Label::Clipboard,
    Label::Keys,
    Label::Screen,
]);

/// Whether `call` speaks to an address in the code that is somebody else's.
pub(super) fn is_abroad(call: &Call) -> bool {
    !foreign_hosts(call).is_empty()
}

/// Whether `call` runs code on import that other code has put together.
pub(super) fn runs_made_up(call: &Call) -> bool {
    let given = call.code.split_once('(').map_or("", |(_, given)| given);
    let first = given.split(',').next().unwrap_or(given);
    let is_made = matches!(&*call.target, "builtins.exec") || first.contains('(');
    call.context == Context::Import && runs_unknown(call) && is_made && !first.contains("__code__")
}

fn runs_unknown(call: &Call) -> bool {
    let runs = matches!(
        &*call.target,
        "builtins.exec" | "builtins.eval" | "types.FunctionType" | "types.CodeType"
    );
    let first = call.arguments.first();
    runs && first.is_some_and(|each| each.value == Folded::Unknown && !each.labels.has(Label::File))
}

fn decodes(call: &Call) -> bool {
    let roots = [
        "base64.",
        "zlib.",
        "bz2.",
        "lzma.",
        "gzip.",
        "binascii.",
        "Crypto.",
        "cryptography.",
    ];
    let name = call.target.rsplit('.').next().unwrap_or_default();
    let undoes = [
        "decode",
        "decompress",
        "unhexlify",
        "decrypt",
        "a2b",
        "fromhex",
    ];
    roots.iter().any(|root| call.target.starts_with(root))
        && undoes.iter().any(|word| name.contains(word))
        || matches!(&*call.target, "codecs.decode" | "marshal.loads")
}

//! What stands beside each other where nobody asks for anything: the parts of an attack whose data could
//! not be followed from one to the other. Enough to hold something, never to deny it.

use portcullis_core::inspection::Confidence;

use super::sent::{host_of, is_foreign};
use crate::python::{Analysis, Call, Context, Folded, Label, Labels, Module, SinkKind};

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

const SECRETS: Labels = Labels::of(&[
    Label::SecretFile,
    Label::Clipboard,
    Label::Keys,
    Label::Screen,
]);

/// Whether `call` speaks to an address in the code that is somebody else's.
pub(super) fn is_abroad(call: &Call) -> bool {
    let texts = call.arguments.iter().flat_map(|each| each.value.texts());
    // A connection is given a bare host.
    let name = call.target.rsplit('.').next().unwrap_or_default();
    let connects = CONNECTS.contains(&name);
    let is_bare = |text: &&str| connects && !text.contains([' ', '/']);
    let mut hosts = texts.filter_map(|text| host_of(text).or(Some(text).filter(is_bare)));
    hosts.any(is_foreign)
}

/// What is given the host that it connects to.
const CONNECTS: &[&str] = &[
    "connect",
    "create_connection",
    "open_connection",
    "HTTPConnection",
    "HTTPSConnection",
    "FTP",
    "FTP_TLS",
    "Telnet",
];

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

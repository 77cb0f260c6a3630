//! What several rules over flows and commands ask: what leaves, where a flow began, where it goes, and
//! the command lines of a call. It knows no rule.

use std::net::IpAddr;

use crate::python::{Analysis, Call, Flow, Folded, HOLE, Label, SinkKind};

/// What crosses more functions than this is how a large program is built, not how a thief works.
pub(super) const FAR: usize = 3;

/// Whether a sink of this kind gives data to somebody else.
pub(super) fn sends(kind: SinkKind) -> bool {
    matches!(kind, SinkKind::Send | SinkKind::Resolve)
}

/// The call that `flow` begins with, when its source is a call.
pub(super) fn source_call<'a>(analysis: &'a Analysis, flow: &Flow) -> Option<&'a Call> {
    let is_there = |module: &&crate::python::Module| {
        module.path == flow.source.file && module.layer == flow.source.layer
    };
    let calls = analysis
        .modules
        .iter()
        .filter(is_there)
        .flat_map(|module| &module.calls);
    let here: Vec<&Call> = calls.filter(|call| call.place == flow.source).collect();
    here.iter()
        .find(|call| *call.target == *flow.what)
        .or(here.first())
        .copied()
}

/// Whether the address that `flow` begins with stands in the code and is somebody else's: not what a
/// caller asks for.
pub(super) fn asks_constant(analysis: &Analysis, flow: &Flow) -> bool {
    let Some(source) = source_call(analysis, flow) else {
        return false;
    };
    let names_host = |call: &Call| {
        let mut hosts = texts(call)
            .into_iter()
            .map(|text| host_of(text).unwrap_or(text));
        hosts.any(|host| !host.contains([HOLE, ' ', '/']) && is_foreign(host))
    };
    if names_host(source) {
        return true;
    }
    // What answers on a connection was asked where the connection was made.
    let is_answer = [".getresponse", ".recv", ".read", ".makefile"]
        .iter()
        .any(|name| source.target.ends_with(name));
    let connects = |call: &Call| {
        let name = call.target.rsplit('.').next().unwrap_or_default();
        matches!(
            name,
            "HTTPConnection" | "HTTPSConnection" | "connect" | "create_connection"
        )
    };
    let here = analysis
        .modules
        .iter()
        .filter(|module| module.path == source.place.file);
    is_answer
        && here
            .flat_map(|module| &module.calls)
            .any(|call| connects(call) && names_host(call))
}

/// Whether what `flow` gets from the network is what a caller asks for: its address is not in the code,
/// and others pass it on.
pub(super) fn is_asked_for(analysis: &Analysis, flow: &Flow) -> bool {
    flow.hops >= 1 && !comes_by_itself(flow) && !asks_constant(analysis, flow)
}

/// Whether what `flow` gets from the network is what somebody else sends without being asked, on the
/// shortest way: large servers pass what they get through many hands.
pub(super) fn comes_by_itself(flow: &Flow) -> bool {
    let is_server = flow.what.contains("whoever connects")
        || [
            "http.server.",
            "socketserver.",
            "multiprocessing.connection.",
        ]
        .iter()
        .any(|start| flow.what.starts_with(start));
    is_server && (flow.hops <= 1 || flow.context.is_unasked())
}

/// Every text that `call` is given, at any depth of its arguments.
pub(super) fn texts(call: &Call) -> Vec<&str> {
    call.arguments
        .iter()
        .flat_map(|argument| argument.value.texts())
        .collect()
}

/// The command lines that `call` starts; none when it starts nothing. Unknown words are [`HOLE`].
pub(super) fn command_lines(call: &Call) -> Vec<String> {
    let is_shell = call.target.contains("ShellExecute") || call.target.ends_with("WinExec");
    if call.sink != Some(SinkKind::Command) && !is_shell {
        return Vec::new();
    }
    let values = call
        .arguments
        .iter()
        .filter(|each| is_command(&each.keyword));
    let lines: Vec<String> = values
        .filter_map(|each| each.value.command_line())
        .collect();
    // `os.execlp("sh", "sh", "-c", …)` and `create_subprocess_exec` spread the words.
    let is_spread = call.target.contains("exec") || call.target.contains("spawn") || is_shell;
    if is_spread && lines.len() > 1 {
        return vec![lines.join(" ")];
    }
    lines
}

fn is_command(keyword: &str) -> bool {
    matches!(
        keyword,
        "" | "args" | "command" | "cmd" | "argv" | "path" | "input"
    )
}

/// The command in lower case with every run of white space and every quote made one space, between
/// spaces, so that words can be looked for.
pub(super) fn spaced(command: &str) -> String {
    let plain = command.to_ascii_lowercase();
    let split = |each: char| each.is_whitespace() || matches!(each, '"' | '\'' | ',');
    let words: Vec<&str> = plain.split(split).filter(|word| !word.is_empty()).collect();
    format!(" {} ", words.join(" "))
}

/// The program that a command line starts, without folder and ending; empty when it is not known.
pub(super) fn program(command: &str) -> String {
    let word = command
        .split_whitespace()
        .map(|word| word.trim_matches(['"', '\'']))
        .find(|word| !word.contains('=') && !matches!(*word, "sudo" | "env" | "exec" | "nohup"))
        .unwrap_or_default();
    let name = word
        .rsplit(['/', '\\'])
        .next()
        .unwrap_or(word)
        .to_ascii_lowercase();
    let name = name.strip_suffix(".exe").unwrap_or(&name);
    if name.contains(HOLE) {
        String::new()
    } else {
        name.to_owned()
    }
}

/// The host of the address that begins `text`, port and user removed; it may hold [`HOLE`].
pub(super) fn host_of(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_once("://")?;
    let is_scheme = scheme.len() < 12 && scheme.chars().all(|each| each.is_ascii_alphanumeric());
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let host = authority.rsplit('@').next().unwrap_or(authority);
    let host = match host.strip_prefix('[') {
        Some(six) => six.split(']').next().unwrap_or(six),
        None => host.split(':').next().unwrap_or(host),
    };
    (is_scheme && !host.is_empty()).then_some(host)
}

/// Where `call` sends to, as far as that is known: hosts of the addresses it is given, or a bare host.
pub(super) fn hosts(call: &Call) -> Vec<&str> {
    let texts = texts(call).into_iter();
    if call.sink == Some(SinkKind::Resolve) {
        return texts.map(|text| host_of(text).unwrap_or(text)).collect();
    }
    texts.filter_map(host_of).collect()
}

/// ` to HOST`, where the call names one; nothing otherwise.
pub(super) fn to_whom(call: &Call) -> String {
    match hosts(call).first() {
        Some(host) => format!(" to {host}"),
        None => String::new(),
    }
}

/// Whether `host` is known and lies outside the machine and its own network.
pub(super) fn is_foreign(host: &str) -> bool {
    let host = host.trim_end_matches('.');
    if host.contains(HOLE) || host == "localhost" || !host.contains(['.', ':']) {
        return false;
    }
    match host.parse::<IpAddr>() {
        Ok(address) => is_public(address),
        Err(_) => !host.ends_with(".local") && !host.ends_with(".internal"),
    }
}

/// Whether the address may belong to somebody else; addresses for documentation count.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(four) => {
            let is_near = four.is_loopback() || four.is_private() || four.is_link_local();
            !(is_near || four.is_unspecified() || four.is_broadcast() || four.is_multicast())
        }
        IpAddr::V6(six) => {
            let is_near = six.is_loopback() || six.is_unique_local();
            !(is_near || six.is_unicast_link_local() || six.is_unspecified() || six.is_multicast())
        }
    }
}

/// The foreign hosts that stand in the code of a call that speaks to somebody: in addresses, and by
/// themselves where a connection is made.
pub(super) fn foreign_hosts(call: &Call) -> Vec<&str> {
    let name = call.target.rsplit('.').next().unwrap_or_default();
    let connects = CONNECTS.contains(&name);
    let mut found = Vec::new();
    let values = call.arguments.iter().map(|each| &each.value);
    for value in values.chain([&call.own]) {
        let bare = if connects {
            value.texts()
        } else {
            in_pairs(value)
        };
        let is_bare = |text: &&str| !text.contains([' ', '/', HOLE]);
        let in_addresses = value.texts().into_iter().filter_map(host_of);
        let named = bare.into_iter().filter(is_bare).chain(in_addresses);
        found.extend(named.filter(|host| is_foreign(host)));
    }
    found
}

/// The texts that stand beside a number: `("collect.invalid", 443)`.
fn in_pairs(value: &Folded) -> Vec<&str> {
    match value {
        Folded::List(items) => match &items[..] {
            [Folded::Str(host), Folded::Int(_), ..] => vec![host],
            items => items.iter().flat_map(in_pairs).collect(),
        },
        Folded::OneOf(values) => values.iter().flat_map(in_pairs).collect(),
        _ => Vec::new(),
    }
}

/// What is given the host that it connects to.
const CONNECTS: &[&str] = &[
    "connect",
    "connect_ex",
    "create_connection",
    "open_connection",
    "HTTPConnection",
    "HTTPSConnection",
    "HTTPHandler",
    "SocketHandler",
    "DatagramHandler",
    "SMTP",
    "SMTP_SSL",
    "FTP",
    "FTP_TLS",
    "Telnet",
    "Connection",
    "Transport",
    "sendto",
    "gethostbyname",
    "getaddrinfo",
];

/// Whether the label is something that is nobody else's business.
pub(super) fn is_private(label: Label) -> bool {
    matches!(
        label,
        Label::SecretFile
            | Label::EnvSecret
            | Label::EnvAll
            | Label::HostInfo
            | Label::Clipboard
            | Label::Keys
            | Label::Screen
            | Label::UserInput
            | Label::Output
            | Label::CloudMetadata
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_cut_out_of_addresses() {
        for (text, host) in [
            ("https://a.invalid/x", Some("a.invalid")),
            ("http://u:p@a.invalid:80?q", Some("a.invalid")),
            ("ws://[2001:db8::1]:1/", Some("2001:db8::1")),
            ("see https://a.invalid", None),
            ("a.invalid", None),
        ] {
            assert_eq!(host_of(text), host, "{text}");
        }
        assert!(is_foreign("192.0.2.1") && is_foreign("a.invalid"));
        assert!(!is_foreign("10.0.0.1") && !is_foreign("localhost") && !is_foreign("::1"));
    }

    #[test]
    fn programs_are_cut_out_of_commands() {
        for (command, name) in [
            ("sudo /usr/bin/Git describe", "git"),
            ("CC=x 'C:\\tools\\cl.exe' /c", "cl"),
            ("\u{FFFC} -c", ""),
        ] {
            assert_eq!(program(command), name, "{command}");
        }
        assert_eq!(spaced("a  \"B\"\n'c'"), " a b c ");
    }
}

//! What a request says of who sends it: the User-Agent, and what proxies in between write down.

use std::net::IpAddr;

use http::{HeaderMap, HeaderValue};

use crate::Property;
use crate::client_address::client_address;
use crate::config::{ProxyHeader, ProxySettings};
use crate::user_agent::{Client, MAX_USER_AGENT};

/// Which client asks.
pub(crate) static USER_AGENT: Property = Property {
    name: "user_agent",
    what: "whatever a client calls itself, it is read the same twice, and no part is longer than what is kept",
    check: |bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else {
            return;
        };
        let client = Client::parse(text);
        assert_eq!(client, Client::parse(text), "not the same twice");
        let parts = [
            client.installer,
            client.installer_version,
            client.python,
            client.distro,
        ];
        for part in parts.iter().flatten() {
            assert!(part.len() <= MAX_USER_AGENT, "{} bytes", part.len());
        }
    },
    seeds: || {
        let texts = [
            r#"pip/23.2 {"ci":null,"distro":{"name":"Debian GNU/Linux","version":"12"},"installer":{"name":"pip","version":"23.2"},"python":"3.11.7","system":{"name":"Linux","release":"6.1"}}"#,
            "poetry/2.5.1 CPython/3.11.7 Linux/6.1",
            "uv/0.13 {\"ci\":true,\"installer\":{\"name\":\"\u{e4}\"}}",
        ];
        texts.iter().map(|text| text.as_bytes().to_vec()).collect()
    },
    words: &[
        "{",
        "}",
        "\"installer\":",
        "\"name\":",
        "\"version\":",
        "\"python\":",
        "\"system\":",
        "\"ci\":",
        "null",
        "true",
        "/",
        "CPython/",
        "Linux/",
        "\\u00e4",
    ],
};

/// An address that a client made up.
const INVENTED: &str = "203.0.113.77";

/// `X-Forwarded-For` and `Forwarded`, behind a proxy in 10.0.0.0/8.
pub(crate) static FORWARDED: Property = Property {
    name: "forwarded",
    what: "nobody but a trusted proxy is believed, and what a client writes before what a proxy adds changes nothing",
    check: |bytes| {
        let Ok(line) = HeaderValue::from_bytes(bytes) else {
            return;
        };
        for header in [ProxyHeader::XForwardedFor, ProxyHeader::Forwarded] {
            is_not_fooled(header, &line);
        }
    },
    seeds: || {
        let texts = [
            "203.0.113.9, 198.51.100.1:4711, 10.0.0.2",
            "for=203.0.113.9, for=\"[2001:db8::1]:80\";proto=https;by=_x, for=10.0.0.2",
            "[::ffff:10.0.0.1]:80, unknown, ::1",
        ];
        texts.iter().map(|text| text.as_bytes().to_vec()).collect()
    },
    words: &[
        "for=",
        "For=\"",
        "\"",
        ";",
        ",",
        "proto=https",
        "by=",
        "unknown",
        "_hidden",
        "10.0.0.1",
        "198.51.100.1",
        "[2001:db8::1]",
        "::ffff:10.0.0.1",
        ":80",
    ],
};

fn is_not_fooled(header: ProxyHeader, line: &HeaderValue) {
    let proxies = ProxySettings {
        trusted: vec!["10.0.0.0/8".parse().expect("a network")],
        header,
    };
    let name = match header {
        ProxyHeader::XForwardedFor => "x-forwarded-for",
        ProxyHeader::Forwarded => "forwarded",
    };
    let found = |peer: &str, lines: &[&HeaderValue]| {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(name, (*line).clone());
        }
        let peer = peer.parse().expect("an address");
        client_address(&proxies, peer, &headers)
    };
    let (stranger, proxy) = ("192.0.2.1", "10.0.0.1");
    let itself: IpAddr = stranger.parse().expect("an address");
    assert_eq!(found(stranger, &[line]), itself, "a stranger is believed");
    let address = found(proxy, &[line]);
    assert_eq!(address, found(proxy, &[line]), "not the same twice");
    assert_eq!(address, address.to_canonical(), "one address has two forms");
    // A trusted proxy writes down from whom it has the request, whatever came with it.
    let added = match header {
        ProxyHeader::XForwardedFor => INVENTED.to_owned(),
        ProxyHeader::Forwarded => format!("for={INVENTED}"),
    };
    let added = HeaderValue::try_from(added).expect("a header's value");
    let told: IpAddr = INVENTED.parse().expect("an address");
    if line.to_str().is_ok() {
        assert_eq!(found(proxy, &[line, &added]), told, "the client hides");
        let joined = [line.as_bytes(), b", ", added.as_bytes()].concat();
        let joined = HeaderValue::from_bytes(&joined).expect("a header's value");
        assert_eq!(found(proxy, &[&joined]), told, "the client hides");
    }
}

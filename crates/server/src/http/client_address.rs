//! For whom a request comes, where proxies that are trusted stand between: `X-Forwarded-For` or `Forwarded`
//! (RFC 7239), whichever the configuration names. What a client writes there itself is not believed.

use std::net::IpAddr;

use http::{HeaderMap, HeaderName};

use crate::config::{Network, ProxyHeader, ProxySettings};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED: HeaderName = HeaderName::from_static("forwarded");

/// The nearest address on the way to us that is not one of the trusted proxies'. A hop that cannot be
/// read (`unknown`, `_hidden`) ends the search: what stands before it could be anything.
pub(super) fn client_address(proxies: &ProxySettings, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let mut nearest = peer.to_canonical();
    if proxies.trusted.is_empty() || !Network::any_has(&proxies.trusted, nearest) {
        return nearest;
    }
    let name = match proxies.header {
        ProxyHeader::XForwardedFor => X_FORWARDED_FOR,
        ProxyHeader::Forwarded => FORWARDED,
    };
    let mut lines: Vec<&str> = Vec::new();
    for value in headers.get_all(name) {
        let Ok(line) = value.to_str() else {
            return nearest;
        };
        lines.push(line);
    }
    for hop in lines.into_iter().rev().flat_map(|line| line.rsplit(',')) {
        let address = match proxies.header {
            ProxyHeader::XForwardedFor => node(hop.trim()),
            ProxyHeader::Forwarded => forwarded_for(hop),
        };
        let Some(address) = address else {
            return nearest;
        };
        nearest = address;
        if !Network::any_has(&proxies.trusted, nearest) {
            return nearest;
        }
    }
    nearest
}

/// The `for` of one element of `Forwarded`. A quoted comma or semicolon cannot stand in an address, so
/// that an element which has one is cut to something that is none.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let mut pairs = element.split(';').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))?;
    let value = value.trim();
    let quoted = value
        .strip_prefix('"')
        .and_then(|value| value.strip_suffix('"'));
    node(quoted.unwrap_or(value))
}

/// An address, with or without a port: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]:80`.
fn node(text: &str) -> Option<IpAddr> {
    let with_port = || {
        text.parse()
            .ok()
            .map(|address: std::net::SocketAddr| address.ip())
    };
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let address: Option<IpAddr> = text.parse().ok().or_else(with_port).or_else(bracketed);
    address.map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn check(header: ProxyHeader, peer: &str, lines: &[(&'static str, &str)], expected: &str) {
        let proxies = ProxySettings {
            trusted: ["10.0.0.0/8", "2001:db8:ffff::/48"]
                .map(|text| text.parse().expect("a network"))
                .to_vec(),
            header,
        };
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_str(value).expect("a value"));
        }
        let found = client_address(&proxies, peer.parse().expect("an address"), &headers);
        assert_eq!(found.to_string(), expected, "{peer} {lines:?}");
    }

    #[test]
    fn only_trusted_proxies_are_believed_and_only_as_far_as_they_reach() {
        const NAME: &str = "x-forwarded-for";
        let table: &[(&str, &[&str], &str)] = &[
            ("192.0.2.1", &["198.51.100.1"], "192.0.2.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("::ffff:10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            // The client wrote the first one itself.
            ("10.0.0.1", &["203.0.113.9, 198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["203.0.113.9", "198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["198.51.100.1, 10.0.0.2"], "198.51.100.1"),
            ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            ("10.0.0.1", &["198.51.100.1, unknown, 10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", &["198.51.100.1:4711"], "198.51.100.1"),
            ("10.0.0.1", &["2001:db8::1"], "2001:db8::1"),
            ("10.0.0.1", &["[2001:db8::1]:443"], "2001:db8::1"),
            ("2001:db8:ffff::1", &["[2001:db8::1]"], "2001:db8::1"),
            ("10.0.0.1", &["", ""], "10.0.0.1"),
        ];
        for (peer, values, expected) in table {
            let lines: Vec<_> = values.iter().map(|value| (NAME, *value)).collect();
            check(ProxyHeader::XForwardedFor, peer, &lines, expected);
        }
    }

    #[test]
    fn the_standard_header_is_read_where_it_is_the_one_that_counts() {
        const NAME: &str = "forwarded";
        let table: &[(&str, &str)] = &[
            ("for=198.51.100.1", "198.51.100.1"),
            ("proto=https;For=\"198.51.100.1:80\";by=_x", "198.51.100.1"),
            ("for=\"[2001:db8::1]:80\"", "2001:db8::1"),
            (
                "for=203.0.113.9, for=198.51.100.1, for=10.0.0.2",
                "198.51.100.1",
            ),
            ("for=198.51.100.1, for=_hidden", "10.0.0.1"),
            ("proto=https", "10.0.0.1"),
            ("for=\"198.51.100.1", "10.0.0.1"),
        ];
        for (value, expected) in table {
            let lines = [(NAME, *value), ("x-forwarded-for", "203.0.113.77")];
            check(ProxyHeader::Forwarded, "10.0.0.1", &lines, expected);
        }
        let lines = [(NAME, "for=203.0.113.77")];
        check(ProxyHeader::XForwardedFor, "10.0.0.1", &lines, "10.0.0.1");
    }
}

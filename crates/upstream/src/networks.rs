//! Which addresses are inside: networks that nothing from outside may send us to, in every form
//! that IPv6 has for an IPv4 address. Names and exceptions are the guard's business.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What kind of closed network an address is in, if any. Documentation ranges (RFC 5737, RFC 3849)
/// lead nowhere and are not refused.
pub(crate) fn closed_network(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => closed_v4(address),
        IpAddr::V6(address) => match embedded_v4(address) {
            Some(inner) => closed_v4(inner),
            None => closed_v6(address),
        },
    }
}

fn closed_v4(address: Ipv4Addr) -> Option<&'static str> {
    match address.octets() {
        [0, ..] => Some("an unspecified address"),
        [127, ..] => Some("a loopback address"),
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Some("a private address"),
        [169, 254, ..] => Some("a link-local or cloud metadata address"),
        [100, 64..=127, ..] => Some("a carrier-grade NAT or cloud metadata address"),
        [192, 0, 0, _] => Some("a protocol or cloud metadata address"),
        [168, 63, 129, 16] => Some("a cloud metadata address"),
        [198, 18..=19, ..] => Some("a benchmarking address"),
        [224..=239, ..] => Some("a multicast address"),
        [240..=255, ..] => Some("a reserved or broadcast address"),
        _ => None,
    }
}

fn closed_v6(address: Ipv6Addr) -> Option<&'static str> {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => Some("an unspecified address"),
        [0, 0, 0, 0, 0, 0, 0, 1] => Some("a loopback address"),
        [0xfc00..=0xfdff, ..] => Some("a unique-local or cloud metadata address"),
        [0xfe80..=0xfebf, ..] => Some("a link-local address"),
        [0xfec0..=0xfeff, ..] => Some("a site-local address"),
        [0xff00..=0xffff, ..] => Some("a multicast address"),
        [0x64, 0xff9b, 1, ..] => Some("a local-use NAT64 address"),
        [0x2001, 0, ..] => Some("a Teredo address"),
        _ => None,
    }
}

/// The IPv4 address that an IPv6 one stands for: mapped and compatible (RFC 4291), NAT64 (RFC 6052)
/// and 6to4 (RFC 3056).
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let (high, low) = match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => return None,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] => (high, low),
        [0, 0, 0, 0, 0xffff, 0, high, low] => (high, low),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => (high, low),
        [0x2002, high, low, ..] => (high, low),
        _ => return None,
    };
    let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
    Some(Ipv4Addr::new(a, b, c, d))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_ipv6_form_hides_a_closed_ipv4_address(bits: u32) {
            let address = Ipv4Addr::from_bits(bits);
            let judged = closed_network(address.into());
            let [a, b, c, d] = address.octets().map(u16::from);
            let (high, low) = (a << 8 | b, c << 8 | d);
            for wrapped in [
                address.to_ipv6_mapped(),
                Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
                Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
            ] {
                prop_assert_eq!(closed_network(wrapped.into()), judged);
            }
        }
    }
}

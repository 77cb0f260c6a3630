//! The guard against being sent where we must not go (server-side request forgery): which hosts a
//! source trusts, which networks stay closed to everything else, and a resolver that filters what
//! names resolve to, so that the address that was judged is the address that is connected to.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use serde::{Deserialize, Deserializer};
use url::{Host, Url};

use crate::error::UpstreamError;
use crate::networks::closed_network;

/// An entry of a source's `allow-hosts`: what may be asked although it is inside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedHost {
    /// A host by name or address, on one port or on all.
    Host {
        /// The name in lower case, or the address as a URL spells it.
        host: String,
        /// The only port, or every port.
        port: Option<u16>,
    },
    /// All addresses of a network.
    Network(IpNet),
}

/// The text is not an entry for `allow-hosts`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a host, host:port, address or network (10.0.0.0/8): {0:?}")]
pub struct InvalidAllowedHost(pub String);

impl FromStr for AllowedHost {
    type Err = InvalidAllowedHost;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(network) = text.parse::<IpNet>() {
            return Ok(Self::Network(network));
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self::Network(address.into()));
        }
        let invalid = || InvalidAllowedHost(text.chars().take(80).collect());
        // A scheme without a default port keeps `:80` and `:443` in the parsed URL.
        let url = Url::parse(&format!("portcullis://{text}")).map_err(|_| invalid())?;
        let bare = url.username().is_empty() && url.password().is_none() && url.path().is_empty();
        let host = url
            .host_str()
            .filter(|host| !host.is_empty() && bare)
            .ok_or_else(invalid)?;
        let host = Host::parse(host).map_err(|_| invalid())?.to_string();
        Ok(Self::Host {
            host,
            port: url.port(),
        })
    }
}

impl<'de> Deserialize<'de> for AllowedHost {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// A name resolved to an address in a closed network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{host} is {what} ({address}); add the host to the source's allow-hosts if this is intended"
)]
pub struct ForbiddenAddress {
    host: String,
    address: IpAddr,
    what: &'static str,
}

/// How a request travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Road {
    /// To a host that the configuration names: its addresses are taken as they are.
    Trusted,
    /// To any other host: its addresses are filtered.
    Guarded,
}

/// What one source may ask.
#[derive(Debug)]
pub(crate) struct Guard {
    own_origin: (String, u16),
    own_scheme: String,
    allowed: Vec<AllowedHost>,
    proxy_hosts: Vec<String>,
}

impl Guard {
    /// A guard for the source at `root`, which needs to resolve the names in `proxy_hosts`.
    pub(crate) fn new(root: &Url, allowed: Vec<AllowedHost>, proxy_hosts: Vec<String>) -> Self {
        let own_origin = origin(root).unwrap_or_default();
        Self {
            own_origin,
            own_scheme: root.scheme().to_owned(),
            allowed,
            proxy_hosts,
        }
    }

    /// A guard that trusts nobody, not even the host of `root`: for addresses that people give who
    /// are not to reach what this machine reaches.
    pub(crate) fn distrusting(root: &Url, proxy_hosts: Vec<String>) -> Self {
        Self {
            own_origin: (String::new(), 0),
            own_scheme: root.scheme().to_owned(),
            allowed: Vec::new(),
            proxy_hosts,
        }
    }

    /// Whether the request may be made, and how it travels.
    ///
    /// # Errors
    /// [`UpstreamError::Forbidden`] for a scheme other than http and https, for plain http from a
    /// source that is https, and for an address in a closed network.
    pub(crate) fn judge(&self, url: &Url) -> Result<Road, UpstreamError> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(UpstreamError::forbidden(
                url,
                "only http and https are asked",
            ));
        }
        let Some((host, port)) = origin(url) else {
            return Err(UpstreamError::forbidden(url, "it names no host"));
        };
        let is_downgrade = self.own_scheme == "https" && url.scheme() == "http";
        if self.is_own_host(&host, port) && !is_downgrade || self.is_allowed(&host, port) {
            return Ok(Road::Trusted);
        }
        if is_downgrade {
            let reason = "an https source must not lead to plain http";
            return Err(UpstreamError::forbidden(url, reason));
        }
        if self.proxy_hosts.contains(&host) {
            return Err(UpstreamError::forbidden(url, "it is the outbound proxy"));
        }
        match literal(url) {
            Some(address) => self.admit(&host, address),
            None => Ok(()),
        }
        .map_err(|forbidden| UpstreamError::forbidden(url, forbidden.to_string()))?;
        Ok(Road::Guarded)
    }

    /// Whether `url` is on the source's own scheme, host and port, where its credentials belong.
    pub(crate) fn is_own_origin(&self, url: &Url) -> bool {
        url.scheme() == self.own_scheme && origin(url).as_ref() == Some(&self.own_origin)
    }

    fn is_own_host(&self, host: &str, port: u16) -> bool {
        self.own_origin.0 == host && self.own_origin.1 == port
    }

    fn is_allowed(&self, host: &str, port: u16) -> bool {
        self.allowed.iter().any(|entry| match entry {
            AllowedHost::Host {
                host: named,
                port: only,
            } => named == host && only.is_none_or(|only| only == port),
            AllowedHost::Network(_) => false,
        })
    }

    fn admit(&self, host: &str, address: IpAddr) -> Result<(), ForbiddenAddress> {
        let in_allowed_network = |entry: &AllowedHost| match entry {
            AllowedHost::Network(network) => network.contains(&address),
            AllowedHost::Host { .. } => false,
        };
        match closed_network(address) {
            Some(what) if !self.allowed.iter().any(in_allowed_network) => Err(ForbiddenAddress {
                host: host.to_owned(),
                address,
                what,
            }),
            _ => Ok(()),
        }
    }

    /// Keeps the addresses that may be connected to.
    fn filter(
        &self,
        host: &str,
        found: Vec<SocketAddr>,
    ) -> Result<Vec<SocketAddr>, ForbiddenAddress> {
        if self.proxy_hosts.iter().any(|proxy| proxy == host) {
            return Ok(found);
        }
        let mut refusal = None;
        let mut kept = Vec::with_capacity(found.len());
        for address in found {
            match self.admit(host, address.ip()) {
                Ok(()) => kept.push(address),
                Err(forbidden) => refusal = Some(forbidden),
            }
        }
        match refusal {
            Some(forbidden) if kept.is_empty() => Err(forbidden),
            _ => Ok(kept),
        }
    }
}

/// The resolver for guarded roads.
#[derive(Debug)]
pub(crate) struct FilteringResolver {
    pub(crate) guard: Arc<Guard>,
}

impl Resolve for FilteringResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = Arc::clone(&self.guard);
        Box::pin(async move {
            let host = name.as_str().to_ascii_lowercase();
            let found = tokio::net::lookup_host((host.as_str(), 0)).await?;
            let kept = guard.filter(&host, found.collect())?;
            let addresses: Addrs = Box::new(kept.into_iter());
            Ok(addresses)
        })
    }
}

impl Guard {
    /// Where a proxy connects for us it also resolves for us; this asks our own resolver first and
    /// refuses what it knows to be inside. A name that only the proxy can resolve passes.
    pub(crate) async fn check_before_proxy(&self, url: &Url) -> Result<(), UpstreamError> {
        let Some(Host::Domain(name)) = url.host() else {
            return Ok(());
        };
        let Ok(found) = tokio::net::lookup_host((name, 0)).await else {
            return Ok(());
        };
        let judged = self.filter(name, found.collect());
        judged.map_err(|forbidden| UpstreamError::forbidden(url, forbidden.to_string()))?;
        Ok(())
    }
}

fn origin(url: &Url) -> Option<(String, u16)> {
    let host = url.host_str()?.trim_end_matches('.').to_ascii_lowercase();
    Some((host, url.port_or_known_default()?))
}

fn literal(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Ipv4(address) => Some(address.into()),
        Host::Ipv6(address) => Some(address.into()),
        Host::Domain(_) => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn url(text: &str) -> Url {
        text.parse().expect(text)
    }

    fn guard(root: &str, allowed: &[&str]) -> Guard {
        let allowed = allowed.iter().map(|text| text.parse().unwrap()).collect();
        Guard::new(&url(root), allowed, vec!["proxy.example".to_owned()])
    }

    #[test]
    fn every_spelling_of_an_inside_address_is_forbidden() {
        let guard = guard("https://pkgs.example/simple/", &[]);
        for host in [
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f.0.0.1",
            "0177.0.0.1",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "100.100.100.200",
            "192.0.0.192",
            "168.63.129.16",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "240.0.0.1",
            "[::1]",
            "[::]",
            "[fc00::1]",
            "[fd00:ec2::254]",
            "[fe80::1]",
            "[fec0::1]",
            "[ff02::1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:10.0.0.1]",
            "[::127.0.0.1]",
            "[64:ff9b::10.0.0.1]",
            "[64:ff9b:1::1]",
            "[2002:a00:1::]",
            "[2002:7f00:1::]",
            "[2001:0:1::1]",
            "[::ffff:0:127.0.0.1]",
        ] {
            let judged = guard.judge(&url(&format!("https://{host}/f")));
            assert!(
                matches!(judged, Err(UpstreamError::Forbidden { .. })),
                "{host}"
            );
        }
    }

    #[test]
    fn public_and_documentation_addresses_are_asked() {
        let guard = guard("https://pkgs.example/simple/", &[]);
        for host in [
            "203.0.113.7",
            "198.51.100.1",
            "192.0.2.1",
            "172.32.0.1",
            "100.128.0.1",
            "9.9.9.9",
            "[2001:db8::1]",
            "[2a00::1]",
            "[::ffff:203.0.113.7]",
            "files.example",
        ] {
            assert_eq!(
                guard.judge(&url(&format!("https://{host}/f"))),
                Ok(Road::Guarded),
                "{host}"
            );
        }
    }

    #[test]
    fn schemes_and_downgrades_are_judged() {
        let guard = guard(
            "https://pkgs.example/simple/",
            &["mirror.example", "10.9.0.0/16"],
        );
        for forbidden in [
            "http://files.example/f",
            "http://pkgs.example:443/f",
            "ftp://files.example/f",
            "file:///etc/passwd",
            "data:,x",
            "javascript:alert(1)",
            "https://proxy.example/f",
            "https://10.8.0.1/f",
        ] {
            assert!(guard.judge(&url(forbidden)).is_err(), "{forbidden}");
        }
        for trusted in [
            "https://pkgs.example/x",
            "https://PKGS.example.:443/x",
            "http://mirror.example:8/x",
        ] {
            assert_eq!(guard.judge(&url(trusted)), Ok(Road::Trusted), "{trusted}");
        }
        assert_eq!(guard.judge(&url("https://10.9.1.1/f")), Ok(Road::Guarded));
    }

    #[test]
    fn only_the_configured_port_of_an_inside_host_is_trusted() {
        let guard = guard("http://127.0.0.1:8000/simple/", &["localhost:9000"]);
        assert_eq!(
            guard.judge(&url("http://127.0.0.1:8000/files/f")),
            Ok(Road::Trusted)
        );
        assert_eq!(
            guard.judge(&url("http://localhost:9000/f")),
            Ok(Road::Trusted)
        );
        assert!(guard.judge(&url("http://127.0.0.1:22/")).is_err());
        assert!(guard.is_own_origin(&url("http://127.0.0.1:8000/x")));
        assert!(!guard.is_own_origin(&url("https://127.0.0.1:8000/x")));
        assert!(!guard.is_own_origin(&url("http://127.0.0.1:9000/x")));
    }

    #[test]
    fn names_that_resolve_inside_are_dropped_unless_allowed() {
        let guard = guard("https://pkgs.example/simple/", &["10.9.0.0/16"]);
        let found = |text: &[&str]| -> Vec<SocketAddr> {
            text.iter()
                .map(|address| SocketAddr::new(address.parse().unwrap(), 0))
                .collect()
        };
        assert!(
            guard
                .filter("evil.example", found(&["10.0.0.1", "::1"]))
                .is_err()
        );
        let mixed = guard.filter("odd.example", found(&["10.0.0.1", "203.0.113.7"]));
        assert_eq!(mixed, Ok(found(&["203.0.113.7"])));
        assert_eq!(
            guard.filter("in.example", found(&["10.9.0.1"])),
            Ok(found(&["10.9.0.1"]))
        );
        assert_eq!(
            guard.filter("proxy.example", found(&["10.0.0.1"])),
            Ok(found(&["10.0.0.1"]))
        );
    }

    #[test]
    fn allow_hosts_takes_names_ports_addresses_and_networks() {
        let host = |host: &str, port| AllowedHost::Host {
            host: host.to_owned(),
            port,
        };
        assert_eq!("Files.Example".parse(), Ok(host("files.example", None)));
        assert_eq!(
            "files.example:443".parse(),
            Ok(host("files.example", Some(443)))
        );
        assert_eq!("127.0.0.1:80".parse(), Ok(host("127.0.0.1", Some(80))));
        assert_eq!("[::1]:80".parse(), Ok(host("[::1]", Some(80))));
        for network in ["10.0.0.0/8", "10.1.2.3", "fd00::/8", "::1"] {
            assert!(
                matches!(network.parse(), Ok(AllowedHost::Network(_))),
                "{network}"
            );
        }
        for text in [
            "",
            "a b",
            "https://files.example",
            "a@b",
            "a/b",
            "10.0.0.0/99",
            ":80",
        ] {
            assert!(text.parse::<AllowedHost>().is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_entry_makes_it_panic(text in any::<String>()) {
            let _ = text.parse::<AllowedHost>();
        }
    }
}

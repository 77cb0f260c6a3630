//! The keys about connections and their clients: `[tls]`, `[proxies]`, and what `[limits]` says of how much
//! one client may ask for. What is done about them is in `serve` and `limits`.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use ipnet::IpNet;
use portcullis_core::settings::{Located, Table};

use super::rate::{RateSetting, Unit};
use super::read::{Reader, values};
use super::{ByteSize, Period};

/// How connections are taken, and what one client may ask for.
#[derive(Clone, Debug)]
pub struct FrontSettings {
    /// TLS, where it is spoken.
    pub tls: Option<TlsSettings>,
    /// Who may say on whose behalf a request comes.
    pub proxies: ProxySettings,
    /// The most connections that are open at a time.
    pub connections: usize,
    /// The most that one address may have open, unless it is exempt.
    pub connections_per_address: usize,
    /// How long a client may take for the head of a request, once it has begun.
    pub head: Duration,
    /// How long a connection may be open without a request.
    pub idle: Duration,
    /// For how long a transfer may stand still, in either direction.
    pub stall: Duration,
    /// The fewest bytes a second that a transfer must come to in the long run.
    pub slowest: u64,
    /// How often one client may ask for anything.
    pub requests: RateSetting,
    /// How often one client may publish.
    pub uploads: RateSetting,
    /// How often one address may show a token that is none.
    pub failed_logins: RateSetting,
    /// The networks whose clients are not limited in number of requests and connections.
    pub exempt: Vec<Network>,
    /// For how long everything is still answered while `/readyz` says that we are leaving.
    pub drain: Duration,
}

/// `[tls]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsSettings {
    /// The certificate of the server and those between it and its authority, PEM.
    pub cert: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
    /// The oldest version that is spoken.
    pub oldest: TlsVersion,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsVersion {
    /// TLS 1.2 (RFC 5246), with the cipher suites that are still sound.
    #[default]
    Tls12,
    /// TLS 1.3 (RFC 8446).
    Tls13,
}

/// `[proxies]`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProxySettings {
    /// The networks of the proxies that are believed.
    pub trusted: Vec<Network>,
    /// Where they say for whom they ask.
    pub header: ProxyHeader,
}

/// Where a proxy says for whom it asks. Only one is believed: most proxies pass the other on as the client
/// sent it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProxyHeader {
    /// `X-Forwarded-For`
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239)
    Forwarded,
}

/// A network, or a single address, which is the network that has only it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network(pub IpNet);

impl Network {
    /// Whether `address` is in one of `networks`.
    pub fn any_has(networks: &[Self], address: IpAddr) -> bool {
        let address = address.to_canonical();
        networks.iter().any(|network| network.0.contains(&address))
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let single = || text.parse::<IpAddr>().map(IpNet::from);
        text.parse().or_else(|_| single()).map(Self).map_err(|_| {
            format!("{text:?} is no address or network (for example \"10.0.0.0/8\" or \"::1\")")
        })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.prefix_len() == self.0.max_prefix_len() {
            true => write!(f, "{}", self.0.addr()),
            false => write!(f, "{}", self.0),
        }
    }
}

impl FromStr for TlsVersion {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "1.2" => Ok(Self::Tls12),
            "1.3" => Ok(Self::Tls13),
            other => Err(format!("{other:?} is not one of \"1.2\", \"1.3\"")),
        }
    }
}

impl fmt::Display for TlsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tls12 => "1.2",
            Self::Tls13 => "1.3",
        })
    }
}

impl FromStr for ProxyHeader {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.to_ascii_lowercase().as_str() {
            "x-forwarded-for" => Ok(Self::XForwardedFor),
            "forwarded" => Ok(Self::Forwarded),
            _ => Err(format!("{text:?} is not one of x-forwarded-for, forwarded")),
        }
    }
}

impl fmt::Display for ProxyHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::XForwardedFor => "x-forwarded-for",
            Self::Forwarded => "forwarded",
        })
    }
}

impl Default for FrontSettings {
    fn default() -> Self {
        let loopback = ["127.0.0.0/8", "::1"].map(|text| text.parse().expect("a network"));
        Self {
            tls: None,
            proxies: ProxySettings::default(),
            connections: 10_000,
            connections_per_address: 1024,
            head: Duration::from_secs(30),
            idle: Duration::from_secs(75),
            stall: Duration::from_secs(60),
            slowest: 1024,
            requests: RateSetting::new(500, Unit::Second, 10_000),
            uploads: RateSetting::new(100, Unit::Second, 2000),
            failed_logins: RateSetting::new(10, Unit::Second, 500),
            exempt: loopback.to_vec(),
            drain: Duration::ZERO,
        }
    }
}

impl FrontSettings {
    /// Every value as `config show` has it, whoever gave it.
    pub(super) fn shown(&self) -> Vec<(String, String)> {
        let listed = |networks: &[Network]| {
            let networks: Vec<String> = networks.iter().map(ToString::to_string).collect();
            match networks.is_empty() {
                true => "none".to_owned(),
                false => networks.join(", "),
            }
        };
        let count = |count: usize| count.to_string();
        let period = |period: Duration| Period(period).to_string();
        let mut shown = vec![
            ("limits.connections", count(self.connections)),
            (
                "limits.connections-per-address",
                count(self.connections_per_address),
            ),
            ("limits.head", period(self.head)),
            ("limits.idle", period(self.idle)),
            ("limits.stall", period(self.stall)),
            ("limits.slowest", ByteSize(self.slowest).to_string()),
            ("limits.requests", self.requests.to_string()),
            ("limits.uploads", self.uploads.to_string()),
            ("limits.failed-logins", self.failed_logins.to_string()),
            ("limits.exempt", listed(&self.exempt)),
            ("limits.drain", period(self.drain)),
            ("proxies.trusted", listed(&self.proxies.trusted)),
            ("proxies.header", self.proxies.header.to_string()),
        ];
        if let Some(tls) = &self.tls {
            shown.push(("tls.oldest", tls.oldest.to_string()));
        }
        let owned = |(key, value): (&str, String)| (key.to_owned(), value);
        shown.into_iter().map(owned).collect()
    }
}

/// `[tls]` as the file has it; flags and environment may add the rest.
#[derive(Default)]
pub(super) struct RawTls {
    pub(super) cert: Option<PathBuf>,
    pub(super) key: Option<PathBuf>,
    pub(super) oldest: Option<TlsVersion>,
}

impl Reader<'_> {
    /// Reads `[tls]`.
    pub(super) fn tls(&mut self, root: &mut Table<'_>) -> RawTls {
        let Some(mut table) = root.table("tls") else {
            return RawTls::default();
        };
        let cert = table.text("cert");
        let key = table.text("key");
        let oldest = table.parsed::<TlsVersion>("oldest");
        self.show("tls.cert", cert.as_ref());
        self.show("tls.key", key.as_ref());
        self.show("tls.oldest", oldest.as_ref());
        table.finish();
        RawTls {
            cert: cert.map(|path| self.folder.join(path.value)),
            key: key.map(|path| self.folder.join(path.value)),
            oldest: oldest.map(|version| version.value),
        }
    }

    /// Reads `[proxies]`.
    pub(super) fn proxies(&mut self, root: &mut Table<'_>) -> ProxySettings {
        let Some(mut table) = root.table("proxies") else {
            return ProxySettings::default();
        };
        let trusted = table.list::<Network>("trusted");
        let header = table.parsed::<ProxyHeader>("header");
        for network in trusted.iter().flatten() {
            if network.value.0.prefix_len() == 0 {
                let message = "every client could say that it is somebody else";
                table.mistake(network, message, Some("name the addresses of the proxies"));
            }
        }
        self.show_list("proxies.trusted", trusted.as_ref());
        self.show("proxies.header", header.as_ref());
        table.finish();
        ProxySettings {
            trusted: values(trusted),
            header: header.map_or_else(ProxyHeader::default, |header| header.value),
        }
    }

    /// Reads what `[limits]` says of connections and clients.
    pub(super) fn front_limits(&mut self, limits: &mut Table<'_>, front: &mut FrontSettings) {
        for (key, slot) in [
            ("connections", &mut front.connections),
            (
                "connections-per-address",
                &mut front.connections_per_address,
            ),
        ] {
            let count = limits.integer(key, 1..1_000_001);
            self.show(&format!("limits.{key}"), count.as_ref());
            if let Some(count) = count {
                *slot = usize::try_from(count.value).unwrap_or(usize::MAX);
            }
        }
        for (key, slot) in [
            ("head", &mut front.head),
            ("idle", &mut front.idle),
            ("stall", &mut front.stall),
        ] {
            let period = self.period(limits, key);
            if let Some(period) = period.as_ref().filter(|period| period.value.0.is_zero()) {
                let message = "no client could ever be served";
                limits.mistake(period, message, Some("at least 1s"));
            }
            if let Some(period) = period {
                *slot = period.value.0;
            }
        }
        if let Some(drain) = self.period(limits, "drain") {
            front.drain = drain.value.0;
        }
        let slowest = limits.parsed::<ByteSize>("slowest");
        self.show("limits.slowest", slowest.as_ref());
        if let Some(slowest) = slowest {
            front.slowest = slowest.value.0;
        }
        for (key, slot) in [
            ("requests", &mut front.requests),
            ("uploads", &mut front.uploads),
            ("failed-logins", &mut front.failed_logins),
        ] {
            let rate = limits.parsed::<RateSetting>(key);
            self.show(&format!("limits.{key}"), rate.as_ref());
            if let Some(rate) = rate {
                *slot = rate.value;
            }
        }
        let exempt = limits.list::<Network>("exempt");
        self.show_list("limits.exempt", exempt.as_ref());
        if let Some(exempt) = exempt {
            front.exempt = values(Some(exempt));
        }
    }

    fn period(&mut self, limits: &mut Table<'_>, key: &str) -> Option<Located<Period>> {
        let period = limits.parsed::<Period>(key);
        self.show(&format!("limits.{key}"), period.as_ref());
        period
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{Config, Overrides};
    use super::*;

    fn parse(text: &str, overrides: &Overrides) -> Result<FrontSettings, String> {
        let place = Path::new("/etc/portcullis/portcullis.toml");
        Config::parse(text, place, overrides)
            .map(|config| config.front)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn every_key_is_read() {
        let text = "[tls]\ncert = 'c.pem'\nkey = '/k.pem'\noldest = '1.3'\n\
            [proxies]\ntrusted = ['10.0.0.0/8', '::1']\nheader = 'Forwarded'\n\
            [limits]\nconnections = 5\nconnections-per-address = 2\nhead = '1s'\nidle = '2s'\n\
            stall = '3s'\nslowest = '2 KiB'\nrequests = '1/s'\nuploads = 'off'\n\
            failed-logins = '2/m burst 3'\nexempt = []\ndrain = '4s'\n";
        let front = parse(text, &Overrides::default()).expect("sound");
        insta::assert_debug_snapshot!(front);
        let plain = parse("", &Overrides::default()).expect("the defaults");
        assert_eq!(plain.tls, None);
        let local = |address: &str| Network::any_has(&plain.exempt, address.parse().expect("one"));
        assert!(local("127.0.0.9") && local("::1") && local("::ffff:127.0.0.1"));
        assert!(!local("10.0.0.1") && !local("::2"));
    }

    #[test]
    fn every_mistake_is_shown_at_its_place() {
        let text = "[tls]\ncert = 'c.pem'\noldest = '1.1'\n\
            [proxies]\ntrusted = ['0.0.0.0/0', 'proxy.example']\nheader = 'via'\n\
            [limits]\nconnections = 0\nidle = '0s'\nstall = 'soon'\nslowest = 'fast'\n\
            requests = '5'\nexempt = ['10.0.0.0/33']\n";
        insta::assert_snapshot!(parse(text, &Overrides::default()).expect_err("mistaken"));
    }

    #[test]
    fn a_certificate_needs_its_key_and_flags_win() {
        let mut overrides = Overrides {
            tls_cert: Some("/flag.pem".into()),
            ..Overrides::default()
        };
        let alone = parse("", &overrides).expect_err("no key");
        insta::assert_snapshot!(alone, @"--tls-cert: TLS needs a certificate and its key: give --tls-key as well");
        overrides
            .environment
            .insert("PORTCULLIS_TLS_KEY".into(), "/env.pem".into());
        let tls = parse("[tls]\ncert = 'c.pem'\nkey = 'k.pem'\n", &overrides);
        let tls = tls.expect("sound").tls.expect("TLS");
        assert_eq!(tls.cert, Path::new("/flag.pem"));
        assert_eq!(tls.key, Path::new("/env.pem"));
        let alone = parse("[tls]\nkey = 'k.pem'\n", &Overrides::default());
        insta::assert_snapshot!(alone.expect_err("no certificate"), @"[tls]: TLS needs a certificate and its key: give cert as well");
    }
}

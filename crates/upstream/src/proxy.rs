//! Which outbound proxy a client uses. The environment's proxies are used only where the
//! configuration says so, because a server often inherits variables that were meant for a shell.

use reqwest::{NoProxy, Proxy};
use url::Url;

use crate::environment::Environment;
use crate::source::SetupError;

/// The outbound proxy of a source.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum ProxySetting {
    /// None: connections are made directly.
    #[default]
    Direct,
    /// `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, in either case.
    Environment,
    /// This one for everything: `http://`, `https://`, `socks5://` or `socks5h://`, with user and
    /// password where it wants them.
    Url(Url),
}

impl std::fmt::Debug for ProxySetting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Direct => f.write_str("Direct"),
            Self::Environment => f.write_str("Environment"),
            Self::Url(url) => write!(f, "Url({})", crate::redact::redacted(url)),
        }
    }
}

/// The proxies of a client, and the names of their hosts, which the guard must let resolve.
#[derive(Clone, Debug, Default)]
pub(crate) struct Proxies {
    pub(crate) proxies: Vec<Proxy>,
    pub(crate) hosts: Vec<String>,
}

impl ProxySetting {
    /// Reads the setting.
    ///
    /// # Errors
    /// [`SetupError::Proxy`] when an address is none that can be a proxy's.
    pub(crate) fn read(&self, environment: &Environment) -> Result<Proxies, SetupError> {
        match self {
            Self::Direct => Ok(Proxies::default()),
            Self::Url(url) => {
                let mut proxies = Proxies::default();
                proxies.add(url, "proxy", Proxy::all)?;
                Ok(proxies)
            }
            Self::Environment => from_environment(environment),
        }
    }
}

fn from_environment(environment: &Environment) -> Result<Proxies, SetupError> {
    let either_case = |name: &str| {
        let upper = name.to_uppercase();
        environment
            .get(name)
            .or_else(|| environment.get(&upper))
            .map(str::to_owned)
    };
    let no_proxy = either_case("no_proxy").and_then(|list| NoProxy::from_string(&list));
    let mut proxies = Proxies::default();
    for (name, kind) in [
        (
            "http_proxy",
            Proxy::http as fn(Url) -> reqwest::Result<Proxy>,
        ),
        ("https_proxy", Proxy::https),
        ("all_proxy", Proxy::all),
    ] {
        let Some(value) = either_case(name) else {
            continue;
        };
        let with_scheme = if value.contains("://") {
            value
        } else {
            format!("http://{value}")
        };
        let url = Url::parse(&with_scheme).map_err(|_| SetupError::Proxy(name.to_owned()))?;
        proxies.add(&url, name, |url| Ok(kind(url)?.no_proxy(no_proxy.clone())))?;
    }
    Ok(proxies)
}

impl Proxies {
    fn add(
        &mut self,
        url: &Url,
        found_in: &str,
        kind: impl FnOnce(Url) -> reqwest::Result<Proxy>,
    ) -> Result<(), SetupError> {
        // The client's own message would quote the URL with its password.
        let invalid = || SetupError::Proxy(found_in.to_owned());
        let known_scheme = matches!(url.scheme(), "http" | "https" | "socks5" | "socks5h");
        let host = url
            .host_str()
            .filter(|_| known_scheme)
            .ok_or_else(invalid)?;
        self.hosts.push(host.to_ascii_lowercase());
        self.proxies.push(kind(url.clone()).map_err(|_| invalid())?);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_environment_counts_only_where_the_configuration_says_so() {
        let environment = Environment::from_iter([
            ("https_proxy", "http://ann:pw@proxy.example:3128"),
            ("ALL_PROXY", "other.example:8080"),
            ("NO_PROXY", "localhost"),
        ]);
        assert!(
            ProxySetting::Direct
                .read(&environment)
                .unwrap()
                .proxies
                .is_empty()
        );
        let read = ProxySetting::Environment.read(&environment).unwrap();
        assert_eq!(read.hosts, ["proxy.example", "other.example"]);
    }

    #[test]
    fn a_proxy_that_is_none_is_an_error_without_its_password() {
        for value in [
            "ftp://ann:s3cret@proxy.example",
            "http://",
            "http://ann:s3cret@:x",
        ] {
            let environment = Environment::from_iter([("http_proxy", value)]);
            let error = ProxySetting::Environment.read(&environment).unwrap_err();
            assert!(!error.to_string().contains("s3cret"), "{error}");
        }
        let url = "http://ann:s3cret@proxy.example".parse().unwrap();
        assert!(!format!("{:?}", ProxySetting::Url(url)).contains("s3cret"));
    }
}

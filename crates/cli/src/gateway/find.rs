//! [`find`]: which gateway is meant. It is the one that is named, or the one in `PORTCULLIS_URL`, or the index
//! that this machine's installers are configured to use, where a gateway answers there.

use std::time::Duration;

use portcullis_upstream::discover::{self, Machine};
use portcullis_upstream::environment::Environment;
use secrecy::ExposeSecret as _;
use url::Url;

use super::client::Client;
use crate::exit::failure;

/// The variable with the address of a gateway.
const GATEWAY: &str = "PORTCULLIS_URL";

/// How long an index may take to show that it is a gateway.
const PATIENCE: Duration = Duration::from_secs(3);

/// A gateway and the index of it that is meant.
pub struct Found {
    /// The gateway.
    pub client: Client,
    /// The name of its index; `None` for the default one.
    pub index: Option<String>,
    /// The root of that index's simple API, without credentials.
    pub simple: Url,
}

impl Found {
    /// The root of the simple API with the token that the gateway is asked with, for those that fetch files.
    pub fn simple_with_token(&self) -> Url {
        let mut url = self.simple.clone();
        if let Some(token) = self.client.token() {
            // Both fail only for URLs that cannot have credentials.
            let _ = url.set_username("__token__");
            let _ = url.set_password(Some(token.expose_secret()));
        }
        url
    }
}

/// The gateway that is meant; `None` where nothing names one. `named` is the address that was given.
pub async fn find(named: Option<&Url>) -> anyhow::Result<Option<Found>> {
    match find_named(named).await? {
        Some(found) => Ok(Some(found)),
        None => of_installers().await,
    }
}

/// The gateway that is named or in `PORTCULLIS_URL`.
pub async fn find_named(named: Option<&Url>) -> anyhow::Result<Option<Found>> {
    let environment = Environment::of_this_process();
    let variable = || {
        environment
            .get(GATEWAY)
            .filter(|text| !text.trim().is_empty())
    };
    let address = match named {
        Some(url) => Some(url.clone()),
        None => variable().map(address).transpose()?,
    };
    match address {
        Some(url) => at(&url).await.map(Some),
        None => Ok(None),
    }
}

/// An address that is said to be a gateway's.
fn address(text: &str) -> anyhow::Result<Url> {
    Url::parse(text.trim()).map_err(|_| {
        failure(
            format!("{GATEWAY} is not the address of a gateway"),
            format!("set it to an address such as http://gateway.example, or unset {GATEWAY}"),
        )
    })
}

/// The gateway at an address that is said to be one: that of the server, or that of one of its indexes.
async fn at(url: &Url) -> anyhow::Result<Found> {
    let mut error = None;
    for (root, index) in candidates(url) {
        let client = Client::new(root)?;
        match client.look(PATIENCE * 3).await {
            Ok(true) => return Ok(found(client, index)),
            Ok(false) => {}
            Err(why) => error = error.or(Some(why)),
        }
    }
    Err(error.unwrap_or_else(|| {
        failure(
            format!("no gateway answers at {}", shown(url)),
            "give the address as people reach it, such as http://gateway.example",
        )
    }))
}

/// The gateway that installers are pointed at, if it is one. An index that does not say so is none.
async fn of_installers() -> anyhow::Result<Option<Found>> {
    let Ok(Some(configured)) = discover::configured(&Machine::this()) else {
        return Ok(None);
    };
    let mut url = configured.url;
    if let Some(credentials) = &configured.credentials {
        // Both fail only for URLs that cannot have credentials.
        let _ = url.set_username(&credentials.username);
        let _ = url.set_password(Some(credentials.password.expose_secret()));
    }
    for (root, index) in candidates(&url) {
        let client = Client::new(root)?;
        if matches!(client.look(PATIENCE).await, Ok(true)) {
            return Ok(Some(found(client, index)));
        }
    }
    Ok(None)
}

fn found(client: Client, index: Option<String>) -> Found {
    let place = client.place();
    let path = match &index {
        Some(index) => format!("{place}/{index}/simple/"),
        None => format!("{place}/simple/"),
    };
    let simple = Url::parse(&path).expect("a path behind an address that was parsed");
    Found {
        client,
        index,
        simple,
    }
}

/// Where a gateway may be, and with which index: at the address, or, where it is that of a simple API, a
/// segment above it.
fn candidates(url: &Url) -> Vec<(Url, Option<String>)> {
    let path = url.path().trim_end_matches('/');
    let with_path = |path: &str| {
        let mut root = url.clone();
        root.set_path(path);
        root.set_query(None);
        root.set_fragment(None);
        root
    };
    let Some(base) = path.strip_suffix("/simple") else {
        return vec![(with_path(path), None)];
    };
    let mut all = vec![(with_path(base), None)];
    if let Some((above, index)) = base.rsplit_once('/')
        && !index.is_empty()
    {
        all.push((with_path(above), Some(index.to_owned())));
    }
    all
}

/// The root of the simple API at an address: that of a server, or that of an index.
pub fn simple_root(url: &Url) -> Url {
    let mut root = url.clone();
    let path = url.path().trim_end_matches('/');
    let path = path.strip_suffix("/simple").unwrap_or(path).to_owned();
    root.set_path(&format!("{path}/simple/"));
    root
}

fn shown(url: &Url) -> String {
    portcullis_upstream::redact::redacted(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_tells_where_its_gateway_may_be() {
        for (url, expected) in [
            ("http://a.example", &[("http://a.example/", None)][..]),
            ("http://a.example/simple/", &[("http://a.example/", None)]),
            (
                "http://a.example/main/simple/",
                &[
                    ("http://a.example/main", None),
                    ("http://a.example/", Some("main")),
                ],
            ),
            (
                "http://a.example/pypi/web",
                &[("http://a.example/pypi/web", None)],
            ),
        ] {
            let all = candidates(&Url::parse(url).expect(url));
            let all: Vec<(&str, Option<&str>)> = all
                .iter()
                .map(|(root, index)| (root.as_str(), index.as_deref()))
                .collect();
            assert_eq!(all, expected, "{url}");
        }
    }
}

//! [`Aim`]: the gateway that tools are pointed at, as addresses that each of them takes. It never holds a
//! password: what is written into configuration files is read by others.

use std::fmt;

use clap::Args;
use url::Url;

use super::machine::Machine;
use crate::exit::failure;

/// The name of the gateway in configuration files that give their indexes names.
pub(super) const NAME: &str = "portcullis";

/// The variable with the address of a gateway.
const VARIABLE: &str = "PORTCULLIS_URL";

/// The flags that name a gateway.
#[derive(Clone, Debug, Default, Args)]
pub(in crate::config) struct Gateway {
    /// The gateway, as people reach it [default: PORTCULLIS_URL]
    #[arg(long, value_name = "URL")]
    pub(super) gateway: Option<String>,
    /// The gateway's index [default: its default one]
    #[arg(long, value_name = "NAME")]
    pub(super) index: Option<String>,
}

/// A variable of the environment that holds a token when a tool runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::config) struct TokenVariable(String);

impl std::str::FromStr for TokenVariable {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_part = |character: char| character == '_' || character.is_ascii_alphanumeric();
        match text.starts_with(|first: char| !first.is_ascii_digit()) && text.chars().all(is_part) {
            true => Ok(Self(text.to_owned())),
            false => Err("give the name of a variable, not the token itself".to_owned()),
        }
    }
}

impl fmt::Display for TokenVariable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What tools are pointed at.
#[derive(Clone, Debug)]
pub(super) struct Aim {
    /// Without a slash at the end, the name of an index included.
    root: String,
    /// Where the token comes from, for tools that expand variables.
    pub(super) token: Option<TokenVariable>,
}

impl Aim {
    /// The gateway that is named by flags, or else by the environment.
    pub(super) fn new(
        gateway: &Gateway,
        token: Option<TokenVariable>,
        machine: &Machine,
    ) -> anyhow::Result<Self> {
        let variable = || machine.variable(VARIABLE).map(str::to_owned);
        let Some(text) = gateway.gateway.clone().or_else(variable) else {
            return Err(failure(
                "nothing says which gateway is meant",
                format!("give --gateway http://gateway.example, or set {VARIABLE}"),
            ));
        };
        let mut root = root_of(&text)?;
        if let Some(index) = &gateway.index {
            let is_name = |name: &str| {
                let is_part = |one: u8| matches!(one, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
                !name.is_empty() && name.bytes().all(is_part)
            };
            if !is_name(index) {
                return Err(failure(
                    format!("{index:?} is not the name of an index"),
                    "give a name as portcullis.toml has it under [indexes.NAME]",
                ));
            }
            root = format!("{root}/{index}");
        }
        Ok(Self { root, token })
    }

    /// What installers are pointed at.
    pub(super) fn simple(&self) -> String {
        format!("{}/simple/", self.root)
    }

    /// The same with the token as the tool expands `reference`, where a token is wanted.
    pub(super) fn simple_with(&self, reference: impl Fn(&str) -> String) -> String {
        let plain = self.simple();
        match (&self.token, plain.split_once("://")) {
            (Some(token), Some((scheme, rest))) => {
                format!("{scheme}://__token__:{}@{rest}", reference(&token.0))
            }
            _ => plain,
        }
    }

    /// What publishers are pointed at.
    pub(super) fn upload(&self) -> String {
        format!("{}/legacy/", self.root)
    }

    /// The host, for netrc and the like.
    pub(super) fn host(&self) -> String {
        let url = Url::parse(&self.root).ok();
        url.and_then(|url| url.host_str().map(str::to_owned))
            .unwrap_or_default()
    }

    /// Whether installers that are given `url` ask this index, whatever credentials it holds.
    pub(super) fn is_simple(&self, url: &str) -> bool {
        same_place(url, &self.simple())
    }

    /// Whether publishers that are given `url` publish here.
    pub(super) fn is_upload(&self, url: &str) -> bool {
        same_place(url, &self.upload())
    }

    /// Fails where a token is wanted and `tool` does not expand variables; `instead` says what it does.
    pub(super) fn without_token(&self, tool: &str, instead: &str) -> anyhow::Result<()> {
        match &self.token {
            None => Ok(()),
            Some(_) => Err(failure(
                format!("{tool} does not expand variables in this file"),
                instead,
            )),
        }
    }
}

/// The address of a gateway without credentials, query and `/simple/`.
fn root_of(text: &str) -> anyhow::Result<String> {
    let parsed = Url::parse(text.trim()).ok();
    let is_remote = |url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host();
    let Some(mut url) = parsed.filter(is_remote) else {
        return Err(failure(
            "a gateway has an http or https address",
            "give --gateway as people reach it, such as http://gateway.example",
        ));
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(failure(
            "the gateway's address holds a password, which would be written into files",
            "give it without; docs/installers.md says where each tool finds its token",
        ));
    }
    url.set_query(None);
    url.set_fragment(None);
    let root = url.as_str().trim_end_matches('/');
    Ok(root.trim_end_matches("/simple").to_owned())
}

/// Whether two addresses lead to one place, whatever credentials they hold.
fn same_place(one: &str, other: &str) -> bool {
    let plain = |text: &str| {
        let url = Url::parse(text.trim()).ok()?;
        let host = url.host_str()?.to_ascii_lowercase();
        let path = url.path().trim_end_matches('/').to_owned();
        Some((
            url.scheme().to_owned(),
            host,
            url.port_or_known_default(),
            path,
        ))
    };
    plain(one).is_some_and(|one| Some(one) == plain(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aim(gateway: &str, index: Option<&str>) -> anyhow::Result<Aim> {
        let gateway = Gateway {
            gateway: Some(gateway.to_owned()),
            index: index.map(str::to_owned),
        };
        Aim::new(&gateway, None, &Machine::default())
    }

    #[test]
    fn an_address_can_be_given_in_many_ways() {
        for (gateway, index, expected) in [
            ("http://gw.example", None, "http://gw.example/simple/"),
            ("http://gw.example/", None, "http://gw.example/simple/"),
            (
                "http://gw.example/simple/",
                None,
                "http://gw.example/simple/",
            ),
            (
                "https://gw.example:8443/pypi",
                Some("ml"),
                "https://gw.example:8443/pypi/ml/simple/",
            ),
        ] {
            let aim = aim(gateway, index).expect(gateway);
            assert_eq!(aim.simple(), expected);
            assert!(aim.is_simple(expected.trim_end_matches('/')));
            assert!(aim.is_simple(&expected.replace("://", "://u:${P}@")));
            assert!(!aim.is_simple("http://other.example/simple/"));
        }
    }

    #[test]
    fn what_is_no_gateway_or_holds_a_password_is_refused() {
        for (gateway, index) in [
            ("gw.example", None),
            ("ftp://gw.example", None),
            ("http://me:secret@gw.example", None),
            ("http://gw.example", Some("a/b")),
            ("http://gw.example", Some("")),
        ] {
            let error = aim(gateway, index).expect_err(gateway).to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn a_token_is_named_and_never_given() {
        assert!("GATEWAY_TOKEN".parse::<TokenVariable>().is_ok());
        for text in ["pc_abc.def", "", "1A", "${A}"] {
            assert!(text.parse::<TokenVariable>().is_err(), "{text}");
        }
    }
}

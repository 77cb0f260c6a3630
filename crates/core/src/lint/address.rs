//! [`Address`]: the parts of a URL as people spell it in configuration, with variables that nobody knows and
//! mistakes that no strict parser forgives.

use super::contents::Span;

/// A URL in parts. Places are in bytes of the URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address<'u> {
    /// The scheme in front of `://`, in the spelling of the URL: `https`, `git+ssh`.
    pub(super) scheme: &'u str,
    /// What stands before `@`: a user, or a token.
    pub(super) user: Option<&'u str>,
    /// The password behind the user.
    pub(super) password: Option<&'u str>,
    /// Where user and password stand, with `@`; empty where there are none.
    pub(super) credentials_at: Span,
    /// The host, without port and in its own spelling.
    pub(super) host: &'u str,
    /// The host with its port.
    pub(super) authority: &'u str,
    /// What is behind the host.
    pub(super) path: &'u str,
}

impl<'u> Address<'u> {
    /// Takes a URL apart; `None` where it has no scheme and host.
    pub(super) fn of(url: &'u str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let is_scheme_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
        if scheme.is_empty() || !scheme.chars().all(is_scheme_part) {
            return None;
        }
        let start = scheme.len() + 3;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (before, path) = rest.split_at(end);
        // A password may have `@` in it where nobody encoded it.
        let (credentials, authority) = match before.rfind('@') {
            Some(at) => (Some(&before[..at]), &before[at + 1..]),
            None => (None, before),
        };
        let (user, password) = match credentials.map(|both| (both, both.split_once(':'))) {
            None => (None, None),
            Some((_, Some((user, password)))) => (Some(user), Some(password)),
            Some((user, None)) => (Some(user), None),
        };
        // A host with white space in it is a text that goes on, and no URL.
        if authority.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return None;
        }
        let length = credentials.map_or(0, |both| both.len() + 1);
        Some(Self {
            scheme,
            user,
            password,
            credentials_at: start..start + length,
            host: without_port(authority),
            authority,
            path,
        })
    }

    /// Whether it is read over a connection that nobody authenticates.
    pub(super) fn is_plain_http(&self) -> bool {
        let transport = self.scheme.rsplit('+').next().unwrap_or_default();
        transport.eq_ignore_ascii_case("http")
    }

    /// Whether it is this machine.
    pub(super) fn is_loopback(&self) -> bool {
        let host = self.host.trim_matches(['[', ']']).to_ascii_lowercase();
        host == "localhost"
            || host.ends_with(".localhost")
            || host == "::1"
            || octets(&host).is_some_and(|octets| octets[0] == 127)
    }

    /// Whether it is a machine next door: a name without a dot, or an address that is routed nowhere.
    pub(super) fn is_nearby(&self) -> bool {
        match octets(self.host) {
            Some([10, ..] | [192, 168, ..] | [169, 254, ..]) => true,
            Some([172, second, ..]) => (16..32).contains(&second),
            Some(_) => false,
            None => !self.host.contains(['.', ':']),
        }
    }

    /// Whether host and path are known, none of them being a variable.
    pub(super) fn is_known(&self) -> bool {
        !self.host.is_empty() && !is_variable(self.authority) && !is_variable(self.path)
    }

    /// The password or token that it gives away, if any: not one that a variable or a placeholder stands for.
    pub(super) fn secret(&self) -> Option<&'u str> {
        match (self.user, self.password) {
            (_, Some(password)) => Some(password).filter(|password| is_secret(password)),
            (Some(user), None) => Some(user).filter(|user| token_kind(user).is_some()),
            (None, None) => None,
        }
    }

    /// Host and path for comparison: without credentials, scheme, default port and a slash at the end.
    pub(super) fn comparable(&self) -> String {
        let path = self.path.split(['?', '#']).next().unwrap_or_default();
        let authority = self.authority.to_ascii_lowercase();
        let port = match self.is_plain_http() {
            true => ":80",
            false => ":443",
        };
        let authority = authority.strip_suffix(port).unwrap_or(&authority);
        format!("{authority}{}", path.trim_end_matches('/'))
    }
}

/// Whether two URLs are those of one index: credentials, the case of the host, a default port and a slash at the
/// end do not matter. Where a variable is a part of one, nobody knows.
#[must_use]
pub fn is_same_index(one: &str, other: &str) -> bool {
    let known = |url| Address::of(url).filter(Address::is_known);
    let (Some(one), Some(other)) = (known(one.trim()), known(other.trim())) else {
        return false;
    };
    one.scheme.eq_ignore_ascii_case(other.scheme) && one.comparable() == other.comparable()
}

/// The parts of an address of IPv4.
fn octets(host: &str) -> Option<[u8; 4]> {
    let parts: Option<Vec<u8>> = host.split('.').map(|part| part.parse().ok()).collect();
    parts?.try_into().ok()
}

fn without_port(authority: &str) -> &str {
    let is_address_v6 = authority.starts_with('[');
    match authority.rsplit_once(':') {
        Some((host, port)) if !is_address_v6 || !port.contains(']') => host,
        _ => authority,
    }
}

/// Whether `text` has a part that stands for something else: a variable of a shell, of a configuration file, of
/// a template or of a pipeline.
pub(super) fn is_variable(text: &str) -> bool {
    text.contains(['$', '{', '<', '`']) || text.contains("%(") || is_windows_variable(text)
}

/// `%TOKEN%`, which is no percent-encoding.
fn is_windows_variable(text: &str) -> bool {
    let inside = text
        .split_once('%')
        .and_then(|(_, rest)| rest.split_once('%'));
    let is_name =
        |name: &str| name.len() > 2 && name.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    inside.is_some_and(|(name, _)| is_name(name))
}

/// Whether `text` is a password or token rather than a variable or what an example puts in its place.
pub(super) fn is_secret(text: &str) -> bool {
    let text = text.trim();
    let lower = text.to_ascii_lowercase();
    let is_filler = text
        .chars()
        .all(|c| matches!(c, 'x' | 'X' | '*' | '.' | '-' | '_'));
    let is_example = [
        "password",
        "passwd",
        "pass",
        "token",
        "secret",
        "changeme",
        "api-key",
        "api_token",
    ]
    .contains(&lower.as_str())
        || lower.starts_with("your")
        || lower.starts_with("my-")
        || lower.starts_with("pypi-your");
    !is_variable(text) && !is_filler && !is_example
}

/// What kind of token a text is by its beginning.
pub(super) fn token_kind(text: &str) -> Option<&'static str> {
    const KINDS: [(&str, &str); 8] = [
        ("pypi-", "a token of PyPI"),
        ("ghp_", "a token of GitHub"),
        ("gho_", "a token of GitHub"),
        ("ghs_", "a token of GitHub"),
        ("github_pat_", "a token of GitHub"),
        ("glpat-", "a token of GitLab"),
        ("gldt-", "a deploy token of GitLab"),
        (crate::access::TOKEN_PREFIX, "a token of Portcullis"),
    ];
    // Shorter texts that begin so are words.
    let is_long = text.len() >= 20 && is_secret(text);
    let kind = KINDS.iter().find(|(front, _)| text.starts_with(front));
    kind.filter(|_| is_long).map(|(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart() {
        for (url, host, secret, comparable) in [
            (
                "https://a.example/simple/",
                "a.example",
                None,
                "a.example/simple",
            ),
            ("https://A.example:443/x", "A.example", None, "a.example/x"),
            (
                "http://u:p4ss@a.example:8080",
                "a.example",
                Some("p4ss"),
                "a.example:8080",
            ),
            (
                "https://u:p@ss@a.example/",
                "a.example",
                Some("p@ss"),
                "a.example",
            ),
            (
                "https://__token__:${TOKEN}@a.example/s",
                "a.example",
                None,
                "a.example/s",
            ),
            (
                "https://user:%TOKEN%@a.example/s",
                "a.example",
                None,
                "a.example/s",
            ),
            (
                "https://user:password@a.example/s",
                "a.example",
                None,
                "a.example/s",
            ),
            ("ssh://git@a.example/x", "a.example", None, "a.example/x"),
            ("http://[::1]:80/x", "[::1]", None, "[::1]/x"),
        ] {
            let address = Address::of(url).expect(url);
            assert_eq!(address.host, host, "{url}");
            assert_eq!(address.secret(), secret, "{url}");
            assert_eq!(address.comparable(), comparable, "{url}");
        }
        for url in [
            "",
            "a",
            "://",
            "://x",
            "../wheels",
            "é://x",
            "http://\n a.example",
        ] {
            assert_eq!(Address::of(url), None, "{url}");
        }
    }

    #[test]
    fn one_index_has_many_spellings() {
        for (one, other, expected) in [
            ("http://a.example/simple", "http://A.example/simple/", true),
            (
                "http://u:p@a.example/simple",
                "http://a.example/simple/",
                true,
            ),
            ("http://a.example/simple", "http://b.example/simple", false),
            ("http://a.example/simple", "https://a.example/simple", false),
            (
                "https://a.example:443/simple/?x=1#y",
                " https://a.example/simple",
                true,
            ),
            ("https://a.example/x", "https://a.example/y", false),
            ("https://a.example/$X", "https://a.example/$X", false),
            ("$INDEX", "$INDEX", false),
        ] {
            assert_eq!(is_same_index(one, other), expected, "{one} {other}");
        }
    }

    #[test]
    fn tokens_are_known_by_their_fronts() {
        let token = format!("pypi-{}", "Ab9".repeat(20));
        let url = format!("https://{token}@a.example/simple");
        let address = Address::of(&url).expect("a URL");
        assert_eq!(address.secret(), Some(token.as_str()));
        assert_eq!(&url[address.credentials_at], format!("{token}@"));
        assert_eq!(token_kind("pypi-mirror"), None);
    }

    #[test]
    fn machines_next_door_are_known() {
        for (host, expected) in [
            ("devpi", true),
            ("10.1.2.3", true),
            ("172.20.0.1", true),
            ("172.32.0.1", false),
            ("192.168.0.1", true),
            ("8.8.8.8", false),
            ("a.example", false),
        ] {
            let url = format!("http://{host}:3141/");
            let address = Address::of(&url).expect("a URL");
            assert_eq!(address.is_nearby(), expected, "{host}");
        }
    }

    #[test]
    fn this_machine_is_known() {
        for (url, expected) in [
            ("http://localhost:3141/x", true),
            ("http://127.0.0.1/", true),
            ("http://[::1]:8080/", true),
            ("http://10.0.0.1/", false),
            ("http://localhost.a.example/", false),
        ] {
            let address = Address::of(url).expect(url);
            assert_eq!(address.is_loopback(), expected, "{url}");
        }
    }
}

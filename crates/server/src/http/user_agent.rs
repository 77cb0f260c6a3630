//! Who says what it is: the installer, its Python, distribution and CI flag out of a User-Agent. pip
//! and uv send JSON behind their name; others send `name/version` words. None of it is proof.

use serde::Deserialize;

/// The longest User-Agent that is looked at and kept, in bytes.
pub const MAX_USER_AGENT: usize = 1024;

/// What a client says of itself. Absent parts are `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Client {
    /// `pip`, `uv`, `poetry`, …
    pub installer: Option<String>,
    /// Its version.
    pub installer_version: Option<String>,
    /// The Python version that it installs for.
    pub python: Option<String>,
    /// The distribution or system, for example `Debian GNU/Linux 12`.
    pub distro: Option<String>,
    /// Whether it says that it runs in CI.
    pub ci: Option<bool>,
}

#[derive(Deserialize)]
struct Said {
    installer: Option<Named>,
    python: Option<String>,
    distro: Option<Named>,
    system: Option<Named>,
    ci: Option<bool>,
}

#[derive(Deserialize)]
struct Named {
    name: Option<String>,
    version: Option<String>,
    release: Option<String>,
}

impl Named {
    fn joined(self) -> Option<String> {
        let parts = [self.name, self.version.or(self.release)];
        let text = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
        (!text.is_empty()).then_some(text)
    }
}

/// As much of a User-Agent as is looked at and kept.
pub fn kept(user_agent: &str) -> &str {
    &user_agent[..user_agent.floor_char_boundary(MAX_USER_AGENT)]
}

impl Client {
    /// Reads a User-Agent header. Anything can stand in one, so nothing is an error.
    pub fn parse(user_agent: &str) -> Self {
        let text = kept(user_agent);
        let (words, json) = text.split_at(text.find('{').unwrap_or(text.len()));
        let mut client = Self::from_words(words);
        let Ok(said) = serde_json::from_str::<Said>(json) else {
            return client;
        };
        if let Some(installer) = said.installer {
            client.installer = installer.name.or(client.installer);
            client.installer_version = installer.version.or(client.installer_version);
        }
        client.python = said.python.or(client.python);
        client.distro = said
            .distro
            .and_then(Named::joined)
            .or(said.system.and_then(Named::joined));
        client.ci = said.ci;
        client
    }

    fn from_words(words: &str) -> Self {
        let mut client = Self::default();
        for (name, version) in words
            .split_whitespace()
            .filter_map(|word| word.split_once('/'))
        {
            let is_python = matches!(name, "CPython" | "PyPy" | "Python" | "python");
            if is_python && client.installer.is_some() {
                client.python = Some(version.to_owned());
            } else if client.installer.is_none() {
                client.installer = Some(name.to_owned());
                client.installer_version = Some(version.to_owned());
            } else if client.distro.is_none() && matches!(name, "Linux" | "Darwin" | "Windows") {
                client.distro = Some(format!("{name} {version}"));
            }
        }
        client
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(user_agent: &str, expected: [Option<&str>; 4], ci: Option<bool>) {
        let client = Client::parse(user_agent);
        let found = [
            client.installer,
            client.installer_version,
            client.python,
            client.distro,
        ];
        assert_eq!(
            found,
            expected.map(|part| part.map(str::to_owned)),
            "{user_agent}"
        );
        assert_eq!(client.ci, ci, "{user_agent}");
    }

    #[test]
    fn installers_are_recognised() {
        check(
            r#"pip/23.2 {"ci":null,"cpu":"x86_64","distro":{"id":"bookworm","name":"Debian GNU/Linux","version":"12"},"installer":{"name":"pip","version":"23.2"},"python":"3.11.7","system":{"name":"Linux","release":"6.1"}}"#,
            [
                Some("pip"),
                Some("23.2"),
                Some("3.11.7"),
                Some("Debian GNU/Linux 12"),
            ],
            None,
        );
        check(
            r#"uv/0.13.8 {"installer":{"name":"uv","version":"0.13.8","subcommand":["pip","install"]},"python":"3.12.1","system":{"name":"Darwin","release":"23"},"ci":true}"#,
            [
                Some("uv"),
                Some("0.13.8"),
                Some("3.12.1"),
                Some("Darwin 23"),
            ],
            Some(true),
        );
        check(
            "poetry/2.5.1 CPython/3.11.7 Linux/6.1",
            [
                Some("poetry"),
                Some("2.5.1"),
                Some("3.11.7"),
                Some("Linux 6.1"),
            ],
            None,
        );
        check("curl/8.0", [Some("curl"), Some("8.0"), None, None], None);
    }

    #[test]
    fn nonsense_is_harmless() {
        check("", [None; 4], None);
        check("{", [None; 4], None);
        check(
            "pip/1 {\"installer\": 5}",
            [Some("pip"), Some("1"), None, None],
            None,
        );
        check(&"ä".repeat(5000), [None; 4], None);
        let long = format!("a/{}", "ä".repeat(MAX_USER_AGENT));
        let version = Client::parse(&long).installer_version.expect("a version");
        assert!(version.len() <= MAX_USER_AGENT, "{} bytes", version.len());
        assert!(kept(&long).len() <= MAX_USER_AGENT);
    }
}

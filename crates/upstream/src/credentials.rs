//! What a source is asked with: where user and password come from, and the pair itself. They leave
//! this crate only in an `Authorization` header to the source's own origin.

use std::fmt;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use crate::environment::Environment;
use crate::source::SetupError;

/// The user that token services expect beside a token.
const TOKEN_USER: &str = "__token__";

/// Where a source's credentials are to be found.
#[derive(Clone, Debug, Default)]
pub enum CredentialSetting {
    /// There are none.
    #[default]
    None,
    /// In environment variables.
    Environment {
        /// The variable with the user; `__token__` is the user when there is none.
        username: Option<String>,
        /// The variable with the password or token.
        password: String,
    },
    /// In a file of one line: `user:password`, or a token alone.
    File(PathBuf),
    /// In a netrc file, under the source's host; the path, or `$NETRC`, or `~/.netrc`.
    Netrc(Option<PathBuf>),
    /// In the configuration, or in the source's URL.
    Inline(Credentials),
}

/// User and password (RFC 7617). `Debug` shows neither.
#[derive(Clone)]
pub struct Credentials {
    /// The user.
    pub username: String,
    /// The password or token.
    pub password: SecretString,
}

/// A text that is not in the form of a netrc file. The parser's own message may quote a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a netrc file")]
pub struct NotNetrc;

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(***)")
    }
}

impl Credentials {
    /// A user with a password.
    pub fn new(username: impl Into<String>, password: impl Into<String>) -> Self {
        Self {
            username: username.into(),
            password: SecretString::from(password.into()),
        }
    }

    /// Moves user and password out of `url`, if there are any. A user without password is a token,
    /// as several registries hand them out.
    pub fn take_from(url: &mut Url) -> Option<Self> {
        if url.username().is_empty() && url.password().is_none() {
            return None;
        }
        let username = percent_decoded(url.username());
        let password = percent_decoded(url.password().unwrap_or_default());
        *url = crate::redact::without_userinfo(url.clone());
        Some(Self::new(username, password))
    }

    /// What a netrc file holds for `host`, or else for any other host; `None` where that is nothing.
    ///
    /// # Errors
    /// [`NotNetrc`], which does not repeat what is in the text.
    pub fn in_netrc(text: &str, host: &str) -> Result<Option<Self>, NotNetrc> {
        let netrc: netrc::Netrc = text.parse().map_err(|_| NotNetrc)?;
        let entry = netrc.hosts.get(host).or_else(|| netrc.hosts.get("default"));
        Ok(entry.map(|entry| Self::new(&entry.login, &entry.password)))
    }

    /// The value of the `Authorization` header, marked so that nothing prints it.
    ///
    /// # Errors
    /// [`SetupError::Credentials`] when it cannot stand in a header.
    pub(crate) fn header(&self) -> Result<HeaderValue, SetupError> {
        let pair = format!("{}:{}", self.username, self.password.expose_secret());
        let value = format!("Basic {}", STANDARD.encode(pair));
        let mut value = HeaderValue::from_str(&value)
            .map_err(|_| SetupError::Credentials("they do not fit into a header".to_owned()))?;
        value.set_sensitive(true);
        Ok(value)
    }
}

impl CredentialSetting {
    /// Looks the credentials up.
    ///
    /// # Errors
    /// [`SetupError::Credentials`] when they are configured but not there: a source that needs
    /// credentials must not be asked without them by mistake.
    pub(crate) fn read(
        &self,
        root: &Url,
        environment: &Environment,
    ) -> Result<Option<Credentials>, SetupError> {
        match self {
            Self::None => Ok(None),
            Self::Inline(credentials) => Ok(Some(credentials.clone())),
            Self::Environment { username, password } => {
                from_environment(username.as_deref(), password, environment).map(Some)
            }
            Self::File(path) => from_file(path).map(Some),
            Self::Netrc(path) => from_netrc(path.as_deref(), root, environment).map(Some),
        }
    }
}

fn from_environment(
    username: Option<&str>,
    password: &str,
    environment: &Environment,
) -> Result<Credentials, SetupError> {
    let value = |name: &str| {
        let missing = || SetupError::Credentials(format!("environment variable {name} is not set"));
        environment.get(name).ok_or_else(missing)
    };
    let username = username.map_or(Ok(TOKEN_USER), value)?;
    Ok(Credentials::new(username, value(password)?))
}

fn from_file(path: &Path) -> Result<Credentials, SetupError> {
    let text = read(path)?;
    let line = text.trim();
    if line.is_empty() || line.contains(['\r', '\n']) {
        let problem = format!("{} must hold one line", path.display());
        return Err(SetupError::Credentials(problem));
    }
    let (username, password) = line.split_once(':').unwrap_or((TOKEN_USER, line));
    Ok(Credentials::new(username, password))
}

fn from_netrc(
    path: Option<&Path>,
    root: &Url,
    environment: &Environment,
) -> Result<Credentials, SetupError> {
    let usual = || environment.path("HOME").map(|home| home.join(".netrc"));
    let path = path
        .map(Path::to_owned)
        .or_else(|| environment.path("NETRC"))
        .or_else(usual);
    let path = path.ok_or_else(|| {
        SetupError::Credentials("no netrc file: neither NETRC nor HOME is set".to_owned())
    })?;
    let host = root.host_str().unwrap_or_default();
    let found = Credentials::in_netrc(&read(&path)?, host)
        .map_err(|error| SetupError::Credentials(format!("{} is {error}", path.display())))?;
    found.ok_or_else(|| {
        SetupError::Credentials(format!("{} has no entry for {host}", path.display()))
    })
}

fn read(path: &Path) -> Result<String, SetupError> {
    std::fs::read_to_string(path)
        .map_err(|error| SetupError::Credentials(format!("{}: {error}", path.display())))
}

fn percent_decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text)
        .decode_utf8_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn header(setting: &CredentialSetting, environment: &Environment) -> String {
        let root = "https://pkgs.example/simple/".parse().unwrap();
        let credentials = setting.read(&root, environment).unwrap().unwrap();
        credentials.header().unwrap().to_str().unwrap().to_owned()
    }

    fn basic(pair: &str) -> String {
        format!("Basic {}", STANDARD.encode(pair))
    }

    #[test]
    fn credentials_are_found_where_the_configuration_says() {
        let folder = tempfile::tempdir().unwrap();
        let (token, pair) = (folder.path().join("token"), folder.path().join("pair"));
        let netrc = folder.path().join(".netrc");
        std::fs::write(&token, "t0ken\n").unwrap();
        std::fs::write(&pair, "ann:p:w").unwrap();
        std::fs::write(&netrc, "machine pkgs.example login ann password pw\n").unwrap();
        let home = folder.path().to_str().unwrap();
        let environment = Environment::from_iter([("HOME", home), ("U", "ann"), ("P", "pw")]);
        let variables = |username: Option<&str>| CredentialSetting::Environment {
            username: username.map(str::to_owned),
            password: "P".to_owned(),
        };
        for (setting, expected) in [
            (
                CredentialSetting::Inline(Credentials::new("ann", "pw")),
                "ann:pw",
            ),
            (variables(Some("U")), "ann:pw"),
            (variables(None), "__token__:pw"),
            (CredentialSetting::File(token), "__token__:t0ken"),
            (CredentialSetting::File(pair), "ann:p:w"),
            (CredentialSetting::Netrc(Some(netrc)), "ann:pw"),
            (CredentialSetting::Netrc(None), "ann:pw"),
        ] {
            assert_eq!(
                header(&setting, &environment),
                basic(expected),
                "{setting:?}"
            );
        }
    }

    #[test]
    fn credentials_that_are_not_there_are_an_error_without_secrets() {
        let folder = tempfile::tempdir().unwrap();
        let broken = folder.path().join("netrc");
        std::fs::write(&broken, "s3cret machine\n").unwrap();
        let root = "https://pkgs.example/simple/".parse().unwrap();
        for setting in [
            CredentialSetting::Environment {
                username: None,
                password: "P".to_owned(),
            },
            CredentialSetting::File(folder.path().join("none")),
            CredentialSetting::Netrc(None),
            CredentialSetting::Netrc(Some(broken)),
        ] {
            let error = setting.read(&root, &Environment::default()).unwrap_err();
            assert!(!error.to_string().contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn userinfo_moves_out_of_the_url() {
        let mut url: Url = "https://a%40b:p%2Fw@pkgs.example/simple/".parse().unwrap();
        let credentials = Credentials::take_from(&mut url).unwrap();
        assert_eq!(url.as_str(), "https://pkgs.example/simple/");
        assert_eq!(credentials.username, "a@b");
        assert_eq!(credentials.password.expose_secret(), "p/w");
        assert_eq!(format!("{credentials:?}"), "Credentials(***)");
        assert!(Credentials::take_from(&mut url).is_none());
    }
}

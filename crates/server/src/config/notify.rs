//! `[notify.NAME]`: who is told of events, and how to reach them. Secrets are named here and read when
//! something is sent.

use std::path::PathBuf;

use lettre::message::Mailbox;
use portcullis_core::event::{KindPattern, Severity};
use portcullis_core::index::SourceName;
use portcullis_core::settings::{Located, Table};
use url::{Host, Url};

use super::read::Reader;
use super::redacted;

/// A receiver of events.
#[derive(Clone, Debug)]
pub struct SinkConfig {
    /// Its name.
    pub name: String,
    /// Which events it hears of; all where there are none.
    pub kinds: Vec<KindPattern>,
    /// The least that an event must matter.
    pub min_severity: Severity,
    /// How it is reached.
    pub way: SinkWay,
}

impl SinkConfig {
    /// Whether an event of this kind and severity is for it.
    pub fn wants(&self, kind: &str, severity: Severity) -> bool {
        let is_meant = self.kinds.is_empty() || self.kinds.iter().any(|one| one.matches(kind));
        is_meant && severity >= self.min_severity
    }
}

/// How a receiver is reached.
#[derive(Clone, Debug)]
pub enum SinkWay {
    /// A signed POST.
    Webhook(WebhookSettings),
    /// An e-mail.
    Mail(Box<MailSettings>),
    /// A line of JSON.
    Lines(LinesPlace),
}

impl SinkWay {
    /// The word in the configuration.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Webhook(_) => "webhook",
            Self::Mail(_) => "mail",
            Self::Lines(_) => "lines",
        }
    }
}

/// Where a secret is. It is read each time it is needed, so that it can be changed meanwhile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretPlace {
    /// An environment variable.
    Environment(String),
    /// A file; white space around the secret is no part of it.
    File(PathBuf),
}

/// A webhook.
#[derive(Clone, Debug)]
pub struct WebhookSettings {
    /// Where events are posted to.
    pub url: Url,
    /// The secret with which they are signed.
    pub secret: SecretPlace,
    /// Where the address may be.
    pub reach: Reach,
    /// An outbound proxy, or `env` for what the environment says.
    pub proxy: Option<String>,
    /// Additional certificate authorities, a PEM file.
    pub ca_file: Option<PathBuf>,
}

/// Where a receiver's address may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Outside the organisation only: nothing that resolves to a private, loopback, link-local or
    /// metadata address is asked.
    Public,
    /// Anywhere.
    Private,
}

/// An e-mail.
#[derive(Clone, Debug)]
pub struct MailSettings {
    /// The host of the mail server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether the connection is encrypted.
    pub encryption: Encryption,
    /// Additional certificate authorities, a PEM file.
    pub ca_file: Option<PathBuf>,
    /// User name and password, where the server wants them.
    pub login: Option<(String, SecretPlace)>,
    /// The sender.
    pub from: Mailbox,
    /// The receivers.
    pub to: Vec<Mailbox>,
}

/// How the connection to a mail server is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// From the first byte (`smtps://`).
    FromTheStart,
    /// By STARTTLS (RFC 3207), and not without.
    StartTls,
    /// Not at all.
    Off,
}

/// Where lines of JSON go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinesPlace {
    /// The standard output of the process.
    StandardOutput,
    /// A file, which is appended to.
    File(PathBuf),
}

impl Reader<'_> {
    /// Reads every `[notify.NAME]`.
    pub(super) fn notify(&mut self, root: &mut Table<'_>) -> Vec<SinkConfig> {
        let Some(mut section) = root.table("notify") else {
            return Vec::new();
        };
        let mut sinks = Vec::new();
        for key in section.keys() {
            let Some(mut table) = section.table(&key) else {
                continue;
            };
            // A receiver's name is written like a source's.
            if key.parse::<SourceName>().is_err() {
                table.mistake_here(
                    format!("{key:?} cannot be the name of a receiver"),
                    Some("lower-case letters, digits, '-' and '_', a letter first"),
                );
            }
            sinks.extend(self.sink(&key, &mut table));
            table.finish();
        }
        section.finish();
        sinks
    }

    fn sink(&mut self, name: &str, table: &mut Table<'_>) -> Option<SinkConfig> {
        let kinds = table.list::<KindPattern>("events");
        let min_severity = table.parsed::<Severity>("min-severity");
        self.show_list(&format!("notify.{name}.events"), kinds.as_ref());
        self.show(
            &format!("notify.{name}.min-severity"),
            min_severity.as_ref(),
        );
        let Some(kind) = table.text("kind") else {
            let message = format!("receiver {name} has no `kind`");
            table.mistake_here(message, Some("kind = \"webhook\", \"mail\" or \"lines\""));
            return None;
        };
        self.show(&format!("notify.{name}.kind"), Some(&kind));
        let way = match kind.value.as_str() {
            "webhook" => SinkWay::Webhook(self.webhook(name, table)?),
            "mail" => SinkWay::Mail(Box::new(self.mail(name, table)?)),
            "lines" => SinkWay::Lines(self.lines(name, table)?),
            other => {
                let message = format!("there is no kind of receiver {other:?}");
                table.mistake(&kind, message, Some("webhook, mail or lines"));
                return None;
            }
        };
        Some(SinkConfig {
            name: name.to_owned(),
            kinds: super::read::values(kinds),
            min_severity: min_severity.map_or(Severity::Info, |severity| severity.value),
            way,
        })
    }

    fn webhook(&mut self, name: &str, table: &mut Table<'_>) -> Option<WebhookSettings> {
        let url = self.needed::<Url>(name, "url", table);
        if let Some(url) = &url {
            if !matches!(url.value.scheme(), "http" | "https") {
                table.mistake(url, "a webhook is an http or https URL", None);
            }
            // The path of a webhook is often its secret.
            let shown = url.with(url.value.origin().ascii_serialization());
            self.show(&format!("notify.{name}.url"), Some(&shown));
        }
        let secret = self.secret(name, "secret", table);
        if secret.is_none() {
            table.mistake_here(
                format!("webhook {name} has no secret to sign with"),
                Some("secret-env = \"VARIABLE\" or secret-file = \"PATH\""),
            );
        }
        let private = table.boolean("allow-private");
        self.show(&format!("notify.{name}.allow-private"), private.as_ref());
        let (proxy, ca_file) = (table.text("proxy"), self.path(name, "ca-file", table));
        let shown_proxy = proxy.as_ref().map(|proxy| {
            let url = Url::parse(&proxy.value);
            proxy.with(url.map_or_else(|_| proxy.value.clone(), |url| redacted(&url)))
        });
        self.show(&format!("notify.{name}.proxy"), shown_proxy.as_ref());
        Some(WebhookSettings {
            url: url?.value,
            secret: secret?,
            reach: match private.is_some_and(|private| private.value) {
                true => Reach::Private,
                false => Reach::Public,
            },
            proxy: proxy.map(|proxy| proxy.value),
            ca_file,
        })
    }

    fn mail(&mut self, name: &str, table: &mut Table<'_>) -> Option<MailSettings> {
        let server = self.mail_server(name, table);
        let from = self.needed::<Mailbox>(name, "from", table);
        self.show(&format!("notify.{name}.from"), from.as_ref());
        let to = table.list::<Mailbox>("to");
        self.show_list(&format!("notify.{name}.to"), to.as_ref());
        if to.as_ref().is_none_or(Vec::is_empty) {
            let help = "to = [\"security@acme.example\"]";
            table.mistake_here(format!("mail {name} goes to nobody"), Some(help));
        }
        let username = table.text("username");
        self.show(&format!("notify.{name}.username"), username.as_ref());
        let password = self.secret(name, "password", table);
        let login = match (username, password) {
            (Some(username), Some(password)) => Some((username.value, password)),
            (None, None) => None,
            _ => {
                let help = "username with password-env or password-file, or none of them";
                table.mistake_here(format!("mail {name} has half a login"), Some(help));
                None
            }
        };
        let ca_file = self.path(name, "ca-file", table);
        let (host, port, encryption) = server?;
        Some(MailSettings {
            host,
            port,
            encryption,
            ca_file,
            login,
            from: from?.value,
            to: super::read::values(to),
        })
    }

    fn mail_server(
        &mut self,
        name: &str,
        table: &mut Table<'_>,
    ) -> Option<(String, u16, Encryption)> {
        let server = self.needed::<Url>(name, "server", table);
        let starttls = table.boolean("starttls");
        self.show(&format!("notify.{name}.starttls"), starttls.as_ref());
        let server = server?;
        let shown = server.with(redacted(&server.value));
        self.show(&format!("notify.{name}.server"), Some(&shown));
        let url = &server.value;
        let Some(host) = url.host_str().filter(|host| !host.is_empty()) else {
            table.mistake(&server, "the mail server's URL names no host", None);
            return None;
        };
        if !url.username().is_empty() || url.password().is_some() {
            let help = "username = \"…\" with password-env or password-file";
            table.mistake(&server, "a login does not belong into this URL", Some(help));
        }
        let wants_starttls = starttls.as_ref().map(|starttls| starttls.value);
        let (encryption, port) = match (url.scheme(), wants_starttls) {
            ("smtps", None | Some(false)) => (Encryption::FromTheStart, 465),
            ("smtp", Some(true)) => (Encryption::StartTls, 25),
            ("smtp", Some(false)) => (Encryption::Off, 25),
            ("smtp", None) if is_loopback(host) => (Encryption::Off, 25),
            ("smtp", None) => (Encryption::StartTls, 25),
            ("smtps", Some(true)) => {
                let help = "smtp:// with starttls, or smtps:// without";
                table.mistake(&server, "smtps:// is encrypted from the start", Some(help));
                return None;
            }
            _ => {
                let help = "server = \"smtp://mail.acme.example:25\"";
                table.mistake(&server, "a mail server is smtp:// or smtps://", Some(help));
                return None;
            }
        };
        Some((host.to_owned(), url.port().unwrap_or(port), encryption))
    }

    fn lines(&mut self, name: &str, table: &mut Table<'_>) -> Option<LinesPlace> {
        let path = self.needed::<String>(name, "path", table)?;
        self.show(&format!("notify.{name}.path"), Some(&path));
        Some(match path.value.as_str() {
            "-" => LinesPlace::StandardOutput,
            path => LinesPlace::File(self.folder.join(path)),
        })
    }

    /// `KEY-env` or `KEY-file`.
    fn secret(&mut self, name: &str, key: &str, table: &mut Table<'_>) -> Option<SecretPlace> {
        let (by_variable, by_file) = (format!("{key}-env"), format!("{key}-file"));
        let (variable, path) = (table.text(&by_variable), table.text(&by_file));
        self.show(&format!("notify.{name}.{by_variable}"), variable.as_ref());
        self.show(&format!("notify.{name}.{by_file}"), path.as_ref());
        match (variable, path) {
            (None, None) => None,
            (Some(variable), None) => Some(SecretPlace::Environment(variable.value)),
            (None, Some(path)) => Some(SecretPlace::File(self.folder.join(path.value))),
            (Some(_), Some(path)) => {
                let help = format!("keep one of {by_variable} and {by_file}");
                table.mistake(&path, format!("the {key} is in two places"), Some(&help));
                None
            }
        }
    }

    fn path(&mut self, name: &str, key: &str, table: &mut Table<'_>) -> Option<PathBuf> {
        let path = table.text(key);
        self.show(&format!("notify.{name}.{key}"), path.as_ref());
        path.map(|path| self.folder.join(path.value))
    }

    fn needed<T>(&mut self, name: &str, key: &str, table: &mut Table<'_>) -> Option<Located<T>>
    where
        T: std::str::FromStr,
        T::Err: std::fmt::Display,
    {
        let is_there = table.keys().iter().any(|there| there == key);
        if !is_there {
            table.mistake_here(format!("receiver {name} has no `{key}`"), None);
        }
        table.parsed::<T>(key)
    }
}

fn is_loopback(host: &str) -> bool {
    match Host::parse(host) {
        Ok(Host::Ipv4(address)) => address.is_loopback(),
        Ok(Host::Ipv6(address)) => address.is_loopback(),
        Ok(Host::Domain(name)) => name == "localhost",
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{Config, Overrides};
    use super::*;

    fn parse(text: &str) -> Result<Vec<SinkConfig>, String> {
        let place = Path::new("/etc/portcullis/portcullis.toml");
        Config::parse(text, place, &Overrides::default())
            .map(|config| config.notify)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn every_kind_of_receiver_is_read() {
        let sinks = parse(
            "[notify.security]\nkind = 'webhook'\nurl = 'https://hooks.example/t/secret'\n\
             secret-env = 'HOOK_SECRET'\nevents = ['quarantine.*', 'advisory.affects-us']\n\
             min-severity = 'warning'\n\
             [notify.mail]\nkind = 'mail'\nserver = 'smtp://mail.acme.example'\n\
             from = 'Portcullis <portcullis@acme.example>'\nto = ['security@acme.example']\n\
             [notify.log]\nkind = 'lines'\npath = 'events.jsonl'\n",
        )
        .expect("a sound configuration");
        insta::assert_debug_snapshot!(sinks);
        let security = sinks.iter().find(|sink| sink.name == "security");
        let security = security.expect("it is there");
        for (kind, severity, expected) in [
            ("quarantine.started", Severity::Critical, true),
            ("quarantine.started", Severity::Notice, false),
            ("advisory.affects-us", Severity::Warning, true),
            ("name.owned-appeared", Severity::Critical, false),
        ] {
            assert_eq!(security.wants(kind, severity), expected, "{kind}");
        }
    }

    #[test]
    fn a_webhooks_address_is_shown_without_its_path() {
        let text = "[notify.a]\nkind = 'webhook'\nsecret-file = 's'\n\
                    url = 'https://ann:pw@hooks.example/services/T0/secret'\n";
        let config = Config::parse(text, Path::new("p.toml"), &Overrides::default());
        let shown = config.expect("a sound configuration").shown;
        let all: Vec<&str> = shown.iter().map(|shown| shown.value.as_str()).collect();
        assert!(all.contains(&"https://hooks.example"), "{all:?}");
        assert!(
            !all.iter()
                .any(|value| value.contains("T0") || value.contains("pw"))
        );
    }

    #[test]
    fn a_mail_server_elsewhere_is_not_talked_to_in_the_open_unless_asked() {
        let encryption = |server: &str, more: &str| {
            let text = format!(
                "[notify.m]\nkind = 'mail'\nserver = '{server}'\nfrom = 'a@a.example'\n\
                 to = 'b@b.example'\n{more}\n"
            );
            parse(&text).map(|sinks| match &sinks[0].way {
                SinkWay::Mail(mail) => (mail.encryption, mail.port),
                other => panic!("{other:?}"),
            })
        };
        for (server, more, expected) in [
            ("smtp://mail.acme.example", "", (Encryption::StartTls, 25)),
            ("smtp://127.0.0.1:2525", "", (Encryption::Off, 2525)),
            ("smtp://[::1]", "", (Encryption::Off, 25)),
            (
                "smtp://mail.acme.example",
                "starttls = false",
                (Encryption::Off, 25),
            ),
            (
                "smtp://127.0.0.1",
                "starttls = true",
                (Encryption::StartTls, 25),
            ),
            (
                "smtps://mail.acme.example",
                "",
                (Encryption::FromTheStart, 465),
            ),
        ] {
            assert_eq!(encryption(server, more), Ok(expected), "{server} {more}");
        }
        assert!(encryption("smtps://mail.acme.example", "starttls = true").is_err());
        assert!(encryption("https://mail.acme.example", "").is_err());
        assert!(encryption("smtp://u:p@mail.acme.example", "").is_err());
        assert!(encryption("smtp://mail.acme.example", "username = 'u'").is_err());
    }

    #[test]
    fn mistakes_are_shown_at_their_place() {
        let mistakes = parse(
            "[notify.A]\nkind = 'lines'\npath = 'x'\n\
             [notify.b]\nkind = 'pigeon'\n\
             [notify.c]\nkind = 'webhook'\nurl = 'ftp://hooks.example/'\nevents = ['Quarantine']\n\
             [notify.d]\nkind = 'mail'\nserver = 'smtp://mail.acme.example'\n\
             from = \"a@a.example\\r\\nBcc: x@x.example\"\n",
        )
        .expect_err("mistakes");
        insta::assert_snapshot!(mistakes);
    }
}

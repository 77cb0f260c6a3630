//! Events as e-mail: plain text, one mail for each event. What names and sentences say cannot become a
//! header, and no mail answers it by machine.

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use portcullis_core::time::Timestamp;
use portcullis_store::events::Event;
use secrecy::ExposeSecret as _;

use super::{NotTold, PATIENCE, secret};
use crate::config::{Encryption, MailSettings};

/// The longest subject, in characters.
const LONGEST_SUBJECT: usize = 160;

/// A mail server and who gets mail through it.
pub(super) struct Mail {
    settings: MailSettings,
    tls: Option<TlsParameters>,
}

impl Mail {
    pub(super) fn open(settings: &MailSettings) -> Result<Self, NotTold> {
        let tls = match settings.encryption {
            Encryption::Off => None,
            Encryption::FromTheStart | Encryption::StartTls => Some(tls(settings)?),
        };
        Ok(Self {
            settings: settings.clone(),
            tls,
        })
    }

    pub(super) async fn tell(&self, event: &Event, now: Timestamp) -> Result<(), NotTold> {
        let message = message(&self.settings, event, now).map_err(NotTold::because)?;
        let sent = self.transport()?.send(message).await;
        // The server's own words are in the causes.
        sent.map(drop)
            .map_err(|error| NotTold::because(chain(&error)))
    }

    fn transport(&self) -> Result<AsyncSmtpTransport<Tokio1Executor>, NotTold> {
        let settings = &self.settings;
        let host = settings.host.trim_matches(['[', ']']);
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(settings.port)
            .timeout(Some(PATIENCE / 2));
        if let Some(parameters) = self.tls.clone() {
            builder = builder.tls(match settings.encryption {
                Encryption::FromTheStart => Tls::Wrapper(parameters),
                Encryption::StartTls | Encryption::Off => Tls::Required(parameters),
            });
        }
        if let Some((username, password)) = &settings.login {
            let password = secret(password)?.expose_secret().to_owned();
            builder = builder.credentials(Credentials::new(username.clone(), password));
        }
        Ok(builder.build())
    }
}

fn tls(settings: &MailSettings) -> Result<TlsParameters, NotTold> {
    let mut builder = TlsParameters::builder(settings.host.clone());
    if let Some(path) = &settings.ca_file {
        let unreadable = |error: &dyn std::fmt::Display| {
            NotTold::because(format!("{}: {error}", path.display()))
        };
        let pem = std::fs::read(path).map_err(|error| unreadable(&error))?;
        let certificate = Certificate::from_pem(&pem).map_err(|error| unreadable(&error))?;
        builder = builder.add_root_certificate(certificate);
    }
    builder.build().map_err(NotTold::because)
}

fn message(
    settings: &MailSettings,
    event: &Event,
    now: Timestamp,
) -> Result<Message, lettre::error::Error> {
    let subject = plain(&format!(
        "[Portcullis] {}: {}",
        event.severity, event.sentence
    ));
    let subject: String = subject.chars().take(LONGEST_SUBJECT).collect();
    let mut builder = Message::builder()
        .from(settings.from.clone())
        .subject(subject)
        .date(date(now))
        .message_id(Some(message_id(&settings.from, event)))
        .header(ContentType::TEXT_PLAIN)
        .raw_header(HeaderValue::new(
            HeaderName::new_from_ascii_str("Auto-Submitted"),
            "auto-generated".to_owned(),
        ));
    for to in &settings.to {
        builder = builder.to(to.clone());
    }
    builder.body(body(event))
}

fn date(now: Timestamp) -> std::time::SystemTime {
    let since = u64::try_from(now.as_millis()).unwrap_or_default();
    std::time::UNIX_EPOCH + std::time::Duration::from_millis(since)
}

/// The same for every attempt, so that mail programs can tell a repetition.
fn message_id(from: &Mailbox, event: &Event) -> String {
    let tail = &event.fingerprint.to_hex()[..16];
    format!("<event-{}-{tail}@{}>", event.id, from.email.domain())
}

fn body(event: &Event) -> String {
    let detail = serde_json::to_string_pretty(&event.detail()).unwrap_or_default();
    format!(
        "{}\n\nWhat:      {}\nAbout:     {}\nSeverity:  {}\nWhen:      {}\nEvent:     {}\n\n{detail}\n",
        plain(&event.sentence),
        event.kind,
        plain(&event.subject),
        event.severity,
        event.at.to_minute(),
        event.id,
    )
}

/// `text` in one line.
fn plain(text: &str) -> String {
    let one = |c: char| match c {
        '\u{2028}' | '\u{2029}' => ' ',
        control if control.is_control() => ' ',
        other => other,
    };
    text.chars().map(one).collect()
}

fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let texts: Vec<String> = causes.map(ToString::to_string).collect();
    texts.join(": ")
}

#[cfg(test)]
mod tests {
    use portcullis_core::event::Severity;
    use portcullis_store::events::NewEvent;
    use serde_json::json;

    use super::*;

    fn settings() -> MailSettings {
        MailSettings {
            host: "127.0.0.1".to_owned(),
            port: 25,
            encryption: Encryption::Off,
            ca_file: None,
            login: None,
            from: "Portcullis <portcullis@acme.example>"
                .parse()
                .expect("a mailbox"),
            to: vec!["security@acme.example".parse().expect("a mailbox")],
        }
    }

    fn text(subject: &str, sentence: &str) -> String {
        let at = Timestamp::from_millis(1_700_000_000_000);
        let event = NewEvent::new("version.vanished", Severity::Warning, subject, sentence)
            .detail(json!({"version": "1.0"}))
            .as_if_kept(at);
        let message = message(&settings(), &event, at).expect("a message");
        String::from_utf8(message.formatted()).expect("ASCII")
    }

    #[test]
    fn a_mail_says_what_where_and_when() {
        let text = text("pypi/foo", "foo 1.0 has vanished from pypi.").replace('\r', "");
        insta::assert_snapshot!(text);
    }

    #[test]
    fn nothing_that_an_event_says_becomes_a_header() {
        for hostile in [
            "x\r\nBcc: evil@evil.example",
            "x\nBcc: evil@evil.example\n\nbody",
            "x\r\n\r\nbody",
            "x\u{85}Bcc: evil@evil.example",
            "x\u{2028}Bcc: evil@evil.example",
        ] {
            let text = text(hostile, hostile);
            let head = text.split("\r\n\r\n").next().expect("a head");
            let names: Vec<&str> = head
                .split("\r\n")
                .filter(|line| !line.starts_with([' ', '\t']))
                .filter_map(|line| line.split(':').next())
                .collect();
            assert!(!names.contains(&"Bcc"), "{head}");
            assert_eq!(names.len(), 8, "{head}");
            assert!(!text.replace("\r\n", "").contains(['\r', '\n']), "{text:?}");
        }
    }
}

//! Webhooks as the Standard Webhooks specification has them: a POST of JSON with an id, a time and an
//! HMAC-SHA256 over both and the body.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue};
use portcullis_core::time::Timestamp;
use portcullis_store::events::Event;
use portcullis_upstream::client::HttpClient;
use portcullis_upstream::environment::Environment;
use portcullis_upstream::proxy::ProxySetting;
use portcullis_upstream::source::UpstreamConfig;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use url::Url;

use super::{NotTold, secret};
use crate::config::{Reach, SecretPlace, WebhookSettings};

/// What a secret begins with when the rest of it is base64.
const PREFIX: &str = "whsec_";

/// The shortest key that is signed with, in bytes.
const SHORTEST_KEY: usize = 16;

/// A webhook, ready to be told.
pub(super) struct Webhook {
    url: Url,
    client: HttpClient,
    secret: SecretPlace,
}

impl Webhook {
    pub(super) fn open(settings: &WebhookSettings) -> Result<Self, NotTold> {
        let mut config = UpstreamConfig::new("webhook", settings.url.clone());
        config.proxy = match settings.proxy.as_deref() {
            None => ProxySetting::Direct,
            Some("env") => ProxySetting::Environment,
            Some(proxy) => ProxySetting::Url(Url::parse(proxy).map_err(NotTold::because)?),
        };
        config.ca_files = settings.ca_file.iter().cloned().collect();
        let environment = Environment::of_this_process();
        let client = match settings.reach {
            Reach::Public => HttpClient::distrusting(&config, &environment),
            Reach::Private => HttpClient::new(&config, &environment),
        };
        Ok(Self {
            url: settings.url.clone(),
            client: client.map_err(NotTold::because)?,
            secret: settings.secret.clone(),
        })
    }

    pub(super) async fn tell(&self, event: &Event, now: Timestamp) -> Result<(), NotTold> {
        let key = key(&secret(&self.secret)?)?;
        let body = body(event);
        let id = id(event);
        let seconds = (now.as_millis() / 1000).to_string();
        let signature = sign(&key, &id, &seconds, body.as_bytes());
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, value) in [
            ("webhook-id", id),
            ("webhook-timestamp", seconds),
            ("webhook-signature", signature),
        ] {
            let value = HeaderValue::try_from(value).map_err(NotTold::because)?;
            headers.insert(HeaderName::from_static(name), value);
        }
        let answered = self
            .client
            .post(&self.url, headers, Bytes::from(body))
            .await;
        let answered = answered.map_err(NotTold::because)?;
        match answered.status {
            200..=299 => Ok(()),
            410 => Err(NotTold::Unwanted("it answered HTTP 410 (gone)".to_owned())),
            status => Err(NotTold::Failed {
                why: format!("it answered HTTP {status}"),
                wait: answered.retry_after,
            }),
        }
    }
}

/// The key in a secret: what follows `whsec_` is base64, anything else is taken as it is.
fn key(secret: &SecretString) -> Result<Vec<u8>, NotTold> {
    let text = secret.expose_secret();
    let key = match text.strip_prefix(PREFIX) {
        Some(encoded) => STANDARD
            .decode(encoded)
            .map_err(|_| NotTold::because("the secret begins with whsec_ and is not base64"))?,
        None => text.as_bytes().to_vec(),
    };
    match key.len() < SHORTEST_KEY {
        true => Err(NotTold::because(format!(
            "the secret is shorter than {SHORTEST_KEY} bytes"
        ))),
        false => Ok(key),
    }
}

/// The same for every attempt, so that receivers can tell a repetition; different for every gateway.
fn id(event: &Event) -> String {
    let tail = &event.fingerprint.to_hex()[..16];
    format!("evt_{}_{}_{tail}", event.at.as_millis(), event.id)
}

fn body(event: &Event) -> String {
    let data = json!({
        "id": event.id,
        "severity": event.severity.as_str(),
        "subject": event.subject,
        "sentence": event.sentence,
        "detail": event.detail(),
    });
    json!({ "type": event.kind, "timestamp": event.at, "data": data }).to_string()
}

/// The signature over an id, a time in seconds since 1970 and a body, as the header
/// `webhook-signature` has it: `v1,` and the base64 of the HMAC-SHA256 over `{id}.{time}.{body}`.
pub fn sign(key: &[u8], id: &str, seconds: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    for part in [id.as_bytes(), b".", seconds.as_bytes(), b".", body] {
        mac.update(part);
    }
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use portcullis_core::event::Severity;
    use portcullis_store::events::NewEvent;

    use super::*;

    #[test]
    fn the_signature_is_the_one_of_the_specification() {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned().into();
        let signature = sign(
            &key(&secret).expect("a key"),
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "1614265330",
            br#"{"test": 2432232314}"#,
        );
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_is_long_enough_and_what_it_says_it_is() {
        for (secret, is_key) in [
            ("sixteen bytes it", true),
            ("too short", false),
            ("whsec_c2hvcnQ=", false),
            ("whsec_!!!", false),
        ] {
            assert_eq!(key(&secret.to_owned().into()).is_ok(), is_key, "{secret}");
        }
    }

    #[test]
    fn the_id_is_the_same_for_every_attempt_and_can_stand_in_a_header() {
        let at = Timestamp::from_millis(7);
        let event = NewEvent::new("a.b", Severity::Info, "x\r\ny", "X.").as_if_kept(at);
        assert_eq!(id(&event), id(&event.clone()));
        assert!(HeaderValue::try_from(id(&event)).is_ok());
        assert!(!body(&event).contains('\n'));
    }
}

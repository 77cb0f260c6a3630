//! [`Tls`], the certificate that is shown and how it is spoken: TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1. New
//! files are taken up while the gateway runs; one with mistakes changes nothing, and is told loudly. What is
//! wrong with files is found in [`certificate`].

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use portcullis_core::time::Timestamp;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::sign::SingleCertAndKey;
use rustls::version::{TLS12, TLS13};
use tracing::{error, info, warn};

use crate::config::{TlsSettings, TlsVersion};

pub mod certificate;

pub use certificate::{Certificate, TlsError};

/// How often it is looked whether the files changed.
const LOOK: Duration = Duration::from_secs(1);

/// How often it is said again that a certificate is about to expire.
const REMIND: Duration = Duration::from_secs(24 * 60 * 60);

/// The certificate in use, and where it comes from.
pub struct Tls {
    settings: TlsSettings,
    config: ArcSwap<ServerConfig>,
    in_use: Mutex<Certificate>,
}

/// What the files look like from outside: times and sizes.
type Stamp = [Option<(SystemTime, u64)>; 2];

impl Tls {
    /// Reads certificate and key.
    ///
    /// # Errors
    /// [`TlsError`] when they cannot be used. What is merely doubtful is logged.
    pub fn open(settings: &TlsSettings, now: Timestamp) -> Result<Self, TlsError> {
        let certificate = Certificate::read(settings)?;
        let config = config(settings, &certificate)?;
        tell(&certificate, now);
        Ok(Self {
            settings: settings.clone(),
            config: ArcSwap::from_pointee(config),
            in_use: Mutex::new(certificate),
        })
    }

    /// What a connection that begins now is served with.
    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        self.config.load_full()
    }

    fn in_use(&self) -> Certificate {
        let in_use = self.in_use.lock().unwrap_or_else(PoisonError::into_inner);
        in_use.clone()
    }

    /// Takes up what the files hold now, if that differs and can be used.
    pub(crate) fn reload(&self, now: Timestamp) {
        let outcome = Certificate::read(&self.settings).and_then(|certificate| {
            let is_known = certificate.is_same_as(&self.in_use());
            match is_known {
                true => Ok(None),
                false => config(&self.settings, &certificate).map(|new| Some((certificate, new))),
            }
        });
        let result = match outcome {
            Ok(None) => return,
            Ok(Some((certificate, new))) => {
                info!("a new certificate is in use: {}", certificate.described());
                tell(&certificate, now);
                *self.in_use.lock().unwrap_or_else(PoisonError::into_inner) = certificate;
                self.config.store(Arc::new(new));
                "taken"
            }
            Err(error) => {
                error!("the new certificate cannot be used, the one before stays: {error}");
                "refused"
            }
        };
        metrics::counter!("portcullis_tls_reloads_total", "result" => result).increment(1);
    }

    /// Takes up new files when they change, and at once on SIGHUP. Never ends.
    pub(crate) async fn watch(&self, clock: impl Fn() -> Timestamp) {
        let mut hangups = Hangups::new();
        let mut seen = self.stamp();
        let mut taken = seen;
        let mut reminded = tokio::time::Instant::now();
        loop {
            let is_asked = tokio::select! {
                () = tokio::time::sleep(LOOK) => false,
                () = hangups.next() => true,
            };
            let now = self.stamp();
            // Certificate and key are two files, so that a change counts when it is over.
            let has_settled = now == seen && now != taken;
            seen = now;
            if is_asked || has_settled {
                taken = now;
                self.reload(clock());
            }
            if reminded.elapsed() >= REMIND {
                reminded = tokio::time::Instant::now();
                tell(&self.in_use(), clock());
            }
        }
    }

    fn stamp(&self) -> Stamp {
        [&self.settings.cert, &self.settings.key].map(|path| {
            let found = std::fs::metadata(path).ok()?;
            Some((found.modified().ok()?, found.len()))
        })
    }
}

/// SIGHUP, by which an operator asks for new files to be read.
struct Hangups {
    #[cfg(unix)]
    signal: Option<tokio::signal::unix::Signal>,
}

impl Hangups {
    #[cfg(unix)]
    fn new() -> Self {
        let kind = tokio::signal::unix::SignalKind::hangup();
        Self {
            signal: tokio::signal::unix::signal(kind).ok(),
        }
    }

    #[cfg(unix)]
    async fn next(&mut self) {
        match &mut self.signal {
            Some(signal) => {
                signal.recv().await;
            }
            None => std::future::pending().await,
        }
    }

    #[cfg(not(unix))]
    fn new() -> Self {
        Self {}
    }

    #[cfg(not(unix))]
    async fn next(&mut self) {
        std::future::pending().await
    }
}

/// Says what is doubtful about a certificate, and when it ends.
fn tell(certificate: &Certificate, now: Timestamp) {
    for doubt in certificate.doubts(now) {
        warn!("{doubt}");
    }
    let seconds = certificate.not_after().as_millis() as f64 / 1000.0;
    metrics::gauge!("portcullis_tls_certificate_not_after_seconds").set(seconds);
}

fn config(settings: &TlsSettings, certificate: &Certificate) -> Result<ServerConfig, TlsError> {
    let versions: &[_] = match settings.oldest {
        TlsVersion::Tls12 => &[&TLS13, &TLS12],
        TlsVersion::Tls13 => &[&TLS13],
    };
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_protocol_versions(versions)?;
    let resolver = SingleCertAndKey::from(certificate.certified_key());
    let mut config = builder
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(resolver));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config.ticketer = aws_lc_rs::Ticketer::new()?;
    Ok(config)
}

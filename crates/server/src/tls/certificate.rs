//! [`Certificate`], a chain and its key as they stand in files: what makes them unusable, said so that one
//! knows what to do, and what is merely doubtful.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use portcullis_core::digest::Sha256;
use portcullis_core::time::Timestamp;
use rustls::InconsistentKeys;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;

use crate::config::TlsSettings;

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {}: {source}; the user that runs the gateway must be able to", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file of the certificate has none.
    #[error("{} has no certificate: {hint}", path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
        /// What it seems to be, and what to do.
        hint: &'static str,
    },
    /// The file of the key has none.
    #[error("{} has no private key: {hint}", path.display())]
    NoKey {
        /// The file.
        path: PathBuf,
        /// What it seems to be, and what to do.
        hint: &'static str,
    },
    /// What is between BEGIN and END is not what it says.
    #[error("{} is damaged: {what}; copy it again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// The key is another certificate's.
    #[error(
        "the key in {} is not the one of the certificate in {}; give the two that were made together",
        key.display(), cert.display()
    )]
    Mismatch {
        /// The file of the certificate.
        cert: PathBuf,
        /// The file of the key.
        key: PathBuf,
    },
    /// The certificate of the server does not stand first.
    #[error(
        "the key in {} belongs to certificate number {number} in {}; the one of the server has to \
         stand first, the others after it in the order in which they sign", key.display(), cert.display()
    )]
    Order {
        /// The file of the certificate.
        cert: PathBuf,
        /// The file of the key.
        key: PathBuf,
        /// Which one it belongs to, from 1.
        number: usize,
    },
    /// TLS itself does not work with them.
    #[error("the certificate cannot be used: {0}")]
    Rustls(#[from] rustls::Error),
}

/// A chain and its key that belong together.
#[derive(Clone, Debug)]
pub struct Certificate {
    key: Arc<CertifiedKey>,
    /// Of both files.
    digests: [Sha256; 2],
    path: PathBuf,
    subject: String,
    not_before: Timestamp,
    not_after: Timestamp,
    doubts: Vec<String>,
}

/// For how long it is said beforehand that a certificate expires.
const SOON_DAYS: i64 = 14;

const DAY: i64 = 24 * 60 * 60 * 1000;

impl Certificate {
    /// Reads both files.
    ///
    /// # Errors
    /// [`TlsError`] that says what to do.
    pub fn read(settings: &TlsSettings) -> Result<Self, TlsError> {
        let cert_text = bytes(&settings.cert)?;
        let key_text = bytes(&settings.key)?;
        let chain = chain(&settings.cert, &cert_text)?;
        let private = private_key(&settings.key, &key_text)?;
        let key = certified(settings, chain, private)?;
        let damaged = |what: String| TlsError::Damaged {
            path: settings.cert.clone(),
            what,
        };
        let parsed: Result<Vec<_>, _> = key
            .cert
            .iter()
            .map(|der| X509Certificate::from_der(der).map(|(_, parsed)| parsed))
            .collect();
        let parsed = parsed.map_err(|error| damaged(error.to_string()))?;
        let Some(own) = parsed.first() else {
            return Err(damaged("it is empty".to_owned()));
        };
        let moment = |seconds: i64| Timestamp::from_millis(seconds.saturating_mul(1000));
        let mut doubts = doubts_of_chain(&settings.cert, &parsed);
        doubts.extend(doubts_of_key(&settings.key));
        Ok(Self {
            subject: own.subject().to_string(),
            not_before: moment(own.validity().not_before.timestamp()),
            not_after: moment(own.validity().not_after.timestamp()),
            doubts,
            path: settings.cert.clone(),
            digests: [Sha256::of(&cert_text), Sha256::of(&key_text)],
            key: Arc::new(key),
        })
    }

    pub(super) fn certified_key(&self) -> CertifiedKey {
        CertifiedKey::clone(&self.key)
    }

    /// Whether both come from the same bytes.
    pub(super) fn is_same_as(&self, other: &Self) -> bool {
        self.digests == other.digests
    }

    /// When it ends.
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// Whose it is and until when, for a log line.
    pub fn described(&self) -> String {
        format!("{} until {}", self.subject, self.not_after)
    }

    /// What makes clients refuse it, now or before long, in sentences with what to do.
    pub fn doubts(&self, now: Timestamp) -> Vec<String> {
        let path = self.path.display();
        let left = self.not_after.as_millis() - now.as_millis();
        let about_time = if left < 0 {
            Some(format!(
                "the certificate in {path} expired at {}: every client refuses it; renew it, the new \
                 file is taken up at once",
                self.not_after
            ))
        } else if now < self.not_before {
            Some(format!(
                "the certificate in {path} is not valid before {}: clients refuse it until then; is the \
                 clock right?",
                self.not_before
            ))
        } else if left < SOON_DAYS * DAY {
            let days = left / DAY;
            Some(format!(
                "the certificate in {path} expires at {}, in {days} days; renew it, the new file is \
                 taken up at once",
                self.not_after
            ))
        } else {
            None
        };
        about_time
            .into_iter()
            .chain(self.doubts.iter().cloned())
            .collect()
    }
}

fn bytes(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|source| TlsError::Unreadable {
        path: path.to_path_buf(),
        source,
    })
}

fn has(text: &[u8], what: &str) -> bool {
    text.windows(what.len()).any(|part| part == what.as_bytes())
}

fn chain(path: &Path, text: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let path = path.to_path_buf();
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
    match chain {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        Ok(_) => Err(TlsError::NoCertificate {
            hint: match text {
                text if has(text, "PRIVATE KEY-----") => {
                    "it has a private key; are certificate and key exchanged?"
                }
                text if has(text, "BEGIN CERTIFICATE REQUEST") => {
                    "it has a request for one; give what the authority sent back"
                }
                [0x30, 0x82, ..] => {
                    "it is DER, not PEM: openssl x509 -inform DER -in FILE -out cert.pem"
                }
                _ => "a PEM file begins with -----BEGIN CERTIFICATE-----",
            },
            path,
        }),
        Err(error) => Err(damaged_pem(path, &error)),
    }
}

fn damaged_pem(path: PathBuf, error: &pem::Error) -> TlsError {
    let what = match error {
        pem::Error::MissingSectionEnd { .. } => {
            "a line that begins with -----END is missing".to_owned()
        }
        other => other.to_string(),
    };
    TlsError::Damaged { path, what }
}

fn private_key(path: &Path, text: &[u8]) -> Result<PrivateKeyDer<'static>, TlsError> {
    let no_key = |hint: &'static str| TlsError::NoKey {
        path: path.to_path_buf(),
        hint,
    };
    if has(text, "BEGIN ENCRYPTED PRIVATE KEY") || has(text, "Proc-Type: 4,ENCRYPTED") {
        return Err(no_key(
            "it is protected by a password, which nobody could enter here: openssl pkey -in FILE \
             -out key.pem, and chmod 600 key.pem",
        ));
    }
    PrivateKeyDer::from_pem_slice(text).map_err(|error| match error {
        pem::Error::NoItemsFound => no_key(match text {
            text if has(text, "BEGIN CERTIFICATE-----") => {
                "it has a certificate; are certificate and key exchanged?"
            }
            text if has(text, "BEGIN OPENSSH PRIVATE KEY") => "it has a key for SSH",
            text if has(text, "BEGIN PUBLIC KEY") => "it has only the public half",
            [0x30, ..] => "it is DER, not PEM: openssl pkey -inform DER -in FILE -out key.pem",
            _ => "a PEM file begins with -----BEGIN PRIVATE KEY-----",
        }),
        other => damaged_pem(path.to_path_buf(), &other),
    })
}

/// Chain and key, when the key is that of the first certificate.
fn certified(
    settings: &TlsSettings,
    chain: Vec<CertificateDer<'static>>,
    private: PrivateKeyDer<'static>,
) -> Result<CertifiedKey, TlsError> {
    let signing =
        aws_lc_rs::sign::any_supported_type(&private).map_err(|error| TlsError::Damaged {
            path: settings.key.clone(),
            what: error.to_string(),
        })?;
    let fits = |chain: Vec<CertificateDer<'static>>| {
        let key = CertifiedKey::new(chain, Arc::clone(&signing));
        match key.keys_match() {
            Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(key),
            Err(error) => Err(error),
        }
    };
    let mismatch = match fits(chain.clone()) {
        Ok(key) => return Ok(key),
        Err(error) => error,
    };
    let (cert, key) = (settings.cert.clone(), settings.key.clone());
    if !matches!(mismatch, rustls::Error::InconsistentKeys(_)) {
        let what = mismatch.to_string();
        return Err(TlsError::Damaged { path: cert, what });
    }
    let owner = chain.iter().position(|one| fits(vec![one.clone()]).is_ok());
    Err(match owner {
        Some(at) => TlsError::Order {
            cert,
            key,
            number: at + 1,
        },
        None => TlsError::Mismatch { cert, key },
    })
}

fn doubts_of_chain(path: &Path, chain: &[X509Certificate<'_>]) -> Vec<String> {
    let path = path.display();
    let mut doubts = Vec::new();
    if let [own] = chain
        && own.issuer() != own.subject()
    {
        doubts.push(format!(
            "{path} has the certificate of the server alone: clients that do not know its issuer, {}, \
             refuse it; append the certificates between it and its authority",
            own.issuer()
        ));
    }
    for pair in chain.windows(2) {
        let signs_itself = pair[0].issuer() == pair[0].subject();
        if pair[0].issuer() != pair[1].subject() && !signs_itself {
            doubts.push(format!(
                "in {path}, {} is not followed by who signed it, {}: some clients refuse such a chain",
                pair[0].subject(),
                pair[0].issuer()
            ));
        }
    }
    if chain.first().is_some_and(|own| own.tbs_certificate.is_ca()) {
        doubts.push(format!(
            "the certificate in {path} is marked as an authority's: uv and others refuse it for a server; have \
             it made with basicConstraints=CA:FALSE"
        ));
    }
    let names = chain
        .first()
        .map(|own| own.tbs_certificate.subject_alternative_name());
    if matches!(names, Some(Ok(None))) {
        doubts.push(format!(
            "the certificate in {path} has no alternative name, and clients do not look at any other: \
             have it made with subjectAltName"
        ));
    }
    doubts
}

#[cfg(unix)]
fn doubts_of_key(path: &Path) -> Option<String> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(path).ok()?.permissions().mode();
    (mode & 0o007 != 0).then(|| {
        let path = path.display();
        format!("every user of this machine can read the private key in {path}: chmod o= {path}")
    })
}

#[cfg(not(unix))]
fn doubts_of_key(_: &Path) -> Option<String> {
    None
}

#[cfg(test)]
mod tests;

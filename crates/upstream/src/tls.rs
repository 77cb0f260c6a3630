//! TLS for the HTTP client: the one crypto provider of the house, and additional certificate
//! authorities. The system's own roots are always trusted (`SSL_CERT_FILE` and `SSL_CERT_DIR` name
//! others in their place, as everywhere).

use std::path::{Path, PathBuf};

use reqwest::Certificate;

use crate::source::SetupError;

/// Makes aws-lc-rs the process's provider of cryptography, unless one was chosen before. Called by
/// every constructor that needs it; calling it again does nothing.
pub fn install_crypto_provider() {
    // An error means that there is a provider already, which is what is wanted.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

/// The certificates in PEM files.
///
/// # Errors
/// [`SetupError::CertificateFile`] when a file cannot be read or holds no certificate.
pub fn read_certificates(files: &[PathBuf]) -> Result<Vec<Certificate>, SetupError> {
    let mut certificates = Vec::new();
    for file in files {
        certificates.extend(read_file(file)?);
    }
    Ok(certificates)
}

fn read_file(path: &Path) -> Result<Vec<Certificate>, SetupError> {
    let failed = |problem: String| SetupError::CertificateFile {
        path: path.to_owned(),
        problem,
    };
    let bytes = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
    let certificates =
        Certificate::from_pem_bundle(&bytes).map_err(|error| failed(error.to_string()))?;
    if certificates.is_empty() {
        return Err(failed("no certificate in it".to_owned()));
    }
    Ok(certificates)
}

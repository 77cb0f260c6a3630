//! Certificates that can be used, that cannot, and that are doubtful; each message says what to do.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use tempfile::TempDir;

use super::*;

struct Files {
    folder: TempDir,
}

/// An authority, one between, and a server, with their keys.
struct Made {
    root: String,
    between: String,
    server: String,
    key: String,
}

fn named(name: &str, authority: bool) -> CertificateParams {
    let names = match authority {
        true => vec![],
        false => vec![name.to_owned()],
    };
    let mut params = CertificateParams::new(names).expect("names");
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = date_time_ymd(2027, 1, 1);
    if authority {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    }
    params
}

fn made() -> Made {
    let [root_key, between_key, key] = std::array::from_fn(|_| KeyPair::generate().expect("a key"));
    let root = named("Acme Root", true);
    let root_pem = root.self_signed(&root_key).expect("signed").pem();
    let root = Issuer::new(root, root_key);
    let between = named("Acme Servers", true);
    let between_pem = between
        .signed_by(&between_key, &root)
        .expect("signed")
        .pem();
    let between = Issuer::new(between, between_key);
    let server = named("packages.acme.example", false);
    Made {
        root: root_pem,
        between: between_pem,
        server: server.signed_by(&key, &between).expect("signed").pem(),
        key: key.serialize_pem(),
    }
}

impl Files {
    fn new(cert: &str, key: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let files = Self { folder };
        std::fs::write(files.settings().cert, cert).expect("written");
        std::fs::write(files.settings().key, key).expect("written");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::Permissions::from_mode(0o600);
            std::fs::set_permissions(files.settings().key, mode).expect("changed");
        }
        files
    }

    fn settings(&self) -> TlsSettings {
        TlsSettings {
            cert: self.folder.path().join("cert.pem"),
            key: self.folder.path().join("key.pem"),
            oldest: crate::config::TlsVersion::Tls12,
        }
    }

    fn said(&self, text: &str) -> String {
        text.replace(&self.folder.path().display().to_string(), "[folder]")
    }

    fn error(&self) -> String {
        let error = Certificate::read(&self.settings()).expect_err("it cannot be used");
        self.said(&error.to_string())
    }

    fn doubts(&self, now: &str) -> String {
        let certificate = Certificate::read(&self.settings());
        let certificate = certificate.unwrap_or_else(|error| panic!("{error}"));
        let doubts = certificate.doubts(now.parse().expect("a time"));
        self.said(&doubts.join("\n"))
    }
}

const NOW: &str = "2026-06-15T12:00:00Z";

#[test]
fn a_chain_with_its_key_is_used_without_a_doubt() {
    let made = made();
    let chain = format!("{}{}", made.server, made.between);
    assert_eq!(Files::new(&chain, &made.key).doubts(NOW), "");
}

#[test]
fn what_cannot_be_used_is_refused_with_what_to_do() {
    let (made, other) = (made(), made());
    let encrypted =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let old = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n\
               -----END RSA PRIVATE KEY-----\n";
    let turned_round = format!("{}{}", made.between, made.server);
    let request = "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n";
    let damaged = made.server.replace("-----END", "!-----END");
    let no_x509 = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let public = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n";
    let no_key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    let table = [
        (made.server.as_str(), other.key.as_str()),
        (&turned_round, &made.key),
        (&made.key, &made.server),
        (request, &made.key),
        ("", &made.key),
        (&damaged, &made.key),
        (no_x509, &made.key),
        (&made.server, encrypted),
        (&made.server, old),
        (&made.server, public),
        (&made.server, no_key),
        (&made.server, "x"),
    ];
    let errors: Vec<String> = table
        .iter()
        .map(|(cert, key)| Files::new(cert, key).error())
        .collect();
    insta::assert_snapshot!(errors.join("\n"));
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let files = Files::new("", "");
    std::fs::remove_file(files.settings().cert).expect("removed");
    insta::assert_snapshot!(files.error(), @"cannot read [folder]/cert.pem: No such file or directory (os error 2); the user that runs the gateway must be able to");
}

#[test]
fn what_clients_will_not_like_is_told() {
    let made = made();
    let chain = format!("{}{}", made.server, made.between);
    let wrong_order = format!("{}{}{}", made.server, made.root, made.between);
    let mut nameless = named("Acme", true);
    nameless.is_ca = IsCa::NoCa;
    let key = KeyPair::generate().expect("a key");
    let nameless = nameless.self_signed(&key).expect("signed").pem();
    let authority_key = KeyPair::generate().expect("a key");
    let mut authority = named("packages.acme.example", false);
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = authority.self_signed(&authority_key).expect("signed").pem();
    let told = [
        Files::new(&chain, &made.key).doubts("2027-01-02T00:00:00Z"),
        Files::new(&chain, &made.key).doubts("2025-12-31T00:00:00Z"),
        Files::new(&chain, &made.key).doubts("2026-12-20T12:00:00Z"),
        Files::new(&made.server, &made.key).doubts(NOW),
        Files::new(&wrong_order, &made.key).doubts(NOW),
        Files::new(&nameless, &key.serialize_pem()).doubts(NOW),
        Files::new(&authority, &authority_key.serialize_pem()).doubts(NOW),
    ];
    insta::assert_snapshot!(told.join("\n\n"));
}

#[cfg(unix)]
#[test]
fn a_key_that_everybody_can_read_is_told() {
    use std::os::unix::fs::PermissionsExt as _;
    let made = made();
    let files = Files::new(&format!("{}{}", made.server, made.between), &made.key);
    let open = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(files.settings().key, open).expect("changed");
    insta::assert_snapshot!(files.doubts(NOW), @"every user of this machine can read the private key in [folder]/key.pem: chmod o= [folder]/key.pem");
}

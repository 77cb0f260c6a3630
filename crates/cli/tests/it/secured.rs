//! HTTPS with real clients: pip and uv install from a gateway that speaks TLS, and certificates that cannot be
//! used are refused at the start.

use std::process::Command;
use std::time::{Duration, Instant};

use portcullis_fixtures::{FixtureIndex, wheel};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

use crate::gateway;
use crate::installers::{pip, uv};
use crate::program::{Clients, Desk};

struct Made {
    authority: String,
    chain: String,
    key: String,
}

/// A certificate for this machine, signed by an authority of the test's own.
fn made() -> Made {
    let (root_key, key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let mut root = CertificateParams::new(Vec::new()).unwrap();
    root.distinguished_name
        .push(DnType::CommonName, "Acme Root");
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = root.self_signed(&root_key).unwrap().pem();
    let mut server = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    server
        .distinguished_name
        .push(DnType::CommonName, "127.0.0.1");
    let server = server
        .signed_by(&key, &Issuer::new(root, root_key))
        .unwrap();
    Made {
        chain: format!("{}{authority}", server.pem()),
        authority,
        key: key.serialize_pem(),
    }
}

const TLS: &str = "[tls]\ncert = \"cert.pem\"\nkey = \"key.pem\"\n";

#[test]
fn pip_and_uv_install_over_https_and_new_certificates_are_taken_up() {
    let index = FixtureIndex::start_blocking();
    index.add(wheel("leaf", "1.0").file("leaf.py", "version = 1\n"));
    let made = made();
    let setup = gateway::before(&index).tables(TLS);
    let gateway = setup
        .file("cert.pem", &made.chain)
        .file("key.pem", &made.key)
        .start();
    assert!(
        gateway.url().starts_with("https://127.0.0.1:"),
        "{}",
        gateway.url()
    );
    gateway.write("authority.pem", &made.authority);
    let authority = gateway.folder().join("authority.pem");
    if let Some(clients) = Clients::find() {
        let desk = Desk::new();
        let mut install = pip(&clients, "pip", &desk, &gateway.simple_url());
        let shown = desk.run(install.arg("leaf").arg("--cert").arg(&authority));
        assert_eq!(shown.code, 0, "{}", shown.text);
        assert!(Desk::received(&desk.path("site")).contains_key("leaf"));
        let desk = Desk::new();
        let mut install = uv(&clients, &desk, &gateway.simple_url(), &["pip", "install"]);
        install.env("SSL_CERT_FILE", &authority);
        let shown = desk.run(install.arg("--target").arg(desk.path("site")).arg("leaf"));
        assert_eq!(shown.code, 0, "{}", shown.text);
        assert!(Desk::received(&desk.path("site")).contains_key("leaf"));
    }
    let new = self::made();
    gateway.write("cert.pem", &new.chain);
    gateway.write("key.pem", &new.key);
    gateway.signal(rustix::process::Signal::HUP);
    let begun = Instant::now();
    while !gateway.log().contains("a new certificate is in use") {
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "{}",
            gateway.log()
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_certificate_that_cannot_be_used_is_refused_at_the_start() {
    let (one, other) = (made(), made());
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("cert.pem"), &one.chain).unwrap();
    std::fs::write(folder.path().join("key.pem"), &other.key).unwrap();
    let mut serve = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    serve.env_clear().current_dir(folder.path());
    serve.args([
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--upstream",
        "http://index.example/simple/",
    ]);
    let output = serve
        .args(["--tls-cert", "cert.pem", "--tls-key", "key.pem"])
        .output()
        .unwrap();
    assert!(!output.status.success());
    let text = String::from_utf8(output.stderr).unwrap();
    insta::assert_snapshot!(text.lines().last().unwrap_or_default(), @"portcullis: cannot speak TLS: the key in key.pem is not the one of the certificate in cert.pem; give the two that were made together");
}

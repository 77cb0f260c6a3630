//! An upstream whose certificate changes while the gateway runs: a new one of the same authority is believed at
//! once, any other is not, and what is here goes on.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use portcullis_fixtures::{FixtureIndex, wheel};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::test_app::{Setup, TestApp, old};

const FILENAME: &str = "foo-1.0-py3-none-any.whl";
const NEW_FILENAME: &str = "foo-1.1-py3-none-any.whl";
const STALE_SINCE: &str = "x-portcullis-stale-since";

/// Who signs certificates.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn named(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(params, key);
        Self { pem, issuer }
    }

    /// A certificate for `host`, until the end of a year.
    fn certify(&self, host: &str, until: i32) -> Arc<ServerConfig> {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
        params.not_after = rcgen::date_time_ymd(until, 12, 31);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key);
        Arc::new(config.unwrap())
    }
}

/// HTTPS before an index. Who changes its certificate ends its connections.
struct Secured {
    address: SocketAddr,
    certificate: watch::Sender<Arc<ServerConfig>>,
}

impl Secured {
    async fn before(target: SocketAddr, certificate: Arc<ServerConfig>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (certificate, shown) = watch::channel(certificate);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let mut shown = shown.clone();
                let config = Arc::clone(&shown.borrow_and_update());
                tokio::spawn(async move {
                    tokio::select! {
                        () = carry(client, config, target) => {}
                        _ = shown.changed() => {}
                    }
                });
            }
        });
        Self {
            address,
            certificate,
        }
    }

    fn show(&self, certificate: Arc<ServerConfig>) {
        self.certificate.send(certificate).unwrap();
    }
}

async fn carry(client: TcpStream, config: Arc<ServerConfig>, target: SocketAddr) {
    let Ok(mut client) = TlsAcceptor::from(config).accept(client).await else {
        return;
    };
    let mut server = TcpStream::connect(target).await.unwrap();
    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
}

struct Place {
    upstream: FixtureIndex,
    secured: Secured,
    authority: Authority,
    app: TestApp,
}

async fn place() -> Place {
    let upstream = FixtureIndex::start().await;
    upstream.add(old(wheel("foo", "1.0")).relative());
    upstream.add(old(wheel("foo", "1.1")).relative());
    upstream.add(old(wheel("bar", "1.0")).relative());
    let authority = Authority::named("Acme Root");
    let secured = Secured::before(upstream.address(), authority.certify("127.0.0.1", 2999)).await;
    let tables = format!(
        "[sources.pypi]\nkind = 'upstream'\nurl = 'https://{}/simple/'\nca-file = 'authority.pem'\n\
         fresh-for = '1m'\ntimeout = '2s'\n[indexes.main]\nsources = ['pypi']\n",
        secured.address
    );
    let setup = Setup::with(&tables);
    std::fs::write(setup.path("authority.pem"), &authority.pem).unwrap();
    let app = setup.start().await;
    let page = app.page("foo").await;
    assert_eq!(page.status, 200, "{}", page.shown());
    assert_eq!(app.file("foo", FILENAME).await.status, 200);
    Place {
        upstream,
        secured,
        authority,
        app,
    }
}

#[tokio::test]
async fn a_new_certificate_of_the_same_authority_is_believed_without_a_restart() {
    let place = place().await;
    let renewed = place.authority.certify("127.0.0.1", 2998);
    place.secured.show(renewed);
    place.upstream.forget_requests();
    place.app.advance(Duration::from_secs(61));
    let page = place.app.page("foo").await;
    assert_eq!((page.status, page.header(STALE_SINCE)), (200, None));
    assert_eq!(place.app.file("foo", NEW_FILENAME).await.status, 200);
    assert!(place.upstream.count("/simple/foo/") > 0);
}

#[tokio::test]
async fn a_certificate_that_proves_nothing_is_refused_and_what_is_here_goes_on() {
    let stranger = Authority::named("Acme Root");
    for (what, signed_by_stranger, host, until) in [
        ("a stranger's", Some(()), "127.0.0.1", 2999),
        ("another host's", None, "packages.acme.example", 2999),
        ("one that has expired", None, "127.0.0.1", 2020),
    ] {
        let place = place().await;
        let authority = match signed_by_stranger {
            Some(()) => &stranger,
            None => &place.authority,
        };
        place.secured.show(authority.certify(host, until));
        place.upstream.forget_requests();
        place.app.advance(Duration::from_secs(61));
        let page = place.app.page("foo").await;
        assert_eq!(page.status, 200, "{what}: {}", page.shown());
        assert!(page.header(STALE_SINCE).is_some(), "{what}");
        assert_eq!(place.app.file("foo", FILENAME).await.status, 200, "{what}");
        for answer in [
            place.app.page("bar").await,
            place.app.file("foo", NEW_FILENAME).await,
        ] {
            assert_eq!(answer.status, 503, "{what}: {}", answer.shown());
        }
        let asked = place.upstream.requests();
        assert!(asked.is_empty(), "{what}: {asked:?} went through");

        place
            .secured
            .show(place.authority.certify("127.0.0.1", 2999));
        place.app.advance(Duration::from_secs(61));
        let page = place.app.page("foo").await;
        assert_eq!(
            (page.status, page.header(STALE_SINCE)),
            (200, None),
            "{what}"
        );
        assert_eq!(
            place.app.file("foo", NEW_FILENAME).await.status,
            200,
            "{what}"
        );
    }
}

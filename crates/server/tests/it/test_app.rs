//! [`TestApp`], a running gateway: the real one, on a free port, over a folder of its own, with a clock
//! that only the test moves.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU8, Ordering};
use std::time::Duration;

use futures_util::StreamExt as _;
use portcullis_core::digest::Sha256;
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::time::Timestamp;
use portcullis_fixtures::{FaultyStore, FixtureIndex, ListedFile};
use portcullis_server::app::Clock;
use portcullis_server::config::Overrides;
use portcullis_server::{App, Config, jobs, serve};
use portcullis_store::Patience;
use portcullis_store::alerts::{self, Alert};
use portcullis_store::blobs::Blobs;
use portcullis_store::downloads::RecordedDownload;
use portcullis_store::exposure::{self, Exposed, Window};
use portcullis_store::pages;
use portcullis_store::tokens::{self, Created, NewToken};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::client::{Answer, Ask, JSON};

/// When every test begins.
pub(crate) const NOW: &str = "2026-06-15T12:00:00Z";

/// Long before [`NOW`].
pub(crate) const LONG_AGO: &str = "2020-01-01T00:00:00Z";

/// A policy that does not look into files, for files that are none.
pub(crate) const LOOKS_INTO_NOTHING: &str = "[rules.malicious-code]\nmode = 'off'\n\
    [rules.broken-archive]\nmode = 'off'\n[rules.wheel-differs]\nmode = 'off'\n\
    [rules.changed-behaviour]\nmode = 'off'\n";

/// A file that was published long ago.
pub(crate) fn old(file: impl Into<ListedFile>) -> ListedFile {
    file.into().upload_time(LONG_AGO)
}

pub(crate) fn name(text: &str) -> ProjectName {
    text.parse().unwrap()
}

/// How a gateway is set up.
#[derive(Clone)]
pub(crate) struct Setup {
    folder: Arc<TempDir>,
    top: String,
    rest: String,
    policy: String,
    clock: Arc<AtomicI64>,
    patience: Patience,
    store: Option<FaultyStore>,
}

impl Setup {
    /// A hosted source before `upstream`, in one index with a policy file.
    pub(crate) fn over(upstream: &FixtureIndex) -> Self {
        Self::with(&format!(
            "[sources.internal]\nkind = 'hosted'\n\
             [sources.pypi]\nkind = 'upstream'\nurl = '{}'\n\
             [indexes.main]\nsources = ['internal', 'pypi']\npolicy = 'policy.toml'\n",
            upstream.simple_url()
        ))
    }

    /// These sources and indexes. Tables are appended with [`Setup::tables`].
    pub(crate) fn with(tables: &str) -> Self {
        let now: Timestamp = NOW.parse().unwrap();
        Self {
            folder: Arc::new(tempfile::tempdir().unwrap()),
            top: String::new(),
            rest: tables.to_owned(),
            policy: String::new(),
            clock: Arc::new(AtomicI64::new(now.as_millis())),
            patience: Patience::default(),
            store: None,
        }
    }

    /// Adds keys before all tables.
    pub(crate) fn top(mut self, keys: &str) -> Self {
        self.top += &format!("{keys}\n");
        self
    }

    /// Adds keys to the source `pypi`.
    pub(crate) fn of_upstream(mut self, keys: &str) -> Self {
        self.rest = self
            .rest
            .replace("[sources.pypi]\n", &format!("[sources.pypi]\n{keys}\n"));
        self
    }

    /// Adds tables after all others.
    pub(crate) fn tables(mut self, tables: &str) -> Self {
        self.rest += &format!("{tables}\n");
        self
    }

    /// Makes one of several indexes the default.
    pub(crate) fn default_index(mut self, index: &str) -> Self {
        let table = format!("[indexes.{index}]\n");
        self.rest = self
            .rest
            .replace(&table, &format!("{table}default = true\n"));
        self
    }

    pub(crate) fn policy(mut self, text: &str) -> Self {
        text.clone_into(&mut self.policy);
        self
    }

    /// Waits so long for everything that the vault is kept in.
    pub(crate) fn patience(mut self, limit: Duration) -> Self {
        self.patience = Patience {
            turn: limit,
            answer: limit,
            kept: limit,
        };
        self
    }

    /// Keeps blobs in this store.
    pub(crate) fn store(mut self, store: &FaultyStore) -> Self {
        self.store = Some(store.clone());
        self
    }

    /// A folder of the test's own beside the configuration.
    pub(crate) fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// This program has no workers that it could start, unless the test brings some.
    fn inspection(&self) -> &'static str {
        match self.rest.contains("[inspection]") {
            true => "",
            false => "[inspection]\nisolation = 'thread'\n",
        }
    }

    pub(crate) async fn start(self) -> TestApp {
        std::fs::write(self.path("policy.toml"), &self.policy).unwrap();
        TestApp::open(self).await
    }
}

/// A running gateway.
pub(crate) struct TestApp {
    pub(crate) app: Arc<App>,
    pub(crate) address: SocketAddr,
    setup: Setup,
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
}

impl TestApp {
    /// A gateway over a hosted source and `upstream`, with the built-in policy.
    pub(crate) async fn over(upstream: &FixtureIndex) -> Self {
        Setup::over(upstream).start().await
    }

    async fn open(setup: Setup) -> Self {
        let text = format!(
            "data = 'data'\n{}{}{}",
            setup.top,
            setup.rest,
            setup.inspection()
        );
        let place = setup.path("portcullis.toml");
        let config = Config::parse(&text, &place, &Overrides::default());
        let mut config = config.unwrap_or_else(|error| panic!("{error}"));
        config.patience = setup.patience;
        let millis = Arc::clone(&setup.clock);
        let clock: Clock = Arc::new(move || Timestamp::from_millis(millis.load(Ordering::Relaxed)));
        let mut app = App::open(config, clock).await.unwrap();
        if let Some(store) = &setup.store {
            let blobs = Blobs::over(Arc::new(store.clone()), &setup.path("data")).unwrap();
            let opened = Arc::get_mut(&mut app).expect("nothing runs yet");
            opened.blobs = blobs.patiently(setup.patience);
        }
        let listener = serve::listen(([127, 0, 0, 1], 0).into()).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let serving = serve::serve(Arc::clone(&app), listener, async {
            let _ = stopped.await;
        });
        let server = tokio::spawn(serving);
        Self {
            app,
            address,
            setup,
            stop,
            server,
        }
    }

    /// Another process over the same folder and clock, as a second replica would be.
    pub(crate) async fn second(&self) -> Self {
        Self::open(self.setup.clone()).await
    }

    /// Stops, and opens again what is on disk.
    pub(crate) async fn restart(self) -> Self {
        let Self {
            app,
            setup,
            stop,
            server,
            ..
        } = self;
        let _ = stop.send(());
        server.await.unwrap();
        app.db.close().await;
        drop(app);
        Self::open(setup).await
    }

    /// Stops, and opens again what is on disk under a configuration in which `text` is `other`.
    pub(crate) async fn restart_with(mut self, text: &str, other: &str) -> Self {
        self.setup.rest = self.setup.rest.replace(text, other);
        self.restart().await
    }

    /// Begins to stop; the returned handle ends when it has. What it runs over stays until the setup is
    /// dropped.
    pub(crate) fn stop(self) -> (JoinHandle<()>, Setup) {
        let _ = self.stop.send(());
        (self.server, self.setup)
    }

    /// Starts what runs beside requests.
    pub(crate) fn start_jobs(&self) {
        jobs::start(Arc::clone(&self.app));
    }

    pub(crate) fn write_policy(&self, text: &str) {
        std::fs::write(self.setup.path("policy.toml"), text).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> std::path::PathBuf {
        self.setup.path(name)
    }

    /// Lets time pass.
    pub(crate) fn advance(&self, time: Duration) {
        let millis = i64::try_from(time.as_millis()).unwrap();
        self.setup.clock.fetch_add(millis, Ordering::Relaxed);
    }

    /// Lets so much time pass that pages of upstreams are asked for again.
    pub(crate) fn outdate_pages(&self) {
        self.advance(Duration::from_secs(6 * 60));
    }

    pub(crate) fn get(&self, target: &str) -> Ask {
        Ask::new(self.address, "GET", target)
    }

    pub(crate) fn head(&self, target: &str) -> Ask {
        Ask::new(self.address, "HEAD", target)
    }

    pub(crate) fn post(&self, target: &str) -> Ask {
        Ask::new(self.address, "POST", target)
    }

    /// The JSON page of a project in the default index.
    pub(crate) async fn page(&self, project: &str) -> Answer {
        self.get(&format!("/simple/{project}/")).accept(JSON).await
    }

    /// A file of a project in the default index.
    pub(crate) fn file(&self, project: &str, filename: &str) -> Ask {
        self.get(&format!("/files/{project}/{filename}"))
    }

    /// Makes a token with these scopes.
    pub(crate) async fn token(&self, token_name: &str, scopes: &str) -> String {
        self.expiring_token(token_name, scopes, None).await
    }

    pub(crate) async fn expiring_token(
        &self,
        token_name: &str,
        scopes: &str,
        expires_at: Option<Timestamp>,
    ) -> String {
        static SEED: AtomicU8 = AtomicU8::new(1);
        let random = [SEED.fetch_add(1, Ordering::Relaxed); 32];
        let new = NewToken {
            name: token_name.to_owned(),
            scopes: scopes.parse().unwrap(),
            expires_at,
            created_by: "test".to_owned(),
        };
        let created = tokens::create(&self.app.db, &new, random, self.app.now());
        match created.await.unwrap() {
            Created::New(text) => text.reveal().to_owned(),
            Created::NameTaken => panic!("{token_name} is taken"),
        }
    }

    pub(crate) async fn alerts(&self) -> Vec<Alert> {
        alerts::list(&self.app.db, 100).await.unwrap()
    }

    /// Waits for an alert of this kind about this file.
    pub(crate) async fn alert(&self, kind: &str, subject: &str) -> Alert {
        let find = async || {
            let alerts = self.alerts().await;
            alerts
                .into_iter()
                .find(|alert| alert.kind == kind && alert.subject == subject)
        };
        eventually(find).await
    }

    pub(crate) async fn downloads(&self, project: &str) -> Vec<RecordedDownload> {
        let project = name(project);
        let window = Window {
            from: Timestamp::from_millis(0),
            to: Timestamp::from_millis(i64::MAX),
            after: None,
            limit: 1000,
        };
        exposure::downloads(&self.app.db, &Exposed::Project(&project), window)
            .await
            .unwrap()
    }

    /// The digests of everything in the vault.
    pub(crate) async fn blobs(&self) -> Vec<Sha256> {
        let listed: Vec<_> = self.app.blobs.list().collect().await;
        listed
            .into_iter()
            .map(|blob| blob.unwrap().sha256)
            .collect()
    }

    /// Waits until the page of a project is kept as it was fetched or confirmed last.
    pub(crate) async fn page_is_kept(&self, project: &str) {
        let (project, now) = (name(project), self.app.now());
        let is_kept = async || {
            let kept = pages::load(&self.app.db, "pypi", &project).await.unwrap();
            kept.filter(|kept| kept.checked_at >= now)
        };
        eventually(is_kept).await;
    }
}

/// Asks again and again, for at most ten seconds.
pub(crate) async fn eventually<T>(ask: impl AsyncFn() -> Option<T>) -> T {
    for _ in 0..500 {
        if let Some(found) = ask().await {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it did not come to pass within ten seconds")
}

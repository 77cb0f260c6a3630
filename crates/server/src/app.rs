//! [`App`], everything that a running gateway holds: what flows use, and nothing that decides.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use moka::sync::Cache;
use portcullis_core::digest::Sha256;
use portcullis_core::index::{Index, IndexName, IndexSource, SourceKind, SourceName, Trust};
use portcullis_core::policy::{Decision, Policy};
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::time::Timestamp;
use portcullis_inspect::own_rules::{InvalidRules, OwnRules};
use portcullis_store::Db;
use portcullis_store::blobs::Blobs;
use portcullis_store::recorder::Recorder;
use portcullis_store::tokens::{LastUsed, Token};
use portcullis_upstream::UpstreamError;
use portcullis_upstream::single_flight::SingleFlight;
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::cache::CacheState;
use crate::config::{Config, ConfigError};
use crate::error::FlowError;
use crate::flow::contents::Contents;
use crate::flow::fetch::{FileKey, Transfer};
use crate::flow::judge::ALL_AT_ONCE;
use crate::flow::publisher::Publishers;
use crate::flow::releases::Releases;
use crate::flow::reviews::in_force;
use crate::flow::source_pages::Known;
use crate::inspection::Inspections;
use crate::jobs::monitor;
use crate::jobs::schedule::Running;
use crate::knowledge::Knowledge;
use crate::limits::ClientLimits;
use crate::names::Names;
use crate::policies::{Policies, PolicyError};
use crate::rendered::{PageKey, Rendered};
use crate::source_page::SourcePage;
use crate::sources::{Source, SourceError};
use crate::statistics::Statistics;
use crate::tls::{Tls, TlsError};

/// Where the present comes from: the system's clock, or a test.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// A page as single flights hand it round.
pub type PageResult = Result<Option<Arc<SourcePage>>, FlowError>;

/// Everything that a running gateway holds.
pub struct App {
    /// How it runs.
    pub config: Config,
    /// The database.
    pub db: Db,
    /// The blobs.
    pub blobs: Blobs,
    /// The sources, by name.
    pub sources: BTreeMap<SourceName, Arc<Source>>,
    /// The indexes, by name.
    pub indexes: BTreeMap<IndexName, Arc<Index>>,
    /// Tells this process apart from every other one that claims something.
    pub holder: String,
    /// The policies in force.
    pub policies: Policies,
    /// The names in force.
    pub names: ArcSwap<Names>,
    /// What is known beside names and pages.
    pub knowledge: Knowledge,
    /// Where downloads are recorded.
    pub recorder: Recorder,
    /// Rendered pages.
    pub rendered: Cache<PageKey, Arc<Rendered>>,
    /// The pages of outside sources.
    pub known_pages: Cache<(SourceName, ProjectName), Known>,
    /// Page requests to outside sources that are under way.
    pub page_flights: SingleFlight<(SourceName, ProjectName), PageResult>,
    /// File transfers from outside sources that are under way.
    pub transfers: std::sync::Mutex<HashMap<FileKey, Arc<Transfer>>>,
    /// Turns to gather projects that many are asked about at once.
    pub judging: Semaphore,
    /// Who published files, as far as their attestations were read.
    pub publishers: Cache<(SourceName, Arc<str>), Publishers>,
    /// What the metadata of releases says, as far as it was asked for.
    pub releases: Releases,
    /// What is known of the bytes of files, as far as it was asked for.
    pub contents: Contents,
    /// The inspections that are under way, and what is remembered of those that were.
    pub inspections: Inspections,
    /// The digests and sizes that files from outside were first verified with. That stays as it is until somebody forgets it.
    pub pinned: Cache<FileKey, (Sha256, u64)>,
    /// Files that arrived a moment ago and were not what they should be.
    pub spoiled: Cache<FileKey, ()>,
    /// Metadata extractions that are under way.
    pub metadata_flights: SingleFlight<FileKey, Result<Sha256, FlowError>>,
    /// Tokens that were looked up a moment ago.
    pub tokens: Cache<Sha256, Option<Token>>,
    /// When tokens were last used, to be written down from time to time.
    pub last_used: LastUsed,
    /// Decisions that are already on record.
    pub recorded: Cache<String, ()>,
    /// Decisions that are being recorded.
    pub decision_flights: SingleFlight<String, Result<(), FlowError>>,
    /// What was asked for and what came of it, as far as it is not written down yet.
    pub statistics: Statistics,
    /// What is remembered of the lists of names that are watched.
    pub monitor: monitor::Memory,
    /// The certificate, where TLS is spoken.
    pub tls: Option<Tls>,
    /// How often clients may ask, and where each of them stands.
    pub limits: ClientLimits,
    /// Whether this process was told to stop.
    pub leaving: AtomicBool,
    /// The cache of files from outside as this process knows it.
    pub cache: CacheState,
    /// Jobs that this process runs at the moment.
    pub running: Running,
    clock: Clock,
    epoch: AtomicU64,
    /// When it was last heard what others changed.
    heard_at: std::sync::Mutex<Option<Instant>>,
    hosted_changes: std::sync::Mutex<u64>,
}

/// Why a gateway could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// YARA rules of the organisation's own.
    #[error("[inspection] yara: {0}")]
    OwnRules(#[from] InvalidRules),
    /// A policy.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The certificate or its key.
    #[error("cannot speak TLS")]
    Tls(#[from] TlsError),
    /// A source.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// No upstream was configured and none was found.
    #[error("{0}")]
    Undiscovered(String),
    /// The database.
    #[error(transparent)]
    Store(#[from] portcullis_store::StoreError),
    /// The blobs.
    #[error(transparent)]
    Blob(#[from] portcullis_store::blobs::BlobError),
    /// The data directory.
    #[error("cannot use the data directory {}: {source}", path.display())]
    Data {
        /// The directory.
        path: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// What reviewers said.
    #[error("cannot load what reviewers said: {0}")]
    Reviews(FlowError),
    /// What is switched on and off while the gateway runs.
    #[error("cannot load what is switched on: {0}")]
    Switch(FlowError),
    /// An HTTP client could not be made.
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
}

/// How long a token that was looked up is believed without asking the database.
const TOKEN_MEMORY: Duration = Duration::from_secs(1);

/// For how long what is remembered of hosted sources is relied on without hearing from the database.
const HEARING: Duration = Duration::from_secs(2);

/// How long it is remembered what attestations say, and that they could not be had.
const PUBLISHER_MEMORY: Duration = Duration::from_secs(600);

/// How long it is remembered that a file arrived spoiled. Installers whose transfer broke off ask again
/// within seconds.
const SPOILED_MEMORY: Duration = Duration::from_secs(30);

/// How many files' first digests are remembered, at a few hundred bytes each.
const PINNED: u64 = 50_000;

/// How much memory the pages of outside sources may take, in bytes.
const SOURCE_PAGES: u64 = 128 << 20;

/// Who opens a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// A server: what its configuration owns is written down, and what it no longer owns released.
    Server,
    /// A command beside a server, perhaps with another configuration: it must not release anything.
    Command,
}

impl App {
    /// Opens database, blobs, sources and policies for a server, and writes down the names that the
    /// configuration owns. `config` has every upstream settled.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn open(config: Config, clock: Clock) -> Result<Arc<Self>, OpenError> {
        Self::open_as(Role::Server, config, clock).await
    }

    /// The same for a command that asks or changes something beside a server. The names that are
    /// written down stay as they are.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn open_beside(config: Config, clock: Clock) -> Result<Arc<Self>, OpenError> {
        Self::open_as(Role::Command, config, clock).await
    }

    async fn open_as(role: Role, config: Config, clock: Clock) -> Result<Arc<Self>, OpenError> {
        let unusable = |source| OpenError::Data {
            path: config.data.clone(),
            source,
        };
        std::fs::create_dir_all(&config.data).map_err(unusable)?;
        let policies = Policies::load(&config)?;
        if role == Role::Server {
            // Each worker reads them again; mistakes are told at the start.
            OwnRules::compile(&config.inspection.own_rules)?;
        }
        let tls = match (role, &config.front.tls) {
            (Role::Server, Some(settings)) => Some(Tls::open(settings, clock())?),
            (Role::Server | Role::Command, _) => None,
        };
        let sources = open_sources(&config)?;
        let indexes = open_indexes(&config);
        let db = Db::open_patiently(&config.database, config.patience).await?;
        let blobs = Blobs::connect(&config.blobs, &config.data, std::env::vars_os())?;
        let blobs = blobs.patiently(config.patience);
        if role == Role::Server {
            portcullis_store::names::sync_configured(&db, &config.owned, clock()).await?;
        }
        let names = Names::load_beside(&db, &config.owned).await?;
        let knowledge = Knowledge::default();
        knowledge.protect(&names.owned);
        knowledge.load_quarantines(&db).await?;
        knowledge.load_approvals(&db).await?;
        crate::feeds::load(&knowledge, &db, &blobs).await?;
        let reviews = in_force::load(&knowledge, &db, clock()).await;
        reviews.map_err(OpenError::Reviews)?;
        let page_cache = config.limits.page_cache;
        // The task ends by itself, with everything committed, when the recorder is dropped.
        let (recorder, _task) = Recorder::start(db.clone());
        let app = Arc::new(Self {
            recorder,
            db,
            blobs,
            sources,
            indexes,
            holder: Uuid::now_v7().to_string(),
            policies,
            names: ArcSwap::from_pointee(names),
            knowledge,
            rendered: Cache::builder()
                .weigher(|_, page: &Arc<Rendered>| u32::try_from(page.weight()).unwrap_or(u32::MAX))
                .max_capacity(page_cache)
                .build(),
            known_pages: Cache::builder()
                .weigher(|_, known: &Known| known.weight())
                .max_capacity(SOURCE_PAGES)
                .build(),
            page_flights: SingleFlight::default(),
            transfers: std::sync::Mutex::default(),
            judging: Semaphore::new(ALL_AT_ONCE),
            publishers: Cache::builder()
                .max_capacity(10_000)
                .time_to_live(PUBLISHER_MEMORY)
                .build(),
            releases: Releases::default(),
            contents: Contents::default(),
            inspections: Inspections::new(&config.inspection),
            pinned: Cache::new(PINNED),
            spoiled: Cache::builder()
                .max_capacity(10_000)
                .time_to_live(SPOILED_MEMORY)
                .build(),
            metadata_flights: SingleFlight::default(),
            tokens: Cache::builder()
                .max_capacity(10_000)
                .time_to_live(TOKEN_MEMORY)
                .build(),
            last_used: LastUsed::default(),
            recorded: Cache::new(100_000),
            decision_flights: SingleFlight::default(),
            statistics: Statistics::default(),
            monitor: monitor::Memory::default(),
            tls,
            limits: ClientLimits::new(&config.front),
            leaving: AtomicBool::new(false),
            cache: CacheState::default(),
            running: Running::default(),
            config,
            clock,
            epoch: AtomicU64::new(0),
            heard_at: std::sync::Mutex::default(),
            hosted_changes: std::sync::Mutex::new(0),
        });
        crate::feeds::note_age(&app);
        let followed = crate::offline::follow_switch(&app).await;
        followed.map_err(OpenError::Switch)?;
        Ok(app)
    }

    /// The present.
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// The number of changes to names, policies and published files that this process knows of.
    pub fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Makes every rendered page be made again when it is next asked for.
    pub fn next_epoch(&self) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
    }

    /// The index with this name, or the default one.
    ///
    /// # Errors
    /// [`FlowError::Absent`] when there is no index of this name.
    pub fn index(&self, name: Option<&str>) -> Result<&Arc<Index>, FlowError> {
        let found = match name {
            None => self.indexes.get(&self.config.default_index),
            Some(name) => name
                .parse()
                .ok()
                .and_then(|name: IndexName| self.indexes.get(&name)),
        };
        found
            .ok_or_else(|| FlowError::Absent(format!("there is no index {:?}", name.unwrap_or(""))))
    }

    /// The source with this name.
    ///
    /// # Panics
    /// Never: indexes name only sources that were opened.
    pub fn source(&self, name: &SourceName) -> &Arc<Source> {
        self.sources
            .get(name)
            .expect("indexes name only configured sources")
    }

    /// The policy of an index.
    ///
    /// # Panics
    /// Never: every index has a policy.
    pub fn policy(&self, index: &IndexName) -> Arc<Policy> {
        self.policies.of(index).expect("every index has a policy")
    }

    /// Loads the owned and prohibited names again.
    ///
    /// # Errors
    /// [`FlowError`] when the database fails; the names before stay in force.
    pub async fn reload_names(&self) -> Result<(), FlowError> {
        let names = Names::load(&self.db).await?;
        self.knowledge.protect(&names.owned);
        self.names.store(Arc::new(names));
        self.next_epoch();
        Ok(())
    }

    /// Loads the names again when `project` is not known to be owned yet.
    ///
    /// # Errors
    /// [`FlowError`] when the database fails.
    pub async fn reload_names_if_new(&self, project: &ProjectName) -> Result<(), FlowError> {
        match self.names.load().owned.ownership(project) {
            Some(_) => Ok(()),
            None => self.reload_names().await,
        }
    }

    /// Notes that this process knows of everything that others changed until now.
    pub fn note_heard(&self) {
        let mut heard_at = self
            .heard_at
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        *heard_at = Some(Instant::now());
    }

    /// Whether this process learns of what others publish. While it does not, it must not rely on what it
    /// remembers of hosted sources: a name that was nobody's may have become ours.
    pub fn hears_of_changes(&self) -> bool {
        let heard_at = self
            .heard_at
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        heard_at.is_some_and(|heard_at| heard_at.elapsed() < HEARING)
    }

    /// How often something that is published here has changed, as far as this process knows.
    pub fn hosted_changes(&self) -> u64 {
        *self
            .hosted_changes
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Remembers what a hosted source has of a project, unless something changed since `changes` was
    /// read, which was before the source was asked.
    pub fn remember_hosted(&self, key: (SourceName, ProjectName), known: Known, changes: u64) {
        let now = self
            .hosted_changes
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if *now == changes {
            self.known_pages.insert(key, known);
        }
    }

    /// Remembers a rendered page, unless something changed since `changes` was read.
    pub fn remember_rendered(&self, key: PageKey, page: &Arc<Rendered>, changes: u64) {
        let now = self
            .hosted_changes
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if *now == changes {
            self.rendered.insert(key, Arc::clone(page));
        }
    }

    /// Forgets what was published here of a project, after it changed.
    pub fn forget_hosted(&self, project: &ProjectName) {
        let lock = self.hosted_changes.lock();
        let mut changes = lock.unwrap_or_else(std::sync::PoisonError::into_inner);
        *changes += 1;
        for (name, source) in &self.sources {
            if matches!(**source, Source::Hosted(_)) {
                self.known_pages
                    .invalidate(&(name.clone(), project.clone()));
            }
        }
        self.forget_rendered(project);
    }

    /// Forgets everything that is remembered of sources and pages, so that all of it is asked for anew.
    pub fn forget_all(&self) {
        let lock = self.hosted_changes.lock();
        let mut changes = lock.unwrap_or_else(std::sync::PoisonError::into_inner);
        *changes += 1;
        self.known_pages.invalidate_all();
        self.spoiled.invalidate_all();
        self.pinned.invalidate_all();
        self.releases.forget_all();
        self.next_epoch();
    }

    /// Forgets what was rendered of a project, in every index and form.
    pub fn forget_rendered(&self, project: &ProjectName) {
        use portcullis_core::pypi::negotiate::Format;
        for index in self.indexes.keys() {
            for format in [Format::Json, Format::Html, Format::LegacyHtml] {
                let (index, project) = (index.clone(), project.clone());
                self.rendered.invalidate(&PageKey {
                    index,
                    project,
                    format,
                });
            }
        }
    }

    /// The address under which people reach the page that explains a project's decisions.
    pub fn why_url(&self, base: &str, decision: &Decision) -> String {
        let subject = decision.subject();
        match subject.index == self.config.default_index {
            true => format!("{base}/why/{}", subject.project),
            false => format!("{base}/{}/why/{}", subject.index, subject.project),
        }
    }
}

/// The system's clock.
pub fn system_clock() -> Clock {
    Arc::new(|| {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    })
}

fn open_sources(config: &Config) -> Result<BTreeMap<SourceName, Arc<Source>>, OpenError> {
    let mut sources = BTreeMap::new();
    for (name, settings) in &config.sources {
        sources.insert(name.clone(), Arc::new(Source::open(name, settings)?));
    }
    Ok(sources)
}

fn open_indexes(config: &Config) -> BTreeMap<IndexName, Arc<Index>> {
    let describe = |name: &SourceName| {
        use crate::config::SourceConfig;
        let (kind, trust) = match &config.sources[name] {
            SourceConfig::Hosted => (SourceKind::Hosted, Trust::Inside),
            SourceConfig::Upstream(settings) => (SourceKind::Upstream, settings.trust),
            SourceConfig::Folder { trust, .. } => (SourceKind::Folder, *trust),
        };
        IndexSource {
            name: name.clone(),
            kind,
            trust,
        }
    };
    let open = |(name, index): (&IndexName, &crate::config::IndexConfig)| {
        let sources = index.sources.iter().map(describe).collect();
        (name.clone(), Arc::new(Index::new(name.clone(), sources)))
    };
    config.indexes.iter().map(open).collect()
}

//! [`SourcePage`], a project's page as one source gives it, together with the facts of its files. It is
//! made once for each version of the page and shared by everything that judges or renders it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use portcullis_core::advisory::AdvisoryIndex;

use portcullis_core::digest::Sha256;
use portcullis_core::fact::{Fact, FileFacts, Origin, ReleaseFacts, ReleaseShape};
use portcullis_core::index::Trust;
use portcullis_core::maintenance::Maintenance;
use portcullis_core::pypi::filename::{DistFilename, DistKind};
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::pypi::simple::{CoreMetadata, PageFile, ProjectPage, Yanked};
use portcullis_core::pypi::version::Version;
use portcullis_core::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The digests under which file names were first seen in a source.
pub type FirstSeen = BTreeMap<String, Sha256>;

/// What is remembered of a project's files from earlier pages of their source.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Memory {
    /// The digests under which file names were first seen, where the page says something else now.
    pub digests: FirstSeen,
    /// When the first page of the project was seen. Its files were seen then, unless `later` says
    /// another time.
    since: Option<Timestamp>,
    /// When files were seen first that were not on the first page.
    later: BTreeMap<String, Timestamp>,
}

impl Memory {
    /// The digests that were verified, and nothing else.
    pub fn of_pins(digests: FirstSeen) -> Self {
        Self {
            digests,
            ..Self::default()
        }
    }

    /// The same, with the first page seen at `moment` where nothing else is remembered.
    #[must_use]
    pub fn since(mut self, moment: Timestamp) -> Self {
        self.since = self.since.or(Some(moment));
        self
    }

    /// When a file of the page was seen first, if that is remembered.
    pub fn first_seen(&self, filename: &str) -> Option<Timestamp> {
        self.later.get(filename).copied().or(self.since)
    }

    /// Adds what an earlier page and its own memory say. What was verified stays; of two moments the
    /// earlier one counts, for files that were on the earlier page.
    pub fn carry_over(&mut self, before: Option<&ProjectPage>, memory: &Self) {
        for (filename, digest) in &memory.digests {
            self.digests.entry(filename.clone()).or_insert(*digest);
        }
        for file in before.iter().flat_map(|page| &page.files) {
            if let Some(digest) = file.sha256() {
                self.digests
                    .entry(file.filename.to_string())
                    .or_insert(digest);
            }
            if let Some(moment) = memory.first_seen(&file.filename) {
                let first = self
                    .later
                    .entry(file.filename.to_string())
                    .or_insert(moment);
                *first = moment.min(*first);
            }
        }
        if before.is_none() {
            self.later.clone_from(&memory.later);
        }
        self.since = match (self.since, memory.since) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }

    /// Takes in a page that was fetched at `now`: files that were not remembered are seen now, and what
    /// goes without saying is forgotten. A file that vanished and comes back is new.
    pub fn see(&mut self, page: &ProjectPage, now: Timestamp) {
        let is_first = self.since.is_none();
        let since = *self.since.get_or_insert(now);
        let before = std::mem::take(&mut self.later);
        for file in page.files.iter().filter(|_| !is_first) {
            let seen = before.get(&*file.filename).copied().unwrap_or(now);
            if seen != since {
                self.later.insert(file.filename.to_string(), seen);
            }
        }
        self.digests.retain(|filename, first| {
            page.file(filename).and_then(PageFile::sha256) != Some(*first)
        });
    }
}

/// A project's page as one source gives it.
#[derive(Debug)]
pub struct SourcePage {
    /// The source.
    pub origin: Origin,
    /// The page as it may be shown: its files' URLs are ours, relative to `/simple/{project}/`.
    pub page: ProjectPage,
    /// The URL of each file in its source, in the order of the page.
    addresses: Vec<Box<str>>,
    /// The facts of each file, in the order of the page.
    pub facts: Vec<FileFacts>,
    /// How the project is kept, as the page tells.
    pub maintenance: Arc<Maintenance>,
    /// How long it may be used without asking the source again.
    pub freshness: Freshness,
    by_name: HashMap<Arc<str>, usize>,
    releases: HashMap<Version, ReleaseFacts>,
    /// Which releases fix a vulnerability, by these advisories.
    fixing: ArcSwapOption<(Arc<AdvisoryIndex>, Vec<Version>)>,
    is_kept: AtomicBool,
}

/// Until when a page counts as fresh, in milliseconds since 1970; shared with what was rendered from
/// it, so that a confirmation by the source does not need a new rendering.
#[derive(Clone, Debug)]
pub struct Freshness {
    until: Arc<AtomicI64>,
    /// Since when the source could not confirm the page, where that is so.
    pub stale_since: Option<Timestamp>,
}

impl Freshness {
    /// For a page of our own, which is replaced when it changes.
    pub fn forever() -> Self {
        Self {
            until: Arc::new(AtomicI64::new(i64::MAX)),
            stale_since: None,
        }
    }

    /// Fresh until `moment`.
    pub fn until(moment: Timestamp) -> Self {
        Self {
            until: Arc::new(AtomicI64::new(moment.as_millis())),
            stale_since: None,
        }
    }

    /// To be used until `moment`, although the source was last heard of at `since`.
    pub fn stale(moment: Timestamp, since: Timestamp) -> Self {
        Self {
            stale_since: Some(since),
            ..Self::until(moment)
        }
    }

    /// Since when the source has not confirmed the page, whose confirmations count for `fresh_for`.
    pub fn unconfirmed_since(&self, fresh_for: Duration) -> Timestamp {
        let until = Timestamp::from_millis(self.until.load(Ordering::Relaxed));
        let fresh_for = i64::try_from(fresh_for.as_millis()).unwrap_or(i64::MAX);
        self.stale_since
            .unwrap_or_else(|| until.plus_millis(fresh_for.saturating_neg()))
    }

    /// Extends it to `moment`.
    pub fn extend(&self, moment: Timestamp) {
        self.until.store(moment.as_millis(), Ordering::Relaxed);
    }

    /// Brings its end forward to `moment`, unless it is earlier already.
    pub fn shorten(&self, moment: Timestamp) {
        self.until.fetch_min(moment.as_millis(), Ordering::Relaxed);
    }

    /// Whether the page may be used at `now` without asking.
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        now.as_millis() < self.until.load(Ordering::Relaxed)
    }
}

impl SourcePage {
    /// Reads the facts of every file of `page`, with what is remembered of them.
    pub fn new(
        origin: Origin,
        mut page: ProjectPage,
        memory: &Memory,
        freshness: Freshness,
    ) -> Self {
        let names: Vec<Option<DistFilename>> = page
            .files
            .iter()
            .map(|file| DistFilename::parse(&file.filename, Some(&page.name)).ok())
            .collect();
        let shapes = release_shapes(&names);
        let facts: Vec<FileFacts> = page
            .files
            .iter()
            .zip(&names)
            .map(|(file, name)| file_facts(file, name.as_ref(), &page.name, &shapes, memory))
            .collect();
        let by_name = page
            .files
            .iter()
            .enumerate()
            .map(|(at, file)| (Arc::clone(&file.filename), at))
            .collect();
        for (file, facts) in page.files.iter_mut().zip(&facts) {
            offer_metadata(file, facts);
        }
        let addresses = our_addresses(&mut page);
        let releases = release_facts(&facts);
        let maintenance = Arc::new(Maintenance::of_page(&facts, page.status.as_ref()));
        Self {
            origin,
            page,
            addresses,
            facts,
            freshness,
            by_name,
            maintenance,
            releases,
            fixing: ArcSwapOption::empty(),
            is_kept: AtomicBool::new(false),
        }
    }

    /// The same page with another freshness.
    pub fn with_freshness(&self, freshness: Freshness) -> Self {
        Self {
            origin: self.origin.clone(),
            page: self.page.clone(),
            addresses: self.addresses.clone(),
            facts: self.facts.clone(),
            freshness,
            by_name: self.by_name.clone(),
            maintenance: Arc::clone(&self.maintenance),
            releases: self.releases.clone(),
            fixing: ArcSwapOption::empty(),
            is_kept: AtomicBool::new(self.is_kept()),
        }
    }

    /// Whether the database has the page, and with it what its files were first seen with.
    pub fn is_kept(&self) -> bool {
        self.is_kept.load(Ordering::Acquire)
    }

    /// Notes that the database has the page.
    pub fn note_kept(&self) {
        self.is_kept.store(true, Ordering::Release);
    }

    /// What it remembers of its files, to be carried over to the next page.
    pub fn memory(&self) -> Memory {
        let mut memory = Memory::default();
        for facts in &self.facts {
            if let Some(first) = facts.first_sha256.or(facts.sha256.known().copied()) {
                memory.digests.insert(facts.filename.to_string(), first);
            }
            if let Fact::Known(seen) = facts.first_seen {
                memory.later.insert(facts.filename.to_string(), seen);
            }
        }
        memory.since = memory.later.values().min().copied();
        memory
    }

    /// The file with this name as its source lists it, and its facts.
    pub fn file(&self, filename: &str) -> Option<(PageFile, &FileFacts)> {
        let at = *self.by_name.get(filename)?;
        let mut file = self.page.files[at].clone();
        file.url.clone_from(&self.addresses[at]);
        Some((file, &self.facts[at]))
    }

    /// What the page tells of a release, without what is known beside it.
    pub fn release(&self, version: &Version) -> Option<&ReleaseFacts> {
        self.releases.get(version)
    }

    /// The releases of the page that put an end to a vulnerability, by these advisories. Worked out once.
    pub fn fixing_releases(
        &self,
        advisories: &Arc<AdvisoryIndex>,
    ) -> Arc<(Arc<AdvisoryIndex>, Vec<Version>)> {
        if let Some(known) = self.fixing.load_full()
            && Arc::ptr_eq(&known.0, advisories)
        {
            return known;
        }
        let is_public = self.origin.trust == Trust::Outside;
        let fixes = |release: &&ReleaseFacts| {
            is_public && !advisories.brought_by(&self.page.name, release).is_empty()
        };
        let fixing = self.releases.values().filter(fixes);
        let versions = fixing.map(|release| release.version.clone()).collect();
        let known = Arc::new((Arc::clone(advisories), versions));
        self.fixing.store(Some(Arc::clone(&known)));
        known
    }

    /// A file of a release.
    pub fn file_of(&self, version: &Version) -> Option<&FileFacts> {
        let mut files = self.facts.iter();
        files.find(|file| file.version.known() == Some(version))
    }

    /// The page with the URLs that its source gives.
    pub fn as_its_source_has_it(&self) -> ProjectPage {
        let mut page = self.page.clone();
        for (file, address) in page.files.iter_mut().zip(&self.addresses) {
            file.url.clone_from(address);
        }
        page
    }

    /// About how much memory it takes, in bytes.
    pub fn weight(&self) -> u32 {
        let each = |file: &PageFile| file.filename.len() + file.url.len() + 900;
        let files: usize = self.page.files.iter().map(each).sum();
        u32::try_from(files + 1024).unwrap_or(u32::MAX)
    }
}

/// Makes every file's address ours, and returns those of the source.
pub fn our_addresses(page: &mut ProjectPage) -> Vec<Box<str>> {
    let prefix = format!("../../files/{}/", page.name);
    let ours = |file: &mut PageFile| {
        let url = format!("{prefix}{}", encoded(&file.filename)).into();
        std::mem::replace(&mut file.url, url)
    };
    page.files.iter_mut().map(ours).collect()
}

/// A file name as a segment of a URL.
fn encoded(filename: &str) -> Cow<'_, str> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~+!".contains(&b);
    if filename.bytes().all(plain) {
        return Cow::Borrowed(filename);
    }
    let byte = |b: u8| match plain(b) {
        true => char::from(b).to_string(),
        false => format!("%{b:02X}"),
    };
    Cow::Owned(filename.bytes().map(byte).collect())
}

/// The metadata of a wheel can always be had, out of the wheel itself where its source has no sidecar;
/// that of anything else never.
fn offer_metadata(file: &mut PageFile, facts: &FileFacts) {
    let is_wheel = matches!(facts.kind, DistKind::Wheel(_));
    if is_wheel && !file.core_metadata.is_offered() {
        file.core_metadata = CoreMetadata::Unhashed;
    } else if !is_wheel {
        file.core_metadata = CoreMetadata::Absent;
    }
}

fn release_shapes(names: &[Option<DistFilename>]) -> HashMap<&Version, ReleaseShape> {
    let mut shapes: HashMap<&Version, ReleaseShape> = HashMap::new();
    for name in names.iter().flatten() {
        let Some(version) = name.version() else {
            continue;
        };
        let shape = shapes.entry(version).or_default();
        match name.kind() {
            DistKind::Wheel(_) => shape.wheels += 1,
            DistKind::Sdist => shape.sdists += 1,
            DistKind::Other => {}
        }
    }
    shapes
}

/// What the files of a page tell of each release.
fn release_facts(files: &[FileFacts]) -> HashMap<Version, ReleaseFacts> {
    let mut releases: HashMap<Version, ReleaseFacts> = HashMap::new();
    let mut preferred: BTreeSet<&Version> = BTreeSet::new();
    for file in files {
        let Fact::Known(version) = &file.version else {
            continue;
        };
        if file.yanked == Yanked::No && !version.any_prerelease() {
            preferred.insert(version);
        }
        let release = releases
            .entry(version.clone())
            .or_insert_with(|| ReleaseFacts::of(version.clone()));
        // The age of a release is known as soon as the age of one of its files is.
        release.first_upload = match (&release.first_upload, &file.upload_time) {
            (Fact::Known(first), Fact::Known(upload)) => Fact::Known(*first.min(upload)),
            (Fact::Known(first), Fact::Unknown(_)) => Fact::Known(*first),
            (Fact::Unknown(_), upload) => upload.clone(),
        };
    }
    let preferred: Vec<&Version> = preferred.into_iter().collect();
    for (version, release) in &mut releases {
        let older = preferred.partition_point(|other| *other <= version);
        release.newer = Fact::Known(u32::try_from(preferred.len() - older).unwrap_or(u32::MAX));
    }
    let mut before = None;
    let ordered: BTreeMap<&Version, &mut ReleaseFacts> = releases.iter_mut().collect();
    for (version, release) in ordered {
        release.before = Fact::Known(before.replace(version.clone()));
    }
    releases
}

fn file_facts(
    file: &PageFile,
    name: Option<&DistFilename>,
    project: &ProjectName,
    shapes: &HashMap<&Version, ReleaseShape>,
    memory: &Memory,
) -> FileFacts {
    // A file that carries another project's name is listed by its source all the same; its version
    // is not this project's.
    let version = name
        .filter(|name| name.project() == Some(project))
        .and_then(DistFilename::version);
    FileFacts {
        filename: Arc::clone(&file.filename),
        kind: name.map_or(DistKind::Other, |name| name.kind().clone()),
        version: Fact::known_or(version.cloned(), "the file name does not give one"),
        sha256: Fact::known_or(file.sha256(), "the index gives no SHA-256"),
        first_sha256: memory.digests.get(&*file.filename).copied(),
        upload_time: Fact::known_or(
            file.upload_time.as_ref().map(|time| time.at),
            "the index gives no upload time",
        ),
        first_seen: Fact::known_or(
            memory.first_seen(&file.filename),
            "its source is not watched",
        ),
        size: Fact::known_or(file.size, "the index gives no size"),
        yanked: file.yanked.clone(),
        release: version
            .and_then(|version| shapes.get(version))
            .copied()
            .unwrap_or_default(),
    }
}

//! [`FeedsKnown`], what the feeds said last, in memory: read from the kept snapshots as a whole and
//! replaced as a whole. Deciding never waits for it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use portcullis_core::advisory::{
    AdvisoryIndex, AdvisorySet, EpssScores, ExploitedCatalogue, Exploits,
};
use portcullis_core::digest::Sha256;
use portcullis_core::fact::Fact;
use portcullis_core::similarity::{LocalUse, PopularNames};
use portcullis_core::time::Timestamp;
use portcullis_store::blobs::Blobs;
use portcullis_store::feeds::{self, Feed};
use portcullis_store::{Db, StoreError, local_use};
use tracing::{error, info};

use super::snapshot::{Snapshot, SnapshotError};
use crate::app::App;
use crate::config::{FeedConfig, FeedKind, Period};
use crate::error::FlowError;
use crate::knowledge::Knowledge;

/// The largest snapshot that is taken into memory, in compressed bytes.
const LARGEST_SNAPSHOT: u64 = 512 << 20;

/// The largest document that is taken into memory, in bytes.
pub(crate) const LARGEST_DOCUMENT: usize = 64 << 20;

/// What the feeds said last.
#[derive(Clone, Debug, Default)]
pub struct FeedsKnown {
    /// Each feed as the database knows it, by name.
    pub states: Vec<Feed>,
    /// The advisories; `None` when none were ever loaded.
    pub advisories: Option<Arc<Advisories>>,
    /// The popular names that were loaded; `None` where the embedded ones are in force.
    pub popular: Option<Arc<PopularNames>>,
    /// What this gateway's own clients use day by day.
    pub used_here: Vec<LocalUse>,
    /// Why the advisories are too old to be relied on, if they are.
    pub too_old: Option<String>,
    /// Snapshots that are kept and cannot be read, and why.
    pub damaged: Vec<(String, String)>,
}

/// All advisories of all feeds.
#[derive(Debug, Default)]
pub struct Advisories {
    /// By project, joined with what is known of exploits.
    pub index: Arc<AdvisoryIndex>,
    /// By id.
    pub set: AdvisorySet,
    /// The ids of records of which parts could not be read.
    partly_read: HashSet<Arc<str>>,
    snapshots: Vec<Snapshot>,
    places: HashMap<Arc<str>, RecordPlace>,
}

/// Where the original of a record is.
#[derive(Clone, Debug)]
struct RecordPlace {
    snapshot: usize,
    frame: usize,
    range: Range<usize>,
}

/// How old what is known is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedAge {
    /// Since when nothing is known to have been missed.
    pub as_of: Timestamp,
}

impl FeedsKnown {
    /// The advisories, or why there are none.
    pub fn advisories(&self) -> Fact<Arc<Advisories>> {
        let is_advisories = |name: &String| {
            let feed = self.states.iter().find(|feed| feed.name == *name);
            feed.is_some_and(|feed| feed.kind == FeedKind::Osv.as_str())
        };
        match &self.advisories {
            _ if self.damaged.iter().any(|(name, _)| is_advisories(name)) => {
                Fact::Unknown("the advisories that were loaded cannot be read any more".into())
            }
            Some(advisories) => match &self.too_old {
                None => Fact::Known(Arc::clone(advisories)),
                Some(why) => Fact::Unknown(why.clone().into()),
            },
            None => Fact::Unknown("no advisories have been loaded yet".into()),
        }
    }

    /// Since when no advisory is known to have been missed: the oldest of the feeds of advisories
    /// decides. `None` when none was ever loaded.
    pub fn advisories_as_of(&self) -> Option<Timestamp> {
        let osv = |feed: &&Feed| feed.kind == FeedKind::Osv.as_str();
        let ages = self.states.iter().filter(osv).filter_map(age_of);
        ages.map(|age| age.as_of).min()
    }

    /// Why the advisories are too old at `now`, if a feed is older than the configuration lets it be.
    fn too_old(&self, configured: &BTreeMap<String, FeedConfig>, now: Timestamp) -> Option<String> {
        let feeds = configured
            .iter()
            .filter(|(_, feed)| feed.kind == FeedKind::Osv);
        let mut bounded = feeds.filter_map(|(name, feed)| Some((name, feed.max_age?)));
        bounded.find_map(|(name, most)| {
            let state = self.states.iter().find(|state| state.name == *name)?;
            let age = u64::try_from(now.since(age_of(state)?.as_of)).unwrap_or(0);
            (u128::from(age) > most.as_millis()).then(|| {
                format!(
                    "the advisories of the feed {name} are older than {}",
                    Period(most)
                )
            })
        })
    }

    fn contents(&self) -> Vec<(&str, Option<Sha256>)> {
        let contents = self
            .states
            .iter()
            .map(|feed| (feed.name.as_str(), feed.sha256));
        contents.collect()
    }
}

/// How old a feed is; `None` while it was never loaded. What was fetched from an address is as old as
/// the address' last word that there is nothing newer. A file says no such thing: it is as old as the
/// newest of its records, however lately it was read.
pub fn age_of(feed: &Feed) -> Option<FeedAge> {
    feed.sha256?;
    let as_of = match feed.origin.contains("://") {
        true => feed.checked_at,
        false => feed.newest.or(feed.loaded_at),
    };
    as_of.map(|as_of| FeedAge { as_of })
}

impl Advisories {
    /// The original of the record `id`, as its feed had it.
    ///
    /// # Errors
    /// [`SnapshotError`] when the snapshot is damaged.
    pub fn original(&self, id: &str) -> Result<Option<Vec<u8>>, SnapshotError> {
        Ok(self.originals([id])?.pop())
    }

    /// The originals of those of the records `ids` that are known, in the order in which they are kept.
    /// It decompresses what they are in, which takes a millisecond or several.
    ///
    /// # Errors
    /// [`SnapshotError`] when the snapshot is damaged.
    pub fn originals<'i>(
        &self,
        ids: impl IntoIterator<Item = &'i str>,
    ) -> Result<Vec<Vec<u8>>, SnapshotError> {
        let places = ids.into_iter().filter_map(|id| self.places.get(id));
        let mut places: Vec<&RecordPlace> = places.collect();
        places.sort_by_key(|place| (place.snapshot, place.frame, place.range.start));
        let mut open: Option<(usize, usize, Vec<u8>)> = None;
        let mut originals = Vec::with_capacity(places.len());
        for place in places {
            let (snapshot, frame) = (place.snapshot, place.frame);
            let content = match open.take() {
                Some((same, part, content)) if (same, part) == (snapshot, frame) => content,
                _ => self.snapshots[snapshot].content(frame)?,
            };
            originals.extend(content.get(place.range.clone()).map(<[u8]>::to_vec));
            open = Some((snapshot, frame, content));
        }
        Ok(originals)
    }

    /// Whether parts of the record `id` could not be read.
    pub fn is_partly_read(&self, id: &str) -> bool {
        self.partly_read.contains(id)
    }

    /// How many bytes of memory the originals take.
    pub fn originals_size(&self) -> usize {
        self.snapshots.iter().map(Snapshot::size).sum()
    }

    fn add(&mut self, snapshot: Snapshot) -> Result<(), SnapshotError> {
        let number = self.snapshots.len();
        let mut set = AdvisorySet::default();
        let mut places = Vec::new();
        let mut partly_read = HashSet::new();
        for frame in 0..snapshot.frames() {
            let content = snapshot.content(frame)?;
            let mut lines = Vec::new();
            let mut start = 0;
            for line in content.split(|byte| *byte == b'\n') {
                let range = start..start + line.len();
                start = range.end + 1;
                if !line.is_empty() {
                    lines.push((range, line));
                }
            }
            for (range, line) in lines {
                let (one, report) = AdvisorySet::read([("", line)]);
                let Some(id) = one.records().next().map(|record| Arc::clone(&record.id)) else {
                    continue;
                };
                if report.left_out_elements > 0 {
                    partly_read.insert(Arc::clone(&id));
                }
                set.merge(one);
                let place = RecordPlace {
                    snapshot: number,
                    frame,
                    range,
                };
                places.push((id, place));
            }
        }
        self.snapshots.push(snapshot);
        for (id, place) in places {
            let modified = |set: &AdvisorySet| set.get(&id).and_then(|record| record.modified);
            let is_newer = modified(&set) >= modified(&self.set);
            if is_newer || !self.places.contains_key(&id) {
                match partly_read.contains(&id) {
                    true => self.partly_read.insert(Arc::clone(&id)),
                    false => self.partly_read.remove(&id),
                };
                self.places.insert(id, place);
            }
        }
        self.set.merge(set);
        Ok(())
    }
}

/// Reads what is kept of every feed, unless it is in memory already, and puts it in force. Returns whether
/// anything that decisions rest on has changed.
///
/// # Errors
/// [`StoreError`] when the database fails; what was known stays in force. A snapshot that cannot be read
/// is no error: it is told by [`FeedsKnown::damaged`].
pub async fn load(knowledge: &Knowledge, db: &Db, blobs: &Blobs) -> Result<Reload, StoreError> {
    let states = feeds::all(db).await?;
    let before = knowledge.feeds.load_full();
    let now = FeedsKnown {
        states,
        used_here: local_use::all(db).await?,
        too_old: before.too_old.clone(),
        ..FeedsKnown::default()
    };
    let is_same = now.contents() == before.contents() && before.damaged.is_empty();
    let known = match is_same {
        true => FeedsKnown {
            advisories: before.advisories.clone(),
            popular: before.popular.clone(),
            ..now
        },
        false => read_all(blobs, now).await,
    };
    for (name, why) in &known.damaged {
        error!(feed = %name, "what was loaded of the feed {name} cannot be read: {why}");
    }
    let is_popularity_same = is_same && known.used_here == before.used_here;
    let reload = match is_popularity_same && known.advisories_as_of() == before.advisories_as_of() {
        true => Reload::Same,
        false => Reload::Changed,
    };
    if !is_popularity_same {
        knowledge.know_popular(known.popular.as_deref(), &known.used_here);
    }
    knowledge.feeds.store(Arc::new(known));
    Ok(reload)
}

/// What came of a [`load`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reload {
    /// Everything is as it was.
    Same,
    /// Something that decisions rest on has changed.
    Changed,
}

/// The same for a running gateway, which makes its pages anew where that matters.
///
/// # Errors
/// As [`load`].
pub async fn reload(app: &App) -> Result<(), FlowError> {
    let before = app.knowledge.advisories();
    let reload = load(&app.knowledge, &app.db, &app.blobs).await?;
    note_age(app);
    if reload == Reload::Changed {
        app.next_epoch();
        let known = app.knowledge.feeds.load();
        let count = known.advisories.as_ref().map_or(0, |known| known.set.len());
        info!("{count} advisories are in force");
        crate::flow::advisory_news::announce_beside(app, before);
    }
    Ok(())
}

/// Notes whether the advisories have become too old to be relied on, or no longer are. Asked again and
/// again, since it comes to be by itself.
pub fn note_age(app: &App) {
    let now = app.now();
    let too_old = |known: &FeedsKnown| known.too_old(&app.config.feeds, now);
    let known = app.knowledge.feeds.load();
    if too_old(&known) == known.too_old {
        return;
    }
    app.knowledge.feeds.rcu(|known| FeedsKnown {
        too_old: too_old(known),
        ..FeedsKnown::clone(known)
    });
    app.next_epoch();
}

/// A kept snapshot, fetched and not read yet.
struct Fetched {
    name: String,
    kind: FeedKind,
    snapshot: Snapshot,
}

async fn read_all(blobs: &Blobs, mut known: FeedsKnown) -> FeedsKnown {
    let mut fetched = Vec::new();
    for feed in &known.states {
        let (Some(sha256), Ok(kind)) = (feed.sha256, feed.kind.parse::<FeedKind>()) else {
            continue;
        };
        let bytes = blobs.get_bytes(&sha256, LARGEST_SNAPSHOT).await;
        let snapshot = bytes
            .map_err(|error| error.to_string())
            .and_then(|bytes| Snapshot::new(bytes).map_err(|error| error.to_string()));
        match snapshot {
            Ok(snapshot) => fetched.push(Fetched {
                name: feed.name.clone(),
                kind,
                snapshot,
            }),
            Err(why) => known.damaged.push((feed.name.clone(), why)),
        }
    }
    let states = known.states.clone();
    let read = tokio::task::spawn_blocking(move || read_fetched(known, fetched)).await;
    read.unwrap_or_else(|_| {
        let broken = |feed: &Feed| (feed.name.clone(), "reading it broke off".to_owned());
        FeedsKnown {
            damaged: states.iter().map(broken).collect(),
            states,
            ..FeedsKnown::default()
        }
    })
}

/// Reads snapshots. It computes for a while, so that it wants a thread of its own.
fn read_fetched(mut known: FeedsKnown, fetched: Vec<Fetched>) -> FeedsKnown {
    let mut advisories: Option<Advisories> = None;
    let (mut exploited, mut epss) = (None, None);
    for one in fetched {
        let read = match one.kind {
            FeedKind::Osv => {
                let into = advisories.get_or_insert_default();
                into.add(one.snapshot).map_err(|error| error.to_string())
            }
            FeedKind::Kev => put(&mut exploited, &one.snapshot, ExploitedCatalogue::read),
            FeedKind::Epss => put(&mut epss, &one.snapshot, EpssScores::read),
            FeedKind::PopularNames => {
                let mut popular = None;
                let read = put(&mut popular, &one.snapshot, PopularNames::parse);
                known.popular = popular.map(Arc::new).or(known.popular);
                read
            }
        };
        if let Err(why) = read {
            known.damaged.push((one.name, why));
        }
    }
    known.advisories = advisories.map(|mut advisories| {
        let exploits = Exploits {
            exploited: exploited.as_ref(),
            epss: epss.as_ref(),
        };
        advisories.index = Arc::new(AdvisoryIndex::new(&advisories.set, exploits));
        Arc::new(advisories)
    });
    known
}

fn put<T, E: std::fmt::Display>(
    place: &mut Option<T>,
    snapshot: &Snapshot,
    read: impl FnOnce(&[u8]) -> Result<T, E>,
) -> Result<(), String> {
    let document = snapshot
        .document(LARGEST_DOCUMENT)
        .map_err(|error| error.to_string())?;
    *place = Some(read(&document).map_err(|error| error.to_string())?);
    Ok(())
}

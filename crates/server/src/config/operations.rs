//! `[cache]` and `[gc]`: how much is kept of files from outside, and what becomes of what nothing refers to;
//! and whether the gateway works offline.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use portcullis_core::settings::Table;

use super::read::Reader;
use super::{ByteSize, Period};

/// How much is kept of files from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheSettings {
    /// How many bytes at most; `None` for no bound.
    pub max_size: Option<u64>,
    /// Down to how many hundredths of `max_size` room is made when there is more.
    pub evict_to: u8,
    /// How long a file may go unused; `None` for ever.
    pub max_idle: Option<Duration>,
    /// How many bytes of the disk with the blobs are to stay free; `None` for no bound.
    pub min_free: Option<u64>,
}

impl CacheSettings {
    /// Whether anything is ever evicted.
    pub fn is_bounded(&self) -> bool {
        self.max_size.is_some() || self.max_idle.is_some() || self.min_free.is_some()
    }

    /// Down to how many bytes room is made.
    pub fn low_water(&self) -> Option<u64> {
        let part = |max: u64| u128::from(max) * u128::from(self.evict_to) / 100;
        self.max_size
            .map(|max| u64::try_from(part(max)).unwrap_or(max))
    }
}

impl Default for CacheSettings {
    fn default() -> Self {
        Self {
            max_size: None,
            evict_to: 90,
            max_idle: None,
            min_free: None,
        }
    }
}

/// When it is looked for what nothing refers to, and what becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GarbageSettings {
    /// How often; `None` for never.
    pub every: Option<Duration>,
    /// Whether it is deleted, or only counted.
    pub disposal: Disposal,
    /// How long it must have been untouched.
    pub older_than: Duration,
}

/// What becomes of what nothing refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposal {
    /// It is counted.
    Count,
    /// It is deleted.
    Delete,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// With less, an upload that is under way might be taken for what a killed process left.
pub const LEAST_AGE: Duration = Duration::from_secs(60 * 60);

/// The smallest cache that makes sense.
const LEAST_CACHE: u64 = 1 << 20;

impl Default for GarbageSettings {
    fn default() -> Self {
        Self {
            every: Some(DAY),
            disposal: Disposal::Count,
            older_than: DAY,
        }
    }
}

/// A period, or the word `off`.
pub(super) struct Often(pub(super) Option<Duration>);

impl FromStr for Often {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "off" => Ok(Self(None)),
            text => text
                .parse()
                .map(|Period(every)| Self(Some(every)))
                .map_err(|error: String| format!("{error}, nor \"off\"")),
        }
    }
}

impl fmt::Display for Often {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(every) => Period(every).fmt(f),
            None => f.write_str("off"),
        }
    }
}

/// The defaults for `config show`.
pub(super) fn shown(cache: &CacheSettings, garbage: &GarbageSettings) -> Vec<(String, String)> {
    let size =
        |size: Option<u64>| size.map_or("no bound".to_owned(), |at| ByteSize(at).to_string());
    let idle = cache.max_idle.map(|idle| Period(idle).to_string());
    let delete = garbage.disposal == Disposal::Delete;
    [
        ("cache.max-size", size(cache.max_size)),
        ("cache.evict-to", cache.evict_to.to_string()),
        (
            "cache.max-idle",
            idle.unwrap_or_else(|| "no bound".to_owned()),
        ),
        ("cache.min-free", size(cache.min_free)),
        ("gc.every", Often(garbage.every).to_string()),
        ("gc.delete", delete.to_string()),
        ("gc.older-than", Period(garbage.older_than).to_string()),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value))
    .collect()
}

impl Reader<'_> {
    /// Reads `[cache]`.
    pub(super) fn cache(&mut self, root: &mut Table<'_>) -> CacheSettings {
        let mut settings = CacheSettings::default();
        let Some(mut table) = root.table("cache") else {
            return settings;
        };
        let max_size = table.parsed::<ByteSize>("max-size");
        self.show("cache.max-size", max_size.as_ref());
        if let Some(size) = max_size.as_ref().filter(|size| size.value.0 < LEAST_CACHE) {
            let message = format!("a cache has at least {}", ByteSize(LEAST_CACHE));
            table.mistake(size, message, Some("leave it out for no bound"));
        }
        settings.max_size = max_size.map(|size| size.value.0);
        if let Some(evict_to) = table.integer("evict-to", 10..100) {
            self.show("cache.evict-to", Some(&evict_to));
            if settings.max_size.is_none() {
                let message = "`evict-to` is there, and the cache has no `max-size`";
                table.mistake(&evict_to, message, Some("max-size = \"200 GiB\""));
            }
            settings.evict_to = u8::try_from(evict_to.value).unwrap_or(settings.evict_to);
        }
        let max_idle = table.parsed::<Period>("max-idle");
        self.show("cache.max-idle", max_idle.as_ref());
        if let Some(idle) = max_idle.as_ref().filter(|idle| idle.value.0 < LEAST_AGE) {
            table.mistake(idle, "a file may go unused for at least 1h", None);
        }
        settings.max_idle = max_idle.map(|idle| idle.value.0);
        let min_free = table.parsed::<ByteSize>("min-free");
        self.show("cache.min-free", min_free.as_ref());
        settings.min_free = min_free.map(|size| size.value.0);
        table.finish();
        settings
    }

    /// Reads `[gc]`.
    pub(super) fn garbage(&mut self, root: &mut Table<'_>) -> GarbageSettings {
        let mut settings = GarbageSettings::default();
        let Some(mut table) = root.table("gc") else {
            return settings;
        };
        let every = table.parsed::<Often>("every");
        self.show("gc.every", every.as_ref());
        if let Some(every) = every {
            settings.every = every.value.0;
        }
        let delete = table.boolean("delete");
        self.show("gc.delete", delete.as_ref());
        if delete.is_some_and(|delete| delete.value) {
            settings.disposal = Disposal::Delete;
        }
        let older_than = table.parsed::<Period>("older-than");
        self.show("gc.older-than", older_than.as_ref());
        if let Some(age) = older_than {
            if age.value.0 < LEAST_AGE {
                let message = "what is younger than 1h may belong to an upload under way";
                table.mistake(&age, message, Some("older-than = \"24h\""));
            }
            settings.older_than = age.value.0;
        }
        table.finish();
        settings
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{Config, Overrides};
    use super::*;

    fn parse(text: &str) -> Result<Config, String> {
        let place = Path::new("/etc/portcullis/portcullis.toml");
        Config::parse(text, place, &Overrides::default()).map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_is_evicted_nor_deleted_unless_somebody_wants_it() {
        let config = parse("").expect("the defaults");
        assert_eq!(config.cache, CacheSettings::default());
        assert!(!config.cache.is_bounded());
        assert_eq!(config.garbage.disposal, Disposal::Count);
        assert!(config.garbage.older_than >= LEAST_AGE);
    }

    #[test]
    fn every_key_is_read() {
        let text = "offline = true\n[cache]\nmax-size = '2 GiB'\nevict-to = 80\n\
                    max-idle = '90d'\nmin-free = '5 GiB'\n\
                    [gc]\nevery = 'off'\ndelete = true\nolder-than = '2h'\n";
        let config = parse(text).expect("sound");
        let cache = CacheSettings {
            max_size: Some(2 << 30),
            evict_to: 80,
            max_idle: Some(90 * DAY),
            min_free: Some(5 << 30),
        };
        let garbage = GarbageSettings {
            every: None,
            disposal: Disposal::Delete,
            older_than: Duration::from_secs(7200),
        };
        assert_eq!((config.cache, config.garbage), (cache, garbage));
        assert_eq!(cache.low_water(), Some((2 << 30) * 8 / 10));
        assert!(config.line.is_cut());
    }

    #[test]
    fn every_mistake_is_shown_at_its_place() {
        let text = "[cache]\nmax-idle = '5m'\nevict-to = 100\nmin-free = 'some'\n\
                    [gc]\nevery = 'seldom'\nolder-than = '5m'\nhurry = true\n";
        insta::assert_snapshot!(parse(text).expect_err("mistaken"));
        insta::assert_snapshot!(parse("[cache]\nmax-size = '5 KiB'\n").expect_err("mistaken"));
        insta::assert_snapshot!(parse("[cache]\nevict-to = 50\n").expect_err("mistaken"));
    }
}

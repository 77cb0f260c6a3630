//! `[[mirror]]`: which projects and locks are kept fresh ahead of need. Finding out which files those are is
//! `jobs::mirror`'s.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::str::FromStr as _;
use std::time::Duration;

use portcullis_core::index::IndexName;
use portcullis_core::mirror::{Choice, Platform, PythonRelease};
use portcullis_core::pypi::requirement::Requirement;
use portcullis_core::settings::{Located, Table};

use super::read::{Reader, values};
use super::{ByteSize, IndexConfig, Period};

/// One mirror.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MirrorSettings {
    /// Its name.
    pub name: String,
    /// The index whose sources and policy count; the default one where none is named.
    pub index: Option<IndexName>,
    /// What is wanted by name.
    pub projects: Vec<Requirement>,
    /// Locks and files with requirements, absolute.
    pub files: Vec<PathBuf>,
    /// Which files of a project.
    pub choice: Choice,
    /// How often it is brought up to date.
    pub every: Duration,
    /// How many files are fetched at once.
    pub at_once: usize,
    /// How many bytes a second are fetched at most, all of them together; `None` for no bound.
    pub rate: Option<u64>,
}

const EVERY: Duration = Duration::from_secs(6 * 60 * 60);
const LEAST_EVERY: Duration = Duration::from_secs(60);
const AT_ONCE: usize = 2;
const NEWEST: usize = 1;

impl Reader<'_> {
    /// Reads every `[[mirror]]`.
    pub(super) fn mirrors(
        &mut self,
        root: &mut Table<'_>,
        indexes: &BTreeMap<IndexName, IndexConfig>,
    ) -> Vec<MirrorSettings> {
        let mut mirrors: Vec<MirrorSettings> = Vec::new();
        let mut names = BTreeSet::new();
        for mut table in root.tables("mirror") {
            if let Some(mirror) = self.mirror(&mut table, indexes) {
                if !names.insert(mirror.name.clone()) {
                    let message = format!("there is more than one mirror {}", mirror.name);
                    table.mistake_here(message, None);
                }
                mirrors.push(mirror);
            }
            table.finish();
        }
        mirrors
    }

    fn mirror(
        &mut self,
        table: &mut Table<'_>,
        indexes: &BTreeMap<IndexName, IndexConfig>,
    ) -> Option<MirrorSettings> {
        let name = table.text("name");
        let index = table.text("index");
        let projects = table.list::<Requirement>("projects");
        let files = table.list::<String>("files");
        let newest = table.integer("newest", 1..1001);
        let pythons = table.list::<PythonRelease>("python");
        let platforms = table.list::<Platform>("platforms");
        let sdists = table.boolean("sdists");
        let every = table.parsed::<Period>("every");
        let at_once = table.integer("at-once", 1..65);
        let rate = table.parsed::<ByteSize>("rate");
        let Some(name) = name else {
            table.mistake_here("this mirror has no `name`", Some("name = \"base\""));
            return None;
        };
        if !is_label(&name.value) {
            let message = format!("{:?} cannot be the name of a mirror", name.value);
            let help = "lower-case letters, digits and '-', a letter first, at most 32";
            table.mistake(&name, message, Some(help));
            return None;
        }
        let key = |key: &str| format!("mirror.{}.{key}", name.value);
        self.show(&key("index"), index.as_ref());
        self.show_list(&key("projects"), projects.as_ref());
        self.show_list(&key("files"), files.as_ref());
        self.show(&key("newest"), newest.as_ref());
        self.show_list(&key("python"), pythons.as_ref());
        self.show_list(&key("platforms"), platforms.as_ref());
        self.show(&key("sdists"), sdists.as_ref());
        self.show(&key("every"), every.as_ref());
        self.show(&key("at-once"), at_once.as_ref());
        self.show(&key("rate"), rate.as_ref());
        check_bounds(table, every.as_ref(), rate.as_ref());
        let index = index.and_then(|index| named_index(table, &index, indexes));
        let (projects, files) = (values(projects), values(files));
        if projects.is_empty() && files.is_empty() {
            let message = format!("mirror {} wants nothing", name.value);
            let help = "projects = [\"flask>=3\"] or files = [\"requirements.txt\"]";
            table.mistake_here(message, Some(help));
        }
        let number = |number: Option<Located<i64>>, default: usize| {
            number.map_or(default, |n| usize::try_from(n.value).unwrap_or(default))
        };
        Some(MirrorSettings {
            name: name.value,
            index,
            projects,
            files: files.iter().map(|file| self.folder.join(file)).collect(),
            choice: Choice {
                newest: number(newest, NEWEST),
                pythons: values(pythons),
                platforms: values(platforms),
                sdists: sdists.is_none_or(|sdists| sdists.value),
            },
            every: every.map_or(EVERY, |every| every.value.0),
            at_once: number(at_once, AT_ONCE),
            rate: rate.map(|rate| rate.value.0),
        })
    }
}

fn check_bounds(
    table: &Table<'_>,
    every: Option<&Located<Period>>,
    rate: Option<&Located<ByteSize>>,
) {
    if let Some(every) = every.filter(|every| every.value.0 < LEAST_EVERY) {
        table.mistake(
            every,
            "a mirror is brought up to date at most every 1m",
            None,
        );
    }
    if let Some(rate) = rate.filter(|rate| rate.value.0 < 64 << 10) {
        table.mistake(rate, "a rate is at least 64 KiB, for one second", None);
    }
}

fn named_index(
    table: &Table<'_>,
    name: &Located<String>,
    indexes: &BTreeMap<IndexName, IndexConfig>,
) -> Option<IndexName> {
    match IndexName::from_str(&name.value) {
        Ok(index) if indexes.contains_key(&index) => Some(index),
        Ok(index) => {
            let known: Vec<&str> = indexes.keys().map(IndexName::as_str).collect();
            let help = match known.is_empty() {
                true => "leave it out: there is one index".to_owned(),
                false => format!("the indexes are: {}", known.join(", ")),
            };
            table.mistake(name, format!("there is no index {index}"), Some(&help));
            None
        }
        Err(error) => {
            table.mistake(name, error.to_string(), None);
            None
        }
    }
}

fn is_label(name: &str) -> bool {
    let begins = name
        .bytes()
        .next()
        .is_some_and(|first| first.is_ascii_lowercase());
    let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    begins && name.len() <= 32 && name.bytes().all(is_part)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{Config, Overrides};
    use super::*;

    fn parse(text: &str) -> Result<Vec<MirrorSettings>, String> {
        let place = Path::new("/etc/portcullis/portcullis.toml");
        Config::parse(text, place, &Overrides::default())
            .map(|config| config.mirrors)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn every_key_is_read() {
        let text = "[sources.up]\nkind = 'upstream'\n[indexes.main]\nsources = ['up']\n\
                    [[mirror]]\nname = 'base'\nindex = 'main'\nprojects = ['flask>=3', 'django']\n\
                    files = ['locks/uv.lock']\nnewest = 3\npython = ['3.12', '3.13']\n\
                    platforms = ['manylinux_x86_64']\nsdists = false\nevery = '1h'\n\
                    at-once = 4\nrate = '20 MiB'\n[[mirror]]\nname = 'more'\nprojects = ['pip']\n";
        let mirrors = parse(text).expect("sound");
        assert_eq!(mirrors.len(), 2);
        let base = &mirrors[0];
        assert_eq!(
            (base.projects.len(), base.choice.newest, base.at_once),
            (2, 3, 4)
        );
        assert_eq!(base.files, [PathBuf::from("/etc/portcullis/locks/uv.lock")]);
        assert_eq!(
            (base.rate, base.every),
            (Some(20 << 20), Duration::from_secs(3600))
        );
        assert!(!base.choice.sdists && base.choice.pythons.len() == 2);
        let more = &mirrors[1];
        assert_eq!(
            (more.choice.newest, more.at_once, more.rate),
            (NEWEST, AT_ONCE, None)
        );
    }

    #[test]
    fn every_mistake_is_shown_at_its_place() {
        let text = "[[mirror]]\nname = 'Base'\n[[mirror]]\nname = 'a'\nprojects = ['==1']\n\
                    python = ['new']\nplatforms = ['x']\nevery = '1s'\nrate = '1 KiB'\n\
                    [[mirror]]\nname = 'a'\nprojects = ['x']\nspeed = 1\n[[mirror]]\nname = 'b'\n\
                    index = '//'\n[[mirror]]\nprojects = ['y']\n";
        insta::assert_snapshot!(parse(text).expect_err("mistaken"));
    }
}

//! `[inspection]`: how files are inspected, and how much that may cost. What comes of an inspection is the
//! policy's.

use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use portcullis_core::settings::{Located, Table};

use super::read::Reader;
use super::{ByteSize, Period, ScannerSettings};

/// How files are inspected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InspectionSettings {
    /// How many inspections run at once in this process.
    pub workers: usize,
    /// What stands between the gateway and the file that is looked into.
    pub isolation: Isolation,
    /// The program that is started for an inspection; `None` for the running one.
    pub worker: Option<PathBuf>,
    /// How long one inspection may take.
    pub time: Duration,
    /// How long a client waits for one.
    pub patience: Duration,
    /// How much address space a worker process may take, in bytes.
    pub memory: u64,
    /// Whether likely files are inspected before anybody asks for them.
    pub ahead: Ahead,
    /// Files with YARA rules of the organisation's own, absolute.
    pub own_rules: Vec<PathBuf>,
    /// Who is shown every file beside the engine.
    pub scanners: Vec<ScannerSettings>,
}

/// What stands between the gateway and the file that is looked into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// A process for each inspection, with limits and without rights.
    Process,
    /// A thread: what crashes an inspection may crash the gateway.
    Thread,
}

/// Whether likely files are inspected before anybody asks for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ahead {
    /// They are not.
    Off,
    /// Those of at most so many bytes.
    UpTo(u64),
}

const TIME: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(8);
const AHEAD_UP_TO: u64 = 20 << 20;

/// The stack that the analysis reserves alone takes 512 MiB of address space.
const MEMORY: u64 = 1536 << 20;

/// More workers than any machine is good for.
const MOST_WORKERS: i64 = 1025;

/// With less, no inspection could begin.
const LEAST_MEMORY: u64 = 1 << 30;

impl Default for InspectionSettings {
    fn default() -> Self {
        let isolation = match cfg!(unix) {
            true => Isolation::Process,
            false => Isolation::Thread,
        };
        Self {
            workers: std::thread::available_parallelism().map_or(2, NonZeroUsize::get),
            isolation,
            worker: None,
            time: TIME,
            patience: PATIENCE,
            memory: MEMORY,
            ahead: Ahead::UpTo(AHEAD_UP_TO),
            own_rules: Vec::new(),
            scanners: Vec::new(),
        }
    }
}

impl FromStr for Isolation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "process" => Ok(Self::Process),
            "thread" => Ok(Self::Thread),
            other => Err(format!("{other:?} is no isolation (process, thread)")),
        }
    }
}

impl fmt::Display for Isolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Process => "process",
            Self::Thread => "thread",
        })
    }
}

impl InspectionSettings {
    /// Every key that has a default, with its value, for `config show`. The number of workers is told only
    /// where somebody chose it, as it is the machine's otherwise.
    pub(super) fn shown(&self) -> Vec<(String, String)> {
        let (ahead, up_to) = match self.ahead {
            Ahead::Off => (false, None),
            Ahead::UpTo(size) => (true, Some(ByteSize(size).to_string())),
        };
        let mut shown = vec![
            ("workers", "one for each CPU".to_owned()),
            ("isolation", self.isolation.to_string()),
            ("time", Period(self.time).to_string()),
            ("patience", Period(self.patience).to_string()),
            ("memory", ByteSize(self.memory).to_string()),
            ("ahead", ahead.to_string()),
        ];
        shown.extend(up_to.map(|size| ("ahead-up-to", size)));
        let key = |(key, value)| (format!("inspection.{key}"), value);
        shown.into_iter().map(key).collect()
    }
}

impl Reader<'_> {
    /// Reads `[inspection]`.
    pub(super) fn inspection(&mut self, root: &mut Table<'_>) -> InspectionSettings {
        let mut settings = InspectionSettings::default();
        let Some(mut table) = root.table("inspection") else {
            return settings;
        };
        if let Some(workers) = self.workers(&mut table) {
            settings.workers = workers;
        }
        let isolation = table.parsed::<Isolation>("isolation");
        self.show("inspection.isolation", isolation.as_ref());
        if let Some(isolation) = isolation {
            settings.isolation = isolation.value;
        }
        let worker = table.text("worker");
        self.show("inspection.worker", worker.as_ref());
        settings.worker = worker.map(|worker| self.folder.join(worker.value));
        if let Some(time) = self.inspection_period("time", &mut table) {
            settings.time = time;
        }
        if let Some(patience) = self.inspection_period("patience", &mut table) {
            settings.patience = patience;
        }
        if let Some(memory) = self.worker_memory(&mut table) {
            settings.memory = memory;
        }
        settings.ahead = self.ahead(&mut table);
        settings.own_rules = self.own_rules(&mut table);
        settings.scanners = self.scanners(&mut table);
        table.finish();
        settings
    }

    fn workers(&mut self, table: &mut Table<'_>) -> Option<usize> {
        let workers = table.integer("workers", 1..MOST_WORKERS)?;
        self.show("inspection.workers", Some(&workers));
        usize::try_from(workers.value).ok()
    }

    fn inspection_period(&mut self, key: &str, table: &mut Table<'_>) -> Option<Duration> {
        let period: Located<Period> = table.parsed(key)?;
        self.show(&format!("inspection.{key}"), Some(&period));
        if key == "time" && period.value.0.is_zero() {
            table.mistake(&period, "an inspection needs at least 1s", None);
        }
        Some(period.value.0)
    }

    fn worker_memory(&mut self, table: &mut Table<'_>) -> Option<u64> {
        let memory = table.parsed::<ByteSize>("memory")?;
        self.show("inspection.memory", Some(&memory));
        if memory.value.0 < LEAST_MEMORY {
            let message = format!(
                "a worker needs at least {} of address space, most of which it never touches",
                ByteSize(LEAST_MEMORY)
            );
            table.mistake(&memory, message, None);
        }
        Some(memory.value.0)
    }

    fn ahead(&mut self, table: &mut Table<'_>) -> Ahead {
        let ahead = table.boolean("ahead");
        self.show("inspection.ahead", ahead.as_ref());
        let up_to = table.parsed::<ByteSize>("ahead-up-to");
        self.show("inspection.ahead-up-to", up_to.as_ref());
        if ahead.is_some_and(|ahead| !ahead.value) {
            if let Some(up_to) = &up_to {
                let message = "`ahead-up-to` is there, and nothing is inspected ahead";
                table.mistake(up_to, message, Some("ahead = true"));
            }
            return Ahead::Off;
        }
        Ahead::UpTo(up_to.map_or(AHEAD_UP_TO, |up_to| up_to.value.0))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{Config, Overrides};
    use super::*;

    fn parse(text: &str) -> Result<InspectionSettings, String> {
        let place = Path::new("/etc/portcullis/portcullis.toml");
        Config::parse(text, place, &Overrides::default())
            .map(|config| config.inspection)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_at_all_is_a_process_for_each_inspection() {
        let settings = parse("").expect("the defaults");
        assert_eq!(settings, InspectionSettings::default());
        assert_eq!(settings.isolation == Isolation::Process, cfg!(unix));
        assert!(settings.workers > 0 && settings.patience < settings.time);
    }

    #[test]
    fn every_key_is_read() {
        let text = "[inspection]\nworkers = 3\nisolation = 'thread'\nworker = 'bin/worker'\n\
                    time = '20s'\npatience = '5s'\nmemory = '2 GiB'\nahead-up-to = '1 MB'\n";
        let expected = InspectionSettings {
            workers: 3,
            isolation: Isolation::Thread,
            worker: Some("/etc/portcullis/bin/worker".into()),
            time: Duration::from_secs(20),
            patience: Duration::from_secs(5),
            memory: 2 << 30,
            ahead: Ahead::UpTo(1_000_000),
            own_rules: Vec::new(),
            scanners: Vec::new(),
        };
        assert_eq!(parse(text), Ok(expected));
        let off = parse("[inspection]\nahead = false\n").expect("sound");
        assert_eq!(off.ahead, Ahead::Off);
    }

    #[test]
    fn every_mistake_is_shown_at_its_place() {
        let text = "[inspection]\nworkers = 0\nisolation = 'wish'\ntime = '0s'\n\
                    memory = '64 MiB'\nahead = false\nahead-up-to = '1 MB'\nhurry = true\n";
        insta::assert_snapshot!(parse(text).expect_err("mistaken"));
    }
}

//! [`Collector`], advisories on their way into a snapshot: each record once, the one that was modified
//! last. The records themselves wait in a scratch file, so that memory holds their ids alone.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Read as _, Seek as _, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;

use portcullis_core::advisory::{Reading, read_record};
use portcullis_core::time::Timestamp;
use portcullis_upstream::feeds::Found;

use super::snapshot::{Snapshot, SnapshotError, SnapshotWriter};

/// Where a record is in the scratch file.
#[derive(Clone, Copy, Debug)]
struct Place {
    start: u64,
    length: usize,
    modified: Option<Timestamp>,
}

/// Advisories on their way into a snapshot.
pub struct Collector {
    scratch: BufWriter<File>,
    length: u64,
    places: BTreeMap<Arc<str>, Place>,
    /// How many records could not be read.
    pub skipped: u64,
    /// What was wrong with the first of those.
    pub complaints: Vec<String>,
    /// How many records were about other ecosystems.
    pub foreign: u64,
}

/// How many complaints are kept. The rest is only counted.
const MOST_COMPLAINTS: usize = 10;

impl Collector {
    /// A collector without records, over the file at `scratch`, which is emptied.
    ///
    /// # Errors
    /// The file's.
    pub fn new(scratch: &Path) -> io::Result<Self> {
        let file = File::options()
            .read(true)
            .write(true)
            .truncate(true)
            .create(true)
            .open(scratch)?;
        Ok(Self {
            scratch: BufWriter::with_capacity(256 << 10, file),
            length: 0,
            places: BTreeMap::new(),
            skipped: 0,
            complaints: Vec::new(),
            foreign: 0,
        })
    }

    /// Takes what a feed has. What cannot be read is counted, and costs nothing else.
    ///
    /// # Errors
    /// The scratch file's.
    pub fn take(&mut self, found: Found<'_>) -> io::Result<()> {
        let (name, bytes) = match found {
            Found::Record { name, bytes } => (name, bytes),
            Found::Broken { name, why } => {
                self.complain(name, why);
                return Ok(());
            }
        };
        match read_record(bytes) {
            Ok(Reading::Record { record, .. }) => {
                let id = Arc::clone(&record.id);
                self.put(id, record.modified, bytes)?;
            }
            Ok(Reading::OtherEcosystem) => self.foreign += 1,
            Err(error) => self.complain(name, &error.to_string()),
        }
        Ok(())
    }

    /// Takes every record of a snapshot.
    ///
    /// # Errors
    /// [`SnapshotError`], or the scratch file's.
    pub fn take_snapshot(&mut self, snapshot: &Snapshot) -> io::Result<()> {
        let mut taken = Ok(());
        let read = snapshot.lines(|_, _, bytes| {
            if taken.is_ok() {
                let name = "a record that was kept";
                taken = self.take(Found::Record { name, bytes });
            }
        });
        read.map_err(|error: SnapshotError| io::Error::other(error))?;
        taken
    }

    fn put(&mut self, id: Arc<str>, modified: Option<Timestamp>, bytes: &[u8]) -> io::Result<()> {
        let is_older = |known: &Place| modified < known.modified;
        if self.places.get(&id).is_some_and(is_older) {
            return Ok(());
        }
        self.scratch.write_all(bytes)?;
        let place = Place {
            start: self.length,
            length: bytes.len(),
            modified,
        };
        self.length += bytes.len() as u64;
        self.places.insert(id, place);
        Ok(())
    }

    fn complain(&mut self, name: &str, why: &str) {
        self.skipped += 1;
        if self.complaints.len() < MOST_COMPLAINTS {
            let plain = |text: &str| -> String {
                text.chars().filter(|c| !c.is_control()).take(90).collect()
            };
            self.complaints
                .push(format!("{}: {}", plain(name), plain(why)));
        }
    }

    /// Leaves out what `stays` does not say to keep.
    pub fn retain(&mut self, stays: impl Fn(&str) -> bool) {
        self.places.retain(|id, _| stays(id));
    }

    /// Whether the record `id` is here as it was at `modified` or later.
    pub fn has(&self, id: &str, modified: Option<Timestamp>) -> bool {
        let is_new_enough = |place: &Place| modified.is_some() && modified <= place.modified;
        self.places.get(id).is_some_and(is_new_enough)
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// When the newest record was modified.
    pub fn newest(&self) -> Option<Timestamp> {
        self.places
            .values()
            .filter_map(|place| place.modified)
            .max()
    }

    /// Writes the records in the order of their ids.
    ///
    /// # Errors
    /// The scratch file's, or the writer's.
    pub fn write<W: Write>(&mut self, out: W) -> io::Result<W> {
        self.scratch.flush()?;
        let file = self.scratch.get_mut();
        let mut writer = SnapshotWriter::new(out);
        let mut bytes = Vec::new();
        for place in self.places.values() {
            bytes.resize(place.length, 0);
            file.seek(SeekFrom::Start(place.start))?;
            file.read_exact(&mut bytes)?;
            writer.line(&bytes)?;
        }
        file.seek(SeekFrom::End(0))?;
        writer.finish()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn record(id: &str, day: u32) -> String {
        format!(
            "{{\"id\":\"{id}\",\"modified\":\"2026-01-{day:02}T00:00:00Z\",\n\"affected\":[{{\
             \"package\":{{\"ecosystem\":\"PyPI\",\"name\":\"foo\"}},\"versions\":[\"1.{day}\"]}}]}}"
        )
    }

    fn take(collector: &mut Collector, json: &str) {
        let (name, bytes) = ("x.json", json.as_bytes());
        collector.take(Found::Record { name, bytes }).unwrap();
    }

    #[test]
    fn each_record_is_kept_once_as_it_was_last_and_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let mut collector = Collector::new(&folder.path().join("a")).unwrap();
        for json in [
            record("B", 2),
            record("A", 5),
            record("A", 4),
            record("C", 1),
        ] {
            take(&mut collector, &json);
        }
        take(&mut collector, "{\"id\":3}");
        take(
            &mut collector,
            "{\"id\":\"N\",\"affected\":[{\"package\":{\"ecosystem\":\"npm\",\"name\":\"a\"}}]}",
        );
        collector
            .take(Found::Broken {
                name: "z\u{1b}.json",
                why: "checksum",
            })
            .unwrap();
        assert_eq!(
            (collector.len(), collector.skipped, collector.foreign),
            (3, 2, 1)
        );
        assert_eq!(collector.complaints[1], "z.json: checksum");
        assert_eq!(collector.newest(), Some("2026-01-05".parse().unwrap()));
        assert!(collector.has("A", Some("2026-01-05".parse().unwrap())));
        assert!(!collector.has("A", Some("2026-01-06".parse().unwrap())));
        assert!(!collector.has("A", None) && !collector.has("X", None));
        collector.retain(|id| id != "C");
        let first = collector.write(Vec::new()).unwrap();
        let mut again = Collector::new(&folder.path().join("b")).unwrap();
        again
            .take_snapshot(&Snapshot::new(first.clone().into()).unwrap())
            .unwrap();
        assert_eq!(again.len(), 2);
        assert_eq!(
            again.write(Vec::new()).unwrap(),
            first,
            "equal content, equal bytes"
        );
    }
}

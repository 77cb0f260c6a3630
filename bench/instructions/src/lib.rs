//! The cases whose cost is watched: reading, judging and writing pages, compressing them, routing, and
//! the ledger. Each prepares what it needs and hands out the part that counts.

use std::hint::black_box;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use portcullis_core::digest::Sha256;
use portcullis_core::fact::{
    Fact, Facts, FileFacts, Origin, ProjectFacts, ReleaseFacts, ReleaseShape,
};
use portcullis_core::index::{
    Index, IndexSource, OwnedBy, OwnedNames, Ownership, SourceKind, Trust,
};
use portcullis_core::ledger::{self, Head, Kind};
use portcullis_core::policy::{Policy, judge};
use portcullis_core::pypi::filename::DistFilename;
use portcullis_core::pypi::name::{NamePattern, ProjectName};
use portcullis_core::pypi::negotiate;
use portcullis_core::pypi::simple::{ProjectPage, Yanked};
use portcullis_core::pypi::simple_json::Namespaces;
use portcullis_core::pypi::{simple_html, simple_json};
use portcullis_core::time::Timestamp;
use serde_json::json;

/// The part of a case that counts.
pub type Part = Box<dyn FnMut()>;

/// A case: its name, and what prepares it.
#[derive(Clone, Copy)]
pub struct Case {
    /// Its name, as the baseline has it.
    pub name: &'static str,
    /// Prepares it.
    pub prepare: fn() -> Part,
}

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// Every case.
pub const CASES: [Case; 16] = [
    case("read-json-4312", || read_json(4_312)),
    case("read-html-4312", || read_html(4_312)),
    case("write-json-4312", write_json),
    case("write-html-4312", write_html),
    case("gzip-4312", gzip),
    case("zstd-4312", zstd),
    case("negotiate-pip", negotiate_pip),
    case("name", name),
    case("file-names-1000", file_names),
    case("route-500-owned", route),
    case("judge-one", || judge_files(1)),
    case("judge-2000", || judge_files(2_000)),
    case("judge-4312", || judge_files(4_312)),
    case("decision-id", decision_id),
    case("sha256-1mib", sha256),
    case("ledger-100", ledger_entries),
];

const fn case(name: &'static str, prepare: fn() -> Part) -> Case {
    Case { name, prepare }
}

/// The case with this name.
pub fn find(name: &str) -> Option<Case> {
    CASES.into_iter().find(|case| case.name == name)
}

/// Does the part that counts, under a name by which callgrind finds it.
#[inline(never)]
pub fn counted_part(part: &mut Part) {
    part();
    black_box(part);
}

const NOW: Timestamp = Timestamp::from_millis(1_795_000_000_000);

fn project() -> ProjectName {
    ProjectName::new("example").expect("a name")
}

fn filename(number: usize) -> String {
    let version = format!("1.{}.{}", number / 100, number / 5 % 20);
    match number % 5 {
        4 => format!("example-{version}.tar.gz"),
        tag => format!("example-{version}-cp31{tag}-cp31{tag}-manylinux_2_17_x86_64.whl"),
    }
}

fn json_page(files: usize) -> Vec<u8> {
    let file = |number: usize| {
        let filename = filename(number);
        json!({
            "core-metadata": { "sha256": Sha256::of(b"metadata").to_hex() },
            "filename": filename,
            "hashes": { "sha256": Sha256::of(filename.as_bytes()).to_hex() },
            "requires-python": ">=3.8",
            "size": 140_000 + number,
            "upload-time": "2024-05-17T09:21:04.538219Z",
            "url": format!("https://files.example/packages/{}/{filename}", number % 97),
            "yanked": false,
        })
    };
    let files: Vec<_> = (0..files).map(file).collect();
    let page = json!({ "meta": { "api-version": "1.1" }, "name": "example", "files": files });
    page.to_string().into_bytes()
}

fn page(files: usize) -> ProjectPage {
    simple_json::parse(&json_page(files), &project()).expect("a page")
}

fn read_json(files: usize) -> Part {
    let (bytes, project) = (json_page(files), project());
    Box::new(move || {
        let page = simple_json::parse(black_box(&bytes), &project).expect("a page");
        assert_eq!(black_box(page).files.len(), files);
    })
}

fn read_html(files: usize) -> Part {
    let (text, project) = (simple_html::render(&page(files)), project());
    Box::new(move || {
        let page = simple_html::parse(black_box(&text), &project).expect("a page");
        assert_eq!(black_box(page).files.len(), files);
    })
}

fn write_json() -> Part {
    let page = page(4_312);
    Box::new(move || {
        black_box(simple_json::render(
            black_box(&page),
            Namespaces::Unsupported,
        ));
    })
}

fn write_html() -> Part {
    let page = page(4_312);
    Box::new(move || {
        black_box(simple_html::render(black_box(&page)));
    })
}

fn gzip() -> Part {
    let bytes = json_page(4_312);
    Box::new(move || {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
        encoder.write_all(black_box(&bytes)).expect("memory");
        black_box(encoder.finish().expect("memory"));
    })
}

fn zstd() -> Part {
    let bytes = json_page(4_312);
    Box::new(move || {
        black_box(zstd::bulk::compress(black_box(&bytes), 6).expect("memory"));
    })
}

fn negotiate_pip() -> Part {
    let accept = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.1, \
                  text/html; q=0.01";
    Box::new(move || {
        black_box(negotiate::negotiate(Some(black_box(accept)), None)).ok();
        black_box(negotiate::encoding(Some(black_box(
            "gzip, deflate, br, zstd",
        ))));
    })
}

fn name() -> Part {
    Box::new(|| {
        black_box(ProjectName::new(black_box("typing-extensions"))).ok();
        black_box(ProjectName::new(black_box("Typing_.Extensions"))).ok();
    })
}

fn file_names() -> Part {
    let (names, project): (Vec<String>, _) = ((0..1_000).map(filename).collect(), project());
    Box::new(move || {
        for name in &names {
            black_box(DistFilename::parse(black_box(name), Some(&project))).ok();
        }
    })
}

fn route() -> Part {
    let source = |name: &str, kind, trust| IndexSource {
        name: name.parse().expect("a label"),
        kind,
        trust,
    };
    let sources = vec![
        source("internal", SourceKind::Hosted, Trust::Inside),
        source("outside", SourceKind::Upstream, Trust::Outside),
    ];
    let index = Index::new("main".parse().expect("a label"), sources);
    let owned = (0..500).map(|number| Ownership {
        pattern: match number % 10 {
            0 => NamePattern::Prefix(format!("team-{number}-").into()),
            _ => NamePattern::Exact(ProjectName::new(&format!("ours-{number}")).expect("a name")),
        },
        origin: OwnedBy::Config,
        since: None,
    });
    let (owned, project) = (OwnedNames::new(owned), project());
    Box::new(move || {
        black_box(index.route(black_box(&project), black_box(&owned)));
    })
}

/// What rules see of the files of a page.
struct Judging {
    policy: Policy,
    project: ProjectFacts,
    files: Vec<(FileFacts, ReleaseFacts)>,
}

impl Judging {
    fn of(files: usize) -> Self {
        let name = project();
        let project = ProjectFacts {
            origin: Some(Origin {
                source: "outside".parse().expect("a label"),
                kind: SourceKind::Upstream,
                trust: Trust::Outside,
            }),
            ..ProjectFacts::named("main".parse().expect("a label"), name.clone())
        };
        let file = |number: usize| {
            let filename = filename(number);
            let parsed = DistFilename::parse(&filename, Some(&name)).expect("a file name");
            let version = parsed.version().cloned().expect("a version");
            let file = FileFacts {
                sha256: Fact::Known(Sha256::of(filename.as_bytes())),
                filename: filename.into(),
                kind: parsed.kind().clone(),
                version: Fact::Known(version.clone()),
                first_sha256: None,
                size: Fact::Known(1_000_000),
                upload_time: Fact::Known(NOW.plus_millis(-90 * Timestamp::DAY)),
                first_seen: Fact::Known(NOW),
                yanked: Yanked::No,
                release: ReleaseShape {
                    wheels: 4,
                    sdists: 1,
                },
            };
            (file, ReleaseFacts::of(version))
        };
        Self {
            policy: Policy::built_in(),
            project,
            files: (0..files).map(file).collect(),
        }
    }

    fn facts(&self, position: usize) -> Facts<'_> {
        let (file, release) = &self.files[position];
        Facts {
            project: &self.project,
            release: Some(release),
            file: Some(file),
            content: None,
        }
    }
}

fn judge_files(files: usize) -> Part {
    let judging = Judging::of(files);
    Box::new(move || {
        for position in 0..files {
            black_box(judge(judging.facts(position), &judging.policy, NOW));
        }
    })
}

fn decision_id() -> Part {
    let judging = Judging::of(1);
    let decision = judge(judging.facts(0), &judging.policy, NOW);
    Box::new(move || {
        black_box(black_box(&decision).id());
    })
}

fn sha256() -> Part {
    let bytes: Vec<u8> = (0..1_u32 << 20)
        .map(|number| (number % 251) as u8)
        .collect();
    Box::new(move || {
        black_box(Sha256::of(black_box(&bytes)));
    })
}

fn ledger_entries() -> Part {
    let payloads: Vec<_> = (0..100)
        .map(|number| json!({ "downloads": number, "first": "example-1.0.tar.gz", "source": "outside" }))
        .collect();
    Box::new(move || {
        let mut head = Head::genesis();
        for payload in &payloads {
            head = ledger::append(&head, NOW, Kind::Pin, black_box(payload)).head();
        }
        black_box(head);
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_does_what_it_says_as_often_as_it_is_asked() {
        for case in CASES {
            let mut part = (case.prepare)();
            counted_part(&mut part);
            counted_part(&mut part);
            assert_eq!(find(case.name).expect("by its name").name, case.name);
        }
    }
}

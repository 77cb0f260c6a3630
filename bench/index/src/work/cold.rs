//! Cold work: the first to ask for a page or a file (W4), and a crowd that asks for the same one at once
//! (W8). Every server is started anew in each round, and the upstream is asked directly as well.

use std::sync::Barrier;
use std::thread;
use std::time::Instant;

use anyhow::{Context as _, bail};

use crate::corpus::{Corpus, Project};
use crate::figures::{What, Who};
use crate::http::Connection;
use crate::servers::{Kind, Server};
use crate::work::{AS_JSON, Bench, Stage, check_page, get, get_verified, path_of_file};

/// How many pages and files are asked for in a round; the middle one counts.
const EACH: usize = 3;

/// How many clients ask for one cold page.
const PAGE_CROWD: usize = 25;

/// Measures the first to ask.
///
/// # Errors
/// When a server does not answer as it should.
pub(crate) fn measure_first(bench: &mut Bench) -> anyhow::Result<()> {
    let links = bench.extent.links;
    let pages = (0..EACH).map(|number| Project::of_links(&format!("page-{number}"), links));
    let size = bench.extent.large_wheel;
    let wheels = (0..EACH).map(|number| Project::of_wheel(&format!("wheel-{number}"), size));
    let corpus = Corpus::of(pages.chain(wheels));
    let stage = bench.stage("first", &corpus)?;
    for round in 0..bench.extent.rounds {
        let upstream = stage.upstream.port;
        let direct = First::ask(&corpus, upstream, |project| format!("/simple/{project}/"))?;
        direct.note(bench, Who::Direct, round);
        for kind in bench.proxies() {
            let server = bench.start(kind, &stage, "first")?;
            let first = First::ask(&corpus, server.port, |project| server.page(project))
                .with_context(|| format!("{} and what it had not seen", kind.name()))?;
            first.note(bench, Who::Server(kind), round);
        }
    }
    Ok(())
}

/// What the first to ask waited, in milliseconds: medians.
struct First {
    page: f64,
    wheel_begins: f64,
    wheel: f64,
}

impl First {
    fn ask(corpus: &Corpus, port: u16, page: impl Fn(&str) -> String) -> anyhow::Result<Self> {
        let (mut pages, mut begins, mut wheels) = (Vec::new(), Vec::new(), Vec::new());
        for number in 0..EACH {
            let path = page(&format!("page-{number}"));
            let (answer, body) = get(port, &path, &[AS_JSON])?;
            check_page(
                Kind::Portcullis,
                &body,
                corpus.projects["page-0"].files.len(),
            )?;
            pages.push(answer.total.as_secs_f64() * 1e3);
            let project = format!("wheel-{number}");
            let file = corpus.projects[&project].only();
            let path = path_of_file(port, &page(&project), &file.filename)?;
            let answer = get_verified(port, &path, file)?;
            begins.push(answer.first_byte.as_secs_f64() * 1e3);
            wheels.push(answer.total.as_secs_f64() * 1e3);
        }
        let middle = |values| crate::figures::median(values).context("nothing was measured");
        Ok(Self {
            page: middle(pages)?,
            wheel_begins: middle(begins)?,
            wheel: middle(wheels)?,
        })
    }

    fn note(&self, bench: &mut Bench, who: Who, round: u32) {
        for (part, quantity, value) in [
            ("page of 4,312 links", "total ms", self.page),
            ("wheel of 24 MiB", "first byte ms", self.wheel_begins),
            ("wheel of 24 MiB", "total ms", self.wheel),
        ] {
            let part = part.to_owned();
            let what = What {
                work: "W4",
                part,
                quantity,
            };
            bench.figures.note(what, who, round, value);
        }
    }
}

/// Measures a crowd.
///
/// # Errors
/// When a server cannot be started.
pub(crate) fn measure_crowd(bench: &mut Bench) -> anyhow::Result<()> {
    let corpus = Corpus::of([
        Project::of_links("page", bench.extent.links),
        Project::of_wheel("wheel", bench.extent.large_wheel),
    ]);
    let stage = bench.stage("crowd", &corpus)?;
    for round in 0..bench.extent.rounds {
        let (answer, _) = get(stage.upstream.port, "/simple/page/", &[AS_JSON])?;
        let direct = answer.total.as_secs_f64() * 1e3;
        let what = part("page, crowd of 25", "total ms");
        bench.figures.note(what, Who::Direct, round, direct);
        for kind in bench.proxies() {
            let server = bench.start(kind, &stage, "crowd")?;
            ask_for_page(bench, &server, &stage, round)?;
            ask_for_wheel(bench, &server, &stage, (round, &corpus))?;
        }
    }
    Ok(())
}

fn part(part: &str, quantity: &'static str) -> What {
    What {
        work: "W8",
        part: part.to_owned(),
        quantity,
    }
}

fn ask_for_page(
    bench: &mut Bench,
    server: &Server,
    stage: &Stage,
    round: u32,
) -> anyhow::Result<()> {
    stage.upstream.forget();
    let (path, links) = (server.page("page"), bench.extent.links);
    let crowd = Crowd::ask(PAGE_CROWD, || {
        let (_, body) = get(server.port, &path, &[AS_JSON])?;
        check_page(server.kind, &body, links)
    });
    for (quantity, value) in [
        (
            "upstream GETs",
            stage.upstream.asked("/simple/page/") as f64,
        ),
        ("failures", crowd.failures as f64),
        ("total ms", crowd.total_ms),
    ] {
        bench.note(
            part("page, crowd of 25", quantity),
            server.kind,
            round,
            value,
        );
    }
    Ok(())
}

fn ask_for_wheel(
    bench: &mut Bench,
    server: &Server,
    stage: &Stage,
    (round, corpus): (u32, &Corpus),
) -> anyhow::Result<()> {
    let file = corpus.projects["wheel"].only();
    let path = path_of_file(server.port, &server.page("wheel"), &file.filename)?;
    stage.upstream.forget();
    thread::sleep(std::time::Duration::from_millis(500));
    let idle = server.tree().memory();
    let watch = server.tree().watch();
    // Hashing for all of the crowd would cost more than what is measured.
    let crowd = Crowd::ask(bench.extent.crowd, || {
        let answer = Connection::open(server.port)?.get(&path, &[], |_| {})?;
        match (answer.status, answer.length) {
            (200, length) if length == file.size as u64 => Ok(()),
            (status, length) => bail!("status {status}, {length} bytes"),
        }
    });
    let most = watch.most().saturating_sub(idle);
    get_verified(server.port, &path, file)?;
    let asked = stage
        .upstream
        .asked(&format!("/files/wheel/{}", file.filename));
    for (quantity, value) in [
        ("upstream GETs", asked as f64),
        ("failures", crowd.failures as f64),
        ("total ms", crowd.total_ms),
        ("peak MiB above idle", most as f64 / f64::from(1 << 20)),
    ] {
        bench.note(part("wheel, crowd", quantity), server.kind, round, value);
    }
    Ok(())
}

struct Crowd {
    failures: usize,
    total_ms: f64,
}

impl Crowd {
    /// Lets so many do the same at once.
    fn ask(size: usize, work: impl Fn() -> anyhow::Result<()> + Sync) -> Self {
        let together = Barrier::new(size + 1);
        thread::scope(|scope| {
            let one = || {
                together.wait();
                work()
            };
            let threads: Vec<_> = (0..size).map(|_| scope.spawn(one)).collect();
            together.wait();
            let began = Instant::now();
            let results = threads.into_iter().map(|thread| thread.join());
            let failures = results
                .filter(|result| !matches!(result, Ok(Ok(()))))
                .count();
            Self {
                failures,
                total_ms: began.elapsed().as_secs_f64() * 1e3,
            }
        })
    }
}

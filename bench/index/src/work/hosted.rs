//! Much that is published here (W9): how fast it comes in, how soon a server with it is ready, what it
//! takes in memory, its list of projects, and pages picked at random.

use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use anyhow::bail;

use crate::corpus::{Corpus, Project};
use crate::figures::{What, median};
use crate::servers::{Kind, Server};
use crate::work::publish::{Published, Upload, publish};
use crate::work::{AS_JSON, Bench, Stage, get};
use crate::wrk::{Load, Outcome};

/// How many files a project has.
const EACH: usize = 10;

/// How many uploads are under way at once.
const AT_ONCE: usize = 8;

/// What a server with so much in it costs.
pub(crate) struct Cost {
    /// How fast it came in.
    pub(crate) published: Published,
    /// How long a start takes, in milliseconds.
    pub(crate) ready_ms: f64,
    /// Memory of the idle server, in MiB.
    pub(crate) idle_mib: f64,
    /// The list of projects, in milliseconds.
    pub(crate) list_ms: f64,
    /// Pages picked at random.
    pub(crate) pages: Outcome,
}

fn name(number: usize) -> String {
    format!("hosted-{number:06}")
}

/// Measures ours beside the files of nginx.
///
/// # Errors
/// When a server does not answer as it should.
pub(crate) fn measure(bench: &mut Bench) -> anyhow::Result<()> {
    let files = bench.extent.hosted;
    let (corpus, stage) = stage(bench, files)?;
    let nginx = bench.start(Kind::Nginx, &stage, "hosted")?;
    let ours = fill(bench, &stage, files)?;
    let server = restart(bench, &stage, ours.0)?;
    let idle_mib = memory(&server);
    let first = list_ms(&server, files)?;
    for round in 0..bench.extent.rounds {
        let script = script(bench, files)?;
        for server in [&nginx, &server] {
            let pages = random_pages(bench, server, &script)?;
            bench.note(
                what("random pages, 16 at once", "requests/s"),
                server.kind,
                round,
                pages.rate,
            );
            bench.note(
                what("random pages, 16 at once", "CPU ms"),
                server.kind,
                round,
                pages.cpu,
            );
        }
        let list = list_ms(&server, files)?;
        bench.note(
            what("list of projects", "ms"),
            Kind::Portcullis,
            round,
            list,
        );
    }
    let rows = [
        (what("first list of projects", "ms"), first),
        (what("bulk upload", "files/s"), ours.1.rate),
        (
            what("start", "ready ms"),
            server.ready_after.as_secs_f64() * 1e3,
        ),
        (what("idle", "MiB"), idle_mib),
    ];
    for (what, value) in rows {
        bench.note(what, Kind::Portcullis, 0, value);
    }
    drop(corpus);
    Ok(())
}

/// What a server with `files` files costs, once.
///
/// # Errors
/// As [`measure`].
pub(crate) fn cost(bench: &Bench, files: usize) -> anyhow::Result<Cost> {
    let (_, stage) = stage(bench, files)?;
    let (server, published) = fill(bench, &stage, files)?;
    let server = restart(bench, &stage, server)?;
    let idle_mib = memory(&server);
    let script = script(bench, files)?;
    // Once for pages that were never asked for, and once more for the figure.
    random_pages(bench, &server, &script)?;
    Ok(Cost {
        published,
        ready_ms: server.ready_after.as_secs_f64() * 1e3,
        idle_mib,
        list_ms: list_ms(&server, files)?,
        pages: random_pages(bench, &server, &script)?,
    })
}

fn what(part: &str, quantity: &'static str) -> What {
    What {
        work: "W9",
        part: part.to_owned(),
        quantity,
    }
}

/// Pages of the same number of links for nginx; nobody upstream has any of it.
fn stage(bench: &Bench, files: usize) -> anyhow::Result<(Corpus, Stage)> {
    let projects = (0..files.div_ceil(EACH)).map(|number| Project::of_links(&name(number), EACH));
    let corpus = Corpus::of(projects);
    let site = bench.scratch.join("hosted").join("site");
    corpus.write_site(&site)?;
    let upstream = bench.stage("hosted-upstream", &Corpus::default())?.upstream;
    Ok((corpus, Stage { site, upstream }))
}

fn fill(bench: &Bench, stage: &Stage, files: usize) -> anyhow::Result<(Server, Published)> {
    let server = bench.start(Kind::Portcullis, stage, "hosted")?;
    let to = server.publishing(&bench.programs)?;
    let published = publish(&to, files, AT_ONCE, |number| {
        // Neighbours are of different projects, as where many teams publish.
        let projects = files.div_ceil(EACH);
        Upload::small(
            &name(number % projects),
            &format!("1.{}", number / projects),
            0,
        )
    })?;
    Ok((server, published))
}

fn restart(bench: &Bench, stage: &Stage, server: Server) -> anyhow::Result<Server> {
    drop(server);
    bench.start_again(Kind::Portcullis, stage, "hosted")
}

fn memory(server: &Server) -> f64 {
    thread::sleep(Duration::from_secs(2));
    server.tree().memory() as f64 / f64::from(1 << 20)
}

fn list_ms(server: &Server, files: usize) -> anyhow::Result<f64> {
    let mut taken = Vec::new();
    for _ in 0..3 {
        let (answer, body) = get(server.port, &server.page("").replace("//", "/"), &[AS_JSON])?;
        let listed = String::from_utf8_lossy(&body).matches("\"name\"").count();
        if listed != files.div_ceil(EACH) {
            bail!("{listed} projects are listed");
        }
        taken.push(answer.total.as_secs_f64() * 1e3);
    }
    Ok(median(taken).unwrap_or_default())
}

/// A script for wrk that picks a project each time.
fn script(bench: &Bench, files: usize) -> anyhow::Result<PathBuf> {
    let path = bench.scratch.join("random.lua");
    let projects = files.div_ceil(EACH);
    let text = format!(
        "math.randomseed(7)\nfunction request()\n  \
         local path = string.format(\"/simple/hosted-%06d/\", math.random(0, {}))\n  \
         return wrk.format(nil, path)\nend\n",
        projects - 1
    );
    fs::write(&path, text)?;
    Ok(path)
}

fn random_pages(
    bench: &Bench,
    server: &Server,
    script: &std::path::Path,
) -> anyhow::Result<Outcome> {
    let load = Load {
        port: server.port,
        path: "/",
        fields: &[AS_JSON],
        connections: 16,
        seconds: bench.extent.seconds,
        script: Some(script),
    };
    load.run(server.tree())
}

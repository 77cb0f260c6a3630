//! Hot work: pages (W1, W2), whether a page has changed (W5), files (W3). Everything was asked for
//! before; the servers take turns within a round.

use crate::corpus::{Corpus, Project, USUAL};
use crate::figures::What;
use crate::servers::{Kind, Server};
use crate::work::{AS_JSON, Bench, Cells, Stage, check_page, get, get_verified, path_of_file};
use crate::wrk::Load;

const AS_HTML: (&str, &str) = ("Accept", "text/html");
const COMPRESSED: (&str, &str) = ("Accept-Encoding", "gzip");

/// One thing that is asked for over and over.
struct Cell {
    work: &'static str,
    part: String,
    path: Path,
    fields: Vec<(&'static str, &'static str)>,
    connections: u32,
    /// What is told beside the rate: bytes for files.
    rate: Rate,
}

/// Which path it is.
enum Path {
    Page(&'static str),
    /// The page, with the validator that it was sent with.
    Known(&'static str),
    /// The only file of a project.
    File(&'static str),
}

#[derive(Clone, Copy, PartialEq)]
enum Rate {
    Answers,
    Bytes,
}

/// Measures those of W1, W2, W3 and W5 that are asked for.
///
/// # Errors
/// When a server does not answer as it should.
pub(crate) fn measure(bench: &mut Bench, works: &[&str]) -> anyhow::Result<()> {
    let mut cells: Vec<Cell> = cells()
        .into_iter()
        .filter(|cell| works.contains(&cell.work))
        .collect();
    if bench.extent.cells == Cells::OneEach {
        cells.dedup_by_key(|cell| cell.work);
    }
    if cells.is_empty() {
        return Ok(());
    }
    let corpus = Corpus::of([
        Project::of_links("large", bench.extent.links),
        Project::of_links("usual", USUAL),
        Project::of_wheel("large-wheel", bench.extent.large_wheel),
        Project::of_wheel("small-wheel", 8_000),
    ]);
    let stage = bench.stage("hot", &corpus)?;
    let files = cells.iter().any(|cell| matches!(cell.path, Path::File(_)));
    let mut servers = Vec::new();
    for kind in bench.servers.clone() {
        servers.push(warm(bench, &stage, kind, files.then_some(&corpus))?);
    }
    for round in 0..bench.extent.rounds {
        for cell in &cells {
            for server in &servers {
                run(bench, server, cell, (round, &corpus))?;
            }
        }
    }
    Ok(())
}

/// Starts a server and asks it for everything once, so that what is measured is complete and hot.
fn warm(
    bench: &Bench,
    stage: &Stage,
    kind: Kind,
    files: Option<&Corpus>,
) -> anyhow::Result<Server> {
    let server = bench.start(kind, stage, "hot")?;
    for (project, links) in [("large", bench.extent.links), ("usual", USUAL)] {
        for form in [AS_JSON, AS_HTML] {
            let (_, body) = get(server.port, &server.page(project), &[form])?;
            check_page(kind, &body, links)?;
            get(server.port, &server.page(project), &[form, COMPRESSED])?;
        }
    }
    for project in files.iter().flat_map(|corpus| corpus.projects.values()) {
        if project.files.iter().all(|file| file.body.is_some()) {
            let file = project.only();
            let path = path_of_file(server.port, &server.page(&project.name), &file.filename)?;
            for _ in 0..3 {
                get_verified(server.port, &path, file)?;
            }
        }
    }
    Ok(server)
}

fn run(
    bench: &mut Bench,
    server: &Server,
    cell: &Cell,
    (round, corpus): (u32, &Corpus),
) -> anyhow::Result<()> {
    let validator;
    let mut fields: Vec<(&str, &str)> = cell.fields.clone();
    let path = match cell.path {
        Path::Page(project) => server.page(project),
        Path::Known(project) => {
            let (answer, _) = get(server.port, &server.page(project), &fields)?;
            let (name, value) = match (
                answer.head.field("etag"),
                answer.head.field("last-modified"),
            ) {
                (Some(etag), _) => ("If-None-Match", etag),
                (None, Some(date)) => ("If-Modified-Since", date),
                // Whoever sends no validator cannot be asked.
                (None, None) => return Ok(()),
            };
            validator = value.to_owned();
            fields.push((name, &validator));
            server.page(project)
        }
        Path::File(project) => {
            let filename = &corpus.projects[project].only().filename;
            path_of_file(server.port, &server.page(project), filename)?
        }
    };
    let load = Load {
        port: server.port,
        path: &path,
        fields: &fields,
        connections: cell.connections,
        seconds: bench.extent.seconds,
        script: None,
    };
    let outcome = load.run(server.tree())?;
    let what = |quantity| What {
        work: cell.work,
        part: cell.part.clone(),
        quantity,
    };
    let rate = match cell.rate {
        Rate::Answers => (what("requests/s"), outcome.rate),
        Rate::Bytes => (what("MB/s"), outcome.bytes / 1e6),
    };
    bench.note(rate.0, server.kind, round, rate.1);
    bench.note(what("CPU ms"), server.kind, round, outcome.cpu);
    if cell.rate == Rate::Answers && !matches!(cell.path, Path::File(_)) {
        bench.note(
            what("bytes written"),
            server.kind,
            round,
            outcome.written as f64,
        );
    }
    Ok(())
}

fn cells() -> Vec<Cell> {
    let mut cells = Vec::new();
    for (work, project) in [("W1", "large"), ("W2", "usual")] {
        for connections in [1, 16] {
            let mut forms = vec![("HTML", vec![AS_HTML]), ("JSON", vec![AS_JSON])];
            if work == "W1" {
                forms.push(("gzip, JSON", vec![AS_JSON, COMPRESSED]));
            }
            cells.extend(forms.into_iter().map(|(form, fields)| Cell {
                work,
                part: format!("{form}, {connections} at once"),
                path: Path::Page(project),
                fields,
                connections,
                rate: Rate::Answers,
            }));
        }
    }
    cells.push(Cell {
        work: "W5",
        part: "unchanged page, 16 at once".to_owned(),
        path: Path::Known("large"),
        fields: vec![AS_JSON],
        connections: 16,
        rate: Rate::Answers,
    });
    for (part, project, connections, rate) in [
        ("24 MiB, 1 at once", "large-wheel", 1, Rate::Bytes),
        ("24 MiB, 8 at once", "large-wheel", 8, Rate::Bytes),
        ("10 kB, 1 at once", "small-wheel", 1, Rate::Answers),
        ("10 kB, 16 at once", "small-wheel", 16, Rate::Answers),
    ] {
        cells.push(Cell {
            work: "W3",
            part: part.to_owned(),
            path: Path::File(project),
            fields: Vec::new(),
            connections,
            rate,
        });
    }
    cells
}

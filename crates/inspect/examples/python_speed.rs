//! How many megabytes of Python a CPU second analyses: `python_speed <folder>…`, one line for each
//! folder, and what the rules said.
#![allow(clippy::print_stdout, missing_docs)]

use std::path::Path;
use std::time::Instant;

use portcullis_inspect::python::{Budget, Package, Role, Source, analyse};
use portcullis_inspect::rules::check_all;

fn main() -> std::io::Result<()> {
    for folder in std::env::args().skip(1) {
        let mut package = Package::default();
        read(Path::new(&folder), Path::new(&folder), &mut package)?;
        let start = Instant::now();
        let analysis = analyse(&package, &Budget::default());
        let seconds = start.elapsed().as_secs_f64();
        let observations = check_all(&analysis);
        let statistics = analysis.statistics;
        let megabytes = statistics.bytes as f64 / 1e6;
        println!(
            "{folder}: {megabytes:.2} MB in {seconds:.3} s = {:.1} MB/s; {} of {} sources followed \
             ({:.2} MB parsed), {} nodes, {} layers, {} flows, {} engine findings, {} observations",
            megabytes / seconds,
            statistics.followed,
            statistics.sources,
            statistics.parsed_bytes as f64 / 1e6,
            statistics.nodes,
            statistics.layers,
            analysis.flows.len(),
            analysis.findings.len(),
            observations.len(),
        );
        if std::env::var_os("VERBOSE").is_some() {
            for finding in &analysis.findings {
                println!(
                    "  {:?} {}:{} {}",
                    finding.kind, finding.file, finding.line, finding.message
                );
            }
            for flow in &analysis.flows {
                let sink = analysis.sink(flow);
                println!(
                    "  {:?} {} -> {:?} {} [{}] {}:{}",
                    flow.label,
                    flow.what,
                    flow.kind,
                    sink.target,
                    flow.context,
                    sink.place.file,
                    sink.place.line
                );
            }
            for seen in &observations {
                println!(
                    "  {} {} {} {}:{} {}",
                    seen.rule, seen.severity, seen.context, seen.file, seen.line, seen.message
                );
                for step in &seen.chain {
                    println!(
                        "      {}:{} {}",
                        step.place.file, step.place.line, step.text
                    );
                }
            }
        }
    }
    Ok(())
}

fn read(root: &Path, folder: &Path, package: &mut Package) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            read(root, &path, package)?;
        } else if path.extension().is_some_and(|extension| extension == "py") {
            let name = path
                .strip_prefix(root)
                .unwrap_or(&path)
                .to_string_lossy()
                .into_owned();
            let role = match &*name {
                "setup.py" => Role::Install,
                _ if name
                    .split('/')
                    .any(|part| part == "tests" || part == "test") =>
                {
                    Role::Test
                }
                _ if name.starts_with("docs/") || name.starts_with("doc/") => Role::Doc,
                _ => Role::Module,
            };
            package
                .sources
                .push(Source::new(&name, std::fs::read(&path)?, role));
        }
    }
    Ok(())
}

//! Tables of inert sources and what the analysis makes of them: names, folding, flows, contexts, and
//! hostile input. Hosts end in `.invalid`.
#![allow(clippy::unwrap_used)]

mod contexts;
mod flows;
mod folding;
mod hostile;
mod names;
mod packages;

use super::*;

/// The analysis of one source at `path`; its role follows from the path.
fn analysed(path: &str, code: &str) -> Analysis {
    let role = match path {
        "setup.py" => Role::Install,
        _ if path.ends_with(".pth") => Role::Startup,
        _ if path.starts_with("tests/") => Role::Test,
        _ => Role::Module,
    };
    let sources = vec![Source::new(path, code.as_bytes(), role)];
    analyse(
        &Package {
            sources,
            ..Package::default()
        },
        &Budget::default(),
    )
}

fn targets(code: &str) -> Vec<String> {
    let analysis = analysed("demo.py", code);
    analysis
        .calls()
        .map(|call| call.target.to_string())
        .collect()
}

/// Labels and kinds of all flows.
fn flows(path: &str, code: &str) -> Vec<(Label, SinkKind)> {
    analysed(path, code)
        .flows
        .iter()
        .map(|flow| (flow.label, flow.kind))
        .collect()
}

//! Questions that several rules ask of calls and modules: what a call says, where it writes, what
//! it starts, and when a source runs that was only looked at as text.

use std::sync::Arc;

use portcullis_core::inspection::{Confidence, Observation, Severity, fingerprint};

use super::{Rule, in_context};
use crate::python::{Analysis, Call, Context, EngineFindingKind, Module, Place, Role, SinkKind};

/// The modules that are there for whoever installs the distribution, and layers out of them.
pub(super) fn shipped(analysis: &Analysis) -> impl Iterator<Item = &Module> {
    let modules = analysis.modules.iter();
    modules.filter(|module| !matches!(module.role, Role::Test | Role::Doc))
}

/// Every text among the arguments of `call` and in the object it belongs to.
pub(super) fn texts(call: &Call) -> Vec<&str> {
    let arguments = call.arguments.iter().flat_map(|each| each.value.texts());
    arguments.chain(call.own.texts()).collect()
}

/// The paths that `call` writes to, with `/` for `\`.
pub(super) fn written_paths(call: &Call) -> Vec<String> {
    if call.sink != Some(SinkKind::Write) {
        return Vec::new();
    }
    let target = &*call.target;
    let is_own = target.starts_with("builtins.open()") || target.starts_with("pathlib.Path()");
    let texts = if is_own {
        call.own.texts()
    } else if target.starts_with("shutil.") || target.starts_with("os.") {
        let destination = call.argument(1, "dst");
        destination
            .map(|each| each.value.texts())
            .unwrap_or_default()
    } else {
        call.arguments
            .iter()
            .flat_map(|each| each.value.texts())
            .collect()
    };
    texts.iter().map(|text| text.replace('\\', "/")).collect()
}

/// The command lines that `call` starts, in lower case.
pub(super) fn commands(call: &Call) -> Vec<String> {
    if call.sink != Some(SinkKind::Command) {
        return Vec::new();
    }
    let lines = call
        .arguments
        .iter()
        .filter_map(|each| each.value.command_line());
    let mut lines: Vec<String> = lines.map(|line| line.to_ascii_lowercase()).collect();
    if lines.len() > 1 {
        lines.push(lines.join(" "));
    }
    lines
}

/// Whether `call` runs, sends, resolves or loads something: what an attack ends in.
pub(super) fn is_harmful(call: &Call) -> bool {
    matches!(
        call.sink,
        Some(
            SinkKind::Exec
                | SinkKind::Command
                | SinkKind::Send
                | SinkKind::Resolve
                | SinkKind::Deserialise
                | SinkKind::Native
        )
    )
}

/// When the top level of a source in this role runs.
pub(super) fn context_of(role: Role) -> Context {
    match role {
        Role::Install | Role::BuildBackend => Context::Install,
        Role::Startup => Context::Startup,
        Role::Module => Context::Import,
        Role::EntryPoint => Context::Entry,
        Role::Test | Role::Doc => Context::Test,
    }
}

/// The first characters of `module`'s `line`.
pub(super) fn line_of(module: &Module, line: u32) -> Place {
    Place {
        file: module.path.clone(),
        line,
        column: u32::from(line > 0),
        layer: module.layer,
    }
}

/// The observation that `rule` makes of a place that is no call: `code` is what is fingerprinted.
pub(super) fn observe_place(
    rule: &dyn Rule,
    (place, context, code): (&Place, Context, &str),
    (severity, confidence): (Severity, Confidence),
    message: String,
) -> Observation {
    Observation {
        rule: rule.id().into(),
        severity,
        confidence,
        file: Arc::clone(&place.file),
        line: place.line,
        column: place.column,
        layer: place.layer,
        context,
        message,
        chain: Vec::new(),
        code_hash: fingerprint(rule.id(), code),
    }
}

/// An observation for each finding of the engine itself that is of this kind.
pub(super) fn observe_engine(
    rule: &dyn Rule,
    (analysis, kind): (&Analysis, EngineFindingKind),
    (severity, confidence): (Severity, Confidence),
    observations: &mut Vec<Observation>,
) {
    let findings = analysis.findings.iter();
    for finding in findings.filter(|finding| finding.kind == kind) {
        let place = Place {
            file: finding.file.clone(),
            line: finding.line,
            column: u32::from(finding.line > 0),
            layer: finding.layer,
        };
        let code = format!("{} {}", finding.file, finding.message);
        let severity = in_context(severity, finding.context);
        observations.push(observe_place(
            rule,
            (&place, finding.context, &*code),
            (severity, confidence),
            finding.message.clone(),
        ));
    }
}

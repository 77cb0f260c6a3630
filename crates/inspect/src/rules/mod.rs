//! The rules over the Python analysis: one file each, its manual on top and its cases below, named
//! twice in here. A rule reads an [`Analysis`] and adds observations; it neither parses nor decides.

use portcullis_core::inspection::{Confidence, Observation, Severity, fingerprint};

use crate::python::{Analysis, Call, Context, Flow, Step};

pub mod archive;

mod agt_001;
mod bld_002;
mod dst_001;
mod eng_001;
mod eng_002;
mod eva_001;
mod eva_002;
mod beside;
mod evidence;
mod given;
mod exe_001;
mod exe_002;
mod exe_003;
mod exe_004;
mod exe_005;
mod exe_006;
mod exe_007;
mod exe_008;
mod exe_009;
mod exe_010;
mod min_001;
mod net_001;
mod net_002;
mod net_003;
mod net_004;
mod net_005;
mod net_006;
mod net_007;
mod net_008;
mod net_009;
mod net_010;
mod obf_001;
mod obf_002;
mod obf_003;
mod obf_004;
mod obf_005;
mod obf_006;
mod obf_007;
mod obf_008;
mod per_001;
mod per_002;
mod per_003;
mod prc_001;
mod prc_002;
mod prc_003;
mod prc_004;
mod prc_005;
mod prc_006;
mod prc_007;
mod prc_008;
mod prc_009;
mod sent;
mod stl_001;
mod stl_002;
mod stl_003;
mod stl_004;
mod stl_005;
mod stl_006;
mod stl_007;
mod web_001;

#[cfg(test)]
mod testing;

/// One rule.
pub trait Rule: Sync {
    /// Its id, for example `EXE-001`; never given to another rule.
    fn id(&self) -> &'static str;
    /// How bad it is at its worst.
    fn severity(&self) -> Severity;
    /// One line for listings, without a full stop.
    fn title(&self) -> &'static str;
    /// The manual, in Markdown: what it sees, why that matters, what may be mistaken for it, and what
    /// to do.
    fn manual(&self) -> &'static str;
    /// Adds what it sees.
    fn check(&self, analysis: &Analysis, observations: &mut Vec<Observation>);
}

/// Every rule over Python, in the order of ids.
pub static RULES: &[&dyn Rule] = &[
    &agt_001::MisledAssistant,
    &bld_002::InstallCommand,
    &dst_001::Destruction,
    &eng_001::ParserBomb,
    &eng_002::Unfinished,
    &eva_001::WhereAmI,
    &eva_002::WaitsFirst,
    &exe_001::DecodedCode,
    &exe_002::NetworkCode,
    &exe_003::CodeInData,
    &exe_004::CodeObjects,
    &exe_005::PickledData,
    &exe_006::HiddenNames,
    &exe_007::ImportChains,
    &exe_008::MachineCode,
    &exe_009::DecryptedCode,
    &exe_010::Consoles,
    &min_001::Miner,
    &net_001::SecretsSent,
    &net_002::CredentialFilesSent,
    &net_003::Beacon,
    &net_004::DataInNames,
    &net_005::Webhooks,
    &net_006::ThrowawayHosts,
    &net_007::CloudCredentialsSent,
    &net_008::NetworkUnasked,
    &net_009::OtherChannels,
    &net_010::TlsOff,
    &obf_001::HiddenOnLine,
    &obf_002::DirectionControls,
    &obf_003::DisguisedNames,
    &obf_004::Invisible,
    &obf_005::Blob,
    &obf_006::Packed,
    &obf_007::Unparsable,
    &obf_008::CodeInConstants,
    &per_001::Persistence,
    &per_002::ForeignPackage,
    &per_003::Publishes,
    &prc_001::PipedToShell,
    &prc_002::HiddenPowershell,
    &prc_003::Dropper,
    &prc_004::InstallCommands,
    &prc_005::ImportCommands,
    &prc_006::InstallsPackages,
    &prc_007::RemoteControl,
    &prc_008::SilentProcess,
    &prc_009::Injection,
    &stl_001::ClipboardSwap,
    &stl_002::KeyLogger,
    &stl_003::ScreenSent,
    &stl_004::BrowserStore,
    &stl_005::SecretsListed,
    &stl_006::PatchedToListen,
    &stl_007::Entrusted,
    &web_001::PageScript,
];

/// What every rule says of `analysis`.
#[must_use]
pub fn check_all(analysis: &Analysis) -> Vec<Observation> {
    let mut observations = Vec::new();
    for rule in RULES {
        rule.check(analysis, &mut observations);
    }
    observations
}

/// The observation that `rule` makes of a whole `flow`: its chain, at the place of its sink.
pub(crate) fn observe_flow(
    rule: &dyn Rule,
    (analysis, flow): (&Analysis, &Flow),
    (severity, confidence): (Severity, Confidence),
    message: String,
) -> Observation {
    let sink = analysis.sink(flow);
    let mut observation = observe_call(rule, sink, (severity, confidence), message);
    observation.context = flow.context;
    observation.chain.clone_from(&flow.steps);
    let code = format!("{}\n{}", flow.what, meaning(sink));
    observation.code_hash = fingerprint(rule.id(), &code);
    observation
}

/// The code of `call` together with every constant text that reaches it: another address or payload behind
/// the same words is another finding.
fn meaning(call: &Call) -> String {
    let values = call.arguments.iter();
    let texts = values.flat_map(|argument| argument.value.texts());
    texts.fold(call.code.to_string(), |code, text| code + "\n" + text)
}

/// The observation that `rule` makes of one `call`.
pub(crate) fn observe_call(
    rule: &dyn Rule,
    call: &Call,
    (severity, confidence): (Severity, Confidence),
    message: String,
) -> Observation {
    Observation {
        rule: rule.id().into(),
        severity,
        confidence,
        file: call.place.file.clone(),
        line: call.place.line,
        column: call.place.column,
        layer: call.place.layer,
        context: call.context,
        message,
        chain: vec![Step {
            place: call.place.clone(),
            text: call.code.to_string(),
        }],
        code_hash: fingerprint(rule.id(), &meaning(call)),
    }
}

/// `severity` of what no honest package does, whoever asks for it: high at the most in what only a caller
/// or a console script runs, information in tests.
pub(crate) fn even_if_asked(severity: Severity, context: Context) -> Severity {
    match context {
        Context::Install | Context::Startup | Context::Import => severity,
        Context::Entry | Context::Call => severity.min(Severity::High),
        Context::Test => Severity::Info,
    }
}

/// `severity` as it counts in `context`: one milder in what only a caller or a console script runs,
/// information in tests.
pub(crate) fn in_context(severity: Severity, context: Context) -> Severity {
    match context {
        Context::Install | Context::Startup | Context::Import => severity,
        Context::Entry => severity.milder(),
        Context::Call => severity.milder().milder(),
        Context::Test => Severity::Info,
    }
}

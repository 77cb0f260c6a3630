//! What people see, freed of what differs from run to run, for snapshots.

use portcullis_fixtures::FixtureIndex;

use crate::gateway::Gateway;
use crate::installers::Outcome;
use crate::program::Clients;

/// Patterns and what stands for them: colours, times, hashes, decisions, sizes, progress.
const FILTERS: &[(&str, &str)] = &[
    (r"\x1b\[[0-9;]*m", ""),
    (r"pc_[0-9A-Za-z]{40,}", "[token]"),
    (r"\b[0-9a-f]{64}\b", "[sha256]"),
    (r"\b[0-9a-f]{16}\b", "[digest]"),
    (r"\b[0-9a-f]{8,63}\.\.\.", "[digest]..."),
    (r"\[[0-9a-hjkmnp-tv-z]{10}\]", "[[decision]]"),
    (
        r"(blocked\.by\.policy\.)[0-9a-hjkmnp-tv-z]{10}",
        "$1[decision]",
    ),
    (
        r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z| UTC)?",
        "[time]",
    ),
    (r"\b\d+(\.\d+)?(ms|s)\b", "[duration]"),
    (r"\b\d:\d\d:\d\d\b", "[duration]"),
    (r"CPython \d+\.\d+\.\d+", "CPython [version]"),
    (r"[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]", "⠋"),
    (r"pdm-\w+-\w+\.log", "pdm-[…].log"),
    // How often it was tried before this client came depends on who is faster.
    (
        r"it (does not answer|failed repeatedly and is left alone)",
        "[trouble]",
    ),
    (r"port=\d+", "port=[port]"),
    (r"\(\d+(\.\d+)?(B|KiB)\)", "([size])"),
    (r"(?m)^.*━.*\n", ""),
    (
        r"(?m)^( +- Uploading \S+) \d+%\n( +- Uploading \S+ \d+%\n)*",
        "$1\n",
    ),
    (r"[ \t]+\n", "\n"),
];

/// Compares a screen with its snapshot.
#[track_caller]
pub(crate) fn compare(name: &str, screen: &str) {
    let filters: Vec<(&str, &str)> = FILTERS.to_vec();
    insta::with_settings!({ filters => filters, omit_expression => true }, {
        insta::assert_snapshot!(name, screen);
    });
}

/// Puts words in place of addresses and folders of this run.
pub(crate) fn without_places(
    text: &str,
    gateway: &Gateway,
    index: &FixtureIndex,
    clients: &Clients,
) -> String {
    let clients = clients.folder().to_str().unwrap();
    let short = |url: &str| url.trim_start_matches("http://").to_owned();
    text.replace(&short(gateway.url()), "gateway")
        .replace(&short(&index.url()), "upstream")
        .replace(clients, "[clients]")
}

/// The screens of several installers, one after the other. Of a run that succeeded only what was
/// received and its warnings are kept.
pub(crate) fn of_outcomes(outcomes: &[Outcome]) -> String {
    outcomes.iter().map(of_outcome).collect()
}

fn of_outcome(outcome: &Outcome) -> String {
    let (name, requirement) = (outcome.installer.name(), &outcome.requirement);
    let received: Vec<String> = outcome
        .received
        .iter()
        .map(|(project, version)| format!("{project} {version}"))
        .collect();
    let came_of_it = match outcome.succeeded() {
        true => format!("receives {}", received.join(", ")),
        false => format!("exit {}", outcome.shown.code),
    };
    let is_kept = |line: &&str| {
        let line = line.to_ascii_lowercase();
        !outcome.succeeded() || line.contains("warning") || line.contains("yanked")
    };
    let text = without_frames(&outcome.shown.text);
    let kept = text.lines().filter(is_kept);
    let lines: String = kept.map(|line| format!("    {line}\n")).collect();
    format!("{name}, {requirement}: {came_of_it}\n{lines}\n")
}

/// Python's tracebacks without their frames, which are of the client's own making and change with it.
pub(crate) fn without_frames(text: &str) -> String {
    let indentation = |line: &str| line.len() - line.trim_start().len();
    let mut kept = String::new();
    let mut traceback = None;
    for line in text.lines() {
        if traceback.is_some_and(|depth| indentation(line) > depth || line.trim().is_empty()) {
            continue;
        }
        traceback = line
            .trim_start()
            .starts_with("Traceback (")
            .then(|| indentation(line));
        kept.push_str(line);
        kept.push('\n');
    }
    kept
}

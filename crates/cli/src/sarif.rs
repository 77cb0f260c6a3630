//! What every SARIF document of ours has in common (Static Analysis Results Interchange Format 2.1.0, OASIS).
//! What a result is made of is told by whoever found it.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use portcullis_core::inspection::Severity;
use serde_json::{Value, json};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// What stands for itself in the path of a URI (RFC 3986, `pchar` and `/`, without `:`).
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/')
    .remove(b'+')
    .remove(b'@')
    .remove(b'=');

/// One run.
#[derive(Debug)]
pub struct Run {
    /// The descriptors of all rules.
    pub rules: Vec<Value>,
    /// What was found.
    pub results: Vec<Value>,
    /// What could not be looked at: [`notification`].
    pub notifications: Vec<Value>,
}

/// The document.
pub fn document(run: Run) -> String {
    let document = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "portcullis",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": run.rules,
            } },
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": run.notifications.is_empty(),
                "toolExecutionNotifications": run.notifications,
            }],
            "results": run.results,
        }],
    });
    format!("{document:#}\n")
}

/// Says that the file at `path` could not be looked at, or not wholly.
pub fn notification(path: &str, text: &str) -> Value {
    json!({
        "level": "error",
        "message": { "text": text },
        "locations": [{ "physicalLocation": { "artifactLocation": { "uri": uri(path) } } }],
    })
}

/// Where dashboards want a number between 0 and 10, the middle of the band of that name.
pub fn score(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "2.0",
        Severity::Info => "0.0",
    }
}

/// A path as a reference of a URI.
pub fn uri(path: &str) -> String {
    let path = path.strip_prefix("./").unwrap_or(path).replace('\\', "/");
    let encoded = utf8_percent_encode(&path, PATH);
    match path.starts_with('/') {
        true => format!("file://{encoded}"),
        false => encoded.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_uri() {
        for (path, expected) in [
            ("./src/a.py", "src/a.py"),
            ("/tmp/a b#.py", "file:///tmp/a%20b%23.py"),
            ("c:evil?\u{202e}", "c%3Aevil%3F%E2%80%AE"),
        ] {
            assert_eq!(uri(path), expected);
        }
    }
}

//! `Pipfile.lock`: JSON with a table for each category of packages.

use serde_json::{Map, Value};

use super::reading::{Found, Reading, sha256};
use super::{Elsewhere, LockError, LockFormat, LockedFiles};

pub(super) fn read(value: &Value) -> Result<LockedFiles, LockError> {
    let format = LockFormat::Pipfile;
    if value.get("_meta").is_none() {
        return Err(LockError::shape(format, "it has no _meta"));
    }
    let mut reading = Reading::new(format);
    let categories = value.as_object().into_iter().flatten();
    let categories = categories.filter(|(key, _)| *key != "_meta");
    let packages = categories.filter_map(|(_, packages)| packages.as_object());
    for (name, package) in packages.flatten() {
        let Some(package) = package.as_object() else {
            reading.skip(name, None, "what is said of it is not understood")?;
            continue;
        };
        package_into(&mut reading, name, package)?;
    }
    Ok(reading.finish())
}

fn package_into(
    reading: &mut Reading,
    name: &str,
    package: &Map<String, Value>,
) -> Result<(), LockError> {
    let text = |key: &str| package.get(key).and_then(Value::as_str);
    let version = text("version");
    if let Some((from, reason)) = elsewhere(package) {
        let found = Found {
            name,
            version: version.and_then(|text| text.strip_prefix("==")),
            ..Found::default()
        };
        return reading.skip_package(&found, from, reason);
    }
    // What is not for the machine that locks stays as open as it was wanted.
    let version = version.and_then(|text| text.strip_prefix("=="));
    let Some(version) = version.filter(|version| !version.contains(['*', ','])) else {
        return reading.skip(name, None, "it is not pinned to one version");
    };
    let hashes = package.get("hashes").and_then(Value::as_array);
    let hashes = hashes.into_iter().flatten().filter_map(Value::as_str);
    reading.take(Found {
        name,
        version: Some(version.trim_start_matches('=').trim()),
        hashes: hashes.filter_map(sha256).collect(),
        index: text("index"),
        ..Found::default()
    })
}

/// Where it comes from when not from an index, and that in words.
fn elsewhere(package: &Map<String, Value>) -> Option<(Elsewhere, &'static str)> {
    let text = |key: &str| {
        let value = package.get(key)?;
        Some(value.as_str().unwrap_or_default().to_owned())
    };
    if let Some(url) = text("git") {
        let from = Elsewhere::Vcs {
            kind: "git".to_owned(),
            url,
            commit: text("ref"),
        };
        return Some((from, "it comes from version control, not from an index"));
    }
    if let Some(path) = text("path") {
        let from = match path.as_str() {
            "." | "./" => Elsewhere::Itself,
            _ => Elsewhere::Path(path),
        };
        return Some((from, "it comes from a path, not from an index"));
    }
    let reason = "it comes from a direct address, not from an index";
    text("file").map(|url| (Elsewhere::Url(url), reason))
}

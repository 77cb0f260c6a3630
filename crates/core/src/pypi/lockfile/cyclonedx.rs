//! CycloneDX bills of materials as JSON (ECMA-424). Components of other ecosystems are noted and
//! passed over; nested ones are read like those beside them.

use serde_json::Value;

use super::purl::pypi;
use super::reading::{Found, Reading};
use super::{Edges, LockError, LockFormat, LockedFiles, OTHER_ECOSYSTEM};

pub(super) fn read(value: &Value) -> Result<LockedFiles, LockError> {
    let format = LockFormat::CycloneDx;
    if value
        .get("bomFormat")
        .is_none_or(|form| form != "CycloneDX")
    {
        return Err(LockError::shape(format, "its bomFormat is not CycloneDX"));
    }
    let components = all_components(value);
    let named = components.iter().filter_map(|component| {
        let reference = component.get("bom-ref")?.as_str()?;
        Some((reference, component.get("purl")?.as_str()?))
    });
    let urls = named.collect();
    let edges = edges(value);
    let mut reading = Reading::new(format);
    for component in components {
        component_into(&mut reading, component, &urls, &edges)?;
    }
    Ok(reading.finish())
}

/// The components, those within others after them.
fn all_components(value: &Value) -> Vec<&Value> {
    let mut found: Vec<&Value> = items(value, "components").collect();
    let mut position = 0;
    while let Some(component) = found.get(position) {
        let nested = items(component, "components");
        found.extend(nested.collect::<Vec<_>>());
        position += 1;
    }
    found
}

fn items<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> + use<'v> {
    value
        .get(key)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn edges(value: &Value) -> Edges<'_> {
    let mut edges = Edges::new();
    for dependency in items(value, "dependencies") {
        let Some(from) = dependency.get("ref").and_then(Value::as_str) else {
            continue;
        };
        let to = items(dependency, "dependsOn").filter_map(Value::as_str);
        edges.entry(from).or_default().extend(to);
    }
    edges
}

fn component_into(
    reading: &mut Reading,
    component: &Value,
    urls: &std::collections::HashMap<&str, &str>,
    edges: &Edges<'_>,
) -> Result<(), LockError> {
    let name = component
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let Some(url) = component.get("purl").and_then(Value::as_str) else {
        return reading.skip(name, None, "it has no package URL");
    };
    let Some(package) = pypi(url) else {
        return reading.skip(url, None, OTHER_ECOSYSTEM);
    };
    let reference = component.get("bom-ref").and_then(Value::as_str);
    let wanted = reference.and_then(|reference| edges.get(reference));
    let wanted = wanted.into_iter().flatten();
    let wanted: Vec<_> = wanted
        .filter_map(|reference| pypi(urls.get(reference).unwrap_or(reference)))
        .collect();
    let mut found = Found {
        name: &package.name,
        version: package.version.as_deref(),
        dependencies: wanted.iter().map(|package| &*package.name).collect(),
        ..Found::default()
    };
    if let Some((from, reason)) = package.elsewhere() {
        return reading.skip_package(&found, from, reason);
    }
    found.file(package.filename.as_deref(), package.sha256());
    hashes_into(&mut found, component);
    for place in items(component, "externalReferences") {
        if place.get("type").is_some_and(|kind| kind == "distribution") {
            let url = place.get("url").and_then(Value::as_str);
            found.file(url, sha256_of(place).next());
            hashes_into(&mut found, place);
        }
    }
    reading.take(found)
}

fn hashes_into(found: &mut Found<'_>, value: &Value) {
    for hash in sha256_of(value) {
        found.file(None, Some(hash));
    }
}

fn sha256_of(value: &Value) -> impl Iterator<Item = &str> {
    let is_sha256 = |hash: &&Value| {
        hash.get("alg")
            .is_some_and(|algorithm| algorithm == "SHA-256")
    };
    let hashes = items(value, "hashes").filter(is_sha256);
    hashes.filter_map(|hash| hash.get("content")?.as_str())
}

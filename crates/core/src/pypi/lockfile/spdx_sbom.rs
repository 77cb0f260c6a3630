//! SPDX 2 bills of materials as JSON (ISO/IEC 5962). Packages are recognised by their package URL;
//! SPDX 3, another format altogether, is refused by name.

use std::collections::HashMap;

use serde_json::Value;

use super::purl::pypi;
use super::reading::{Found, Reading};
use super::{Edges, ITSELF, LockError, LockFormat, LockedFiles, OTHER_ECOSYSTEM};

pub(super) fn read(value: &Value) -> Result<LockedFiles, LockError> {
    let format = LockFormat::Spdx;
    let version = value.get("spdxVersion").and_then(Value::as_str);
    if !version.is_some_and(|version| version.starts_with("SPDX-2.")) {
        let why = "its spdxVersion is not SPDX-2.x; write it as SPDX 2.3 or as CycloneDX";
        return Err(LockError::shape(format, why));
    }
    let packages: Vec<&Value> = items(value, "packages").collect();
    let named = packages.iter().filter_map(|package| {
        let id = package.get("SPDXID")?.as_str()?;
        Some((id, package_url(package)?))
    });
    let urls: HashMap<&str, &str> = named.collect();
    let edges = edges(value);
    let subject = subject(value);
    let mut reading = Reading::new(format);
    for package in packages {
        let id = package.get("SPDXID").and_then(Value::as_str);
        if subject.is_some() && id == subject && package_url(package).is_none() {
            let name = package.get("name").and_then(Value::as_str);
            reading.skip(name.unwrap_or_default(), None, ITSELF)?;
            continue;
        }
        package_into(&mut reading, package, &urls, &edges)?;
    }
    Ok(reading.finish())
}

/// The one package that the document is about, where it is one: what it lists are its parts.
fn subject(value: &Value) -> Option<&str> {
    let named = items(value, "documentDescribes").filter_map(Value::as_str);
    let related = items(value, "relationships").filter_map(|relation| {
        let kind = relation.get("relationshipType")?.as_str()?;
        let to = relation.get("relatedSpdxElement")?.as_str()?;
        (kind == "DESCRIBES").then_some(to)
    });
    let mut described: Vec<&str> = named.chain(related).collect();
    described.sort_unstable();
    described.dedup();
    match described[..] {
        [only] => Some(only),
        _ => None,
    }
}

fn items<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> + use<'v> {
    value
        .get(key)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn package_url(package: &Value) -> Option<&str> {
    package_urls(package).next()
}

/// All package URLs: beside that of the release there may be one for each of its files.
fn package_urls(package: &Value) -> impl Iterator<Item = &str> {
    items(package, "externalRefs")
        .filter(|one| one.get("referenceType").is_some_and(|kind| kind == "purl"))
        .filter_map(|one| one.get("referenceLocator")?.as_str())
}

fn edges(value: &Value) -> Edges<'_> {
    let mut edges = Edges::new();
    for relation in items(value, "relationships") {
        let text = |key: &str| relation.get(key).and_then(Value::as_str);
        let (Some(one), Some(other)) = (text("spdxElementId"), text("relatedSpdxElement")) else {
            continue;
        };
        match text("relationshipType") {
            Some("DEPENDS_ON") => edges.entry(one).or_default().push(other),
            Some("DEPENDENCY_OF") => edges.entry(other).or_default().push(one),
            _ => {}
        }
    }
    edges
}

fn package_into(
    reading: &mut Reading,
    package: &Value,
    urls: &HashMap<&str, &str>,
    edges: &Edges<'_>,
) -> Result<(), LockError> {
    let text = |key: &str| package.get(key).and_then(Value::as_str);
    let name = text("name").unwrap_or_default();
    let Some(url) = package_url(package) else {
        return reading.skip(name, None, "it has no package URL");
    };
    let Some(named) = pypi(url) else {
        return reading.skip(url, None, OTHER_ECOSYSTEM);
    };
    let wanted = text("SPDXID").and_then(|id| edges.get(id));
    let wanted = wanted.into_iter().flatten();
    let wanted: Vec<_> = wanted.filter_map(|id| pypi(urls.get(id)?)).collect();
    let mut found = Found {
        name: &named.name,
        version: named.version.as_deref().or(text("versionInfo")),
        dependencies: wanted.iter().map(|package| &*package.name).collect(),
        ..Found::default()
    };
    if let Some((from, reason)) = named.elsewhere() {
        return reading.skip_package(&found, from, reason);
    }
    found.file(
        named.filename.as_deref().or(text("packageFileName")),
        named.sha256(),
    );
    for url in package_urls(package).skip(1).filter_map(pypi) {
        found.file(url.filename.as_deref(), url.sha256());
    }
    for sum in items(package, "checksums") {
        if sum
            .get("algorithm")
            .is_some_and(|algorithm| algorithm == "SHA256")
        {
            found.file(None, sum.get("checksumValue").and_then(Value::as_str));
        }
    }
    reading.take(found)
}

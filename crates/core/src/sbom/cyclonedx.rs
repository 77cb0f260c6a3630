//! CycloneDX 1.6 as JSON (ECMA-424).

use serde_json::{Map, Value, json};

use super::{Bill, Graph, Licensed, licensed, purl, reference, second, vcs_url, without_secrets};
use crate::inventory::{Component, Provenance};
use crate::pypi::lockfile::{Elsewhere, LockedFile};

/// The reference of the root.
const ROOT: &str = "portcullis:root";

/// The document.
#[must_use]
pub fn cyclonedx(bill: &Bill<'_>) -> Value {
    let graph = Graph::of(bill.inventory);
    let references: Vec<String> = graph.components.iter().map(|one| purl(one)).collect();
    let components = graph.components.iter().zip(&references);
    let components: Vec<Value> = components
        .map(|(one, purl)| component(bill, one, purl))
        .collect();
    let mut document = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
    });
    if let Some(serial) = bill.serial {
        document["serialNumber"] = json!(serial.urn().to_string());
    }
    document["version"] = json!(1);
    document["metadata"] = metadata(bill, &graph);
    document["components"] = json!(components);
    document["dependencies"] = json!(dependencies(&graph, &references));
    let aggregate = match bill.inventory.unknown.is_empty() {
        true => "unknown",
        false => "incomplete",
    };
    document["compositions"] = json!([{ "aggregate": aggregate, "assemblies": [ROOT] }]);
    document
}

fn metadata(bill: &Bill<'_>, graph: &Graph<'_>) -> Value {
    let mut metadata = Map::new();
    if let Some(at) = bill.made_at {
        metadata.insert("timestamp".to_owned(), json!(second(at)));
    }
    let tool = json!({
        "type": "application", "name": "portcullis", "version": bill.tool_version,
    });
    metadata.insert("tools".to_owned(), json!({ "components": [tool] }));
    let mut root = json!({ "type": "application", "bom-ref": ROOT, "name": bill.subject });
    if let Some(component) = graph.root {
        root["name"] = json!(component.project);
        if let Some(version) = &component.version {
            root["version"] = json!(version.to_string());
        }
    }
    metadata.insert("component".to_owned(), root);
    let unknown = bill.inventory.unknown.iter();
    let unknown: Vec<Value> = unknown
        .map(|one| {
            let said = format!("{} ({}): {}", one.what, one.found, one.why);
            json!({ "name": "portcullis:unknown", "value": said })
        })
        .collect();
    if !unknown.is_empty() {
        metadata.insert("properties".to_owned(), json!(unknown));
    }
    Value::Object(metadata)
}

fn component(bill: &Bill<'_>, one: &Component, purl: &str) -> Value {
    let decision = bill.decision(one);
    let mut value = json!({ "type": "library", "bom-ref": purl, "name": one.project });
    if let Some(version) = &one.version {
        value["version"] = json!(version.to_string());
    }
    if let Some(summary) = &one.summary {
        value["description"] = json!(summary);
    }
    let bare = one.files.iter().filter(|file| location(file).is_none());
    let bare: Vec<Value> = bare.flat_map(hashes).collect();
    if !bare.is_empty() {
        value["hashes"] = json!(bare);
    }
    match licensed(one, decision) {
        Licensed::Expression(expression) => {
            value["licenses"] = json!([{ "expression": expression }]);
        }
        Licensed::Words(words) if !words.is_empty() => {
            let named = words
                .iter()
                .map(|words| json!({ "license": { "name": words } }));
            value["licenses"] = json!(named.collect::<Vec<_>>());
        }
        Licensed::Words(_) => {}
    }
    value["purl"] = json!(purl);
    let references = external_references(one);
    if !references.is_empty() {
        value["externalReferences"] = json!(references);
    }
    let mut properties = Vec::new();
    if let Provenance::Index(Some(index)) = &one.origin {
        properties.push(("portcullis:index", without_secrets(index)));
    }
    if let Provenance::Elsewhere(Elsewhere::Path(path)) = &one.origin {
        properties.push(("portcullis:path", path.clone()));
    }
    if let Some(open) = &one.open {
        properties.push(("portcullis:wanted", open.clone()));
    }
    properties.extend(decision.map(|one| one.said()).unwrap_or_default());
    if !properties.is_empty() {
        let properties = properties.iter();
        let properties = properties.map(|(name, value)| json!({ "name": name, "value": value }));
        value["properties"] = json!(properties.collect::<Vec<_>>());
    }
    value
}

fn external_references(one: &Component) -> Vec<Value> {
    let mut references = Vec::new();
    for file in &one.files {
        let Some(url) = location(file) else {
            continue;
        };
        references.push(with_hashes("distribution", url, hashes(file).collect()));
    }
    match &one.origin {
        Provenance::Elsewhere(Elsewhere::Vcs { kind, url, commit }) => {
            let url = vcs_url(kind, url, commit.as_deref());
            references.push(with_hashes("vcs", url, Vec::new()));
        }
        Provenance::Elsewhere(Elsewhere::Url(url)) => {
            references.push(with_hashes(
                "distribution",
                without_secrets(url),
                Vec::new(),
            ));
        }
        _ => {}
    }
    for nested in &one.nested {
        let hash = json!({ "alg": "SHA-256", "content": nested.sha256 });
        references.push(with_hashes("bom", reference(&nested.path), vec![hash]));
    }
    references
}

fn with_hashes(kind: &str, url: String, hashes: Vec<Value>) -> Value {
    let mut value = json!({ "type": kind, "url": url });
    if !hashes.is_empty() {
        value["hashes"] = json!(hashes);
    }
    value
}

fn location(file: &LockedFile) -> Option<String> {
    let url = file.url.as_deref().map(without_secrets);
    url.or_else(|| file.filename.as_deref().map(reference))
}

fn hashes(file: &LockedFile) -> impl Iterator<Item = Value> {
    let sha256 = file.sha256.into_iter();
    sha256.map(|sha256| json!({ "alg": "SHA-256", "content": sha256 }))
}

/// Who wants whom. A component of which nothing is known here has an empty list, as the format wants it.
fn dependencies(graph: &Graph<'_>, references: &[String]) -> Vec<Value> {
    let named = |places: std::collections::BTreeSet<usize>| -> Vec<&String> {
        places.into_iter().map(|at| &references[at]).collect()
    };
    let of = |reference: &str, wanted: Vec<&String>| match wanted.is_empty() {
        true => json!({ "ref": reference }),
        false => json!({ "ref": reference, "dependsOn": wanted }),
    };
    let root = of(ROOT, named(graph.wanted_by_root()));
    let components = graph.components.iter().zip(references);
    let others = components.map(|(one, reference)| of(reference, named(graph.wanted_by(one))));
    std::iter::once(root).chain(others).collect()
}

//! SPDX 2.3 as JSON (ISO/IEC 5962). A release has several files and an SPDX package one name for one: each
//! file is a package URL with its name and digest beside that of the release.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::{
    Bill, Graph, Licensed, licensed, purl, purl_of_file, reference, second, uuid_of, vcs_url,
    without_secrets,
};
use crate::inventory::{Component, Provenance};
use crate::pypi::lockfile::Elsewhere;
use crate::time::Timestamp;

/// The id of the root.
const ROOT: &str = "SPDXRef-Root";
const DOCUMENT: &str = "SPDXRef-DOCUMENT";

/// Where SPDX wants something and nothing is said.
const NO_ASSERTION: &str = "NOASSERTION";

/// The document. SPDX wants to know when it was made: where nobody says so it is the first moment of 1970, so
/// that the same inventory makes the same document.
#[must_use]
pub fn spdx(bill: &Bill<'_>) -> Value {
    let graph = Graph::of(bill.inventory);
    let ids = ids(&graph);
    let mut packages = vec![root(bill, &graph)];
    let components = graph.components.iter().zip(&ids);
    packages.extend(components.map(|(one, id)| package(bill, one, id)));
    let relationships = relationships(&graph, &ids);
    let name = graph.root.map(|root| root.project.to_string());
    let name = name.unwrap_or_else(|| bill.subject.to_owned());
    let content = json!([packages, relationships]).to_string();
    let derived = || uuid_of(content.as_bytes());
    let serial = bill.serial.unwrap_or_else(derived);
    json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": DOCUMENT,
        "name": name,
        "documentNamespace": serial.urn().to_string(),
        "creationInfo": {
            "created": created(bill),
            "creators": [tool(bill)],
        },
        "documentDescribes": [ROOT],
        "packages": packages,
        "relationships": relationships,
    })
}

fn created(bill: &Bill<'_>) -> String {
    second(bill.made_at.unwrap_or(Timestamp::from_millis(0)))
}

fn tool(bill: &Bill<'_>) -> String {
    format!("Tool: portcullis-{}", bill.tool_version)
}

/// An id for each component. Ids have letters, digits, dots and dashes alone, so that two versions could
/// have one.
fn ids(graph: &Graph<'_>) -> Vec<String> {
    let mut taken = HashSet::new();
    let plain = |c: char| match c.is_ascii_alphanumeric() || c == '.' {
        true => c,
        false => '-',
    };
    let one = |component: &&Component| {
        let version = component.version.as_ref().map(ToString::to_string);
        let text = format!("{} {}", component.project, version.unwrap_or_default());
        let text: String = text.trim().chars().map(plain).collect();
        let mut id = format!("SPDXRef-Package-{text}");
        let mut number = 2;
        while !taken.insert(id.clone()) {
            id = format!("SPDXRef-Package-{text}-{number}");
            number += 1;
        }
        id
    };
    graph.components.iter().map(one).collect()
}

fn root(bill: &Bill<'_>, graph: &Graph<'_>) -> Value {
    let mut root = json!({
        "SPDXID": ROOT,
        "name": bill.subject,
        "downloadLocation": NO_ASSERTION,
        "filesAnalyzed": false,
        "licenseConcluded": NO_ASSERTION,
        "licenseDeclared": NO_ASSERTION,
        "copyrightText": NO_ASSERTION,
        "primaryPackagePurpose": "APPLICATION",
        // Not by its package URL: it is what the bill is of, and nothing that it lists.
    });
    if let Some(component) = graph.root {
        root["name"] = json!(component.project);
        if let Some(version) = &component.version {
            root["versionInfo"] = json!(version.to_string());
        }
    }
    let unknown = bill.inventory.unknown.iter();
    let unknown: Vec<String> = unknown
        .map(|one| format!("not known: {} ({}): {}", one.what, one.found, one.why))
        .collect();
    if !unknown.is_empty() {
        root["comment"] = json!(unknown.join("\n"));
    }
    root
}

fn package(bill: &Bill<'_>, one: &Component, id: &str) -> Value {
    let decision = bill.decision(one);
    let mut value = json!({
        "SPDXID": id,
        "name": one.project,
        "downloadLocation": download_location(one),
        "filesAnalyzed": false,
        "licenseConcluded": NO_ASSERTION,
        "licenseDeclared": NO_ASSERTION,
        "copyrightText": NO_ASSERTION,
        "primaryPackagePurpose": "LIBRARY",
        "externalRefs": external_references(one),
    });
    if let Some(version) = &one.version {
        value["versionInfo"] = json!(version.to_string());
    }
    if let Some(summary) = &one.summary {
        value["summary"] = json!(summary);
    }
    match licensed(one, decision) {
        // What is not on SPDX's list would have to be quoted in full, and is not at hand.
        Licensed::Expression(expression) if expression.contains("LicenseRef-") => {
            value["licenseComments"] = json!(expression);
        }
        Licensed::Expression(expression) => value["licenseDeclared"] = json!(expression),
        Licensed::Words(words) if !words.is_empty() => {
            value["licenseComments"] = json!(words.join("; "));
        }
        Licensed::Words(_) => {}
    }
    let checksums = one.files.iter().filter_map(|file| file.sha256);
    let checksums: Vec<Value> = checksums
        .map(|sha256| json!({ "algorithm": "SHA256", "checksumValue": sha256 }))
        .collect();
    if !checksums.is_empty() {
        value["checksums"] = json!(checksums);
    }
    if let Some(info) = source_info(one) {
        value["sourceInfo"] = json!(info);
    }
    let said = decision.map(|one| one.said()).unwrap_or_default();
    let annotations = said.iter().map(|(name, said)| {
        json!({
            "annotationDate": created(bill),
            "annotationType": "OTHER",
            "annotator": tool(bill),
            "comment": format!("{name}: {said}"),
        })
    });
    let annotations: Vec<Value> = annotations.collect();
    if !annotations.is_empty() {
        value["annotations"] = json!(annotations);
    }
    value
}

/// One address where there is one: of several files none is *the* download.
fn download_location(one: &Component) -> String {
    match &one.origin {
        Provenance::Elsewhere(Elsewhere::Vcs { kind, url, commit }) => {
            vcs_url(kind, url, commit.as_deref())
        }
        Provenance::Elsewhere(Elsewhere::Url(url)) => without_secrets(url),
        _ => match &one.files[..] {
            [only] => match &only.url {
                Some(url) => without_secrets(url),
                None => NO_ASSERTION.to_owned(),
            },
            _ => NO_ASSERTION.to_owned(),
        },
    }
}

fn source_info(one: &Component) -> Option<String> {
    let from = match &one.origin {
        Provenance::Index(index) => {
            let index = index.as_deref()?;
            format!("from the index {}", without_secrets(index))
        }
        Provenance::Elsewhere(Elsewhere::Path(path)) => format!("from the path {path}"),
        Provenance::Elsewhere(_) => return None,
    };
    Some(from)
}

fn external_references(one: &Component) -> Vec<Value> {
    let packages = std::iter::once(purl(one));
    let packages = packages.chain(one.files.iter().filter_map(|file| purl_of_file(one, file)));
    let packages = packages.map(|purl| {
        json!({
            "referenceCategory": "PACKAGE-MANAGER",
            "referenceType": "purl",
            "referenceLocator": purl,
        })
    });
    let nested = one.nested.iter().map(|nested| {
        json!({
            "referenceCategory": "OTHER",
            "referenceType": "sbom",
            "referenceLocator": reference(&nested.path),
            "comment": format!("a bill of materials in the distribution, SHA-256 {}", nested.sha256),
        })
    });
    packages.chain(nested).collect()
}

fn relationships(graph: &Graph<'_>, ids: &[String]) -> Vec<Value> {
    let one = |from: &str, kind: &str, to: &str| {
        json!({
            "spdxElementId": from,
            "relationshipType": kind,
            "relatedSpdxElement": to,
        })
    };
    let mut all = vec![one(DOCUMENT, "DESCRIBES", ROOT)];
    let from_root = graph.wanted_by_root().into_iter();
    all.extend(from_root.map(|at| one(ROOT, "DEPENDS_ON", &ids[at])));
    for (component, id) in graph.components.iter().zip(ids) {
        let wanted = graph.wanted_by(component).into_iter();
        all.extend(wanted.map(|at| one(id, "DEPENDS_ON", &ids[at])));
    }
    all
}

//! Every figure that the dashboard, the alert rules and the documentation name is one that the program has.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(repository().join(path))
        .unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The names of figures in a text.
fn names(text: &str) -> BTreeSet<String> {
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let words = text.split(|c| !is_name(c));
    let names = words.filter(|word| word.starts_with("portcullis_") && !word.ends_with('_'));
    names.map(str::to_owned).collect()
}

/// The figures that the source counts or sets.
fn counted() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![repository().join("crates/server/src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            let calls = ["counter!(", "gauge!(", "histogram!("];
            for call in calls {
                for rest in text.split(call).skip(1) {
                    let quoted = rest.trim_start().strip_prefix('"');
                    let name = quoted.and_then(|rest| rest.split('"').next());
                    found.extend(name.map(str::to_owned));
                }
            }
        }
    }
    found
}

#[test]
fn every_figure_that_is_shown_alerted_or_documented_exists() {
    let counted = counted();
    assert!(counted.len() > 20, "{counted:?}");
    for file in [
        "integrations/grafana/portcullis.json",
        "integrations/prometheus/portcullis.rules.yml",
        "docs/operations.md",
    ] {
        let named = names(&read(file));
        assert!(named.len() > 10, "{file} names {named:?}");
        let unknown: Vec<_> = named.difference(&counted).collect();
        assert!(
            unknown.is_empty(),
            "{file} names {unknown:?}, which nothing counts"
        );
    }
}

#[test]
fn the_dashboard_is_one_that_grafana_can_import() {
    let text = read("integrations/grafana/portcullis.json");
    let dashboard: Value = serde_json::from_str(&text).unwrap();
    assert!(dashboard["uid"].is_string() && dashboard["schemaVersion"].is_number());
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<u64> = panels
        .iter()
        .map(|panel| panel["id"].as_u64().unwrap())
        .collect();
    assert_eq!(ids.len(), panels.len(), "each panel has an id of its own");
    for panel in panels.iter().filter(|panel| panel["type"] != "row") {
        let title = &panel["title"];
        assert!(
            panel["description"]
                .as_str()
                .is_some_and(|text| text.ends_with('.')),
            "{title}"
        );
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{title}");
        let place = &panel["gridPos"];
        let right = place["x"].as_u64().unwrap() + place["w"].as_u64().unwrap();
        assert!(right <= 24, "{title}");
        for target in panel["targets"].as_array().unwrap() {
            let asked = target["expr"].as_str().unwrap();
            let [open, close] = ['(', ')'].map(|c| asked.matches(c).count());
            assert_eq!(open, close, "{asked}");
            assert!(!names(asked).is_empty(), "{asked}");
        }
    }
}

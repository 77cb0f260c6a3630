//! `portcullis advisories list`: vulnerabilities, each once, whatever many records speak of it.

use std::cmp::Reverse;
use std::sync::Arc;

use portcullis_core::advisory::Group;
use portcullis_core::fact::Fact;
use portcullis_core::pypi::name::ProjectName;
use portcullis_server::App;
use serde_json::{Value, json};

use super::known;
use crate::exit::Exit;
use crate::output::{Format, print, print_json, table};

pub(super) fn list(
    app: &App,
    project: Option<&ProjectName>,
    limit: usize,
    format: Format,
) -> anyhow::Result<Exit> {
    let known = known(app)?;
    let projects: Vec<&ProjectName> = match project {
        Some(project) => vec![project],
        None => known.index.projects().collect(),
    };
    let mut found: Vec<(&ProjectName, &Arc<Group>)> = projects
        .into_iter()
        .flat_map(|project| {
            let groups = known.index.groups(project).iter();
            groups.map(move |group| (project, group))
        })
        .collect();
    found
        .sort_by_key(|(project, group)| (Reverse(group.modified), *project, Arc::clone(&group.id)));
    let all = found.len();
    found.truncate(limit);
    match format {
        Format::Json => {
            let listed: Vec<Value> = found
                .iter()
                .map(|(project, group)| as_json(project, group))
                .collect();
            print_json(&json!({ "vulnerabilities": listed, "all": all }))?;
        }
        Format::Text if found.is_empty() => print("No advisory is about it.")?,
        Format::Text => {
            let rows = found.iter().map(|(project, group)| cells(project, group));
            print(&table(
                ["id", "project", "severity", "fixed in", "what"],
                rows,
            ))?;
            if all > found.len() {
                print(&format!("\n{} of {all}; --limit shows more.", found.len()))?;
            }
        }
    }
    Ok(Exit::Clean)
}

fn cells(project: &ProjectName, group: &Group) -> [String; 5] {
    let severity = group.severity.as_ref();
    let exploited = matches!(&group.exploited, Fact::Known(Some(_)));
    let mut severity = severity.map_or("unrated".to_owned(), |severity| {
        format!("{} {}", severity.score, severity.score.rating())
    });
    if exploited {
        severity.push_str(", exploited");
    }
    let last = group.fixed.last();
    [
        group.id.to_string(),
        project.to_string(),
        severity,
        last.map_or("no fix yet".to_owned(), ToString::to_string),
        group.summary.to_string(),
    ]
}

pub(super) fn as_json(project: &ProjectName, group: &Group) -> Value {
    let severity = group.severity.as_ref();
    json!({
        "id": group.id,
        "aliases": group.aliases,
        "project": project,
        "summary": group.summary,
        "cvss": severity.map(|severity| severity.score),
        "rating": severity.map(|severity| severity.score.rating()),
        "epss": group.epss.known().and_then(Option::as_ref),
        "exploited": group.exploited.known().and_then(Option::as_ref),
        "published": group.published,
        "modified": group.modified,
        "fixed": group.fixed.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

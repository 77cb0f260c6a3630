//! `portcullis advisories show`: one advisory.

use portcullis_core::advisory::{Group, Record};
use portcullis_core::fact::Fact;
use portcullis_core::pypi::name::ProjectName;
use portcullis_server::App;
use portcullis_server::feeds::Advisories;
use serde_json::Value;

use super::known;
use crate::exit::{Exit, failure};
use crate::output::{Format, paragraph, print, print_json, visible};

pub(super) fn show(app: &App, id: &str, format: Format) -> anyhow::Result<Exit> {
    let known = known(app)?;
    let found: Vec<&Record> = match known.set.get(id) {
        Some(record) => vec![record],
        None => by_alias(&known, id),
    };
    if found.is_empty() {
        return Err(failure(
            format!("no advisory that is loaded here has the id or alias {id}"),
            "see `portcullis advisories list --project NAME`, and `portcullis advisories status` for \
             how old they are",
        ));
    }
    match format {
        Format::Json => {
            let ids = found.iter().map(|record| &*record.id);
            let originals = known.originals(ids)?;
            let originals: Result<Vec<Value>, _> = originals
                .iter()
                .map(|original| serde_json::from_slice(original))
                .collect();
            match &originals?[..] {
                [only] => print_json(only)?,
                several => print_json(&several)?,
            }
        }
        Format::Text => {
            for record in found {
                print(&text(&known, record))?;
            }
        }
    }
    Ok(Exit::Clean)
}

fn by_alias<'k>(known: &'k Advisories, alias: &str) -> Vec<&'k Record> {
    let has_alias = |record: &&Record| {
        let mut names = record.aliases.iter().chain([&record.id]);
        names.any(|name| name.eq_ignore_ascii_case(alias))
    };
    let records = known.set.records().map(AsRef::as_ref);
    records.filter(has_alias).collect()
}

fn text(known: &Advisories, record: &Record) -> String {
    let mut text = format!("{}\n", visible(&record.id));
    if !record.summary.is_empty() {
        text += &paragraph(2, &record.summary);
    }
    text.push('\n');
    let mut line = |what: &str, said: String| {
        text += &format!("  {what:<10} {}\n", visible(&said));
    };
    if !record.aliases.is_empty() {
        let aliases: Vec<&str> = record.aliases.iter().map(AsRef::as_ref).collect();
        line("also", aliases.join(", "));
    }
    for (what, at) in [
        ("published", record.published),
        ("modified", record.modified),
        ("withdrawn", record.withdrawn),
    ] {
        if let Some(at) = at {
            line(what, at.to_minute());
        }
    }
    if let Some(why) = &record.malicious {
        line("malicious", why.to_string());
    }
    for affected in &record.affected {
        line("project", affected.project.to_string());
        if let Some(severity) = &affected.severity {
            let score = severity.score;
            line(
                "severity",
                format!("{score} {} ({})", score.rating(), severity.basis),
            );
        }
        let fixed: Vec<String> = affected.fixed().iter().map(ToString::to_string).collect();
        line(
            "fixed in",
            match fixed.is_empty() {
                true => "no version yet".to_owned(),
                false => fixed.join(", "),
            },
        );
        if let Some(group) = group_of(known, &affected.project, record) {
            line(
                "EPSS",
                of_fact(&group.epss, |epss| epss.probability.to_string()),
            );
            line(
                "exploited",
                of_fact(&group.exploited, |entry| match entry.added {
                    Some(added) => format!("yes, listed since {}", added.to_minute()),
                    None => "yes".to_owned(),
                }),
            );
        }
    }
    text
}

fn group_of<'k>(
    known: &'k Advisories,
    project: &ProjectName,
    record: &Record,
) -> Option<&'k Group> {
    let groups = known.index.groups(project).iter().map(AsRef::as_ref);
    groups
        .into_iter()
        .find(|group: &&Group| group.names().any(|name| *name == record.id))
}

fn of_fact<T>(fact: &Fact<Option<T>>, say: impl Fn(&T) -> String) -> String {
    match fact {
        Fact::Known(Some(value)) => say(value),
        Fact::Known(None) => "not listed".to_owned(),
        Fact::Unknown(why) => why.to_string(),
    }
}

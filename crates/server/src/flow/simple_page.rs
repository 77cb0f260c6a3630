//! A project's page: gathered, judged, presented, rendered, and kept as bytes for as long as nothing
//! that it rests on has changed.

use std::sync::Arc;

use portcullis_core::index::Index;
use portcullis_core::policy::Decision;
use portcullis_core::presentation;
use portcullis_core::pypi::filename::{DistFilename, DistKind};
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::pypi::negotiate::Format;
use portcullis_core::pypi::simple::{CoreMetadata, PageFile, ProjectPage};
use portcullis_core::pypi::simple_json::{Namespaces, ProjectNamespace};
use portcullis_core::pypi::{simple_html, simple_json};

use super::evidence;
use super::gather::{Gathered, gather};
use crate::app::App;
use crate::error::FlowError;
use crate::rendered::{PageKey, Rendered, Validity};
use crate::source_page::Freshness;

/// The page of a project in one form, ready to be sent.
///
/// # Errors
/// [`FlowError`]: absent, or a source that cannot be asked.
pub async fn page(
    app: &Arc<App>,
    index: &Index,
    project: &ProjectName,
    format: Format,
) -> Result<Arc<Rendered>, FlowError> {
    let key = PageKey {
        index: index.name.clone(),
        project: project.clone(),
        format,
    };
    if let Some(page) = app.rendered.get(&key)
        && page.valid.holds(app.epoch(), app.now())
    {
        return Ok(page);
    }
    let changes = app.hosted_changes();
    let gathered = gather(app, index, project).await?;
    let judged = judged_page(app, &gathered)?;
    evidence::record_shown(app, &judged.decisions);
    let valid = Validity {
        epoch: gathered.epoch,
        changes_at: judged
            .decisions
            .iter()
            .filter_map(|decision| decision.changes_at())
            .min(),
        freshness: gathered
            .page
            .as_ref()
            .map_or_else(Freshness::forever, |page| page.freshness.clone()),
    };
    let page = judged.page;
    let (app_of_task, project) = (Arc::clone(app), project.clone());
    let rendered = tokio::task::spawn_blocking(move || {
        Arc::new(Rendered::new(
            render(&app_of_task, &project, &page, format),
            valid,
        ))
    });
    let rendered = rendered.await.map_err(|_| FlowError::Stopping)?;
    rendered.compress_in_advance();
    app.remember_rendered(key, &rendered, changes);
    Ok(rendered)
}

/// A project's page as installers are to see it, with the decisions behind it.
pub struct JudgedPage {
    /// The page. File URLs are relative to `/simple/{project}/`.
    pub page: ProjectPage,
    /// The decisions about its files, or the one about its name.
    pub decisions: Vec<Arc<Decision>>,
}

/// Judges what was gathered and presents it.
///
/// # Errors
/// [`FlowError::Absent`] when no source has the project and nothing speaks against its name.
pub fn judged_page(app: &App, gathered: &Gathered) -> Result<JudgedPage, FlowError> {
    let name = gathered.judge_name(app);
    let listed = gathered
        .page
        .as_ref()
        .filter(|page| !page.page.files.is_empty());
    if listed.is_none() && !name.lets_through() {
        let page = with_our_addresses(presentation::tombstone(&name));
        return Ok(JudgedPage {
            page,
            decisions: vec![name],
        });
    }
    let Some(source_page) = &gathered.page else {
        return Err(FlowError::Absent(format!(
            "no source of index {} has {}",
            gathered.facts.index, gathered.facts.project
        )));
    };
    let decisions = gathered.judge_files(app);
    let page = presentation::present(source_page.page.clone(), &decisions);
    Ok(JudgedPage {
        page: with_our_addresses(page),
        decisions,
    })
}

/// Makes every file's address ours, and offers metadata for every wheel, since it can always be had.
fn with_our_addresses(mut page: ProjectPage) -> ProjectPage {
    let prefix = format!("../../files/{}/", page.name);
    for file in &mut page.files {
        file.url = format!("{prefix}{}", encoded(&file.filename)).into();
        let is_wheel = is_wheel(file, &page.name);
        if is_wheel && !file.core_metadata.is_offered() {
            file.core_metadata = CoreMetadata::Unhashed;
        }
        if !is_wheel {
            file.core_metadata = CoreMetadata::Absent;
        }
    }
    page
}

fn is_wheel(file: &PageFile, project: &ProjectName) -> bool {
    let parsed = DistFilename::parse(&file.filename, Some(project));
    parsed.is_ok_and(|name| matches!(name.kind(), DistKind::Wheel(_)))
}

/// A file name as a segment of a URL.
fn encoded(filename: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~+!".contains(&b);
    let mut encoded = String::with_capacity(filename.len());
    for byte in filename.bytes() {
        if plain(byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

fn render(app: &App, project: &ProjectName, page: &ProjectPage, format: Format) -> Vec<u8> {
    match format {
        Format::Json => {
            let names = app.names.load();
            let all = names.owned.namespaces();
            let of_project: Vec<ProjectNamespace> = all
                .iter()
                .filter(|namespace| is_within(project, namespace))
                .map(|namespace| ProjectNamespace {
                    name: namespace.clone(),
                    owned: true,
                })
                .collect();
            let namespaces = match all.is_empty() {
                true => Namespaces::Unsupported,
                false => Namespaces::Of(&of_project),
            };
            simple_json::render(page, namespaces)
        }
        Format::Html | Format::LegacyHtml => simple_html::render(page).into_bytes(),
    }
}

fn is_within(project: &ProjectName, namespace: &ProjectName) -> bool {
    let rest = project.as_str().strip_prefix(namespace.as_str());
    rest.is_some_and(|rest| rest.starts_with('-'))
}

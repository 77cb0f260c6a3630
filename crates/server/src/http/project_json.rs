//! `/pypi/{project}/json` and `/pypi/{project}/{version}/json`, which some tools and many scripts read.
//! They say what the project's page says, with the newest file's metadata where it is at hand.

use std::str::FromStr as _;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use portcullis_core::pypi::filename::DistFilename;
use portcullis_core::pypi::metadata::CoreMetadata;
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::pypi::project_json::{latest_version, render_project, render_release};
use portcullis_core::pypi::simple::ProjectPage;
use portcullis_core::pypi::version::Version;

use super::problem::problem;
use super::{Peer, base_url};
use crate::app::App;
use crate::error::FlowError;
use crate::flow::gather::gather;
use crate::flow::{download, metadata, simple_page};
use crate::identity::Caller;

type Asked = (HeaderMap, Option<axum::Extension<Peer>>);

pub(super) async fn default_project(
    State(app): State<Arc<App>>,
    Path(project): Path<String>,
    asked: Asked,
) -> Response {
    answer(&app, None, &project, None, asked).await
}

pub(super) async fn default_release(
    State(app): State<Arc<App>>,
    Path((project, version)): Path<(String, String)>,
    asked: Asked,
) -> Response {
    answer(&app, None, &project, Some(&version), asked).await
}

pub(super) async fn project(
    State(app): State<Arc<App>>,
    Path((index, project)): Path<(String, String)>,
    asked: Asked,
) -> Response {
    answer(&app, Some(&index), &project, None, asked).await
}

pub(super) async fn release(
    State(app): State<Arc<App>>,
    Path((index, project, version)): Path<(String, String, String)>,
    asked: Asked,
) -> Response {
    answer(&app, Some(&index), &project, Some(&version), asked).await
}

async fn answer(
    app: &Arc<App>,
    index: Option<&str>,
    project: &str,
    version: Option<&str>,
    (headers, peer): Asked,
) -> Response {
    let flow = async {
        let index_of = app.index(index)?;
        let caller = Caller::of(app, &headers, peer.map(|peer| peer.0.0.ip())).await?;
        caller.may_read(app)?;
        let name =
            ProjectName::new(project).map_err(|error| FlowError::Absent(error.to_string()))?;
        let gathered = gather(app, index_of, &name).await?;
        let mut page = simple_page::judged_page(app, &gathered)?.page.into_owned();
        make_absolute(&mut page, &prefix(app, &headers, index));
        let asked = version.map(Version::from_str).transpose();
        let asked =
            asked.map_err(|_| FlowError::Absent(format!("{version:?} is not a version")))?;
        let shown = asked.clone().or_else(|| latest_version(&page));
        let metadata = match &shown {
            Some(version) => metadata_of(app, index_of, &page, version).await,
            None => None,
        };
        match &asked {
            None => Ok(render_project(&page, metadata.as_ref())),
            Some(version) => render_release(&page, version, metadata.as_ref())
                .ok_or_else(|| FlowError::Absent(format!("{name} has no version {version}"))),
        }
    };
    match flow.await {
        Ok(bytes) => json(bytes),
        Err(error) => problem(app, &headers, &error),
    }
}

fn prefix(app: &App, headers: &HeaderMap, index: Option<&str>) -> String {
    let base = base_url(app, headers);
    match index {
        Some(index) => format!("{base}/{index}/"),
        None => format!("{base}/"),
    }
}

fn make_absolute(page: &mut ProjectPage, prefix: &str) {
    for file in &mut page.files {
        if let Some(rest) = file.url.strip_prefix("../../") {
            file.url = format!("{prefix}{rest}").into();
        }
    }
}

/// The metadata of a wheel of `version`, where it can be had. The document is of use without.
async fn metadata_of(
    app: &Arc<App>,
    index: &portcullis_core::index::Index,
    page: &ProjectPage,
    version: &Version,
) -> Option<CoreMetadata> {
    let is_wheel_of = |filename: &str| {
        DistFilename::parse(filename, Some(&page.name))
            .is_ok_and(|name| name.is_wheel() && name.version() == Some(version))
    };
    let wheel = page.files.iter().find(|file| is_wheel_of(&file.filename))?;
    let candidate = download::candidate(app, index, &page.name, &wheel.filename)
        .await
        .ok()?;
    let (_, bytes) = metadata::metadata(app, &candidate).await.ok()?;
    CoreMetadata::parse(&bytes).ok()
}

fn json(bytes: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(bytes));
    let fields = response.headers_mut();
    fields.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    fields.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    fields.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

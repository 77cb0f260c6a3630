//! Reserved namespaces (PEP 752): the owned prefixes, as that standard presents them.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::pypi::simple_json::{NamespaceDetail, render_namespace, render_namespaces};

use super::Peer;
use super::problem::problem;
use crate::app::App;
use crate::error::FlowError;
use crate::identity::Caller;

type Asked = (HeaderMap, Option<axum::Extension<Peer>>);

pub(super) async fn all(State(app): State<Arc<App>>, asked: Asked) -> Response {
    answer(&app, asked, |namespaces| Ok(render_namespaces(namespaces))).await
}

pub(super) async fn one(
    State(app): State<Arc<App>>,
    Path(namespace): Path<String>,
    asked: Asked,
) -> Response {
    let find = |namespaces: &[ProjectName]| {
        let absent = || FlowError::Absent(format!("{namespace} is not a reserved namespace"));
        let name = ProjectName::new(&namespace).map_err(|_| absent())?;
        match namespaces.contains(&name) {
            true => Ok(render_namespace(&detail(&name, namespaces))),
            false => Err(absent()),
        }
    };
    answer(&app, asked, find).await
}

fn detail(name: &ProjectName, all: &[ProjectName]) -> NamespaceDetail {
    let contains = |outer: &ProjectName, inner: &ProjectName| {
        inner
            .as_str()
            .strip_prefix(outer.as_str())
            .is_some_and(|rest| rest.starts_with('-'))
    };
    let parent_of = |inner: &ProjectName| {
        all.iter()
            .filter(|outer| contains(outer, inner))
            .max_by_key(|outer| outer.as_str().len())
    };
    NamespaceDetail {
        name: name.clone(),
        parent: parent_of(name).cloned(),
        children: all
            .iter()
            .filter(|inner| parent_of(inner) == Some(name))
            .cloned()
            .collect(),
        owner: None,
    }
}

async fn answer(
    app: &Arc<App>,
    (headers, peer): Asked,
    render: impl FnOnce(&[ProjectName]) -> Result<Vec<u8>, FlowError>,
) -> Response {
    let flow = async {
        let caller = Caller::of(app, &headers, peer.map(|peer| peer.0.0.ip())).await?;
        caller.may_read(app)?;
        render(&app.names.load().owned.namespaces())
    };
    match flow.await {
        Ok(bytes) => {
            let mut response = Response::new(Body::from(bytes));
            let json = HeaderValue::from_static("application/json");
            response.headers_mut().insert(CONTENT_TYPE, json);
            response
        }
        Err(error) => problem(&app.clone(), &headers, &error),
    }
}

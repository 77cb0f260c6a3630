//! The API of OSV over the advisories that are loaded here (`POST /v1/query`, `POST /v1/querybatch` and
//! `GET /v1/vulns/ID` of osv.dev), so that tools that ask OSV can ask the gateway. Answers are never in
//! pages: `next_page_token` does not occur.
//!
//! While no advisories are loaded, no question is answered: an empty answer would say that all is well.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;
use portcullis_core::advisory::Advisory;
use portcullis_core::fact::Fact;
use portcullis_core::pypi::name::ProjectName;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Peer;
use super::api::whole;
use super::problem::problem;
use crate::app::App;
use crate::error::FlowError;
use crate::feeds::Advisories;
use crate::identity::Caller;

/// Since when no advisory is known to have been missed.
const AS_OF: HeaderName = HeaderName::from_static("x-portcullis-advisories-as-of");

/// The most questions in one batch, as OSV has it.
const MOST_QUESTIONS: usize = 1000;

/// The longest question or batch, in bytes.
const LONGEST: usize = 1 << 20;

/// All routes, without their prefix.
pub(super) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/v1/query", post(query))
        .route("/v1/querybatch", post(query_batch))
        .route("/v1/vulns/{id}", get(vulnerability))
}

/// A question. What is about commits is understood, and has no answer here.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Question {
    version: Option<String>,
    package: Option<Package>,
    commit: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Package {
    name: Option<String>,
    ecosystem: Option<String>,
    purl: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Batch {
    queries: Vec<Question>,
}

/// What is asked about.
#[derive(Debug, PartialEq, Eq)]
struct Subject {
    project: ProjectName,
    /// As it was spelled; `None`: every version.
    version: Option<String>,
}

impl Question {
    /// What is asked about; `None` where it is nothing of PyPI.
    ///
    /// # Errors
    /// [`FlowError::Invalid`] when the question contradicts itself, or asks about nothing.
    fn subject(&self) -> Result<Option<Subject>, FlowError> {
        let invalid = |what: &str| Err(FlowError::Invalid(what.to_owned()));
        let Some(package) = &self.package else {
            return match self.commit {
                Some(_) => Ok(None),
                None => invalid("a query needs a package, or a commit"),
            };
        };
        match (&package.purl, &package.name, &package.ecosystem) {
            (Some(_), Some(_), _) | (Some(_), _, Some(_)) => {
                invalid("a package has a purl, or a name and an ecosystem")
            }
            (Some(purl), None, None) => self.subject_of_purl(purl),
            (None, Some(name), Some(ecosystem)) if ecosystem.eq_ignore_ascii_case("PyPI") => {
                Ok(self.subject_of(name, self.version.clone()))
            }
            (None, Some(_), Some(_)) => Ok(None),
            (None, _, _) => invalid("a package has a purl, or a name and an ecosystem"),
        }
    }

    /// What is no name of a project is the name of no project, and nothing is known of it.
    fn subject_of(&self, name: &str, version: Option<String>) -> Option<Subject> {
        let project = ProjectName::new(name).ok()?;
        Some(Subject { project, version })
    }

    /// A package URL (ECMA-427): `pkg:pypi/NAME@VERSION?QUALIFIERS#SUBPATH`.
    fn subject_of_purl(&self, purl: &str) -> Result<Option<Subject>, FlowError> {
        let Some(rest) = purl.strip_prefix("pkg:") else {
            return Err(FlowError::Invalid("a purl starts with pkg:".to_owned()));
        };
        let rest = rest.trim_start_matches('/');
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let Some((kind, name)) = rest.split_once('/') else {
            return Err(FlowError::Invalid("the purl names no package".to_owned()));
        };
        if !kind.eq_ignore_ascii_case("pypi") {
            return Ok(None);
        }
        let plain = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let (name, version) = match name.split_once('@') {
            Some((name, version)) => (plain(name), Some(plain(version))),
            None => (plain(name), None),
        };
        match (version, &self.version) {
            (Some(_), Some(_)) => Err(FlowError::Invalid(
                "the version is given twice: in the purl and beside it".to_owned(),
            )),
            (version, beside) => Ok(self.subject_of(&name, version.or_else(|| beside.clone()))),
        }
    }
}

fn affecting<'a>(known: &'a Advisories, subject: &Subject) -> Vec<&'a Arc<Advisory>> {
    let all = known.index.of(&subject.project).iter();
    let affects = |advisory: &&Arc<Advisory>| match &subject.version {
        Some(version) => advisory.affects_spelled(version),
        None => advisory.record().withdrawn.is_none(),
    };
    all.filter(affects).collect()
}

type Asked = (HeaderMap, Option<axum::Extension<Peer>>);

async fn query(State(app): State<Arc<App>>, asked: Asked, body: Body) -> Response {
    let headers = asked.0.clone();
    let flow = async {
        let known = admitted(&app, &asked).await?;
        let question: Question = parsed(body).await?;
        let Some(subject) = question.subject()? else {
            return Ok("{}".to_owned());
        };
        let found = tokio::task::spawn_blocking(move || {
            let ids = affecting(&known, &subject);
            known.originals(ids.iter().map(|advisory| &**advisory.id()))
        });
        Ok(vulns(&originals(found.await)?))
    };
    answer(&app, &headers, flow.await)
}

async fn query_batch(State(app): State<Arc<App>>, asked: Asked, body: Body) -> Response {
    let headers = asked.0.clone();
    let flow = async {
        let known = admitted(&app, &asked).await?;
        let batch: Batch = parsed(body).await?;
        if batch.queries.len() > MOST_QUESTIONS {
            let what = format!("at most {MOST_QUESTIONS} queries in one batch");
            return Err(FlowError::Invalid(what));
        }
        let one = |question: &Question| -> Result<Value, FlowError> {
            let found = match question.subject()? {
                Some(subject) => affecting(&known, &subject),
                None => Vec::new(),
            };
            let brief = |advisory: &&Arc<Advisory>| json!({ "id": advisory.id(), "modified": advisory.record().modified });
            Ok(match found.is_empty() {
                true => json!({}),
                false => json!({ "vulns": found.iter().map(brief).collect::<Vec<_>>() }),
            })
        };
        let results: Result<Vec<Value>, FlowError> = batch.queries.iter().map(one).collect();
        Ok(json!({ "results": results? }).to_string())
    };
    answer(&app, &headers, flow.await)
}

async fn vulnerability(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    asked: Asked,
) -> Response {
    let headers = asked.0.clone();
    let flow = async {
        let known = admitted(&app, &asked).await?;
        let wanted = id.clone();
        let found = tokio::task::spawn_blocking(move || known.originals([wanted.as_str()]));
        let absent = || FlowError::Absent(format!("there is no advisory {id} here"));
        let found = originals(found.await)?.pop().ok_or_else(absent)?;
        Ok(String::from_utf8_lossy(&found).into_owned())
    };
    answer(&app, &headers, flow.await)
}

/// The advisories, for one who may read.
async fn admitted(app: &Arc<App>, (headers, peer): &Asked) -> Result<Arc<Advisories>, FlowError> {
    let address = peer.as_ref().map(|peer| peer.0.0.ip());
    let caller = Caller::of(app, headers, address).await?;
    caller.may_read(app)?;
    match app.knowledge.feeds.load().advisories() {
        Fact::Known(known) => Ok(known),
        Fact::Unknown(why) => Err(FlowError::Job(format!(
            "{why}, so that nothing can be said about vulnerabilities"
        ))),
    }
}

async fn parsed<T: for<'de> Deserialize<'de>>(body: Body) -> Result<T, FlowError> {
    let bytes = whole(body, LONGEST).await?;
    serde_json::from_slice(&bytes)
        .map_err(|error| FlowError::Invalid(format!("the query cannot be understood: {error}")))
}

type Found<E> = Result<Result<Vec<Vec<u8>>, E>, tokio::task::JoinError>;

fn originals<E: std::fmt::Display>(found: Found<E>) -> Result<Vec<Vec<u8>>, FlowError> {
    let found = found.map_err(|error| FlowError::Job(error.to_string()))?;
    found.map_err(|error| FlowError::Job(error.to_string()))
}

/// The records as they came, in one object. Without any it is empty, as with OSV.
fn vulns(records: &[Vec<u8>]) -> String {
    if records.is_empty() {
        return "{}".to_owned();
    }
    let records: Vec<_> = records
        .iter()
        .map(|record| String::from_utf8_lossy(record))
        .collect();
    format!("{{\"vulns\":[{}]}}", records.join(","))
}

fn answer(app: &Arc<App>, headers: &HeaderMap, outcome: Result<String, FlowError>) -> Response {
    let text = match outcome {
        Ok(text) => text,
        Err(error) => return problem(app, headers, &error),
    };
    let mut response = Response::new(Body::from(text));
    let fields = response.headers_mut();
    fields.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let as_of = app.knowledge.feeds.load().advisories_as_of();
    let as_of = as_of.and_then(|at| HeaderValue::try_from(at.to_string()).ok());
    fields.extend(as_of.map(|as_of| (AS_OF, as_of)));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(json: &str) -> String {
        let question: Question = serde_json::from_str(json).expect(json);
        match question.subject() {
            Ok(Some(subject)) => {
                format!(
                    "{} {}",
                    subject.project,
                    subject.version.unwrap_or_default()
                )
            }
            Ok(None) => "nothing of PyPI".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn questions_are_understood_in_both_forms() {
        for (json, expected) in [
            (
                r#"{"package":{"name":"Jinja_2","ecosystem":"PyPI"},"version":"3.1"}"#,
                "jinja-2 3.1",
            ),
            (
                r#"{"package":{"name":"jinja2","ecosystem":"PyPI"}}"#,
                "jinja2 ",
            ),
            (
                r#"{"package":{"purl":"pkg:pypi/jinja2@3.1?x=y#z"}}"#,
                "jinja2 3.1",
            ),
            (
                r#"{"package":{"purl":"pkg:pypi/jinja2"},"version":"3.1"}"#,
                "jinja2 3.1",
            ),
            (
                r#"{"package":{"purl":"pkg:pypi/torch@2.0%2Bcu118"}}"#,
                "torch 2.0+cu118",
            ),
            (
                r#"{"package":{"purl":"pkg:npm/left-pad@1"}}"#,
                "nothing of PyPI",
            ),
            (
                r#"{"package":{"name":"a","ecosystem":"npm"}}"#,
                "nothing of PyPI",
            ),
            (
                r#"{"package":{"name":"no name!","ecosystem":"PyPI"}}"#,
                "nothing of PyPI",
            ),
            (r#"{"commit":"6879efc2"}"#, "nothing of PyPI"),
            (r#"{}"#, "a query needs a package, or a commit"),
            (
                r#"{"package":{"purl":"pkg:pypi/a@1"},"version":"2"}"#,
                "the version is given twice: in the purl and beside it",
            ),
            (
                r#"{"package":{"purl":"pkg:pypi/a","name":"a"}}"#,
                "a package has a purl, or a name and an ecosystem",
            ),
            (
                r#"{"package":{"purl":"pypi/a"}}"#,
                "a purl starts with pkg:",
            ),
        ] {
            assert_eq!(subject(json), expected, "{json}");
        }
    }
}

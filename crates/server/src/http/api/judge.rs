//! `POST /api/v1/judge`: what would be refused of a lock, why, and what would pass in its place.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use portcullis_core::advisory::Affecting;
use portcullis_core::digest::Sha256;
use portcullis_core::explain;
use portcullis_core::fact::Fact;
use portcullis_core::licence::Licence;
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::pypi::simple::{ProjectStatus, Yanked};
use portcullis_core::pypi::version::{Version, VersionSpecifiers, exact_version};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::openapi::Problem;
use super::{Request, submitted_up_to};
use crate::app::App;
use crate::error::FlowError;
use crate::flow::judge::{self, Detail, JudgedFile, JudgedRelease, Owner, Pin, Verdict};
use crate::http::base_url;
use crate::http::problem::told;

/// The largest question, in bytes: the hashes of a very large lock take some 5 MiB.
const LONGEST: usize = 16 << 20;

/// The most releases in one question.
const MOST_PINS: usize = 5_000;

/// The most digests and file names of one release.
const MOST_FILES: usize = 5_000;

/// How long a question may take before what was not answered is unknown. Clients wait for a minute.
const BUDGET: Duration = Duration::from_secs(45);

/// Releases that are asked about.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct JudgeRequest {
    /// The index; the default one where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    index: Option<String>,
    /// The releases.
    #[schema(max_items = 5_000)]
    pins: Vec<JudgePin>,
    /// Whether the licences of named versions are told, by the metadata that is on record here.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    licences: bool,
}

/// A release that is asked about.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schema(as = JudgePin)]
pub struct JudgePin {
    /// The project.
    #[schema(format = "project-name", example = "flask")]
    project: String,
    /// The version; what an installer would receive where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = "version", example = "3.1.3")]
    version: Option<String>,
    /// The versions that are wanted (PEP 440): only those are received and recommended. All where it is
    /// absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = "version-specifiers", example = ">=3,<4")]
    versions: Option<String>,
    /// The SHA-256 digests of the files that are allowed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Sha256Text>)]
    hashes: Vec<Sha256>,
    /// The names of the files that are allowed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    filenames: Vec<String>,
}

/// A SHA-256 digest in hexadecimal.
#[derive(ToSchema)]
#[schema(value_type = String, format = "sha256")]
#[allow(dead_code, reason = "it describes the digests, which are parsed")]
struct Sha256Text(String);

/// Judge what a lock has settled
///
/// For every release, in the order of the question: the decision, what was found and what to do about it, its
/// files with their digests, whether the digests that were given are theirs, the nearest version that would
/// pass, and the vulnerabilities that are known of it. What cannot be found out in time is `unknown`.
#[utoipa::path(post, path = "/judge", tag = "decisions", request_body = JudgeRequest,
    security((), ("basic" = []), ("bearer" = [])),
    responses((status = 200, body = Object), (status = "default", response = Problem)))]
pub(super) async fn judge(State(app): State<Arc<App>>, request: Request, body: Body) -> Response {
    let answer = answer(&app, &request, body).await;
    request.answer(&app, answer)
}

async fn answer(app: &Arc<App>, request: &Request, body: Body) -> Result<Value, FlowError> {
    request.by_a_reader(app).await?;
    let asked: JudgeRequest = submitted_up_to(LONGEST, &request.headers, body).await?;
    answered(app, asked, &base_url(app, &request.headers)).await
}

/// The answer to a question, with the addresses of explanations below `base`.
///
/// # Errors
/// [`FlowError::Invalid`] when the question cannot be understood, [`FlowError::Absent`] when there is no such
/// index.
pub async fn answered(app: &Arc<App>, asked: JudgeRequest, base: &str) -> Result<Value, FlowError> {
    if asked.pins.len() > MOST_PINS {
        let what = format!("at most {MOST_PINS} pins in one question");
        return Err(FlowError::Invalid(what));
    }
    let index = app.index(asked.index.as_deref())?;
    let pins: Result<Vec<Pin>, FlowError> = asked.pins.into_iter().enumerate().map(read).collect();
    let detail = match asked.licences {
        true => Detail::Licences,
        false => Detail::AtHand,
    };
    let judged = judge::judge(app, index, pins?, detail, BUDGET).await;
    let policy = app.policy(&index.name);
    let as_of = app.knowledge.feeds.load().advisories_as_of();
    let release = |judged: &JudgedRelease| release(app, base, judged);
    Ok(json!({
        "index": index.name,
        "policy": policy.digest(),
        "advisories-as-of": as_of,
        "pins": judged.iter().map(release).collect::<Vec<_>>(),
    }))
}

/// Reads a pin, of which the error tells the position (0-based).
fn read((position, pin): (usize, JudgePin)) -> Result<Pin, FlowError> {
    let invalid = |what: String| FlowError::Invalid(format!("pins[{position}]: {what}"));
    if pin.hashes.len() + pin.filenames.len() > MOST_FILES {
        return Err(invalid(format!("more than {MOST_FILES} files")));
    }
    let project = ProjectName::new(&pin.project).map_err(|error| invalid(error.to_string()))?;
    let version = pin.version.map(|text| text.parse::<Version>());
    let version = version
        .transpose()
        .map_err(|error| invalid(format!("version: {error}")))?;
    let wanted = pin.versions.map(|text| text.parse::<VersionSpecifiers>());
    let wanted = wanted
        .transpose()
        .map_err(|error| invalid(format!("versions: {error}")))?;
    let wanted = wanted.unwrap_or_else(VersionSpecifiers::empty);
    // Of a pin, nothing else is wanted; a version to recommend is another one all the same.
    let exact = exact_version(&wanted).cloned();
    let (version, wanted) = match exact {
        Some(exact) => (version.or(Some(exact)), VersionSpecifiers::empty()),
        None => (version, wanted),
    };
    Ok(Pin {
        project,
        version,
        wanted,
        hashes: pin.hashes,
        filenames: pin.filenames,
    })
}

fn release(app: &App, base: &str, judged: &JudgedRelease) -> Value {
    let decision = judged.verdict.decision();
    let findings = decision.map(|decision| explain::decision(decision)["findings"].take());
    json!({
        "project": judged.project,
        "version": judged.version.as_ref().map(ToString::to_string),
        "decision": judged.verdict.as_str(),
        "sentence": decision.map(portcullis_core::policy::Decision::sentence),
        "unknown": why_unknown(&judged.verdict),
        "findings": findings.unwrap_or_else(|| json!([])),
        "is-ahead": decision.is_some_and(portcullis_core::policy::Decision::is_ahead),
        "why": decision.map(|decision| app.why_url(base, decision)),
        "has-project": judged.has_project,
        "first-upload": judged.first_upload.known(),
        "yanked": yanked(&judged.yanked),
        "status": judged.status.as_ref().map(status),
        "stale-since": judged.stale_since,
        "files": judged.files.iter().map(file).collect::<Vec<_>>(),
        "unlisted": judged.unlisted.iter().map(|(filename, recorded)| {
            json!({ "filename": filename, "recorded": recorded })
        }).collect::<Vec<_>>(),
        "hashes": judged.hashes.iter().map(|(sha256, owner)| {
            hash(judged, sha256, owner.as_ref())
        }).collect::<Vec<_>>(),
        "nearest": judged.nearest.as_ref().map(ToString::to_string),
        "advisories": judged.advisories.known().map(|known| {
            known.iter().map(advisory).collect::<Vec<_>>()
        }),
        "advisories-unknown": match &judged.advisories {
            Fact::Known(_) => None,
            Fact::Unknown(why) => Some(why),
        },
        "licence": judged.licence.known().map(licence),
    })
}

/// The expression, where there is one without a doubt, and the statements that it rests on.
fn licence(licence: &Licence) -> Value {
    let statements = licence.sources.iter().map(|source| &source.statement);
    json!({
        "expression": licence.expression().known().map(ToString::to_string),
        "statements": statements.collect::<Vec<_>>(),
    })
}

/// Why nothing is known: one clause, without where sources are.
fn why_unknown(verdict: &Verdict) -> Option<String> {
    match verdict {
        Verdict::Decided(_) | Verdict::Absent => None,
        Verdict::Unknown(error) => Some(told(error)),
        Verdict::OutOfTime(budget) => {
            let seconds = budget.as_secs_f32();
            Some(format!("its source did not answer within {seconds} s"))
        }
    }
}

/// Null where it is not yanked, and else the reason, which may be empty.
fn yanked(yanked: &Yanked) -> Option<&str> {
    match yanked {
        Yanked::No => None,
        Yanked::Yes => Some(""),
        Yanked::Because(reason) => Some(reason),
    }
}

fn status(status: &ProjectStatus) -> Value {
    json!({ "status": status.status, "reason": status.reason })
}

fn file(file: &JudgedFile) -> Value {
    let facts = &file.facts;
    json!({
        "filename": facts.filename,
        "sha256": facts.sha256.known(),
        "size": facts.size.known(),
        "upload-time": facts.upload_time.known(),
        "yanked": yanked(&facts.yanked),
        "effect": file.decision.effect(),
        "recorded": file.recorded,
    })
}

/// Whether a digest that was given is that of a file of the release, of another file of the project, or of
/// nothing that is known.
fn hash(judged: &JudgedRelease, sha256: &Sha256, owner: Option<&Owner>) -> Value {
    let all_known = judged
        .files
        .iter()
        .all(|file| file.facts.sha256.known().is_some());
    let is_of_release = |owner: &Owner| owner.version.is_some() && owner.version == judged.version;
    let belongs_to = match owner {
        Some(owner) if is_of_release(owner) => "release",
        Some(_) => "other-file",
        None if judged.files.is_empty() || !all_known => "unknown",
        None => "nothing",
    };
    json!({
        "sha256": sha256,
        "belongs-to": belongs_to,
        "filename": owner.map(|owner| &owner.filename),
    })
}

fn advisory(affecting: &Affecting) -> Value {
    let group = &affecting.group;
    let severity = group.severity.as_ref();
    json!({
        "id": group.id,
        "aliases": group.aliases,
        "summary": group.summary,
        "score": severity.map(|severity| severity.score.value()),
        "severity": severity.map(|severity| severity.score.rating()),
        "malicious": affecting.malicious,
        "exploited": group.exploited.known().map(Option::is_some),
        "epss": group.epss.known().copied().flatten().map(|epss| epss.probability),
        "fixed-in": affecting.lowest_fix.as_ref().map(ToString::to_string),
        "unaffected": affecting.lowest_unaffected.as_ref().map(ToString::to_string),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(json: &str) -> String {
        let pin: JudgePin = serde_json::from_str(json).expect(json);
        match read((7, pin)) {
            Ok(pin) => {
                let version = pin.version.map(|version| version.to_string());
                let version = version.unwrap_or_default();
                format!("{} {version} [{}]", pin.project, pin.wanted)
            }
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_pin_is_a_project_with_a_version_or_with_versions() {
        for (json, expected) in [
            (r#"{"project":"Foo_Bar","version":"1.0"}"#, "foo-bar 1.0 []"),
            (r#"{"project":"foo"}"#, "foo  []"),
            (r#"{"project":"foo","versions":">=1,<3"}"#, "foo  [>=1, <3]"),
            (r#"{"project":"foo","versions":"==1.0"}"#, "foo 1.0 []"),
            (
                r#"{"project":"foo","versions":">=1","version":"2.0"}"#,
                "foo 2.0 [>=1]",
            ),
        ] {
            assert_eq!(said(json), expected, "{json}");
        }
        for json in [
            r#"{"project":"no name!"}"#,
            r#"{"project":"foo","version":"one"}"#,
            r#"{"project":"foo","versions":"one"}"#,
        ] {
            assert!(said(json).starts_with("pins[7]: "), "{json}");
        }
    }
}

//! [`candidates`]: which releases may be written into requirements files, with their hashes and what they need, as a
//! gateway, or else a plain index, tells it. What is refused or yanked is no candidate.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt as _, stream};
use portcullis_core::digest::Sha256;
use portcullis_core::fact::Fact;
use portcullis_core::lint::pins::looks_elsewhere;
use portcullis_core::lint::{Candidate, Project, Question};
use portcullis_core::pypi::metadata::{CoreMetadata, MAX_METADATA_SIZE};
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::pypi::simple::{PageFile, ProjectPage, Yanked};
use portcullis_core::pypi::version::{Version, VersionSpecifiers};
use url::Url;

use super::answer::Judged;
use super::ask::QuestionPin;
use super::find::Found;
use super::plain::{Plain, digests};
use super::preflight::{ELSEWHERE, Means};
use crate::context::Place;
use crate::scan::index::{Asked, Listed};
use crate::scan::newest_on;

/// How many projects are asked about at a time.
const AT_ONCE: usize = 16;

/// How many metadata files of one release are read: as many as its wheels need different things.
const MOST_METADATA: usize = 8;

/// An answer to a question; where there is none, why, as a clause.
type Answered = Result<Candidate, String>;

/// What is known of each question. Fails where a gateway does not answer as one.
pub async fn candidates(
    project: &Project,
    means: &Means,
    questions: BTreeSet<Question>,
) -> anyhow::Result<Vec<(Question, Fact<Candidate>)>> {
    let questions: Vec<Question> = questions.into_iter().collect();
    let answers = match means {
        Means::Gateway(found) => of_gateway(project, found, &questions).await?,
        Means::Index(plain) => {
            let doubt = doubt(project, plain.index().roots());
            let chosen = questions.iter().map(|question| (question, doubt.clone()));
            all(
                plain,
                chosen.map(|(question, doubt)| (question, doubt.map_or(Ok(None), Err))),
            )
            .await
        }
    };
    let fact = |answer: Answered| match answer {
        Ok(candidate) => Fact::Known(candidate),
        Err(why) => Fact::Unknown(why.into()),
    };
    Ok(questions
        .into_iter()
        .zip(answers.into_iter().map(fact))
        .collect())
}

/// Why releases of the indexes that are asked may not be those that are installed.
fn doubt(project: &Project, roots: Vec<String>) -> Option<String> {
    let roots: Vec<&str> = roots.iter().map(String::as_str).collect();
    looks_elsewhere(project, &roots).then(|| ELSEWHERE.to_owned())
}

/// A release that a gateway lets through: its version and the digests of the files that it hands out.
type Passed = (Version, Fact<BTreeSet<Sha256>>);

async fn of_gateway(
    project: &Project,
    found: &Found,
    questions: &[Question],
) -> anyhow::Result<Vec<Answered>> {
    if let Some(why) = doubt(project, vec![found.simple.to_string()]) {
        return Ok(questions.iter().map(|_| Err(why.clone())).collect());
    }
    let pins: Vec<QuestionPin> = questions.iter().map(pin).collect();
    let judged = found.judge(&pins).await?;
    let plain = Plain::open(Some(&found.simple_with_token()), &Place::default()).await?;
    let passed = judged.iter().map(|judged| passed(judged).map(Some));
    Ok(all(&plain, questions.iter().zip(passed)).await)
}

fn pin(question: &Question) -> QuestionPin {
    let versions = question.versions();
    let exact = question.exact();
    QuestionPin {
        project: question.project.to_string(),
        versions: (exact.is_none() && !versions.is_empty()).then(|| versions.to_string()),
        version: exact.map(|version| version.to_string()),
        ..QuestionPin::default()
    }
}

fn passed(judged: &Judged) -> Result<Passed, String> {
    let absent = || "the gateway has no version of it that is wanted".to_owned();
    match judged.decision.as_str() {
        "allow" | "warn" => {}
        "absent" => return Err(absent()),
        "hold" | "deny" => return Err(refusal(judged)),
        _ => {
            let why = judged.unknown.clone();
            return Err(why.unwrap_or_else(|| "the gateway does not know it".to_owned()));
        }
    }
    if judged.yanked.is_some() {
        return Err("it was yanked".to_owned());
    }
    let version = judged.version.as_deref().and_then(|text| text.parse().ok());
    let handed_out = judged.files.iter();
    let handed_out = handed_out.filter(|file| matches!(file.effect.as_str(), "allow" | "warn"));
    let digests = handed_out.map(|file| file.sha256.as_deref()?.parse().ok());
    let digests: Option<BTreeSet<Sha256>> = digests.collect();
    Ok((
        version.ok_or_else(absent)?,
        Fact::known_or(digests, "the index does not give those of all files"),
    ))
}

fn refusal(judged: &Judged) -> String {
    let sentence = judged.sentence.as_deref().unwrap_or(&judged.decision);
    let sentence = sentence.trim_end_matches('.');
    match &judged.nearest {
        Some(nearest) => format!("the gateway refuses it ({sentence}); {nearest} would pass"),
        None => format!("the gateway refuses it ({sentence})"),
    }
}

/// Answers every question by the page of its project, in their order: with the release that was passed, or, where
/// none was, with the newest on the page.
async fn all<'q>(
    plain: &Plain,
    questions: impl Iterator<Item = (&'q Question, Result<Option<Passed>, String>)>,
) -> Vec<Answered> {
    let answers = questions.map(|(question, passed)| async move {
        let passed = passed?;
        let listed = plain.index().find(&question.project).await?;
        let listed = listed.ok_or("the index does not have it")?;
        let (version, digests) = match passed {
            Some(passed) => passed,
            None => on_page(&listed.page, question)?,
        };
        let needs = needs(&listed, &version).await;
        let (requires, requires_python) = match needs {
            Ok((requires, pythons)) => (Fact::Known(requires), pythons),
            Err(why) => (
                Fact::Unknown(why.into()),
                pythons_of(&listed.page, &version),
            ),
        };
        Ok(Candidate {
            version,
            digests,
            requires,
            requires_python,
        })
    });
    stream::iter(answers).buffered(AT_ONCE).collect().await
}

fn on_page(page: &ProjectPage, question: &Question) -> Result<Passed, String> {
    let version = newest_on(page, &question.versions());
    let version = version.ok_or("the index has no version of it that is wanted")?;
    let of_release = of_release(page, &version);
    if of_release.iter().all(|file| file.yanked != Yanked::No) {
        return Err("it was yanked".to_owned());
    }
    let digests = match digests(page, &version) {
        Ok(digests) => Fact::Known(digests.into_iter().collect()),
        Err(why) => Fact::Unknown(why.into()),
    };
    Ok((version, digests))
}

fn of_release<'p>(page: &'p ProjectPage, version: &Version) -> Vec<&'p PageFile> {
    let files = page.files.iter();
    let files = files.filter(|file| file.version(&page.name).as_ref() == Some(version));
    files.collect()
}

/// The Pythons that the page says a release is for. What cannot be read is left out, as installers do.
fn pythons_of(page: &ProjectPage, version: &Version) -> VersionSpecifiers {
    let files = of_release(page, version).into_iter();
    let mut texts = files.filter_map(|file| file.requires_python.as_deref());
    texts
        .find_map(|text| text.parse().ok())
        .unwrap_or_else(VersionSpecifiers::empty)
}

/// What a release needs, and the Pythons that it is for, by the metadata that the index has of its files.
async fn needs(
    listed: &Listed,
    version: &Version,
) -> Result<(Vec<String>, VersionSpecifiers), String> {
    let offered = of_release(&listed.page, version).into_iter();
    let offered = offered.filter(|file| file.core_metadata.is_offered());
    // Files with the same metadata are one; those of which the page gives no hash are taken to be.
    let different: BTreeMap<Option<Sha256>, &PageFile> = offered
        .map(|file| (file.core_metadata.sha256(), file))
        .collect();
    if different.is_empty() {
        return Err("the index offers no metadata of it".to_owned());
    }
    if different.len() > MOST_METADATA {
        return Err(format!(
            "its files have more than {MOST_METADATA} different ones"
        ));
    }
    let mut requires: Vec<String> = Vec::new();
    let mut pythons = pythons_of(&listed.page, version);
    for file in different.values() {
        let metadata = metadata(&listed.asked, file, (&listed.page.name, version)).await?;
        for one in &metadata.requires_dist {
            if !requires.iter().any(|known| **known == **one) {
                requires.push(one.to_string());
            }
        }
        if let Some(text) = &metadata.requires_python {
            pythons = text.parse().unwrap_or(pythons);
        }
    }
    Ok((requires, pythons))
}

async fn metadata(
    asked: &Asked,
    file: &PageFile,
    (project, version): (&ProjectName, &Version),
) -> Result<CoreMetadata, String> {
    let filename = &file.filename;
    let url = Url::parse(&file.url).map_err(|_| format!("{filename} has no address"))?;
    let limit = MAX_METADATA_SIZE as u64;
    let fetched = asked.source().fetch_metadata(&url, limit).await;
    let bytes =
        fetched.map_err(|error| format!("the metadata of {filename} did not come: {error}"))?;
    let bytes = bytes.ok_or_else(|| format!("the metadata of {filename} is not there"))?;
    let expected = file.core_metadata.sha256();
    if expected.is_some_and(|expected| expected != Sha256::of(&bytes)) {
        return Err(format!(
            "the metadata of {filename} has another hash than its page says"
        ));
    }
    let read = CoreMetadata::parse(&bytes).map_err(|error| format!("{filename}: {error}"))?;
    match (&read.name, &read.version) == (project, version) {
        true => Ok(read),
        false => Err(format!(
            "the metadata of {filename} is that of another release"
        )),
    }
}

//! [`preflight`]: what a gateway, or else a plain index, says of everything that a project has settled on, as the
//! rules of `portcullis check` read it. What cannot be asked is unknown, and never well.

use std::borrow::Cow;

use portcullis_core::fact::Fact;
use portcullis_core::lint::Project;
use portcullis_core::lint::contents::Span;
use portcullis_core::lint::is_same_index;
use portcullis_core::lint::pins::{Pin, looks_elsewhere, pins};
use portcullis_core::lint::project::{KnownProject, KnownProjects, KnownRelease, KnownReleases};
use portcullis_core::pypi::simple::ProjectPage;
use portcullis_core::pypi::version::Version;
use url::Url;

use super::answer::Judged;
use super::ask::QuestionPin;
use super::find::{Found, find, find_named};
use super::plain::{self, Plain, Said};
use crate::context::Place;

/// Why what is known of an index does not count where installers ask others besides.
pub(super) const ELSEWHERE: &str = "its installer looks in other places, too, which were not asked";

/// Who is asked.
pub enum Means {
    /// A gateway.
    Gateway(Box<Found>),
    /// A plain index.
    Index(Plain),
}

/// Who is wanted to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish<'w> {
    /// Nobody.
    Offline,
    /// The gateway at this address, and nobody where there is none.
    Gateway(Option<&'w Url>),
    /// The gateway at this address, or else the index that installers use, whatever it is.
    Online(Option<&'w Url>),
}

impl Means {
    /// Who is to be asked; `None`: nobody. Fails where a gateway that is named cannot be asked.
    pub async fn of(wish: Wish<'_>) -> anyhow::Result<Option<Self>> {
        let (named, is_online) = match wish {
            Wish::Offline => return Ok(None),
            Wish::Gateway(named) => (named, false),
            Wish::Online(named) => (named, true),
        };
        if let Some(found) = find_named(named).await? {
            return Ok(Some(Self::Gateway(Box::new(found))));
        }
        if !is_online {
            return Ok(None);
        }
        Ok(Some(match find(None).await? {
            Some(found) => Self::Gateway(Box::new(found)),
            None => Self::Index(Plain::open(None, &Place::default()).await?),
        }))
    }
}

/// What is known after a pre-flight, for [`Project`].
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// By release.
    pub releases: KnownReleases,
    /// By project.
    pub projects: KnownProjects,
    /// What could not be found out.
    pub unchecked: Vec<Unchecked>,
}

/// Something that could not be found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unchecked {
    /// The file that names it.
    pub path: String,
    /// Where it does.
    pub at: Span,
    /// Why, as a clause with the release in it.
    pub why: String,
}

/// Asks about everything that `project` names. Fails where a gateway does not answer as one.
pub async fn preflight(project: &Project, means: &Means) -> anyhow::Result<Known> {
    let asked = pins(project);
    let mut known = Known::default();
    match means {
        Means::Gateway(found) => {
            let questions: Vec<QuestionPin> = asked.iter().map(question).collect();
            let judged = found.judge(&questions).await?;
            let asks = Asks::of(project, vec![found.simple.to_string()]);
            for (pin, judged) in asked.iter().zip(&judged) {
                let doubt = asks.doubt(pin);
                known.take(pin, of_gateway(judged, doubt.as_deref()));
            }
        }
        Means::Index(plain) => {
            let asks = Asks::of(project, plain.index().roots());
            let projects = asked.iter().map(|pin| pin.project.clone());
            let pages = plain.pages(projects).await;
            for pin in &asked {
                let doubt = asks.doubt(pin);
                known.take(pin, of_page(pin, &pages[&pin.project], doubt.as_deref()));
            }
        }
    }
    Ok(known)
}

/// What is known of a pin.
struct OfPin {
    release: Fact<KnownRelease>,
    project: Fact<KnownProject>,
}

impl Known {
    fn take(&mut self, pin: &Pin, known: OfPin) {
        let project = &pin.project;
        let unknown = match (&pin.version, &known.release, &known.project) {
            // That nobody has the project is known, and a finding.
            (_, _, Fact::Known(project)) if !project.exists => None,
            (Some(version), Fact::Unknown(why), _) => Some(format!("{project} {version}: {why}")),
            (None, _, Fact::Unknown(why)) => Some(format!("{project}: {why}")),
            _ => None,
        };
        self.unchecked.extend(unknown.map(|why| Unchecked {
            path: pin.path.clone(),
            at: pin.at.clone(),
            why,
        }));
        if let Some(version) = &pin.version {
            let key = (pin.project.clone(), version.clone());
            self.releases.insert(key, known.release);
        }
        let project = self.projects.entry(pin.project.clone());
        let project = project.or_insert_with(|| known.project.clone());
        // One pin may come from an index that was asked, and another not.
        if let (Fact::Unknown(_), Fact::Known(_)) = (&project, &known.project) {
            *project = known.project;
        }
    }
}

/// Which indexes are asked, and whether the project's installers look in others, too.
struct Asks {
    roots: Vec<String>,
    looks_elsewhere: bool,
}

impl Asks {
    fn of(project: &Project, roots: Vec<String>) -> Self {
        let spelled: Vec<&str> = roots.iter().map(String::as_str).collect();
        Self {
            looks_elsewhere: looks_elsewhere(project, &spelled),
            roots,
        }
    }

    /// Why what is missing on the indexes that are asked may be elsewhere; `None` where it cannot.
    fn doubt(&self, pin: &Pin) -> Option<String> {
        let is_asked = |index: &String| self.roots.iter().any(|root| is_same_index(root, index));
        if let Some(index) = pin.indexes.iter().find(|index| !is_asked(index)) {
            let index = redacted(index);
            return Some(format!(
                "it comes from the index {index}, which was not asked"
            ));
        }
        let is_settled = !pin.indexes.is_empty();
        (self.looks_elsewhere && !is_settled).then(|| ELSEWHERE.to_owned())
    }
}

fn redacted(index: &str) -> String {
    match Url::parse(index) {
        Ok(url) => portcullis_upstream::redact::redacted(&url),
        Err(_) => index.to_owned(),
    }
}

fn question(pin: &Pin) -> QuestionPin {
    let versions = (!pin.wanted.is_empty()).then(|| pin.wanted.to_string());
    let names = pin.files.iter().filter_map(|file| file_name(file));
    QuestionPin {
        project: pin.project.to_string(),
        version: pin.version.as_ref().map(ToString::to_string),
        versions,
        hashes: pin.hashes.iter().map(|digest| digest.to_hex()).collect(),
        filenames: names.collect(),
    }
}

/// The last part of a path or URL, decoded.
pub(super) fn file_name(location: &str) -> Option<String> {
    let path = location.split(['?', '#']).next()?;
    let last = path.rsplit(['/', '\\']).next()?;
    let decoded = percent_encoding::percent_decode_str(last).decode_utf8();
    decoded
        .ok()
        .map(Cow::into_owned)
        .filter(|name| !name.is_empty())
}

fn of_gateway(judged: &Judged, doubt: Option<&str>) -> OfPin {
    if judged.decision == "unknown" {
        let why = judged.unknown.clone();
        let why = why.unwrap_or_else(|| "the gateway does not know".to_owned());
        return OfPin {
            release: Fact::Unknown(why.clone().into()),
            project: Fact::Unknown(why.into()),
        };
    }
    let is_absent = judged.decision == "absent";
    let release = match (is_absent, doubt) {
        (true, Some(doubt)) => Fact::Unknown(doubt.to_owned().into()),
        // A project that nobody has is one finding, and not another for each version.
        (true, None) if judged.has_project != Some(true) => {
            Fact::Unknown("no index has the project".into())
        }
        _ => Fact::Known(release_of(judged, doubt)),
    };
    let project = match judged.has_project {
        None => Fact::Unknown("the gateway does not say".into()),
        Some(false) if doubt.is_some() => {
            Fact::Unknown(doubt.unwrap_or_default().to_owned().into())
        }
        Some(exists) => Fact::Known(KnownProject {
            exists,
            status: judged
                .status
                .as_ref()
                .and_then(|status| marked(&status.status, status.reason.as_deref())),
        }),
    };
    OfPin { release, project }
}

/// The status of a project, where it is not the usual one.
fn marked(status: &str, reason: Option<&str>) -> Option<(String, Option<String>)> {
    (status != "active").then(|| (status.to_owned(), reason.map(str::to_owned)))
}

/// A release in the gateway's words. Its files only where they are those of the index that is meant.
fn release_of(judged: &Judged, doubt: Option<&str>) -> KnownRelease {
    let is_same_index = doubt.is_none();
    let digests = judged
        .files
        .iter()
        .map(|file| Some((file.sha256.clone()?, file.filename.clone())));
    // Only where all digests are known can a hash be nobody's.
    let files: Option<Vec<(String, String)>> = digests.collect();
    let strangers = judged.hashes.iter();
    let strangers = strangers.filter(|hash| hash.belongs_to == "other-file");
    let decisive = judged.decisive();
    KnownRelease {
        exists: judged.decision != "absent",
        yanked: judged.yanked.clone().filter(|_| is_same_index),
        status: judged.status.as_ref().map(|status| status.status.clone()),
        files: files.filter(|_| is_same_index).unwrap_or_default(),
        elsewhere: strangers
            .filter_map(|hash| Some((hash.sha256.clone(), hash.filename.clone()?)))
            .collect(),
        refused: judged.sentence.clone().filter(|_| judged.is_refused()),
        remedy: decisive.map(|finding| finding.remedy.clone()),
        nearest: judged
            .nearest
            .as_ref()
            .and_then(|nearest| nearest.parse().ok()),
    }
}

fn of_page(pin: &Pin, said: &Said, doubt: Option<&str>) -> OfPin {
    let unknown = |why: &str| OfPin {
        release: Fact::Unknown(why.to_owned().into()),
        project: Fact::Unknown(why.to_owned().into()),
    };
    let page = match (said, doubt) {
        (Err(why), _) => return unknown(why),
        (Ok(_), Some(doubt)) => return unknown(doubt),
        (Ok(None), None) => {
            return OfPin {
                release: Fact::Unknown("no index has the project".into()),
                project: Fact::Known(KnownProject::default()),
            };
        }
        (Ok(Some(page)), None) => page,
    };
    let status = page
        .status
        .as_ref()
        .and_then(|status| marked(&status.status, status.reason.as_deref()));
    let release = match &pin.version {
        Some(version) => Fact::Known(release_on(page, version, pin)),
        None => Fact::Unknown("no version is settled".into()),
    };
    OfPin {
        release,
        project: Fact::Known(KnownProject {
            exists: true,
            status,
        }),
    }
}

fn release_on(page: &ProjectPage, version: &Version, pin: &Pin) -> KnownRelease {
    let all = plain::files(page);
    let is_of_release = |file: &&plain::FileFacts| file.version.as_ref() == Some(version);
    let of_release: Vec<_> = all.iter().filter(is_of_release).collect();
    let digests = of_release
        .iter()
        .map(|file| Some((file.sha256.clone()?, file.filename.clone())));
    let files: Option<Vec<(String, String)>> = digests.collect();
    let given: Vec<String> = pin.hashes.iter().map(|digest| digest.to_hex()).collect();
    let strangers = all.iter().filter(|file| !is_of_release(file));
    let elsewhere = strangers.filter_map(|file| {
        let digest = file
            .sha256
            .as_ref()
            .filter(|digest| given.contains(digest))?;
        Some((digest.clone(), file.filename.clone()))
    });
    KnownRelease {
        exists: !of_release.is_empty(),
        yanked: plain::yanked(page, version),
        status: page.status.as_ref().map(|status| status.status.to_string()),
        files: files.unwrap_or_default(),
        elsewhere: elsewhere.collect(),
        refused: None,
        remedy: None,
        nearest: None,
    }
}

#[cfg(test)]
mod tests;

//! [`preflight`]: what a gateway, or else a plain index, says of everything that a project has settled on, as the
//! rules of `portcullis check` read it. What cannot be asked is unknown, and never well.

use std::borrow::Cow;
use std::collections::HashMap;

use clap::Args;
use portcullis_core::fact::Fact;
use portcullis_core::lint::Project;
use portcullis_core::lint::pins::{Pin, is_same_index, looks_elsewhere, pins};
use portcullis_core::lint::project::{KnownProject, KnownProjects, KnownRelease, KnownReleases};
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::pypi::simple::ProjectPage;
use portcullis_core::pypi::version::Version;
use url::Url;

use super::answer::Judged;
use super::ask::QuestionPin;
use super::find::{Found, find};
use super::plain::{self, Plain, Said};
use crate::context::Place;

/// Who is asked about what a project has settled on
#[derive(Clone, Debug, Default, Args)]
pub struct Preflight {
    /// The gateway that judges what is pinned [default: PORTCULLIS_URL, or the index of pip and uv
    /// where a gateway answers there]
    #[arg(long, value_name = "URL")]
    pub gateway: Option<Url>,
    /// Ask nobody
    #[arg(long, conflicts_with_all = ["gateway", "online"])]
    pub offline: bool,
    /// Where there is no gateway, ask the index that pip and uv use
    #[arg(long)]
    pub online: bool,
}

/// Who is asked.
pub enum Means {
    /// Nobody.
    Nobody,
    /// A gateway.
    Gateway(Found),
    /// A plain index.
    Index(Plain),
}

impl Preflight {
    /// Who is to be asked. Without any flag it is a gateway that is configured, or nobody.
    pub async fn means(&self, place: &Place) -> anyhow::Result<Means> {
        if self.offline {
            return Ok(Means::Nobody);
        }
        if let Some(found) = find(self.gateway.as_ref()).await? {
            return Ok(Means::Gateway(found));
        }
        match self.online {
            true => Ok(Means::Index(Plain::open(None, place).await?)),
            false => Ok(Means::Nobody),
        }
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
    /// The project, with its version where one is settled.
    pub what: String,
    /// Why, as a clause.
    pub why: String,
}

/// Asks about everything that `project` names. Fails where a gateway does not answer as one.
pub async fn preflight(project: &Project, means: &Means) -> anyhow::Result<Known> {
    let asked = pins(project);
    let mut known = Known::default();
    match means {
        Means::Nobody => {}
        Means::Gateway(found) => {
            let questions: Vec<QuestionPin> = asked.iter().map(question).collect();
            let judged = found.judge(&questions).await?;
            let root = found.simple.as_str();
            let elsewhere = looks_elsewhere(project, &[root]);
            for (pin, judged) in asked.iter().zip(&judged) {
                let doubt = doubt(pin, &[root], elsewhere);
                known.take(pin, of_gateway(judged, doubt.as_deref()));
            }
        }
        Means::Index(plain) => {
            let roots = plain.index().roots();
            let roots: Vec<&str> = roots.iter().map(String::as_str).collect();
            let elsewhere = looks_elsewhere(project, &roots);
            let projects = asked.iter().map(|pin| pin.project.clone());
            let pages = plain.pages(projects).await;
            for pin in &asked {
                let doubt = doubt(pin, &roots, elsewhere);
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
        if let (Some(version), Fact::Unknown(why)) = (&pin.version, &known.release) {
            self.unchecked.push(Unchecked {
                what: format!("{} {version}", pin.project),
                why: why.to_string(),
            });
        } else if let (None, Fact::Unknown(why)) = (&pin.version, &known.project) {
            self.unchecked.push(Unchecked {
                what: pin.project.to_string(),
                why: why.to_string(),
            });
        }
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

/// Why what is missing on the indexes that are asked may be elsewhere; `None` where it cannot.
fn doubt(pin: &Pin, roots: &[&str], looks_elsewhere: bool) -> Option<String> {
    let is_asked = |index: &String| roots.iter().any(|root| is_same_index(root, index));
    if let Some(index) = pin.indexes.iter().find(|index| !is_asked(index)) {
        let index = redacted(index);
        return Some(format!(
            "it comes from the index {index}, which was not asked"
        ));
    }
    let is_settled = !pin.indexes.is_empty();
    (looks_elsewhere && !is_settled)
        .then(|| "its installer looks in other places, too, which were not asked".to_owned())
}

fn redacted(index: &str) -> String {
    match Url::parse(index) {
        Ok(url) => portcullis_upstream::redact::redacted(&url),
        Err(_) => index.to_owned(),
    }
}

fn question(pin: &Pin) -> QuestionPin {
    let requirement = match pin.wanted.is_empty() {
        true => None,
        false => Some(format!("{}{}", pin.project, pin.wanted)),
    };
    let names = pin.files.iter().filter_map(|file| file_name(file));
    QuestionPin {
        project: pin.project.to_string(),
        version: pin.version.as_ref().map(ToString::to_string),
        requirement,
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
        _ => Fact::Known(release_of(judged, doubt.is_none())),
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
fn release_of(judged: &Judged, is_same_index: bool) -> KnownRelease {
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

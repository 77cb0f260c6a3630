//! What an expectation says of a release: its place among the others, and who published it.
//! Its metadata is in `metadata`.

use std::str::FromStr;
use std::sync::Arc;

use super::moment::moment;
use super::{About, NOT_SAID, Unknowable, advisories, metadata, number};
use crate::fact::{Fact, FileFacts, Fix, ProjectFacts, PublisherStanding, ReleaseFacts};
use crate::pypi::provenance::{Publisher, publishers};
use crate::pypi::version::Version;
use crate::settings::Table;
use crate::time::Timestamp;

/// Reads what is said of the release; `None` while only the name is judged.
pub(super) fn read(
    table: &mut Table<'_>,
    about: &About,
    project: &ProjectFacts,
    file: Option<&FileFacts>,
) -> Option<ReleaseFacts> {
    let uploaded = moment(table, "release-uploaded", about.now);
    let newer = number(table, "newer");
    let before = table.parsed::<Version>("before");
    let fixes = fixes(table, about.now);
    let written = advisories::read(table, about);
    let standing = table.parsed::<Standing>("publisher");
    let metadata = metadata::read(table, about);
    let file = file?;
    let mut release = ReleaseFacts::of(file.version.known()?.clone());
    release.first_upload = match uploaded {
        Some(uploaded) => Fact::Known(uploaded),
        None => file.upload_time.clone(),
    };
    release.newer = Fact::known_or(newer, NOT_SAID);
    release.before = Fact::known_or(before.map(|before| Some(before.value)), NOT_SAID);
    release.publisher = Fact::known_or(standing.map(|one| one.value.of(about)), NOT_SAID);
    release.metadata = Fact::known_or(metadata.map(Arc::new), NOT_SAID);
    advisories::tell(&written, project, &mut release);
    if about.is_unknown(Unknowable::Advisories) {
        release.advisories = Fact::Unknown(NOT_SAID.into());
        release.fixes = Fact::Unknown(NOT_SAID.into());
    }
    if !fixes.is_empty() {
        let told = release.fixes.known().cloned().unwrap_or_default();
        release.fixes = Fact::Known(told.into_iter().chain(fixes).collect());
    }
    Some(release)
}

/// `fixes = [{ advisory = …, published = … }]`, for a release whose fixed advisories are not described.
fn fixes(table: &mut Table<'_>, now: Timestamp) -> Vec<Fix> {
    let tables = table.tables("fixes").into_iter();
    tables.filter_map(|table| fix(table, now)).collect()
}

fn fix(mut table: Table<'_>, now: Timestamp) -> Option<Fix> {
    let advisory = table.text("advisory");
    let published = moment(&mut table, "published", now);
    let keys = table.keys();
    let has = |wanted: &str| keys.iter().any(|key| key == wanted);
    if !has("advisory") || !has("published") {
        table.mistake_here("a fix names its advisory and when that was published", None);
    }
    table.finish();
    Some(Fix {
        advisory: advisory?.value,
        published: published?,
    })
}

/// Who published the release, compared with the one before it.
#[derive(Clone, Copy)]
enum Standing {
    Same,
    Changed,
    NoLongerAttested,
    NotComparable,
}

impl FromStr for Standing {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "same" => Ok(Self::Same),
            "changed" => Ok(Self::Changed),
            "no-longer-attested" => Ok(Self::NoLongerAttested),
            "not-comparable" => Ok(Self::NotComparable),
            other => Err(format!(
                "{other:?} is not one of same, changed, no-longer-attested, not-comparable"
            )),
        }
    }
}

impl Standing {
    fn of(self, about: &About) -> PublisherStanding {
        let name = about.project.as_str();
        let before = publisher(name, name);
        match self {
            Self::Same => PublisherStanding::Same(before),
            Self::Changed => PublisherStanding::Changed {
                before,
                now: publisher("somebody-else", name),
            },
            Self::NoLongerAttested => PublisherStanding::NoLongerAttested(before),
            Self::NotComparable => PublisherStanding::NotComparable,
        }
    }
}

/// A publisher as a provenance object (PEP 740) names it.
fn publisher(owner: &str, name: &str) -> Publisher {
    let publisher = serde_json::json!({
        "kind": "GitHub",
        "repository": format!("{owner}/{name}"),
        "workflow": "release.yml",
    });
    let object = serde_json::json!({ "attestation_bundles": [{ "publisher": publisher }] });
    let read = publishers(object.to_string().as_bytes()).expect("a provenance object");
    read.into_iter().next().expect("it names a publisher")
}

//! What an expectation says of a file.

use std::sync::Arc;

use super::moment::moment;
use super::{About, NOT_SAID, number};
use crate::digest::Sha256;
use crate::fact::{Fact, FileFacts, ReleaseShape};
use crate::pypi::filename::DistFilename;
use crate::pypi::name::ProjectName;
use crate::pypi::simple::Yanked;
use crate::pypi::version::Version;
use crate::settings::Table;
use crate::time::Timestamp;

/// The keys that say something of a file or of its release, so that they need one.
const ABOUT_A_FILE: &[&str] = &[
    "uploaded",
    "seen",
    "yanked",
    "wheels",
    "sdists",
    "size",
    "sha256",
    "first-sha256",
    "newer",
    "before",
    "release-uploaded",
    "fixes",
    "advisories",
    "publisher",
    "licence",
    "classifiers",
    "licence-text",
    "licence-files",
    "maintainers",
    "findings",
    "capabilities",
    "inspection",
    "changes",
    "differences",
    "not-compared",
];

/// Reads what is said of the file with this name; `None` without one, so that only the project's name is
/// judged.
pub(super) fn read(
    table: &mut Table<'_>,
    about: &About,
    filename: Option<&DistFilename>,
) -> Option<FileFacts> {
    let facts = Described {
        uploaded: Fact::known_or(moment(table, "uploaded", about.now), NOT_SAID),
        seen: Fact::known_or(moment(table, "seen", about.now), NOT_SAID),
        yanked: table
            .text("yanked")
            .map_or(Yanked::No, |reason| match reason.value.as_str() {
                "" => Yanked::Yes,
                reason => Yanked::Because(reason.into()),
            }),
        shape: ReleaseShape {
            wheels: number(table, "wheels").unwrap_or(1),
            sdists: number(table, "sdists").unwrap_or(1),
        },
        size: table.integer("size", 0..i64::MAX).map(|size| size.value),
        sha256: table.parsed::<Sha256>("sha256").map(|sha256| sha256.value),
        first_sha256: table
            .parsed::<Sha256>("first-sha256")
            .map(|sha256| sha256.value),
    };
    match filename {
        Some(filename) => Some(facts.of(filename)),
        None => {
            let keys = table.keys();
            let key = keys.iter().find(|key| ABOUT_A_FILE.contains(&key.as_str()));
            if let Some(key) = key.filter(|_| !has_file(&keys)) {
                let message = format!("`{key}` is about a file, and this is about a name only");
                table.mistake_here(message, Some("say `version`, or `file`"));
            }
            None
        }
    }
}

fn has_file(keys: &[String]) -> bool {
    keys.iter().any(|key| key == "file" || key == "version")
}

struct Described {
    uploaded: Fact<Timestamp>,
    seen: Fact<Timestamp>,
    yanked: Yanked,
    shape: ReleaseShape,
    size: Option<i64>,
    sha256: Option<Sha256>,
    first_sha256: Option<Sha256>,
}

impl Described {
    fn of(self, name: &DistFilename) -> FileFacts {
        let version = name.version().cloned();
        let size = self.size.and_then(|size| u64::try_from(size).ok());
        FileFacts {
            filename: Arc::from(name.as_str()),
            kind: name.kind().clone(),
            version: Fact::known_or(version, "the file name does not give one"),
            sha256: Fact::known_or(self.sha256, NOT_SAID),
            first_sha256: self.first_sha256,
            upload_time: self.uploaded,
            first_seen: self.seen,
            size: Fact::known_or(size, NOT_SAID),
            yanked: self.yanked,
            release: self.shape,
        }
    }
}

/// The file's name: as it is given, else that of a wheel of the version.
pub(super) fn name(table: &mut Table<'_>, about: &About) -> Option<DistFilename> {
    let named = about.is_named.then_some(&about.project);
    let Some(given) = table.text("file") else {
        let part = about.project.as_file_name_part();
        let wheel = format!("{part}-{}-py3-none-any.whl", about.version.as_ref()?);
        return DistFilename::parse(&wheel, Some(&about.project)).ok();
    };
    let parsed = match DistFilename::parse(&given.value, named) {
        Ok(parsed) => parsed,
        Err(error) => {
            table.mistake(&given, error.to_string(), None);
            return None;
        }
    };
    // A name that does not begin with the project's may say of which project it is.
    let own = parsed.project().cloned().or_else(|| {
        let alone = DistFilename::parse(&given.value, None).ok()?;
        alone.project().cloned()
    });
    let is_of_another = |own: &ProjectName| named.is_some_and(|named| named != own);
    if own.as_ref().is_some_and(is_of_another) {
        let message = format!("this is not a file of {}", about.project);
        table.mistake(&given, message, None);
    }
    let differs = |version: &Version| parsed.version().is_some_and(|own| own != version);
    if about.version.as_ref().is_some_and(differs) {
        table.mistake(
            &given,
            "this is not a file of the `version`",
            Some("leave out one of them"),
        );
    }
    Some(parsed)
}

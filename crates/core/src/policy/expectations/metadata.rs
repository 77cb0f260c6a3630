//! What an expectation says of a release's metadata: written as core metadata, and read as that of a real
//! release is.

use std::str::FromStr;

use super::About;
use crate::licence::{SourceKind, Statement};
use crate::pypi::metadata::CoreMetadata;
use crate::pypi::version::Version;
use crate::release_metadata::{ReleaseMetadata, ReleaseObservation};
use crate::settings::Table;

/// A value of a metadata field: one line.
struct Line(String);

impl FromStr for Line {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.chars().any(char::is_control) || text.len() > 10_000 {
            true => Err("give one line of text"),
            false => Ok(Self(text.to_owned())),
        }
    }
}

/// The licence whose text a file holds.
struct LicenceId(Box<str>);

impl FromStr for LicenceId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match spdx::license_id(text) {
            Some(id) => Ok(Self(id.name.into())),
            None => Err(format!("{text:?} is not the SPDX id of a licence")),
        }
    }
}

/// The metadata; `None` when nothing is said of it.
pub(super) fn read(table: &mut Table<'_>, about: &About) -> Option<ReleaseMetadata> {
    let fields = fields(table);
    let files = licence_files(table);
    if fields.is_none() && files.is_none() {
        return None;
    }
    let text = core_metadata(about, &fields.unwrap_or_default());
    match CoreMetadata::parse(text.as_bytes()) {
        Ok(metadata) => {
            let mut observed = ReleaseObservation::of(&metadata);
            observed.licence.extend(files);
            Some(observed.into())
        }
        Err(error) => {
            table.mistake_here(format!("no metadata says this: {error}"), None);
            None
        }
    }
}

/// The fields and their values; `None` when no key is there.
fn fields(table: &mut Table<'_>) -> Option<Vec<(&'static str, String)>> {
    let mut lines = |key: &str| -> Option<Vec<String>> {
        let lines = table.list::<Line>(key)?;
        Some(lines.into_iter().map(|line| line.value.0).collect())
    };
    let said = [
        ("License-Expression", lines("licence")),
        ("License", lines("licence-text")),
        ("Classifier", lines("classifiers")),
    ];
    let maintainers = lines("maintainers");
    if maintainers.is_none() && said.iter().all(|(_, values)| values.is_none()) {
        return None;
    }
    let said = said.into_iter().flat_map(|(field, values)| {
        let values = values.into_iter().flatten();
        values.map(move |value| (field, value))
    });
    let (addressed, named): (Vec<_>, Vec<_>) = maintainers
        .into_iter()
        .flatten()
        .partition(|person| person.contains('@'));
    // Fields of people hold all of them, and names count where no address comes with them.
    let people = [
        ("Author", named.join(", ")),
        ("Maintainer-email", addressed.join(", ")),
    ];
    let people = people.into_iter().filter(|(_, people)| !people.is_empty());
    Some(said.chain(people).collect())
}

/// What was recognised in the texts of the release's licence files.
fn licence_files(table: &mut Table<'_>) -> Option<Statement> {
    let files = table.list::<LicenceId>("licence-files")?;
    Some(Statement {
        kind: SourceKind::File,
        text: "LICENSE".into(),
        ids: files.into_iter().map(|id| id.value.0).collect(),
    })
}

fn core_metadata(about: &About, fields: &[(&str, String)]) -> String {
    let version = about.version.as_ref();
    let version = version.map_or("0".to_owned(), Version::to_string);
    let name = &about.project;
    let mut text = format!("Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n");
    for (field, value) in fields {
        text.push_str(&format!("{field}: {value}\n"));
    }
    text
}

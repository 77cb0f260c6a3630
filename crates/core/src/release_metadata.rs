//! [`ReleaseMetadata`], what is kept of a release's core metadata because rules ask for it: licence,
//! dependencies, and who it says made it. The metadata file itself is kept elsewhere.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::licence::{Licence, Statement};
use crate::pypi::metadata::CoreMetadata;

/// The classifier with which a project says that nobody works on it any more.
const INACTIVE: &str = "Development Status :: 7 - Inactive";

/// The most of anything that is kept of one release.
const MOST: usize = 2000;

/// The longest entry that is kept, in bytes.
const LONGEST: usize = 1000;

/// What was read in the metadata of a release, as observations that can be kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseObservation {
    /// The statements about its licence.
    pub licence: Vec<Statement>,
    /// `Requires-Dist`, verbatim.
    pub requires_dist: Vec<Box<str>>,
    /// The people behind it, each once: addresses where there are some, else names.
    pub people: Vec<Box<str>>,
    /// Whether its classifiers say that it is inactive.
    pub is_inactive: bool,
    /// Where its source is, as `host/owner/name`, where it names a repository on a known forge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<Box<str>>,
}

/// What a release's metadata says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseMetadata {
    /// Its licence.
    pub licence: Licence,
    /// `Requires-Dist`, verbatim.
    pub requires_dist: Vec<Box<str>>,
    /// The people behind it, each once: addresses where there are some, else names.
    pub people: Vec<Box<str>>,
    /// Whether its classifiers say that it is inactive.
    pub is_inactive: bool,
}

impl ReleaseObservation {
    /// What is kept of `metadata`.
    pub fn of(metadata: &CoreMetadata) -> Self {
        Self {
            licence: Licence::statements(metadata),
            requires_dist: metadata
                .requires_dist
                .iter()
                .filter(|text| text.len() <= LONGEST)
                .take(MOST)
                .cloned()
                .collect(),
            people: people(metadata),
            is_inactive: metadata
                .classifiers
                .iter()
                .any(|classifier| &**classifier == INACTIVE),
            repository: repository(metadata),
        }
    }
}

impl From<ReleaseObservation> for ReleaseMetadata {
    fn from(observed: ReleaseObservation) -> Self {
        Self {
            licence: Licence::from_statements(observed.licence),
            requires_dist: observed.requires_dist,
            people: observed.people,
            is_inactive: observed.is_inactive,
        }
    }
}

/// Authors and maintainers. An address (`Ann <ann@x.example>`) counts by itself; a bare name counts only
/// where no address comes with it, since both fields tell of the same person then.
fn people(metadata: &CoreMetadata) -> Vec<Box<str>> {
    let mut people = BTreeSet::new();
    for (names, addresses) in [
        (&metadata.author, &metadata.author_email),
        (&metadata.maintainer, &metadata.maintainer_email),
    ] {
        let by = addresses.as_ref().or(names.as_ref());
        let entries = by.iter().flat_map(|text| text.split([',', ';']));
        let entries = entries.map(|entry| match entry.rsplit_once('<') {
            Some((_, address)) => address.trim_end_matches(['>', ' ']),
            None => entry,
        });
        let entries = entries.map(|entry| entry.trim().to_lowercase());
        people.extend(entries.filter(|entry| !entry.is_empty() && entry.len() <= LONGEST));
    }
    people.into_iter().take(MOST).map(Into::into).collect()
}

/// Forges whose repositories are `owner/name`.
const FORGES: &[&str] = &["github.com", "gitlab.com", "bitbucket.org", "codeberg.org"];

/// The repository that the links name: a link that is called source or repository before others.
fn repository(metadata: &CoreMetadata) -> Option<Box<str>> {
    let labelled = metadata.labelled_urls().map(|(label, url)| {
        let label = label.to_lowercase();
        let names_source = ["source", "repository", "code", "github"];
        let rank = !names_source.iter().any(|word| label.contains(word));
        (rank, url)
    });
    let home = metadata.home_page.as_deref().map(|url| (true, url));
    let download = metadata.download_url.as_deref().map(|url| (true, url));
    let mut links: Vec<(bool, &str)> = labelled.chain(home).chain(download).take(100).collect();
    links.sort_by_key(|(rank, _)| *rank);
    links.iter().find_map(|(_, url)| repository_of(url))
}

fn repository_of(link: &str) -> Option<Box<str>> {
    let url = url::Url::parse(link).ok()?;
    let host = url.host_str()?.trim_start_matches("www.");
    let forge = FORGES.iter().find(|forge| **forge == host)?;
    let mut segments = url.path_segments()?;
    let is_plain = |segment: &&str| {
        let mut bytes = segment.bytes();
        let plain = bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
        plain && !matches!(*segment, "" | "." | "..") && segment.len() <= 100
    };
    let owner = segments.next().filter(is_plain)?;
    let name = segments.next()?;
    let name = name.strip_suffix(".git").unwrap_or(name);
    let name = Some(name).filter(is_plain)?;
    match owner {
        // Pages of the forge itself, not of an owner.
        "sponsors" | "orgs" | "users" | "apps" => None,
        owner => Some(format!("{forge}/{owner}/{name}").to_lowercase().into()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn read(headers: &str) -> ReleaseObservation {
        let text = format!("Metadata-Version: 2.4\nName: x\nVersion: 1\n{headers}");
        ReleaseObservation::of(&CoreMetadata::parse(text.as_bytes()).unwrap())
    }

    #[test]
    fn people_are_counted_once_whatever_fields_name_them() {
        for (headers, expected) in [
            ("", &[][..]),
            ("Author: Ann\n", &["ann"]),
            (
                "Author: Ann\nAuthor-email: ann@x.example\n",
                &["ann@x.example"],
            ),
            (
                "Author-email: Ann <ann@x.example>, Bo <bo@x.example>\n",
                &["ann@x.example", "bo@x.example"],
            ),
            (
                "Author-email: a@x.example\nMaintainer-email: Ann <A@x.example>\n",
                &["a@x.example"],
            ),
            ("Author: Ann, Bo\nMaintainer: Cy\n", &["ann", "bo", "cy"]),
        ] {
            let observed = read(headers);
            let people: Vec<&str> = observed.people.iter().map(|person| &**person).collect();
            assert_eq!(people, expected, "{headers:?}");
        }
    }

    #[test]
    fn the_repository_is_found_among_the_links() {
        for (headers, expected) in [
            ("", None),
            (
                "Home-page: https://github.com/Acme/Tool\n",
                Some("github.com/acme/tool"),
            ),
            ("Home-page: https://acme.example/\n", None),
            (
                "Project-URL: Docs, https://github.com/acme/docs\n\
                 Project-URL: Source Code, https://github.com/acme/tool.git\n",
                Some("github.com/acme/tool"),
            ),
            (
                "Project-URL: Bugs, https://github.com/acme/tool/issues\n",
                Some("github.com/acme/tool"),
            ),
            ("Project-URL: Fund, https://github.com/sponsors/ann\n", None),
            ("Home-page: https://github.com/acme\n", None),
            ("Home-page: https://github.com/../..\n", None),
            (
                "Home-page: https://github.com.evil.example/acme/tool\n",
                None,
            ),
        ] {
            assert_eq!(read(headers).repository.as_deref(), expected, "{headers:?}");
        }
    }

    #[test]
    fn an_observation_survives_being_kept() {
        let observed = read(
            "License-Expression: MIT\nRequires-Dist: flask>=2\nAuthor: Ann\n\
             Classifier: Development Status :: 7 - Inactive\n",
        );
        let json = serde_json::to_string(&observed).unwrap();
        assert_eq!(
            serde_json::from_str::<ReleaseObservation>(&json).unwrap(),
            observed
        );
        let metadata = ReleaseMetadata::from(observed);
        assert_eq!(metadata.licence.title(), "MIT");
        assert!(metadata.is_inactive);
    }
}

//! Which indexes pip may ask for what a file wants, as far as the files of the project tell.

use super::address::Address;
use super::contents::{InvocationId, Place, PlaceRole, Tool};
use super::file::FileKind;
use super::project::{Organisation, Project, ProjectFile};
use super::requirement_files::read_with;

/// The places that are in force where pip installs from `file`, or where its invocation `by` runs: those of the
/// file itself, of files and commands that read it, and of pip's configuration.
pub(super) fn places_of_pip<'p>(
    project: &'p Project,
    file: &'p ProjectFile,
    by: Option<InvocationId>,
) -> Vec<&'p Place> {
    let mut found = Vec::new();
    for reader in &project.files {
        let is_configuration = matches!(reader.kind, FileKind::PipConfig);
        let places = reader.contents.places.iter();
        let for_pip = places.filter(|place| place.tool == Tool::Pip && is_asked(place.role));
        if is_configuration {
            found.extend(for_pip);
        } else if reader.path == file.path {
            found.extend(for_pip.filter(|place| place.by == by || place.by.is_none()));
        } else if by.is_none() {
            let naming = naming_invocations(project, reader, file);
            found.extend(for_pip.filter(|place| naming.contains(&place.by)));
        }
    }
    found
}

/// The invocations of `reader` that read `file`; `None` stands for the reader itself.
fn naming_invocations(
    project: &Project,
    reader: &ProjectFile,
    file: &ProjectFile,
) -> Vec<Option<InvocationId>> {
    let included = reader.contents.included.iter();
    let naming = included.filter(|one| {
        let next = project.included(reader, &one.path);
        next.is_some_and(|next| {
            next.path == file.path || read_with(project, next).contains(&file.path)
        })
    });
    naming.map(|one| one.by).collect()
}

fn is_asked(role: PlaceRole) -> bool {
    !matches!(role, PlaceRole::Upload | PlaceRole::Explicit)
}

/// Whether a place is an address that is not the organisation's. Folders are nobody else's.
pub(super) fn is_outside(organisation: &Organisation, place: &Place) -> bool {
    let is_address = place.url.contains("://") && !place.url.starts_with("file:");
    is_address && !organisation.has_index(&place.url)
}

/// The host of an address, for people: without credentials and path.
pub(super) fn host(url: &str) -> String {
    let host = Address::of(url).map(|address| address.authority.to_ascii_lowercase());
    host.unwrap_or_else(|| url.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(url: &str) -> Place {
        Place {
            url: url.to_owned(),
            url_at: 0..0,
            at: 0..0,
            role: PlaceRole::Merged,
            name: None,
            tool: Tool::Pip,
            by: None,
        }
    }

    #[test]
    fn addresses_are_compared_as_far_as_they_matter() {
        let organisation = Organisation {
            indexes: vec!["https://gateway.acme.example/simple/".to_owned()],
            ..Organisation::default()
        };
        for (url, own, outside) in [
            ("https://gateway.acme.example/simple", true, false),
            ("http://u:p@Gateway.acme.example/simple/x/", true, false),
            ("https://gateway.acme.example/simpler", false, true),
            ("https://other.example/simple/", false, true),
            ("./wheels", false, false),
            ("file:///wheels", false, false),
        ] {
            assert_eq!(organisation.has_index(url), own, "{url}");
            assert_eq!(is_outside(&organisation, &place(url)), outside, "{url}");
        }
        assert!(!Organisation::default().has_index("https://a.example/"));
        assert_eq!(host("https://u:p@a.example:8080/x"), "a.example:8080");
    }
}

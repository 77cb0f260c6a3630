//! [`contents_hold`]: what must hold of a distribution's [`Contents`].

use portcullis_core::inspection::Contents;
use portcullis_inspect::inspection::Inspection;

use super::survives_json;

/// The longest startup line that is kept, in characters.
const LONGEST_LINE: usize = 400;

/// Panics unless the contents are in themselves, and beside what was inspected, as documented.
pub(crate) fn contents_hold(inspection: &Inspection) {
    let contents: &Contents = &inspection.contents;
    survives_json(contents);
    for pair in contents.members.windows(2) {
        let place = |at: usize| (pair[at].area, &pair[at].path);
        assert!(place(0) <= place(1), "{pair:#?}");
    }
    let is_sorted = contents.modules.is_sorted();
    assert!(is_sorted, "{:#?}", contents.modules);
    for line in &contents.startup {
        assert!(line.line.chars().count() <= LONGEST_LINE, "{line:#?}");
    }
    let files = inspection.inspected.statistics.files;
    assert_eq!(contents.members.len(), files, "files and members");
    for member in &contents.members {
        let found = contents.member(member.area, &member.path);
        assert!(found.is_some(), "{member:#?} cannot be looked up");
    }
}

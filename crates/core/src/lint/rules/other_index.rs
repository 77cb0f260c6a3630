//! `other-index`: packages come from an index that is not the organisation's.

use crate::inspection::Severity;
use crate::lint::address::Address;
use std::collections::BTreeMap;

use crate::lint::contents::{LockedOrigin, Place, PlaceRole, Span};
use crate::lint::project::{Organisation, Project, ProjectFile};
use crate::lint::rule::{Edit, Finding, Rule};

/// The rule.
#[derive(Debug)]
pub(super) struct OtherIndex;

impl Rule for OtherIndex {
    fn id(&self) -> &'static str {
        "other-index"
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn summary(&self) -> &'static str {
        "packages come from an index that is not the organisation's"
    }

    fn manual(&self) -> &'static str {
        "What does not come through the organisation's index is neither checked nor held back nor \
         on record there, and names that are the organisation's own are asked for \
         elsewhere.\n\nUse the organisation's index. Where one project has to come from \
         elsewhere, let the organisation's index serve it. The rule looks at what is told to be \
         the organisation's index, and is silent where nothing is."
    }

    fn example(&self) -> (&'static str, &'static str) {
        (
            "pip.conf",
            "[global]\nindex-url = https://other.example/simple\n",
        )
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        let organisation = &project.organisation;
        if organisation.indexes.is_empty() {
            return;
        }
        for file in &project.files {
            let places = file.contents.places.iter();
            let others = places.filter(|place| is_other(place, organisation));
            found.extend(others.map(|place| of_place(self, file, place, organisation)));
            found.extend(of_lock(self, file, organisation));
        }
    }
}

fn is_other(place: &Place, organisation: &Organisation) -> bool {
    // `merged-indexes` speaks of those that are merged.
    let is_meant = !matches!(place.role, PlaceRole::Upload | PlaceRole::Merged);
    is_meant && is_elsewhere(&place.url, organisation)
}

fn is_elsewhere(url: &str, organisation: &Organisation) -> bool {
    let address = Address::of(url);
    let address = address.filter(|address| address.is_known() && !address.is_loopback());
    address.is_some_and(|address| address.scheme != "file" && !organisation.has_index(url))
}

fn of_place(
    rule: &dyn Rule,
    file: &ProjectFile,
    place: &Place,
    organisation: &Organisation,
) -> Finding {
    let host = Address::of(&place.url).map_or("elsewhere", |address| address.host);
    let severity = match place.role {
        PlaceRole::Explicit => Severity::Low,
        _ => rule.severity(),
    };
    let message = format!("{} takes packages from {host}", place.tool);
    let finding = Finding::new(rule, file, &place.url_at, message)
        .severity(severity)
        .because("what comes from there is neither checked nor on record")
        .help(help(organisation));
    let is_verbatim = file.text.get(place.url_at.clone()) == Some(&place.url);
    match (&*organisation.indexes, place.role) {
        ([index], PlaceRole::Default) if is_verbatim => finding.fix(
            "use the organisation's index",
            vec![Edit {
                at: place.url_at.clone(),
                with: index.clone(),
            }],
        ),
        _ => finding,
    }
}

fn help(organisation: &Organisation) -> String {
    format!("use {}", organisation.indexes.join(" or "))
}

/// The indexes that a lock took packages from, each with the first of them.
fn of_lock(rule: &dyn Rule, file: &ProjectFile, organisation: &Organisation) -> Vec<Finding> {
    let mut others: BTreeMap<&str, (Span, usize)> = BTreeMap::new();
    for package in &file.contents.locked {
        let LockedOrigin::Index(Some(url)) = &package.origin else {
            continue;
        };
        if is_elsewhere(url, organisation) {
            let host = Address::of(url).map_or("", |address| address.host);
            let other = others
                .entry(host)
                .or_insert_with(|| (package.at.clone(), 0));
            other.1 += 1;
        }
    }
    let others = others.into_iter();
    others
        .map(|(host, (at, count))| {
            let packages = if count == 1 {
                "package is"
            } else {
                "packages are"
            };
            let message = format!("{count} {packages} locked from {host}");
            Finding::new(rule, file, &at, message)
                .because("what comes from there is neither checked nor on record")
                .help(format!("{}, and lock again", help(organisation)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{found_by, project};

    use crate::lint::testing::fixed_by;

    #[test]
    fn what_is_not_the_organisations_is_found_and_replaced() {
        let files = [
            (
                "a/pip.conf",
                "[global]\nindex-url = https://ci:${TOKEN}@gw.example/simple/\n",
            ),
            (
                "pip.conf",
                "[global]\nindex-url = https://other.example/simple\n",
            ),
            (
                "uv.lock",
                "version = 1\n[[package]]\nname = \"a\"\nversion = \"1\"\nsource = { registry = \
                \"https://other.example/simple\" }\n",
            ),
            (
                "uv.toml",
                "[[index]]\nurl = \"https://t.example/whl\"\nexplicit = true\n",
            ),
        ];
        let mut project = project(&files);
        assert!(found_by("other-index", &project).is_empty());
        project.organisation.indexes = vec!["https://gw.example/simple".to_owned()];
        assert_eq!(
            found_by("other-index", &project),
            [
                "pip.conf:2: pip takes packages from other.example [https://other.example/simple]",
                "uv.lock:4: 1 package is locked from other.example [1]",
                "uv.toml:2: uv takes packages from t.example [https://t.example/whl]",
            ]
        );
        assert_eq!(
            fixed_by("other-index", &project, "pip.conf"),
            "[global]\nindex-url = https://gw.example/simple\n"
        );
    }
}

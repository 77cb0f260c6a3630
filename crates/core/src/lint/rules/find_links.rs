//! `find-links`: files are taken from a page that is no index.

use crate::inspection::Severity;
use crate::lint::address::Address;
use crate::lint::contents::{Place, PlaceRole};
use crate::lint::project::{Project, ProjectFile};
use crate::lint::rule::{Finding, Rule};

/// The rule.
#[derive(Debug)]
pub(super) struct FindLinks;

impl Rule for FindLinks {
    fn id(&self) -> &'static str {
        "find-links"
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn summary(&self) -> &'static str {
        "files are taken from a page beside the index"
    }

    fn manual(&self) -> &'static str {
        "What `--find-links` names is read beside the index, and a file there with a higher \
         version wins. A page of links has no owners of names, and often no hashes \
         either.\n\nServe the files from an index. Where there has to be a page, pin what comes \
         from it by hash. A folder of the project is safe as far as the project is; `--no-index` \
         keeps everything else out."
    }

    fn example(&self) -> (&'static str, &'static str) {
        (
            "requirements.txt",
            "--find-links https://wheels.acme.example/\nacme-billing==2.0\n",
        )
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        for file in &project.files {
            let places = file.contents.places.iter();
            let pages = places.filter(|place| place.role == PlaceRole::FindLinks);
            found.extend(pages.filter_map(|place| match Address::of(&place.url) {
                Some(address) if address.scheme != "file" => (!address.is_loopback()).then(|| {
                    let message =
                        format!("{} takes files from a page of {}", place.tool, address.host);
                    Finding::new(self, file, &place.at, message)
                        .because("a file there with a higher version wins over the index")
                        .help("serve the files from an index, or pin them by hash")
                }),
                _ => (!is_without_index(place, file)).then(|| {
                    let message =
                        format!("{} takes files from a folder beside the index", place.tool);
                    Finding::new(self, file, &place.at, message)
                        .severity(Severity::Info)
                        .because("the index is asked as well, and the highest version wins")
                        .help("add --no-index where everything is in the folder")
                }),
            }));
        }
    }
}

/// Whether nothing but the folder is asked.
fn is_without_index(place: &Place, file: &ProjectFile) -> bool {
    let mut settings = file.contents.settings.iter();
    settings.any(|setting| setting.by == place.by && setting.key == "no-index" && setting.is_on())
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{found_by, project};

    #[test]
    fn pages_are_worse_than_folders() {
        for (text, expected) in [
            (
                "find-links = https://a.example/wheels",
                Some("pip takes files from a page of a.example"),
            ),
            (
                "find-links = ./wheels",
                Some("pip takes files from a folder beside the index"),
            ),
            (
                "find-links = file:///srv/wheels",
                Some("pip takes files from a folder beside the index"),
            ),
            ("no-index = true\nfind-links = ./wheels", None),
            ("find-links = http://127.0.0.1:8000/", None),
        ] {
            let text = format!("[global]\n{text}\n");
            let found = found_by("find-links", &project(&[("pip.conf", &text)]));
            let message = found.first().and_then(|line| line.splitn(3, ':').nth(2));
            let message = message.map(|rest| rest.trim().split(" [").next().unwrap_or_default());
            assert_eq!(message, expected, "{text}");
        }
    }
}

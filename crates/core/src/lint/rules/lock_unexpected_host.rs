//! `lock-unexpected-host`: files of a lock that come from another host than the others of their index.

use crate::inspection::Severity;
use crate::lint::address::Address;
use std::collections::{BTreeMap, BTreeSet};

use crate::lint::contents::{Contents, LockedOrigin, Span};
use crate::lint::project::Project;
use crate::lint::rule::{Finding, Rule};

/// The rule.
#[derive(Debug)]
pub(super) struct LockUnexpectedHost;

impl Rule for LockUnexpectedHost {
    fn id(&self) -> &'static str {
        "lock-unexpected-host"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn summary(&self) -> &'static str {
        "a file of a lock comes from another host than the rest of its index"
    }

    fn manual(&self) -> &'static str {
        "All files of an index come from one host, or from the hosts that the project names. A \
         lock in which a few files of the same index come from somewhere else has been edited: \
         this is how a change of a lock, which nobody reads, replaces a package and its \
         hash.\n\nLook at who changed these lines. Lock again from a sound state of the project \
         and compare."
    }

    fn example(&self) -> (&'static str, &'static str) {
        (
            "uv.lock",
            "version = 1\n\n[[package]]\nname = \"a\"\nversion = \"1\"\nsource = { registry = \"https://packages.acme.example/simple\" }\nsdist = { url = \"https://files.acme.example/a-1.tar.gz\", hash = \"sha256:00\" }\n\n[[package]]\nname = \"b\"\nversion = \"1\"\nsource = { registry = \"https://packages.acme.example/simple\" }\nsdist = { url = \"https://files.acme.example/b-1.tar.gz\", hash = \"sha256:00\" }\n\n[[package]]\nname = \"c\"\nversion = \"1\"\nsource = { registry = \"https://packages.acme.example/simple\" }\nsdist = { url = \"https://files.other.invalid/c-1.tar.gz\", hash = \"sha256:00\" }\n",
        )
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        let named = named_domains(project);
        for file in project.files.iter().filter(|file| file.kind.is_lock()) {
            for (index, hosts) in hosts_by_index(&file.contents) {
                found.extend(
                    unexpected(&hosts, index, &named)
                        .into_iter()
                        .map(|(host, at)| {
                            let (first, rest) = (at[0], &at[1..]);
                            let also: Vec<Span> = rest.iter().map(|at| (*at).clone()).collect();
                            let message = format!(
                                "a file comes from {host}, and the others of its index do not"
                            );
                            let severity = match index {
                                Some(_) => Severity::High,
                                None => Severity::Medium,
                            };
                            Finding::new(self, file, first, message)
                                .severity(severity)
                                .because(
                                    "a lock that was edited by hand installs what its editor chose",
                                )
                                .help("look at who changed this line, lock again and compare")
                                .also(also)
                        }),
                );
            }
        }
    }
}

/// The places of the files of each host, by index.
type HostsByIndex<'c> = BTreeMap<Option<&'c str>, BTreeMap<&'c str, Vec<&'c Span>>>;

fn hosts_by_index(contents: &Contents) -> HostsByIndex<'_> {
    let mut all = HostsByIndex::new();
    for package in &contents.locked {
        let LockedOrigin::Index(index) = &package.origin else {
            continue;
        };
        for file in &package.files {
            if let Some(address) = Address::of(&file.location) {
                let hosts = all.entry(index.as_deref()).or_default();
                hosts.entry(address.host).or_default().push(&file.at);
            }
        }
    }
    all
}

/// The hosts of fewer files than another one has, which nothing else names.
fn unexpected<'c>(
    hosts: &BTreeMap<&'c str, Vec<&'c Span>>,
    index: Option<&str>,
    named: &BTreeSet<String>,
) -> Vec<(&'c str, Vec<&'c Span>)> {
    let most = hosts.values().map(Vec::len).max().unwrap_or_default();
    let usual: BTreeSet<String> = hosts
        .iter()
        .filter(|(_, at)| at.len() == most)
        .map(|(host, _)| domain(host))
        .collect();
    let of_index = index
        .and_then(Address::of)
        .map(|address| domain(address.host));
    let others = hosts.iter().filter(|(host, _)| {
        let domain = domain(host);
        !usual.contains(&domain) && !named.contains(&domain) && of_index.as_ref() != Some(&domain)
    });
    others.map(|(host, at)| (*host, at.clone())).collect()
}

/// The domains of all places that the project and the organisation name.
fn named_domains(project: &Project) -> BTreeSet<String> {
    let places = project.files.iter().flat_map(|file| &file.contents.places);
    let urls = places
        .map(|place| &place.url)
        .chain(&project.organisation.indexes);
    urls.filter_map(|url| Some(domain(Address::of(url)?.host)))
        .collect()
}

/// The last two labels of a host, by which one owner's hosts are told from others' well enough.
fn domain(host: &str) -> String {
    let labels: Vec<&str> = host.rsplitn(3, '.').collect();
    let is_address = host.ends_with(|c: char| c.is_ascii_digit()) || host.contains(':');
    match (&*labels, is_address) {
        ([last, before, ..], false) => format!("{before}.{last}").to_ascii_lowercase(),
        _ => host.to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{found_by, project};

    fn lock(files: &[(&str, &str)]) -> String {
        let packages = files.iter().enumerate().map(|(number, (index, url))| {
            format!("[[package]]\nname = \"p{number}\"\nversion = \"1\"\nsource = {{ registry = \"{index}\" }}\nsdist = \
                     {{ url = \"{url}\", hash = \"sha256:00\" }}\n")
        });
        format!("version = 1\n{}", packages.collect::<String>())
    }

    const INDEX: &str = "https://index.example/simple";

    #[test]
    fn a_host_that_nothing_names_is_found() {
        let usual = (INDEX, "https://files.example/a.tar.gz");
        for (files, expected) in [
            (
                vec![usual, usual, (INDEX, "https://evil.invalid/a.tar.gz")],
                vec!["evil.invalid"],
            ),
            // The host of an index is its own.
            (
                vec![
                    usual,
                    ("https://torch.test/whl", "https://files.torch.test/a.whl"),
                ],
                vec![],
            ),
            (
                vec![usual, usual, (INDEX, "https://cdn.index.example/a.tar.gz")],
                vec![],
            ),
            // Nobody knows which of two is the usual one.
            (
                vec![usual, (INDEX, "https://other.invalid/a.tar.gz")],
                vec![],
            ),
        ] {
            let text = lock(&files);
            let found = found_by("lock-unexpected-host", &project(&[("uv.lock", &text)]));
            let hosts: Vec<&str> = found
                .iter()
                .filter_map(|line| line.split("comes from ").nth(1)?.split(',').next())
                .collect();
            assert_eq!(hosts, expected, "{text}");
        }
    }

    #[test]
    fn what_the_project_names_is_expected() {
        let usual = (INDEX, "https://files.example/a.tar.gz");
        let text = lock(&[usual, usual, (INDEX, "https://wheels.test/a.whl")]);
        let files = [
            ("uv.lock", text.as_str()),
            ("uv.toml", "find-links = [\"https://wheels.test/\"]\n"),
        ];
        assert!(found_by("lock-unexpected-host", &project(&files)).is_empty());
    }
}

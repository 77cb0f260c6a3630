//! `lock-plain-http`: a lock that fetches over HTTP without TLS.

use crate::inspection::Severity;
use crate::lint::address::Address;
use std::collections::BTreeMap;

use crate::lint::contents::{Contents, LockedOrigin, Span};
use crate::lint::project::Project;
use crate::lint::rule::{Finding, Rule};

/// The rule.
#[derive(Debug)]
pub(super) struct LockPlainHttp;

impl Rule for LockPlainHttp {
    fn id(&self) -> &'static str {
        "lock-plain-http"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn summary(&self) -> &'static str {
        "a lock fetches packages over plain HTTP"
    }

    fn manual(&self) -> &'static str {
        "The lock names files or indexes over plain HTTP. Hashes keep another file out, where \
         there are any; what is asked for and with which password can be read on the way all the \
         same.\n\nName the index over `https://` and lock again. This machine is no danger, and \
         not meant."
    }

    fn example(&self) -> (&'static str, &'static str) {
        (
            "uv.lock",
            "version = 1\n\n[[package]]\nname = \"flask\"\nversion = \"3.1.0\"\nsource = { registry = \"http://packages.acme.example/simple\" }\n",
        )
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        for file in project.files.iter().filter(|file| file.kind.is_lock()) {
            let mut hosts: BTreeMap<&str, &Span> = BTreeMap::new();
            for (url, at) in urls(&file.contents) {
                let address = Address::of(url);
                let address =
                    address.filter(|address| address.is_plain_http() && !address.is_loopback());
                if let Some(address) = address {
                    hosts.entry(address.authority).or_insert(at);
                }
            }
            found.extend(hosts.into_iter().map(|(host, at)| {
                let message = format!("this lock fetches from {host} without encryption");
                Finding::new(self, file, at, message)
                    .because("whoever is on the way can read it, and change what has no hash")
                    .help("name the index over https:// and lock again")
            }));
        }
    }
}

/// The URLs of a lock with their places, the indexes first.
fn urls(contents: &Contents) -> Vec<(&str, &Span)> {
    let indexes = contents.lock.iter().flat_map(|head| &head.indexes);
    let mut urls: Vec<(&str, &Span)> = indexes.map(|(url, at)| (&**url, at)).collect();
    for package in &contents.locked {
        match &package.origin {
            LockedOrigin::Index(Some(url))
            | LockedOrigin::Url(url)
            | LockedOrigin::Vcs { url, .. } => {
                urls.push((url, &package.at));
            }
            LockedOrigin::Index(None) | LockedOrigin::Path(_) => {}
        }
        let files = package.files.iter();
        urls.extend(files.map(|file| (&*file.location, &file.at)));
    }
    urls
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{found_by, project};

    #[test]
    fn each_host_is_told_once() {
        let package = |name: &str, url: &str| {
            format!(
                "[[package]]\nname = \"{name}\"\nversion = \"1\"\nsource = {{ registry = \"{url}\" }}\n"
            )
        };
        let lock = format!(
            "version = 1\n{}{}{}{}",
            package("a", "http://a.example/simple"),
            package("b", "http://a.example/simple"),
            package("c", "https://c.example/simple"),
            package("d", "http://127.0.0.1:80/simple"),
        );
        assert_eq!(
            found_by("lock-plain-http", &project(&[("uv.lock", &lock)])),
            ["uv.lock:4: this lock fetches from a.example without encryption [1]"]
        );
    }
}

//! `plain-http`: an index, a repository or a file over HTTP without TLS.

use crate::inspection::Severity;
use crate::lint::address::Address;
use crate::lint::contents::{Origin, Place, PlaceRole, Span, Wanted};
use crate::lint::project::{Project, ProjectFile};
use crate::lint::rule::{Edit, Finding, Rule};

/// The rule.
#[derive(Debug)]
pub(super) struct PlainHttp;

impl Rule for PlainHttp {
    fn id(&self) -> &'static str {
        "plain-http"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn summary(&self) -> &'static str {
        "packages are fetched or published over plain HTTP"
    }

    fn manual(&self) -> &'static str {
        "Over plain HTTP, whoever is on the way can answer in the place of the host: with another \
         package, and, where there are passwords, by keeping them. Hashes in a lock help against \
         the first, and only for what is locked.\n\nUse `https://`. Give a host without a \
         certificate one of your own authority, and name that to the installer. This machine is \
         no danger, and not meant."
    }

    fn example(&self) -> (&'static str, &'static str) {
        (
            "requirements.txt",
            "--index-url http://packages.acme.example/simple\nflask==3.1.0\n",
        )
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        for file in project.files.iter().filter(|file| !file.kind.is_lock()) {
            for (url, at, what) in urls(file) {
                found.extend(of_url(self, project, file, (url, at, what)));
            }
        }
    }
}

/// The URLs of a file, each with its place and what is done with it.
fn urls(file: &ProjectFile) -> Vec<(&str, &Span, &'static str)> {
    let what = |place: &Place| match place.role {
        PlaceRole::Upload => "publishes to",
        _ => "takes packages from",
    };
    let places = file.contents.places.iter();
    let mut urls: Vec<_> = places
        .map(|place| (&*place.url, &place.url_at, what(place)))
        .collect();
    let wanted = file.contents.wanted.iter();
    urls.extend(
        wanted.filter_map(|wanted| Some((url_of(wanted)?, &wanted.at, "takes a package from"))),
    );
    urls
}

fn url_of(wanted: &Wanted) -> Option<&str> {
    match &wanted.origin {
        Origin::Url { url } | Origin::Vcs { url, .. } => Some(url),
        _ => None,
    }
}

fn of_url(
    rule: &dyn Rule,
    project: &Project,
    file: &ProjectFile,
    (url, at, what): (&str, &Span, &str),
) -> Option<Finding> {
    let address = Address::of(url)?;
    let is_plain = address.is_plain_http() || address.scheme == "git";
    if !is_plain || address.is_loopback() || crate::lint::address::is_variable(address.authority) {
        return None;
    }
    // A machine next door is reached over fewer hops.
    let severity = match address.is_nearby() {
        true => Severity::Medium,
        false => rule.severity(),
    };
    let message = format!("this {what} {} without encryption", address.host);
    let finding = Finding::new(rule, file, at, message)
        .severity(severity)
        .because("whoever is on the way can answer with another package")
        .help("use https://");
    match fix(project, file, url, at) {
        Some(edit) => Some(finding.fix(
            "use https, which the same host speaks elsewhere",
            vec![edit],
        )),
        None => Some(finding),
    }
}

/// Only where something else in the project, or the organisation, says that the host speaks HTTPS.
fn fix(project: &Project, file: &ProjectFile, url: &str, at: &Span) -> Option<Edit> {
    let address = Address::of(url)?;
    // With a port of its own, nobody knows what answers there.
    if address.authority != address.host || address.scheme != "http" {
        return None;
    }
    let speaks = |other: &str| {
        let other = Address::of(other);
        other.is_some_and(|other| other.scheme == "https" && other.authority == address.authority)
    };
    let places = project.files.iter().flat_map(|file| &file.contents.places);
    let mut known = places
        .map(|place| &*place.url)
        .chain(project.organisation.indexes.iter().map(|index| &**index));
    if !known.any(speaks) {
        return None;
    }
    let start = at.start + file.text.get(at.clone())?.find(url)?;
    Some(Edit {
        at: start..start + "http".len(),
        with: "https".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{found_by, project};

    use crate::lint::testing::fixed_by;

    #[test]
    fn plain_http_is_found_except_on_this_machine() {
        for (url, expected) in [
            ("http://a.example/simple", true),
            ("https://a.example/simple", false),
            ("http://localhost:3141/root", false),
            ("http://127.0.0.1/", false),
            ("http://${HOST}/simple", false),
            ("http://devpi:3141/root", true),
        ] {
            let text = format!("[global]\nindex-url = {url}\n");
            let found = found_by("plain-http", &project(&[("pip.conf", &text)]));
            assert_eq!(!found.is_empty(), expected, "{url}: {found:?}");
        }
    }

    #[test]
    fn it_is_mended_where_the_host_is_known_to_speak_https() {
        let files = [(
            "pip.conf",
            "[global]\nindex-url = http://gw.example/simple\nfind-links = http://b.example/\n",
        )];
        let mut project = project(&files);
        project.organisation.indexes = vec!["https://gw.example/simple".to_owned()];
        assert_eq!(
            fixed_by("plain-http", &project, "pip.conf"),
            "[global]\nindex-url = https://gw.example/simple\nfind-links = http://b.example/\n"
        );
    }
}

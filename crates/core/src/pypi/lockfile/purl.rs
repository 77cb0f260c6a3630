//! Package URLs of the type `pypi`, by which bills of materials name releases (the purl
//! specification, ECMA-427). Other types are other ecosystems and no business of ours.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::Elsewhere;

/// What a `pkg:pypi/…` URL names, percent-decoded.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PypiUrl<'p> {
    pub(super) name: Cow<'p, str>,
    pub(super) version: Option<Cow<'p, str>>,
    /// The qualifier `file_name`.
    pub(super) filename: Option<Cow<'p, str>>,
    /// The qualifier `checksum`: `sha256:HEX`, or several behind commas.
    pub(super) checksum: Option<Cow<'p, str>>,
    /// The qualifier `vcs_url`: a repository, with `git+` before and `@COMMIT` behind it.
    vcs_url: Option<Cow<'p, str>>,
    /// The qualifier `download_url`: an address that is not that of an index.
    download_url: Option<Cow<'p, str>>,
}

impl PypiUrl<'_> {
    /// Where it comes from when not from an index, and that in words.
    pub(super) fn elsewhere(&self) -> Option<(Elsewhere, &'static str)> {
        if let Some(url) = &self.vcs_url {
            let (kind, rest) = url.split_once('+').unwrap_or(("git", url));
            // An `@` before the path is part of the address: `git@host`.
            let path = rest.rfind('/').unwrap_or_default();
            let (place, commit) = match rest[path..].split_once('@') {
                Some((last, commit)) => (path + last.len(), Some(commit.to_owned())),
                None => (rest.len(), None),
            };
            let from = Elsewhere::Vcs {
                kind: kind.to_owned(),
                url: rest[..place].to_owned(),
                commit,
            };
            return Some((from, "it comes from version control, not from an index"));
        }
        let url = self.download_url.as_ref()?.clone().into_owned();
        let reason = "it comes from a direct address, not from an index";
        Some((Elsewhere::Url(url), reason))
    }

    /// The SHA-256 digest of its file, still as text.
    pub(super) fn sha256(&self) -> Option<&str> {
        let mut checksums = self.checksum.as_deref()?.split(',');
        checksums.find_map(|one| one.trim().strip_prefix("sha256:"))
    }
}

/// Reads a package URL; `None` when it is of another type, or none at all.
pub(super) fn pypi(text: &str) -> Option<PypiUrl<'_>> {
    let (scheme, rest) = text.split_once(':')?;
    let rest = rest.trim_start_matches('/');
    let (kind, rest) = rest.split_once('/')?;
    if !scheme.eq_ignore_ascii_case("pkg") || !kind.eq_ignore_ascii_case("pypi") {
        return None;
    }
    let rest = rest.split('#').next().unwrap_or_default();
    let (path, qualifiers) = rest.split_once('?').unwrap_or((rest, ""));
    let path = path.trim_matches('/');
    let (name, version) = match path.rsplit_once('@') {
        Some((name, version)) => (name, Some(version)),
        None => (path, None),
    };
    let qualifier = |wanted: &str| {
        let pairs = qualifiers
            .split('&')
            .filter_map(|pair| pair.split_once('='));
        let mut named = pairs.filter(|(key, _)| key.eq_ignore_ascii_case(wanted));
        named.find_map(|(_, value)| decoded(value))
    };
    let version = match version.filter(|version| !version.is_empty()) {
        Some(version) => Some(decoded(version)?),
        None => None,
    };
    Some(PypiUrl {
        name: decoded(name)?,
        version,
        filename: qualifier("file_name"),
        checksum: qualifier("checksum"),
        vcs_url: qualifier("vcs_url"),
        download_url: qualifier("download_url"),
    })
}

fn decoded(text: &str) -> Option<Cow<'_, str>> {
    percent_decode_str(text).decode_utf8().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_python_packages_are_read_and_others_are_not() {
        for (text, expected) in [
            ("pkg:pypi/flask@3.0.0", Some(("flask", Some("3.0.0"), None))),
            ("pkg:PyPI/Flask@3.0.0", Some(("Flask", Some("3.0.0"), None))),
            ("pkg://pypi/flask", Some(("flask", None, None))),
            (
                "pkg:pypi/torch@2.1%2Bcpu",
                Some(("torch", Some("2.1+cpu"), None)),
            ),
            (
                "pkg:pypi/a@1!2?x=y&file_name=a-1-py3.whl#sub",
                Some(("a", Some("1!2"), Some("a-1-py3.whl"))),
            ),
            ("pkg:npm/left-pad@1", None),
            ("pkg:pypi", None),
            ("flask", None),
            ("pkg:pypi/%ff@1", None),
        ] {
            let found = pypi(text);
            let found = found
                .as_ref()
                .map(|url| (&*url.name, url.version.as_deref(), url.filename.as_deref()));
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn a_qualifier_tells_of_another_place() {
        let vcs = |url: &str, commit: Option<&str>| Elsewhere::Vcs {
            kind: "git".to_owned(),
            url: url.to_owned(),
            commit: commit.map(str::to_owned),
        };
        for (qualifiers, expected) in [
            ("", None),
            (
                "?vcs_url=git%2Bhttps://a.example/x%40abc",
                Some(vcs("https://a.example/x", Some("abc"))),
            ),
            (
                "?vcs_url=git%2Bssh://git%40a.example/x",
                Some(vcs("ssh://git@a.example/x", None)),
            ),
            ("?vcs_url=", Some(vcs("", None))),
            (
                "?download_url=https://a.example/x.zip",
                Some(Elsewhere::Url("https://a.example/x.zip".to_owned())),
            ),
        ] {
            let text = format!("pkg:pypi/x@1{qualifiers}");
            let found = pypi(&text).and_then(|url| url.elsewhere());
            assert_eq!(found.map(|(from, _)| from), expected, "{text}");
        }
    }
}

//! Package URLs of the type `pypi`, by which bills of materials name releases (the purl
//! specification, ECMA-427). Other types are other ecosystems and no business of ours.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// What a `pkg:pypi/…` URL names, percent-decoded.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PypiUrl<'p> {
    pub(super) name: Cow<'p, str>,
    pub(super) version: Option<Cow<'p, str>>,
    /// The qualifier `file_name`.
    pub(super) filename: Option<Cow<'p, str>>,
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
    let qualifiers = qualifiers
        .split('&')
        .filter_map(|pair| pair.split_once('='));
    let filename = qualifiers
        .filter(|(key, _)| key.eq_ignore_ascii_case("file_name"))
        .find_map(|(_, value)| decoded(value));
    let version = match version.filter(|version| !version.is_empty()) {
        Some(version) => Some(decoded(version)?),
        None => None,
    };
    Some(PypiUrl {
        name: decoded(name)?,
        version,
        filename,
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
}

//! One requirement, wherever it stands: a name with versions (PEP 508), a URL, version control or a path, as pip
//! tells them apart. How lists of them are written is the formats'.

use std::ops::Range;

use super::marker::is_marker;
use crate::lint::contents::{GivenHash, InvocationId, Origin, Role, Tool, Wanted};
use crate::lint::syntax::Spelled;
use crate::pypi::filename::DistFilename;
use crate::pypi::name::ProjectName;
use crate::pypi::requirement::{InvalidRequirement, Requirement};
use crate::pypi::version::VersionSpecifiers;

/// What a requirement is a part of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Purpose {
    /// What it is wanted for.
    pub(super) role: Role,
    /// Who installs it.
    pub(super) tool: Tool,
    /// The invocation that it is an argument of.
    pub(super) by: Option<InvocationId>,
}

/// Where something that does not come from an index comes from, as far as its address tells.
struct Direct {
    origin: Origin,
    name: Option<ProjectName>,
    /// The hashes in the fragment, with their places in the address.
    hashes: Vec<(String, String, Range<usize>)>,
}

/// Signs with which variables of shells, Jinja, hatch and `configparser` begin. No name, version or marker has
/// any of them.
const VARIABLES: &[&str] = &["$", "{", "%("];

/// Endings of files that pip installs from.
const ARCHIVES: &[&str] = &[
    ".whl",
    ".zip",
    ".tar.gz",
    ".tgz",
    ".tar",
    ".tar.bz2",
    ".tbz",
    ".tar.xz",
    ".txz",
    ".tar.lzma",
];

/// What the requirement `spelled` says. It never fails: what cannot be understood is [`Origin::Unknown`].
pub(super) fn wanted(spelled: &Spelled, purpose: Purpose) -> Wanted {
    let (spelled, marker) = parted(&trimmed(spelled));
    let head = requirement_of(&spelled, marker.as_ref());
    let marker = marker.map(|at| spelled.as_str()[at].trim().to_owned());
    let text = head.as_str();
    let mut wanted = Wanted {
        spelled: spelled.as_str().to_owned(),
        at: spelled.at(),
        name: None,
        origin: Origin::Index(VersionSpecifiers::empty()),
        hashes: Vec::new(),
        role: purpose.role,
        tool: purpose.tool,
        index: None,
        partly_known: false,
        marker,
        by: purpose.by,
    };
    match address(text) {
        Some((name, at)) => {
            let direct = direct(&text[at.clone()]);
            let place =
                |inside: Range<usize>| head.place(at.start + inside.start..at.start + inside.end);
            wanted.partly_known = has_unknown_reference(&direct.origin);
            wanted.hashes = given(direct.hashes, place);
            wanted.origin = match name.is_some() && text[at].contains(char::is_whitespace) {
                true => Origin::Unknown("its address has white space in it".to_owned()),
                false => direct.origin,
            };
            wanted.name = name.or(direct.name);
        }
        None if looks_like_path(text) => {
            wanted.name = name_of_file(text);
            wanted.origin = Origin::Path(without_extras(text).to_owned());
        }
        None => of_index(text, &mut wanted),
    }
    refuse_marker(&mut wanted);
    wanted
}

/// A requirement with something else than a marker behind its semicolon is none, unless variables may make one.
fn refuse_marker(wanted: &mut Wanted) {
    let marker = wanted.marker.as_deref();
    let Some(marker) = marker.filter(|marker| !is_marker(marker)) else {
        return;
    };
    if has_variables(marker) {
        wanted.partly_known = true;
    } else {
        wanted.origin = Origin::Unknown("what stands behind `;` is no marker".to_owned());
    }
}

/// What `-e` or `--editable` with the value `spelled` says: version control or a folder.
pub(super) fn editable(spelled: &Spelled, purpose: Purpose) -> Wanted {
    let mut wanted = wanted(spelled, purpose);
    if matches!(wanted.origin, Origin::Index(_) | Origin::Unknown(_)) {
        wanted.name = None;
        wanted.origin = Origin::Path(without_extras(spelled.as_str().trim()).to_owned());
    }
    wanted
}

/// The hash `algorithm:digest` that `spelled` gives.
pub(super) fn given_hash(spelled: &Spelled) -> GivenHash {
    let text = spelled.as_str();
    let (algorithm, digest) = text.split_once([':', '=']).unwrap_or(("", text));
    GivenHash {
        algorithm: algorithm.to_ascii_lowercase(),
        digest: digest.to_owned(),
        at: spelled.at(),
    }
}

/// What `kind+url@reference#fragment`, a URL or a path says.
pub(super) fn origin_of(address: &str) -> Origin {
    direct(address).origin
}

fn given(
    hashes: Vec<(String, String, Range<usize>)>,
    place: impl Fn(Range<usize>) -> Range<usize>,
) -> Vec<GivenHash> {
    let hashes = hashes.into_iter();
    let given = hashes.map(|(algorithm, digest, at)| GivenHash {
        algorithm,
        digest,
        at: place(at),
    });
    given.collect()
}

fn trimmed(spelled: &Spelled) -> Spelled {
    let text = spelled.as_str();
    let start = text.len() - text.trim_start().len();
    spelled.part(start..start + text.trim().len())
}

/// The requirement, and where its marker stands in it. A URL may have semicolons; before its marker there is
/// white space.
fn parted(spelled: &Spelled) -> (Spelled, Option<Range<usize>>) {
    let text = spelled.as_str();
    let mut semicolons = text.match_indices(';').map(|(at, _)| at);
    let found = match address(text).is_some() {
        true => semicolons.find(|at| {
            let follows = text[at + 1..].starts_with([' ', '\t']);
            follows || text[..*at].ends_with([' ', '\t'])
        }),
        false => semicolons.next(),
    };
    let marker = found.map(|at| at + 1..text.len());
    (spelled.clone(), marker)
}

/// What stands before the marker.
fn requirement_of(spelled: &Spelled, marker: Option<&Range<usize>>) -> Spelled {
    let text = spelled.as_str();
    let end = marker.map_or(text.len(), |marker| marker.start - 1);
    spelled.part(0..text[..end].trim_end().len())
}

/// The project before `@`, and where the address stands, if `text` has one.
fn address(text: &str) -> Option<(Option<ProjectName>, Range<usize>)> {
    if scheme(text).is_some() {
        return Some((None, 0..text.len()));
    }
    let (name, rest) = text.split_once('@')?;
    let name = ProjectName::new(without_extras(name.trim()).trim()).ok()?;
    let start = text.len() - rest.trim_start().len();
    Some((Some(name), start..text.len()))
}

/// What a URL begins with, `git+` included.
fn scheme(text: &str) -> Option<&str> {
    // Behind `git+` an address may also be written as SSH writes it.
    let kind = text.split_once('+').map(|(kind, _)| kind);
    if let Some(kind) = kind.filter(|kind| matches!(*kind, "git" | "hg" | "svn" | "bzr")) {
        return Some(kind);
    }
    let (scheme, rest) = text.split_once(':')?;
    let is_one = !scheme.is_empty()
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+.-".contains(&byte));
    let is_known = rest.starts_with("//") || scheme.contains('+') || scheme == "file";
    (is_one && is_known && scheme.len() > 1).then_some(scheme)
}

fn direct(address: &str) -> Direct {
    let (front, fragment) = match address.split_once('#') {
        Some((front, fragment)) => (front, fragment),
        None => (address, ""),
    };
    let fields = fields(fragment, front.len() + 1);
    let egg = fields.iter().find(|(key, _, _)| *key == "egg");
    let egg = egg.and_then(|(_, value, _)| ProjectName::new(without_extras(value)).ok());
    let is_digest =
        |key: &str| key.starts_with("sha") || key.starts_with("md5") || key.starts_with("blake");
    let hashes = fields.iter().filter(|(key, _, _)| is_digest(key));
    let hashes = hashes.map(|(key, value, at)| {
        let algorithm = key.to_ascii_lowercase();
        (algorithm, (*value).to_owned(), at.clone())
    });
    let scheme = scheme(front).map(str::to_ascii_lowercase);
    let origin = match scheme.as_deref() {
        None => Origin::Path(address.to_owned()),
        Some("file") => Origin::Path(front.to_owned()),
        Some(scheme) => match version_control(scheme) {
            Some(kind) => vcs(kind, front),
            None => Origin::Url {
                url: address.to_owned(),
            },
        },
    };
    Direct {
        name: egg.or_else(|| name_of_file(front)),
        hashes: hashes.collect(),
        origin,
    }
}

/// The fields of a fragment, with their places.
fn fields(fragment: &str, start: usize) -> Vec<(&str, &str, Range<usize>)> {
    let mut from = start;
    let mut found = Vec::new();
    for field in fragment.split('&') {
        if let Some((key, value)) = field.split_once('=') {
            found.push((key, value, from..from + field.len()));
        }
        from += field.len() + 1;
    }
    found
}

fn version_control(scheme: &str) -> Option<&'static str> {
    let kind = scheme.split('+').next().unwrap_or_default();
    match kind {
        "git" | "ssh" => Some("git"),
        "hg" => Some("hg"),
        "svn" => Some("svn"),
        "bzr" => Some("bzr"),
        _ => None,
    }
}

/// `git+https://host/path@reference`: the reference is behind the last `@` of the path, not of the authority.
fn vcs(kind: &str, front: &str) -> Origin {
    let has_prefix = |prefix: &&str| prefix.eq_ignore_ascii_case(kind);
    let url = match front.split_once('+') {
        Some((prefix, url)) if has_prefix(&prefix) => url,
        _ => front,
    };
    let path = match url.split_once("://") {
        Some((scheme, rest)) => {
            let authority = rest.find('/').unwrap_or(rest.len());
            scheme.len() + 3 + authority
        }
        None => url.find(':').unwrap_or(0),
    };
    let (url, reference) = match url[path..].rsplit_once('@') {
        Some((before, reference)) => (&url[..path + before.len()], Some(reference)),
        None => (url, None),
    };
    Origin::Vcs {
        kind: kind.to_owned(),
        url: url.to_owned(),
        reference: reference.filter(|one| !one.is_empty()).map(str::to_owned),
    }
}

fn has_unknown_reference(origin: &Origin) -> bool {
    match origin {
        Origin::Vcs { reference, .. } => reference.as_deref().is_some_and(has_variables),
        _ => false,
    }
}

fn has_variables(text: &str) -> bool {
    VARIABLES.iter().any(|sign| text.contains(sign))
}

fn looks_like_path(text: &str) -> bool {
    let text = without_extras(text);
    let lower = text.to_ascii_lowercase();
    if text.contains("://") || text.starts_with('@') {
        return false;
    }
    text.starts_with(['.', '~'])
        || text.contains(['/', '\\'])
        || ARCHIVES.iter().any(|ending| lower.ends_with(ending))
}

/// The project of a wheel or sdist, where the name of the file tells.
fn name_of_file(address: &str) -> Option<ProjectName> {
    let front = address.split(['#', '?']).next().unwrap_or_default();
    let name = without_extras(front).rsplit(['/', '\\']).next()?;
    DistFilename::parse(name, None).ok()?.project().cloned()
}

/// What stands before `[…]` at the end.
fn without_extras(text: &str) -> &str {
    match text.strip_suffix(']').and_then(|open| open.rfind('[')) {
        Some(start) if start > 0 => &text[..start],
        _ => text,
    }
}

/// Releases of an index.
fn of_index(text: &str, wanted: &mut Wanted) {
    match text.parse::<Requirement>() {
        Ok(requirement) => {
            wanted.name = Some(requirement.name);
            wanted.origin = Origin::Index(requirement.specifiers);
        }
        Err(_) if has_variables(text) => {
            wanted.partly_known = true;
            wanted.name = name_before_variables(text);
        }
        Err(error) => {
            wanted.name = leading_name(text);
            wanted.origin = Origin::Unknown(reason(error));
        }
    }
}

/// The name at the start of a requirement of which the rest is not known.
fn name_before_variables(text: &str) -> Option<ProjectName> {
    let known = VARIABLES.iter().filter_map(|sign| text.find(sign)).min()?;
    // A variable right behind it may be a part of the name.
    let end = text[..known].find(|c: char| !is_name_part(c))?;
    ProjectName::new(&text[..end]).ok()
}

fn leading_name(text: &str) -> Option<ProjectName> {
    let end = text.find(|c: char| !is_name_part(c));
    ProjectName::new(&text[..end.unwrap_or(text.len())]).ok()
}

fn is_name_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')
}

fn reason(error: InvalidRequirement) -> String {
    match error {
        InvalidRequirement::Syntax { why, .. } => {
            let clause = why.trim_end_matches('.');
            let mut characters = clause.chars();
            match characters.next() {
                Some(first) => format!("{}{}", first.to_lowercase(), characters.as_str()),
                None => "it is no requirement".to_owned(),
            }
        }
        InvalidRequirement::Name(_) => "its name is no project name".to_owned(),
        InvalidRequirement::Url(_) => "its address is no URL".to_owned(),
        InvalidRequirement::TooLong => "it is too long to be one".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PURPOSE: Purpose = Purpose {
        role: Role::Runtime,
        tool: Tool::Pip,
        by: None,
    };

    fn told(wanted: &Wanted) -> String {
        let name = wanted.name.as_ref().map_or("-", ProjectName::as_str);
        let origin = match &wanted.origin {
            Origin::Index(specifiers) => format!("index {specifiers}"),
            Origin::Url { url } => format!("url {url}"),
            Origin::Vcs {
                kind,
                url,
                reference,
            } => format!("{kind} {url} {}", reference.as_deref().unwrap_or("-")),
            Origin::Path(path) => format!("path {path}"),
            Origin::Unknown(why) => format!("unknown {why}"),
        };
        let hashes = wanted.hashes.iter();
        let hashes = hashes.map(|hash| format!(" {}:{}", hash.algorithm, hash.digest));
        let marker = wanted.marker.iter().map(|marker| format!(" ; {marker}"));
        let partly = wanted.partly_known.then_some(" partly".to_owned());
        let more: String = hashes.chain(marker).chain(partly).collect();
        format!("{name} {}{more}", origin.trim_end())
    }

    #[test]
    fn every_form_is_told_apart() {
        for (text, expected) in [
            (
                "Flask[async] >= 3 ; os_name == 'nt'",
                "flask index >=3 ; os_name == 'nt'",
            ),
            ("flask(>=3)", "flask index >=3"),
            (
                "flask @ https://a.example/f-1.0.zip ; os_name=='x'",
                "flask url https://a.example/f-1.0.zip ; os_name=='x'",
            ),
            (
                "flask[a]@https://a.example/f;x",
                "flask url https://a.example/f;x",
            ),
            (
                "https://a.example/flask-1.0-py3-none-any.whl#sha256=ab&egg=x",
                "x url https://a.example/flask-1.0-py3-none-any.whl#sha256=ab&egg=x sha256:ab",
            ),
            (
                "https://a.example/flask-1.0-py3-none-any.whl",
                "flask url https://a.example/flask-1.0-py3-none-any.whl",
            ),
            (
                "git+https://u@a.example/f.git@v1#egg=f",
                "f git https://u@a.example/f.git v1",
            ),
            (
                "git+ssh://git@a.example/f.git",
                "- git ssh://git@a.example/f.git -",
            ),
            (
                "git+git@a.example:x/f.git@main",
                "- git git@a.example:x/f.git main",
            ),
            (
                "f @ hg+https://a.example/f@${REV}",
                "f hg https://a.example/f ${REV} partly",
            ),
            ("./flask[x]", "- path ./flask"),
            (
                "vendor/flask-1.0.tar.gz",
                "flask path vendor/flask-1.0.tar.gz",
            ),
            ("flask-1.0.tar.gz", "flask path flask-1.0.tar.gz"),
            ("flask @ ./x", "flask path ./x"),
            ("file:///x", "- path file:///x"),
            ("flask==$VERSION", "flask index partly"),
            ("flask${X}==1", "- index partly"),
            ("flask==${A}.${B}", "flask index partly"),
            ("{{ cookiecutter.name }}", "- index partly"),
        ] {
            let found = wanted(&Spelled::plain(text, 0), PURPOSE);
            assert_eq!(told(&found), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_requirement_says_why() {
        for text in ["flask=3", "flask 3", "?", "", ">=3", "flask>=x", "a b"] {
            let found = wanted(&Spelled::plain(text, 0), PURPOSE);
            let Origin::Unknown(why) = &found.origin else {
                panic!("{text}: {found:?}");
            };
            assert!(!why.is_empty() && !why.contains('\n'), "{why}");
        }
    }

    #[test]
    fn places_are_those_of_the_file() {
        let file = "x  flask @ https://a.example/f#sha256=ab ; os_name=='x'  ";
        let found = wanted(&Spelled::plain(&file[1..], 1), PURPOSE);
        assert_eq!(
            &file[found.at],
            "flask @ https://a.example/f#sha256=ab ; os_name=='x'"
        );
        assert_eq!(&file[found.hashes[0].at.clone()], "sha256=ab");
    }

    #[test]
    fn what_is_editable_is_a_folder_or_version_control() {
        for (text, expected) in [
            (".", "- path ."),
            ("flask", "- path flask"),
            (".[test]", "- path ."),
            (
                "git+https://a.example/f@0#egg=f[x]",
                "f git https://a.example/f 0",
            ),
        ] {
            let found = editable(&Spelled::plain(text, 0), PURPOSE);
            assert_eq!(told(&found), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(text in any::<String>(), tail in "[a-z0-9 @:/#=&;+.~$\\[\\]é-]{0,40}") {
            for text in [text, format!("a @ {tail}"), format!("git+{tail}"), tail] {
                let found = wanted(&Spelled::plain(&text, 0), PURPOSE);
                prop_assert!(text.get(found.at.clone()).is_some());
                for hash in &found.hashes {
                    prop_assert!(text.get(hash.at.clone()).is_some());
                }
                let _ = editable(&Spelled::plain(&text, 0), PURPOSE);
                let _ = given_hash(&Spelled::plain(&text, 0));
            }
        }
    }
}

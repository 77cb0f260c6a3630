//! Names of images: what is fetched, in which version, and as whom its commands run.

use crate::lint::contents::{Reference, ReferenceKind, Span, User};

/// The image `name`, which is written at `at`; `None` where nobody can tell which it is.
pub(super) fn reference(name: &str, at: Span) -> Option<Reference> {
    let name = name.trim();
    let name = name.strip_prefix("docker://").unwrap_or(name);
    let is_known =
        !name.is_empty() && name != "scratch" && !name.contains(['$', '{', '%', '<', ' ']);
    if !is_known {
        return None;
    }
    let (front, digest) = match name.split_once('@') {
        Some((front, digest)) => (front, Some(digest)),
        None => (name, None),
    };
    let (target, tag) = parted(front);
    Some(Reference {
        kind: ReferenceKind::Image,
        target: target.to_owned(),
        revision: digest.or(tag).map(str::to_owned),
        at,
    })
}

/// Name and tag. A colon before a slash is that of a port.
fn parted(name: &str) -> (&str, Option<&str>) {
    match name.rsplit_once(':') {
        Some((target, tag)) if !tag.contains('/') => (target, Some(tag)),
        _ => (name, None),
    }
}

/// As whom commands run in an image that says nothing else. The official images are root's; of others nobody
/// can tell.
pub(super) fn user_of(name: &str) -> User {
    let (target, _) = parted(name.split('@').next().unwrap_or_default());
    match is_official(target) {
        true => User::Root,
        false => User::Unknown,
    }
}

/// Whether an image is one of those that are looked after in common (`python`, `debian`).
pub(in crate::lint) fn is_official(target: &str) -> bool {
    let bare = target.strip_prefix("docker.io/").unwrap_or(target);
    let bare = bare.strip_prefix("library/").unwrap_or(bare);
    !bare.is_empty() && !bare.contains(['/', '$', '{'])
}

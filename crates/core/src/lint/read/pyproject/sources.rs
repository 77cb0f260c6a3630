//! Where uv and pdm are told to take single dependencies from: `[tool.uv.sources]` and the `include_packages` of
//! pdm's sources. It changes what the other tables want.

use crate::lint::contents::{Contents, Origin, Role, Wanted};
use crate::lint::read::requirement::origin_of;
use crate::lint::syntax::Node;
use crate::pypi::name::ProjectName;

/// Applies the sources of `root` to what is wanted.
pub(super) fn apply(root: &Node, contents: &mut Contents) {
    let uv = root.path(&["tool", "uv", "sources"]);
    for entry in uv.map(Node::entries).unwrap_or_default() {
        // Several sources are for several markers; the first stands for all of them.
        let Some(source) = entry.value.one_or_more().first() else {
            continue;
        };
        let Ok(name) = ProjectName::new(&entry.key) else {
            continue;
        };
        for wanted in of_project(contents, &name) {
            from_source(source, wanted);
        }
    }
    let pdm = root.path(&["tool", "pdm", "source"]);
    for source in pdm.map(Node::items).unwrap_or_default() {
        let Some(index) = source.text_of("name") else {
            continue;
        };
        let patterns = source.get("include_packages").map(Node::items);
        let patterns: Vec<&str> = patterns
            .unwrap_or_default()
            .iter()
            .filter_map(Node::text)
            .collect();
        for wanted in &mut contents.wanted {
            let name = wanted.name.as_ref().map(ProjectName::as_str);
            let is_meant = |name| {
                patterns
                    .iter()
                    .any(|pattern| glob(pattern.as_bytes(), name))
            };
            if name.is_some_and(|name| is_meant(name.as_bytes())) {
                wanted.index.get_or_insert_with(|| index.to_owned());
            }
        }
    }
}

fn of_project<'c>(
    contents: &'c mut Contents,
    name: &'c ProjectName,
) -> impl Iterator<Item = &'c mut Wanted> {
    let wanted = contents.wanted.iter_mut();
    let is_meant = |one: &&mut Wanted| one.name.as_ref() == Some(name);
    wanted.filter(move |one| is_meant(one) && !matches!(one.role, Role::Constraint | Role::Build))
}

/// Takes one source of uv.
fn from_source(source: &Node, wanted: &mut Wanted) {
    if let Some(index) = source.text_of("index") {
        wanted.index = Some(index.to_owned());
    } else if let Some(origin) = direct_origin(source) {
        wanted.origin = origin;
    } else if source.get("workspace").and_then(Node::scalar) == Some("true") {
        wanted.origin = Origin::Path(".".to_owned());
    }
}

/// What a table of poetry or uv says with `git`, `url`, `path` or `file`; `None` where it has none of them. A tag
/// and a branch are told apart as git does it, by `refs/tags/` and `refs/heads/`.
pub(super) fn direct_origin(table: &Node) -> Option<Origin> {
    if let Some(url) = table.text_of("git") {
        let revision = table.text_of("rev").map(str::to_owned);
        let tag = || table.text_of("tag").map(|tag| format!("refs/tags/{tag}"));
        let branch = || {
            table
                .text_of("branch")
                .map(|branch| format!("refs/heads/{branch}"))
        };
        return Some(Origin::Vcs {
            kind: "git".to_owned(),
            url: url.strip_prefix("git+").unwrap_or(url).to_owned(),
            reference: revision.or_else(tag).or_else(branch),
        });
    }
    if let Some(url) = table.text_of("url") {
        return Some(origin_of(url));
    }
    let path = table.text_of("path").or_else(|| table.text_of("file"));
    path.map(|path| Origin::Path(path.to_owned()))
}

/// Whether `text` is meant by `pattern`, in which `*` stands for any bytes and `?` for one.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut from) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while from < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, from));
                at += 1;
            }
            Some(sign) if *sign == b'?' || *sign == text[from] => {
                at += 1;
                from += 1;
            }
            _ => match star {
                Some((back, tried)) => {
                    star = Some((back, tried + 1));
                    at = back + 1;
                    from = tried + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|sign| *sign == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_what_pdm_means() {
        for (pattern, text, expected) in [
            ("acme*", "acme-billing", true),
            ("*", "", true),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "axxbyy", false),
            ("a?c", "abc", true),
            ("acme", "acme-billing", false),
        ] {
            assert_eq!(
                glob(pattern.as_bytes(), text.as_bytes()),
                expected,
                "{pattern} {text}"
            );
        }
    }
}

//! What a member is there for by its name: which ones are read as documents of the distribution,
//! which as Python, and which files Python reads at each start.

use super::content::Content;

/// Who wants to read a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Interest {
    /// The rules: METADATA, WHEEL, `pyproject.toml` and their like, and `.pth` files.
    Document,
    /// The analysis of Python.
    Source,
    /// Nobody.
    None,
}

/// Who wants to read the member `name`, which is `content`.
pub(super) fn interest(name: &str, content: Content) -> Interest {
    if is_document(name) || is_startup_list(name) {
        return Interest::Document;
    }
    let lower = name.to_ascii_lowercase();
    let is_python = [".py", ".pyw", ".pyi~", ".py~"]
        .iter()
        .any(|ending| lower.ends_with(ending));
    let is_script = installed_scripts(name).is_some() && content == Content::Script;
    match is_python || is_script {
        true => Interest::Source,
        false => Interest::None,
    }
}

fn is_document(name: &str) -> bool {
    let Some((top, rest)) = name.split_once('/') else {
        return false;
    };
    match rest {
        "METADATA" | "WHEEL" | "entry_points.txt" => {
            top.to_ascii_lowercase().ends_with(".dist-info")
        }
        "PKG-INFO" | "pyproject.toml" | "setup.cfg" | "setup.py" => true,
        _ => rest.ends_with(".egg-info/entry_points.txt"),
    }
}

/// The rest of a path below `{distribution}.data/{key}/` (PEP 427), with the key.
#[must_use]
pub fn data_tree(name: &str) -> Option<(&str, &str)> {
    let (top, rest) = name.split_once('/')?;
    let is_data = top.to_ascii_lowercase().ends_with(".data") && top.contains('-');
    is_data.then(|| rest.split_once('/')).flatten()
}

/// The path below `{distribution}.data/scripts/`.
#[must_use]
pub fn installed_scripts(name: &str) -> Option<&str> {
    data_tree(name)
        .filter(|(key, _)| *key == "scripts")
        .map(|(_, rest)| rest)
}

/// Where a wheel's file ends up below `site-packages`; `None` when it ends up elsewhere.
#[must_use]
pub fn site_path(name: &str) -> Option<&str> {
    match data_tree(name) {
        None => Some(name),
        Some(("purelib" | "platlib", rest)) => Some(rest),
        Some(("data", rest)) => {
            let at = rest
                .find("site-packages/")
                .or_else(|| rest.find("dist-packages/"))?;
            Some(&rest[at + "site-packages/".len()..])
        }
        Some(_) => None,
    }
}

/// Whether Python reads the file at each start: a `.pth` or `.start` file directly in
/// `site-packages`.
#[must_use]
pub fn is_startup_list(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let is_list = lower.ends_with(".pth") || lower.ends_with(".start");
    is_list && site_path(name).is_some_and(|path| !path.contains('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn startup_lists_stand_directly_in_site_packages() {
        for name in [
            "evil.pth",
            "evil.PTH",
            "demo.start",
            "demo-1.0.data/purelib/evil.pth",
            "demo-1.0.data/platlib/evil.pth",
            "demo-1.0.data/data/lib/python3.11/site-packages/evil.pth",
        ] {
            assert!(is_startup_list(name), "{name}");
        }
        for name in [
            "demo/model.pth",
            "demo-1.0.data/data/share/evil.pth",
            "pth",
            "a.path",
        ] {
            assert!(!is_startup_list(name), "{name}");
        }
    }

    #[test]
    fn documents_stand_at_their_place() {
        let of = |name| interest(name, Content::Text);
        assert_eq!(of("demo-1.0.dist-info/METADATA"), Interest::Document);
        assert_eq!(of("demo-1.0/setup.py"), Interest::Document);
        assert_eq!(of("demo/METADATA"), Interest::None);
        assert_eq!(of("demo-1.0/demo/setup.py"), Interest::Source);
        assert_eq!(
            interest("demo-1.0.data/scripts/run", Content::Script),
            Interest::Source
        );
    }
}

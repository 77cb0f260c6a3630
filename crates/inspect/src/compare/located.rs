//! [`located`]: where a member of an archive is installed. Names of members carry the version of the
//! distribution, places do not, so that the same file of two versions is found.

use portcullis_core::inspection::{Area, Form};

use crate::archive::survey::{data_tree, site_path};

/// The area that the member `name` ends up in, and its path there (PEP 427, "Spread").
pub(crate) fn located(form: Form, name: &str) -> (Area, &str) {
    if form == Form::Sdist {
        return (
            Area::Sdist,
            name.split_once('/').map_or(name, |(_, below)| below),
        );
    }
    if let Some((top, below)) = name.split_once('/')
        && top.to_ascii_lowercase().ends_with(".dist-info")
    {
        return (Area::DistInfo, below);
    }
    match (site_path(name), data_tree(name)) {
        (Some(path), _) => (Area::Site, path),
        (None, Some(("scripts", path))) => (Area::Scripts, path),
        (None, Some(("headers", path))) => (Area::Headers, path),
        (None, Some((_, path))) => (Area::Data, path),
        (None, None) => (Area::Data, name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_no_part_of_a_place() {
        for (form, name, expected) in [
            (Form::Wheel, "demo/a.py", (Area::Site, "demo/a.py")),
            (
                Form::Wheel,
                "demo-1.0.data/purelib/demo/a.py",
                (Area::Site, "demo/a.py"),
            ),
            (
                Form::Wheel,
                "demo-1.0.data/scripts/run",
                (Area::Scripts, "run"),
            ),
            (
                Form::Wheel,
                "demo-1.0.data/headers/a.h",
                (Area::Headers, "a.h"),
            ),
            (
                Form::Wheel,
                "demo-1.0.data/data/share/a",
                (Area::Data, "share/a"),
            ),
            (
                Form::Wheel,
                "demo-1.0.dist-info/METADATA",
                (Area::DistInfo, "METADATA"),
            ),
            (
                Form::Sdist,
                "demo-1.0/src/demo/a.py",
                (Area::Sdist, "src/demo/a.py"),
            ),
            (Form::Sdist, "setup.py", (Area::Sdist, "setup.py")),
        ] {
            assert_eq!(located(form, name), expected);
        }
    }
}

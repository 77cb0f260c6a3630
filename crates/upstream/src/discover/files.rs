//! Where installers keep what is set for a user or a machine, whether or not anything is there.

use std::path::PathBuf;

use super::{Machine, pip, uv};

/// Whose configuration a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the name of the installer")]
pub enum Installer {
    Pip,
    Uv,
    Poetry,
    Pdm,
}

/// The files that pip, uv, poetry and pdm read on `machine` besides those of a project, the least important of
/// each first. Where they keep passwords and nothing else is left out.
#[must_use]
pub fn configuration_files(machine: &Machine) -> Vec<(Installer, PathBuf)> {
    let mut files = Vec::new();
    let mut add = |installer: Installer, paths: Vec<PathBuf>| {
        files.extend(paths.into_iter().map(|path| (installer, path)));
    };
    add(Installer::Pip, pip::paths(machine));
    add(Installer::Uv, uv::paths(machine));
    add(Installer::Poetry, poetry(machine));
    add(Installer::Pdm, pdm(machine));
    files
}

/// `$POETRY_CONFIG_DIR`, or `pypoetry` in the user's configuration.
fn poetry(machine: &Machine) -> Vec<PathBuf> {
    let usual = || Some(machine.user_configuration()?.join("pypoetry"));
    let named = machine.environment.path("POETRY_CONFIG_DIR");
    let folder = named.or_else(usual).into_iter();
    folder.map(|folder| folder.join("config.toml")).collect()
}

/// The site's, then the user's, which `$PDM_CONFIG_FILE` can name.
fn pdm(machine: &Machine) -> Vec<PathBuf> {
    let below = |folder: PathBuf| folder.join("pdm/config.toml");
    let mut paths: Vec<PathBuf> = machine.system_configuration();
    paths
        .iter_mut()
        .for_each(|path| *path = below(path.clone()));
    let named = machine.environment.path("PDM_CONFIG_FILE");
    paths.extend(named.or_else(|| machine.user_configuration().map(below)));
    paths
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::Environment;

    #[test]
    fn every_place_is_named_once() {
        let machine = |environment: Environment| Machine {
            environment,
            root: PathBuf::from("/r"),
            home: Some(PathBuf::from("/r/home")),
        };
        let of = |installer: Installer, environment: Environment| -> Vec<String> {
            let files = configuration_files(&machine(environment)).into_iter();
            let own = files.filter(|(whose, _)| *whose == installer);
            own.map(|(_, path)| path.display().to_string()).collect()
        };
        let nothing = Environment::default;
        assert_eq!(
            of(Installer::Pip, nothing()),
            [
                "/r/etc/xdg/pip/pip.conf",
                "/r/etc/pip.conf",
                "/r/home/.pip/pip.conf",
                "/r/home/.config/pip/pip.conf"
            ]
        );
        assert_eq!(
            of(Installer::Poetry, nothing()),
            ["/r/home/.config/pypoetry/config.toml"]
        );
        assert_eq!(
            of(Installer::Pdm, nothing()),
            [
                "/r/etc/xdg/pdm/config.toml",
                "/r/home/.config/pdm/config.toml"
            ]
        );
        let elsewhere = || {
            let variables = [
                ("POETRY_CONFIG_DIR", "/p"),
                ("PDM_CONFIG_FILE", "/d.toml"),
                ("PIP_CONFIG_FILE", "/dev/null"),
                ("UV_CONFIG_FILE", "/u.toml"),
            ];
            variables.into_iter().collect::<Environment>()
        };
        assert_eq!(of(Installer::Poetry, elsewhere()), ["/p/config.toml"]);
        assert_eq!(
            of(Installer::Pdm, elsewhere()).last().map(String::as_str),
            Some("/d.toml")
        );
        assert_eq!(of(Installer::Pip, elsewhere()), [""; 0]);
        assert_eq!(of(Installer::Uv, elsewhere()), ["/u.toml"]);
    }
}

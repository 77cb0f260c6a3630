//! Whether the wheel is one that people can use: made of the binary that the tests compile, installed by pip
//! and by uv (and by pipx where the machine has it), and run.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, ensure};

use crate::dist::{self, Built, Profile};
use crate::places::Places;
use crate::run::{command, output, succeeds};

/// Files that must be where shells and `man` look for them, in what pip installed into.
const SHARED: [&str; 5] = [
    "share/man/man1/portcullis.1",
    "share/man/man1/portcullis-serve.1",
    "share/bash-completion/completions/portcullis",
    "share/zsh/site-functions/_portcullis",
    "share/fish/vendor_completions.d/portcullis.fish",
];

/// Makes the wheel of what the tests compile, installs and runs it.
pub(crate) fn try_wheel(places: &Places) -> anyhow::Result<()> {
    let built = dist::build(places, Profile::Dev)?;
    let tried = install(places, &built);
    // Hundreds of megabytes that nobody needs again.
    let _ = fs::remove_dir_all(&built.folder);
    tried
}

/// Installs and runs a wheel.
pub(crate) fn install(places: &Places, built: &Built) -> anyhow::Result<()> {
    let place = places.kept.join("wheel");
    let tried = with_pip(places, built, &place)
        .and_then(|()| with_uv(places, built))
        .and_then(|()| with_pipx(built));
    let _ = fs::remove_dir_all(&place);
    tried
}

fn with_pip(places: &Places, built: &Built, place: &Path) -> anyhow::Result<()> {
    if place.exists() {
        fs::remove_dir_all(place).context("cannot empty the folder of the last try")?;
    }
    let mut venv = command(places.in_environment("python", "python"));
    output(venv.args(["-m", "venv", "--without-pip"]).arg(place))?;
    let mut pip = command(places.in_environment("pip", "python"));
    pip.args(["-m", "pip", "--python"])
        .arg(place.join("bin/python"));
    pip.args(["install", "--quiet", "--no-index", "--no-cache-dir"]);
    pip.args(["--disable-pip-version-check"]).arg(&built.wheel);
    output(&mut pip)?;
    tells_version(
        built,
        &output(command(place.join("bin/portcullis")).arg("--version"))?,
    )?;
    for path in SHARED {
        ensure!(place.join(path).is_file(), "pip did not install {path}");
    }
    Ok(())
}

fn with_uv(places: &Places, built: &Built) -> anyhow::Result<()> {
    let mut uv = command(places.in_environment("uv", "uv"));
    uv.args([
        "tool",
        "run",
        "--no-cache",
        "--no-config",
        "--offline",
        "--from",
    ]);
    uv.arg(&built.wheel).args(["portcullis", "--version"]);
    uv.env("UV_PYTHON", places.in_environment("python", "python"));
    tells_version(built, &output(&mut uv)?)
}

fn with_pipx(built: &Built) -> anyhow::Result<()> {
    if !succeeds(command("pipx").arg("--version")) {
        println!("this machine has no pipx: not tried");
        return Ok(());
    }
    let mut pipx = command("pipx");
    pipx.args(["run", "--no-cache", "--spec"]).arg(&built.wheel);
    tells_version(built, &output(pipx.args(["portcullis", "--version"]))?)
}

fn tells_version(built: &Built, printed: &str) -> anyhow::Result<()> {
    let expected = format!("portcullis {}", built.version);
    ensure!(printed.trim() == expected, "{expected} says {printed:?}");
    Ok(())
}

//! What is handed out: the wheel with the binary in it, an archive of the same without Python, the bill of
//! materials, and the checksums of all of them; for the machine that it is built on.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail, ensure};

use crate::environments;
use crate::places::Places;
use crate::run::{cargo, command, output, run};
use crate::steps::required;
use crate::try_wheel;

/// How the binary is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    /// As it is released.
    Release,
    /// As the tests compile it, so that it is there already: for trying out how things are packed.
    Dev,
}

impl Profile {
    fn name(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Dev => "dev",
        }
    }

    /// cargo's folder of what it compiled.
    fn folder(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Dev => "debug",
        }
    }
}

/// Files beside the binary, and where they go: what it prints when asked, below `share`.
const COMPLETIONS: [(&str, &str); 3] = [
    ("bash", "bash-completion/completions/portcullis"),
    ("zsh", "zsh/site-functions/_portcullis"),
    ("fish", "fish/vendor_completions.d/portcullis.fish"),
];

/// What stands beside the binary in the archive.
const DOCUMENTS: [&str; 5] = [
    "LICENSE",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "NOTICE",
    "README.md",
];

/// Where maturin looks for files that belong into the wheel. It is there only while a wheel is made.
const WHEEL_DATA: &str = "portcullis.data";

/// Makes everything, sees that the wheel can be installed, and says where it is.
pub(crate) fn dist(places: &Places, profile: Profile) -> anyhow::Result<()> {
    required("virtual environments", || environments::install(places))?;
    let built = required("distribution", || build(places, profile))?;
    required("trying the wheel", || try_wheel::install(places, &built))?;
    println!("{}", built.folder.display());
    for file in &built.files {
        println!("  {file}");
    }
    Ok(())
}

/// What was made.
pub(crate) struct Built {
    /// Where it is.
    pub(crate) folder: PathBuf,
    /// The names of the files.
    pub(crate) files: Vec<String>,
    /// The wheel.
    pub(crate) wheel: PathBuf,
    /// The version as the binary tells it.
    pub(crate) version: String,
}

/// Makes everything with the environments that are there.
pub(crate) fn build(places: &Places, profile: Profile) -> anyhow::Result<Built> {
    let folder = places.kept.join("dist").join(profile.name());
    empty(&folder)?;
    let moment = moment(places);
    let binary = compile(places, profile, &moment)?;
    let version = version(&binary)?;
    let share = places.kept.join("dist/share");
    write_share(&binary, &share)?;
    let wheel = wheel(places, profile, &share, &folder, &moment)?;
    let name = format!("portcullis-{version}-{}", target()?);
    let bill = folder.join(format!("{name}.cdx.json"));
    take_bill(places, &wheel, &bill)?;
    let options = tar_options(profile, &moment);
    archive(places, &binary, &share, &folder.join(&name), &options)?;
    let files = sums(&folder)?;
    Ok(Built {
        folder,
        files,
        wheel,
        version,
    })
}

fn compile(places: &Places, profile: Profile, moment: &str) -> anyhow::Result<PathBuf> {
    let arguments = ["build", "--locked", "--package", "portcullis", "--profile"];
    let mut build = cargo();
    build.args(arguments).arg(profile.name());
    compile_as(&mut build, places, profile, moment)?;
    let folder = target_folder(places)?.join(profile.folder());
    Ok(folder.join("portcullis"))
}

/// Runs what compiles, always with the same settings, so that nothing is compiled twice.
fn compile_as(
    build: &mut Command,
    places: &Places,
    profile: Profile,
    moment: &str,
) -> anyhow::Result<()> {
    build.env("CARGO_TARGET_DIR", target_folder(places)?);
    if profile == Profile::Release {
        // Libraries in C are compiled anew whenever it changes, which tests cannot wait for.
        build.env("SOURCE_DATE_EPOCH", moment);
    }
    run(build.current_dir(&places.root))
}

fn target_folder(places: &Places) -> anyhow::Result<PathBuf> {
    let target = places.kept.parent();
    target
        .map(Path::to_owned)
        .context("what is kept lies in cargo's target directory")
}

fn version(binary: &Path) -> anyhow::Result<String> {
    let printed = output(command(binary).arg("--version"))?;
    let version = printed.trim().strip_prefix("portcullis ");
    let version = version.context("the binary does not tell its version")?;
    Ok(version.to_owned())
}

/// The triple of this machine.
fn target() -> anyhow::Result<String> {
    let printed = output(command("rustc").arg("-vV"))?;
    let host = printed.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc does not tell its host")?.to_owned())
}

/// Manual pages and completions as the binary prints them.
fn write_share(binary: &Path, share: &Path) -> anyhow::Result<()> {
    empty(share)?;
    let pages = share.join("man/man1");
    output(command(binary).args(["man", "--dir"]).arg(pages))?;
    for (shell, path) in COMPLETIONS {
        let text = output(command(binary).args(["completions", shell]))?;
        ensure!(text.contains("portcullis"), "no completions for {shell}");
        write(&share.join(path), &text)?;
    }
    Ok(())
}

/// The moment that files in archives carry: that of the commit, so that the same source gives the same bytes.
fn moment(places: &Places) -> String {
    let mut git = command("git");
    git.args(["log", "-1", "--format=%ct"])
        .current_dir(&places.root);
    let printed = output(&mut git).unwrap_or_default();
    match printed.trim() {
        // The first moment that zip knows, where the source is no repository.
        "" => "315532800".to_owned(),
        seconds => seconds.to_owned(),
    }
}

/// The files of the wheel while it is made; they are taken away again whatever comes of it.
struct WheelData(PathBuf);

impl Drop for WheelData {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn wheel(
    places: &Places,
    profile: Profile,
    share: &Path,
    folder: &Path,
    moment: &str,
) -> anyhow::Result<PathBuf> {
    let data = WheelData(places.root.join(WHEEL_DATA));
    empty(&data.0)?;
    fs::create_dir_all(data.0.join("data"))?;
    run(command("cp")
        .arg("-R")
        .arg(share)
        .arg(data.0.join("data/share")))?;
    let mut maturin = command(places.in_environment("maturin", "maturin"));
    maturin
        .args(["build", "--locked", "--profile", profile.name(), "--out"])
        .arg(folder);
    if profile == Profile::Dev {
        // Symbols for debugging are large, and nobody downloads them.
        maturin.args(["--compression-method", "stored"]);
    }
    compile_as(&mut maturin, places, profile, moment)?;
    let wheels = names(folder)?;
    let wheel = wheels.iter().find(|name| name.ends_with(".whl"));
    Ok(folder.join(wheel.context("maturin made no wheel")?))
}

/// Takes the bill of materials that maturin put into the wheel.
fn take_bill(places: &Places, wheel: &Path, bill: &Path) -> anyhow::Result<()> {
    let script = "import sys, zipfile\n\
                  wheel = zipfile.ZipFile(sys.argv[1])\n\
                  name, = [name for name in wheel.namelist() if name.endswith('.cyclonedx.json')]\n\
                  sys.stdout.write(wheel.read(name).decode())";
    let mut python = command(places.in_environment("python", "python"));
    let text = output(python.args(["-c", script]).arg(wheel))?;
    ensure!(
        text.contains("CycloneDX"),
        "the wheel has no bill of materials"
    );
    write(bill, &text)
}

/// An archive with one folder in it: the binary, its pages and completions, the licences.
fn archive(
    places: &Places,
    binary: &Path,
    share: &Path,
    stem: &Path,
    options: &[String],
) -> anyhow::Result<()> {
    let (parent, name) = (stem.parent(), stem.file_name());
    let (parent, name) = parent.zip(name).context("the archive has a name")?;
    empty(stem)?;
    fs::create_dir_all(stem.join("bin"))?;
    fs::copy(binary, stem.join("bin/portcullis"))?;
    run(command("cp").arg("-R").arg(share).arg(stem.join("share")))?;
    for document in DOCUMENTS {
        fs::copy(places.root.join(document), stem.join(document))
            .with_context(|| format!("cannot copy {document}"))?;
    }
    let mut file = name.to_owned();
    file.push(".tar.gz");
    let mut tar = command("tar");
    tar.args(options)
        .args(["--create", "--file"])
        .arg(parent.join(file))
        .arg("--directory")
        .arg(parent)
        .arg(name);
    run(&mut tar)?;
    fs::remove_dir_all(stem).context("cannot clean up behind the archive")
}

/// What makes the same files the same archive, whoever packs them and whenever.
fn tar_options(profile: Profile, moment: &str) -> [String; 7] {
    // gzip would write down when it ran.
    let gzip = match profile {
        Profile::Release => "gzip --no-name --best",
        Profile::Dev => "gzip --no-name --fast",
    };
    [
        "--sort=name".to_owned(),
        "--owner=0".to_owned(),
        "--group=0".to_owned(),
        "--numeric-owner".to_owned(),
        "--mode=u=rwX,go=rX".to_owned(),
        format!("--mtime=@{moment}"),
        format!("--use-compress-program={gzip}"),
    ]
}

/// Writes the checksums, and returns the names of all files.
fn sums(folder: &Path) -> anyhow::Result<Vec<String>> {
    let mut files = names(folder)?;
    let mut sum: Command = command("sha256sum");
    let text = output(sum.args(&files).current_dir(folder))?;
    write(&folder.join("SHA256SUMS"), &text)?;
    run(command("sha256sum")
        .args(["--check", "--quiet", "SHA256SUMS"])
        .current_dir(folder))?;
    files.push("SHA256SUMS".to_owned());
    Ok(files)
}

/// The names in a folder, sorted.
fn names(folder: &Path) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let Ok(name) = entry?.file_name().into_string() else {
            bail!("a name in {} is no text", folder.display());
        };
        names.push(name);
    }
    names.sort();
    Ok(names)
}

fn empty(folder: &Path) -> anyhow::Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

//! cargo-deny: which crates, licences and registries may stand in the dependency tree. It takes a
//! while to compile, so that happens in the background and at low priority.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Stdio};

use anyhow::{Context as _, bail};

use crate::places::Places;
use crate::run::{command, last_lines, output, run, succeeds};

const VERSION: &str = "0.20.2";

/// cargo-deny on its way to being there. Its compilation ends with this value.
pub(crate) struct Deny {
    program: PathBuf,
    root: PathBuf,
    compilation: Option<Compilation>,
}

struct Compilation {
    child: Child,
    folder: PathBuf,
    log: PathBuf,
}

impl Drop for Compilation {
    fn drop(&mut self) {
        // Either it has ended, or nobody is waiting for it any more.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Deny {
    /// Starts compiling cargo-deny, unless the machine has it or an earlier run compiled it.
    pub(crate) fn start(places: &Places) -> anyhow::Result<Self> {
        let root = places.root.clone();
        let own = places.tools().join("bin/cargo-deny");
        let printed = output(command(&own).arg("--version")).unwrap_or_default();
        if printed.trim().ends_with(VERSION) {
            return Ok(Self {
                program: own,
                root,
                compilation: None,
            });
        }
        if succeeds(command("cargo-deny").arg("--version")) {
            return Ok(Self {
                program: "cargo-deny".into(),
                root,
                compilation: None,
            });
        }
        println!("compiling cargo-deny {VERSION}, which takes some minutes");
        Ok(Self {
            program: own,
            root,
            compilation: Some(compile(places)?),
        })
    }

    /// Waits for the compilation and checks the tree.
    pub(crate) fn finish(self) -> anyhow::Result<()> {
        if let Some(compilation) = self.compilation {
            compilation.finish()?;
        }
        let check = [
            "--log-level",
            "error",
            "check",
            "bans",
            "licenses",
            "sources",
        ];
        run(command(self.program).args(check).current_dir(self.root))
    }
}

/// An unoptimised build is enough for a tree of this size, and takes half as long.
fn compile(places: &Places) -> anyhow::Result<Compilation> {
    fs::create_dir_all(&places.kept).context("cannot make a folder for tools")?;
    let log = places.kept.join("cargo-deny.log");
    let folder = places.kept.join("tools-build");
    let file = File::create(&log).context("cannot make a log file")?;
    let second = file.try_clone().context("cannot make a log file")?;
    let install = [
        "install",
        "cargo-deny",
        "--version",
        VERSION,
        "--locked",
        "--debug",
        "--force",
    ];
    let child = command("nice")
        .args(["-n", "19"])
        .arg(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(install)
        .arg("--root")
        .arg(places.tools())
        // A target directory of its own, or it would wait for the workspace's lock, and hold it.
        .env("CARGO_TARGET_DIR", &folder)
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .env("CARGO_PROFILE_DEV_OPT_LEVEL", "1")
        .stdin(Stdio::null())
        .stdout(file)
        .stderr(second)
        .spawn()
        .context("cannot run cargo install")?;
    Ok(Compilation { child, folder, log })
}

impl Compilation {
    fn finish(mut self) -> anyhow::Result<()> {
        let status = self.child.wait().context("cannot wait for cargo install")?;
        if !status.success() {
            let log = fs::read_to_string(&self.log).unwrap_or_default();
            bail!(
                "cargo install cargo-deny failed: {status}\n{}",
                last_lines(&log, 30)
            );
        }
        // Hundreds of megabytes that nobody needs again.
        let _ = fs::remove_dir_all(&self.folder);
        Ok(())
    }
}

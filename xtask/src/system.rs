//! Debian packages that the tests need and a fresh machine lacks: found missing by looking for what
//! they bring, installed with apt-get as root or through sudo. Nothing else is installed on the
//! machine; everything that can live in the target directory does.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::run::{command, output, run, succeeds};

/// One thing needed, the packages that bring it, and why.
struct Need {
    packages: &'static [&'static str],
    why: &'static str,
    is_there: fn() -> bool,
}

const NEEDS: [Need; 4] = [
    Need {
        packages: &["gcc", "libc6-dev"],
        why: "the cryptography and SQLite libraries are compiled from C",
        is_there: || {
            Path::new("/usr/include/stdlib.h").exists() && succeeds(command("cc").arg("-v"))
        },
    },
    Need {
        packages: &["python3", "python3-venv"],
        why: "the real clients run in virtual environments",
        is_there: || succeeds(command("python3").args(["-c", "import ensurepip, venv"])),
    },
    Need {
        packages: &["git"],
        why: "uv, poetry, pdm and pipenv lock a repository in the tests, and what is handed out carries the moment \
              of its commit",
        is_there: || succeeds(command("git").arg("--version")),
    },
    Need {
        packages: &["postgresql"],
        why: "the tests start a PostgreSQL server of their own",
        is_there: || postgres_programs().is_some(),
    },
];

/// What fuzzing needs beside.
const NEEDS_OF_FUZZING: [Need; 1] = [Need {
    packages: &["g++"],
    why: "libFuzzer is compiled from C++",
    is_there: || succeeds(command("c++").arg("-v")),
}];

/// What measuring needs beside.
const NEEDS_OF_MEASURING: [Need; 2] = [
    Need {
        packages: &["nginx"],
        why: "what the machine can do is measured with it",
        is_there: || Path::new("/usr/sbin/nginx").exists() || succeeds(command("nginx").arg("-v")),
    },
    Need {
        packages: &["wrk"],
        why: "it puts the load on servers",
        // It prints its version and fails.
        is_there: || command("wrk").arg("-v").output().is_ok(),
    },
];

/// What counting instructions needs.
const NEEDS_OF_COUNTING: [Need; 1] = [Need {
    packages: &["valgrind"],
    why: "it counts instructions",
    is_there: || succeeds(command("valgrind").arg("--version")),
}];

/// Installs what is missing for the tests, and says what and why.
pub(crate) fn install_missing() -> anyhow::Result<()> {
    install(&NEEDS)
}

/// The same for fuzzing.
pub(crate) fn install_missing_for_fuzzing() -> anyhow::Result<()> {
    install(&NEEDS_OF_FUZZING)
}

/// The same for measuring.
pub(crate) fn install_missing_for_measuring() -> anyhow::Result<()> {
    install(&NEEDS_OF_MEASURING)
}

/// The same for counting instructions.
pub(crate) fn install_missing_for_counting() -> anyhow::Result<()> {
    install(&NEEDS_OF_COUNTING)
}

fn install(needs: &[Need]) -> anyhow::Result<()> {
    let missing: Vec<&Need> = needs.iter().filter(|need| !(need.is_there)()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let mut packages = Vec::new();
    for need in &missing {
        println!("installing {}: {}", need.packages.join(", "), need.why);
        packages.extend(need.packages);
    }
    let line = format!(
        "apt-get install --no-install-recommends {}",
        packages.join(" ")
    );
    let prefix = privilege().with_context(|| {
        format!("cannot install packages; have somebody run, as root: apt-get update && {line}")
    })?;
    apt_get(prefix, &["update", "-q"])?;
    apt_get(
        prefix,
        &[
            &["install", "-q", "-y", "--no-install-recommends"],
            &packages[..],
        ]
        .concat(),
    )?;
    match missing.iter().find(|need| !(need.is_there)()) {
        None => Ok(()),
        Some(need) => bail!("still missing after {line}: {}", need.packages.join(", ")),
    }
}

/// What to put before apt-get: nothing for root, else sudo where it works.
fn privilege() -> anyhow::Result<&'static [&'static str]> {
    if !succeeds(command("apt-get").arg("--version")) {
        bail!("there is no apt-get");
    }
    if is_root()? {
        return Ok(&[]);
    }
    if succeeds(command("sudo").args(["-n", "true"])) {
        return Ok(&["sudo", "-n"]);
    }
    // Somebody at a terminal can type a password.
    if std::io::stdin().is_terminal() && succeeds(command("sudo").arg("--version")) {
        return Ok(&["sudo"]);
    }
    bail!("neither root nor allowed to use sudo");
}

fn apt_get(prefix: &[&str], arguments: &[&str]) -> anyhow::Result<()> {
    let words = [
        prefix,
        &["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"],
        arguments,
    ]
    .concat();
    let (program, rest) = words.split_first().context("apt-get is a word")?;
    run(command(program).args(rest))
}

/// Whether this process may do everything. PostgreSQL refuses to run then.
pub(crate) fn is_root() -> anyhow::Result<bool> {
    Ok(output(command("id").arg("-u"))?.trim() == "0")
}

/// The folder of the newest PostgreSQL server's programs. Debian does not put them on the PATH.
pub(crate) fn postgres_programs() -> Option<PathBuf> {
    let debian = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let folders = debian.map(|version| version.path().join("bin"));
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let on_path: Vec<PathBuf> = std::env::split_paths(&on_path).collect();
    let has_server = |folder: &PathBuf| {
        ["initdb", "postgres", "pg_isready"]
            .iter()
            .all(|program| folder.join(program).is_file())
    };
    let version = |folder: &PathBuf| {
        let name = folder
            .parent()
            .and_then(Path::file_name)
            .map(|name| name.to_string_lossy());
        name.and_then(|name| name.parse::<u32>().ok()).unwrap_or(0)
    };
    folders
        .filter(has_server)
        .max_by_key(version)
        .or_else(|| on_path.into_iter().find(has_server))
}

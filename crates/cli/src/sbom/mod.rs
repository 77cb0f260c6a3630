//! `portcullis sbom`: a bill of materials of an environment, a lock or requirements. Without more being asked for,
//! the same input makes the same bytes.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use portcullis_core::inventory::Inventory;
use portcullis_core::sbom::{Bill, Decisions, cyclonedx, spdx};
use portcullis_core::time::Timestamp;
use url::Url;
use uuid::Uuid;

use crate::exit::{Exit, failure};
use crate::inventory::{Detail, Inputs, Taken};
use crate::output::{count, print, remark};

mod decisions;

/// The moment that documents are made at, for builds that can be repeated (reproducible-builds.org): seconds
/// since 1970.
const EPOCH: &str = "SOURCE_DATE_EPOCH";

const EXAMPLES: &str = "\
Exit codes: 0 everything is in the document, 2 usage or error, 3 something
could not be made out, which the document says

Examples:
  portcullis sbom uv.lock --format spdx --output bom.spdx.json
  portcullis sbom .venv --gateway http://gateway.example";

/// Write a bill of materials (CycloneDX 1.6, SPDX 2.3)
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Sbom {
    #[command(flatten)]
    inputs: Inputs,
    /// The form of the document
    #[arg(long, value_enum, default_value_t)]
    format: SbomFormat,
    /// Where it is written [default: the standard output]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// What the components belong to [default: the project in the lock, else the name of its folder]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Give the document a number that no other one has
    #[arg(long)]
    serial: bool,
    /// When it is made [default: $SOURCE_DATE_EPOCH, else no moment]
    #[arg(long, value_name = "TIME")]
    timestamp: Option<Timestamp>,
    /// Ask this gateway for its decisions
    #[arg(
        long,
        env = "PORTCULLIS_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    gateway: Option<Url>,
}

/// The form of a bill of materials.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum SbomFormat {
    /// CycloneDX 1.6 as JSON
    #[default]
    Cyclonedx,
    /// SPDX 2.3 as JSON
    Spdx,
}

impl Sbom {
    /// Writes the document.
    pub fn run(self) -> anyhow::Result<Exit> {
        let taken = self.inputs.read(Detail::Everything)?;
        let decisions = match &self.gateway {
            Some(gateway) => decisions::ask(gateway, &taken.inventory)?,
            None => Decisions::new(),
        };
        let serial = self.serial.then(serial).transpose()?;
        let subject = self.name.clone().unwrap_or_else(|| subject(&taken));
        let bill = Bill {
            inventory: &taken.inventory,
            subject: &subject,
            tool_version: env!("CARGO_PKG_VERSION"),
            made_at: self.made_at()?,
            serial,
            decisions: &decisions,
        };
        let document = match self.format {
            SbomFormat::Cyclonedx => cyclonedx(&bill),
            SbomFormat::Spdx => spdx(&bill),
        };
        let text = format!("{document:#}\n");
        match &self.output {
            Some(path) => write(path, &text)?,
            None => print(&text)?,
        }
        Ok(told(&taken.inventory))
    }

    fn made_at(&self) -> anyhow::Result<Option<Timestamp>> {
        if self.timestamp.is_some() {
            return Ok(self.timestamp);
        }
        let Some(text) = std::env::var(EPOCH).ok().filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        let seconds: Option<i64> = text.parse().ok();
        let millis = seconds.and_then(|seconds| seconds.checked_mul(1000));
        match millis {
            Some(millis) => Ok(Some(Timestamp::from_millis(millis))),
            None => Err(failure(
                format!("{EPOCH} is not a number of seconds since 1970"),
                format!("set it to one, or unset {EPOCH}"),
            )),
        }
    }
}

/// What the components belong to, where nothing says so.
fn subject(taken: &Taken) -> String {
    let here = || std::env::current_dir().ok();
    let folder = here().and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
    let named = taken.locks.first().map(|(path, _)| Path::new(path));
    let beside = named.and_then(|path| path.parent()?.file_name());
    let beside = beside.map(|name| name.to_string_lossy().into_owned());
    beside.or(folder).unwrap_or_else(|| "project".to_owned())
}

/// A random UUID (RFC 9562, version 4).
fn serial() -> anyhow::Result<Uuid> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| {
        failure(
            format!("no random number is to be had: {error}"),
            "go without --serial",
        )
    })?;
    Ok(uuid::Builder::from_random_bytes(bytes).into_uuid())
}

/// Writes a file in one step.
fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let cannot = || format!("cannot write {}", path.display());
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let mut scratch = tempfile::NamedTempFile::new_in(folder).with_context(cannot)?;
    std::io::Write::write_all(&mut scratch, text.as_bytes()).with_context(cannot)?;
    let file = scratch.persist(path).with_context(cannot)?;
    readable_by_all(&file).with_context(cannot)
}

/// A document is for others to read; scratch files are not.
#[cfg(unix)]
fn readable_by_all(file: &std::fs::File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable_by_all(_: &std::fs::File) -> std::io::Result<()> {
    Ok(())
}

/// Says what could not be made out.
fn told(inventory: &Inventory) -> Exit {
    for one in &inventory.unknown {
        let line = format!(
            "not in the document: {} ({}): {}",
            one.what, one.found, one.why
        );
        remark(&crate::output::visible(&line));
    }
    match inventory.unknown.len() {
        0 => Exit::Clean,
        number => {
            remark(&format!(
                "{} could not be made out",
                count(number as u64, "thing")
            ));
            Exit::Undecided
        }
    }
}

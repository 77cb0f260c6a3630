//! [`Means`]: what archives are inspected with: in this process or in one of their own, and who else is
//! shown them.

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::ValueEnum;
use portcullis_core::inspection::Inspected;
use portcullis_core::pypi::filename::DistFilename;
use portcullis_inspect::inspection::{Budget, inspect_archive};
use portcullis_inspect::own_rules::OwnRules;
use portcullis_server::config::{self, InspectionSettings, ScannerSettings};
use portcullis_server::inspection::scanners::{Asked, Scanners};
use portcullis_server::inspection::{Alone, NotInspected};
use tokio::runtime::Handle;

use crate::context::Place;
use crate::exit::failure;
use crate::output::{remark, visible};

/// How long one inspection may take before it is ended: a person is waiting, and no client.
const TIME: Duration = Duration::from_secs(120);

/// What stands between the scan and the file that is looked into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Isolation {
    /// A process for each wheel and sdist, with limits and without rights
    Process,
    /// None: all in one process
    Thread,
}

/// What archives are inspected with.
#[derive(Default)]
pub(super) struct Means {
    pub(super) budget: Budget,
    outside: Option<Outside>,
}

/// What is beside this process.
struct Outside {
    runtime: Handle,
    workers: Option<Alone>,
    scanners: Scanners,
}

impl Means {
    /// Archives are inspected at most `at_once`, isolated as `isolation` says, and shown to `others`. Fails
    /// where their rules cannot be compiled.
    pub(super) fn new(
        isolation: Isolation,
        others: Others,
        at_once: usize,
        runtime: &Handle,
    ) -> anyhow::Result<Self> {
        let own_rules = OwnRules::compile(&others.own_rules)?;
        let settings = InspectionSettings {
            workers: at_once,
            isolation: config::Isolation::Process,
            time: TIME,
            own_rules: others.own_rules,
            ..InspectionSettings::default()
        };
        let outside = Outside {
            runtime: runtime.clone(),
            workers: (isolation == Isolation::Process).then(|| Alone::new(&settings)),
            scanners: Scanners::new(&others.scanners, at_once),
        };
        let budget = Budget {
            own_rules,
            ..Budget::default()
        };
        Ok(Self {
            budget,
            outside: Some(outside),
        })
    }

    /// Inspects a wheel or an sdist. Blocks.
    pub(super) fn inspect_archive(
        &self,
        archive: File,
        filename: &DistFilename,
    ) -> anyhow::Result<Inspected> {
        let Some(outside) = &self.outside else {
            return self.inspect_here(archive, filename);
        };
        let shown = archive.try_clone()?;
        let mut inspected = match &outside.workers {
            Some(workers) => {
                let inspecting = workers.inspect(archive, filename);
                let inspected = outside.runtime.block_on(inspecting);
                inspected.map_err(|error| not_inspected(filename, &error))?
            }
            None => self.inspect_here(archive, filename)?,
        };
        outside.consult(shown, filename, &mut inspected);
        Ok(inspected)
    }

    fn inspect_here(&self, archive: File, filename: &DistFilename) -> anyhow::Result<Inspected> {
        let inspection = inspect_archive(BufReader::new(archive), filename, &self.budget);
        let inspection =
            inspection.with_context(|| format!("cannot read {}", filename.as_str()))?;
        Ok(inspection.inspected)
    }
}

impl Outside {
    fn consult(&self, archive: File, filename: &DistFilename, inspected: &mut Inspected) {
        let asked = Asked {
            filename: filename.as_str(),
            sha256: inspected.sha256,
        };
        let asking = self.scanners.consult(archive, None, asked, inspected);
        for failure in self.runtime.block_on(asking) {
            let (scanner, name) = (failure.scanner, filename.as_str());
            let told = format!("scanner {scanner} failed with {name}: {}", failure.why);
            remark(&format!("portcullis: {}", visible(&told)));
        }
    }
}

fn not_inspected(filename: &DistFilename, error: &NotInspected) -> anyhow::Error {
    let remedy = match error {
        NotInspected::Crashed(_) => "do not use it, and report this as a bug of portcullis",
        NotInspected::Failed(_) => "see what keeps it from being read, or use --isolation thread",
    };
    failure(format!("{}: {error}", filename.as_str()), remedy)
}

/// Who looks at archives beside the engine.
#[derive(Debug, Default)]
pub(super) struct Others {
    scanners: Vec<ScannerSettings>,
    /// Files with YARA rules.
    own_rules: Vec<PathBuf>,
}

/// The scanners of the configuration that are named; all of them and its YARA rules where none is named but a
/// configuration is.
pub(super) fn others(named: &[String], config: Option<&PathBuf>) -> anyhow::Result<Others> {
    if named.is_empty() && config.is_none() {
        return Ok(Others::default());
    }
    let place = Place {
        config: config.cloned(),
        data: None,
    };
    let InspectionSettings {
        scanners: configured,
        own_rules,
        ..
    } = place.configuration()?.inspection;
    if named.is_empty() {
        return Ok(Others {
            scanners: configured,
            own_rules,
        });
    }
    let find = |name: &String| {
        let known = || {
            configured
                .iter()
                .map(|one| one.name.as_str())
                .collect::<Vec<_>>()
        };
        let found = configured.iter().find(|one| one.name == *name).cloned();
        found.ok_or_else(|| match known().is_empty() {
            true => failure(
                format!("no scanner {name} is configured"),
                "name the configuration with --config FILE; scanners are [[inspection.scanners]]",
            ),
            false => failure(
                format!("no scanner {name} is configured"),
                format!("use one of: {}", known().join(", ")),
            ),
        })
    };
    Ok(Others {
        scanners: named.iter().map(find).collect::<anyhow::Result<_>>()?,
        own_rules: Vec::new(),
    })
}

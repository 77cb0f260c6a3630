//! Where advisories come from: files that were named, a gateway, or what was kept by `--update`.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use portcullis_core::advisory::audit::{Unchecked, doubts_of};
use portcullis_core::advisory::{
    AdvisoryBook, AdvisoryTable, EpssScores, ExploitedCatalogue, Exploits, TableAnswer, TableHead,
};
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::pypi::version::Version;
use portcullis_core::time::Timestamp;
use portcullis_upstream::feeds::{Bounds, Found, read_document, read_records};
use url::Url;

use super::{cache, gateway};
use crate::exit::failure;

/// A project and the version that is asked about.
pub(super) type Asked<'a> = (&'a ProjectName, Option<&'a Version>);

/// Where advisories come from.
#[derive(Debug)]
pub(super) enum Source<'s> {
    /// Files.
    Files(&'s [PathBuf]),
    /// A gateway.
    Gateway(&'s Url),
    /// What was kept.
    Kept(PathBuf),
}

/// What was learned.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) answer: TableAnswer,
    pub(super) heads: Vec<TableHead>,
    /// What keeps it from being believed.
    pub(super) doubts: Vec<Unchecked>,
}

impl<'s> Source<'s> {
    /// Files come first, since they were named; then the gateway.
    pub(super) fn of(files: &'s [PathBuf], gateway: Option<&'s Url>) -> anyhow::Result<Self> {
        if !files.is_empty() {
            return Ok(Self::Files(files));
        }
        if let Some(url) = gateway {
            return Ok(Self::Gateway(url));
        }
        let kept = cache::file()?;
        match kept.is_file() {
            true => Ok(Self::Kept(kept)),
            false => Err(failure(
                "there are no advisories to compare with",
                "fetch some with `portcullis audit --update URL`, or name a gateway with --gateway, or \
                 files with --advisories",
            )),
        }
    }

    /// What is known of the projects. Advisories older than `max_age` milliseconds are doubted.
    pub(super) fn ask(
        &self,
        asked: &[Asked<'_>],
        max_age: i64,
        now: Timestamp,
    ) -> anyhow::Result<Known> {
        let projects = || asked.iter().map(|(project, _)| *project);
        let mut known = match self {
            Self::Files(files) => {
                let gathered = Gathered::of_files(files)?;
                let head = gathered.book.head(&shown(files), gathered.book.newest());
                let bytes = gathered.book.to_table(head, gathered.exploits());
                Known::of_table(&AdvisoryTable::read(&bytes)?, projects())
            }
            Self::Gateway(url) => gateway::ask(url, projects())?,
            Self::Kept(path) => {
                let bytes = std::fs::read(path);
                let bytes = bytes.with_context(|| format!("cannot read {}", path.display()))?;
                let table = AdvisoryTable::read(&bytes).map_err(|error| {
                    failure(
                        format!("{}: {error}", path.display()),
                        "fetch advisories anew with `portcullis audit --update URL`",
                    )
                })?;
                Known::of_table(&table, projects())
            }
        };
        let doubts = known
            .heads
            .iter()
            .flat_map(|head| doubts_of(head, max_age, now));
        let doubts: Vec<_> = doubts.collect();
        known.doubts.extend(doubts);
        Ok(known)
    }
}

impl Known {
    pub(super) fn of_table<'p>(
        table: &AdvisoryTable<'_>,
        projects: impl IntoIterator<Item = &'p ProjectName>,
    ) -> Self {
        Self {
            answer: table.answer(projects),
            heads: vec![table.head().clone()],
            doubts: Vec::new(),
        }
    }
}

fn shown(files: &[PathBuf]) -> String {
    let files: Vec<String> = files
        .iter()
        .map(|file| file.display().to_string())
        .collect();
    files.join(", ")
}

/// Advisories, and what is known of exploits, read from files.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) book: AdvisoryBook,
    exploited: Option<ExploitedCatalogue>,
    epss: Option<EpssScores>,
}

impl Gathered {
    pub(super) fn of_files(files: &[PathBuf]) -> anyhow::Result<Self> {
        let mut gathered = Self::default();
        for file in files {
            let read = gathered.take(file);
            read.with_context(|| format!("cannot read advisories from {}", file.display()))?;
        }
        Ok(gathered)
    }

    pub(super) fn exploits(&self) -> Exploits<'_> {
        Exploits {
            exploited: self.exploited.as_ref(),
            epss: self.epss.as_ref(),
        }
    }

    /// Takes a file or folder. A catalogue of exploited vulnerabilities and a table of EPSS scores are told
    /// by what is in them.
    pub(super) fn take(&mut self, path: &Path) -> anyhow::Result<()> {
        let bounds = Bounds::default();
        if path.is_file() && self.take_exploits(path, &bounds)? {
            return Ok(());
        }
        let book = &mut self.book;
        read_records(path, &bounds, &mut |found| {
            match found {
                Found::Record { name, bytes } => book.take(name, bytes),
                Found::Broken { name, why } => book.complain(name, why),
            }
            Ok(())
        })?;
        Ok(())
    }

    fn take_exploits(&mut self, path: &Path, bounds: &Bounds) -> anyhow::Result<bool> {
        let bytes = read_document(path, bounds.download)?;
        if bytes.starts_with(b"PK") {
            return Ok(false);
        }
        if let Ok(catalogue) = ExploitedCatalogue::read(&bytes) {
            self.exploited = Some(catalogue);
            return Ok(true);
        }
        if let Ok(scores) = EpssScores::read(&bytes) {
            self.epss = Some(scores);
            return Ok(true);
        }
        Ok(false)
    }
}

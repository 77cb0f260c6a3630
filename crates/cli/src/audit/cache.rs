//! What `--update` keeps between audits: one table in the user's folder for caches. It is replaced as a whole, so
//! that whoever reads it meanwhile has the old one or the new one.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use portcullis_core::time::Timestamp;
use portcullis_upstream::credentials::CredentialSetting;
use portcullis_upstream::environment::Environment;
use portcullis_upstream::feeds::{Bounds, Downloaded, FeedHost, Target};
use portcullis_upstream::proxy::ProxySetting;
use portcullis_upstream::source::{SetupError, UpstreamConfig};
use tempfile::NamedTempFile;
use url::Url;

use super::known::Gathered;
use crate::context::wait_for;
use crate::exit::failure;
use crate::output::{count, remark};

/// The variable that names another folder.
const VARIABLE: &str = "PORTCULLIS_CACHE";
const NAME: &str = "advisories.table";

/// Where advisories are kept.
pub(super) fn file() -> anyhow::Result<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    if let Some(folder) = set(VARIABLE) {
        return Ok(PathBuf::from(folder).join(NAME));
    }
    let home = || set("HOME").map(PathBuf::from);
    let folder = match () {
        () if cfg!(windows) => set("LOCALAPPDATA").map(PathBuf::from),
        () if cfg!(target_os = "macos") => home().map(|home| home.join("Library/Caches")),
        () => set("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .or_else(|| home().map(|home| home.join(".cache"))),
    };
    let folder = folder.ok_or_else(|| {
        failure(
            "nothing says where this user's caches are",
            format!("set {VARIABLE} to a folder"),
        )
    })?;
    Ok(folder.join("portcullis").join(NAME))
}

/// Fetches or reads advisories and keeps them.
pub(super) fn update(from: &[String], now: Timestamp) -> anyhow::Result<()> {
    let mut gathered = Gathered::default();
    let mut is_all_fetched = true;
    for one in from {
        match remote(one)? {
            Some(url) => {
                let scratch = fetch(&url)?;
                let taken = gathered.take(scratch.path());
                taken.with_context(|| format!("what is at {one} cannot be read"))?;
            }
            None => {
                is_all_fetched = false;
                let taken = gathered.take(Path::new(one));
                taken.with_context(|| format!("cannot read advisories from {one}"))?;
            }
        }
    }
    if gathered.book.set().is_empty() {
        return Err(failure(
            format!("there is no advisory about PyPI in {}", from.join(", ")),
            "give OSV records, such as the all.zip that OSV publishes for PyPI; what was kept before \
             stays in force",
        ));
    }
    // A URL says by answering that nothing is newer. A file is as old as the newest record in it.
    let as_of = match is_all_fetched {
        true => Some(now),
        false => gathered.book.newest(),
    };
    let head = gathered.book.head(&from.join(", "), as_of);
    let unreadable = head.unreadable;
    let records = gathered.book.set().len();
    let path = file()?;
    write(&path, &gathered.book.to_table(head, gathered.exploits()))
        .with_context(|| format!("cannot write {}", path.display()))?;
    remark(&format!(
        "{} kept in {}",
        count(records as u64, "advisory"),
        path.display()
    ));
    if unreadable > 0 {
        remark(&format!(
            "{} cannot be read; audits say so",
            count(unreadable as u64, "record")
        ));
    }
    Ok(())
}

fn remote(text: &str) -> anyhow::Result<Option<Url>> {
    if !text.contains("://") {
        return Ok(None);
    }
    let url = Url::parse(text).ok();
    match url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host()) {
        Some(url) => Ok(Some(url)),
        None => Err(failure(
            "advisories are fetched from an http or https address",
            "give one, or a path",
        )),
    }
}

fn fetch(url: &Url) -> anyhow::Result<NamedTempFile> {
    let scratch = NamedTempFile::new()?;
    let path = scratch.path().to_path_buf();
    let url = url.clone();
    wait_for(async move {
        let host = host(&url)?;
        let target = Target {
            path: &path,
            limit: Bounds::default().download,
            on_bytes: Arc::new(|_, _| {}),
        };
        match host.download(&url, None, target).await? {
            Downloaded::Whole(_) => Ok(()),
            Downloaded::NotModified => Err(failure(
                "the address says that nothing has changed, and nothing was here before",
                "see what answers there",
            )),
        }
    })?;
    Ok(scratch)
}

fn host(url: &Url) -> Result<FeedHost, SetupError> {
    let environment = Environment::of_this_process();
    let open = |credentials: CredentialSetting| {
        let mut config = UpstreamConfig::new("advisories", url.clone());
        config.proxy = ProxySetting::Environment;
        if matches!(config.credentials, CredentialSetting::None) {
            config.credentials = credentials;
        }
        FeedHost::new(&config, &environment)
    };
    // As installers do: netrc where it knows the host.
    match open(CredentialSetting::Netrc(None)) {
        Err(SetupError::Credentials(_)) => open(CredentialSetting::None),
        opened => opened,
    }
}

fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut scratch = NamedTempFile::new_in(folder)?;
    scratch.write_all(bytes)?;
    scratch.persist(path)?;
    Ok(())
}

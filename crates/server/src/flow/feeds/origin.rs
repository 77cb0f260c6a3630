//! Where a feed comes from, opened: a host to be asked, or a file or folder. What arrives is a path with
//! what to recognise it by next time.

use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use portcullis_core::index::SourceName;
use portcullis_store::blobs::Spool;
use portcullis_store::feeds::Feed;
use portcullis_upstream::client::Validators;
use portcullis_upstream::environment::Environment;
use portcullis_upstream::feeds::{Downloaded, FeedError, FeedHost, Remote, Target};
use portcullis_upstream::line::Line;
use url::Url;

use super::{BOUNDS, Stays, Wanted};
use crate::app::App;
use crate::config::{FeedConfig, FeedOrigin, UpstreamSettings};
use crate::sources::upstream_config;

/// An origin that can be asked.
pub(super) struct Opened<'o> {
    pub(super) app: &'o App,
    pub(super) wanted: &'o Wanted<'o>,
    /// What the origin said last, where that can be compared with what it says now.
    pub(super) known: Option<Validators>,
    pub(super) place: Place,
}

/// What kind of place it is.
pub(super) enum Place {
    Host { host: FeedHost, remote: Remote },
    Path(PathBuf),
}

/// What an origin has.
pub(super) enum Arrived {
    /// What it had last time.
    Unchanged,
    /// Something else.
    Changed(Box<File>),
}

/// A document of the origin.
pub(super) struct File {
    pub(super) path: PathBuf,
    pub(super) validators: Validators,
    /// Held so that the file is not removed.
    _scratch: Option<Spool>,
}

impl<'o> Opened<'o> {
    /// `comparable` is what was loaded from this very origin before.
    pub(super) fn new(
        app: &'o App,
        wanted: &'o Wanted<'o>,
        comparable: Option<&Feed>,
    ) -> Result<Self, Stays> {
        let known = comparable.map(|kept| Validators {
            etag: kept.etag.clone(),
            last_modified: kept.last_modified.clone(),
        });
        let place = match &wanted.config.origin {
            FeedOrigin::Path(path) => Place::Path(path.clone()),
            FeedOrigin::Url(url) => Place::Host {
                host: host(wanted.name, wanted.config, url, &app.config.line)?,
                remote: Remote::of(without_userinfo(url)),
            },
        };
        Ok(Self {
            app,
            wanted,
            known,
            place,
        })
    }

    /// The document that has everything, or another one of the same origin.
    pub(super) async fn arrive(&self, other: Option<&Url>) -> Result<Arrived, Stays> {
        match &self.place {
            Place::Path(path) => self.read_path(path).await,
            Place::Host { host, remote } => {
                let everything = remote.everything();
                let url = other.unwrap_or(&everything);
                // In a folder, what is known are the validators of its list of changes.
                let is_known = match remote {
                    Remote::Folder(_) => other.is_some(),
                    Remote::Document(_) => true,
                };
                let known = self.known.as_ref().filter(|_| is_known);
                self.download(host, url, known).await
            }
        }
    }

    async fn download(
        &self,
        host: &FeedHost,
        url: &Url,
        known: Option<&Validators>,
    ) -> Result<Arrived, Stays> {
        let scratch = self.app.blobs.spool().await?;
        let target = Target {
            path: scratch.path(),
            limit: BOUNDS.download,
            on_bytes: self.wanted.on_bytes.clone(),
        };
        match host.download(url, known, target).await? {
            Downloaded::NotModified => Ok(Arrived::Unchanged),
            Downloaded::Whole(validators) => Ok(Arrived::Changed(Box::new(File {
                path: scratch.path().to_owned(),
                validators,
                _scratch: Some(scratch),
            }))),
        }
    }

    async fn read_path(&self, path: &Path) -> Result<Arrived, Stays> {
        let metadata = tokio::fs::metadata(path).await;
        let metadata = metadata.map_err(|source| FeedError::Io {
            path: path.to_owned(),
            source,
        })?;
        let mut validators = Validators::default();
        if metadata.is_file() {
            let since = metadata.modified().ok();
            let since = since.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
            let nanos = since.map_or(0, |since| since.as_nanos());
            validators.etag = Some(format!("file {} {nanos}", metadata.len()));
            if self
                .known
                .as_ref()
                .is_some_and(|known| known.etag == validators.etag)
            {
                return Ok(Arrived::Unchanged);
            }
        }
        Ok(Arrived::Changed(Box::new(File {
            path: path.to_owned(),
            validators,
            _scratch: None,
        })))
    }
}

fn without_userinfo(url: &Url) -> Url {
    let mut url = url.clone();
    // Both fail only for URLs that cannot have credentials.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url
}

/// The client of a feed's host, set up as those of sources are.
fn host(name: &str, config: &FeedConfig, url: &Url, line: &Line) -> Result<FeedHost, Stays> {
    let settings = UpstreamSettings {
        url: Some(url.clone()),
        credentials: config.credentials.clone(),
        proxy: config.proxy.clone(),
        ca_file: config.ca_file.clone(),
        allow_hosts: config.allow_hosts.clone(),
        line: line.clone(),
        ..UpstreamSettings::default()
    };
    let wrong = |error: &dyn std::fmt::Display| Stays::Content(error.to_string());
    let label = name.parse::<SourceName>().map_err(|error| wrong(&error))?;
    let config = upstream_config(&label, &settings).map_err(|error| wrong(&error))?;
    let environment = Environment::of_this_process();
    FeedHost::new(&config, &environment).map_err(|error| wrong(&error))
}

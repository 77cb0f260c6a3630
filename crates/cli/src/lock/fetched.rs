//! [`fetched`]: what comes when the files of a lock are fetched. They are hashed on the way, and kept nowhere.

use std::collections::BTreeSet;
use std::io::IsTerminal as _;

use futures_util::StreamExt as _;
use indicatif::{ProgressBar, ProgressStyle};
use portcullis_core::digest::Sha256;
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::pypi::simple::PageFile;
use portcullis_upstream::files::{Extent, FileRequest};
use sha2::Digest as _;
use url::Url;

use super::verify::Item;
use crate::gateway::Plain;
use crate::output::Format;
use crate::scan::index::Asked;

/// The largest file that is fetched, in bytes.
const LARGEST: u64 = 4 << 30;

/// How far it is, for whoever waits at a terminal.
pub(super) struct Progress(ProgressBar);

impl Progress {
    pub(super) fn new(files: usize, format: Format) -> Self {
        let is_watched = format == Format::Text && std::io::stderr().is_terminal();
        let bar = match is_watched {
            true => ProgressBar::new(files as u64),
            false => ProgressBar::hidden(),
        };
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len} files  {msg}");
        Self(bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())))
    }

    pub(super) fn done(&self) {
        self.0.finish_and_clear();
    }
}

type Fetched = ((ProjectName, String), Result<Sha256, String>);

/// The digest of each file of `project` that `items` mean, or why it could not be fetched.
pub(super) async fn fetched(
    plain: &Plain,
    project: &ProjectName,
    items: &[&Item],
    progress: &Progress,
) -> Vec<Fetched> {
    let listed = match plain.index().find(project).await {
        Ok(Some(listed)) => listed,
        // That it is missing, or why it is not known, is told of the page.
        Ok(None) | Err(_) => return Vec::new(),
    };
    let is_meant = |file: &PageFile| {
        items.iter().any(|item| match &item.filename {
            Some(filename) => **filename == *file.filename,
            None => item.sha256.is_some() && file.sha256() == item.sha256,
        })
    };
    let mut done = Vec::new();
    let meant: BTreeSet<usize> = (0..listed.page.files.len())
        .filter(|at| is_meant(&listed.page.files[*at]))
        .collect();
    for at in meant {
        let file = &listed.page.files[at];
        progress.0.set_message(file.filename.to_string());
        let digest = digest(&listed.asked, file).await;
        done.push(((project.clone(), file.filename.to_string()), digest));
        progress.0.inc(1);
    }
    done
}

async fn digest(asked: &Asked, file: &PageFile) -> Result<Sha256, String> {
    let url = Url::parse(&file.url).map_err(|_| "the index gives it no address".to_owned())?;
    let request = FileRequest {
        expected_size: Some(file.size.unwrap_or(LARGEST)),
        ..FileRequest::whole(&url)
    };
    let opened = asked.source().open_file(&request).await;
    let stream = opened.map_err(|error| format!("it cannot be fetched: {error}"))?;
    let Some(stream) = stream.filter(|stream| stream.extent == Extent::Whole) else {
        return Err("the index lists it and does not send it".to_owned());
    };
    let mut hash = sha2::Sha256::new();
    let mut bytes = stream.bytes;
    while let Some(piece) = bytes.next().await {
        hash.update(&piece.map_err(|error| format!("it cannot be fetched: {error}"))?);
    }
    Ok(Sha256::from_bytes(hash.finalize().into()))
}

//! Asking a running Portcullis for pages and files. Files are written beside their place and moved
//! there only when their SHA-256 is the one that the manifest names.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use futures_util::StreamExt as _;
use portcullis_core::digest::Sha256;
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::pypi::simple::ProjectPage;
use portcullis_core::pypi::simple_json;
use reqwest::{Client, Response};
use sha2::Digest as _;
use url::Url;

use crate::manifest::Entry;

/// How long nothing may arrive before a connection is given up.
const SILENCE: Duration = Duration::from_secs(120);
/// How often a request is made before it counts as failed.
const ATTEMPTS: usize = 3;
/// The largest page that is read, in bytes.
const LARGEST_PAGE: usize = 256 << 20;
/// How much of a file is read at once, in bytes.
const BLOCK: usize = 256 * 1024;

/// How a file came to be in its folder.
#[derive(Debug)]
pub(crate) enum Arrival {
    /// It was there, with the right content.
    WasThere,
    /// It was fetched.
    Fetched,
}

/// A running gateway.
#[derive(Debug)]
pub(crate) struct Gateway {
    client: Client,
    simple: Url,
}

impl Gateway {
    /// The gateway whose simple index is at `simple`.
    pub(crate) fn at(mut simple: Url) -> anyhow::Result<Self> {
        if !simple.path().ends_with('/') {
            simple.set_path(&format!("{}/", simple.path()));
        }
        // Fails only when the process has a provider already, which is then used.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let client = Client::builder()
            .read_timeout(SILENCE)
            .no_proxy()
            .build()
            .context("cannot set up the client")?;
        Ok(Self { client, simple })
    }

    /// What the gateway lists of a project.
    pub(crate) async fn page(&self, project: &ProjectName) -> anyhow::Result<ProjectPage> {
        let address = self.address_of(project)?;
        let response = self.get(address).await?;
        let mut bytes = Vec::new();
        let mut stream = response.bytes_stream();
        while let Some(block) = stream.next().await {
            bytes.extend_from_slice(&block.context("the page ended early")?);
            if bytes.len() > LARGEST_PAGE {
                bail!("the page has more than {LARGEST_PAGE} bytes");
            }
        }
        simple_json::parse(&bytes, project).context("the page cannot be read")
    }

    /// Has a file of the manifest at `target`. The project's page is kept in `page` for the next one.
    pub(crate) async fn bring(
        &self,
        project: &ProjectName,
        entry: &Entry,
        target: &Path,
        page: &mut Option<ProjectPage>,
    ) -> anyhow::Result<Arrival> {
        if is_there(entry, target)? {
            return Ok(Arrival::WasThere);
        }
        let page = match page {
            Some(page) => page,
            None => page.insert(self.page(project).await.context("no page")?),
        };
        let listed = page
            .files
            .iter()
            .find(|file| *file.filename == *entry.filename)
            .context("not listed: its project removed it, or the gateway's policy holds it")?;
        let address = self.address_of(project)?.join(&listed.url)?;
        self.download(address, entry, target).await?;
        Ok(Arrival::Fetched)
    }

    async fn download(&self, address: Url, entry: &Entry, target: &Path) -> anyhow::Result<()> {
        let response = self.get(address).await?;
        let beside = target.with_file_name(format!("{}.part", entry.filename));
        let mut file = std::fs::File::create(&beside)
            .with_context(|| format!("cannot write {}", beside.display()))?;
        let (mut hash, mut size) = (sha2::Sha256::new(), 0_u64);
        let mut stream = response.bytes_stream();
        while let Some(block) = stream.next().await {
            let block = block.context("the file ended early")?;
            size += block.len() as u64;
            if size > entry.size {
                bail!("longer than the {} bytes of the manifest", entry.size);
            }
            hash.update(&block);
            file.write_all(&block).context("cannot write the file")?;
        }
        let found = Sha256::from_slice(&hash.finalize())?;
        if found != entry.sha256 {
            bail!("its SHA-256 is {}, not the manifest's", found.to_hex());
        }
        drop(file);
        std::fs::rename(&beside, target).context("cannot move the file to its place")
    }

    /// Asks up to [`ATTEMPTS`] times. An answer that refuses is not asked for again.
    async fn get(&self, address: Url) -> anyhow::Result<Response> {
        let mut attempt = 1;
        loop {
            let request = self.client.get(address.clone());
            let request =
                request.header("accept", "application/vnd.pypi.simple.v1+json, */*;q=0.1");
            match request.send().await {
                Ok(response) if response.status().is_success() => return Ok(response),
                Ok(response) if response.status().is_client_error() => {
                    bail!("the gateway refuses: {}", response.status());
                }
                Ok(response) if attempt == ATTEMPTS => {
                    bail!("the gateway fails: {}", response.status())
                }
                Err(error) if attempt == ATTEMPTS => {
                    let advice = "is it running? `portcullis serve`, or name it with --gateway";
                    return Err(error)
                        .with_context(|| format!("no answer from the gateway ({advice})"));
                }
                Ok(_) | Err(_) => {}
            }
            tokio::time::sleep(Duration::from_secs(2) * u32::try_from(attempt)?).await;
            attempt += 1;
        }
    }

    fn address_of(&self, project: &ProjectName) -> anyhow::Result<Url> {
        Ok(self.simple.join(&format!("{project}/"))?)
    }
}

/// Whether the very file is at `target`.
fn is_there(entry: &Entry, target: &Path) -> anyhow::Result<bool> {
    let Ok(mut file) = std::fs::File::open(target) else {
        return Ok(false);
    };
    if file.metadata()?.len() != entry.size {
        return Ok(false);
    }
    let mut hash = sha2::Sha256::new();
    let mut block = vec![0; BLOCK];
    loop {
        let length = file
            .read(&mut block)
            .context("cannot read the file that is there")?;
        if length == 0 {
            return Ok(Sha256::from_slice(&hash.finalize())? == entry.sha256);
        }
        hash.update(&block[..length]);
    }
}

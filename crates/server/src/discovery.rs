//! Settling the upstreams that a configuration leaves open: by what this machine's installers use.

use std::path::{Path, PathBuf};

use portcullis_core::index::SourceName;
use portcullis_upstream::discover::{Discovered, Machine, discover};
use secrecy::ExposeSecret as _;
use url::Url;

use crate::app::OpenError;
use crate::config::{Config, ValueOrigin};

/// Where the last start noted which upstream it found, so that commands beside a running server mean
/// the same one. It never holds credentials.
const NOTE: &str = "upstream.txt";

/// Settles every open upstream of `config` for a server: looks at this machine, and notes what it
/// found. Also notes a URL that was given by a flag.
///
/// # Errors
/// [`OpenError::Undiscovered`] when nothing is found.
pub async fn settle_for_serving(config: &mut Config) -> Result<(), OpenError> {
    let open = config.undiscovered();
    if !open.is_empty() {
        let found = look(&Machine::this()).await?;
        settle(config, &open, &found);
    }
    note(config);
    Ok(())
}

/// The same for a command beside a server: what the server noted is believed first.
///
/// # Errors
/// [`OpenError::Undiscovered`] when nothing is noted and nothing is found.
pub async fn settle_for_command(config: &mut Config) -> Result<(), OpenError> {
    let open = config.undiscovered();
    if open.is_empty() {
        return Ok(());
    }
    let noted = std::fs::read_to_string(note_path(&config.data)).ok();
    if let Some(url) = noted.and_then(|text| Url::parse(text.trim()).ok()) {
        let origin = ValueOrigin::Discovered("the server's last start".to_owned());
        for name in &open {
            config.settle_upstream(name, url.clone(), origin.clone());
        }
        return Ok(());
    }
    let found = look(&Machine::this()).await?;
    settle(config, &open, &found);
    Ok(())
}

/// What this machine's installers use.
///
/// # Errors
/// [`OpenError::Undiscovered`] when nothing is found; it asks for `--upstream`.
pub async fn look(machine: &Machine) -> Result<Discovered, OpenError> {
    discover(machine)
        .await
        .map_err(|error| OpenError::Undiscovered(error.to_string()))
}

fn settle(config: &mut Config, open: &[SourceName], found: &Discovered) {
    let index = &found.index;
    let mut url = index.url.clone();
    if let Some(credentials) = &index.credentials {
        // Both fail only for URLs that no installer could use either.
        let _ = url.set_username(&credentials.username);
        let _ = url.set_password(Some(credentials.password.expose_secret()));
    }
    for name in open {
        let origin = ValueOrigin::Discovered(index.found_in.clone());
        config.settle_upstream(name, url.clone(), origin);
        if let Some(ca_file) = &found.ca_file {
            config.settle_ca_file(name, &ca_file.path);
        }
    }
}

fn note_path(data: &Path) -> PathBuf {
    data.join(NOTE)
}

fn note(config: &Config) {
    let urls = config.upstream_urls();
    let [url] = &urls[..] else { return };
    let has_credentials = !url.username().is_empty() || url.password().is_some();
    if has_credentials {
        return;
    }
    let noted = std::fs::create_dir_all(&config.data)
        .and_then(|()| std::fs::write(note_path(&config.data), format!("{url}\n")));
    if let Err(error) = noted {
        tracing::warn!("could not note the upstream for other commands: {error}");
    }
}

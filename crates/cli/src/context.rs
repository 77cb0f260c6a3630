//! What every command beside a server needs: the configuration, and the gateway opened from it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use portcullis_server::app::system_clock;
use portcullis_server::config::Overrides;
use portcullis_server::{App, Config, discovery};

/// Where the gateway is.
#[derive(Clone, Debug, Default, Args)]
pub struct Place {
    /// The configuration file [default: portcullis.toml in this folder, if there is one]
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// The data directory [default: ./portcullis-data]
    #[arg(long, value_name = "DIR", global = true)]
    pub data: Option<PathBuf>,
}

impl Place {
    /// What these flags and the environment lay over the configuration.
    pub fn overrides(&self) -> Overrides {
        let environment: BTreeMap<String, String> = std::env::vars().collect();
        Overrides {
            config: self.config.clone(),
            data: self.data.clone(),
            environment,
            ..Overrides::default()
        }
    }

    /// The gateway, opened beside the server that may be running.
    pub async fn open(&self) -> anyhow::Result<Arc<App>> {
        let mut config = Config::load(&self.overrides())?;
        discovery::settle_for_command(&mut config).await?;
        Ok(App::open(config, system_clock()).await?)
    }
}

/// A runtime for commands: they wait more than they compute.
pub fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    portcullis_upstream::tls::install_crypto_provider();
    Ok(tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?)
}

//! What every command beside a server needs: where the gateway is, its configuration, and the gateway
//! or its database alone, opened beside the server that may be running.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use portcullis_core::time::Timestamp;
use portcullis_server::app::system_clock;
use portcullis_server::config::{FILE_NAME, Overrides};
use portcullis_server::{App, Config, discovery};
use portcullis_store::Db;

use crate::exit::failure;

/// Where the last start of a server noted its configuration file, so that commands beside it mean the
/// same one when they only know the data directory.
const NOTE: &str = "config.txt";

const DEFAULT_DATA: &str = "./portcullis-data";

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

/// What a command does where there is no gateway yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absence {
    /// It says so, and makes nothing.
    Refused,
    /// It makes the data directory, for the server that comes later.
    Prepared,
}

/// The database of a gateway and the configuration that names it.
pub struct Opened {
    /// The configuration.
    pub config: Config,
    /// The database.
    pub db: Db,
}

impl Place {
    /// What these flags and the environment lay over the configuration of a server.
    pub fn overrides(&self) -> Overrides {
        let environment: BTreeMap<String, String> = std::env::vars().collect();
        Overrides {
            config: self.config.clone(),
            data: self.data.clone(),
            environment,
            ..Overrides::default()
        }
    }

    /// The same for a command beside a server: where nothing here names a configuration file, the one
    /// that the server of this data directory noted.
    fn overrides_beside(&self) -> Overrides {
        let mut overrides = self.overrides();
        if file_of(&overrides).is_none() {
            let note = data_of(&overrides).join(NOTE);
            let noted = std::fs::read_to_string(note).ok();
            overrides.config = noted.map(|text| PathBuf::from(text.trim_end_matches('\n')));
        }
        overrides
    }

    /// The configuration.
    pub fn configuration(&self) -> anyhow::Result<Config> {
        Ok(Config::load(&self.overrides_beside())?)
    }

    /// The configuration file in use, if there is one.
    pub fn configuration_file(&self) -> Option<PathBuf> {
        file_of(&self.overrides_beside())
    }

    /// The database alone, for what needs neither sources nor policies.
    pub async fn database(&self, absence: Absence) -> anyhow::Result<Opened> {
        let config = self.configuration()?;
        if absence == Absence::Refused {
            must_exist(&config)?;
        }
        let db = Db::open(&config.database).await?;
        Ok(Opened { config, db })
    }

    /// The gateway.
    pub async fn gateway(&self) -> anyhow::Result<Arc<App>> {
        let mut config = self.configuration()?;
        must_exist(&config)?;
        discovery::settle_for_command(&mut config).await?;
        Ok(App::open_beside(config, system_clock()).await?)
    }
}

/// Notes, for commands that only know the data directory, which configuration file a server uses.
pub fn note_configuration(overrides: &Overrides, data: &Path) {
    let note = data.join(NOTE);
    let file = file_of(overrides).and_then(|file| std::path::absolute(file).ok());
    let noted = match &file {
        Some(file) => std::fs::create_dir_all(data)
            .and_then(|()| std::fs::write(&note, format!("{}\n", file.display()))),
        None if note.exists() => std::fs::remove_file(&note),
        None => Ok(()),
    };
    if let Err(error) = noted {
        tracing::warn!("could not note the configuration file for other commands: {error}");
    }
}

fn file_of(overrides: &Overrides) -> Option<PathBuf> {
    let variable = || overrides.environment.get("PORTCULLIS_CONFIG");
    let here = || Some(PathBuf::from(FILE_NAME)).filter(|path| path.is_file());
    overrides
        .config
        .clone()
        .or_else(|| variable().map(PathBuf::from))
        .or_else(here)
}

fn data_of(overrides: &Overrides) -> PathBuf {
    let variable = || overrides.environment.get("PORTCULLIS_DATA");
    overrides
        .data
        .clone()
        .or_else(|| variable().map(PathBuf::from))
        .unwrap_or_else(|| PathBuf::from(DEFAULT_DATA))
}

/// Refuses to make an empty database for a question about what is in it.
fn must_exist(config: &Config) -> anyhow::Result<()> {
    match database_file(config) {
        Some(path) if !path.exists() => Err(failure(
            format!("there is no gateway in {}", config.data.display()),
            "name its data directory with --data DIR or its configuration with --config FILE, or \
             start one with `portcullis serve`",
        )),
        _ => Ok(()),
    }
}

/// The file of an embedded database.
pub fn database_file(config: &Config) -> Option<PathBuf> {
    let location = config.database.as_str();
    let path = location.strip_prefix("sqlite:").unwrap_or(location);
    let path = path.strip_prefix("//").unwrap_or(path);
    (!path.contains("://")).then(|| PathBuf::from(path))
}

/// `--data DIR` where the directory is not the usual one, to be put behind commands in remedies.
pub fn data_flag(config: &Config) -> String {
    match config.data == Path::new(DEFAULT_DATA) {
        true => String::new(),
        false => format!(" --data {}", config.data.display()),
    }
}

/// Who is acting, for the ledger: the user as the system's environment names them.
pub fn who() -> String {
    let named = ["SUDO_USER", "USER", "LOGNAME"];
    let user = named
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|user| !user.is_empty()));
    match user {
        Some(user) => format!("command line ({user})"),
        None => "command line".to_owned(),
    }
}

/// The present.
pub fn now() -> Timestamp {
    system_clock()()
}

/// Waits for an answer from elsewhere, on this thread: a command that only asks is done before threads for it are
/// worth their start.
pub fn wait_for_answer<T>(question: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    portcullis_upstream::tls::install_crypto_provider();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(question)
}

/// Runs a command that waits more than it computes.
pub fn wait_for<T>(command: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    portcullis_upstream::tls::install_crypto_provider();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(command)
}

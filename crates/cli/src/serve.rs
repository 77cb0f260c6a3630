//! `portcullis serve`: the gateway in the foreground, until it is told to stop.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context as _;
use clap::Args;
use portcullis_server::app::system_clock;
use portcullis_server::config::{LogFormat, Reading, SourceConfig};
use portcullis_server::{App, Config, discovery, jobs, serve};
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

use crate::context::{Place, runtime};

/// Run the gateway.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  portcullis serve --listen 127.0.0.1:8080 --data ./portcullis-data"
)]
pub struct Serve {
    #[command(flatten)]
    place: Place,
    /// Where to listen [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// The simple index to ask for public packages [default: what pip and uv use here]
    #[arg(long, value_name = "URL")]
    upstream: Option<String>,
}

impl Serve {
    /// Runs until the process is told to stop.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        runtime()?.block_on(self.serve())
    }

    async fn serve(self) -> anyhow::Result<ExitCode> {
        let started = Instant::now();
        let mut overrides = self.place.overrides();
        overrides.listen = self.listen;
        overrides.upstream = self.upstream;
        let mut config = Config::load(&overrides)?;
        start_log(config.log);
        serve::figures();
        let is_new = !config.data.exists();
        discovery::settle_for_serving(&mut config).await?;
        let listener = TcpListener::bind(config.listen)
            .await
            .with_context(|| format!("cannot listen on {}", config.listen))?;
        let app = App::open(config, system_clock()).await?;
        app.blobs
            .probe()
            .await
            .context("the blobs cannot be used")?;
        let jobs = jobs::start(app.clone());
        let greeting = greeting(&app, listener.local_addr()?, is_new);
        let mut out = std::io::stdout().lock();
        let _ = write!(
            out,
            "{greeting}\nReady in {:.2} s.\n",
            started.elapsed().as_secs_f64()
        );
        let _ = out.flush();
        drop(out);
        serve::serve(app.clone(), listener, stop_signal()).await;
        jobs.abort();
        jobs::flush_last_used(&app).await;
        app.db.close().await;
        Ok(ExitCode::SUCCESS)
    }
}

fn greeting(app: &App, address: std::net::SocketAddr, is_new: bool) -> String {
    let config = &app.config;
    let base = match &config.public_url {
        Some(url) => url.as_str().trim_end_matches('/').to_owned(),
        None => format!("http://{address}"),
    };
    let age = if is_new { " (new)" } else { "" };
    let policy = app.policy(&config.default_index);
    let mut text = format!(
        "Portcullis {} · data {}{age} · policy {}\n\n",
        env!("CARGO_PKG_VERSION"),
        config.data.display(),
        policy.file()
    );
    text += &format!("  index     {base}/simple/\n");
    for name in config
        .indexes
        .keys()
        .filter(|name| **name != config.default_index)
    {
        text += &format!("            {base}/{name}/simple/\n");
    }
    text += &format!("  publish   {base}/legacy/\n");
    for (name, source) in &config.sources {
        if let SourceConfig::Upstream(_) = source {
            let key = format!("sources.{name}.url");
            let shown = config.shown.iter().find(|shown| shown.key == key);
            let origin = shown
                .map(|shown| shown.origin.to_string())
                .unwrap_or_default();
            text += &format!("  upstream  {name} ({origin})\n");
        }
    }
    let reading = match config.reading {
        Reading::Anonymous => "anyone who reaches this address",
        Reading::WithToken => "tokens with the scope read",
    };
    text += &format!("  reading   {reading}\n\n");
    text += &format!("Point an installer here:  pip install --index-url {base}/simple/ NAME\n");
    text += "Publish:  portcullis token create NAME --scope upload";
    if config.data != std::path::Path::new("./portcullis-data") {
        text += &format!(" --data {}", config.data.display());
    }
    text += "\n\nInternal names are never looked up outside.";
    text
}

fn start_log(format: LogFormat) {
    let filter = EnvFilter::try_from_env("PORTCULLIS_LOG_LEVEL")
        .unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    match format {
        LogFormat::Json => builder.json().init(),
        LogFormat::Text => builder.with_target(false).init(),
    }
}

async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let interrupted = tokio::signal::ctrl_c();
    match signal(SignalKind::terminate()) {
        Ok(mut terminated) => {
            tokio::select! {
                _ = interrupted => {}
                _ = terminated.recv() => {}
            }
        }
        Err(_) => {
            let _ = interrupted.await;
        }
    }
}

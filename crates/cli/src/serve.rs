//! `portcullis serve`: the gateway in the foreground, until it is told to stop.

use std::io::{ErrorKind, IsTerminal as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context as _;
use clap::Args;
use portcullis_server::app::system_clock;
use portcullis_server::config::{LogFormat, Reading, SourceConfig};
use portcullis_server::{App, Config, discovery, jobs, serve};
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

use crate::advisories;
use crate::context::{Place, data_flag, note_configuration, wait_for};
use crate::exit::{Exit, failure};
use crate::output::print;

/// Run the gateway in the foreground, until it is told to stop
///
/// The log goes to the standard error; PORTCULLIS_LOG_LEVEL chooses what is in it (default: info).
/// SIGTERM and Ctrl-C let transfers under way finish; a second one does not. A socket that systemd hands
/// over (LISTEN_FDS) is used instead of --listen. With TLS, new certificate files are taken up when
/// they change, and at once on SIGHUP.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  portcullis serve --listen 127.0.0.1:8080 --data ./portcullis-data\n  \
                  portcullis serve --listen 0.0.0.0:8443 --tls-cert chain.pem --tls-key key.pem"
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
    /// Speak HTTPS with this certificate: a PEM file, the server's own first, then its chain
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// The private key of the certificate, a PEM file without a password
    #[arg(long, value_name = "FILE")]
    tls_key: Option<PathBuf>,
    /// Let no request leave: serve what is here
    #[arg(long)]
    offline: bool,
}

impl Serve {
    /// Runs until the process is told to stop.
    pub fn run(self) -> anyhow::Result<Exit> {
        // Before there is a second thread: taking the variables away changes the environment.
        let handed_over = handed_over()?;
        wait_for(self.serve(handed_over))
    }

    async fn serve(self, handed_over: Option<std::net::TcpListener>) -> anyhow::Result<Exit> {
        let started = Instant::now();
        let mut overrides = self.place.overrides();
        overrides.listen = self.listen;
        if let Some(listener) = &handed_over {
            // Who may read without a token depends on where it really listens.
            overrides.listen = Some(listener.local_addr()?.to_string());
        }
        overrides.upstream = self.upstream;
        overrides.tls_cert = self.tls_cert;
        overrides.tls_key = self.tls_key;
        overrides.offline = self.offline.then(|| "true".to_owned());
        let mut config = Config::load(&overrides)?;
        start_log(config.log);
        serve::figures();
        serve::raise_limit();
        let is_new = !config.data.exists();
        let listener = listen(config.listen, handed_over)?;
        discovery::settle_for_serving(&mut config).await?;
        note_configuration(&overrides, &config.data);
        let app = App::open(config, system_clock()).await?;
        app.blobs
            .probe()
            .await
            .context("the blobs cannot be used")?;
        let jobs = jobs::start(app.clone());
        let greeting = greeting(&app, listener.local_addr()?, is_new);
        let seconds = started.elapsed().as_secs_f64();
        // A closed standard output is no reason not to serve.
        let _ = print(&format!("{greeting}\nReady in {seconds:.2} s.\n"));
        serve::serve(app.clone(), listener, stop_signal()).await;
        jobs.abort();
        jobs::end(&app).await;
        app.db.close().await;
        Ok(Exit::Clean)
    }
}

/// The socket that was handed over, or one of our own at `address`.
fn listen(
    address: SocketAddr,
    handed_over: Option<std::net::TcpListener>,
) -> anyhow::Result<TcpListener> {
    let Some(listener) = handed_over else {
        return bind(address);
    };
    listener.set_nonblocking(true)?;
    Ok(TcpListener::from_std(listener)?)
}

/// The socket that systemd, or another parent that keeps its protocol, listens on for us (`LISTEN_FDS`). It
/// stays open between two processes, so that a restart turns no client away.
#[cfg(unix)]
fn handed_over() -> anyhow::Result<Option<std::net::TcpListener>> {
    let refused = |error: std::io::Error| {
        failure(
            format!("cannot use the socket that was handed over: {error}"),
            "hand over one listening TCP socket: one ListenStream= in the .socket unit",
        )
    };
    let mut handed = listenfd::ListenFd::from_env();
    if handed.len() > 1 {
        let found = format!("there are {} of them", handed.len());
        return Err(refused(std::io::Error::other(found)));
    }
    handed.take_tcp_listener(0).map_err(refused)
}

#[cfg(not(unix))]
fn handed_over() -> anyhow::Result<Option<std::net::TcpListener>> {
    Ok(None)
}

fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let error = match serve::listen(address) {
        Ok(listener) => return Ok(listener),
        Err(error) => error,
    };
    let remedy = match error.kind() {
        ErrorKind::AddrInUse => {
            "another process listens there: stop it, or choose another port, for example \
             --listen 127.0.0.1:0 for any that is free"
        }
        ErrorKind::PermissionDenied => {
            "ports below 1024 need a right that this user does not have: choose another one with \
             --listen"
        }
        _ => "give an address of this machine with --listen, for example 127.0.0.1:8080",
    };
    Err(failure(
        format!("cannot listen on {address}: {error}"),
        remedy,
    ))
}

fn greeting(app: &App, address: SocketAddr, is_new: bool) -> String {
    let config = &app.config;
    let base = match &config.public_url {
        Some(url) => url.as_str().trim_end_matches('/').to_owned(),
        None if app.tls.is_some() => format!("https://{address}"),
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
    let data = data_flag(config);
    text += &format!("  feeds     {}\n", advisories::greeting_line(app, &data));
    if app.is_offline() {
        text += "  offline   no request leaves; what is here is served\n";
    }
    text += &match config.reading {
        Reading::Anonymous => "  reading   anyone who reaches this address\n".to_owned(),
        Reading::WithToken => {
            format!("  reading   needs a token: portcullis token create NAME --scope read{data}\n")
        }
    };
    text += &format!("\nInstall:  pip install --index-url {base}/simple/ NAME\n");
    text += &format!("Publish:  portcullis token create NAME --scope upload{data}\n");
    text += &format!("          twine upload --repository-url {base}/legacy/ dist/*\n");
    text += "\nInternal names are never looked up outside.\n";
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
        LogFormat::Text => {
            let wants_colour = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
            let colour = wants_colour && std::io::stderr().is_terminal();
            builder.with_target(false).with_ansi(colour).init();
        }
    }
}

async fn stop_signal() {
    told_to_stop().await;
    tokio::spawn(async {
        told_to_stop().await;
        // Whoever asks twice does not want to wait; what was acknowledged is on disk already.
        std::process::exit(130);
    });
}

async fn told_to_stop() {
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
